"""Write the marks of a group of submissions to the gradebook, in one transaction.

The rows are those that nbgrader's own `autograde` would write; marks and comments given by people
stay. They are written table by table rather than object by object, because a class has a hundred
thousand marks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import scoped_session, sessionmaker

from nbjudge.course.course import Course
from nbjudge.course.gradebook import MarksNotSaved, explain_errors, gradebook_of
from nbjudge.exceptions import CourseError
from nbjudge.judge.notebooks import GradedNotebook
from nbjudge.term.late_policy import LatePenalties

__all__ = ["MarkedSubmission", "Writer", "give", "is_by_hand"]

#: Milliseconds to wait for another program that writes to an SQLite gradebook.
WRITE_PATIENCE = 30_000
NO_RESPONSE = "No response."
#: nbgrader's kinds of cells that get a grade, and those that get a comment.
GRADED = ("GradeCell", "TaskCell")
COMMENTED = ("SolutionCell", "TaskCell")


def _update(table: Any, **values: str) -> Any:
    """Return an UPDATE of columns by named parameters, for the row whose id is the `key`."""
    row = table.__table__
    changes: dict[str, Any] = {column: bindparam(name) for column, name in values.items()}
    return update(row).where(row.c.id == bindparam("key")).values(changes)


UPDATE_TIME = _update(SubmittedAssignment, timestamp="time")
UPDATE_GRADE = _update(Grade, auto_score="score", needs_manual_grade="waits")
UPDATE_COMMENT = _update(Comment, auto_comment="comment")


@dataclass(frozen=True)
class MarkedSubmission:
    """The marks of a submission.

    Parameters
    ----------
    student : str
        Is added to the gradebook if need be.
    handed_in : datetime, optional
        In UTC, without a time zone.
    results : mapping of str to (GradedNotebook or None)
        By notebook. None means that it could not be graded, so that a person has to mark it. If
        all are None, a student who is not in the gradebook is not added. Notebooks of the
        assignment that are missing here were not handed in, and get 0.
    changed : mapping of str to collection of str, optional
        By notebook, the grade_ids of cells whose text may differ from the one graded last: see
        `answer_texts`. A person has to look again at their marks if a person gave them. By default
        all cells.
    """

    student: str
    handed_in: datetime | None
    results: Mapping[str, GradedNotebook | None]
    changed: Mapping[str, Collection[str]] | None = None

    def was_graded(self, notebook: SubmittedNotebook) -> bool:
        """Return whether a notebook could be graded; if not, lateness costs nothing in it."""
        return self.results.get(notebook.name) is not None


class AnyGrade(Protocol):
    """A grade: nbgrader's own object, or a row of its table."""

    auto_score: float | None
    manual_score: float | None
    extra_credit: float | None
    needs_manual_grade: bool


