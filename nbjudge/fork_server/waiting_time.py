"""How long a process has waited for a processor, which no limit of time should count.

Kernels run with the lowest priority: on a machine that has more to do, an honest answer takes many
times as long by the clock as alone.
"""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["LENIENCE", "excused_seconds", "open_waiting_time", "read_waiting_time"]

#: How many times its seconds a process may wait for a processor.
LENIENCE = 10


def excused_seconds(waited: float, limit: float) -> float:
    """Return how much of the time that a process waited is left out of a limit of so many seconds.

    Examples
    --------
    >>> excused_seconds(70, 60), excused_seconds(700, 60)
    (70, 600)
    """
    return min(waited, LENIENCE * limit)


def open_waiting_time(process: int) -> int | None:
    """Open what the system tells of a process's turns; None where it tells nothing.

    Who is handed the open file can read it from outside the namespace, too.
    """
    with suppress(OSError):
        return os.open(f"/proc/{process}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
    return None


def read_waiting_time(file: int) -> float:
    """Return for how many seconds the process was ready to run and had no processor.

    Raises
    ------
    OSError
        If it has ended.
    """
    _computed, waited, _turns = os.pread(file, 100, 0).split()  # see proc(5): sched-stats.rst
    return int(waited) / 10**9
