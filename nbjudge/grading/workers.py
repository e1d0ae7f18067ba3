"""Who grades: worker processes of this machine, or those of any Dask scheduler."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import dask
from distributed import CancelledError, Client, LocalCluster, Nanny, Scheduler, Worker, wait
from distributed.scheduler import KilledWorker

from nbjudge.basics.machine_errors import explain
from nbjudge.basics.temporary_folders import remove_stale_folders
from nbjudge.course.folders import LOG_NAME
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.grading import preload
from nbjudge.grading.jobs import Job, JobOutcome, OtherGrader, sentence_of, work
from nbjudge.sandbox.fitted_limits import WORKERS, fitting_workers, megabytes_here

__all__ = ["WorkerPool", "processors", "worker_pool"]

#: How the names of the workers' folders begin; the coordinator's number follows.
WORKERS_PREFIX = "course-workers-"
#: Seconds to wait for a scheduler to answer, and for its first worker.
REACH, GATHER = 10, 60
#: Seconds between two looks at whether there are workers.
RECONNECT_PAUSE = 5
#: Seconds in which workers may end by themselves: after their work, and when all is stopped.
LEISURE, HASTE = 5, 0.5
#: Seconds after which what Dask still waits for at the end is left to itself.
CLOSING_PATIENCE = 60
#: Jobs for each worker that wait at the scheduler, so that none is ever idle.
AHEAD = 2
#: Bytes of jobs at work and waiting, above which none is added: submissions can be large.
MOST_BYTES = 200 * 2**20
#: After how many jobs the workers are counted again.
LOOK = 16
#: How often a job may lose its worker before it is given up.
TRIES_OF_JOB = 2
DASK_SETTINGS = {
    # Dask keeps its last messages for its developers, and ours hold whole submissions.
    "distributed.admin.low-level-log-length": 1,
    "distributed.admin.large-graph-warning-threshold": "1GB",
    "distributed.scheduler.allowed-failures": TRIES_OF_JOB - 1,
    "distributed.scheduler.work-stealing": False,
    # Student code has limits of its own; a worker that dies by Dask's hand would lose its job.
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.multiprocessing-method": preload.METHOD,
}


class WorkerPool:
    """Workers that can be given jobs.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def workers(self) -> int:
        """How many there are now."""
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield what becomes of the jobs as they end: all that have, since it was asked last.

        Jobs are taken as they are needed, so that a large class never is in memory as a whole.

        Raises
        ------
        CourseError
            If the workers cannot be used at all: they have other code, or the scheduler is gone.
        """
        suspects: list[Job] = []
        for ended in self._wait_for_ends(jobs):
            # A killed worker's may only have waited there for another job, which ended it.
            suspects += [job for job, end in ended if isinstance(end, KilledWorker)]
            if outcomes := [
                _outcome(job, end) for job, end in ended if not isinstance(end, KilledWorker)
            ]:
                yield outcomes
        for suspect in suspects:  # each by itself, so that nobody else can be to blame
            for ended in self._wait_for_ends([suspect]):
                yield [_outcome(job, end) for job, end in ended]

    def _wait_for_ends(
        self, jobs: Iterable[Job]
    ) -> Iterator[list[tuple[Job, JobOutcome | BaseException]]]:
        """Yield the jobs that have ended, each with its outcome or its error, at least one."""
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
                    if future.status == "error":  # which stays so
                        found[future] = future.exception()
                        continue
                    # Until it is here a result may be lost with its worker. It is made anew then,
                    # and the next look finds it, or what became of it.
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
            "All workers are gone. See what they said in the end (one that cannot import "
            "nbjudge and the course's packages dies: install them there), start them, "
            "then run the same command again."
        )
        raise CourseError(message)


def _outcome(job: Job, end: JobOutcome | BaseException) -> JobOutcome:
    """Return what became of a job, or raise what concerns all of them."""
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
        why = f"The worker that graded it ended, {end.allowed_failures + 1} times in a row."
    else:
        why = sentence_of(end)
    return JobOutcome(job.student, failures={"": why}, passing=True)


def processors() -> int:
    """Return how many processors this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def worker_pool(
    plug: Plug, workers: int | None = None, scheduler: str | None = None
) -> Iterator[WorkerPool]:
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
        If the scheduler cannot be reached, or has no workers.
    """
    with dask.config.set(DASK_SETTINGS), _quiet():
        if scheduler is not None:
            with _reach(scheduler) as client:
                yield WorkerPool(client)
            return
        preload.start(plug)
        remove_stale_folders(Path(gettempdir()), WORKERS_PREFIX)
        with (
            TemporaryDirectory(prefix=f"{WORKERS_PREFIX}{os.getpid()}-") as folder,
            _local_cluster(
                workers or fitting_workers(processors(), megabytes_here()), folder
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            yield WorkerPool(client)


class _Unseen:
    """A part of Dask without its pages, which show whoever asks what it is at, and its code."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Do nothing."""


class _UnseenScheduler(_Unseen, Scheduler):
    pass


class _UnseenWorker(_Unseen, Worker):
    pass


class _UnseenNanny(Nanny):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "worker_class": _UnseenWorker})


class _UnseenCluster(LocalCluster):
    async def _start(self) -> None:
        self.scheduler_spec["cls"] = _UnseenScheduler
        await super()._start()  # type: ignore[no-untyped-call]


@contextmanager
def _local_cluster(workers: int, folder: str) -> Iterator[LocalCluster]:
    """Yield a cluster of this machine; at the end of the block none of its workers is left.

    Raises
    ------
    CourseError
        If it does not start.
    """
    try:
        cluster = _UnseenCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            worker_class=_UnseenNanny,
            dashboard_address=None,
            # Whoever can talk to a scheduler can run anything: no other user of this machine.
            security=True,
            local_directory=folder,
            env={WORKERS: str(workers)},
            silence_logs=False,
        )
    # Dask's own error tells that a part of it did not start, and what it was raised from tells why.
    except Exception as error:
        logging.exception("the workers did not start")
        why = explain(error) or (
            f"They were ended, or kept from it ({type(error).__name__}): too little memory, "
            f"most often, or a limit of the shell (`ulimit -a`). {LOG_NAME} in the course's folder "
            "says more. Take fewer --workers or raise the limit, then run the same command again."
        )
        raise CourseError(f"The workers did not start. {why}") from error
    within = HASTE  # nobody will ask what came of what they are at
    try:
        yield cluster
        within = LEISURE
    finally:
        cluster.sync(_dismiss, cluster, within)  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            cluster.close(timeout=CLOSING_PATIENCE)


async def _dismiss(cluster: LocalCluster, within: float) -> None:
    """End workers before their cluster, which would stumble over one that is just started anew."""
    tasks = [
        asyncio.ensure_future(nanny.close(timeout=within)) for nanny in cluster.workers.values()
    ]
    if tasks:
        ended, _ = await asyncio.wait(tasks, timeout=CLOSING_PATIENCE)
        for task in ended:
            task.exception()  # has been seen: a worker that Dask has lost ends by itself


@contextmanager
def _reach(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=REACH)  # type: ignore[no-untyped-call]
    except TypeError as error:  # Dask's own way to ask for certificates
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
    """Let Dask's messages go where all others go, instead of to the terminal."""
    logger = logging.getLogger("distributed")
    handlers, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [], True
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
