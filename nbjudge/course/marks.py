"""Marks as plain data, from one exercise to a whole course; and the order of exercises.

`gradebook` reads them; the class's rows, feedback, the report and exports show them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nbjudge.basics.text import sort_key
from nbjudge.course.cells import exercise_label, exercise_number

__all__ = [
    "AssignmentMarks",
    "GradeTable",
    "Mark",
    "NotebookMarks",
    "Person",
    "SubmissionMarks",
    "exercise_order",
    "kind_of_mark",
]


@functools.cache
def exercise_order(exercise: str) -> tuple[tuple[int, str], ...]:
    """Return the sort key of an exercise, by which 1.10 comes after 1.9.

    >>> sorted(["1.10", "1.9", "1.9a"], key=exercise_order)
    ['1.9', '1.9a', '1.10']
    """
    parts = re.findall(r"\d+|\D+", exercise)
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in parts)


def kind_of_mark(points: float, max_points: float) -> str:
    """Return how many of the points were won: "full", "part" or "none"."""
    if points >= max_points:
        return "full"
    return "part" if points > 0 else "none"


@dataclass(frozen=True)
class Mark:
    """The mark of one exercise, which is that of its cell with points.

    Parameters
    ----------
    grade_id : str
    points, max_points : float
        Points won so far, extra credit included, and the most that can be won.
    notebook : str
    auto, manual : float, optional
        The mark of the test, and the mark of a person, which replaces it; None if there is none.
    extra : float
        The part of `points` that a person gave as extra credit.
    waiting : bool
        Whether a person still has to give a mark.
    title : str
        The title of the exercise, if the caller needs it.
    """

    grade_id: str
    points: float
    max_points: float
    notebook: str = ""
    auto: float | None = None
    manual: float | None = None
    extra: float = 0.0
    waiting: bool = False
    title: str = ""

    @functools.cached_property
    def exercise(self) -> str:
        """The number that students see."""
        return exercise_number(self.grade_id)

    @property
    def label(self) -> str:
        """The number and the title."""
        return exercise_label(self.exercise, self.title)

    @property
    def again(self) -> bool:
        """Whether a person has to mark it again because the answer has changed."""
        return self.waiting and self.manual is not None

    @property
    def is_unread(self) -> bool:
        """Whether no person has given the mark yet, not even for an earlier answer."""
        return self.waiting and self.manual is None


class _Sums:
    """Sums over several marks."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All marks, in the order of the exercises."""
        raise NotImplementedError

    @property
    def penalty(self) -> float:
        """Points to be taken off for lateness."""
        raise NotImplementedError

    @property
    def won(self) -> float:
        """Points won so far, before the penalty."""
        return sum(mark.points for mark in self.marks)

    @property
    def points(self) -> float:
        """Points won so far, minus the penalty, but at least 0, as nbgrader exports them."""
        return max(0.0, self.won - self.penalty)

    @property
    def max_points(self) -> float:
        """Points that could be won."""
        return sum(mark.max_points for mark in self.marks)

    @property
    def waiting(self) -> tuple[Mark, ...]:
        """The marks that a person still has to give, or to give again."""
        return tuple(mark for mark in self.marks if mark.waiting)

    @property
    def unread(self) -> tuple[Mark, ...]:
        """The marks that no person has given yet."""
        return tuple(mark for mark in self.marks if mark.is_unread)

    @property
    def open_points(self) -> float:
        """Points that can still be won in answers that no person has marked yet."""
        return sum(max(0.0, mark.max_points - mark.points) for mark in self.unread)

    @property
    def lost_points(self) -> float:
        """Points that were not won, the penalty included."""
        lost = (mark.max_points - mark.points for mark in self.marks if not mark.is_unread)
        return sum(max(0.0, points) for points in lost) + min(self.penalty, self.won)


@dataclass(frozen=True)
class NotebookMarks(_Sums):
    """The marks of one notebook, and what people wrote about its answers.

    Parameters
    ----------
    name : str
    cells : mapping of str to Mark
        Marks by grade_id.
    comments : mapping of str to str
        People's comments by grade_id, in Markdown.
    penalty : float
    empty : frozenset of str
        The numbers of exercises whose answer is still as it was released.
    """

    name: str
    cells: Mapping[str, Mark] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    penalty: float = 0.0
    empty: frozenset[str] = frozenset()

    @functools.cached_property
    def marks(self) -> tuple[Mark, ...]:
        """Its marks, in the order of the exercises."""
        return _sort_marks(self.cells.values())


@dataclass(frozen=True)
class SubmissionMarks(_Sums):
    """One student's marks of an assignment.

    Parameters
    ----------
    assignment, student : str
    name : str
        The student's name; empty if the gradebook has none.
    notebooks : tuple of NotebookMarks
        Sorted by name.
    handed_in, due : datetime, optional
        In UTC, without a time zone; `due` includes the student's extension.
    """

    assignment: str
    student: str
    name: str = ""
    notebooks: tuple[NotebookMarks, ...] = ()
    handed_in: datetime | None = None
    due: datetime | None = None

    @functools.cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The marks of all notebooks, in the order of the exercises."""
        return _sort_marks(mark for own in self.notebooks for mark in own.cells.values())

    @property
    def penalty(self) -> float:
        """Points to be taken off for lateness."""
        return sum(own.penalty for own in self.notebooks)

    @property
    def is_graded(self) -> bool:
        """Whether it has any mark; an extension alone also creates an entry in the gradebook."""
        return any(mark.auto is not None or mark.manual is not None for mark in self.marks)

    @property
    def is_dated(self) -> bool:
        """Whether the times are known that tell if it is late."""
        return self.handed_in is not None and self.due is not None

    @property
    def seconds_late(self) -> float:
        """Seconds after the deadline; 0 if it was in time, or if that is not known."""
        if self.handed_in is None or self.due is None:
            return 0.0
        return max(0.0, (self.handed_in - self.due).total_seconds())

    def notebook(self, name: str) -> NotebookMarks:
        """Return the marks of a notebook; without any, if the gradebook does not have it."""
        return next((own for own in self.notebooks if own.name == name), NotebookMarks(name))


@dataclass(frozen=True)
class AssignmentMarks:
    """An assignment and its submissions in the gradebook, by student."""

    name: str
    max_points: float
    submissions: Mapping[str, SubmissionMarks] = field(default_factory=dict)

    @functools.cached_property
    def graded(self) -> Mapping[str, SubmissionMarks]:
        """The submissions that have any mark."""
        return {student: own for student, own in self.submissions.items() if own.is_graded}


@dataclass(frozen=True)
class Person:
    """A student in the gradebook; everything but the id may be empty."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""

    @property
    def name(self) -> str:
        """First and last name; only one of them, or empty, if that is all the gradebook has."""
        return " ".join(filter(None, map(str.strip, (self.first_name, self.last_name))))

    @property
    def order(self) -> tuple[object, ...]:
        """The sort key of people: last name, then first name; the id if they have no name."""
        parts = (self.last_name or self.first_name or self.id, self.first_name, self.id)
        return tuple(map(sort_key, parts))


@dataclass(frozen=True)
class GradeTable:
    """People and assignments of the gradebook, both sorted."""

    people: tuple[Person, ...]
    assignments: tuple[AssignmentMarks, ...]

    def submissions(self, assignment: str) -> Mapping[str, SubmissionMarks]:
        """Return the submissions of an assignment by student; empty if it is not in the table."""
        found = (each.submissions for each in self.assignments if each.name == assignment)
        return next(found, {})


def _sort_marks(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    return tuple(sorted(marks, key=lambda mark: exercise_order(mark.exercise)))
