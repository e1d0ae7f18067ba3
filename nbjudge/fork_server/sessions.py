"""Keep a kernel from gaining processor time by starting sessions.

Linux divides processor time between sessions ("autogroups") rather than processes, regardless of
niceness: 40 processes in 40 sessions would get 40 times as much as another kernel. So every session
but the kernel's first gets the lowest weight.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["Sessions"]

PROCESSES = Path("/proc")
#: Index of the session in /proc/…/stat, counted from after the process's name: proc_pid_stat(5).
SESSION = 3
LEAST_WEIGHT = "19"


class Sessions:
    """The sessions of this namespace, except that of its first process."""

    def __init__(self) -> None:
        self._own = os.getsid(0)
        self._calm = {self._own}

    def calm(self) -> None:
        """Give each new session the lowest weight; one that fails is tried at the next call."""
        found: set[int] = set()
        for folder in PROCESSES.iterdir():
            if not folder.name.isdigit():
                continue
            with suppress(OSError, IndexError, ValueError):  # the process has just ended
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                session = int(fields[SESSION])
                if session not in self._calm | found:
                    (folder / "autogroup").write_text(LEAST_WEIGHT)
                found.add(session)
        # Ended sessions are dropped, as their ids may be reused.
        self._calm = {self._own} | found
