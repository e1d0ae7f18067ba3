"""How a value was, to see later whether it has changed in place: without looking at what it holds.

Of lists and dictionaries only is remembered which objects they hold: that takes some nanoseconds a
value, where to compare the values would take a hundred times as long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from operator import is_
from typing import Any

import numpy as np

__all__ = ["CHANGEABLE", "HOLDERS", "Snapshot", "changes_since"]

#: What can be changed in place, and crosses by value; and what else can hold such.
CHANGEABLE = (list, dict, set, deque, bytearray, np.ndarray)
HOLDERS = frozenset([*CHANGEABLE, tuple])
#: Values of a list, and of those in it; levels of them; and bytes of an array.
MOST_VALUES, MOST_LEVELS, MOST_BYTES = 2000, 8, 2**16


class _TooLarge(Exception):
    """It would take long to look at."""


class Snapshot:
    """How a value of one of the types `HOLDERS` is now.

    Parameters
    ----------
    value : list, dict, set, deque, bytearray, tuple or ndarray
    """

    def __init__(self, value: Any) -> None:
        self._left = MOST_VALUES
        try:
            self._content = self._taken(value, 0)
            self.is_taken = True
        except _TooLarge:
            self._content, self.is_taken = None, False

    #: Whether the value is small enough; else nothing is known of it.
    is_taken: bool

    def shows(self, value: Any) -> bool:
        """Say whether a value is still as it was; one of which nothing is known always is."""
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
    """Return the values that have changed since their snapshots, by number, and take these anew.

    One that has become too large is left out.
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
