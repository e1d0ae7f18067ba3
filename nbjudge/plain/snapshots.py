"""Snapshots of values, which show later whether the value was changed in place.

A snapshot of a list or a dictionary holds references to its elements and compares them by identity.
That takes some nanoseconds per element; comparing their values would take a hundred times as long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from operator import is_
from typing import Any

import numpy as np

__all__ = ["CHANGEABLE", "HOLDERS", "Snapshot", "changes_since"]

#: Types that cross by value and can be changed in place; and with tuples, which may contain them.
CHANGEABLE = (list, dict, set, deque, bytearray, np.ndarray)
HOLDERS = frozenset([*CHANGEABLE, tuple])
#: Bounds of a snapshot: elements at all levels together, nested levels, and bytes of one array.
MOST_VALUES, MOST_LEVELS, MOST_BYTES = 2000, 8, 2**16


class _TooLarge(Exception):
    """A value exceeds the bounds of a snapshot."""


class Snapshot:
    """The content of a value at one moment.

    Parameters
    ----------
    value : list, dict, set, deque, bytearray, tuple or ndarray
        Of a type in `HOLDERS`.
    """

    def __init__(self, value: Any) -> None:
        self._left = MOST_VALUES
        try:
            self._content = self._taken(value, 0)
            self.is_taken = True
        except _TooLarge:
            self._content, self.is_taken = None, False

    #: Whether the value was small enough. If not, the snapshot is empty.
    is_taken: bool

    def shows(self, value: Any) -> bool:
        """Return whether a value is unchanged; always True of an empty snapshot."""
        return not self.is_taken or _is_same(self._content, value)

    def _taken(self, value: Any, level: int) -> Any:
        if isinstance(value, np.ndarray):
            if value.nbytes > MOST_BYTES:
                raise _TooLarge
            return value.copy()
        self._left -= len(value)
        if self._left < 0 or level == MOST_LEVELS:
            raise _TooLarge
        if isinstance(value, set):
            return frozenset(value)
        if isinstance(value, bytearray):
            return bytes(value)
        held = _held(value)
        parts = [(n, self._taken(x, level + 1)) for n, x in enumerate(held) if type(x) in HOLDERS]
        return held, parts


def changes_since(
    snapshots: dict[int, Snapshot], values: Iterable[tuple[int, Any]]
) -> dict[int, Any]:
    """Return the values that have changed since their snapshots, by number, and renew these.

    A value that has grown too large for a snapshot is left out.
    """
    found = {}
    for number, value in values:
        if not snapshots[number].shows(value):
            snapshot = snapshots[number] = Snapshot(value)
            if snapshot.is_taken:
                found[number] = value
    return found


def _held(value: Any) -> list[Any]:
    return [*value, *value.values()] if isinstance(value, dict) else list(value)


def _is_same(content: Any, value: Any) -> bool:
    if isinstance(content, np.ndarray):
        return (
            isinstance(value, np.ndarray)
            and (content.shape, content.dtype) == (value.shape, value.dtype)
            and content.tobytes() == value.tobytes()
        )
    if not isinstance(content, tuple):
        return bool(content == value)
    (held, parts), now = content, _held(value)
    return (
        len(held) == len(now)
        and all(map(is_, held, now))
        and all(_is_same(part, now[place]) for place, part in parts)
    )
