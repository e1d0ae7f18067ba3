"""Dataclasses for what a submission may use and has used, and the message that reports it.

The first process of a kernel's namespace sends this message on the leash, so that the grader need
not trust the student's process. `meter` does the measuring.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from nbjudge.fork_server.waiting_time import excused_seconds

__all__ = ["Budget", "Usage", "pack_end", "read_end"]


@dataclass(frozen=True)
class Usage:
    """What all processes of a kernel used together, from its start to its end.

    Parameters
    ----------
    memory_megabytes : float
        Peak memory, as the limit counts it: with the files in its folders, which are in memory.
    cpu_seconds : float
        Computing time, with that of processes that have ended.
    wall_seconds : float
    processes : int
        Peak number of processes and threads.
    disk_megabytes : float
        Peak size of the folders that it can write to.
    waiting_seconds : float
        The part of `wall_seconds` in which the kernel was ready to run but had no processor.
    """

    memory_megabytes: float = 0.0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    processes: int = 0
    disk_megabytes: float = 0.0
    waiting_seconds: float = 0.0


@dataclass(frozen=True)
class Budget:
    """What all processes of a kernel may use together.

    Parameters
    ----------
    memory_megabytes, disk_megabytes, cpu_seconds, wall_seconds, processes : int
        The limits, as in `Usage`.
    open_files : int
        The limit of each single process.
    """

    memory_megabytes: int
    disk_megabytes: int
    cpu_seconds: int
    wall_seconds: int
    processes: int
    open_files: int

    def overdrawn(self, used: Usage) -> str:
        """Return which limit was exceeded and by how much, to complete a sentence; else "".

        Processes, open files and disk are not checked here: the system itself enforces them.

        Examples
        --------
        >>> budget = Budget(300, 20, 60, 600, 50, 200)
        >>> budget.overdrawn(Usage(memory_megabytes=412.3))
        'it used more than 300 MB of memory (412 MB)'
        >>> budget.overdrawn(Usage(memory_megabytes=300))
        ''
        >>> budget.overdrawn(Usage(wall_seconds=900, waiting_seconds=400))
        ''
        """
        if used.memory_megabytes > self.memory_megabytes:
            return self.too_much_memory(used.memory_megabytes)
        if used.cpu_seconds > self.cpu_seconds:
            return self.too_much_computing(used.cpu_seconds)
        excused = excused_seconds(used.waiting_seconds, self.wall_seconds)
        if used.wall_seconds - excused > self.wall_seconds:
            return f"it ran longer than {self.wall_seconds} s"
        return ""

    def too_much_memory(self, megabytes: float) -> str:
        """Return the phrase that the limit of memory was exceeded."""
        return f"it used more than {self.memory_megabytes} MB of memory" + _amount_in_words(
            megabytes, self.memory_megabytes, "MB"
        )

    def too_much_computing(self, seconds: float) -> str:
        """Return the phrase that the limit of computing time was exceeded."""
        return f"it computed longer than {self.cpu_seconds} s" + _amount_in_words(
            seconds, self.cpu_seconds, "s"
        )


def _amount_in_words(used: float, most: int, unit: str) -> str:
    """Return the amount in parentheses, if its rounded value exceeds the limit."""
    return f" ({used:.0f} {unit})" if round(used) > most else ""


def pack_end(ended: str, used: Usage) -> bytes:
    """Return the last message on a leash: how the kernel ended, and what it used."""
    return json.dumps({"ended": ended, "used": asdict(used)}).encode()


def read_end(message: bytes) -> tuple[str, Usage | None]:
    """Return how a kernel ended and what it used; None if its first process could not tell.

    Examples
    --------
    >>> read_end(pack_end("killed", Usage(processes=9)))[1].processes
    9
    >>> read_end(b"its sandbox ended")
    ('its sandbox ended', None)
    """
    try:
        told = json.loads(message)
        return told["ended"], Usage(**told["used"])
    except (ValueError, TypeError, KeyError):
        return message.decode(errors="replace"), None
