"""Snapshots of values, which show later whether the value was changed in place.

A snapshot of a list or a dictionary holds references to its elements and compares them by identity.
That takes some nanoseconds per element; comparing their values would take a hundred times as long.
"""

from __future__ import annotations

import sys
import zlib
from collections import deque
from contextlib import suppress
from operator import is_
from typing import Any

import numpy as np

from nbjudge.plain.kinds import ValueBounds

__all__ = ["CHANGEABLE", "Snapshot", "Watcher", "holder_types"]

#: Types that cross by value and can be changed in place; and with tuples, which may contain them.
CHANGEABLE = (list, dict, set, deque, bytearray, np.ndarray)
HOLDERS = frozenset([*CHANGEABLE, tuple])
#: Such types of libraries that need not be installed.
OF_LIBRARIES = (("torch", "Tensor"), ("pandas", "DataFrame"), ("pandas", "Series"))
#: Bounds of a snapshot, which are those of a value that crosses.
MOST_VALUES, MOST_LEVELS, MOST_BYTES = ValueBounds.items, ValueBounds.depth, ValueBounds.bytes
#: Bytes of the largest array that is copied. For a larger one a checksum saves memory.
MOST_COPIED = 2**16
#: Estimates, in nanoseconds, of what it takes to compare things with their snapshots.
FOR_A_VALUE, FOR_AN_OBJECT, FOR_A_TABLE, FOR_A_KILOBYTE = 20, 300, 60_000, 100
#: How many times as long it takes to make a snapshot.
TO_TAKE = 5
#: How many times as much a change that is sent counts: it takes time, and bytes of the exercise.
TO_TELL_VALUES, TO_TELL_BYTES = 100, 300
#: Nanoseconds, so estimated, that each side of one test may use.
MOST_WORK = 2 * 10**9


class _TooLarge(Exception):
    """A value exceeds what can cross."""


class Snapshot:
    """The content of a value at one moment.

    Parameters
    ----------
    value : list, dict, set, deque, bytearray, tuple, ndarray, Tensor, DataFrame or Series
        Of a type in `holder_types`.
    """

    def __init__(self, value: Any) -> None:
        self._left = MOST_VALUES
        self._holders = holder_types()
        self.cost, self.cost_to_tell = FOR_AN_OBJECT, 0
        try:
            self._content = self._taken(value, 0)
            self.is_taken = True
        except _TooLarge:
            self._content, self.is_taken = None, False

    #: Whether the value was small enough. If not, the snapshot is empty.
    is_taken: bool
    #: Nanoseconds to compare the value, and to send it.
    cost: int
    cost_to_tell: int

    def shows(self, value: Any) -> bool:
        """Return whether a value is unchanged; always True of an empty snapshot."""
        return not self.is_taken or _is_same(self._content, value)

    def _add_cost(self, cost: int, times_to_tell: int) -> None:
        self.cost += cost
        self.cost_to_tell += times_to_tell * cost

    def _taken(self, value: Any, level: int) -> Any:
        if isinstance(value, np.ndarray) or type(value) not in HOLDERS:
            content = _content_of(value)
            self._add_cost(content.cost, TO_TELL_BYTES)
            return content
        self._left -= len(value)
        self._add_cost(FOR_A_VALUE * len(value), TO_TELL_VALUES)
        if self._left < 0 or level == MOST_LEVELS:
            raise _TooLarge
        if isinstance(value, set):
            return frozenset(value)
        if isinstance(value, bytearray):
            return bytes(value)
        held = _held(value)
        holders = self._holders
        parts = [(n, self._taken(x, level + 1)) for n, x in enumerate(held) if type(x) in holders]
        return held, parts


def holder_types() -> frozenset[type]:
    """Return the types that cross by value and can be changed in place, or contain such values."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in OF_LIBRARIES)
    return HOLDERS.union(kind for kind in found if isinstance(kind, type))


# ---- What is in an array, a tensor or a table ---------------------------------------------------


class _Elements:
    """The elements of an array."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        if array.nbytes > MOST_BYTES:
            raise _TooLarge
        self._form = array.shape, array.dtype
        self._is_summed = array.nbytes > MOST_COPIED
        self._objects = array.tolist() if array.dtype.hasobject else None  # keeps them alive
        self._content = self._seen_in(array)
        self.cost = FOR_A_KILOBYTE * array.nbytes // 1000

    def is_in(self, value: Any) -> bool:
        """Return whether an array has these elements."""
        has_form = isinstance(value, np.ndarray) and (value.shape, value.dtype) == self._form
        return has_form and self._seen_in(value) == self._content

    def _seen_in(self, array: np.ndarray[Any, Any]) -> bytes | int:
        if not self._is_summed or array.dtype.hasobject:
            return array.tobytes()
        return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


