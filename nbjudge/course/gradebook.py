"""What nbgrader's gradebook knows: the cells of an assignment, and the marks of its students."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    InvalidEntry,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from traitlets.config import Config

from nbjudge.course.cells import CourseCell, NotebookVersion, exercise_number
from nbjudge.course.course import Course
from nbjudge.course.gradebook_file import GradebookUnfit, require_fit_gradebook
from nbjudge.exceptions import CourseError

__all__ = [
    "DISPLAY",
    "ExerciseMark",
    "HandIn",
    "MarksNotSaved",
    "NotReleased",
    "Roll",
    "StudentMarks",
    "explained",
    "in_order",
    "marks",
    "opened",
    "roll",
    "versions",
]

#: The tag of cells that only show something.
DISPLAY = "display"


@dataclass(frozen=True)
class ExerciseMark:
    """The marks of one exercise.

    `waiting` says that a person still has to give some, and `again` that one gave them before: to
    an answer that has changed since.
    """

    exercise: str
    notebook: str
    points: float
    max_points: float
    waiting: bool
    again: bool = False


@dataclass(frozen=True)
class StudentMarks:
    """The marks of one submission, as the gradebook has them.

    `auto` and `manual` are the parts of `score` that came from tests and from people. `penalty` is
    what has yet to be taken off it, for being late.
    """

    student: str
    score: float
    max_score: float
    auto: float
    manual: float
    needs_manual_grade: bool
    exercises: tuple[ExerciseMark, ...]
    penalty: float = 0.0


@dataclass(frozen=True)
class HandIn:
    """What the gradebook knows of a submission beside its marks.

    Parameters
    ----------
    when : datetime, optional
        In UTC, without a time zone.
    due : datetime, optional
        The same; the student's own extension is in it.
    empty : frozenset of (str, str)
        The notebook and the number of each exercise whose answer is as it was released.
    """

    when: datetime | None = None
    due: datetime | None = None
    empty: frozenset[tuple[str, str]] = frozenset()

    @property
    def seconds_late(self) -> float:
        """How long after it was due; 0 if it was in time, or if that is not known."""
        if self.when is None or self.due is None:
            return 0.0
        return max(0.0, (self.when - self.due).total_seconds())


@dataclass(frozen=True)
class Roll:
    """Everybody whom the gradebook knows, and what they handed in for one assignment.

    Parameters
    ----------
    names : mapping of str to str
        By student; empty where the gradebook has no name.
    hand_ins : mapping of str to HandIn
        By student, of those who handed in.
    """

    names: Mapping[str, str]
    hand_ins: Mapping[str, HandIn]


class NotReleased(CourseError):
    """The gradebook does not know an assignment, which a release makes known."""


class MarksNotSaved(CourseError):
    """The gradebook could not be written, or not read."""


@contextmanager
def opened(course: Course) -> Iterator[Gradebook]:
    """Open the course's gradebook; it is created if there is none.

    Raises
    ------
    MarksNotSaved
        If it cannot be read.
    """
    with explained(), unopened(course.config()) as gradebook:
        yield gradebook


def unopened(config: Config) -> Gradebook:
    """Return nbgrader's gradebook by a course's configuration, if its file is fit for that."""
    directory = CourseDirectory(config=config)
    require_fit_gradebook(directory.db_url)
    return Gradebook(directory.db_url, directory.course_id)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what a database says into a MarksNotSaved that tells what to do."""
    try:
        yield
    except GradebookUnfit as error:
        raise MarksNotSaved(str(error)) from error
    except (DBAPIError, InvalidEntry, sqlite3.Error) as error:
        # nbgrader replaces some of the database's errors by one of its own.
        cause = error if isinstance(error, DBAPIError) else error.__context__
        original = cause.orig if isinstance(cause, DBAPIError) else error
        said = str(original).strip().partition("\n")[0]
        if "locked" in said:
            message = (
                "The gradebook is locked by another program, the formgrader perhaps. "
                "Wait for it or end it, then run the same command again."
            )
        elif "full" in said:
            message = (
                "There is no space left for the gradebook. "
                "Make room, then run the same command again."
            )
        elif "readonly" in said:
            message = (
                "The gradebook cannot be written: it, or its folder, is read-only. "
                "Make it writable, then run the same command again."
            )
        else:
            message = (
                f"The gradebook cannot be used ({said}). "
                "See that its database can be reached and changed, then run the same command again."
            )
        raise MarksNotSaved(message) from error


