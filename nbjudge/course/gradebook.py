"""Read nbgrader's gradebook: an assignment's cells, students, and their marks."""

from __future__ import annotations

import functools
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

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
from sqlalchemy import Select, or_, select
from sqlalchemy.exc import DBAPIError
from traitlets.config import Config

from nbjudge.basics.machine_errors import explain_database
from nbjudge.course.cells import (
    CourseCell,
    NotebookVersion,
    exercise_number,
    exercise_titles,
    foreign_language,
    imports_of,
)
from nbjudge.course.course import Course
from nbjudge.course.gradebook_file import GradebookUnfit, require_fit_gradebook
from nbjudge.course.marks import (
    AssignmentMarks,
    GradeTable,
    Mark,
    NotebookMarks,
    Person,
    SubmissionMarks,
)
from nbjudge.exceptions import CourseError

__all__ = [
    "DISPLAY",
    "MarksNotSaved",
    "NotReleased",
    "explain_errors",
    "grades",
    "marks_of_class",
    "open_gradebook",
    "people_of",
    "read_grades",
    "released_titles",
    "submission_marks",
    "versions",
]

#: The tag of cells that only show something.
DISPLAY = "display"


class NotReleased(CourseError):
    """An assignment is not in the gradebook, since it was never released."""


class MarksNotSaved(CourseError):
    """The gradebook could not be written or read."""


@contextmanager
def open_gradebook(course: Course) -> Iterator[Gradebook]:
    """Open the course's gradebook; it is created if there is none.

    Raises
    ------
    MarksNotSaved
        If it cannot be read.
    """
    with explain_errors(), gradebook_of(course.config()) as gradebook:
        yield gradebook


def gradebook_of(config: Config) -> Gradebook:
    """Check the gradebook's file, and return nbgrader's gradebook for a configuration."""
    directory = CourseDirectory(config=config)
    require_fit_gradebook(directory.db_url)
    return Gradebook(directory.db_url, directory.course_id)


@contextmanager
def explain_errors() -> Iterator[None]:
    """Turn database errors in the block into a MarksNotSaved that says what to do."""
    try:
        yield
    except GradebookUnfit as error:
        raise MarksNotSaved(str(error)) from error
    except (DBAPIError, InvalidEntry, sqlite3.Error) as error:
        # nbgrader replaces some database errors by errors of its own.
        cause = error if isinstance(error, DBAPIError) else error.__context__
        original = cause.orig if isinstance(cause, DBAPIError) else error
        raise MarksNotSaved(explain_database(str(original))) from error


def versions(course: Course, assignment: str) -> dict[str, NotebookVersion]:
    """Return the versions of an assignment's notebooks, by name, as they were released last.

    The order of cells, and the tag "display" of those that only show something, come from
    `release/`, so that a later change of the source changes no marks.

    Raises
    ------
    NotReleased
        If the assignment is not in the gradebook.
    """
    with open_gradebook(course) as gradebook:
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
            notebook.name: _version_of(notebook, _master(course, assignment, notebook.name))
            for notebook in notebooks
        }


def _master(course: Course, assignment: str, notebook: str) -> NotebookNode:
    """Return a released notebook, or its source if the release is missing."""
    for step in ("release", "source"):
        path = course.root / step / assignment / f"{notebook}.ipynb"
        if path.is_file():
            with suppress(ValueError, OSError):
                found: NotebookNode = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
                return found
    return nbformat.v4.new_notebook()  # type: ignore[no-untyped-call, no-any-return]


def _version_of(notebook: Notebook, released: NotebookNode) -> NotebookVersion:
    cells = tuple(_course_cells(notebook))
    master = released.cells
    language, kernel = foreign_language(released.metadata)
    # The gradebook does not keep the order of cells: new ones come last there.
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
    imports = imports_of(
        cell.source
        for cell, grade_id in zip(master, ids, strict=True)
        if grade_id is None and cell.cell_type == "code"
    )
    return NotebookVersion(
        notebook.name,
        tuple(ordered),
        frozenset(display),
        frozenset(given),
        imports if not language else (),
        language,
        kernel,
        exercise_titles(master),
    )


def released_titles(course: Course, assignment: str, notebook: str) -> Mapping[str, str]:
    """Return the titles of a notebook's exercises by number, without opening the gradebook."""
    path = course.root / "release" / assignment / f"{notebook}.ipynb"
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _titles(course, assignment, notebook, stamp)


@functools.lru_cache(maxsize=64)
def _titles(course: Course, assignment: str, notebook: str, _: int) -> Mapping[str, str]:
    return exercise_titles(_master(course, assignment, notebook).cells)


def _course_cells(notebook: Notebook) -> Iterator[CourseCell]:
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


def marks_of_class(course: Course, assignment: str) -> list[SubmissionMarks]:
    """Return the marks of all submissions in the gradebook, sorted by student.

    If the assignment is not in the gradebook, there are none.
    """
    found = grades(course, assignment).submissions(assignment)
    return [submission for submission in found.values() if submission.marks]


def grades(course: Course, assignment: str, students: Collection[str] = ()) -> GradeTable:
    """Return the grades of an assignment, of some students or by default of all."""
    with open_gradebook(course) as gradebook:
        return read_grades(gradebook, assignments=[assignment], students=students)


def submission_marks(gradebook: Gradebook, assignment: str, student: str) -> SubmissionMarks:
    """Return one student's marks of an assignment.

    Raises
    ------
    nbgrader.api.MissingEntry
        If the gradebook has no such submission.
    """
    gradebook.find_submission(assignment, student)
    table = read_grades(gradebook, assignments=[assignment], students=[student])
    return table.submissions(assignment)[student]


