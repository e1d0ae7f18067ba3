"""Derive limits from what the course's own solution needs, and fit them to this machine.

What a solution needs is measured when it is judged, and stored with the version of the assignment.
Limits derived from it are rounded up to coarse steps, so that a second measurement gives the same.
The memory of the machine is looked up where a kernel starts, and is not stored.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nbjudge.fork_server.usage import Usage
from nbjudge.sandbox.limits import Limits

__all__ = [
    "WORKERS",
    "derive_limits",
    "fit_limits",
    "fitting_workers",
    "needs",
    "share",
    "usage_of_both",
]

#: How many times as much as the solution a submission may use.
FACTOR = 4
#: The environment variable with the number of workers on this machine.
WORKERS = "COURSE_WORKERS"
#: Megabytes for the warm parent and the rest of the machine, and for each worker process.
RESERVED_MEGABYTES, OF_WORKER = 1024, 512
#: Megabytes that each kernel should have; if memory is short, there are fewer workers.
LEAST_MEGABYTES = 1024


@dataclass(frozen=True)
class _Rule:
    """How a limit follows from a field of `Usage`: rounded up to a step, and at least a floor."""

    used: str
    floor: int
    step: int


RULES = {
    "memory_megabytes": _Rule("memory_megabytes", 1024, 512),
    "disk_megabytes": _Rule("disk_megabytes", 128, 64),
    "processes": _Rule("processes", 64, 32),
    "cpu_seconds": _Rule("cpu_seconds", 300, 300),
    "notebook_seconds": _Rule("wall_seconds", 600, 300),
}


def needs(used: Iterable[Usage]) -> dict[str, float]:
    """Return the most that any notebook of a solution used, by the names of `Usage`'s fields.

    Limits hold for each notebook, so the notebooks' usage is not added up. Limits of time do not
    count how long a kernel waited for a processor, so that is subtracted here, too.

    >>> needs([Usage(memory_megabytes=100, processes=9), Usage(memory_megabytes=300, processes=4)])[
    ...     "memory_megabytes"
    ... ]
    300.0
    """
    most: dict[str, float] = {}
    for each in used:
        amounts = asdict(each)
        amounts["wall_seconds"] -= amounts.pop("waiting_seconds")
        for name, amount in amounts.items():
            most[name] = max(most.get(name, 0.0), float(amount))
    return most


def usage_of_both(one: Usage, other: Usage) -> Usage:
    """Return what two kernels used together that ran one after the other."""
    return Usage(
        memory_megabytes=max(one.memory_megabytes, other.memory_megabytes),
        cpu_seconds=one.cpu_seconds + other.cpu_seconds,
        wall_seconds=one.wall_seconds + other.wall_seconds,
        processes=max(one.processes, other.processes),
        disk_megabytes=max(one.disk_megabytes, other.disk_megabytes),
        waiting_seconds=one.waiting_seconds + other.waiting_seconds,
    )


def derive_limits(
    limits: Limits, needed: Mapping[str, float], fixed: Collection[str] = ()
) -> Limits:
    """Return limits that follow from what the course's solution needs.

    Parameters
    ----------
    limits : Limits
        Used for what was not measured.
    needed : mapping of str to float
        What `needs` returned.
    fixed : collection of str
        The limits that the course has set, which stay.

    Examples
    --------
    >>> derive_limits(Limits(), {"memory_megabytes": 400.0}).memory_megabytes
    2048
    """
    found = {
        name: max(rule.floor, math.ceil(FACTOR * needed[rule.used] / rule.step) * rule.step)
        for name, rule in RULES.items()
        if name not in fixed and needed.get(rule.used, 0) > 0
    }
    return replace(limits, **found)  # type: ignore[arg-type]  # all of them are whole numbers


def share(workers: int, megabytes: int) -> int:
    """Return how many megabytes each kernel may have if so many workers share a machine.

    >>> share(2, 8192)
    3072
    """
    return max(0, megabytes - RESERVED_MEGABYTES - workers * OF_WORKER) // workers


def fitting_workers(processors: int, megabytes: int) -> int:
    """Return how many workers a machine has room for, one for each processor at most.

    >>> fitting_workers(8, 8192), fitting_workers(8, 65536), fitting_workers(2, 1024)
    (4, 8, 1)
    """
    return max(
        [1, *(n for n in range(1, processors + 1) if share(n, megabytes) >= LEAST_MEGABYTES)]
    )


def fit_limits(limits: Limits) -> Limits:
    """Return the limits, with memory lowered so that all workers of this machine fit into it.

    A limit of memory that the course has set stays.
    """
    if not limits.fits_machine:
        return limits
    workers = os.environ.get(WORKERS, "")
    most = share(int(workers) if workers.isdecimal() and int(workers) else 1, megabytes_here())
    # With hardly any memory, a limit that a kernel exceeds gives a clearer message than a kernel
    # that cannot start.
    return replace(
        limits, memory_megabytes=min(limits.memory_megabytes, max(most, LEAST_MEGABYTES // 2))
    )


def megabytes_here() -> int:
    """Return how many megabytes this process may use: the machine's, or its control group's."""
    found = [2**20]  # if neither is known
    with suppress(OSError, ValueError):
        found.append(int(Path("/proc/meminfo").read_text().split()[1]) // 1024)
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # there is no such group, or no limit
            found.append(int(Path("/sys/fs/cgroup", name).read_text()) // 2**20)
    return min(found)
