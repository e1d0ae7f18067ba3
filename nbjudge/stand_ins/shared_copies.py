"""The test's own copies of objects that an answer holds, too: each sees what the other does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from nbjudge.plain.snapshots import HOLDERS, Snapshot, changes_since
from nbjudge.plain.write_back import CannotChange, write_back

__all__ = ["Misfit", "SharedCopies"]


class Misfit(Exception):
    """A kernel tells of objects that are not there: no honest one does."""


class SharedCopies:
    """The copies, by the numbers that the kernel gives to its objects."""

    def __init__(self) -> None:
        self._copies: dict[int, Any] = {}
        self._snapshots: dict[int, Snapshot] = {}

    def changed(self) -> dict[int, Any]:
        """Return those that the test has changed since this was asked last, or since they came."""
        return changes_since(self._snapshots, self._copies.items())

    def take(self, told: Any, handed: Mapping[Any, Any], value: Any) -> Any:
        """Do to the test's own objects what the kernel tells, and return a value as it is by that.

        Parameters
        ----------
        told : dict
            Whatever the kernel sent in the place of what `HeldObjects.told` returns.
        handed : mapping
            The test's arguments of the call, by place.
        value : object
            What came back.

        Raises
        ------
        Misfit
            If it tells of anything that is not there.
        """
        try:
            for number, new in told.get("changed", {}).items():
                write_back(self._copies[number], new)
                self._snapshots[number] = Snapshot(self._copies[number])
            for place, path, number in told.get("same", []):
                value = self._unite(place, path, int(number), handed, value)
            for path, number, start, strides in told.get("views", []):
                view = partial(self._view, number=number, start=start, strides=strides)
                value = _replaced(value, path, view)
        except (AttributeError, CannotChange, LookupError, TypeError, ValueError) as error:
            raise Misfit from error
        return value

    def _unite(
        self, place: Any, path: Any, number: int, handed: Mapping[Any, Any], value: Any
    ) -> Any:
        """Let a part be the object that the test has of this number, or give it the number."""
        whole = value if place is None else handed[place]
        part = _part(whole, path)
        if type(part) not in HOLDERS:
            raise TypeError(type(part).__name__)
        known = self._copies.setdefault(number, part)
        if known is part:
            self._snapshots[number] = Snapshot(part)
        elif place is None and type(known) is type(part):
            return _replaced(value, path, lambda _: known)
        return value

    def _view(self, old: Any, number: int, start: int, strides: tuple[int, ...]) -> Any:
        """Return what shows the memory of the test's own array, as the old one does there."""
        own = self._copies[number]
        if not (type(own) is type(old) is np.ndarray) or not own.flags.c_contiguous:
            return old
        if own.dtype.hasobject or old.dtype.hasobject:
            return old
        view = np.ndarray(old.shape, old.dtype, buffer=own, offset=start, strides=strides)
        return view if np.array_equal(view, old, equal_nan=old.dtype.kind in "fc") else old


def _part(whole: Any, path: Any) -> Any:
    for step in path:
        if not isinstance(whole, list | tuple | dict):  # a stand-in would ask for its part
            raise TypeError(type(whole).__name__)
        whole = whole[step]
    return whole


def _replaced(whole: Any, path: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value in which a part has changed; tuples hold what they hold."""
    if not path:
        return change(whole)
    holder = _part(whole, path[:-1])
    if isinstance(holder, list | dict):
        holder[path[-1]] = change(holder[path[-1]])
    return whole
