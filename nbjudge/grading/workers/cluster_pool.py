"""A pool of the workers of a Dask scheduler."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dask
from distributed import CancelledError, Client, wait
from distributed.scheduler import KilledWorker

from nbjudge.exceptions import CourseError
from nbjudge.grading.jobs import (
    MOST_BYTES,
    Job,
    JobOutcome,
    OtherGrader,
    lost_outcome,
    sentence_of,
    work,
)

__all__ = ["ClusterPool", "cluster_pool"]

#: Seconds to wait for a scheduler to answer, and for its first worker.
REACH, GATHER = 10, 60
#: Seconds between two checks whether there are workers.
RECONNECT_PAUSE = 5
#: Jobs per worker that are at the scheduler at once, so that no worker is ever idle.
AHEAD = 2
#: The number of jobs after which the workers are counted again.
LOOK = 16
DASK_SETTINGS = {
    # Dask keeps its last messages for debugging, and ours contain whole submissions.
    "distributed.admin.low-level-log-length": 1,
    "distributed.admin.large-graph-warning-threshold": "1GB",
}


class ClusterPool:
    """A pool of the workers of a Dask scheduler: see `WorkerPool`.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def workers(self) -> int:
        """The number of workers now."""
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield the outcomes of jobs as they end: see `WorkerPool.outcomes`.

        Raises
        ------
        CourseError
            If the workers cannot be used at all: they have other code, or the scheduler is gone.
        """
        suspects: list[Job] = []
        for ended in self._wait_for_ends(jobs):
            # A job of a killed worker may be innocent, and have waited for the one that killed it.
            suspects += [job for job, end in ended if isinstance(end, KilledWorker)]
            if outcomes := [
                _outcome(job, end) for job, end in ended if not isinstance(end, KilledWorker)
            ]:
                yield outcomes
        for suspect in suspects:  # one at a time, so that no other job can be the cause
            for ended in self._wait_for_ends([suspect]):
                yield [_outcome(job, end) for job, end in ended]

    def _wait_for_ends(
        self, jobs: Iterable[Job]
    ) -> Iterator[list[tuple[Job, JobOutcome | BaseException]]]:
        """Yield non-empty lists of ended jobs, each with its outcome or its error."""
        waiting = iter(jobs)
        running: dict[Any, Job] = {}
        sizes: dict[Any, int] = {}
        room, ended, look = 0, 0, 0
        while True:
            if ended >= look:  # workers come and go
                room, look = AHEAD * max(1, self.workers), ended + LOOK
            while (
                len(running) < room
                and sum(sizes.values()) < MOST_BYTES
                and (job := next(waiting, None))
            ):
                future = self._client.submit(work, job, pure=False, key=f"grade-{uuid.uuid4()}")
                running[future] = job
                sizes[future] = job.submitted.size
            if not running:
                return
            found = self._first(list(running))
            ended += len(found)
            for future in found:
                del sizes[future]
            yield [(running.pop(future), end) for future, end in found.items()]
            for future in found:
                future.release()

    def _first(self, futures: list[Any]) -> dict[Any, JobOutcome | BaseException]:
        """Wait until some of the futures have ended, and return their outcomes or errors."""
        alone = 0
        while alone * RECONNECT_PAUSE < GATHER:
            try:
                done, _ = wait(  # type: ignore[no-untyped-call]
                    futures, timeout=RECONNECT_PAUSE, return_when="FIRST_COMPLETED"
                )
                found = {}
                for future in done:
                    if future.status == "error":  # this status is final
                        found[future] = future.exception()
                        continue
                    # A result can be lost with its worker until it has been fetched. Dask then
                    # computes it again, and a later iteration fetches it or its error.
                    with suppress(KilledWorker, TimeoutError):
                        found[future] = future.result(timeout=GATHER)
                if found:
                    return found
            except TimeoutError:
                alone = 0 if self.workers else alone + 1
            except CancelledError as error:
                message = "The scheduler is gone. Start it again, then run the same command again."
                raise CourseError(message) from error
        message = (
            "All workers are gone. Read their last messages (one that cannot import "
            "nbjudge and the course's packages dies: install them there), start them, "
            "then run the same command again."
        )
        raise CourseError(message)


def _outcome(job: Job, end: JobOutcome | BaseException) -> JobOutcome:
    """Return the outcome of a job; raise an error that concerns all jobs."""
    if isinstance(end, JobOutcome):
        return end
    if isinstance(end, OtherGrader):
        raise end
    if isinstance(end, ModuleNotFoundError):
        message = (
            f"A worker cannot import '{end.name}': install the course there, with its "
            "instructor extra, and start the worker again."
        )
        raise CourseError(message)
    if isinstance(end, RuntimeError) and "deserialization" in str(end):
        raise CourseError(
            "The scheduler cannot read the jobs: install the course there, too, with its "
            "instructor extra, and start the scheduler again."
        )
    if isinstance(end, KilledWorker):
        return lost_outcome(job, end.allowed_failures + 1)
    return JobOutcome(job.student, failures={"": sentence_of(end)}, passing=True)


@contextmanager
def cluster_pool(scheduler: str) -> Iterator[ClusterPool]:
    """Yield a pool of the workers of a scheduler.

    Parameters
    ----------
    scheduler : str
        Its address.

    Raises
    ------
    CourseError
        If it cannot be reached, or has no workers.
    """
    with dask.config.set(DASK_SETTINGS), _quiet(), _reach(scheduler) as client:
        yield ClusterPool(client)


@contextmanager
def _reach(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=REACH)  # type: ignore[no-untyped-call]
    except TypeError as error:  # Dask raises this if it needs certificates
        message = (
            f"The scheduler at {address} wants encryption, and Dask knows no certificates here. "
            "Name them in Dask's settings (distributed.comm.tls); docs/cluster.md tells how."
        )
        raise CourseError(message) from error
    except (OSError, ValueError, TimeoutError) as error:
        message = (
            f"No scheduler answers at {address} ({type(error).__name__}). "
            "Check the address, that `dask scheduler` runs there, and that nothing blocks the way."
        )
        raise CourseError(message) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=GATHER)
        except TimeoutError:
            message = (
                f"The scheduler at {address} has no workers. "
                f"Start some with `dask worker {address}`, then run the same command again."
            )
            raise CourseError(message) from None
        yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """Send Dask's log messages to the root logger, instead of the terminal."""
    logger = logging.getLogger("distributed")
    handlers, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [], True
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
