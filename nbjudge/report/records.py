"""What a class did, as plain data: what every number of a report is computed from."""

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
        What it is worth.
    label : str
        Its number; with the notebook's name, if another notebook has the same.
    by_hand : bool
        Whether a person marks it.
    title : str
        What the notebook calls it.
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
        """What answers go by."""
        return (self.notebook, self.number)


@dataclass(frozen=True)
class ReportedAnswer:
    """What became of one student's answer.

    Parameters
    ----------
    points : float, optional
        None while a person still has to give some.
    is_empty : bool
        Whether it is as it was released, or its notebook is missing.
    mistake, sentence : str
        The known mistake that it behaves like, and what the student was told of it.
    seconds : float, optional
        How long its cells ran when they were graded, its test among them.
    test_seconds : float, optional
        How long its test did.
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
        How many gave one, of how many who are graded.
    reason : str
        What the test said of most of them; empty in a class without names.
    example : str
        The most typical answer, which is a student's text; empty in a class without names.
    """

    exercise: ReportedExercise
    students: int
    of: int
    reason: str = ""
    example: str = ""


@dataclass(frozen=True)
class ClassMember:
    """Somebody of the class.

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
        """How late it came; 0 if it came in time, if that is not known, or nothing is graded."""
        return self.marks.seconds_late if self.marks else 0.0


@dataclass(frozen=True)
class Class:
    """Everybody of a class, and one assignment.

    Parameters
    ----------
    assignment : str
    exercises : tuple of ReportedExercise
        In the order of the notebooks.
    members : tuple of ClassMember
        Sorted.
    unread : int
        Graded notebooks without a record of what the judge found: mistakes and times lack them.
    unnamed : tuple of Unnamed
        The largest groups first.
    inside : str
        Which tests run in the student's process, and what that means; empty if none does.
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
        """Their marks."""
        return tuple(member.marks for member in self.members if member.marks is not None)

    @property
    def points(self) -> float:
        """What the assignment is worth."""
        return sum(exercise.points for exercise in self.exercises)
