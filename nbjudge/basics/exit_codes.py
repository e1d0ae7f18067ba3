"""The exit codes of the `course` command, for whoever calls it from a script."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode", "code_of_signal"]


class ExitCode(IntEnum):
    """How a command ended; docs/commands.md tells the same."""

    DONE = 0
    NOT_DONE = 1
    #: click's own, for unknown commands and options.
    USAGE = 2
    #: Something was not graded, not written, or not taken over: what was printed says what.
    PARTLY_DONE = 3


def code_of_signal(signum: int) -> int:
    """Return the code of a command that a signal stopped, as shells have it.

    >>> code_of_signal(2)
    130
    """
    return 128 + signum
