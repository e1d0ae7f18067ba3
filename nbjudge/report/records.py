"""A class and its answers as plain data, from which all numbers of a report are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nbjudge.course.cells import exercise_label
from nbjudge.course.marks import SubmissionMarks
from nbjudge.grading.rows import Status

__all__ = ["Class", "ClassMember", "Key", "ReportedAnswer", "ReportedExercise", "Unnamed"]

#: A notebook, and the number of an exercise in it.
Key = tuple[str, str]


@dataclass(frozen=True)
class ReportedExercise:
    """An exercise that is worth points.

    Parameters
    ----------
    notebook, number : str
    points : float
        The most points that can be won.
    label : str
        Its number; with the notebook's name in front, if another notebook has the same number.
    by_hand : bool
        Whether a person marks it.
    title : str
        Its title in the notebook.
    """

    notebook: str
    number: str
    points: float
    label: str
    by_hand: bool = False
    title: str = ""

    @property
    def called(self) -> str:
        """The label and the title."""
        return exercise_label(self.label, self.title)

    @property
    def key(self) -> Key:
        """The key of its answers."""
        return (self.notebook, self.number)


@dataclass(frozen=True)
class ReportedAnswer:
    """The result of one student's answer.

    Parameters
    ----------
    points : float, optional
        None while a person still has to give a mark.
    is_empty : bool
        Whether it is as it was released, or its notebook is missing.
    mistake, sentence : str
        The known mistake that it behaves like, and the sentence that the student was shown.
    seconds : float, optional
        How long its cells ran during grading, including its test.
    test_seconds : float, optional
        How long its test ran.
    """

    points: float | None
    is_empty: bool = False
    mistake: str = ""
    sentence: str = ""
    seconds: float | None = None
    test_seconds: float | None = None


@dataclass(frozen=True)
class Unnamed:
    """Wrong answers that behave alike, and like no known mistake.

    Parameters
    ----------
    exercise : ReportedExercise
    students, of : int
        How many students gave such an answer, and how many are graded.
    reason : str
        The most frequent reason for lost points; empty in a class without names.
    example : str
        The most typical answer, a student's text; empty in a class without names.
    """

    exercise: ReportedExercise
    students: int
    of: int
    reason: str = ""
    example: str = ""


@dataclass(frozen=True)
class ClassMember:
    """A student of the class.

    Parameters
    ----------
    student, name : str
        The id, and the name if the gradebook has one.
    status : Status
    remarks : tuple of str
        Sentences, as in a `Row`.
    marks : SubmissionMarks, optional
        None if nothing is graded.
    answers : mapping of Key to ReportedAnswer
        Empty if nothing is graded.
    """

    student: str
    status: Status
    name: str = ""
    remarks: tuple[str, ...] = ()
    marks: SubmissionMarks | None = None
    answers: Mapping[Key, ReportedAnswer] = field(default_factory=dict)

    @property
    def seconds_late(self) -> float:
        """Seconds after the deadline; 0 if in time, unknown or not graded."""
        return self.marks.seconds_late if self.marks else 0.0


@dataclass(frozen=True)
class Class:
    """All students of a class, with their results for one assignment.

    Parameters
    ----------
    assignment : str
    exercises : tuple of ReportedExercise
        In the order of the notebooks.
    members : tuple of ClassMember
        Sorted.
    unread : int
        How many graded notebooks have no record of the judge, so that their mistakes and times are
        missing.
    unnamed : tuple of Unnamed
        The largest groups first.
    inside : str
        A text about the tests that run in the student's process; empty if none does.
    """

    assignment: str
    exercises: tuple[ReportedExercise, ...]
    members: tuple[ClassMember, ...]
    unread: int = 0
    unnamed: tuple[Unnamed, ...] = ()
    inside: str = ""

    @property
    def graded(self) -> tuple[ClassMember, ...]:
        """Those who have marks."""
        return tuple(member for member in self.members if member.marks is not None)

    @property
    def marks(self) -> tuple[SubmissionMarks, ...]:
        """The marks of all graded students."""
        return tuple(member.marks for member in self.members if member.marks is not None)

    @property
    def points(self) -> float:
        """The points of the whole assignment."""
        return sum(exercise.points for exercise in self.exercises)
