"""Grade a class: every submission of an assignment becomes one row, whatever it contains.

One coordinator finds the submissions that have to be graded, and sends them to workers. It alone
writes the results: to the gradebook, the folder `autograded/`, and the index of graded submissions.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from nbjudge.course import answer_texts
from nbjudge.course.course import Course
from nbjudge.course.folders import clear_away, grading_lock, log_output, log_to_file, working_folder
from nbjudge.course.gradebook import grades, open_gradebook, versions
from nbjudge.course.marks import GradeTable
from nbjudge.exceptions import CourseError
from nbjudge.grading import graded
from nbjudge.grading.conditions import GradingConditions, course_limits
from nbjudge.grading.jobs import Job, JobOutcome, sentence_of
from nbjudge.grading.plan import SubmissionRecord, plan
from nbjudge.grading.rows import Row, rows_of
from nbjudge.grading.solution_proof import find_or_prove
from nbjudge.grading.workers.pool import WorkerPool, worker_pool
from nbjudge.grading.writer import MarkedSubmission, Writer
from nbjudge.intake.submission import (
    SECRET_NAME,
    TIMESTAMP,
    find_submissions,
    read_submission,
    select,
)
from nbjudge.term.late_policy import update_penalties

__all__ = ["Watcher", "grade_assignment", "lend_workers"]


class Watcher:
    """Callbacks for the progress of a class's grading; these do nothing."""

    def on_plan(self, students: int, to_grade: int) -> None:
        """Receive the number of students, and of those who have to be graded now."""

    def on_workers(self, workers: int) -> None:
        """Receive the number of workers when they have started."""

    def on_graded(self, student: str, points: float | None, failed: bool) -> None:
        """Receive a student's points, None without results, and if a person has to look."""


@contextmanager
def lend_workers(
    course: Course, *, workers: int | None = None, scheduler: str | None = None
) -> Iterator[Callable[[], WorkerPool]]:
    """Yield a function that starts the workers at its first call; they run until the block ends.

    Once they are started, all output of this process goes to the course's log.

    Parameters
    ----------
    course : Course
    workers : int, optional
        The number of worker processes on this machine; by default one for each processor.
    scheduler : str, optional
        The address of a Dask scheduler whose workers are used instead.
    """
    with ExitStack() as stack:

        @functools.cache
        def get_pool() -> WorkerPool:
            stack.enter_context(log_to_file(course))
            stack.enter_context(log_output(course))
            return stack.enter_context(worker_pool(course.plug, workers, scheduler))

        yield get_pool


def grade_assignment(
    course: Course,
    assignment: str,
    *,
    students: Collection[str] | None = None,
    force: bool = False,
    run_all: bool = False,
    require_sandbox: bool = False,
    get_pool: Callable[[], WorkerPool] | None = None,
    watcher: Watcher | None = None,
    come_since: Callable[[], Collection[str]] = tuple,
) -> list[Row]:
    """Grade the submissions of an assignment that are not graded yet.

    Each submission is graded by itself: a problem with one affects only its own row. Results are
    saved at once, so an interruption (KeyboardInterrupt, or worse) loses only the submissions being
    graded; the next call continues from there.

    Parameters
    ----------
    course : Course
    assignment : str
    students : collection of str, optional
        The students to grade; by default everybody.
    force : bool
        Whether to grade again what is graded already and has not changed since.
    run_all : bool
        Whether to run also the cells that only show something, which no mark needs.
    require_sandbox : bool
        Whether to refuse to grade without a sandbox.
    get_pool : callable, optional
        Starts the workers: see `lend_workers`. By default they are processes on this machine.
    watcher : Watcher, optional
    come_since : callable, optional
        Is called when a worker has nothing to do. It returns students whose new submissions are to
        be graded, too; a student may be among `students`, but is returned only once.

    Returns
    -------
    list of Row
        One per student, sorted by name, including those graded earlier and those without a
        submission.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, if none of `students` is found, if
        another run is in progress, or if the workers cannot be used at all.
    """
    allowed = course_limits(course, require_sandbox=require_sandbox)
    terms = GradingConditions(versions(course, assignment), allowed, run_all, course.plug)
    submissions = select(find_submissions(course, assignment, terms.versions, students), students)
    with grading_lock(course), lend_workers(course) as own_pool:
        get_pool = get_pool or own_pool
        notes: tuple[str, ...] = ()
        if any(submission.notebooks for submission in submissions):
            terms, notes = _prove(course, assignment, terms, get_pool)
        watcher = watcher or Watcher()
        table = grades(course, assignment, students or ())
        in_gradebook = _with_marks(table, assignment)
        planned = plan(course, assignment, terms, submissions, in_gradebook, force=force)
        records = {record.student: record for record in planned}
        due = [student for student, record in records.items() if record.is_due]
        watcher.on_plan(len(records), len(due))
        if due:
            _Run(course, assignment, terms, force, watcher, records, come_since).grade(get_pool)
            students = None if students is None else records.keys()
        has_changed, failure = _update_penalties(course, assignment)
        notes = (*notes, *failure)
        if due or has_changed:
            table = grades(course, assignment, students or ())
    return rows_of(assignment, records.values(), table, terms.versions, notes, students)


