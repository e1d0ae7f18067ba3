"""Restrict a test's operations on a student's objects to those that it applies to the solution's.

An object in a kernel can lie, for instance with an `==` that is always true. Where the solution
returns data, an answer must not get away with such an object. Where the solution returns an object,
the test has to ask the student's object, too. So when the solution is judged, each operation on its
objects is recorded with its line of the test; a test of an answer may do the same, and nothing
else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType

__all__ = ["BEFORE_PREFIX", "TEST_PREFIX", "Permissions", "line_of_test"]

#: The beginnings of the file names of a test's code, and of the course's statements before it.
TEST_PREFIX, BEFORE_PREFIX = "<test of ", "<before "
#: The prefix of the record that a test changes a variable in the kernel, too.
SHARE_PERMISSION = "share "


class Permissions:
    """The operations that a test may do, and those that it has done.

    Parameters
    ----------
    allowed : iterable of str
        What `done` returned when the solution was judged.
    learns : bool
        Whether every operation is allowed and recorded, as when the solution is judged.
    """

    def __init__(self, allowed: Iterable[str] = (), *, learns: bool = False) -> None:
        self._allowed = frozenset(allowed)
        self._learns = learns
        self._done: set[str] = set()

    @property
    def shared_names(self) -> frozenset[str]:
        """The notebook's variables that the test changes in the kernel, too."""
        told = self._allowed | self._done
        return frozenset(
            each.removeprefix(SHARE_PERMISSION)
            for each in told
            if each.startswith(SHARE_PERMISSION)
        )

    def share(self, names: Iterable[str]) -> None:
        """Record that the test changes these variables in the kernel, too."""
        self._done |= {f"{SHARE_PERMISSION}{name}" for name in names}

    @property
    def done(self) -> tuple[str, ...]:
        """The recorded operations, sorted."""
        return tuple(sorted(self._done))

    def allows(self, operation: str) -> bool:
        """Record an operation of the line of the test that runs now; return if it is allowed."""
        if not self._allowed and not self._learns:
            return False
        place = _line_that_runs()
        if place is None:
            return False
        what = f"{place} {operation}"
        self._done.add(what)
        return self._learns or what in self._allowed


def _line_that_runs() -> str | None:
    """Return the line of the test that runs now, which may be several frames up."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(TEST_PREFIX):
            return f"{frame.f_lineno}"
        if name.startswith(BEFORE_PREFIX):
            return f"before {frame.f_lineno}"
        frame = frame.f_back
    return None


def line_of_test(frames: Iterable[tuple[FrameType, int]]) -> int:
    """Return the line of the innermost frame in a test's own cell; 0 if there is none.

    Parameters
    ----------
    frames : iterable of (FrameType, int)
        Frames with their lines, innermost first, as `traceback.walk_stack` yields them.
    """
    return next((n for f, n in frames if f.f_code.co_filename.startswith(TEST_PREFIX)), 0)
