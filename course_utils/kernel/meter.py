"""Measures what all processes of a kernel use together, from the first process of its namespace.

It counts what the system tells of each process. What lies between two looks is estimated from the
system's own high-water marks where it keeps any.
"""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from course_utils.kernel.usage import Usage

__all__ = ["CountingMeter", "Meter", "disk_megabytes"]

PROCESSES = Path("/proc")
INIT = "1"
#: What a process has for itself, and its share of what it has in common without a file.
OWN = ("Private_", "Pss_Shmem")
#: Seconds that one look may spend on adding up memory.
LONGEST_LOOK = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
#: Fields of a process's line, counted from behind its name: see proc_pid_stat(5).
TIMES, THREADS, START, RESIDENT = slice(11, 15), 17, 19, 21


class Meter:
    """Keeps the most that was used until now.

    Attributes
    ----------
    used : Usage
        As of the last look.
    """

    def __init__(self, folder: str) -> None:
        self.used = Usage()
        self._folder = folder
        self._start = time.monotonic()

    def look(self) -> Usage:
        """Measure, and return what was used until now."""
        memory, seconds, processes = self.measure()
        disk = disk_megabytes(self._folder)
        before = self.used
        self.used = Usage(
            memory_megabytes=max(memory, before.memory_megabytes),
            cpu_seconds=max(seconds, before.cpu_seconds),
            wall_seconds=time.monotonic() - self._start,
            processes=max(processes, before.processes),
            disk_megabytes=max(disk, before.disk_megabytes),
        )
        return self.used

    def measure(self) -> tuple[float, float, int]:
        """Return megabytes of memory now, seconds of computing until now, processes now."""
        raise NotImplementedError

    def last_look(self) -> Usage:
        """Measure once more before the end, and return what was used in all."""
        return self.look()


@dataclass(frozen=True)
class _State:
    """What is quickly read of a process.

    Parameters
    ----------
    ticks, children : int
        Of computing: its own, and what those had that it has waited for.
    threads : int
    resident : int
        Pages in memory, whoever shares them.
    """

    ticks: int
    children: int
    threads: int
    resident: int


@dataclass(frozen=True)
class _Memory:
    """What the system adds up for a process, which takes it milliseconds.

    Parameters
    ----------
    of : _State
        The process's state then. Who has not run since has not changed its memory.
    private, share, tables : float
        Megabytes that it alone has in memory; its share of all that no file holds, where each of n
        processes has an n-th; and the tables that its memory is found by.
    above : float
        By how many megabytes it once had more in memory than now.
    """

    of: _State
    private: float
    share: float
    tables: float
    above: float


_Processes = dict[tuple[int, int], _State]


class CountingMeter(Meter):
    """Adds up what the system tells of each process of this namespace.

    What they share with the warm parent is not counted. What they share with each other by a fork
    is, but for as much as the parent has: no process tells with whom it shares. A file in memory
    that one process maps is counted twice.

    Parameters
    ----------
    folder : str
        Where what the kernel can write to is mounted.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self._processes: _Processes = {}
        self._memory: dict[tuple[int, int], _Memory] = {}
        self._ticks_of_the_dead = 0
        # This process has all that the parent had.
        self._inherited = _sizes(PROCESSES / "self/status").get("RssAnon", 0) / 1024

    def measure(self) -> tuple[float, float, int]:
        """Return megabytes of memory now, seconds of computing until now, processes now."""
        now = _processes()
        for process, last in self._processes.items():
            if process not in now:
                self._ticks_of_the_dead += last.ticks
                self._memory.pop(process, None)
        self._processes = now
        self._refresh()
        return self._megabytes(), self._seconds(), sum(one.threads for one in now.values())

    def last_look(self) -> Usage:
        """Measure once more, and count in what the largest process had between two looks."""
        used = self.look()
        above = max((one.above for one in self._memory.values()), default=0.0)
        peak = max(used.memory_megabytes, self._megabytes() + above)
        self.used = replace(used, memory_megabytes=peak)
        return self.used

    def _refresh(self) -> None:
        """Add up the memory of who has run, those first that have waited longest."""
        end = time.monotonic() + LONGEST_LOOK
        known = self._memory
        changed = [
            process
            for process, state in self._processes.items()
            if process not in known or known[process].of != state
        ]
        order = {process: place for place, process in enumerate(known)}
        for process in sorted(changed, key=lambda process: order.get(process, -1)):
            known.pop(process, None)
            with suppress(OSError):  # it has just ended
                known[process] = _memory(process[0], self._processes[process])
            if time.monotonic() > end:
                break

    def _megabytes(self) -> float:
        known = self._memory.values()
        private = sum(one.private for one in known)
        shared_too = sum(one.share for one in known) - self._inherited
        tables = sum(one.tables for one in known)
        return max(private, shared_too) + tables + disk_megabytes(self._folder)

    def _seconds(self) -> float:
        """Return the computing time of the living and the dead.

        The system adds a process's time to that of who waits for it, and forgets it if nobody
        does; what the looks saw lacks what lay between them. Neither is ever too much.
        """
        living = self._processes.values()
        waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)
        by_system = sum(one.ticks + one.children for one in living) / TICKS
        by_system += waited_for.ru_utime + waited_for.ru_stime
        by_looks = (sum(one.ticks for one in living) + self._ticks_of_the_dead) / TICKS
        return max(by_system, by_looks)


def _processes() -> _Processes:
    """Return the processes of this namespace, but for the first, by number and start."""
    found = {}
    for folder in PROCESSES.iterdir():
        if folder.name.isdigit() and folder.name != INIT:
            with suppress(OSError, IndexError):  # it has just ended
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                own, system, *children = (int(field) for field in fields[TIMES])
                found[int(folder.name), int(fields[START])] = _State(
                    ticks=own + system,
                    children=sum(children),
                    threads=int(fields[THREADS]),
                    resident=int(fields[RESIDENT]),
                )
    return found


def _memory(process: int, state: _State) -> _Memory:
    folder = PROCESSES / str(process)
    status, added_up = _sizes(folder / "status"), _sizes(folder / "smaps_rollup")
    private = sum(size for name, size in added_up.items() if name.startswith(OWN))
    return _Memory(
        of=state,
        private=private / 1024,
        share=added_up.get("Pss_Anon", 0) / 1024,
        tables=status.get("VmPTE", 0) / 1024,
        above=(status.get("VmHWM", 0) - status.get("VmRSS", 0)) / 1024,
    )


def _sizes(path: Path) -> dict[str, int]:
    """Return the lines of a file that are a name and a size, in kilobytes."""
    found = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = int(value[:-3])
    return found


def disk_megabytes(folder: str) -> float:
    """Return how full the file system of a folder is."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return 0.0
    return (state.f_blocks - state.f_bfree) * state.f_frsize / 2**20
