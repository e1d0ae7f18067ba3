"""What a test may do with objects that stay in a student's kernel: what it does with the course's.

Where the course's own solution gives data, no answer can give an object in its place whose `==`
says what it likes. Where the solution gives an object, the test asks it, and so it asks a
student's. So what a test does with the objects of the solution is noted, line by line, when the
solution is judged; with those of an answer it may do that, and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType

__all__ = ["BEFORE_PREFIX", "TEST_PREFIX", "Permissions", "line_of_test"]

#: What the names of a test's code begin with, and of the course's statements in front of it.
TEST_PREFIX, BEFORE_PREFIX = "<test of ", "<before "
#: What is noted of a variable that a test changes for the answer, too, before its name.
SHARE_PERMISSION = "share "


class Permissions:
    """What a test may do, and what it has done.

    Parameters
    ----------
    allowed : iterable of str
        As `done` returned them when the solution was judged.
    learns : bool
        Whether everything is allowed to the lines of the test.
    """

    def __init__(self, allowed: Iterable[str] = (), *, learns: bool = False) -> None:
        self._allowed = frozenset(allowed)
        self._learns = learns
        self._done: set[str] = set()

    @property
    def shared_names(self) -> frozenset[str]:
        """The notebook's variables that the test changes for the answer, too."""
        told = self._allowed | self._done
        return frozenset(
            each.removeprefix(SHARE_PERMISSION)
            for each in told
            if each.startswith(SHARE_PERMISSION)
        )

    def share(self, names: Iterable[str]) -> None:
        """Note which variables are changed for the answer, too."""
        self._done |= {f"{SHARE_PERMISSION}{name}" for name in names}

    @property
    def done(self) -> tuple[str, ...]:
        """What was done, sorted."""
        return tuple(sorted(self._done))

    def allows(self, operation: str) -> bool:
        """Say whether the line of the test that runs now may do something, and note it."""
        if not self._allowed and not self._learns:
            return False
        place = _line_that_runs()
        if place is None:
            return False
        what = f"{place} {operation}"
        self._done.add(what)
        return self._learns or what in self._allowed


def _line_that_runs() -> str | None:
    """Return the line of the test that runs now, also from within what it has called."""
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
    """Return the number of the first line of a test's own cell among frames; 0 if there is none.

    Parameters
    ----------
    frames : iterable of (FrameType, int)
        The innermost first, each with its line, as `traceback.walk_stack` yields them.
    """
    return next((n for f, n in frames if f.f_code.co_filename.startswith(TEST_PREFIX)), 0)
