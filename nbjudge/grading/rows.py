"""A class's table: a row for each student, whatever became of the submission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from nbjudge.basics.sentences import group_sentences
from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks, versions
from nbjudge.course.marks import Mark, SubmissionMarks
from nbjudge.grading import graded
from nbjudge.grading.plan import Record
from nbjudge.intake.submission import Submission, find_submissions, name_list

__all__ = ["CHANGED", "GONE", "NOT_YET", "Row", "Status", "current_rows", "rows_of"]

#: What a row says that was not, or not only, made by the last grading.
NOT_YET = "It is not graded yet: run `course autograde {}`."
CHANGED = "It has changed since it was graded: run `course autograde {}`."
GONE = "Its folder is no longer in submitted/; the marks are those of the gradebook."


class Status(StrEnum):
    """What became of a submission."""

    GRADED = "graded"
    NEEDS_A_PERSON = "needs a person"
    FAILED = "failed"
    NOT_HANDED_IN = "not handed in"


@dataclass(frozen=True)
class Row:
    """A line of the class's table.

    Parameters
    ----------
    student, assignment : str
    status : Status
        "needs a person" is graded, but not all of it could be: the first remark says what. Of
        "failed", nothing could be graded.
    score, max_score : float
        Marks won so far, and to be won. `score` is None if nothing is graded.
    exercises : tuple of Mark
        By number; empty if nothing is graded.
    waiting : tuple of str
        The exercises whose written answers a person has yet to grade.
    remarks : tuple of str
        Sentences, the important ones first.
    graded_now : bool
        False if the marks are from an earlier run.
    penalty : float
        Points that are yet to be taken off `score` for being late; a remark tells them.
    is_unfinished : bool
        Whether something was not graded, or not saved, by no fault of what was handed in: another
        run tries it again. A remark says what.
    """

    student: str
    assignment: str
    status: Status
    score: float | None
    max_score: float
    exercises: tuple[Mark, ...] = ()
    waiting: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    graded_now: bool = False
    penalty: float = 0.0
    is_unfinished: bool = False


def current_rows(course: Course, assignment: str) -> list[Row]:
    """Return a class's table as it stands; nothing is graded, and nothing written.

    Returns
    -------
    list of Row
        One for everybody with a folder in `submitted/` or with marks in the gradebook, sorted. The
        terms on which something was graded do not matter.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, or cannot be read.
    """
    notebooks = versions(course, assignment)
    submissions = find_submissions(course, assignment, notebooks)
    records = [_recalled(course, submission) for submission in submissions]
    found = {student.student: student for student in marks(course, assignment)}
    rows = rows_of(records, found, notebooks)
    gone = found.keys() - {record.student for record in records}
    for student in gone:
        remarks = (*_late(found[student].penalty), GONE)
        rows.append(_marked(found[student], assignment, Status.GRADED, remarks))
    return sorted(rows, key=lambda row: row.student)


def _recalled(course: Course, submission: Submission) -> Record:
    """Return what was said of a submission when it was graded, on whatever terms."""
    record = Record.of(course, submission)
    if not submission.notebooks:
        return record
    entry = graded.find(record.finished)
    if entry is None:  # nbgrader's own command writes no entries
        doubts = [] if record.finished.is_dir() else [NOT_YET]
        entry = graded.BLANK
    else:
        try:
            is_unchanged = graded.is_unchanged(submission, entry, graded.stamps(submission))
        except OSError:
            is_unchanged = False
        doubts = [] if is_unchanged else [CHANGED]
    told = [doubt.format(submission.assignment) for doubt in doubts]
    return replace(record, entry=replace(entry, problems=[*told, *entry.problems]))


def rows_of(
    records: Iterable[Record],
    found: Mapping[str, SubmissionMarks],
    notebooks: Mapping[str, NotebookVersion],
    notes: tuple[str, ...] = (),
) -> list[Row]:
    """Return the table of a class.

    Parameters
    ----------
    records : iterable of Record
    found : mapping of str to SubmissionMarks
        The marks that the gradebook has, by student.
    notebooks : mapping of str to NotebookVersion
        Those of the assignment.
    notes : tuple of str
        What is good to know of all.
    """
    points = sum(cell.points for version in notebooks.values() for cell in version.cells)
    return [_row(record, found.get(record.student), points, notes) for record in records]


def _row(
    record: Record, found: SubmissionMarks | None, points: float, all_notes: tuple[str, ...]
) -> Row:
    submission = record.submission
    entry = record.entry
    problems = (*entry.problems, *submission.problems)
    notes = (*all_notes, *entry.notes, *submission.notes)
    if submission.handed_in and submission.notebooks and found and record.finished.is_dir():
        status = Status.NEEDS_A_PERSON if problems or entry.is_faulty else Status.GRADED
        remarks = (*problems, *entry.remarks, *_changed(found), *_late(found.penalty), *notes)
        row = _marked(found, submission.assignment, status, group_sentences(remarks))
    else:
        if found and found.won and not submission.notebooks:
            problems = (*problems, "The gradebook still has the marks of an earlier submission.")
        row = Row(
            student=record.student,
            assignment=submission.assignment,
            status=Status.FAILED if submission.handed_in else Status.NOT_HANDED_IN,
            score=None,
            max_score=points,
            remarks=group_sentences((*problems, *notes)),
        )
    return replace(row, graded_now=record.graded_now, is_unfinished=record.is_unfinished)


def _marked(
    found: SubmissionMarks, assignment: str, status: Status, remarks: tuple[str, ...]
) -> Row:
    return Row(
        student=found.student,
        assignment=assignment,
        status=status,
        score=found.won,
        max_score=found.max_points,
        exercises=found.marks,
        waiting=tuple(mark.exercise for mark in found.waiting),
        remarks=remarks,
        penalty=found.penalty,
    )


def _changed(found: SubmissionMarks) -> tuple[str, ...]:
    again = [mark.exercise for mark in found.marks if mark.again]
    if not again:
        return ()
    one = len(again) == 1
    return (
        f"{name_list(again)} {'has' if one else 'have'} changed since a person marked "
        f"{'it' if one else 'them'}: mark {'it' if one else 'them'} again.",
    )


def _late(penalty: float) -> tuple[str, ...]:
    if not penalty:
        return ()
    points = f"{penalty:g} point{'' if penalty == 1 else 's'}"
    return (f"Handed in late: {points} will be taken off the mark.",)
