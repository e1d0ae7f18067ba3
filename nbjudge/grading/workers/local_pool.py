"""Worker processes of this machine, forked from one that has imported what they need.

Each has one job at a time, and a pipe to the coordinator: nothing listens, and nobody else can talk
to it. A worker that ends takes nothing with it.
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
from nbjudge.grading.jobs import Job, JobOutcome, OtherGrader, lost_outcome, sentence_of
from nbjudge.grading.workers import pool, preload
from nbjudge.sandbox.fitted_limits import WORKERS

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess, SpawnProcess

__all__ = ["LocalPool", "local_pool"]

#: Seconds that a worker has until it is up; and, once it has nothing to do, until it has ended.
START_SECONDS, END_SECONDS = 120, 5
#: Seconds between two looks for another job, while some are at work and others have nothing to do.
LOOK_AGAIN = 0.1
#: How often a job that has lost its worker is tried again, by itself, before it is given up.
TRIES_OF_JOB = 2


@dataclass
class _Worker:
    """A process that grades.

    Parameters
    ----------
    process : Process
    line : Connection
        To it; the end of which is the end of the other, too.
    job : Job, optional
        What it is at.
    terms : GradingConditions, optional
        What it was told last: most jobs of a run have the same, which are large.
    """

    process: ForkServerProcess | SpawnProcess
    line: connection.Connection
    job: Job | None = None
    terms: GradingConditions | None = None

    def give(self, job: Job) -> None:
        """Have it do a job.

        Raises
        ------
        OSError
            If it has ended.
        """
        news = None if job.terms is self.terms else job.terms
        self.line.send((job.student, job.submitted, job.seed_parts, news))
        self.job, self.terms = job, job.terms

    def kill(self) -> None:
        """End it, whatever it is at."""
        self.line.close()
        self.process.kill()
        self.process.join()


class LocalPool:
    """Worker processes of this machine.

    Parameters
    ----------
    workers : int
        How many are started, and kept.

    Raises
    ------
    CourseError
        If one does not start.
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
        """How many there are now."""
        return len(self._workers)

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield what becomes of the jobs as they end: see `WorkerPool.outcomes`."""
        waiting, lost = iter(jobs), []
        try:
            for ended in self._ends(waiting):
                # It may have been the machine that ended a worker.
                lost += [job for job, end in ended if end is None]
                if outcomes := [_known(end) for _, end in ended if end is not None]:
                    yield outcomes
            for job in lost:
                yield [self._try_again(job)]
        finally:
            # Who asks no further is given nothing later.
            for worker in [worker for worker in self._workers if worker.job]:
                self._dismiss(worker)

    def _try_again(self, job: Job) -> JobOutcome:
        """Return what becomes of a job that has lost its worker, with nothing beside it."""
        for _ in range(TRIES_OF_JOB):
            ((_, end),) = next(self._ends(iter([job])))
            if end is not None:
                return _known(end)
        return lost_outcome(job, TRIES_OF_JOB)

    def _ends(
        self, waiting: Iterator[Job]
    ) -> Iterator[list[tuple[Job, JobOutcome | OtherGrader | None]]]:
        """Yield the jobs that have ended, each with what its worker says; None if that is lost."""
        refused = self._hand_out(waiting)
        while busy := [worker for worker in self._workers if worker.job]:
            patience = LOOK_AGAIN if len(busy) < len(self._workers) else None
            heard = connection.wait([worker.line for worker in busy], patience)
            ended = [self._hear(worker) for worker in busy if worker.line in heard]
            ended += [(job, None) for job in refused]
            refused = self._hand_out(waiting)  # they are at work while this is saved
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
        """Give jobs to those who have none; return those that ended whoever was given them."""
        refused: list[Job] = []
        self._fill_up()
        while free := next((worker for worker in self._workers if not worker.job), None):
            at_work = sum(each.job.submitted.size for each in self._workers if each.job)
            if at_work >= pool.MOST_BYTES or (job := next(waiting, None)) is None:
                break
            if not self._give(free, job):
                refused.append(job)
        return refused

    def _give(self, worker: _Worker, job: Job) -> bool:
        """Give a worker a job, or one in its place if it ends; say whether one has it."""
        for _ in range(TRIES_OF_JOB):
            try:
                worker.give(job)
            except OSError:  # most often it ended while it had nothing to do
                self._dismiss(worker)
                worker = self._add()
            else:
                return True
        return False

    def _fill_up(self) -> None:
        """Replace those who have ended.

        Raises
        ------
        CourseError
            If nobody is there, and nobody can be started.
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
        """End all of them: at once who is at work, for nobody will ask what came of it."""
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
    """Yield so many workers, started now; at the end of the block none of them is left.

    Parameters
    ----------
    plug : Plug
        What they import ahead.
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
    """Return what became of a job, or raise what concerns all of them."""
    if isinstance(end, OtherGrader):
        raise end
    return end


def _start(workers: int) -> _Worker:
    """Start one of so many workers, and wait until it is up.

    Raises
    ------
    CourseError
        If that is not possible.
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
    """Do each job that comes, until nobody sends any more."""
    import signal

    for name in ("SIGINT", "SIGHUP"):  # the coordinator's to hear, which ends its workers
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_coordinator, daemon=True).start()
    os.environ[WORKERS] = str(workers)
    from nbjudge.grading.workers import preloaded  # where nothing is forked, it is imported now

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
    """Return what becomes of a job; other errors than this one may mean nothing elsewhere."""
    try:
        return jobs.work(job)
    except OtherGrader as error:
        return error
    except Exception as error:
        return JobOutcome(job.student, failures={"": sentence_of(error)}, passing=True)


def _end_with_coordinator() -> None:
    """End this process with the one that started it, whatever it is at."""
    coordinator = multiprocessing.parent_process()
    assert coordinator is not None
    coordinator.join()
    os._exit(1)