def people_of(gradebook: Gradebook, students: Collection[str] = ()) -> tuple[Person, ...]:
    """Return some people in a gradebook, by default all, sorted by id."""
    columns = (Student.first_name, Student.last_name, Student.email, Student.lms_user_id)
    query = select(Student.id, *columns).order_by(Student.id)
    rows = gradebook.db.execute(query.where(Student.id.in_(students)) if students else query)
    return tuple(Person(id, *(part or "" for part in rest)) for id, *rest in rows)


def read_grades(
    gradebook: Gradebook, *, assignments: Collection[str] = (), students: Collection[str] = ()
) -> GradeTable:
    """Return the grades of some assignments and students; by default of all."""
    people = {person.id: person for person in people_of(gradebook, students)}
    notebooks = _notebook_marks(gradebook, assignments, students)
    found: dict[str, dict[str, SubmissionMarks]] = defaultdict(dict)
    ids = (SubmittedAssignment.id, SubmittedAssignment.student_id, Assignment.name)
    dates = (SubmittedAssignment.timestamp, Assignment.duedate, SubmittedAssignment.extension)
    query = _of_submissions(select(*ids, *dates), assignments, students)
    for id, student, assignment, handed_in, due, extension in gradebook.db.execute(query):
        found[assignment][student] = SubmissionMarks(
            assignment=assignment,
            student=student,
            name=people[student].name,
            notebooks=tuple(sorted(notebooks[id], key=lambda own: own.name)),
            handed_in=handed_in,
            due=due if due is None or extension is None else due + extension,
        )
    worth = gradebook.db.execute(select(Assignment.name, Assignment.max_score)).all()
    return GradeTable(
        tuple(people[student] for student in sorted(people)),
        tuple(
            AssignmentMarks(name, float(points), dict(sorted(found[name].items())))
            for name, points in sorted(worth)
            if not assignments or name in assignments
        ),
    )


def _of_submissions(
    query: Select[Any], assignments: Collection[str], students: Collection[str]
) -> Select[Any]:
    """Join a query to the submissions' assignments, and restrict it to what is wanted."""
    query = query.join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
    if assignments:
        query = query.where(Assignment.name.in_(assignments))
    return query.where(SubmittedAssignment.student_id.in_(students)) if students else query


def _notebook_marks(
    gradebook: Gradebook, assignments: Collection[str], students: Collection[str]
) -> dict[str, list[NotebookMarks]]:
    """Return the marks of notebooks, by the id of their submission."""

    def rows(kind: Any, *columns: Any, only: Any = None) -> Iterator[Any]:
        """Yield rows of the given columns; objects would be slow for a hundred thousand marks."""
        query = select(*columns)
        if kind is not SubmittedNotebook:
            query = query.join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
        query = query.join(
            SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id
        )
        query = query if only is None else query.where(only)
        yield from gradebook.db.connection().execute(_of_submissions(query, assignments, students))

    cells = {
        cell: (name, notebook)
        for cell, name, notebook in gradebook.db.execute(
            select(BaseCell.id, BaseCell.name, Notebook.name).join(
                Notebook, Notebook.id == BaseCell.notebook_id
            )
        )
    }
    worth = {
        cell: points
        for kind in (GradeCell, TaskCell)
        for cell, points in gradebook.db.execute(select(kind.id, kind.max_score))
    }

    @functools.cache  # many students have the same mark
    def mark(
        cell: str,
        score: float | None,
        auto: float | None,
        manual: float | None,
        extra: float | None,
        waiting: bool | None,
    ) -> Mark:
        name, notebook = cells[cell]
        return Mark(
            grade_id=name,
            points=float(score or 0.0),
            max_points=float(worth.get(cell) or 0.0),
            notebook=notebook,
            auto=auto,
            manual=manual,
            extra=float(extra or 0.0),
            waiting=bool(waiting),
        )

    ids = (Grade.notebook_id, Grade.cell_id)
    scores = (Grade.score, Grade.auto_score, Grade.manual_score, Grade.extra_credit)
    marks: dict[str, dict[str, Mark]] = defaultdict(dict)
    for id, *row in rows(Grade, *ids, *scores, Grade.needs_manual_grade):
        own = mark(*row)
        marks[id][own.grade_id] = own
    comments: dict[str, dict[str, str]] = defaultdict(dict)
    empty: dict[str, set[str]] = defaultdict(set)
    said = (Comment.auto_comment, Comment.manual_comment)
    for id, cell, automatic, by_a_person in rows(
        Comment,
        Comment.notebook_id,
        Comment.cell_id,
        *said,
        only=or_(*(column.is_not(None) for column in said)),
    ):
        name, _ = cells[cell]
        # The only automatic comment that nbgrader writes says that there is no answer.
        if automatic is not None:
            empty[id].add(exercise_number(name))
        if comment := (by_a_person or "").strip():
            comments[id][name] = comment
    found: dict[str, list[NotebookMarks]] = defaultdict(list)
    names = dict(map(tuple, gradebook.db.execute(select(Notebook.id, Notebook.name))))
    own_columns = (SubmittedNotebook.id, SubmittedNotebook.notebook_id)
    for id, notebook, submission, late in rows(
        SubmittedNotebook,
        *own_columns,
        SubmittedNotebook.assignment_id,
        SubmittedNotebook.late_submission_penalty,
    ):
        found[submission].append(
            NotebookMarks(
                names[notebook], marks[id], comments[id], float(late or 0.0), frozenset(empty[id])
            )
        )
    return found