def _with_marks(table: GradeTable, assignment: str) -> set[str]:
    return {student for student, own in table.submissions(assignment).items() if own.marks}


def _update_penalties(course: Course, assignment: str) -> tuple[bool, tuple[str, ...]]:
    """Update the penalties of earlier marks to the current deadlines and policy.

    Returns
    -------
    has_changed : bool
    failure : tuple of str
        A sentence if the course's own plugin fails; else empty.
    """
    try:
        with open_gradebook(course) as gradebook:
            return bool(update_penalties(gradebook, course.config(), assignment)), ()
    except CourseError as error:
        return False, (str(error),)


def _prove(
    course: Course, assignment: str, terms: GradingConditions, get_pool: Callable[[], WorkerPool]
) -> tuple[GradingConditions, tuple[str, ...]]:
    """Return the conditions with the plans and limits from the solution's proof, and notes.

    The tests that the solution does not pass are held for a person. Without a proof the conditions
    stay as they are, and a note says why there is none.
    """
    try:
        proof = find_or_prove(
            course, assignment, terms, lambda jobs: chain.from_iterable(get_pool().outcomes(jobs))
        )
    except CourseError as error:
        return terms, (f"Whether the tests work could not be proved. {error}",)
    allowed = course_limits(
        course, needed=proof.needs, require_sandbox=terms.limits.require_sandbox
    )
    notes = (proof.told_of_inside,) if proof.inside else ()
    return replace(terms, plans=proof.plans, limits=allowed), notes


