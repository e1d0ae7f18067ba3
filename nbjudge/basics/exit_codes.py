"""The exit codes of the `course` command."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode", "code_of_signal"]


class ExitCode(IntEnum):
    """How a command ended. docs/commands.md documents the same codes."""

    DONE = 0
    NOT_DONE = 1
    #: click's own, for unknown commands and options.
    USAGE = 2
    #: Something was not graded, written or imported; the printed output says what.
    PARTLY_DONE = 3


def code_of_signal(signum: int) -> int:
    """Return the exit code of a command that a signal stopped, by the shells' convention.

    >>> code_of_signal(2)
    130
    """
    return 128 + signum
