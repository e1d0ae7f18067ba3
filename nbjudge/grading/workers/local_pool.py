"""Worker processes on this machine, forked from a process that has already imported what they need.

Each worker has one job at a time, and a pipe to the coordinator, which no other process can use. A
worker that dies loses no results of others.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from nbjudge.basics.machine_errors import explain
from nbjudge.course.folders import LOG_NAME
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.grading import jobs
from nbjudge.grading.conditions import GradingConditions
from nbjudge.grading.jobs import MOST_BYTES, Job, JobOutcome, OtherGrader, lost_outcome, sentence_of
from nbjudge.grading.workers import preload
from nbjudge.sandbox.fitted_limits import WORKERS

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess, SpawnProcess

__all__ = ["LocalPool", "local_pool"]

#: Seconds for a worker to start, and for an idle worker to end.
START_SECONDS, END_SECONDS = 120, 5
#: Seconds between two checks for new jobs, while some workers are busy and others idle.
LOOK_AGAIN = 0.1
#: How often a job whose worker died is tried again, alone, before it is given up.
TRIES_OF_JOB = 2


@dataclass
class _Worker:
    """A process that grades.

    Parameters
    ----------
    process : Process
    line : Connection
        The coordinator's end of the pipe to it. Closing it ends an idle worker.
    job : Job, optional
        The job that it is doing.
    terms : GradingConditions, optional
        The conditions that were sent last. They are large, and most jobs of a run share them.
    """

    process: ForkServerProcess | SpawnProcess
    line: connection.Connection
    job: Job | None = None
    terms: GradingConditions | None = None

    def give(self, job: Job) -> None:
        """Send it a job.

        Raises
        ------
        OSError
            If the worker has ended.
        """
        news = None if job.terms is self.terms else job.terms
        self.line.send((job.student, job.submitted, job.seed_parts, news))
        self.job, self.terms = job, job.terms

    def kill(self) -> None:
        """Kill the process."""
        self.line.close()
        self.process.kill()
        self.process.join()


class LocalPool:
    """A pool of worker processes on this machine: see `WorkerPool`.

    Parameters
    ----------
    workers : int
        The number of workers to start, and to keep running.

    Raises
    ------
    CourseError
        If none starts.
    """

    def __init__(self, workers: int) -> None:
        self._wanted = workers
        self._workers: list[_Worker] = []
        try:
            self._fill_up()
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> int:
        """The number of workers now."""
        return len(self._workers)

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield the outcomes of jobs as they end: see `WorkerPool.outcomes`."""
        waiting, lost = iter(jobs), []
        try:
            for ended in self._ends(waiting):
                # Jobs whose worker died are tried again later: the machine may be the cause.
                lost += [job for job, end in ended if end is None]
                if outcomes := [_known(end) for _, end in ended if end is not None]:
                    yield outcomes
            for job in lost:
                yield [self._try_again(job)]
        finally:
            # If the caller stops early, nobody will fetch the outcomes of running jobs.
            for worker in [worker for worker in self._workers if worker.job]:
                self._dismiss(worker)

    def _try_again(self, job: Job) -> JobOutcome:
        """Return the outcome of a job whose worker died, with no other job running."""
        for _ in range(TRIES_OF_JOB):
            ((_, end),) = next(self._ends(iter([job])))
            if end is not None:
                return _known(end)
        return lost_outcome(job, TRIES_OF_JOB)

    def _ends(
        self, waiting: Iterator[Job]
    ) -> Iterator[list[tuple[Job, JobOutcome | OtherGrader | None]]]:
        """Yield the jobs that have ended, each with its worker's reply; None if the worker died."""
        refused = self._hand_out(waiting)
        while busy := [worker for worker in self._workers if worker.job]:
            patience = LOOK_AGAIN if len(busy) < len(self._workers) else None
            heard = connection.wait([worker.line for worker in busy], patience)
            ended = [self._hear(worker) for worker in busy if worker.line in heard]
            ended += [(job, None) for job in refused]
            refused = self._hand_out(waiting)  # so that workers are busy while outcomes are saved
            if ended:
                yield ended
        if refused:
            yield [(job, None) for job in refused]

    def _hear(self, worker: _Worker) -> tuple[Job, JobOutcome | OtherGrader | None]:
        job, worker.job = worker.job, None
        assert job is not None
        try:
            return job, worker.line.recv()
        except (EOFError, OSError):
            self._dismiss(worker)
            code = worker.process.exitcode
            logging.warning("the worker that graded %r ended (exit code %s)", job.student, code)
            return job, None

    def _hand_out(self, waiting: Iterator[Job]) -> list[Job]:
        """Send jobs to the idle workers; return the jobs that no worker could be given."""
        refused: list[Job] = []
        self._fill_up()
        while free := next((worker for worker in self._workers if not worker.job), None):
            at_work = sum(each.job.submitted.size for each in self._workers if each.job)
            if at_work >= MOST_BYTES or (job := next(waiting, None)) is None:
                break
            if not self._give(free, job):
                refused.append(job)
        return refused

    def _give(self, worker: _Worker, job: Job) -> bool:
        """Send a worker a job, or its replacement if it has ended; return whether that worked."""
        for _ in range(TRIES_OF_JOB):
            try:
                worker.give(job)
            except OSError:  # the worker has ended, mostly while it was idle
                self._dismiss(worker)
                worker = self._add()
            else:
                return True
        return False

    def _fill_up(self) -> None:
        """Start workers until there are as many as wanted.

        Raises
        ------
        CourseError
            If there is no worker, and none can be started.
        """
        try:
            while len(self._workers) < self._wanted:
                self._add()
        except CourseError:
            if not self._workers:
                raise
            logging.exception("a worker was not replaced")

    def _add(self) -> _Worker:
        worker = _start(self._wanted)
        self._workers.append(worker)
        return worker

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.kill()

    def close(self) -> None:
        """End all workers: busy ones are killed, since nobody will fetch their outcomes."""
        for worker in [worker for worker in self._workers if worker.job]:
            self._dismiss(worker)
        for worker in self._workers:
            worker.line.close()
        end = time.monotonic() + END_SECONDS
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            worker.kill()
        self._workers.clear()


