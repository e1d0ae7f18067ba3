"""Grading a class: every submission of an assignment becomes one row, whatever is in it.

One coordinator finds what has to be graded, hands it to workers, and alone writes what comes back:
the gradebook, the folder `autograded/`, and the ledger of what is done.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from nbjudge.basics.sentences import grouped
from nbjudge.course import answer_texts
from nbjudge.course.course import Course
from nbjudge.course.folders import clear_away, folder_of, logged, silenced, workshop
from nbjudge.course.gradebook import ExerciseMark, MarksNotSaved, StudentMarks, marks, versions
from nbjudge.course.secret import ingredients, secret
from nbjudge.exceptions import CourseError
from nbjudge.grading import graded
from nbjudge.grading.conditions import Terms, course_limits
from nbjudge.grading.grading_lock import grading_lock
from nbjudge.grading.jobs import Job, Outcome, unexpected
from nbjudge.grading.solution_proof import proved
from nbjudge.grading.writer import Writer
from nbjudge.intake.submission import (
    SECRET,
    TIMESTAMP,
    Papers,
    Submission,
    find_submissions,
    named,
    read,
    shown,
)

__all__ = ["Crew", "Row", "Status", "Watcher", "autograde", "staff", "standing"]

#: What a row says that was not, or not only, made by the last grading.
NOT_YET = "It is not graded yet: run `course autograde {}`."
CHANGED = "It has changed since it was graded: run `course autograde {}`."
GONE = "Its folder is no longer in submitted/; the marks are those of the gradebook."


class Status(StrEnum):
    """What became of a submission."""

    GRADED = "graded"
    NEEDS_A_PERSON = "needs a person"
    FAILED = "failed"
    NOT_HANDED_IN = "not handed in"


@dataclass(frozen=True)
class Row:
    """A line of the class's table.

    Parameters
    ----------
    student, assignment : str
    status : Status
        "needs a person" is graded, but not all of it could be: the first remark says what. Of
        "failed", nothing could be graded.
    score, max_score : float
        Marks won so far, and to be won. `score` is None if nothing is graded.
    exercises : tuple of ExerciseMark
        By number; empty if nothing is graded.
    waiting : tuple of str
        The exercises whose written answers a person has yet to grade.
    remarks : tuple of str
        Sentences, the important ones first.
    graded_now : bool
        False if the marks are from an earlier run.
    penalty : float
        Points that are yet to be taken off `score` for being late; a remark tells them.
    is_unfinished : bool
        Whether something was not graded, or not saved, by no fault of what was handed in: another
        run tries it again. A remark says what.
    """

    student: str
    assignment: str
    status: Status
    score: float | None
    max_score: float
    exercises: tuple[ExerciseMark, ...] = ()
    waiting: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    graded_now: bool = False
    penalty: float = 0.0
    is_unfinished: bool = False


class Watcher:
    """Is told how a class's grading goes; this one does not care."""

    def planned(self, students: int, to_grade: int) -> None:
        """Hear how many students there are, and how many of them are to be graded now."""

    def gathered(self, workers: int) -> None:
        """Hear that so many workers are at work."""

    def graded(self, student: str, points: float | None, failed: bool) -> None:
        """Hear what tests gave a submission, None if nothing, and whether a person has to look."""