class Writer:
    """Writes the marks of one assignment to a course's gradebook.

    Parameters
    ----------
    course : Course
    assignment : str
        An assignment in the gradebook.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        config = course.config()
        self._assignment = assignment
        self._late = LatePenalties(config, assignment)
        with explain_errors():
            self._gradebook = gradebook_of(config)

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()

    def save(self, submissions: Sequence[MarkedSubmission]) -> dict[str, MarksNotSaved]:
        """Write the marks of submissions: for each of them all or none.

        Returns
        -------
        dict of str to MarksNotSaved
            By student, why nothing of theirs could be written.
        """
        try:
            self._save(submissions)
        except MarksNotSaved as error:
            # After an IntegrityError a retry can succeed: another program may have inserted the
            # same row at the same time.
            if len(submissions) > 1 or isinstance(error.__cause__, IntegrityError):
                return self._save_singly(submissions)
            return {submissions[0].student: error}
        return {}

    def _save_singly(self, submissions: Sequence[MarkedSubmission]) -> dict[str, MarksNotSaved]:
        """Write each in a separate transaction, so that an error in one affects no other."""
        unsaved = {}
        for submission in submissions:
            try:
                self._save([submission])
            except MarksNotSaved as error:
                unsaved[submission.student] = error
        return unsaved

    def _save(self, submissions: Sequence[MarkedSubmission]) -> None:
        with explain_errors(), self._transaction() as connection:
            entries = _Entries(connection, self._assignment, [each.student for each in submissions])
            kept = [
                (each, entries.of(each.student, each.handed_in))
                for each in submissions
                if any(each.results.values()) or entries.has(each.student)
            ]
            for marked, entry in kept:
                for notebook in entry.notebooks:
                    self._mark(notebook, marked)
            entries.write()
            self._penalise(connection, kept)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._gradebook.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {WRITE_PATIENCE}")
                connection.rollback()
            with connection.begin():
                if connection.dialect.name == "sqlite":
                    # Locks the database before the first read, so that nobody can insert rows
                    # between the reads and the writes.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection

    def _mark(self, notebook: _Notebook, marked: MarkedSubmission) -> None:
        results, changed = marked.results, marked.changed
        name = notebook.name
        result = results.get(name)
        for grade in notebook.grades:
            cell = grade.cell
            has_changed = cell in changed.get(name, ()) if changed is not None else True
            if result is not None:
                # Tasks, which only people mark, are not among the scores.
                if cell in result.scores:
                    give(grade, result.scores[cell], has_changed)
                elif has_changed and is_by_hand(grade):
                    grade.needs_manual_grade = True
            elif name in results:  # the notebook could not be graded
                give(grade, None, has_changed=False)
            else:
                give(grade, 0, has_changed and changed is not None)
        if result is not None:
            for comment in notebook.comments:
                is_empty = comment.cell in result.unanswered
                comment.auto_comment = NO_RESPONSE if is_empty else None

    def _penalise(
        self,
        connection: Connection,
        kept: Iterable[tuple[MarkedSubmission, _Submission]],
    ) -> None:
        """Write the penalties for lateness, which depend on the scores that were just written.

        Submissions in time are skipped. The others are loaded as nbgrader's own objects, because
        its plugins expect these.
        """
        due = {entry.id: marked for marked, entry in kept if entry.is_late or entry.has_penalty}
        if not due:
            return
        gradebook = self._gradebook
        gradebook.db = scoped_session(
            sessionmaker(bind=connection, join_transaction_mode="rollback_only")
        )
        try:
            query = gradebook.db.query(SubmittedAssignment)
            for submission in query.filter(SubmittedAssignment.id.in_(due)):
                self._late.penalise(gradebook, submission, due[submission.id].was_graded)
            gradebook.db.flush()
        except CourseError as error:
            raise MarksNotSaved(str(error)) from error
        finally:
            gradebook.db.remove()


def give(grade: AnyGrade, score: float | None, has_changed: bool) -> None:
    """Set the automatic mark, and whether a person has to mark; a mark from a person stays.

    A person who gave a mark has to look again if the answer has changed. Without any mark, a person
    has to give one.
    """
    grade.auto_score = score
    if not is_by_hand(grade):
        grade.needs_manual_grade = score is None
    elif has_changed or (score is None and grade.manual_score is None):
        grade.needs_manual_grade = True


def is_by_hand(grade: AnyGrade) -> bool:
    """Return whether a person gave a grade or extra credit; a manual score of 0 counts."""
    return grade.manual_score is not None or bool(grade.extra_credit)


# ---- The gradebook's tables --------------------------------------------------------------------


@dataclass
class _Grade:
    """A row of nbgrader's `Grade`; `before` holds the stored values, None for a new row."""

    id: str
    cell_id: str
    cell: str
    auto_score: float | None = None
    manual_score: float | None = None
    extra_credit: float | None = None
    needs_manual_grade: bool = True
    before: tuple[object, ...] | None = None

    @property
    def now(self) -> tuple[object, ...]:
        """The values that the grader writes."""
        return self.auto_score, self.needs_manual_grade


@dataclass
class _Comment:
    """A row of nbgrader's `Comment`."""

    id: str
    cell_id: str
    cell: str
    auto_comment: str | None = None
    before: tuple[object, ...] | None = None

    @property
    def now(self) -> tuple[object, ...]:
        """The values that the grader writes."""
        return (self.auto_comment,)


