"""Import a learning platform's list of people into nbgrader's gradebook.

nbgrader stores a student's id, names, e-mail address and user number on the platform, and its own
formgrader shows them, too. A row is matched with a person by full id, address or number, and never
by name.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from nbgrader.api import Gradebook, Student

from nbjudge.basics.csv_files import Sheet, alike
from nbjudge.course.gradebook import people_of
from nbjudge.course.marks import Person
from nbjudge.exceptions import CourseError
from nbjudge.intake.platforms.who_is_who import IDS_BY_PLATFORM
from nbjudge.intake.student_ids import is_fit, is_rounded
from nbjudge.intake.submission import name_list, printable

__all__ = [
    "Imported",
    "Roster",
    "RosterEntry",
    "import_roster",
    "match",
    "people_of",
    "read_roster",
]

#: The headings for each part of a person, normalised by `alike`; the first filled column is used.
FIRST_NAMES = ("first_name", "first name", "first", "given name")
LAST_NAMES = ("last_name", "last name", "last", "surname", "family name")
WHOLE_NAMES = ("full name", "name")
EMAILS = ("email", "email address", "e-mail")
NUMBERS = ("lms_user_id",)
#: Columns of Canvas's export, and its rows that are no people.
CANVAS_NAME, CANVAS_NUMBER = "Student", "ID"
NO_PEOPLE = ("points possible", "student, test")
#: The columns with a person's id, on any platform.
ID_COLUMNS = tuple(dict.fromkeys(name for names in IDS_BY_PLATFORM.values() for name in names))
MAX_FIELD = 128
#: The parts of a person, and what messages call them.
PARTS_OF_PERSON = {
    "first_name": "first name",
    "last_name": "last name",
    "email": "e-mail",
    "lms_user_id": "number on the platform",
}


@dataclass(frozen=True)
class RosterEntry:
    """A row of a roster.

    Parameters
    ----------
    person : Person
        The person in the row; the id comes from the column with the course's ids.
    ids : frozenset of str
        Everything in the row that may be a person's id, normalised by `alike`.
    name : str
        The full name, if the row does not divide it into first and last name.
    """

    person: Person
    ids: frozenset[str]
    name: str = ""

    @property
    def label(self) -> str:
        """The id or, if there is none, the name, for messages."""
        return self.person.id or self.person.name or self.name


@dataclass(frozen=True)
class Roster:
    """The entries of a roster file, and sentences about rows that cannot be used."""

    entries: tuple[RosterEntry, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """The result of importing a roster.

    Parameters
    ----------
    added : tuple of Person
    changed : tuple of (Person, Person)
        Each person before and after.
    same : int
        How many people were in the gradebook already, and unchanged.
    absent : tuple of Person
        People in the gradebook who are not on the roster; they stay.
    problems : tuple of str
        Sentences about rows that were left out.
    """

    added: tuple[Person, ...] = ()
    changed: tuple[tuple[Person, Person], ...] = ()
    same: int = 0
    absent: tuple[Person, ...] = ()
    problems: tuple[str, ...] = ()


def read_roster(sheet: Sheet, id_column: str = "") -> Roster:
    """Return the people in a table: a plain one (id, first, last, email), Moodle's or Canvas's.

    Parameters
    ----------
    sheet : Sheet
    id_column : str
        The column with the course's ids; by default the first filled one of those that
        `course collect` uses.

    Raises
    ------
    CourseError
        If the table has no people, or no column of ids.
    """
    if not sheet.rows:
        message = f"{sheet.name} holds a header and nobody below it. Export it again."
        raise CourseError(message)
    column = sheet.require_one(id_column or _id_column(sheet))
    read = _RowReader(sheet, column)
    entries: list[RosterEntry] = []
    problems: list[str] = []
    nameless = 0
    for row in range(len(sheet.rows)):
        entry = read.entry(row)
        if entry is None:
            continue
        if not entry.person.id:
            nameless += 1
        elif why := _why_unfit(entry.person):
            problems.append(f"The row of '{printable(entry.label)}' was left out: {why}.")
        else:
            entries.append(entry)
    if nameless:
        rows = "1 row was" if nameless == 1 else f"{nameless} rows were"
        problems.append(f"{rows} left out: the column '{column}' is empty there.")
    if not entries and not problems:
        message = f"{sheet.name} holds nobody. Export it again, with the students of the course."
        raise CourseError(message)
    kept, twice = _without_duplicates(entries)
    return Roster(tuple(kept), (*problems, *twice))


def _id_column(sheet: Sheet) -> str:
    platform = "Canvas" if sheet.has(CANVAS_NAME, CANVAS_NUMBER) else "Moodle"
    if platform == "Canvas":
        column = sheet.first_of(IDS_BY_PLATFORM["Canvas"])
    else:
        # Headings of a plain table are compared without regard to capitals and spaces.
        named = {alike(name): name for name in sheet.header}
        wanted = (named.get(alike(name)) for name in IDS_BY_PLATFORM["Moodle"])
        column = sheet.first_of(name for name in wanted if name)
    if column is None:
        message = (
            f"{sheet.name} does not tell who is who: it has none of the columns "
            f"{', '.join(ID_COLUMNS)}, or nothing in them. It has: {', '.join(sheet.header)}. "
            "Export it again, in English, or name a column with --id-column."
        )
        raise CourseError(message)
    return column


class _RowReader:
    """Reads the rows of a table."""

    def __init__(self, sheet: Sheet, id_column: str) -> None:
        self._named = {alike(name): sheet.column(name) for name in sheet.header}
        self._ids = sheet.column(id_column)
        others = (alike(name) for name in ID_COLUMNS)
        self._others = [self._named[name] for name in others if name in self._named]
        self._is_canvas = sheet.has(CANVAS_NAME, CANVAS_NUMBER)

    def entry(self, row: int) -> RosterEntry | None:
        """Return the entry of a row; None if the row is no person."""
        if self._is_canvas:
            first, last = _part_name(self._cell(row, (alike(CANVAS_NAME),)))
            number = self._cell(row, (alike(CANVAS_NUMBER), *NUMBERS))
            if alike(f"{last}, {first}") in NO_PEOPLE or alike(last) in NO_PEOPLE:
                return None
            if not number:  # a row about the assignments
                return None
            whole = ""
        else:
            first, last = self._cell(row, FIRST_NAMES), self._cell(row, LAST_NAMES)
            whole = "" if first or last else self._cell(row, WHOLE_NAMES)
            number = self._cell(row, NUMBERS)
        person = Person(
            id=_clean(self._ids[row]),
            first_name=first,
            last_name=last or whole,
            email=self._cell(row, EMAILS),
            lms_user_id=number,
        )
        ids = (alike(person.id), *(alike(column[row]) for column in self._others))
        return RosterEntry(person, frozenset(filter(None, ids)), whole)

    def _cell(self, row: int, headings: Iterable[str]) -> str:
        cells = (_clean(self._named[name][row]) for name in headings if name in self._named)
        return next(filter(None, cells), "")


def _clean(cell: str) -> str:
    return " ".join(unicodedata.normalize("NFC", cell).split())


def _part_name(name: str) -> tuple[str, str]:
    """Split Canvas's "Lovelace, Ada" into first and last name."""
    last, _, first = name.partition(",")
    return first.strip(), last.strip()


