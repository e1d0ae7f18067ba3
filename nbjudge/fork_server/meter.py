"""Measure what all processes of a kernel use together, from the first process of its namespace.

If the kernel has a control group, the system counts. If not, the numbers of all processes in /proc
are added up, and what happens between two measurements is missed.
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
#: The prefix of the fields of smaps_rollup with memory that no other process shares.
PRIVATE_FIELD = "Private_"
#: Seconds that one measurement may spend on memory; the second if the limit may be exceeded.
LONGEST_LOOK, LONGEST_URGENT_LOOK = 0.05, 0.3
PAGE = os.sysconf("SC_PAGE_SIZE")
#: Megabytes counted for an open file: a pipe has two ends and, beyond a user's limit, two pages.
OPEN_FILE = 4 / 1024
#: Megabytes that a socket's buffer can hold, and the number of sockets that count as empty.
SOCKET, FREE_SOCKETS = 0.2, 100
TICKS = os.sysconf("SC_CLK_TCK")
#: Indices of fields in /proc/…/stat, counted from after the process's name: see proc_pid_stat(5).
TIMES, THREADS, START_FIELD, RESIDENT = slice(11, 15), 17, 19, 21


class Meter:
    """Measures a kernel's usage repeatedly, and keeps the highest values.

    Attributes
    ----------
    used : Usage
        The usage up to the last measurement.
    waiting_time : int or None
        The open file with the time that the kernel waited for a processor, if there is one.
    """

    def __init__(self, folder: str) -> None:
        self.used = Usage()
        self.waiting_time: int | None = None
        self._folder = folder
        self._start = time.monotonic()

    def look(self) -> Usage:
        """Measure, and return the usage up to now."""
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
            with suppress(OSError):  # the process has ended
                return read_waiting_time(self.waiting_time)
        return 0.0

    def measure(self) -> tuple[float, float, int]:
        """Return current megabytes of memory, total seconds of computing, current processes."""
        raise NotImplementedError

    def last_look(self) -> Usage:
        """Measure once more before the end, and return the total usage."""
        return self.look()

    def is_out_of_memory(self) -> bool:
        """Return whether the system has killed a process because of its memory."""
        return False


class GroupMeter(Meter):
    """Reads the counters of a control group, of version 1 or 2.

    Parameters
    ----------
    folder : str
        The mount point of the file system that the kernel can write to.
    files : dict of str to int
        The group's open files, by the names in `nbjudge.sandbox.cgroups`.
    """

    def __init__(self, folder: str, files: dict[str, int]) -> None:
        super().__init__(folder)
        self._files = files

    def measure(self) -> tuple[float, float, int]:
        """Return current megabytes of memory, total seconds of computing, current processes."""
        memory = int(self._read("memory")) - self._cached_bytes()
        return memory / 2**20, self._seconds(), int(self._read("tasks"))

    def last_look(self) -> Usage:
        """Measure once more, and include the system's own high-water mark of memory."""
        used = self.look()
        if "peak" in self._files:
            peak = (int(self._read("peak")) - self._cached_bytes()) / 2**20
            self.used = replace(used, memory_megabytes=max(peak, used.memory_megabytes))
        return self.used

    def is_out_of_memory(self) -> bool:
        """Return whether the system has killed a process because of its memory."""
        return self._line("events", "oom_kill") > 0

    def _cached_bytes(self) -> int:
        """Return the bytes of the file cache, which the system frees when it must."""
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
    """The numbers of a process that are quick to read.

    Parameters
    ----------
    ticks, children : int
        Clock ticks of computing: its own, and those of children that it has waited for.
    threads : int
    resident : int
        Pages in memory, shared ones included.
    """

    ticks: int
    children: int
    threads: int
    resident: int


@dataclass(frozen=True)
class _Memory:
    """The memory of a process, which the system takes milliseconds to add up.

    Parameters
    ----------
    of : _State
        The process's state at that time. If it has not run since, its memory is the same.
    private, share, tables : float
        Megabytes that only this process has in memory; its proportional share of anonymous memory,
        which is 1/n if n processes share it; and page tables and open files.
    above : float
        By how many megabytes its peak exceeds its current memory.
    """

    of: _State
    private: float
    share: float
    tables: float
    above: float


_Processes = dict[tuple[int, int], _State]


class CountingMeter(Meter):
    """Adds up the numbers of all processes of this namespace.

    Memory that they share with the warm parent is not counted. Memory that they share with each
    other after a fork is counted, reduced by the size of the parent, since the system does not say
    who shares a page. A file in memory that one process maps is counted twice.

    Parameters
    ----------
    folder : str
        The mount point of the file system that the kernel can write to.
    most : int
        Megabytes of memory that are allowed. Close to it, a measurement may take longer.
    inherited : float
        Megabytes of anonymous memory of the warm parent, which all processes inherit.
    """

    def __init__(self, folder: str, most: int, inherited: float) -> None:
        super().__init__(folder)
        self._most = most
        self._processes: _Processes = {}
        self._memory: dict[tuple[int, int], _Memory] = {}
        self._ticks_of_the_dead = 0
        self._inherited = inherited

    def measure(self) -> tuple[float, float, int]:
        """Return current megabytes of memory, total seconds of computing, current processes."""
        now = _processes()
        for process, last in self._processes.items():
            if process not in now:
                self._ticks_of_the_dead += last.ticks
                self._memory.pop(process, None)
        self._processes = now
        self._refresh()
        return self._megabytes(), self._seconds(), sum(one.threads for one in now.values())

    def last_look(self) -> Usage:
        """Measure once more, and include the largest peak that was missed between measurements."""
        used = self.look()
        above = max((one.above for one in self._memory.values()), default=0.0)
        peak = max(used.memory_megabytes, self._megabytes() + above)
        self.used = replace(used, memory_megabytes=peak)
        return self.used

    def _refresh(self) -> None:
        """Measure the memory of processes that have run, starting with the oldest measurements."""
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
            with suppress(OSError):  # the process has just ended
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
        """Return the computing time of running and ended processes, in seconds.

        It is the larger of two lower bounds. The system adds an ended process's time to the process
        that waits for it, but drops it if none does; and the measurements of processes lack the
        time after the last one.
        """
        living = self._processes.values()
        waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)
        by_system = sum(one.ticks + one.children for one in living) / TICKS
        by_system += waited_for.ru_utime + waited_for.ru_stime
        by_looks = (sum(one.ticks for one in living) + self._ticks_of_the_dead) / TICKS
        return max(by_system, by_looks)


def _processes() -> _Processes:
    """Return the processes of this namespace except the first, by process id and start time."""
    found = {}
    for folder in PROCESSES.iterdir():
        if folder.name.isdigit() and folder.name != INIT:
            with suppress(OSError, IndexError):  # the process has just ended
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
    """Return the fields of a file in /proc that have a number, mostly of kilobytes, by name."""
    found = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        number = value.removesuffix(" kB").strip()
        if number.isdigit():
            found[name] = int(number)
    return found


def _socket_megabytes() -> float:
    """Return the megabytes that socket buffers may hold, if there are unusually many sockets."""
    with suppress(OSError):
        count = len((PROCESSES / "net/unix").read_bytes().splitlines()) - 1
        return max(0, count - FREE_SOCKETS) * SOCKET
    return 0.0


def disk_megabytes(folder: str) -> float:
    """Return how many megabytes of a folder's file system are used."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return 0.0
    return (state.f_blocks - state.f_bfree) * state.f_frsize / 2**20