def versions(course: Course, assignment: str) -> dict[str, NotebookVersion]:
    """Return what the course has of an assignment's notebooks, by name, as it was released last.

    The order of the cells, and the tag "display" of those that only show something, are those of
    `release/`: a source that has changed since then changes no marks.

    Raises
    ------
    NotReleased
        If the gradebook does not know the assignment, which a release makes known.
    """
    with opened(course) as gradebook:
        try:
            notebooks = gradebook.find_assignment(course.require(assignment)).notebooks
        except MissingEntry:
            notebooks = []
        if not notebooks:
            message = (
                f"The gradebook of {course.root} does not know '{assignment}' yet. "
                f"Run `course release {assignment}` first."
            )
            raise NotReleased(message)
        return {
            notebook.name: _version(notebook, _master(course, assignment, notebook.name))
            for notebook in notebooks
        }


def _master(course: Course, assignment: str, notebook: str) -> list[NotebookNode]:
    """Return the cells of a notebook as it was released; of its source, if that is gone."""
    for step in ("release", "source"):
        path = course.root / step / assignment / f"{notebook}.ipynb"
        if path.is_file():
            with suppress(ValueError, OSError):
                cells: list[NotebookNode] = nbformat.read(path, 4).cells  # type: ignore[no-untyped-call]
                return cells
    return []


def _version(notebook: Notebook, master: list[NotebookNode]) -> NotebookVersion:
    cells = tuple(_cells(notebook))
    # The gradebook keeps no order of cells: new ones come last, wherever the notebook has them.
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in master]
    position = {name: index for index, name in enumerate(ids)}
    ordered = sorted(cells, key=lambda cell: position.get(cell.grade_id, len(ids)))
    display = {
        cell.source.strip()
        for cell in master
        if cell.cell_type == "code" and DISPLAY in cell.metadata.get("tags", ())
    }
    given = {
        (cell.cell_type, cell.source.strip())
        for cell, grade_id in zip(master, ids, strict=True)
        if grade_id is None
    }
    return NotebookVersion(notebook.name, tuple(ordered), frozenset(display), frozenset(given))


def _cells(notebook: Notebook) -> Iterator[CourseCell]:
    graded = {cell.name: cell for cell in (*notebook.grade_cells, *notebook.task_cells)}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name for cell in notebook.task_cells}
    for cell in notebook.source_cells:
        yield CourseCell(
            grade_id=cell.name,
            cell_type=cell.cell_type,
            source=cell.source or "",
            locked=bool(cell.locked),
            grade=cell.name in graded and cell.name not in tasks,
            solution=cell.name in solutions,
            task=cell.name in tasks,
            points=graded[cell.name].max_score if cell.name in graded else 0.0,
            checksum=cell.checksum,
        )


