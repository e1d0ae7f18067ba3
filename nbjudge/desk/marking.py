"""The desk's queue: hand-ins are graded as they come, by workers that stay.

Grading is `batch.autograde`, so marks are those of `course autograde`, whichever of the two runs.
The queue is the database's: nothing of it is lost with this process.
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

#: Seconds for which a run of grading takes in who comes: then it ends, and what waits for that (a
#: row that says what failed, another assignment, another command) has its turn.
RUN_SECONDS = 15.0
#: Seconds between two looks at the queue, and after something went wrong; the latter grow.
LOOK_EVERY, FIRST_RETRY_WAIT, LONGEST_RETRY_WAIT = 0.5, 2.0, 60.0
#: Looks at an empty queue after which it is seen whether other hand-ins count by now.
SWEEP = 60
#: How often a hand-in is tried that was not graded by no fault of its own.
TRIES_OF_GRADING = 3

GetPool = Callable[[], WorkerPool]


def utc_now() -> datetime:
    """Return the time in UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)


class Marking:
    """Grades what waits, until it is stopped.

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
        #: What keeps it from grading now, in a sentence; empty if nothing does.
        self.problem = ""
        #: How many workers there are; 0 before the first hand-in.
        self.workers = 0

    def start(self) -> None:
        """Begin, after whatever was left undone when the desk ended last."""
        self.recover()
        self._thread.start()

    def stop(self) -> None:
        """End after what is being graded now."""
        self._stopped.set()
        self._something_came.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Hear that something was handed in."""
        self._something_came.set()

    def recover(self) -> None:
        """Let wait again what was being marked, and lay what waits in its place."""
        self._store.recover()
        self.sweep()
        for hand_in in self._store.all_waiting():
            self.lay(hand_in)

    def lay(self, hand_in: HandIn) -> bool:
        """Lay a hand-in where it is graded, if it counts; say whether it lies there now."""
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
        """Decide again which hand-ins count, as extensions may have been given since."""
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
            except Exception as error:  # whatever it is, the next hand-in may be graded again
                logging.exception("the desk's queue stumbled")
                self.problem = (
                    str(error)
                    if isinstance(error, CourseError)
                    else (explain(error) or f"{type(error).__name__}: {error}")
                )
                self._stopped.wait(wait)
                wait = min(2 * wait, LONGEST_RETRY_WAIT)

    def _serve(self, get_pool: GetPool) -> None:
        """Grade with the same workers until something is wrong with them, or all is stopped."""
        self.workers = get_pool().workers  # warm before anybody comes
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
        """Grade what comes next in the queue, and return how many hand-ins that were.

        Raises
        ------
        CourseError
            If nothing can be graded now; what was to be graded waits again.
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
        """Take one more into a run, if one waits, and return whose it is."""
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
            if each.student in run.by_student:  # who has come again waits for the next run
                run.end = 0.0
            elif self.lay(each):
                run.by_student[each.student] = each
                return [each.student]
        return []

    def _tell(self, hand_in: HandIn) -> None:
        """Note the marks of a hand-in as soon as they are saved."""
        try:
            outcome = outcome_of(self._course, hand_in.student, hand_in.assignment)
        except MissingEntry:  # the row will say why
            return
        self._store.finish(hand_in.id, outcome.as_data(), HandInState.MARKED, self._clock())

    def _conclude(self, hand_in: HandIn, row: Row) -> None:
        """Note what became of a hand-in once everything is known of it."""
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
    """The hand-ins for an assignment that are graded in one go.

    Parameters
    ----------
    taken : list of HandIn
        Those that nobody else marks meanwhile.
    end : float
        Until when more are taken, by the monotonic clock.
    by_student : dict of str to HandIn
        Those that are graded.
    may_wait : bool
        Whether there may be more in the queue.
    """

    taken: list[HandIn]
    end: float
    by_student: dict[str, HandIn] = field(default_factory=dict)
    may_wait: bool = True

    @property
    def assignment(self) -> str:
        """What they are for."""
        return self.taken[0].assignment


class _Teller(batch.Watcher):
    """Tells at once whose marks are saved."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def on_graded(self, student: str, points: float | None, failed: bool) -> None:
        """Hear what a submission got."""
        if points is not None:
            self._tell(student)
