"""What all tables of marks share: choices, the text of a mark, matching of rows, and remarks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nbjudge.basics.csv_files import Sheet, alike, number_text
from nbjudge.course.marks import AssignmentMarks, GradeTable, Person
from nbjudge.intake.submission import name_list

__all__ = ["Choices", "Exported", "cell", "match_rows", "remarks_on_marks"]


@dataclass(frozen=True)
class Choices:
    """An instructor's choices for an export.

    Parameters
    ----------
    only_final : bool
        Whether to leave out marks that a person still has to complete.
    missing : str
        What to write for students without a submission: "empty" keeps what the platform has, "zero"
        is a mark of 0.
    columns : mapping of str to str
        The platform's name of an assignment, if it differs from the course's.
    """

    only_final: bool = False
    missing: str = "empty"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """A table to write, and sentences about marks that are missing or not final."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()


def cell(assignment: AssignmentMarks, student: str, choices: Choices) -> str:
    """Return the text of a student's mark in the table."""
    own = assignment.graded.get(student)
    if own is None:
        return "0" if choices.missing == "zero" else ""
    return "" if own.waiting and choices.only_final else number_text(own.points)


def remarks_on_marks(marks: GradeTable, choices: Choices, exported: Iterable[str]) -> Iterator[str]:
    """Yield sentences about marks that are not final, and about missing marks."""
    students = sorted(exported)
    for assignment in marks.assignments:
        graded = assignment.graded
        waiting = [name for name in students if name in graded and graded[name].waiting]
        if waiting:
            done = "is left empty" if choices.only_final else "is not final"
            whose = f"the mark of {name_list(waiting)} {done}"
            yield f"{assignment.name}: {whose}, since a person has yet to read a part of it."
        missing = [name for name in students if name not in graded]
        if missing:
            done = "gets 0" if choices.missing == "zero" else "is left empty"
            yield f"{assignment.name}: nothing is graded of {name_list(missing)}, which {done}."


def match_rows(
    people: Iterable[Person], roster: Sheet, keys: Sequence[str], rows: Collection[int]
) -> tuple[dict[int, str], list[str]]:
    """Match rows with people, by the first of the columns `keys` that fits; add sentences."""
    by_key = {
        key: _positions((name, row) for row, name in enumerate(roster.column(key)) if row in rows)
        for key in keys
    }
    found: dict[int, str] = {}
    remarks: list[str] = []
    absent: list[str] = []
    doubtful: dict[int, list[str]] = {}
    for person in people:
        fitting = [by_key[key].get(alike(person.id)) for key in keys]
        if person.lms_user_id and "ID" in by_key:
            fitting.insert(0, by_key["ID"].get(alike(person.lms_user_id)))
        candidates = next((rows for rows in fitting if rows), [])
        if len(candidates) > 1:
            remarks.append(
                f"{roster.name} has {len(candidates)} rows for {name_list([person.id])}: "
                "none got the marks."
            )
        elif candidates:
            doubtful.setdefault(candidates[0], []).append(person.id)
        else:
            absent.append(person.id)
    if absent:
        remarks.append(
            f"{roster.name} has no row for {name_list(absent)}: "
            "their marks stay in the gradebook, and are not in this file."
        )
    for row, names in doubtful.items():
        if len(names) > 1:
            remarks.append(f"{name_list(names)} are one row of {roster.name}: it got no marks.")
        else:
            found[row] = names[0]
    return found, remarks


def _positions(names: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, row in names:
        if name.strip():
            found.setdefault(alike(name), []).append(row)
    return found