@dataclass
class _Run:
    """A run that grades the submissions that are due, and updates their records."""

    course: Course
    assignment: str
    terms: GradingConditions
    force: bool
    watcher: Watcher
    records: dict[str, SubmissionRecord]
    come_since: Callable[[], Collection[str]]

    def grade(self, get_pool: Callable[[], WorkerPool]) -> None:
        """Have the due submissions graded, and save each result as it arrives."""
        clear_away(self.course, "autograded")
        with closing(Writer(self.course, self.assignment)) as writer:
            pool = get_pool()
            self.watcher.on_workers(pool.workers)
            for outcomes in pool.outcomes(_Jobs(self)):
                self._keep(outcomes, writer)
                for outcome in outcomes:
                    has_problems = bool(self.records[outcome.student].entry.problems)
                    self.watcher.on_graded(outcome.student, outcome.points, has_problems)

    def add_come_since(self) -> list[str]:
        """Add the records of students who have handed in since; return those who are due."""
        students = self.come_since()
        if not students:
            return []
        try:
            found = find_submissions(self.course, self.assignment, self.terms.versions, students)
            in_gradebook = _with_marks(
                grades(self.course, self.assignment, students), self.assignment
            )
        except CourseError:  # the current run goes on; another run will find these submissions
            logging.exception("%r not taken in", students)
            return []
        planned = plan(
            self.course, self.assignment, self.terms, found, in_gradebook, force=self.force
        )
        self.records.update((record.student, record) for record in planned)
        return [record.student for record in planned if record.is_due]

    def job_of(self, student: str) -> Job | None:
        """Return the job for a student's submission; None if it cannot be read."""
        record = self.records[student]
        # The stamps are read first, so that they show any change after the files were read.
        stamps = graded.stamps(record.submission)
        try:
            submitted = read_submission(record.submission)
        except OSError as error:
            why = f"The folder cannot be read. {sentence_of(error)}"
            self.records[student] = record.with_failure(why)
            self.watcher.on_graded(student, None, True)
            return None
        self.records[student] = record.with_files(submitted, stamps)
        return Job(student, submitted, record.seed_parts, self.terms)

    def _keep(self, outcomes: Collection[JobOutcome], writer: Writer) -> None:
        """Save results; a problem with one affects only its own row.

        The index entry is deleted first and written last. If the run is interrupted in between, the
        submission has no entry, so it counts as not graded, and the next run grades it again.
        """
        for outcome in outcomes:
            record = self.records[outcome.student].with_outcome(outcome)
            self.records[record.student] = record
        students = [outcome.student for outcome in outcomes]
        index = graded.GradedIndex(self.course, self.assignment)
        entries = {}
        with self._as_problem(*students), working_folder(self.course, "autograded") as folder:
            index.forget(students)
            written = []
            for number, outcome in enumerate(outcomes):
                with self._as_problem(outcome.student):
                    written.append(self._write(outcome, folder / f"{number}"))
            unsaved = writer.save([each.marked for each in written]) if written else {}
            for each in written:
                student = each.record.student
                if error := unsaved.get(student):
                    self._fail(student, f"The marks were not saved. {error}")
                    continue
                with self._as_problem(student):
                    entries[student] = each.put_in_place()
        whole = [student for student in entries if not self.records[student].is_unfinished]
        with self._as_problem(*whole):
            index.enter({student: entries[student] for student in whole})

    @contextmanager
    def _as_problem(self, *students: str) -> Iterator[None]:
        """Turn errors of the machine in the block into problems in these students' rows."""
        try:
            yield
        except (OSError, MemoryError) as error:
            logging.exception("%r not saved", students)
            for student in students:
                self._fail(student, f"It was not saved in autograded/. {sentence_of(error)}")

    def _fail(self, student: str, why: str) -> None:
        self.records[student] = self.records[student].with_failure(why)

    def _write(self, outcome: JobOutcome, folder: Path) -> _Written:
        """Write the notebooks of a submission to a temporary folder, and return its marks."""
        record = self.records[outcome.student]
        finished, submitted = record.finished, record.submitted
        finished.parent.mkdir(parents=True, exist_ok=True)
        unread = set(record.submission.notebooks) - set(outcome.results)
        absent = self.terms.versions.keys() - record.submission.notebooks.keys()
        before = answer_texts.recall(finished) or answer_texts.of_folder(finished)
        now = {name: result.answers for name, result in outcome.results.items()}
        kept = folder / "kept"
        kept.mkdir(parents=True)
        for name, result in outcome.results.items():
            (kept / f"{name}.ipynb").write_bytes(result.notebook)
        if submitted.handed_in:
            (kept / TIMESTAMP).write_text(f"{submitted.handed_in} UTC\n", encoding="utf-8")
        if submitted.secret:
            (kept / SECRET_NAME).write_bytes(submitted.secret)
        marked = MarkedSubmission(
            record.student,
            submitted.handed_in,
            {**outcome.results, **dict.fromkeys(unread)},
            answer_texts.changes(before, now, absent),
        )
        answers = {**{name: before[name] for name in unread if name in before}, **now}
        return _Written(record, marked, kept if outcome.results else None, answers, folder)


class _Jobs(Iterator[Job]):
    """The jobs of a run. After StopIteration there may be new jobs later.

    Parameters
    ----------
    run : _Run
    """

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._waiting = deque(name for name, record in run.records.items() if record.is_due)

    def __next__(self) -> Job:
        while True:
            if not self._waiting:
                self._waiting += self._run.add_come_since()
            if not self._waiting:
                raise StopIteration
            if (job := self._run.job_of(self._waiting.popleft())) is not None:
                return job


@dataclass(frozen=True)
class _Written:
    """A submission whose notebooks are in a temporary folder until its marks are saved.

    Parameters
    ----------
    record : SubmissionRecord
    marked : MarkedSubmission
    kept : Path, optional
        The folder of its notebooks, if there are any.
    answers : mapping
        Hashes of the answers, by notebook: see `answer_texts`.
    folder : Path
        A temporary folder, to which the previous notebooks are moved.
    """

    record: SubmissionRecord
    marked: MarkedSubmission
    kept: Path | None
    answers: Mapping[str, answer_texts.Hashes]
    folder: Path

    def put_in_place(self) -> graded.GradedEntry:
        """Replace the previously graded notebooks, and return the new index entry."""
        finished = self.record.finished
        if finished.exists():
            finished.replace(self.folder / "before")
        if self.kept:
            self.kept.replace(finished)
        answer_texts.remember(finished, self.answers)
        return replace(self.record.entry, graded=graded.stamps_of(finished))
