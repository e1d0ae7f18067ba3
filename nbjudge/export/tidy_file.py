"""Compute a tidy table of marks, for pandas or R: one row for each student and exercise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from nbjudge.basics.csv_files import guard, number_text
from nbjudge.course.marks import GradeTable
from nbjudge.export.marks_table import Choices, Exported, remarks_on_marks

__all__ = ["tidy_rows"]

TIDY = (
    "student",
    "name",
    "assignment",
    "notebook",
    "exercise",
    "title",
    "points",
    "max_points",
    "auto",
    "manual",
    "extra_credit",
    "late_penalty",
    "needs_person",
    "handed_in",
)


def tidy_rows(
    marks: GradeTable,
    choices: Choices,
    titles_of: Callable[[str, str], Mapping[str, str]] = lambda assignment, notebook: {},
) -> Exported:
    """Return one row for each student and exercise, the students sorted by name.

    Parameters
    ----------
    marks : GradeTable
    choices : Choices
    titles_of : callable
        Returns the titles of exercises by number, given assignment and notebook.
    """
    rows = tuple(
        (
            *map(guard, (person.id, person.name, assignment.name, mark.notebook, mark.exercise)),
            guard(titles_of(assignment.name, mark.notebook).get(mark.exercise, "")),
            "" if mark.waiting and choices.only_final else number_text(mark.points),
            number_text(mark.max_points),
            *("" if part is None else number_text(part) for part in (mark.auto, mark.manual)),
            number_text(mark.extra),
            number_text(submission.penalty),
            str(mark.waiting).lower(),
            _utc_text(submission.handed_in),
        )
        for assignment in marks.assignments
        for person in sorted(marks.people, key=lambda person: person.order)
        if (submission := assignment.graded.get(person.id)) is not None
        for own in submission.notebooks
        for mark in own.marks
    )
    everybody = [person.id for person in marks.people]
    without = Choices(only_final=choices.only_final)
    return Exported(TIDY, rows, tuple(remarks_on_marks(marks, without, everybody)))


def _utc_text(time: datetime | None) -> str:
    return "" if time is None else f"{time.isoformat(timespec='seconds')}Z"