def marks(course: Course, assignment: str) -> list[StudentMarks]:
    """Return the marks of everybody whose submission is in the gradebook, sorted by student.

    An assignment that the gradebook does not know has no marks.
    """
    # Columns, not objects: a class has a hundred thousand marks.
    columns = (
        *(SubmittedAssignment.student_id, Notebook.name, BaseCell.name, BaseCell.id),
        *(Grade.score, Grade.manual_score, Grade.needs_manual_grade),
        SubmittedNotebook.late_submission_penalty,
    )
    with opened(course) as gradebook:
        rows = gradebook.db.execute(
            select(*columns)
            .select_from(Grade)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
            .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(Assignment.name == assignment)
        ).all()
        worth = {
            cell.id: float(cell.max_score)
            for kind in (GradeCell, TaskCell)
            for cell in gradebook.db.query(kind).all()
        }
    graded: dict[str, list[tuple[ExerciseMark, bool]]] = {}
    penalties: dict[str, dict[str, float]] = {}
    for student, notebook, grade_id, cell_id, score, by_hand, waiting, penalty in rows:
        mark = ExerciseMark(
            exercise=exercise_number(grade_id),
            notebook=notebook,
            points=float(score),
            max_points=worth[cell_id],
            waiting=bool(waiting),
            again=bool(waiting) and by_hand is not None,
        )
        graded.setdefault(student, []).append((mark, by_hand is not None))
        penalties.setdefault(student, {})[notebook] = float(penalty or 0.0)
    return [
        _student_marks(student, graded[student], sum(penalties[student].values()))
        for student in sorted(graded)
    ]


def roll(course: Course, assignment: str) -> Roll:
    """Return who is in the course, and when each handed in an assignment."""
    with opened(course) as gradebook:
        people = gradebook.db.execute(
            select(Student.id, Student.first_name, Student.last_name)
        ).all()
        submissions = gradebook.db.execute(
            select(
                *(SubmittedAssignment.student_id, SubmittedAssignment.timestamp),
                *(SubmittedAssignment.extension, Assignment.duedate),
                *(Notebook.name, SubmittedNotebook.id),
            )
            .select_from(SubmittedNotebook)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(Assignment.name == assignment)
        ).all()
        # An automatic comment says one thing only: that there is no answer.
        empty = gradebook.db.execute(
            select(Comment.notebook_id, BaseCell.name)
            .join(BaseCell, BaseCell.id == Comment.cell_id)
            .join(Notebook, Notebook.id == BaseCell.notebook_id)
            .join(Assignment, Assignment.id == Notebook.assignment_id)
            .where(Assignment.name == assignment, Comment.auto_comment.is_not(None))
        ).all()
    left_out: dict[str, set[str]] = {}
    for notebook_id, grade_id in empty:
        left_out.setdefault(notebook_id, set()).add(exercise_number(grade_id))
    hand_ins: dict[str, HandIn] = {}
    for student, when, extension, due, notebook, notebook_id in submissions:
        before = hand_ins.get(student, HandIn())
        hand_ins[student] = HandIn(
            when=when,
            due=due if due is None or extension is None else due + extension,
            empty=before.empty | {(notebook, each) for each in left_out.get(notebook_id, ())},
        )
    names = {
        student: " ".join(name.strip() for name in parts if name and name.strip())
        for student, *parts in people
    }
    return Roll(names, hand_ins)


def _student_marks(
    student: str, graded: list[tuple[ExerciseMark, bool]], penalty: float
) -> StudentMarks:
    given_by_hand = [mark.points for mark, by_hand in graded if by_hand]
    exercises = tuple(sorted((mark for mark, _ in graded), key=_by_number))
    score = sum(mark.points for mark in exercises)
    return StudentMarks(
        student=student,
        score=score,
        max_score=sum(mark.max_points for mark in exercises),
        auto=score - sum(given_by_hand),
        manual=sum(given_by_hand, 0.0),
        needs_manual_grade=any(mark.waiting for mark in exercises),
        exercises=exercises,
        penalty=penalty,
    )


def _by_number(mark: ExerciseMark) -> tuple[tuple[int, str], ...]:
    return in_order(mark.exercise)


@functools.cache
def in_order(exercise: str) -> tuple[tuple[int, str], ...]:
    """Sort 1.10 after 1.9: digits by value, the rest by letter."""
    parts = re.findall(r"\d+|\D+", exercise)
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in parts)
