"""The desk's queue: a thread that grades hand-ins as they arrive, with a standing worker pool.

It calls `batch.grade_assignment`, as `course autograde` does, so both give the same marks. The
queue is rows of the database, so nothing is lost if this process dies.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nbgrader.api import MissingEntry

from nbjudge.basics.machine_errors import explain
from nbjudge.course.course import Course
from nbjudge.desk.due_dates import ClassTerms
from nbjudge.desk.outcomes import HandInOutcome, outcome_of
from nbjudge.desk.placement import place_hand_in
from nbjudge.desk.store import HandIn, HandInState, Store
from nbjudge.desk.vault import Vault
from nbjudge.exceptions import CourseError
from nbjudge.grading import batch
from nbjudge.grading.rows import Row, Status
from nbjudge.grading.workers.pool import WorkerPool

__all__ = ["Marking", "utc_now"]

#: Seconds during which a grading run accepts further hand-ins. Then it ends, so that whatever waits
#: for its end (a row that says what failed, another assignment, another command) gets its turn.
RUN_SECONDS = 15.0
#: Seconds between two checks of the queue; and, doubling, after an error.
LOOK_EVERY, FIRST_RETRY_WAIT, LONGEST_RETRY_WAIT = 0.5, 2.0, 60.0
#: Checks of an empty queue between two sweeps (see `Marking.sweep`).
SWEEP = 60
#: How often grading a hand-in is tried when something else than the hand-in made it fail.
TRIES_OF_GRADING = 3

GetPool = Callable[[], WorkerPool]


def utc_now() -> datetime:
    """Return the time in UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Marking:
    """A thread that grades waiting hand-ins until it is stopped.

    Parameters
    ----------
    course : Course
    store : Store
    vault : Vault
    terms : ClassTerms
    clock : callable, optional
        Returns the time in UTC.
    lend_workers : callable, optional
        As `batch.lend_workers`.
    """

    def __init__(
        self,
        course: Course,
        store: Store,
        vault: Vault,
        terms: ClassTerms,
        *,
        clock: Callable[[], datetime] = utc_now,
        lend_workers: Callable[[Course], AbstractContextManager[GetPool]] = batch.lend_workers,
    ) -> None:
        self._course = course
        self._store = store
        self._vault = vault
        self._terms = terms
        self._clock = clock
        self._lend_workers = lend_workers
        self._tries: dict[int, int] = {}
        self._laying = threading.Lock()
        self._stopped = threading.Event()
        self._something_came = threading.Event()
        self._thread = threading.Thread(target=self._run, name="marking")
        #: Why nothing can be graded now, as a sentence; empty if all is well.
        self.problem = ""
        #: How many workers there are; 0 until the pool has started.
        self.workers = 0

    def start(self) -> None:
        """Recover what the last run of the desk left unfinished, then start the thread."""
        self.recover()
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being graded now, then end the thread."""
        self._stopped.set()
        self._something_came.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Wake the thread: something was handed in."""
        self._something_came.set()

    def recover(self) -> None:
        """Put interrupted hand-ins back into the queue, and place all that wait in `submitted/`."""
        self._store.recover()
        self.sweep()
        for hand_in in self._store.all_waiting():
            self.lay(hand_in)

    def lay(self, hand_in: HandIn) -> bool:
        """Place a hand-in in `submitted/` if it counts; return whether it is there now."""
        with self._laying:
            found = self._store.find(hand_in.id)
            if found is None or not found.counts:
                return False
            try:
                place_hand_in(self._course, self._vault, hand_in)
            except (OSError, CourseError) as error:
                self.problem = f"submitted/ cannot be written. {explain(error) or error}"
                logging.exception("hand-in %s was not laid in submitted/", hand_in.id)
                return False
        return True

    def sweep(self) -> None:
        """Decide again which hand-ins count: extensions may have been given since."""
        terms = self._terms()
        for student, assignment in self._store.with_several():
            due = terms.due_for(assignment, student)
            self._store.recount(student, assignment, due)

    def _run(self) -> None:
        wait = FIRST_RETRY_WAIT
        while not self._stopped.is_set():
            try:
                with ExitStack() as stack:
                    self._serve(stack.enter_context(self._lend_workers(self._course)))
                    wait = FIRST_RETRY_WAIT
            except Exception as error:  # whatever it is, the next attempt may succeed
                logging.exception("the desk's queue stumbled")
                self.problem = (
                    str(error)
                    if isinstance(error, CourseError)
                    else (explain(error) or f"{type(error).__name__}: {error}")
                )
                self._stopped.wait(wait)
                wait = min(2 * wait, LONGEST_RETRY_WAIT)

    def _serve(self, get_pool: GetPool) -> None:
        """Grade with one pool of workers until it fails or the thread is stopped."""
        self.workers = get_pool().workers  # start the pool before the first hand-in arrives
        looks = failures = 0
        while not self._stopped.is_set():
            self._something_came.clear()
            try:
                if self.mark_next(get_pool):
                    looks = failures = 0
                    continue
            except CourseError as error:
                # Another command may be grading, and be done soon.
                self.problem, failures = str(error), failures + 1
                if failures == TRIES_OF_GRADING:
                    raise
                self._stopped.wait(FIRST_RETRY_WAIT)
            looks += 1
            if looks % SWEEP == 0:
                self.sweep()
            self._something_came.wait(LOOK_EVERY)

    def mark_next(self, get_pool: GetPool) -> int:
        """Grade what comes next in the queue, and return how many hand-ins were taken.

        Raises
        ------
        CourseError
            If nothing can be graded now; the hand-ins go back into the queue.
        """
        taken = self._store.take(max(1, self.workers))
        if not taken:
            return 0
        run = _Run(taken, time.monotonic() + RUN_SECONDS)
        try:
            run.by_student = {each.student: each for each in taken if self.lay(each)}
            if there := bool(run.by_student):
                self._mark(run, get_pool)
        finally:
            self._store.put_back([each.id for each in run.taken])
        if not there and self.problem:
            raise CourseError(self.problem)
        return len(run.taken)

    def _mark(self, run: _Run, get_pool: GetPool) -> None:
        rows = batch.grade_assignment(
            self._course,
            run.assignment,
            students=list(run.by_student),
            get_pool=get_pool,
            watcher=_Teller(lambda student: self._tell(run.by_student[student])),
            come_since=lambda: self._take_more(run),
        )
        self.problem = ""
        for row in rows:
            self._conclude(run.by_student[row.student], row)

    def _take_more(self, run: _Run) -> list[str]:
        """Add one more waiting hand-in to a run, and return its student; empty if none waits."""
        if self._stopped.is_set() or time.monotonic() > run.end:
            return []
        if self._something_came.is_set():
            self._something_came.clear()
            run.may_wait = True
        if not run.may_wait:
            return []
        taken = self._store.take(1, run.assignment)
        run.may_wait = bool(taken)
        for each in taken:
            run.taken.append(each)
            if each.student in run.by_student:  # a student's second hand-in waits for the next run
                run.end = 0.0
            elif self.lay(each):
                run.by_student[each.student] = each
                return [each.student]
        return []

    def _tell(self, hand_in: HandIn) -> None:
        """Record the marks of a hand-in as soon as the gradebook has them."""
        try:
            outcome = outcome_of(self._course, hand_in.student, hand_in.assignment)
        except MissingEntry:  # the row will say why
            return
        self._store.finish(hand_in.id, outcome.as_data(), HandInState.MARKED, self._clock())

    def _conclude(self, hand_in: HandIn, row: Row) -> None:
        """Record the final state of a hand-in from its row of the grading report."""
        if row.is_unfinished:
            tries = self._tries[hand_in.id] = self._tries.get(hand_in.id, 0) + 1
            if tries < TRIES_OF_GRADING:
                self._store.wait_again(hand_in.id)
                return
        if row.score is None:
            failed = HandInOutcome(problems=row.remarks)
            self._store.finish(hand_in.id, failed.as_data(), HandInState.FAILED, self._clock())
            return
        found = self._store.find(hand_in.id)
        needs_a_person = row.status is Status.NEEDS_A_PERSON
        if found is not None and (found.state == HandInState.MARKING or needs_a_person):
            outcome = outcome_of(self._course, hand_in.student, hand_in.assignment)
            problems = row.remarks if needs_a_person else ()
            data = replace(outcome, problems=problems).as_data()
            self._store.finish(hand_in.id, data, HandInState.MARKED, found.marked or self._clock())


@dataclass
class _Run:
    """The hand-ins for one assignment that are graded together.

    Parameters
    ----------
    taken : list of HandIn
        All that this run has taken from the queue.
    end : float
        Until when it takes more, in seconds of the monotonic clock.
    by_student : dict of str to HandIn
        Those that are being graded.
    may_wait : bool
        Whether the queue may hold more for it.
    """

    taken: list[HandIn]
    end: float
    by_student: dict[str, HandIn] = field(default_factory=dict)
    may_wait: bool = True

    @property
    def assignment(self) -> str:
        """The assignment of all of them."""
        return self.taken[0].assignment


class _Teller(batch.Watcher):
    """A watcher that reports each student as soon as their marks are saved."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def on_graded(self, student: str, points: float | None, failed: bool) -> None:
        """Report a submission that has a mark."""
        if points is not None:
            self._tell(student)