@contextmanager
def local_pool(plug: Plug, workers: int) -> Iterator[LocalPool]:
    """Yield a pool of so many workers, which all end with the block.

    Parameters
    ----------
    plug : Plug
        The course's configuration, which says what they import ahead.
    workers : int

    Raises
    ------
    CourseError
        If they do not start.
    """
    preload.start(plug)
    with closing(LocalPool(workers)) as found:
        yield found


def _known(end: JobOutcome | OtherGrader) -> JobOutcome:
    """Return the outcome of a job; raise an error that concerns all jobs."""
    if isinstance(end, OtherGrader):
        raise end
    return end


def _start(workers: int) -> _Worker:
    """Start one of so many workers, and wait until it is ready.

    Raises
    ------
    CourseError
        If it does not start.
    """
    try:
        context: Any = multiprocessing.get_context(preload.METHOD)
        ours, theirs = context.Pipe()
        with theirs:
            process = context.Process(target=_serve, args=(theirs, workers), daemon=True)
            process.start()
        worker = _Worker(process, ours)
        if not ours.poll(START_SECONDS):
            worker.kill()
            raise TimeoutError(f"nothing was heard within {START_SECONDS} s")
        ours.recv()
    except (EOFError, OSError, RuntimeError) as error:
        logging.exception("a worker did not start")
        why = explain(error) or (
            f"They were ended, or kept from it ({type(error).__name__}): too little memory, "
            f"most often, or a limit of the shell (`ulimit -a`). {LOG_NAME} in the course's folder "
            "says more. Take fewer --workers or raise the limit, then run the same command again."
        )
        raise CourseError(f"The workers did not start. {why}") from error
    return worker


# ---- In a worker -----------------------------------------------------------------------------


def _serve(line: connection.Connection, workers: int) -> None:
    """Do each job that the coordinator sends, until it closes the pipe."""
    import signal

    for name in ("SIGINT", "SIGHUP"):  # meant for the coordinator, which ends its workers
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_coordinator, daemon=True).start()
    os.environ[WORKERS] = str(workers)
    from nbjudge.grading.workers import preloaded  # imported already, if this process was forked

    assert preloaded
    line.send("up")
    terms: Any = None
    while True:
        try:
            student, submitted, seed_parts, news = line.recv()
        except EOFError:
            return
        terms = news or terms
        line.send(_end_of(Job(student, submitted, seed_parts, terms)))


def _end_of(job: Job) -> JobOutcome | OtherGrader:
    """Return the outcome of a job, into which errors are turned that may not unpickle elsewhere."""
    try:
        return jobs.work(job)
    except OtherGrader as error:
        return error
    except Exception as error:
        return JobOutcome(job.student, failures={"": sentence_of(error)}, passing=True)


def _end_with_coordinator() -> None:
    """Wait for the coordinator to end, and then end this process at once."""
    coordinator = multiprocessing.parent_process()
    assert coordinator is not None
    coordinator.join()
    os._exit(1)
