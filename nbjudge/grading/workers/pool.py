"""A pool of workers for a grading run: processes on this machine, or those of a Dask scheduler."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from nbjudge.course.plug import Plug
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.sandbox.fitted_limits import fitting_workers, megabytes_here

__all__ = ["WorkerPool", "processors", "worker_pool"]


class WorkerPool(Protocol):
    """Workers that do jobs."""

    @property
    def workers(self) -> int:
        """The number of workers now."""

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield the outcomes of jobs as they end, all that are new at each step.

        Jobs are taken from the iterable only when needed, so that a large class is never in memory
        as a whole. After the iterable has ended, it is tried again as long as any job is running,
        since new jobs may have arrived.

        Raises
        ------
        CourseError
            If the workers cannot be used at all.
        """


def worker_pool(
    plug: Plug, workers: int | None = None, scheduler: str | None = None
) -> AbstractContextManager[WorkerPool]:
    """Return a context manager that yields a pool; workers on this machine end with the block.

    Parameters
    ----------
    plug : Plug
        The course's configuration, which says what workers on this machine import ahead.
    workers : int, optional
        The number to start; by default one for each processor.
    scheduler : str, optional
        The address of a Dask scheduler whose workers are used instead.

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
