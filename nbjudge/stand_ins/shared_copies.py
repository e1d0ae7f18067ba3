"""The test's copies of objects that it shares with an answer, kept equal to the kernel's.

`kernel.held_objects` is the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from nbjudge.kernel.references import HELD_NUMBERS, ITERATORS
from nbjudge.plain.kinds import Reference
from nbjudge.plain.snapshots import Watcher, holder_types
from nbjudge.plain.write_back import CannotChange, write_back

__all__ = ["Misfit", "SharedCopies"]


class Misfit(Exception):
    """A kernel's message refers to objects that do not exist, which no honest kernel does."""


class SharedCopies:
    """The test's copies, by the kernel's number of the shared object."""

    def __init__(self) -> None:
        self._copies: dict[int, Any] = {}
        self._watcher = Watcher()

    def as_held(self, value: Any) -> Any:
        """Return the reference to the kernel's object if `value` is a copy of it, else `value`.

        So an answer that is handed an object again gets the one that it holds, as in one process.
        """
        if self._copies and type(value) in holder_types():
            for number, copy in self._copies.items():
                if copy is value:
                    return Reference(HELD_NUMBERS + number, type(value).__name__)
        return value

    def changed(self) -> dict[int, Any]:
        """Return the copies that the test has changed since the last call, by number."""
        return self._watcher.changes()

    def __bool__(self) -> bool:
        return bool(self._copies)

    def lose(self) -> None:
        """Note that a change could not be sent to the kernel."""
        self._watcher.lose()

    def has_missed(self) -> bool:
        """Return whether the kernel has missed, or may have missed, a change."""
        return self._watcher.has_missed()

    def take(self, told: Any, handed: Mapping[Any, Any], value: Any) -> Any:
        """Apply a kernel's message about shared objects, and return the result of the call.

        Parts of the result that are shared objects are replaced by the test's copies of them.

        Parameters
        ----------
        told : dict
            What `HeldObjects.told` returned in the kernel; untrusted.
        handed : mapping
            The arguments of the call, by position or name.
        value : object
            The result of the call as it was decoded.

        Raises
        ------
        Misfit
            If the message refers to anything that does not exist.
        """
        try:
            for number, new in told.get("changed", {}).items():
                try:
                    write_back(self._copies[number], new)
                except CannotChange:  # it is of another form there, or no plain data any more
                    self._watcher.lose()
                self._watcher.watch(number, self._copies[number])
            for place, path, number in told.get("same", []):
                value = self._unite(place, path, int(number), handed, value)
            for path, number, start, strides in told.get("views", []):
                view = partial(self._view, number=number, start=start, strides=strides)
                value = _replaced(value, path, view)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise Misfit from error
        return value

    def _unite(
        self, place: Any, path: Any, number: int, handed: Mapping[Any, Any], value: Any
    ) -> Any:
        """Replace a part by the test's copy with this number, or make it that copy."""
        if number not in range(ITERATORS - HELD_NUMBERS):
            raise LookupError(number)
        whole = value if place is None else handed[place]
        part = _part(whole, path)
        if type(part) not in holder_types():  # it stayed there
            return value
        known = self._copies.setdefault(number, part)
        if known is part:
            self._watcher.watch(number, part)
        elif place is None and type(known) is type(part):
            return _replaced(value, path, lambda _: known)
        return value

    def _view(self, old: Any, number: int, start: int, strides: tuple[int, ...]) -> Any:
        """Return a view of the test's copy of the base array; the old array if none is equal."""
        own = self._copies[number]
        if not (type(own) is type(old) is np.ndarray) or not own.flags.c_contiguous:
            return old
        if own.dtype.hasobject or old.dtype.hasobject:
            return old
        view = np.ndarray(old.shape, old.dtype, buffer=own, offset=start, strides=strides)
        return view if np.array_equal(view, old, equal_nan=old.dtype.kind in "fc") else old


def _part(whole: Any, path: Any) -> Any:
    for step in path:
        if not isinstance(whole, list | tuple | dict):  # indexing a stand-in sends a request
            raise TypeError(type(whole).__name__)
        whole = whole[step]
    return whole


def _replaced(whole: Any, path: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value in which a part was replaced; an element of a tuple cannot be."""
    if not path:
        return change(whole)
    holder = _part(whole, path[:-1])
    if isinstance(holder, list | dict):
        holder[path[-1]] = change(holder[path[-1]])
    return whole
