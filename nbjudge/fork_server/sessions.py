"""Keeps a kernel's sessions from taking the processors' time of its neighbours.

Linux shares the processors between sessions, not between processes ("autogroups"), whatever their
niceness: 40 processes in 40 sessions would get 40 times what a neighbour gets. So each session but
the kernel's first weighs next to nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["Sessions"]

PROCESSES = Path("/proc")
#: The place of the session in a process's line, behind its name: see proc_pid_stat(5).
SESSION = 3
LEAST_WEIGHT = "19"


class Sessions:
    """The sessions of this namespace, but for that of its first process."""

    def __init__(self) -> None:
        self._own = os.getsid(0)
        self._calm = {self._own}

    def calm(self) -> None:
        """Give each new session the least weight; one that cannot have it now is tried again."""
        found: set[int] = set()
        for folder in PROCESSES.iterdir():
            if not folder.name.isdigit():
                continue
            with suppress(OSError, IndexError, ValueError):  # it has just ended
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                session = int(fields[SESSION])
                if session not in self._calm | found:
                    (folder / "autogroup").write_text(LEAST_WEIGHT)
                found.add(session)
        # A number may be given to another session later.
        self._calm = {self._own} | found
