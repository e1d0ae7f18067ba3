"""Compute the grades that Moodle imports: a row for each student, by address or ID number."""

from __future__ import annotations

from nbjudge.basics.csv_files import Sheet
from nbjudge.course.marks import GradeTable, Person
from nbjudge.export.marks_table import Choices, Exported, cell, match_rows, remarks_on_marks
from nbjudge.intake.submission import name_list

__all__ = ["MOODLE_COLUMN", "moodle"]

#: The heading of Moodle's column, by the value of `identify_by`.
MOODLE_COLUMN = {"email": "Email address", "id": "ID number"}
MOODLE_WORD = {"email": "email address", "id": "ID number"}
MOODLE_KEYS = ("Username", "ID number", "Email address")


def moodle(marks: GradeTable, roster: Sheet | None, identify_by: str, choices: Choices) -> Exported:
    """Return a table that Moodle can import as grades.

    Parameters
    ----------
    marks : GradeTable
    roster : Sheet, optional
        The participants that Moodle exported, with the students' addresses and ID numbers.
    identify_by : str
        A key of `MOODLE_COLUMN`.
    choices : Choices

    Raises
    ------
    CourseError
        If `roster` lacks the column by which students are identified.
    """
    heading = MOODLE_COLUMN[identify_by]
    remarks: list[str] = []
    if roster is None:
        who = {
            person.id: _email_of(person) if identify_by == "email" else person.id
            for person in marks.people
        }
    else:
        addresses = roster.column(roster.require(heading))
        found, remarks = match_rows(marks.people, roster, MOODLE_KEYS, range(len(roster.rows)))
        who = {student: addresses[row].strip() for row, student in found.items()}
    named_so = [person.id for person in marks.people if who.get(person.id)]
    if nameless := [student for student in who if not who[student]]:
        remarks.append(
            f"There is no {MOODLE_WORD[identify_by]} of {name_list(nameless)}, "
            "so they are not in this file."
        )
    rows = tuple(
        (who[student], *(cell(found, student, choices) for found in marks.assignments))
        for student in named_so
    )
    names = (choices.columns.get(found.name, found.name) for found in marks.assignments)
    remarks += remarks_on_marks(marks, choices, named_so)
    return Exported((heading, *names), rows, tuple(remarks))


def _email_of(person: Person) -> str:
    return person.email or (person.id if "@" in person.id else "")
