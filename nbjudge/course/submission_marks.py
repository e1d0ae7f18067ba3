"""One student's marks of an assignment as the gradebook has them, for the feedback pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nbgrader.api import Gradebook, SubmittedNotebook

from nbjudge.course.cells import exercise_number

__all__ = ["CellMark", "NotebookMarks", "SubmissionMarks", "submission_marks"]


@dataclass(frozen=True)
class CellMark:
    """The mark of one cell that is worth points.

    Parameters
    ----------
    grade_id : str
    points : float
        Won so far, extra credit included.
    max_points : float
    extra : float
        The part of `points` that a person gave on top.
    waiting : bool
        Whether a person still has to mark it.
    by_hand : bool
        Whether a person set the mark.
    """

    grade_id: str
    points: float
    max_points: float
    extra: float = 0.0
    waiting: bool = False
    by_hand: bool = False

    @property
    def exercise(self) -> str:
        """The number that students see."""
        return exercise_number(self.grade_id)


@dataclass(frozen=True)
class NotebookMarks:
    """The marks of one notebook, and what people wrote about its answers.

    Parameters
    ----------
    name : str
    cells : mapping of str to CellMark
        By grade id.
    comments : mapping of str to str
        By grade id, in Markdown.
    penalty : float
        Points taken off because it was late.
    """

    name: str
    cells: Mapping[str, CellMark] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    penalty: float = 0.0

    @property
    def points(self) -> float:
        """Points won so far, the penalty taken off, as nbgrader exports them: never below 0."""
        return max(0.0, sum(cell.points for cell in self.cells.values()) - self.penalty)

    @property
    def max_points(self) -> float:
        """Points that could be won."""
        return sum(cell.max_points for cell in self.cells.values())

    @property
    def waiting(self) -> tuple[CellMark, ...]:
        """What a person still has to mark."""
        return tuple(cell for cell in self.cells.values() if cell.waiting)


@dataclass(frozen=True)
class SubmissionMarks:
    """The marks of one student's submission, notebook by notebook."""

    assignment: str
    student: str
    name: str = ""
    notebooks: tuple[NotebookMarks, ...] = ()

    @property
    def points(self) -> float:
        """Points won so far, penalties taken off."""
        won = sum(cell.points for book in self.notebooks for cell in book.cells.values())
        return max(0.0, won - self.penalty)

    @property
    def max_points(self) -> float:
        """Points that could be won."""
        return sum(book.max_points for book in self.notebooks)

    @property
    def penalty(self) -> float:
        """Points taken off because it was late."""
        return sum(book.penalty for book in self.notebooks)

    @property
    def waiting(self) -> tuple[CellMark, ...]:
        """What a person still has to mark."""
        return tuple(cell for book in self.notebooks for cell in book.waiting)

    def notebook(self, name: str) -> NotebookMarks:
        """Return the marks of a notebook; one that the gradebook does not know has none."""
        return next((book for book in self.notebooks if book.name == name), NotebookMarks(name))


def submission_marks(gradebook: Gradebook, assignment: str, student: str) -> SubmissionMarks:
    """Return one student's marks of an assignment: theirs alone.

    Raises
    ------
    nbgrader.api.MissingEntry
        If the gradebook has no such submission.
    """
    submission = gradebook.find_submission(assignment, student)
    person = submission.student
    names = (person.first_name, person.last_name)
    notebooks = sorted(submission.notebooks, key=lambda notebook: str(notebook.name))
    return SubmissionMarks(
        assignment=assignment,
        student=student,
        name=" ".join(name.strip() for name in names if name and name.strip()),
        notebooks=tuple(map(_notebook_marks, notebooks)),
    )


def _notebook_marks(notebook: SubmittedNotebook) -> NotebookMarks:
    cells = {
        grade.cell.name: CellMark(
            grade_id=grade.cell.name,
            points=float(grade.score or 0.0),
            max_points=float(grade.cell.max_score or 0.0),
            extra=float(grade.extra_credit or 0.0),
            waiting=bool(grade.needs_manual_grade),
            by_hand=grade.manual_score is not None,
        )
        for grade in notebook.grades
    }
    comments = {
        comment.cell.name: said
        for comment in notebook.comments
        # An automatic comment only says that there is no answer; the page says so itself.
        if (said := (comment.manual_comment or "").strip())
    }
    penalty = float(notebook.late_submission_penalty or 0.0)
    return NotebookMarks(notebook.name, cells, comments, penalty)
