"""Find the student behind a platform's name or number, in a roster that the platform exported."""

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

#: Columns with the ids of students in the course; the first filled one is used.
IDS_BY_PLATFORM = {
    "Canvas": ("id", "SIS Login ID", "SIS User ID", "ID"),
    "Moodle": ("id", "Username", "ID number", "Email address"),
}
#: Columns in which a person's number or name is looked up.
CANVAS_NUMBERS = ("ID", "lms_user_id")
MOODLE_NUMBER = "Identifier"
MOODLE_TIME = "Last modified (submission)"
FULL_NAMES = (
    ("Full name",),
    ("First name", "Last name"),
    ("First name", "Surname"),
    ("first_name", "last_name"),
)
#: Columns with a person's groups; Moodle writes the group before the person's name.
GROUPS = ("Group", "Groups")
#: Characters that Moodle removes from a name in a file name.
UNFIT_FOR_FILES = re.compile(r"[&<>\"`'|:\\/~\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Owner:
    """The owner of a file: the student's id in the course, or a sentence on why it is unknown."""

    id: str = ""
    problem: str = ""
    #: When it was handed in, in UTC, if known.
    time: datetime | None = None
    #: The platform's text of that time, if it is ambiguous.
    doubtful_time: str = ""


class Directory:
    """Looks people up in a roster; without a roster, a student's id is the platform's number.

    Parameters
    ----------
    platform : str
        A key of `IDS_BY_PLATFORM`.
    roster : Sheet, optional
    id_column : str
        The column with the course's ids; by default the first filled one of `IDS_BY_PLATFORM`.
    zone : ZoneInfo, optional
        The time zone of times in the roster; by default this machine's.

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
            # "Participant 1234567", in any language.
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
        """Return the owner of a file."""
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
    """Return a person's full name, normalised as in Moodle's file names.

    Capitals, repeated spaces and the encoding of accents make no difference; accents do.

    >>> _identifying_name("O'Brien,  Ada") == _identifying_name("OBRIEN, ada")
    True
    >>> _identifying_name("José") == _identifying_name("Jose")
    False
    """
    name = UNFIT_FOR_FILES.sub("", unicodedata.normalize("NFC", name).replace("_", " "))
    return " ".join(name.lower().split())


def _with_groups(roster: Sheet, row: int, name: str) -> list[str]:
    """Return a name alone, and with each of the person's groups: "Group A-Ada Lovelace"."""
    groups = [group.strip() for column in GROUPS for group in roster.column(column)[row].split(",")]
    return [name, *(f"{group}-{name}" for group in groups if group and name.strip())]


def _utc(text: str, zone: ZoneInfo | None) -> datetime | None:
    """Return a time in Moodle's format in UTC; None if it is ambiguous or no time."""
    local = local_time(text)
    if local is None:
        return None
    try:
        return utc(local, zone)
    except ValueError:  # clocks were changed then: the time occurred twice, or never
        return None
