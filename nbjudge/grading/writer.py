"""The one writer of marks: a submission at a time, each in one transaction.

What is written is what nbgrader's own `autograde` would write; marks and comments that people gave
stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from nbgrader.api import (
    BaseCell,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import scoped_session, sessionmaker

from nbjudge.course.course import Course
from nbjudge.course.gradebook import MarksNotSaved, explain_errors, gradebook_of
from nbjudge.exceptions import CourseError
from nbjudge.judge.notebooks import Result
from nbjudge.term.late_policy import LatePenalties

__all__ = ["Writer", "give", "is_by_hand"]

#: Milliseconds to wait for another program that writes to an SQLite gradebook.
PATIENCE = 30_000
NO_RESPONSE = "No response."


class Writer:
    """Writes the marks of one assignment to a course's gradebook.

    Parameters
    ----------
    course : Course
    assignment : str
        One that the gradebook knows.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        config = course.config()
        self._assignment = assignment
        self._late = LatePenalties(config, assignment)
        with explain_errors():
            self._gradebook = gradebook_of(config)
            cells = self._gradebook.db.query(BaseCell.id, BaseCell.name).all()
            self._gradebook.db.rollback()
        self._names: dict[str, str] = dict(map(tuple, cells))

    def close(self) -> None:
        """Let go of the gradebook."""
        self._gradebook.close()

    def save(
        self,
        student: str,
        handed_in: datetime | None,
        results: Mapping[str, Result | None],
        changed: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Write a submission's marks, all or none.

        Parameters
        ----------
        student : str
            Who is made known to the gradebook if need be.
        handed_in : datetime, optional
            In UTC, without a time zone.
        results : mapping of str to (Result or None)
            By notebook. None stands for one that could not be graded: its marks are a person's to
            give, unless there is nothing else, which makes nobody known. A notebook of the
            assignment that is not among them was not handed in, and gets 0.
        changed : mapping of str to collection of str, optional
            By notebook, the grade ids of cells about whose text nobody knows that it is the one
            that was graded last; see `answers`. By default all: a person looks again at each mark
            that a person gave.

        Raises
        ------
        MarksNotSaved
            If that is not possible now; nothing is written then.
        """
        with explain_errors():
            try:
                self._save(student, handed_in, results, changed)
            except (IntegrityError, InvalidEntry) as error:
                # Another program made the same entry at the same time; now it is there.
                cause = error if isinstance(error, IntegrityError) else error.__context__
                if not isinstance(cause, IntegrityError):
                    raise
                self._save(student, handed_in, results, changed)

    def _save(
        self,
        student: str,
        handed_in: datetime | None,
        results: Mapping[str, Result | None],
        changed: Mapping[str, Collection[str]] | None,
    ) -> None:
        with self._transaction() as gradebook:
            if not any(results.values()) and not _has(gradebook, self._assignment, student):
                return
            gradebook.update_or_create_student(student)
            # A time of an earlier hand-in says nothing about this one.
            stamp = handed_in.isoformat() if handed_in else None
            submission = gradebook.update_or_create_submission(
                self._assignment, student, timestamp=stamp
            )
            for notebook in submission.notebooks:
                self._mark(notebook, results, changed)
            gradebook.db.flush()
            self._penalise(gradebook, submission, results)

    @contextmanager
    def _transaction(self) -> Iterator[Gradebook]:
        """Let nbgrader's methods, each of which commits, write in one transaction."""
        gradebook = self._gradebook
        with gradebook.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE}")
                connection.rollback()
            with connection.begin():
                if connection.dialect.name == "sqlite":
                    # From the first look on nobody else writes, so what is missing stays missing.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                gradebook.db = scoped_session(
                    sessionmaker(bind=connection, join_transaction_mode="rollback_only")
                )
                try:
                    yield gradebook
                    gradebook.db.flush()
                finally:
                    gradebook.db.remove()

    def _mark(
        self,
        notebook: SubmittedNotebook,
        results: Mapping[str, Result | None],
        changed: Mapping[str, Collection[str]] | None,
    ) -> None:
        name = notebook.name
        result = results.get(name)
        for grade in notebook.grades:
            cell = self._names[grade.cell_id]
            has_changed = cell in changed.get(name, ()) if changed is not None else True
            if result is not None:
                # Tasks, which only people mark, are not among them.
                if cell in result.scores:
                    give(grade, result.scores[cell], has_changed)
                elif has_changed and is_by_hand(grade):
                    grade.needs_manual_grade = True
            elif name in results:  # what the student has there, nobody could read
                give(grade, None, has_changed=False)
            else:
                give(grade, 0, has_changed and changed is not None)
        if result is not None:
            for comment in notebook.comments:
                is_empty = self._names[comment.cell_id] in result.unanswered
                comment.auto_comment = NO_RESPONSE if is_empty else None

    def _penalise(
        self,
        gradebook: Gradebook,
        submission: SubmittedAssignment,
        results: Mapping[str, Result | None],
    ) -> None:
        # Like nbgrader it passes over a notebook that nobody could read.
        was_graded = {name for name, result in results.items() if result is not None}
        try:
            self._late.penalise(gradebook, submission, lambda own: own.name in was_graded)
        except CourseError as error:
            raise MarksNotSaved(str(error)) from error


def _has(gradebook: Gradebook, assignment: str, student: str) -> bool:
    try:
        gradebook.find_submission(assignment, student)
    except MissingEntry:
        return False
    return True


def give(grade: Grade, score: float | None, has_changed: bool) -> None:
    """Set the automatic mark. One that a person gave stands, and whether it is wanted again.

    It is wanted again once the answer has changed; without any mark, a person has to give one.
    """
    grade.auto_score = score
    if not is_by_hand(grade):
        grade.needs_manual_grade = score is None
    elif has_changed or (score is None and grade.manual_score is None):
        grade.needs_manual_grade = True


def is_by_hand(grade: Grade) -> bool:
    """Say whether a person gave it, or a part of it: 0 is a mark, too."""
    return grade.manual_score is not None or bool(grade.extra_credit)
