"""Measures what all processes of a kernel use together, from the first process of its namespace.

The system counts it, where the kernel has a control group. Elsewhere it is added up from what the
system tells of each process, and what lies between two looks is missed.
"""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from nbjudge.fork_server.usage import Usage
from nbjudge.fork_server.waiting_time import read_waiting_time

__all__ = ["CountingMeter", "GroupMeter", "Meter", "read_sizes"]

PROCESSES = Path("/proc")
INIT = "1"
#: How the lines begin that tell what a process has for itself.
PRIVATE_FIELD = "Private_"
#: Seconds that one look may spend on adding up memory; and if that could be more than allowed.
LONGEST_LOOK, LONGEST_URGENT_LOOK = 0.05, 0.3
PAGE = os.sysconf("SC_PAGE_SIZE")
#: Megabytes of an open file: a pipe has two ends and, above what a user may have, two pages.
OPEN_FILE = 4 / 1024
#: Megabytes that a socket's buffer holds, and how many sockets are taken for empty.
SOCKET, FREE_SOCKETS = 0.2, 100
TICKS = os.sysconf("SC_CLK_TCK")
#: Fields of a process's line, counted from behind its name: see proc_pid_stat(5).
TIMES, THREADS, START_FIELD, RESIDENT = slice(11, 15), 17, 19, 21


class Meter:
    """Keeps the most that was used until now.

    Attributes
    ----------
    used : Usage
        As of the last look.
    waiting_time : int or None
        The open file that tells how long the kernel waited for a processor, if there is one.
    """

    def __init__(self, folder: str) -> None:
        self.used = Usage()
        self.waiting_time: int | None = None
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
            waiting_seconds=max(self._waiting_seconds(), before.waiting_seconds),
        )
        return self.used

    def _waiting_seconds(self) -> float:
        if self.waiting_time is not None:
            with suppress(OSError):  # it has ended
                return read_waiting_time(self.waiting_time)
        return 0.0

    def measure(self) -> tuple[float, float, int]:
        """Return megabytes of memory now, seconds of computing until now, processes now."""
        raise NotImplementedError

    def last_look(self) -> Usage:
        """Measure once more before the end, and return what was used in all."""
        return self.look()

    def is_out_of_memory(self) -> bool:
        """Say whether the system has ended a process for its memory."""
        return False


class GroupMeter(Meter):
    """Reads what a control group's own counters say, of either version.

    Parameters
    ----------
    folder : str
        Where what the kernel can write to is mounted.
    files : dict of str to int
        The group's files, open, as `nbjudge.sandbox.cgroups` names them.
    """

    def __init__(self, folder: str, files: dict[str, int]) -> None:
        super().__init__(folder)
        self._files = files

    def measure(self) -> tuple[float, float, int]:
        """Return megabytes of memory now, seconds of computing until now, processes now."""
        memory = int(self._read("memory")) - self._cached_bytes()
        return memory / 2**20, self._seconds(), int(self._read("tasks"))

    def last_look(self) -> Usage:
        """Measure once more, and count in the system's own high-water mark."""
        used = self.look()
        if "peak" in self._files:
            peak = (int(self._read("peak")) - self._cached_bytes()) / 2**20
            self.used = replace(used, memory_megabytes=max(peak, used.memory_megabytes))
        return self.used

    def is_out_of_memory(self) -> bool:
        """Say whether the system has ended a process for its memory."""
        return self._line("events", "oom_kill") > 0

    def _cached_bytes(self) -> int:
        """Return the bytes of files that were read, which the system takes back when it must."""
        kinds = ("inactive_file", "active_file")
        return sum(self._line("kinds", kind) for kind in kinds)

    def _seconds(self) -> float:
        if "computing" not in self._files:
            waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)
            return waited_for.ru_utime + waited_for.ru_stime
        text = self._read("computing")
        if text.strip().isdigit():
            return int(text) / 10**9
        return self._line("computing", "usage_usec") / 10**6

    def _line(self, name: str, wanted: str) -> int:
        for line in self._read(name).splitlines():
            key, _, value = line.partition(" ")
            if key == wanted:
                return int(value)
        return 0

    def _read(self, name: str) -> str:
        return os.pread(self._files[name], 2**16, 0).decode()


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
        processes has an n-th; and what the system needs for its memory and its open files.
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
    most : int
        Megabytes of memory that are allowed: the closer, the more a look may cost.
    inherited : float
        Megabytes of its own that the warm parent has, from which all of them come.
    """

    def __init__(self, folder: str, most: int, inherited: float) -> None:
        super().__init__(folder)
        self._most = most
        self._processes: _Processes = {}
        self._memory: dict[tuple[int, int], _Memory] = {}
        self._ticks_of_the_dead = 0
        self._inherited = inherited

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
        known = self._memory
        changed = [
            process
            for process, state in self._processes.items()
            if process not in known or known[process].of != state
        ]
        at_most = sum(self._processes[process].resident for process in changed) * PAGE / 2**20
        is_urgent = self._megabytes() + at_most > self._most
        end = time.monotonic() + (LONGEST_URGENT_LOOK if is_urgent else LONGEST_LOOK)
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
        files = disk_megabytes(self._folder)
        return max(private, shared_too) + tables + files + _socket_megabytes()

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
                found[int(folder.name), int(fields[START_FIELD])] = _State(
                    ticks=own + system,
                    children=sum(children),
                    threads=int(fields[THREADS]),
                    resident=int(fields[RESIDENT]),
                )
    return found


def _memory(process: int, state: _State) -> _Memory:
    folder = PROCESSES / str(process)
    status, added_up = read_sizes(folder / "status"), read_sizes(folder / "smaps_rollup")
    private = sum(size for name, size in added_up.items() if name.startswith(PRIVATE_FIELD))
    return _Memory(
        of=state,
        private=private / 1024,
        share=added_up.get("Pss_Anon", 0) / 1024,
        tables=status.get("VmPTE", 0) / 1024 + status.get("FDSize", 0) * OPEN_FILE,
        above=(status.get("VmHWM", 0) - status.get("VmRSS", 0)) / 1024,
    )


def read_sizes(path: Path) -> dict[str, int]:
    """Return the lines of a file that are a name and a number, of kilobytes mostly."""
    found = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        number = value.removesuffix(" kB").strip()
        if number.isdigit():
            found[name] = int(number)
    return found


def _socket_megabytes() -> float:
    """Return what sockets may hold that wait to be read, if there are unusually many."""
    with suppress(OSError):
        count = len((PROCESSES / "net/unix").read_bytes().splitlines()) - 1
        return max(0, count - FREE_SOCKETS) * SOCKET
    return 0.0


def disk_megabytes(folder: str) -> float:
    """Return how full the file system of a folder is."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return 0.0
    return (state.f_blocks - state.f_bfree) * state.f_frsize / 2**20
