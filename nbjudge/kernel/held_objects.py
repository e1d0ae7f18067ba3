"""Track the objects that both a test and an answer hold, so that each sees the other's changes.

In one process a test and an answer can share a list, an array or a dictionary, for instance where
an answer stores an argument that it should have copied. Here each process has a copy of the object,
and changes of one copy are repeated on the other. Reference counts show which objects the answer
still holds after a call.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nbjudge.plain.kinds import ValueBounds, WireError
from nbjudge.plain.snapshots import Watcher, holder_types
from nbjudge.plain.write_back import CannotChange, write_back

__all__ = ["HeldObjects", "PartPath"]

#: Objects tracked in one test: a loop may be given new ones without end.
MOST_HELD = 100
#: Parts of one value that are examined, and how deep: what can cross. A list may contain itself.
MOST_PARTS, MOST_LEVELS = ValueBounds.items, ValueBounds.depth

#: The indices and keys that lead to a part of a value.
PartPath = tuple[Any, ...]
Parts = list[tuple[PartPath, Any]]


class HeldObjects:
    """The kernel's side of the objects that a test and an answer share."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget all objects, as a new test begins."""
        self._objects: list[Any] = []
        self._watcher = Watcher()
        self._numbers: dict[int, int] = {}
        self._same: list[tuple[Any, PartPath, int]] = []
        self._views: list[tuple[PartPath, int, int, tuple[int, ...]]] = []

    def count_references(self, handed: Mapping[Any, Any]) -> list[tuple[Any, Parts, list[int]]]:
        """Return the reference counts of the parts of a call's arguments, for `note_call`."""
        holders = holder_types()
        found = {
            place: _changeable_parts(value)
            for place, value in handed.items()
            if type(value) in holders
        }
        # Counted last, when no local name refers to one of the parts any more.
        return [(place, parts, _reference_counts(parts)) for place, parts in found.items()]

    def note_call(self, counted: list[tuple[Any, Parts, list[int]]]) -> None:
        """Note the parts of a call's arguments that have more references than before the call."""
        for place, parts, before in counted:
            now = _reference_counts(parts)
            for (path, part), former, count in zip(parts, before, now, strict=True):
                if count > former:
                    self._share(place, path, part)

    def note_result(self, result: Any) -> Any:
        """Note the parts of a result that the answer still refers to; return the result."""
        if type(result) in holder_types():
            usual = _USUAL_COUNTS
            parts = _changeable_parts(result)
            counts = _reference_counts(parts)
            for (path, part), count in zip(parts, counts, strict=True):
                if count > usual[bool(path)]:
                    self._share(None, path, part)
                elif type(part) is np.ndarray and part.base is not None:
                    self._note_view(path, part)
        return result

    def _note_view(self, path: PartPath, array: np.ndarray[Any, Any]) -> None:
        """Note that an array is a view of another array, if the answer holds that one."""
        base = array.base
        if type(base) is not np.ndarray:
            return
        number = self._numbers.get(id(base))
        if number is not None:
            start = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
            self._views.append((path, number, start, array.strides))
        elif sys.getrefcount(base) > _USUAL_COUNT_OF_BASE:
            self._share(None, path, array)

    def _share(self, place: Any, path: PartPath, part: Any) -> None:
        number = self._numbers.get(id(part))
        if number is None:
            if len(self._objects) >= MOST_HELD:
                return
            number = self._numbers[id(part)] = len(self._objects)
            self._objects.append(part)  # so that nothing else gets its id
            self._watcher.watch(number, part)
        self._same.append((place, path, number))

    def find(self, number: int) -> Any:
        """Return a shared object, which the test hands over again.

        Raises
        ------
        WireError
            If there is none with this number.
        """
        if number >= len(self._objects):
            raise WireError(f"there is no shared object number {number}")
        return self._objects[number]

    def take(self, changed: Mapping[int, Any]) -> None:
        """Repeat the test's changes of its copies on the objects here."""
        for number, new in changed.items():
            try:
                write_back(self._objects[number], new)
            except CannotChange:  # its type or shape has changed here meanwhile
                self._watcher.lose()
            self._watcher.watch(number, self._objects[number])

    def told(self) -> dict[str, Any]:
        """Return the news for the test's side since the last call; empty if there is none.

        `changed` holds new contents by number, `same` the parts of arguments and results that are
        shared objects, and `views` the arrays that are views of one.
        """
        found: dict[str, Any] = {}
        if self._objects:
            changed = self._watcher.changes()
            found = {"changed": changed, "same": self._same, "views": self._views}
            self._same, self._views = [], []
        return {name: what for name, what in found.items() if what}

    def lose(self) -> None:
        """Note that a change could not be sent to the test's side."""
        self._watcher.lose()

    def has_missed(self) -> bool:
        """Return whether the test's side has missed, or may have missed, a change."""
        return self._watcher.has_missed()


def _changeable_parts(value: Any) -> Parts:
    """Return the parts of a value that can change in place, itself first, each with its path."""
    return list(_walk(value))


def _walk(value: Any) -> Iterator[tuple[PartPath, Any]]:
    holders = holder_types()
    pending: list[tuple[PartPath, Any]] = [((), value)]
    seen = 0
    while pending and seen < MOST_PARTS:
        seen += 1
        path, part = pending.pop()
        if type(part) is not tuple:
            yield path, part
        if len(path) == MOST_LEVELS:
            continue
        if type(part) in (list, tuple) and len(part) <= MOST_PARTS:
            pending += [((*path, n), one) for n, one in enumerate(part) if type(one) in holders]
        elif type(part) is dict and len(part) <= MOST_PARTS:
            pending += [((*path, key), one) for key, one in part.items() if type(one) in holders]


def _reference_counts(parts: Parts) -> list[int]:
    return [sys.getrefcount(part) for _, part in parts]


def _usual_counts() -> tuple[tuple[int, int], int]:
    """Return the reference counts of a result, of a part of one, and of an array's base.

    They are counted as `HeldObjects.note_result` counts, for objects that nobody else holds.
    """

    def note(result: Any) -> list[int]:
        parts = _changeable_parts(result)
        return _reference_counts(parts)

    def call() -> list[int]:
        result: Any = [[]]
        return note(result)

    whole, part = call()
    array = np.zeros(2)[::-1]
    base = array.base
    return (whole, part), sys.getrefcount(base)


_USUAL_COUNTS, _USUAL_COUNT_OF_BASE = _usual_counts()
