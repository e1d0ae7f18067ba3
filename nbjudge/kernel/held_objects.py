"""What a kernel goes on to hold of the objects that cross by value: its test has them, too.

In one process a test and an answer may have one list, array or dictionary between them. What either
does to it, the other sees: as where an answer keeps, or gives away, what it should have copied.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nbjudge.plain.snapshots import HOLDERS, Snapshot, changes_since
from nbjudge.plain.write_back import CannotChange, write_back

__all__ = ["HeldObjects", "PartPath"]

#: Objects that are followed in one test, and the parts of a value that are looked at.
MOST_HELD, MOST_PARTS = 50, 1000

#: How to get to a part of a value: by which indices and keys.
PartPath = tuple[Any, ...]
Parts = list[tuple[PartPath, Any]]


class HeldObjects:
    """The objects that a test and an answer share, as far as the kernel knows: small ones."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as with a new test."""
        self._objects: list[Any] = []
        self._snapshots: dict[int, Snapshot] = {}
        self._numbers: dict[int, int] = {}
        self._same: list[tuple[Any, PartPath, int]] = []
        self._views: list[tuple[PartPath, int, int, tuple[int, ...]]] = []

    def count_references(self, handed: Mapping[Any, Any]) -> list[tuple[Any, Parts, list[int]]]:
        """Return what refers to the parts of a call's arguments, to be compared by `note_call`."""
        found = {
            place: _changeable_parts(value)
            for place, value in handed.items()
            if type(value) in HOLDERS
        }
        # Only now, when no name here refers to one of them.
        return [(place, parts, _reference_counts(parts)) for place, parts in found.items()]

    def note_call(self, counted: list[tuple[Any, Parts, list[int]]]) -> None:
        """Note which parts of a call's arguments something refers to that did not before."""
        for place, parts, before in counted:
            now = _reference_counts(parts)
            for (path, part), former, count in zip(parts, before, now, strict=True):
                if count > former:
                    self._share(place, path, part)

    def note_result(self, result: Any) -> Any:
        """Note which parts of what goes to the test something else refers to; return it."""
        if type(result) in HOLDERS:
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
        """Note that an array shares its memory with something else, if it does."""
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
            if len(self._objects) >= MOST_HELD or not (snapshot := Snapshot(part)).is_taken:
                return
            number = self._numbers[id(part)] = len(self._objects)
            self._objects.append(part)  # so that nothing else gets its id
            self._snapshots[number] = snapshot
        if self._snapshots[number].is_taken:  # it may have become too large to be followed
            self._same.append((place, path, number))

    def take(self, changed: Mapping[int, Any]) -> None:
        """Do to objects what the test did to its own."""
        for number, new in changed.items():
            try:
                write_back(self._objects[number], new)
            except CannotChange:  # it is no longer of this form here
                continue
            self._snapshots[number] = Snapshot(self._objects[number])

    def told(self) -> dict[str, Any]:
        """Return what the test's side has to know since it was told last; empty if it is nothing.

        That are contents which changed, parts of arguments and results that are one object, and
        arrays that show the memory of another.
        """
        found: dict[str, Any] = {}
        if self._objects:
            changed = changes_since(self._snapshots, enumerate(self._objects))
            found = {"changed": changed, "same": self._same, "views": self._views}
            self._same, self._views = [], []
        return {name: what for name, what in found.items() if what}


def _changeable_parts(value: Any) -> Parts:
    """Return what can be changed of a value, itself first, each part with the way to it."""
    return list(_walk(value))


def _walk(value: Any) -> Iterator[tuple[PartPath, Any]]:
    pending: list[tuple[PartPath, Any]] = [((), value)]
    seen = 0
    while pending and seen < MOST_PARTS:
        seen += 1
        path, part = pending.pop()
        if type(part) is not tuple:
            yield path, part
        if type(part) in (list, tuple) and len(part) <= MOST_PARTS:
            pending += [((*path, n), one) for n, one in enumerate(part) if type(one) in HOLDERS]
        elif type(part) is dict and len(part) <= MOST_PARTS:
            pending += [((*path, key), one) for key, one in part.items() if type(one) in HOLDERS]


def _reference_counts(parts: Parts) -> list[int]:
    return [sys.getrefcount(part) for _, part in parts]


def _usual_counts() -> tuple[tuple[int, int], int]:
    """Return how often a result, a part of one, and the memory of an array are referred to.

    All in the way of `HeldObjects.note_result`, of objects that nothing else refers to.
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
