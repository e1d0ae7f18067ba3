"""How long a process has waited for a processor, which limits of time should not count.

Kernels run with the lowest priority, so on a busy machine an honest answer can take many times as
long by the clock as on an idle one.
"""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["LENIENCE", "excused_seconds", "open_waiting_time", "read_waiting_time"]

#: How many times a limit of time may be spent waiting for a processor in addition.
LENIENCE = 10


def excused_seconds(waited: float, limit: float) -> float:
    """Return how many of the seconds that a process waited do not count towards a limit.

    Examples
    --------
    >>> excused_seconds(70, 60), excused_seconds(700, 60)
    (70, 600)
    """
    return min(waited, LENIENCE * limit)


def open_waiting_time(process: int) -> int | None:
    """Open a process's scheduler statistics; return None if the system has none.

    The descriptor can be passed to a process outside the namespace, which can then read the file.
    """
    with suppress(OSError):
        return os.open(f"/proc/{process}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
    return None


def read_waiting_time(file: int) -> float:
    """Return for how many seconds the process was ready to run but had no processor.

    Raises
    ------
    OSError
        If the process has ended.
    """
    _computed, waited, _turns = os.pread(file, 100, 0).split()  # see proc(5): sched-stats.rst
    return int(waited) / 10**9