class _TensorElements:
    """The elements of a tensor."""

    def __init__(self, tensor: Any) -> None:
        self._elements = _Elements(_array_of(tensor))
        self.cost = self._elements.cost

    def is_in(self, value: Any) -> bool:
        """Return whether a tensor has these elements."""
        return self._elements.is_in(_array_of(value))


def _array_of(tensor: Any) -> np.ndarray[Any, Any]:
    with suppress(RuntimeError, TypeError):  # it is not of numbers that NumPy knows
        return np.asarray(tensor.detach().numpy())
    with suppress(RuntimeError, TypeError):
        return np.asarray(tensor.detach().contiguous().view(sys.modules["torch"].uint8).numpy())
    return np.empty(0)  # one without plain numbers stays in the kernel


class _Table:
    """The columns and labels of a table, or of one column."""

    def __init__(self, value: Any) -> None:
        size = int(np.sum(value.memory_usage()))
        if size > MOST_BYTES:
            raise _TooLarge
        self._copy = value.copy()
        self.cost = FOR_A_TABLE + FOR_A_KILOBYTE * size // 1000

    def is_in(self, value: Any) -> bool:
        """Return whether a table has this content."""
        old = self._copy
        return (
            type(value) is type(old) and _labels(value) == _labels(old) and bool(value.equals(old))
        )


def _labels(table: Any) -> tuple[Any, Any]:
    """Return the names of a table's axes, or of a column and its axis."""
    return list(table.index.names), table.name if table.ndim == 1 else list(table.columns.names)


def _content_of(value: Any) -> _Elements | _TensorElements | _Table:
    if isinstance(value, np.ndarray):
        return _Elements(value)
    return _TensorElements(value) if type(value).__name__ == "Tensor" else _Table(value)


# ---- Lists, dictionaries and what they hold -----------------------------------------------------


def _held(value: Any) -> list[Any]:
    return [*value, *value.values()] if isinstance(value, dict) else list(value)


def _is_same(content: Any, value: Any) -> bool:
    if isinstance(content, _Elements | _TensorElements | _Table):
        return content.is_in(value)
    if not isinstance(content, tuple):
        return bool(content == value)
    (held, parts), now = content, _held(value)
    return (
        len(held) == len(now)
        and all(map(is_, held, now))
        and all(_is_same(part, now[place]) for place, part in parts)
    )


class Watcher:
    """Finds which of some values have changed in place, with a bound on the work for one test.

    Beyond that bound it compares once more, at the end, so that a change is never overlooked.
    """

    def __init__(self) -> None:
        self._values: dict[int, Any] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self._left = MOST_WORK
        self._has_lost = False

    def watch(self, number: int, value: Any) -> None:
        """Watch a value from its present content on."""
        if self._left <= 0:  # a hostile kernel may send countless objects
            self._has_lost = True
            return
        snapshot = Snapshot(value)
        self._values[number], self._snapshots[number] = value, snapshot
        self._left -= TO_TAKE * snapshot.cost
        self._has_lost = self._has_lost or not snapshot.is_taken

    def lose(self) -> None:
        """Note that a change could not be sent."""
        self._has_lost = True

    def changes(self) -> dict[int, Any]:
        """Return the values that have changed since the last call, by number."""
        return self._look() if self._left > 0 else {}

    def has_missed(self) -> bool:
        """Return whether a change was not returned, or may not have been."""
        return self._has_lost or (self._left <= 0 and bool(self._look()))

    def _look(self) -> dict[int, Any]:
        found = {}
        for number, value in self._values.items():
            snapshot = self._snapshots[number]
            self._left -= snapshot.cost
            if not snapshot.shows(value):
                found[number] = value
                self._left -= snapshot.cost_to_tell
        for number, value in found.items():
            self.watch(number, value)
        return found
