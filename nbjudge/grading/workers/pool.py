"""Who grades: worker processes of this machine, or those of any Dask scheduler."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from nbjudge.course.plug import Plug
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.sandbox.fitted_limits import fitting_workers, megabytes_here

__all__ = ["WorkerPool", "processors", "worker_pool"]

#: Bytes of jobs at work and waiting, above which none is added: submissions can be large.
MOST_BYTES = 200 * 2**20


class WorkerPool(Protocol):
    """Workers that can be given jobs."""

    @property
    def workers(self) -> int:
        """How many there are now."""

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield what becomes of the jobs as they end: all that have, since it was asked last.

        Jobs are taken as they are needed, so that a large class never is in memory as a whole. When
        there is none, there may be others later: as long as one is at work, they are asked for.

        Raises
        ------
        CourseError
            If the workers cannot be used at all.
        """


def worker_pool(
    plug: Plug, workers: int | None = None, scheduler: str | None = None
) -> AbstractContextManager[WorkerPool]:
    """Yield workers; those of this machine are started now, and ended afterwards.

    Parameters
    ----------
    plug : Plug
        What those of this machine import ahead.
    workers : int, optional
        How many to start; by default one for each processor.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers are used instead.

    Raises
    ------
    CourseError
        If they do not start; if the scheduler cannot be reached, or has no workers.
    """
    if scheduler is not None:
        from nbjudge.grading.workers.cluster_pool import cluster_pool  # imports Dask

        return cluster_pool(scheduler)
    from nbjudge.grading.workers.local_pool import local_pool

    return local_pool(plug, workers or fitting_workers(processors(), megabytes_here()))


def processors() -> int:
    """Return how many processors this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
