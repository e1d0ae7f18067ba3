"""Extensions: their length is in nbgrader's gradebook, their end and reason in `extensions.csv`.

nbgrader cannot store a reason. The file is in the course's folder, and can be opened in a
spreadsheet; marks depend on the gradebook alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, Student, SubmittedAssignment
from sqlalchemy import select
from sqlalchemy.exc import SAWarning

from nbjudge.basics import csv_files
from nbjudge.basics.csv_files import as_csv, guard
from nbjudge.course.folders import save_file
from nbjudge.exceptions import CourseError
from nbjudge.intake.submission import printable
from nbjudge.intake.timestamps import read_timestamp
from nbjudge.term.deadlines import deadline_of, show_moment

__all__ = ["EXTENSIONS_FILE", "Extension", "extensions_of", "grant", "keep_dates", "withdraw"]

EXTENSIONS_FILE = "extensions.csv"
EXTENSIONS_HEADER = ("student", "assignment", "until", "reason")


@dataclass(frozen=True)
class Extension:
    """A later deadline of one student for one assignment.

    Parameters
    ----------
    student, assignment : str
    until : datetime
        In UTC, without a time zone.
    reason : str
        Empty if none is stored, or if the gradebook now has another time than the file.
    """

    student: str
    assignment: str
    until: datetime
    reason: str = ""


def extensions_of(
    gradebook: Gradebook, root: Path, assignment: str | None = None
) -> tuple[Extension, ...]:
    """Return the extensions in the gradebook, sorted by assignment, then by their end.

    Parameters
    ----------
    gradebook : Gradebook
    root : Path
        The course's folder.
    assignment : str, optional
        By default, all assignments.
    """
    reasons = {(own.student, own.assignment, own.until): own.reason for own in _read_kept(root)}
    query = (
        select(
            SubmittedAssignment.student_id,
            Assignment.name,
            Assignment.duedate,
            SubmittedAssignment.extension,
        )
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where(SubmittedAssignment.extension.is_not(None), Assignment.duedate.is_not(None))
    )
    if assignment is not None:
        query = query.where(Assignment.name == assignment)
    found = []
    for student, name, due, more in gradebook.db.execute(query):
        until = due + more
        found.append(Extension(student, name, until, reasons.get((student, name, until), "")))
    return tuple(sorted(found, key=lambda own: (own.assignment, own.until, own.student)))


def grant(gradebook: Gradebook, root: Path, extension: Extension) -> None:
    """Give a student an extension, which replaces any earlier one.

    Parameters
    ----------
    gradebook : Gradebook
        It has the student, and the assignment with a deadline.
    root : Path
        The course's folder.
    extension : Extension

    Raises
    ------
    CourseError
        If the student is not in the gradebook, there is no deadline, or the extension would not end
        after it; nothing is changed then.
    """
    student, assignment = extension.student, extension.assignment
    if gradebook.db.get(Student, student) is None:
        message = (
            f"The gradebook knows no student '{printable(student)}'. `course roster` lists those "
            "whom it knows, and `course roster FILE` adds others."
        )
        raise CourseError(message)
    due = deadline_of(gradebook, assignment)
    if due is None:
        message = (
            f"'{assignment}' has no deadline that could be extended. Set one first: "
            f'course deadline {assignment} "2027-03-02 18:00 Europe/Zurich"'
        )
        raise CourseError(message)
    if extension.until <= due:
        message = (
            f"An extension until {show_moment(extension.until)} ends no later than the deadline of "
            f"'{assignment}', {show_moment(due)}. Give a later time."
        )
        raise CourseError(message)
    others = (own for own in _read_kept(root) if not _same_work(own, extension))
    _write_file(root, (*others, extension))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # raised by nbgrader's own code
        submission = gradebook.update_or_create_submission(assignment, student)
    submission.extension = extension.until - due
    gradebook.db.commit()


def withdraw(gradebook: Gradebook, root: Path, student: str, assignment: str) -> Extension:
    """Remove an extension, and return it.

    Raises
    ------
    CourseError
        If there is none.
    """
    found = (own for own in extensions_of(gradebook, root, assignment) if own.student == student)
    extension = next(found, None)
    if extension is None:
        message = f"'{printable(student)}' has no extension for '{assignment}'."
        raise CourseError(f"{message} `course extend` lists those that there are.")
    _write_file(root, (own for own in _read_kept(root) if not _same_work(own, extension)))
    gradebook.find_submission(assignment, student).extension = None
    gradebook.db.commit()
    return extension


def keep_dates(
    gradebook: Gradebook, root: Path, before: Iterable[Extension]
) -> tuple[Extension, ...]:
    """Keep the end of each extension as it was, after the deadline has moved.

    Parameters
    ----------
    gradebook : Gradebook
        It has the new deadline.
    root : Path
        The course's folder.
    before : iterable of Extension
        The extensions of the assignment before the change.

    Returns
    -------
    tuple of Extension
        Those that do not end after the new deadline, and were removed.
    """
    gone = []
    for extension in before:
        due = deadline_of(gradebook, extension.assignment)
        submission = gradebook.find_submission(extension.assignment, extension.student)
        if due is None or extension.until <= due:
            submission.extension = None
            gone.append(extension)
        else:
            submission.extension = extension.until - due
    gradebook.db.commit()
    if gone:
        left = (one for one in _read_kept(root) if not any(_same_work(one, own) for own in gone))
        _write_file(root, left)
    return tuple(gone)


def _same_work(one: Extension, other: Extension) -> bool:
    return (one.student, one.assignment) == (other.student, other.assignment)


def _read_kept(root: Path) -> Iterator[Extension]:
    """Yield the extensions in the file; rows whose time cannot be read are skipped."""
    path = root / EXTENSIONS_FILE
    if not path.exists():
        return
    for row in csv_files.read_csv(path).records:
        student, assignment, written, reason = (
            _without_apostrophe(row.get(name, "")) for name in EXTENSIONS_HEADER
        )
        until = read_timestamp(written)
        if until is not None:
            yield Extension(student, assignment, until, reason)


def _write_file(root: Path, extensions: Iterable[Extension]) -> None:
    """Write the file; but do not create it if there are no extensions."""
    rows = [
        (guard(own.student), guard(own.assignment), f"{own.until} UTC", guard(own.reason))
        for own in sorted(extensions, key=lambda own: (own.assignment, own.student))
    ]
    path = root / EXTENSIONS_FILE
    if rows or path.exists():
        save_file(path, as_csv(EXTENSIONS_HEADER, rows).encode())


def _without_apostrophe(cell: str) -> str:
    """Return a cell without the apostrophe that keeps spreadsheets from reading it as a formula."""
    return cell[1:] if cell.startswith("'") and guard(cell[1:]) == cell else cell
