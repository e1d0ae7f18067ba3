"""What is exported: everybody's marks of every assignment, as nbgrader's gradebook has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nbgrader.api import Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import or_, select

from nbjudge.course.cells import exercise_number
from nbjudge.course.gradebook import in_order
from nbjudge.exceptions import CourseError

__all__ = ["Assignment", "Book", "Exercise", "Mark", "Person", "book"]


@dataclass(frozen=True)
class Person:
    """A student as the gradebook knows them; everything but the id may be empty."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""


@dataclass(frozen=True)
class Exercise:
    """The mark of one exercise.

    Parameters
    ----------
    notebook, exercise : str
    points, max_points : float
        Won so far, extra credit included, and to be won.
    auto, manual : float or None
        What tests gave, and what a person gave instead; None where there is no such mark.
    extra : float
        What a person gave on top.
    waiting : bool
        Whether a person still has to look at it.
    """

    notebook: str
    exercise: str
    points: float
    max_points: float
    auto: float | None = None
    manual: float | None = None
    extra: float = 0.0
    waiting: bool = False


@dataclass(frozen=True)
class Mark:
    """One student's mark of an assignment.

    Parameters
    ----------
    score : float
        As `nbgrader export` has it: points and extra credit, less the penalty, never below 0.
    waiting : bool
        Whether it is not final, since a person still has to give a part of it.
    penalty : float
        Points for being late.
    handed_in : datetime, optional
        In UTC, without a time zone.
    exercises : tuple of Exercise
        Empty unless they were asked for.
    """

    score: float
    waiting: bool = False
    penalty: float = 0.0
    handed_in: datetime | None = None
    exercises: tuple[Exercise, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """An assignment and its marks, by student; who handed in nothing that is graded has none."""

    name: str
    max_score: float
    marks: Mapping[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True)
class Book:
    """Everybody whom the gradebook knows, and all assignments, both sorted."""

    people: tuple[Person, ...]
    assignments: tuple[Assignment, ...]


def book(
    gradebook: Gradebook,
    *,
    assignments: Collection[str] = (),
    students: Collection[str] = (),
    exercises: bool = False,
) -> Book:
    """Return what a gradebook has.

    Parameters
    ----------
    gradebook : Gradebook
    assignments, students : collection of str
        Only these; by default all.
    exercises : bool
        Whether to read the marks of the exercises, too.

    Raises
    ------
    CourseError
        If there is no such assignment or student.
    """
    known = {found.name: found for found in gradebook.assignments}
    everybody = {found.id: found for found in gradebook.students}
    _require("assignment", assignments, known)
    _require("student", students, everybody)
    people = tuple(
        Person(
            id=name,
            first_name=found.first_name or "",
            last_name=found.last_name or "",
            email=found.email or "",
            lms_user_id=found.lms_user_id or "",
        )
        for name, found in sorted(everybody.items())
        if not students or name in students
    )
    wanted = {person.id for person in people}
    graded = _graded(gradebook)
    return Book(
        people,
        tuple(
            Assignment(
                name=name,
                max_score=float(found.max_score),
                marks={
                    handed_in.student_id: _mark(handed_in, exercises)
                    for handed_in in found.submissions
                    if handed_in.student_id in wanted and handed_in.id in graded
                },
            )
            for name, found in sorted(known.items())
            if not assignments or name in assignments
        ),
    )


def _graded(gradebook: Gradebook) -> set[str]:
    """Return the ids of the submissions that hold a mark, by a test or a person.

    Others are only entries: an extension makes one before anything is handed in.
    """
    entries = (
        select(SubmittedNotebook.assignment_id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .where(or_(Grade.auto_score.is_not(None), Grade.manual_score.is_not(None)))
        .distinct()
    )
    return set(gradebook.db.scalars(entries))


def _require(kind: str, names: Collection[str], known: Collection[str]) -> None:
    if absent := sorted(set(names) - set(known)):
        message = (
            f"The gradebook has no {kind} {', '.join(map(repr, absent))}. "
            f"It has: {', '.join(sorted(known)) or 'none yet'}."
        )
        raise CourseError(message)


def _mark(submission: SubmittedAssignment, with_exercises: bool) -> Mark:
    penalty = float(submission.late_submission_penalty or 0.0)
    return Mark(
        score=max(0.0, float(submission.score) - penalty),
        waiting=bool(submission.needs_manual_grade),
        penalty=penalty,
        handed_in=submission.timestamp,
        exercises=tuple(_exercises(submission)) if with_exercises else (),
    )


def _exercises(submission: SubmittedAssignment) -> Iterator[Exercise]:
    for notebook in sorted(submission.notebooks, key=lambda notebook: str(notebook.name)):
        # The gradebook keeps no order of cells.
        for grade in sorted(notebook.grades, key=_by_number):
            yield Exercise(
                notebook=notebook.name,
                exercise=exercise_number(grade.cell.name),
                points=float(grade.score),
                max_points=float(grade.max_score),
                auto=grade.auto_score,
                manual=grade.manual_score,
                extra=float(grade.extra_credit or 0.0),
                waiting=bool(grade.needs_manual_grade),
            )


def _by_number(grade: Grade) -> tuple[tuple[int, str], ...]:
    return in_order(exercise_number(grade.cell.name))
