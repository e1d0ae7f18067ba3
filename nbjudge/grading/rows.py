"""A class's table: one row per student, whatever happened to the submission."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from nbjudge.basics.sentences import duration, group_sentences
from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.course.gradebook import grades, versions
from nbjudge.course.marks import GradeTable, Mark, Person, SubmissionMarks
from nbjudge.grading import graded
from nbjudge.grading.plan import SubmissionRecord
from nbjudge.intake.submission import Submission, find_submissions, name_list

__all__ = ["CHANGED", "FOLDER_GONE", "NOT_YET", "Row", "Status", "current_rows", "rows_of"]

#: Remarks of rows whose marks are not those of the current submission.
NOT_YET = "It is not graded yet: run `course autograde {}`."
CHANGED = "It has changed since it was graded: run `course autograde {}`."
FOLDER_GONE = "Its folder is no longer in submitted/; the marks are those of the gradebook."


class Status(StrEnum):
    """The status of a submission."""

    GRADED = "graded"
    NEEDS_A_PERSON = "needs a person"
    FAILED = "failed"
    NOT_HANDED_IN = "not handed in"


@dataclass(frozen=True)
class Row:
    """A row of the class's table.

    Parameters
    ----------
    student, assignment : str
    status : Status
        "needs a person": graded, except for something that the first remark names. "failed":
        nothing could be graded.
    score, max_score : float
        Marks won so far, and the most that can be won. `score` is None if nothing is graded.
    exercises : tuple of Mark
        By number; empty if nothing is graded.
    waiting : tuple of str
        The exercises whose written answers a person has yet to grade.
    remarks : tuple of str
        Sentences, the most important first.
    graded_now : bool
        False if the marks are from an earlier run.
    name : str
        The student's name; empty if it is not known.
    seconds_late : float
        Seconds after the student's own deadline; 0 if in time, or if not known.
    penalty : float
        Points for lateness, not yet subtracted from `score`.
    is_unfinished : bool
        Whether something was not graded, or not saved, for a reason outside the submission. A
        remark names it, and another run tries again.
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
    name: str = ""
    seconds_late: float = 0.0
    penalty: float = 0.0
    is_unfinished: bool = False

    @property
    def points(self) -> float | None:
        """The mark after the penalty for lateness; None if nothing is graded."""
        return None if self.score is None else max(0.0, self.score - self.penalty)

    @property
    def needs_attention(self) -> bool:
        """Whether a person has to look at it, beyond marking written answers."""
        looked_at = (Status.NEEDS_A_PERSON, Status.FAILED)
        return self.status in looked_at or any(mark.again for mark in self.exercises)

    @property
    def lateness(self) -> str:
        """A sentence that says how late it was and what that costs; empty if in time."""
        if not self.seconds_late and not self.penalty:
            return ""
        late = f"{duration(self.seconds_late)} late" if self.seconds_late else "late"
        if not self.penalty:
            return f"Handed in {late}, which costs nothing."
        points = f"{self.penalty:g} point{'' if self.penalty == 1 else 's'}"
        return f"Handed in {late}: {points} will be taken off the mark."


def current_rows(course: Course, assignment: str) -> list[Row]:
    """Return a class's table as it is now, without grading or writing anything.

    Returns
    -------
    list of Row
        One for each student with a folder in `submitted/` or in the gradebook, sorted by name. It
        does not matter under which conditions something was graded.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, or cannot be read.
    """
    notebooks = versions(course, assignment)
    submissions = find_submissions(course, assignment, notebooks)
    index = graded.GradedIndex(course, assignment)
    records = [_recall_record(course, index, submission) for submission in submissions]
    return rows_of(assignment, records, grades(course, assignment), notebooks)


def _recall_record(
    course: Course, index: graded.GradedIndex, submission: Submission
) -> SubmissionRecord:
    """Return the record of a submission from its index entry, whatever the conditions were."""
    record = SubmissionRecord.of(course, submission)
    if not submission.notebooks:
        return record
    entry = index.find(submission.student, record.finished)
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
    assignment: str,
    records: Iterable[SubmissionRecord],
    table: GradeTable,
    notebooks: Mapping[str, NotebookVersion],
    notes: tuple[str, ...] = (),
    students: Collection[str] | None = None,
) -> list[Row]:
    """Return the table of a class, sorted by name.

    Parameters
    ----------
    assignment : str
    records : iterable of SubmissionRecord
        The submissions' records.
    table : GradeTable
        The gradebook's marks of the assignment, and all people in it.
    notebooks : mapping of str to NotebookVersion
        The assignment's notebooks.
    notes : tuple of str
        Remarks for every row.
    students : collection of str, optional
        The students whose rows to return, besides those with a record; by default all.
    """
    points = sum(cell.points for version in notebooks.values() for cell in version.cells)
    marks = {student: own for student, own in table.submissions(assignment).items() if own.marks}
    people = {person.id: person for person in table.people}
    rows = {
        record.student: _row_of(record, marks.get(record.student), points, notes)
        for record in records
    }
    for student in people:
        if student not in rows and (students is None or student in students):
            rows[student] = _without_folder(student, assignment, marks.get(student), points)
    titles = {name: version.titles for name, version in notebooks.items()}

    @functools.cache  # most of a class's hundred thousand marks are equal to others
    def add_title(mark: Mark) -> Mark:
        return replace(mark, title=titles.get(mark.notebook, {}).get(mark.exercise, ""))

    named = (_with_words(row, people.get(row.student), add_title) for row in rows.values())
    return sorted(named, key=lambda row: people.get(row.student, Person(row.student)).order)


def _without_folder(
    student: str, assignment: str, found: SubmissionMarks | None, points: float
) -> Row:
    """Return the row of a student who has no folder in `submitted/`."""
    if found is not None and found.is_graded:
        return _row_of_marked(found, assignment, Status.GRADED, (FOLDER_GONE,))
    return Row(student, assignment, Status.NOT_HANDED_IN, score=None, max_score=points)


def _with_words(row: Row, person: Person | None, add_title: Callable[[Mark], Mark]) -> Row:
    """Return a row with its student's name and its exercises' titles added."""
    exercises = tuple(map(add_title, row.exercises))
    return replace(row, name=person.name if person else "", exercises=exercises)


def _row_of(
    record: SubmissionRecord,
    found: SubmissionMarks | None,
    points: float,
    all_notes: tuple[str, ...],
) -> Row:
    submission = record.submission
    entry = record.entry
    problems = (*entry.problems, *submission.problems)
    notes = (*all_notes, *entry.notes, *submission.notes)
    if submission.handed_in and submission.notebooks and found and record.finished.is_dir():
        status = Status.NEEDS_A_PERSON if problems or entry.is_faulty else Status.GRADED
        remarks = (*problems, *entry.remarks, *_remark_on_changes(found), *notes)
        row = _row_of_marked(found, submission.assignment, status, group_sentences(remarks))
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


def _row_of_marked(
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
        seconds_late=found.seconds_late,
        penalty=found.penalty,
    )


def _remark_on_changes(found: SubmissionMarks) -> tuple[str, ...]:
    again = [mark.exercise for mark in found.marks if mark.again]
    if not again:
        return ()
    one = len(again) == 1
    return (
        f"{name_list(again)} {'has' if one else 'have'} changed since a person marked "
        f"{'it' if one else 'them'}: mark {'it' if one else 'them'} again.",
    )