@dataclass
class _Notebook:
    """A row of nbgrader's `SubmittedNotebook`, with its grades and comments."""

    id: str
    notebook_id: str
    name: str
    penalty: float | None = None
    grades: list[_Grade] = field(default_factory=list)
    comments: list[_Comment] = field(default_factory=list)


@dataclass
class _Submission:
    """A row of nbgrader's `SubmittedAssignment`, with its notebooks."""

    id: str
    student: str
    handed_in: datetime | None
    due: datetime | None
    notebooks: list[_Notebook] = field(default_factory=list)
    is_new: bool = False

    @property
    def is_late(self) -> bool:
        """Whether it was handed in after the deadline, as far as both are known."""
        return self.handed_in is not None and self.due is not None and self.handed_in > self.due

    @property
    def has_penalty(self) -> bool:
        """Whether the gradebook has a penalty for it, which may be outdated."""
        return any(notebook.penalty is not None for notebook in self.notebooks)


class _Entries:
    """The rows of some students' submissions of an assignment, as read and as changed."""

    def __init__(self, connection: Connection, assignment: str, students: Sequence[str]) -> None:
        self._connection = connection
        found = connection.execute(
            select(Assignment.id, Assignment.duedate).where(Assignment.name == assignment)
        ).first()
        if found is None:
            message = (
                f"The gradebook no longer knows '{assignment}'. "
                f"Run `course release {assignment}`, then run the same command again."
            )
            raise MarksNotSaved(message)
        self._assignment: str = found.id
        self._due: datetime | None = found.duedate
        notebooks = select(Notebook.id, Notebook.name)
        rows = connection.execute(notebooks.where(Notebook.assignment_id == self._assignment))
        self._notebooks: dict[str, str] = dict(map(tuple, rows))
        cells = select(BaseCell.id, BaseCell.name, BaseCell.type, BaseCell.notebook_id)
        self._cells = {
            cell.id: cell
            for cell in connection.execute(cells.where(BaseCell.notebook_id.in_(self._notebooks)))
        }
        known = select(Student.id).where(Student.id.in_(students))
        self._new_students = set(students) - set(connection.execute(known).scalars())
        self._submissions = self._read(students)

    def has(self, student: str) -> bool:
        """Return whether the gradebook has a submission of a student."""
        return student in self._submissions

    def of(self, student: str, handed_in: datetime | None) -> _Submission:
        """Return a student's submission with its timestamp; a new one if there is none."""
        submission = self._submissions.get(student) or self._new(student)
        # Set even to None: the timestamp of an earlier hand-in would be wrong.
        submission.handed_in = handed_in
        return submission

    def _new(self, student: str) -> _Submission:
        """Make a submission with the whole structure of the assignment, as nbgrader does."""
        notebooks = {id: _Notebook(new_uuid(), id, name) for id, name in self._notebooks.items()}
        for cell in self._cells.values():
            notebook = notebooks[cell.notebook_id]
            if cell.type in GRADED:
                notebook.grades.append(_Grade(new_uuid(), cell.id, cell.name))
            if cell.type in COMMENTED:
                notebook.comments.append(_Comment(new_uuid(), cell.id, cell.name))
        new = _Submission(new_uuid(), student, None, self._due, [*notebooks.values()], is_new=True)
        self._submissions[student] = new
        return new

    def _read(self, students: Sequence[str]) -> dict[str, _Submission]:
        table = SubmittedAssignment
        query = select(table.id, table.student_id, table.timestamp, table.extension).where(
            table.assignment_id == self._assignment, table.student_id.in_(students)
        )
        by_id = {
            id: _Submission(id, student, handed_in, self._due_with(extension))
            for id, student, handed_in, extension in self._connection.execute(query)
        }
        if by_id:
            self._read_notebooks(by_id)
        return {submission.student: submission for submission in by_id.values()}

    def _due_with(self, extension: timedelta | None) -> datetime | None:
        return self._due if self._due is None or extension is None else self._due + extension

    def _read_notebooks(self, submissions: Mapping[str, _Submission]) -> None:
        table = SubmittedNotebook
        query = select(
            table.id, table.notebook_id, table.assignment_id, table.late_submission_penalty
        ).where(table.assignment_id.in_(submissions))
        notebooks = {}
        for id, notebook_id, submission, penalty in self._connection.execute(query):
            notebooks[id] = _Notebook(id, notebook_id, self._notebooks[notebook_id], penalty)
            submissions[submission].notebooks.append(notebooks[id])
        columns = (Grade.auto_score, Grade.manual_score, Grade.extra_credit)
        for notebook, id, cell, *values in self._of_notebooks(
            notebooks, Grade, *columns, Grade.needs_manual_grade
        ):
            grade = _Grade(id, cell, self._cells[cell].name, *values)
            grade.before = grade.now
            notebooks[notebook].grades.append(grade)
        for notebook, id, cell, said in self._of_notebooks(
            notebooks, Comment, Comment.auto_comment
        ):
            comment = _Comment(id, cell, self._cells[cell].name, said, (said,))
            notebooks[notebook].comments.append(comment)

    def _of_notebooks(self, notebooks: Iterable[str], table: Any, *columns: Any) -> Iterable[Any]:
        query = select(table.notebook_id, table.id, table.cell_id, *columns)
        return self._connection.execute(query.where(table.notebook_id.in_(notebooks)))

    def write(self) -> None:
        """Insert the new rows, and update those that have changed since they were read."""
        submissions = self._submissions.values()
        new = [submission for submission in submissions if submission.is_new]
        students = self._new_students & self._submissions.keys()
        self._send(insert(Student.__table__), [{"id": student} for student in students])
        self._send(
            insert(SubmittedAssignment.__table__),
            [
                {
                    "id": submission.id,
                    "assignment_id": self._assignment,
                    "student_id": submission.student,
                    "timestamp": submission.handed_in,
                }
                for submission in new
            ],
        )
        self._send(
            UPDATE_TIME,
            [{"key": old.id, "time": old.handed_in} for old in submissions if not old.is_new],
        )
        self._send(
            insert(SubmittedNotebook.__table__),
            [
                {
                    "id": notebook.id,
                    "assignment_id": submission.id,
                    "notebook_id": notebook.notebook_id,
                }
                for submission in new
                for notebook in submission.notebooks
            ],
        )
        notebooks = [notebook for each in submissions for notebook in each.notebooks]
        self._write_grades(notebooks)
        self._write_comments(notebooks)

    def _write_grades(self, notebooks: Collection[_Notebook]) -> None:
        self._send(
            insert(Grade.__table__),
            [
                {
                    "id": grade.id,
                    "notebook_id": notebook.id,
                    "cell_id": grade.cell_id,
                    "auto_score": grade.auto_score,
                    "needs_manual_grade": grade.needs_manual_grade,
                }
                for notebook in notebooks
                for grade in notebook.grades
                if grade.before is None
            ],
        )
        self._send(
            UPDATE_GRADE,
            [
                {"key": grade.id, "score": grade.auto_score, "waits": grade.needs_manual_grade}
                for notebook in notebooks
                for grade in notebook.grades
                if grade.before not in (None, grade.now)
            ],
        )

    def _write_comments(self, notebooks: Collection[_Notebook]) -> None:
        self._send(
            insert(Comment.__table__),
            [
                {
                    "id": comment.id,
                    "notebook_id": notebook.id,
                    "cell_id": comment.cell_id,
                    "auto_comment": comment.auto_comment,
                }
                for notebook in notebooks
                for comment in notebook.comments
                if comment.before is None
            ],
        )
        self._send(
            UPDATE_COMMENT,
            [
                {"key": comment.id, "comment": comment.auto_comment}
                for notebook in notebooks
                for comment in notebook.comments
                if comment.before not in (None, comment.now)
            ],
        )

    def _send(self, statement: Any, rows: list[dict[str, Any]]) -> None:
        if rows:  # for an empty list, an INSERT would add a row of defaults
            self._connection.execute(statement, rows)