class Crew(Protocol):
    """Those who do the jobs: see `cluster.Crew`."""

    @property
    def workers(self) -> int:
        """How many there are now."""

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Yield what becomes of each job, in the order in which they end."""


@contextmanager
def staff(
    course: Course, *, workers: int | None = None, scheduler: str | None = None
) -> Iterator[Callable[[], Crew]]:
    """Yield what calls workers in once they are needed; they stay until the end.

    From then on what is printed by whatever way goes to the course's log.

    Parameters
    ----------
    course : Course
    workers : int, optional
        How many processes of this machine; by default one for each processor.
    scheduler : str, optional
        The address of a Dask scheduler whose workers come instead.
    """
    with ExitStack() as stack:

        @functools.cache
        def call_in() -> Crew:
            from nbjudge.grading.workers import crew  # imports Dask

            stack.enter_context(logged(course))
            stack.enter_context(silenced(course))
            return stack.enter_context(crew(course.plug, workers, scheduler))

        yield call_in


def autograde(
    course: Course,
    assignment: str,
    *,
    students: Collection[str] | None = None,
    force: bool = False,
    run_all: bool = False,
    require_sandbox: bool = False,
    call_in: Callable[[], Crew] | None = None,
    watcher: Watcher | None = None,
) -> list[Row]:
    """Grade the submissions of an assignment that are not graded yet.

    Each submission is graded by itself: what goes wrong with one becomes its row. What is graded is
    saved at once, so an interruption (KeyboardInterrupt, or worse) costs no more than what was
    being graded; the next call goes on from there.

    Parameters
    ----------
    course : Course
    assignment : str
    students : collection of str, optional
        Whose submissions; by default everybody's.
    force : bool
        Grade again what is graded already, and has not changed since.
    run_all : bool
        Whether to run also the cells that only show something, which no mark needs.
    require_sandbox : bool
        Whether to refuse where nothing confines a student's code.
    call_in : callable, optional
        What calls in the workers: see `staff`, whose processes on this machine do it by default.
    watcher : Watcher, optional

    Returns
    -------
    list of Row
        One a student, sorted, those graded earlier included.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, if nobody of `students` is there, if
        another run is at work, or if the workers cannot be used at all.
    """
    allowed = course_limits(course, require_sandbox=require_sandbox)
    terms = Terms(versions(course, assignment), allowed, run_all, course.plug)
    submissions = select(find_submissions(course, assignment, terms.versions), students)
    with grading_lock(course), staff(course) as staff_of_here:
        call_in = call_in or staff_of_here
        notes: tuple[str, ...] = ()
        if any(submission.notebooks for submission in submissions):
            terms, notes = _proved(course, assignment, terms, call_in)
        run = _Run(course, assignment, terms, watcher or Watcher(), notes)
        found = {student.student: student for student in marks(course, assignment)}
        run.sort(submissions, found, force)
        if run.to_grade:
            run.grade(call_in)
            found = {student.student: student for student in marks(course, assignment)}
    return [run.row(submission, found.get(submission.student)) for submission in submissions]


def _proved(
    course: Course, assignment: str, terms: Terms, call_in: Callable[[], Crew]
) -> tuple[Terms, tuple[str, ...]]:
    """Hold the tests that the course's own solution does not pass; say if nobody can know that."""
    try:
        proof = proved(course, assignment, terms, lambda jobs: call_in().outcomes(jobs))
    except CourseError as error:
        return terms, (f"Whether the tests work could not be proved. {error}",)
    allowed = course_limits(
        course, needed=proof.needs, require_sandbox=terms.limits.require_sandbox
    )
    return replace(terms, held=proof.faults, limits=allowed), ()


def standing(course: Course, assignment: str) -> list[Row]:
    """Return a class's table as it stands; nothing is graded, and nothing written.

    Returns
    -------
    list of Row
        One for everybody with a folder in `submitted/` or with marks in the gradebook, sorted. The
        terms on which something was graded do not matter.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, or cannot be read.
    """
    terms = Terms(versions(course, assignment), course_limits(course), False, course.plug)
    submissions = find_submissions(course, assignment, terms.versions)
    run = _Run(course, assignment, terms, Watcher())
    run.recall(submissions)
    found = {student.student: student for student in marks(course, assignment)}
    gone = found.keys() - {submission.student for submission in submissions}
    rows = [run.row(submission, found.get(submission.student)) for submission in submissions]
    rows += [
        Row(
            student=student,
            assignment=assignment,
            status=Status.GRADED,
            score=found[student].score,
            max_score=found[student].max_score,
            exercises=found[student].exercises,
            waiting=_waiting(found[student]),
            penalty=found[student].penalty,
            remarks=(*_late(found[student].penalty), GONE),
        )
        for student in gone
    ]
    return sorted(rows, key=lambda row: row.student)


def _waiting(found: StudentMarks) -> tuple[str, ...]:
    return tuple(mark.exercise for mark in found.exercises if mark.waiting)


def select(submissions: list[Submission], students: Collection[str] | None) -> list[Submission]:
    """Return the submissions of some students, or of all.

    Raises
    ------
    CourseError
        If there is a student without a folder.
    """
    if students is None:
        return submissions
    absent = sorted(set(students) - {submission.student for submission in submissions})
    if absent:
        message = (
            f"No folder in submitted/ for {', '.join(map(shown, absent))}. "
            "An id is the folder's name, letter for letter."
        )
        raise CourseError(message)
    return [submission for submission in submissions if submission.student in students]


@dataclass(frozen=True)
class _Known:
    """What a row tells of a submission, beside its marks."""

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    is_faulty: bool = False
    is_unfinished: bool = False

    @classmethod
    def of(cls, entry: graded.Entry) -> _Known:
        return cls(tuple(entry.problems), tuple(entry.notes), tuple(entry.remarks), entry.is_faulty)


@dataclass(frozen=True)
class _InWork:
    """What is being graded, as it was when it was read."""

    papers: Papers
    content: str
    stamps: graded.Stamps


