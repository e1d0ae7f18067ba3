"""What nbgrader's gradebook knows: the cells of an assignment, and the marks of its students."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import (
    BaseCell,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import SCHEMA_VERSION

from course_utils.autograde.course import Course
from course_utils.exceptions import CourseError

__all__ = [
    "CourseCell",
    "ExerciseMark",
    "StudentMarks",
    "exercise_number",
    "layout",
    "marks",
    "withdraw",
]


@dataclass(frozen=True)
class CourseCell:
    """A cell that the course owns: its id, its metadata, and how it was released."""

    grade_id: str
    cell_type: str
    source: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float

    @property
    def metadata(self) -> dict[str, Any]:
        """Nbgrader's metadata of the cell, as a release has it."""
        metadata: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "grade_id": self.grade_id,
            "cell_type": self.cell_type,
            "locked": self.locked,
            "grade": self.grade,
            "solution": self.solution,
            "task": self.task,
        }
        if self.grade or self.task:
            metadata["points"] = self.points
        return metadata


@dataclass(frozen=True)
class ExerciseMark:
    """The marks of one exercise: `waiting` says that a person still has to give some."""

    exercise: str
    notebook: str
    points: float
    max_points: float
    waiting: bool


@dataclass(frozen=True)
class StudentMarks:
    """The marks of one submission, as the gradebook has them.

    `auto` and `manual` are the parts of `score` that came from tests and from people.
    """

    student: str
    score: float
    max_score: float
    auto: float
    manual: float
    needs_manual_grade: bool
    exercises: tuple[ExerciseMark, ...]


def exercise_number(grade_id: str) -> str:
    """Return the number that students see; an id of another form is its own number.

    >>> exercise_number("test_ex_1_4_3a")
    '1.4.3a'
    """
    exercise = grade_id.removeprefix("test_")
    if not exercise.startswith("ex_"):
        return grade_id
    return exercise.removeprefix("ex_").replace("_", ".")


@contextmanager
def opened(course: Course) -> Iterator[Gradebook]:
    """Open the course's gradebook; it is created if there is none."""
    directory = CourseDirectory(config=course.config())
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        yield gradebook


def layout(course: Course, assignment: str) -> dict[str, tuple[CourseCell, ...]]:
    """Return the cells that the course owns, by notebook, in the order of the source notebooks.

    Raises
    ------
    CourseError
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
            raise CourseError(message)
        folder = course.root / "source" / assignment
        return {
            notebook.name: _in_order(_cells(notebook), folder / f"{notebook.name}.ipynb")
            for notebook in notebooks
        }


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
        )


def _in_order(cells: Iterable[CourseCell], source: Path) -> tuple[CourseCell, ...]:
    # The gradebook keeps no order of cells: new ones come last, wherever the notebook has them.
    if not source.is_file():
        return tuple(cells)
    notebook = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    position = {name: index for index, name in enumerate(ids)}
    return tuple(sorted(cells, key=lambda cell: position.get(cell.grade_id, len(ids))))


def marks(course: Course, assignment: str) -> list[StudentMarks]:
    """Return the marks of everybody whose submission is in the gradebook, sorted by student.

    An assignment that the gradebook does not know has no marks.
    """
    with opened(course) as gradebook:
        rows = (
            gradebook.db.query(
                SubmittedAssignment.student_id, Notebook.name, BaseCell.name, BaseCell.id, Grade
            )
            .select_from(Grade)
            .join(BaseCell, BaseCell.id == Grade.cell_id)
            .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
            .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .filter(SubmittedAssignment.name == assignment)
            .all()
        )
        worth = {
            cell.id: float(cell.max_score)
            for kind in (GradeCell, TaskCell)
            for cell in gradebook.db.query(kind).all()
        }
        grades: dict[str, list[tuple[ExerciseMark, Grade]]] = {}
        for student, notebook, grade_id, cell_id, grade in rows:
            mark = ExerciseMark(
                exercise=exercise_number(grade_id),
                notebook=notebook,
                points=float(grade.score),
                max_points=worth[cell_id],
                waiting=bool(grade.needs_manual_grade),
            )
            grades.setdefault(student, []).append((mark, grade))
        return [_student_marks(student, grades[student]) for student in sorted(grades)]


def _student_marks(student: str, graded: list[tuple[ExerciseMark, Any]]) -> StudentMarks:
    given_by_hand = [mark.points for mark, grade in graded if grade.manual_score is not None]
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
    )


def _by_number(mark: ExerciseMark) -> list[tuple[int, str]]:
    """Sort 1.10 after 1.9: digits by value, the rest by letter."""
    parts = re.findall(r"\d+|\D+", mark.exercise)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


def withdraw(course: Course, assignment: str, student: str, notebook: str) -> None:
    """Take back what tests gave a submitted notebook, and leave its marks to a person.

    Marks that people gave stay. Nothing happens if the gradebook does not know the submission.
    """
    with opened(course) as gradebook:
        try:
            submitted = gradebook.find_submission_notebook(notebook, assignment, student)
        except MissingEntry:
            return
        for grade in submitted.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        gradebook.db.commit()