def _why_unfit(person: Person) -> str | None:
    if not is_fit(person.id):
        return "this cannot be a student's id"
    if is_rounded(person.id):
        return "this is a number that a spreadsheet has rounded; have its column hold text"
    for name in PARTS_OF_PERSON:
        text = getattr(person, name)
        if len(text) > MAX_FIELD or not text.isprintable():
            part = PARTS_OF_PERSON[name]
            return f"its {part} is longer than {MAX_FIELD} characters, or no plain text"
    return None


def _without_duplicates(entries: Sequence[RosterEntry]) -> tuple[list[RosterEntry], list[str]]:
    """Return the entries whose rows for one id agree, and sentences about the others."""
    by_id: dict[str, list[RosterEntry]] = defaultdict(list)
    for entry in entries:
        by_id[alike(entry.person.id)].append(entry)
    kept = [group[0] for group in by_id.values() if all(one == group[0] for one in group)]
    twice = [group[0].person.id for group in by_id.values() if group[0] not in kept]
    if not twice:
        return kept, []
    return kept, [f"Left out, as there are rows that differ for one id: {name_list(twice)}."]


def match(
    roster: Roster, known: Collection[Person]
) -> tuple[Mapping[str, RosterEntry], tuple[RosterEntry, ...], tuple[str, ...]]:
    """Match the rows of a roster with the people in the gradebook.

    Parameters
    ----------
    roster : Roster
    known : collection of Person
        The people in the gradebook.

    Returns
    -------
    found : mapping of str to RosterEntry
        Matched rows, by the person's id in the gradebook.
    new : tuple of RosterEntry
        Rows of people who are not in the gradebook.
    problems : tuple of str
        Sentences about rows that match several people.
    """
    by_key = _keys(known)
    by_id = {person.id: person for person in known}
    claims: dict[str, list[RosterEntry]] = defaultdict(list)
    new: list[RosterEntry] = []
    problems = list(roster.problems)
    for entry in roster.entries:
        candidates = _candidates(entry, by_key, by_id)
        if len(candidates) > 1:
            problems.append(
                f"The row of '{printable(entry.label)}' was left out: by its id, address or "
                f"number it is more than one person's, {name_list(sorted(candidates))}."
            )
        elif candidates:
            claims[candidates.pop()].append(entry)
        else:
            new.append(entry)
    found = {}
    for student, entries in claims.items():
        if len(entries) == 1:
            found[student] = entries[0]
        else:
            rows = name_list(entry.label for entry in entries)
            problems.append(f"Left out: the rows of {rows} are all '{printable(student)}'.")
    shared = _shared_addresses(new)
    if shared:
        problems.append(f"Left out, as they have one e-mail address: {name_list(shared)}.")
    left = tuple(entry for entry in new if entry.person.id not in shared)
    return found, left, tuple(problems)