@dataclass
class _Run:
    """One call of `autograde`."""

    course: Course
    assignment: str
    terms: Terms
    watcher: Watcher
    notes: tuple[str, ...] = ()
    known: dict[str, _Known] = field(default_factory=dict)
    to_grade: dict[str, Submission] = field(default_factory=dict)
    graded_now: set[str] = field(default_factory=set)
    in_work: dict[str, _InWork] = field(default_factory=dict)

    def sort(
        self, submissions: Collection[Submission], in_gradebook: Collection[str], force: bool
    ) -> None:
        """Find out which submissions have to be graded."""
        for submission in submissions:
            if not submission.notebooks:
                continue
            entry = None if force else self._current(submission)
            if entry is None or (entry.graded and submission.student not in in_gradebook):
                self.to_grade[submission.student] = submission
            else:
                self.known[submission.student] = _Known.of(entry)
        self.watcher.planned(len(submissions), len(self.to_grade))

    def _current(self, submission: Submission) -> graded.Entry | None:
        """Return the entry of a submission that is graded, on the same terms, and not changed."""
        entry = graded.find(self._finished(submission.student))
        if entry is None or entry.terms != self._key(submission.student):
            return None
        stamps = graded.stamps(submission)
        try:
            if not _is_unchanged(submission, entry, stamps):
                return None
            if entry.stamps != stamps:
                entry = replace(entry, stamps=stamps)
                graded.enter(self._finished(submission.student), entry)
        except OSError:  # who grades it will say so
            return None
        return entry

    def recall(self, submissions: Iterable[Submission]) -> None:
        """Remember what was told of submissions when they were graded, on whatever terms."""
        for submission in submissions:
            if submission.notebooks:
                self.known[submission.student] = self._recalled(submission)

    def _recalled(self, submission: Submission) -> _Known:
        finished = self._finished(submission.student)
        entry = graded.find(finished)
        if entry is None:  # nbgrader's own command writes no entries
            problem = () if finished.is_dir() else (NOT_YET.format(self.assignment),)
            return _Known(problems=problem)
        try:
            is_unchanged = _is_unchanged(submission, entry, graded.stamps(submission))
        except OSError:
            is_unchanged = False
        known = _Known.of(entry)
        if is_unchanged:
            return known
        return replace(known, problems=(CHANGED.format(self.assignment), *known.problems))

    def _finished(self, student: str) -> Path:
        return folder_of(self.course, "autograded", student, self.assignment)

    @functools.cached_property
    def _secret(self) -> str:
        return secret(self.course.root)

    def _ingredients(self, student: str) -> tuple[str, ...]:
        return ingredients(self._secret, self.assignment, student)

    def _key(self, student: str) -> str:
        return self.terms.key(self._ingredients(student))

    def grade(self, call_in: Callable[[], Crew]) -> None:
        """Have all graded that has to be, and save each as it comes."""
        clear_away(self.course, "autograded")
        with closing(Writer(self.course, self.assignment)) as writer:
            crew = call_in()
            self.watcher.gathered(crew.workers)
            for outcome in crew.outcomes(self._jobs()):
                self._keep(outcome, writer)

    def _jobs(self) -> Iterator[Job]:
        for student, submission in self.to_grade.items():
            # Stamps come first: what changes from now on is not what is graded.
            stamps = graded.stamps(submission)
            try:
                papers = read(submission)
            except OSError as error:
                problem = f"The folder cannot be read. {unexpected(error)}"
                self.known[student] = _Known(problems=(problem,), is_unfinished=True)
                self.watcher.graded(student, None, True)
                continue
            # Its bytes travel with the job: here they would stay until it is graded.
            kept = replace(papers, notebooks={}, files={})
            self.in_work[student] = _InWork(kept, graded.content(papers), stamps)
            yield Job(student, papers, self._ingredients(student), self.terms)

    def _keep(self, outcome: Outcome, writer: Writer) -> None:
        """Save an outcome; what goes wrong there is the row's problem, and nobody else's."""
        student = outcome.student
        self.graded_now.add(student)
        work = self.in_work.pop(student)
        results = outcome.results
        known = _Known(
            problems=(
                *outcome.failures.values(),
                *work.papers.problems,
                *_all(results, "problems"),
            ),
            notes=_all(results, "notes"),
            remarks=_all(results, "remarks"),
            is_faulty=any(result.is_faulty for result in results.values()),
            is_unfinished=outcome.passing,
        )
        self.known[student] = known
        try:
            self._write(outcome, work, known, writer)
        except MarksNotSaved as error:
            why = f"The marks were not saved. {error}"
            self.known[student] = _Known(problems=(why,), is_unfinished=True)
        except (OSError, MemoryError) as error:
            logging.exception("%r was not saved", student)
            why = f"It was not saved in autograded/. {unexpected(error)}"
            self.known[student] = _Known(problems=(why,), is_unfinished=True)
        points = sum(
            score or 0.0 for result in results.values() for score in result.scores.values()
        )
        self.watcher.graded(student, points if results else None, bool(known.problems))

    def _write(self, outcome: Outcome, work: _InWork, known: _Known, writer: Writer) -> None:
        """Write notebooks, marks and the entry, such that no moment leaves anything half done.

        What is missing in the end is written again by the next run: without its entry a submission
        counts as not graded.
        """
        student = outcome.student
        finished = self._finished(student)
        submission = self.to_grade[student]
        papers = work.papers
        finished.parent.mkdir(parents=True, exist_ok=True)
        graded.forget(finished)
        unread = set(submission.notebooks) - set(outcome.results)
        absent = self.terms.versions.keys() - submission.notebooks.keys()
        before = answer_texts.recall(finished) or answer_texts.of_folder(finished)
        now = {name: result.answers for name, result in outcome.results.items()}
        with workshop(self.course, "autograded") as folder:
            kept = folder / "kept"
            kept.mkdir()
            for name, result in outcome.results.items():
                (kept / f"{name}.ipynb").write_bytes(result.notebook)
            if papers.handed_in:
                (kept / TIMESTAMP).write_text(f"{papers.handed_in} UTC\n", encoding="utf-8")
            if papers.secret:
                (kept / SECRET).write_bytes(papers.secret)
            writer.save(
                student,
                papers.handed_in,
                {**outcome.results, **dict.fromkeys(unread)},
                answer_texts.changes(before, now, absent),
            )
            if finished.exists():
                finished.replace(folder / "before")
            if outcome.results:
                kept.replace(finished)
        kept_texts = {name: before[name] for name in unread if name in before}
        answer_texts.remember(finished, {**kept_texts, **now})
        if not outcome.passing:
            entry = graded.Entry(
                terms=self._key(student),
                content=work.content,
                stamps=work.stamps,
                graded=graded.graded(finished),
                problems=list(known.problems),
                notes=list(known.notes),
                remarks=list(known.remarks),
                is_faulty=known.is_faulty,
                seconds=outcome.seconds,
            )
            graded.enter(finished, entry)

    def row(self, submission: Submission, found: StudentMarks | None) -> Row:
        """Return a submission's line of the table."""
        student = submission.student
        known = self.known.get(student, _Known())
        problems = [*known.problems, *submission.problems]
        is_graded = found is not None and self._finished(student).is_dir()
        if not submission.handed_in:
            status = Status.NOT_HANDED_IN
        elif not submission.notebooks or not is_graded:
            status = Status.FAILED
        elif problems or known.is_faulty:
            status = Status.NEEDS_A_PERSON
        else:
            status = Status.GRADED
        graded_now = student in self.graded_now
        notes = (*self.notes, *known.notes, *submission.notes)
        if found is None or status in (Status.FAILED, Status.NOT_HANDED_IN):
            if found is not None and found.score and not submission.notebooks:
                problems.append("The gradebook still has the marks of an earlier submission.")
            cells = [cell for v in self.terms.versions.values() for cell in v.cells]
            return Row(
                student=student,
                assignment=self.assignment,
                status=status,
                score=None,
                max_score=sum(cell.points for cell in cells),
                remarks=grouped((*problems, *notes)),
                graded_now=graded_now,
                is_unfinished=known.is_unfinished,
            )
        return Row(
            student=student,
            assignment=self.assignment,
            status=status,
            score=found.score,
            max_score=found.max_score,
            exercises=found.exercises,
            waiting=_waiting(found),
            remarks=grouped(
                (*problems, *known.remarks, *_changed(found), *_late(found.penalty), *notes)
            ),
            graded_now=graded_now,
            penalty=found.penalty,
            is_unfinished=known.is_unfinished,
        )


def _is_unchanged(submission: Submission, entry: graded.Entry, stamps: graded.Stamps) -> bool:
    """Say whether a submission is the one that was graded; it is read only where it may not be."""
    return entry.stamps == stamps or entry.content == graded.content(read(submission))


def _changed(found: StudentMarks) -> tuple[str, ...]:
    again = [mark.exercise for mark in found.exercises if mark.again]
    if not again:
        return ()
    one = len(again) == 1
    return (
        f"{named(again)} {'has' if one else 'have'} changed since a person marked "
        f"{'it' if one else 'them'}: mark {'it' if one else 'them'} again.",
    )


def _late(penalty: float) -> tuple[str, ...]:
    if not penalty:
        return ()
    points = f"{penalty:g} point{'' if penalty == 1 else 's'}"
    return (f"Handed in late: {points} will be taken off the mark.",)


def _all(results: Mapping[str, object], what: str) -> tuple[str, ...]:
    return grouped(told for result in results.values() for told in getattr(result, what))
