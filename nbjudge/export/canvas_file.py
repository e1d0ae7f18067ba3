"""Compute the gradebook that Canvas imports: its own export with the marks added, or a new one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nbjudge.basics.csv_files import Sheet, alike, guard, number_text
from nbjudge.course.marks import AssignmentMarks, GradeTable
from nbjudge.exceptions import CourseError
from nbjudge.export.marks_table import Choices, Exported, cell, match_rows, remarks_on_marks
from nbjudge.intake.submission import name_list

__all__ = ["canvas"]

#: Canvas's columns before those of assignments, in the order that its import requires.
CANVAS_PEOPLE = (
    "Student",
    "ID",
    "SIS User ID",
    "SIS Login ID",
    "Root Account",
    "Integration ID",
    "Section",
)
CANVAS_REQUIRED = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
CANVAS_KEYS = ("SIS Login ID", "SIS User ID", "ID")
CANVAS_POINTS = "Points Possible"
CANVAS_TEST_STUDENT = "Student, Test"


def canvas(marks: GradeTable, roster: Sheet | None, choices: Choices) -> Exported:
    """Return a table that Canvas can import as a gradebook.

    Parameters
    ----------
    marks : GradeTable
    roster : Sheet, optional
        The gradebook that Canvas exported; its rows keep their order, and rows that are no students
        stay. Without it, the rows are made from the students in nbgrader's gradebook.
    choices : Choices

    Raises
    ------
    CourseError
        If `roster` is not a gradebook from Canvas, or has several columns for one assignment.
    """
    if roster is None:
        return _canvas_anew(marks, choices)
    if not roster.has(*CANVAS_REQUIRED):
        message = (
            f"{roster.name} is not what Canvas exports: it lacks a column of "
            f"{', '.join(CANVAS_REQUIRED)}. In Canvas choose Grades, Export Entire Gradebook."
        )
        raise CourseError(message)
    columns = {
        found.name: _canvas_column(found.name, roster, choices) for found in marks.assignments
    }
    records = roster.records
    students = {row for row, record in enumerate(records) if record["ID"].strip()}
    found, remarks = match_rows(marks.people, roster, CANVAS_KEYS, students)
    people = [name for name in roster.header if name in CANVAS_PEOPLE]
    rows = []
    for row, record in enumerate(records):
        # Canvas needs its identifiers back unchanged.
        who = [record[part] if part in CANVAS_KEYS else guard(record[part]) for part in people]
        student = found.get(row, "") if row in students else None
        rows.append((*who, *_canvas_cells(record, student, marks.assignments, columns, choices)))
        if student is None:
            remarks += _other_points(marks.assignments, columns, record)
    if new := [name for name, column in columns.items() if column not in roster.header]:
        remarks.append(
            f"{roster.name} has no column for {name_list(new)}: Canvas will ask about a new one."
        )
    left_out = (records[row]["Student"].strip() for row in sorted(students - found.keys()))
    if strangers := [name for name in left_out if name != CANVAS_TEST_STUDENT]:
        done = "get 0" if choices.missing == "zero" else "are left empty"
        remarks.append(
            f"The gradebook does not know {name_list(strangers)} of {roster.name}: they {done}."
        )
    remarks += remarks_on_marks(marks, choices, found.values())
    return Exported((*people, *columns.values()), tuple(rows), tuple(remarks))


def _canvas_cells(
    record: Mapping[str, str],
    student: str | None,
    assignments: Iterable[AssignmentMarks],
    columns: Mapping[str, str],
    choices: Choices,
) -> Iterator[str]:
    """Yield the marks of a row: of a student, of somebody unknown (""), or of no student (None).

    A row that is no student keeps what Canvas has.
    """
    name = record["Student"].strip()
    for assignment in assignments:
        if student is None:
            new = number_text(assignment.max_points) if name == CANVAS_POINTS else ""
            yield record.get(columns[assignment.name], new)
        elif student or name != CANVAS_TEST_STUDENT:
            yield cell(assignment, student, choices)
        else:
            yield ""


def _canvas_anew(marks: GradeTable, choices: Choices) -> Exported:
    names = [choices.columns.get(found.name, found.name) for found in marks.assignments]
    points = [number_text(found.max_points) for found in marks.assignments]
    rows = [(f"    {CANVAS_POINTS}", "", "", "", "", *points)]
    for person in sorted(marks.people, key=lambda person: person.order):
        name = ", ".join(part for part in (person.last_name, person.first_name) if part)
        who = (guard(name or person.id), person.lms_user_id, "", person.id, "")
        rows.append((*who, *(cell(found, person.id, choices) for found in marks.assignments)))
    ids = [person.id for person in marks.people]
    return Exported(
        (*CANVAS_REQUIRED, *names), tuple(rows), tuple(remarks_on_marks(marks, choices, ids))
    )


def _canvas_column(assignment: str, roster: Sheet, choices: Choices) -> str:
    if assignment in choices.columns:
        return roster.require(choices.columns[assignment])
    named_so = [
        column
        for column in roster.header
        if _plain_heading_name(column.rpartition(" (")[0] or column)
        == _plain_heading_name(assignment)
        and column not in CANVAS_PEOPLE
    ]
    if len(named_so) > 1:
        message = (
            f"{roster.name} has {len(named_so)} columns for '{assignment}': {', '.join(named_so)}. "
            "Say which in nbgrader_config.py, with c.CanvasExport.columns."
        )
        raise CourseError(message)
    return named_so[0] if named_so else assignment


def _plain_heading_name(name: str) -> str:
    return alike(name.replace("_", " ").replace("-", " "))


def _other_points(
    assignments: Iterable[AssignmentMarks], columns: Mapping[str, str], record: Mapping[str, str]
) -> Iterator[str]:
    if record["Student"].strip() != CANVAS_POINTS:
        return
    for assignment in assignments:
        column = columns[assignment.name]
        there = record.get(column, "").strip()
        try:
            differs = bool(there) and float(there) != assignment.max_points
        except ValueError:  # no number, such as "(read only)"
            differs = False
        if differs:
            yield (
                f"Canvas has {there} points for '{column}', and here it is "
                f"{number_text(assignment.max_points)}: marks are exported as they are."
            )