def _keys(known: Iterable[Person]) -> Mapping[tuple[str, str], set[str]]:
    """Return the ids of people by the kind (id, address or number) and text of each key."""
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for person in known:
        told = (("id", person.id), ("email", person.email), ("number", person.lms_user_id))
        for kind, text in told:
            if text.strip():
                keys[kind, alike(text)].add(person.id)
    return keys


def _candidates(
    entry: RosterEntry, by_key: Mapping[tuple[str, str], set[str]], by_id: Mapping[str, Person]
) -> set[str]:
    """Return the ids of the people whom a row may mean."""
    person = entry.person
    own = (("id", person.id), ("email", person.email), ("number", person.lms_user_id))
    found = {
        student for kind, text in own if text for student in by_key.get((kind, alike(text)), ())
    }
    # Students who were graded without a roster have the platform's number, or an address, as id.
    others = {*entry.ids, alike(person.email), alike(person.lms_user_id)} - {""}
    for student in {one for text in others for one in by_key.get(("id", text), ())}:
        # Another person may have the same number in another numbering.
        if not _contradict(person, by_id[student]):
            found.add(student)
    return found


def _contradict(one: Person, other: Person) -> bool:
    """Return whether two people have different addresses, or different numbers."""
    pairs = ((one.email, other.email), (one.lms_user_id, other.lms_user_id))
    return any(a and b and alike(a) != alike(b) for a, b in pairs)


def _shared_addresses(entries: Iterable[RosterEntry]) -> list[str]:
    by_address: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.person.email:
            by_address[alike(entry.person.email)].append(entry.person.id)
    return [student for group in by_address.values() if len(group) > 1 for student in group]


def _merge(person: Person, entry: RosterEntry) -> Person:
    """Return a person updated from a roster; what the roster leaves empty is kept."""
    told = {
        each.name: getattr(entry.person, each.name)
        for each in fields(Person)
        if each.name != "id" and getattr(entry.person, each.name)
    }
    # If the undivided name is the known one, keep the known first and last name.
    if entry.name and alike(person.name) == alike(entry.name):
        told.pop("last_name", None)
    elif entry.name:
        told["first_name"] = ""
    return replace(person, **told)


def import_roster(gradebook: Gradebook, roster: Roster) -> Imported:
    """Import a roster into a gradebook, in one transaction; nobody is ever removed.

    A second call with the same roster changes nothing.
    """
    known = {person.id: person for person in people_of(gradebook)}
    found, new, problems = match(roster, known.values())
    after = {student: _merge(known[student], entry) for student, entry in found.items()}
    changed = tuple(
        (known[student], person) for student, person in after.items() if person != known[student]
    )
    added = tuple(entry.person for entry in new)
    for person in (*added, *(now for _, now in changed)):
        student = gradebook.db.get(Student, person.id)
        if student is None:
            student = Student(id=person.id)
            gradebook.db.add(student)
        for name in PARTS_OF_PERSON:
            setattr(student, name, getattr(person, name) or None)
    gradebook.db.commit()
    return Imported(
        added=added,
        changed=changed,
        same=len(after) - len(changed),
        absent=tuple(
            sorted(
                (person for student, person in known.items() if student not in found),
                key=lambda person: person.order,
            )
        ),
        problems=problems,
    )
