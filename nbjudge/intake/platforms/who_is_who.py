"""Who the people are whom a platform names: by a roster, as the platform exports it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from nbjudge.basics.csv_files import Sheet, alike
from nbjudge.exceptions import CourseError
from nbjudge.intake.platforms.file_names import Found
from nbjudge.intake.student_ids import is_fit, is_rounded
from nbjudge.intake.submission import printable
from nbjudge.intake.timestamps import local_time, utc

__all__ = ["IDS_BY_PLATFORM", "Directory", "Owner"]

#: Columns that say who somebody is in the course, the first that is filled.
IDS_BY_PLATFORM = {
    "Canvas": ("id", "SIS Login ID", "SIS User ID", "ID"),
    "Moodle": ("id", "Username", "ID number", "Email address"),
}
#: Columns by which a platform's name or number of a person is found.
CANVAS_NUMBERS = ("ID", "lms_user_id")
MOODLE_NUMBER = "Identifier"
MOODLE_TIME = "Last modified (submission)"
FULL_NAMES = (
    ("Full name",),
    ("First name", "Last name"),
    ("First name", "Surname"),
    ("first_name", "last_name"),
)
#: Columns that tell a person's groups, whose names Moodle puts before that of the person.
GROUPS = ("Group", "Groups")
#: Characters that Moodle removes from a name to make it a file's.
UNFIT_FOR_FILES = re.compile(r"[&<>\"`'|:\\/~\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Owner:
    """Who handed in: the student's id in the course, or a sentence on why that is not known."""

    id: str = ""
    problem: str = ""
    #: When it was handed in, in UTC, if that is known.
    time: datetime | None = None
    #: What the platform says of it, if that can be read in several ways.
    doubtful_time: str = ""


class Directory:
    """Who people are, by a roster; without one, everybody has the platform's number.

    Parameters
    ----------
    platform : str
        A key of `IDS_BY_PLATFORM`.
    roster : Sheet, optional
    id_column : str
        Which column holds the ids of the course; by default the first of
        `IDS_BY_PLATFORM` that is filled.
    zone : ZoneInfo, optional
        In which the platform tells times; by default this machine's.

    Raises
    ------
    CourseError
        If the roster has no such column.
    """

    def __init__(
        self, platform: str, roster: Sheet | None, id_column: str = "", zone: ZoneInfo | None = None
    ) -> None:
        self._roster = roster
        self._zone = zone
        if roster is None:
            return
        column = id_column or roster.first_of(IDS_BY_PLATFORM[platform])
        if column is None:
            message = (
                f"{roster.name} does not tell who is who: it has none of the columns "
                f"{', '.join(IDS_BY_PLATFORM[platform])}. Export it again, in English, or name "
                "a column."
            )
            raise CourseError(message)
        roster.require_one(column)
        self._column = column
        self._ids = [name.strip() for name in roster.column(column)]
        self._times = roster.column(MOODLE_TIME)
        if platform == "Canvas":
            numbers = [roster.column(name) for name in CANVAS_NUMBERS]
            self._by_number = _rows_by_text(
                cells for column in numbers for cells in enumerate(column)
            )
            self._by_name: dict[str, list[int]] = {}
        else:
            # "Participant 1234567", in whatever language.
            identifiers = (re.sub(r"\D", "", cell) for cell in roster.column(MOODLE_NUMBER))
            self._by_number = _rows_by_text(enumerate(identifiers))
            self._by_name = _index_names(
                (row, name)
                for columns in FULL_NAMES
                if roster.has(*columns)
                for row, parts in enumerate(zip(*map(roster.column, columns), strict=True))
                for name in _with_groups(roster, row, " ".join(parts))
            )

    def owner(self, found: Found) -> Owner:
        """Return whose something is."""
        if self._roster is None:
            return Owner(found.number)
        roster = self._roster.name
        who = f"'{printable(found.name)}' ({found.number})"
        rows = self._by_number.get(alike(found.number)) or self._by_name.get(
            _identifying_name(found.name)
        )
        if not rows:
            return Owner(problem=f"{who} is not in {roster}, and was left out.")
        if len(rows) > 1:
            return Owner(problem=f"{roster} has {len(rows)} rows for {who}, who was left out.")
        (row,) = rows
        student = self._ids[row]
        if not is_fit(student) or is_rounded(student):
            told = f"holds '{printable(student)}'" if student else "is empty"
            return Owner(
                problem=f"{who} was left out: {roster}'s column '{self._column}' {told}, "
                "which cannot be a student's id."
            )
        if self._ids.count(student) > 1:
            return Owner(
                problem=f"{who} was left out: {roster} has the id '{printable(student)}' twice."
            )
        written = self._times[row].strip()
        time = _utc(written, self._zone)
        return Owner(student, time=time, doubtful_time="" if time or written == "-" else written)


def _rows_by_text(cells: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, cell in cells:
        rows = found.setdefault(alike(cell), []) if cell.strip() else []
        if row not in rows:
            rows.append(row)
    return found


def _index_names(names: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, name in names:
        rows = found.setdefault(_identifying_name(name), []) if name.strip() else []
        if row not in rows:
            rows.append(row)
    return found


def _identifying_name(name: str) -> str:
    """Return what identifies a person by name: all of it, as Moodle has it in names of files.

    Capitals, several spaces and the coding of accents make no difference; accents do.

    >>> _identifying_name("O'Brien,  Ada") == _identifying_name("OBRIEN, ada")
    True
    >>> _identifying_name("José") == _identifying_name("Jose")
    False
    """
    name = UNFIT_FOR_FILES.sub("", unicodedata.normalize("NFC", name).replace("_", " "))
    return " ".join(name.lower().split())


def _with_groups(roster: Sheet, row: int, name: str) -> list[str]:
    """Return a name alone, and behind each of the person's groups: "Group A-Ada Lovelace"."""
    groups = [group.strip() for column in GROUPS for group in roster.column(column)[row].split(",")]
    return [name, *(f"{group}-{name}" for group in groups if group and name.strip())]


def _utc(text: str, zone: ZoneInfo | None) -> datetime | None:
    """Read a time as Moodle writes it; None if it can be read otherwise, or is none."""
    local = local_time(text)
    if local is None:
        return None
    try:
        return utc(local, zone)
    except ValueError:  # the clocks were put back or forward
        return None
