"""Who is in the class: a platform's list of people, taken into nbgrader's gradebook.

nbgrader keeps a student's id, names, e-mail address and number on the learning platform, so its own
formgrader shows them as well. Who a row of a list is follows from the id, the address or the number
as a whole; a part of a name says nothing.
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
from nbjudge.intake.platforms import IDS_BY_PLATFORM, is_fit, is_rounded
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

#: The headings of each part of a person, as `alike` has them, the first that is filled.
FIRST_NAMES = ("first_name", "first name", "first", "given name")
LAST_NAMES = ("last_name", "last name", "last", "surname", "family name")
WHOLE_NAMES = ("full name", "name")
EMAILS = ("email", "email address", "e-mail")
NUMBERS = ("lms_user_id",)
#: Columns of Canvas's export, and what its rows hold beside people.
CANVAS_NAME, CANVAS_NUMBER = "Student", "ID"
NO_PEOPLE = ("points possible", "student, test")
#: Columns that tell a person's id, of whatever platform.
ID_COLUMNS = tuple(dict.fromkeys(name for names in IDS_BY_PLATFORM.values() for name in names))
MAX_FIELD = 128
#: What a person is called in a sentence on what has changed.
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
        What it says; the id is that of the column that holds the course's ids.
    ids : frozenset of str
        Everything in the row that may be somebody's id, as `alike` has it.
    name : str
        The whole name, where the row does not part it.
    """

    person: Person
    ids: frozenset[str]
    name: str = ""

    @property
    def label(self) -> str:
        """The id, for a sentence."""
        return self.person.id or self.person.name or self.name


@dataclass(frozen=True)
class Roster:
    """What a file says of people: a row for each, and sentences on rows that cannot be used."""

    entries: tuple[RosterEntry, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """What became of a roster.

    Parameters
    ----------
    added : tuple of Person
    changed : tuple of (Person, Person)
        As the gradebook had them, and as it has them now.
    same : int
        How many were known so already.
    absent : tuple of Person
        Whom the gradebook knows and the roster does not: they stay.
    problems : tuple of str
        Sentences on rows that were left out.
    """

    added: tuple[Person, ...] = ()
    changed: tuple[tuple[Person, Person], ...] = ()
    same: int = 0
    absent: tuple[Person, ...] = ()
    problems: tuple[str, ...] = ()


def read_roster(sheet: Sheet, id_column: str = "") -> Roster:
    """Return the people of a table: plain (id, first, last, email), Moodle's or Canvas's.

    Parameters
    ----------
    sheet : Sheet
    id_column : str
        The column of the course's ids; by default the first that is filled of those by which
        `course collect` knows people.

    Raises
    ------
    CourseError
        If the table holds nobody, or no column of ids.
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
        # A plain table may write its headings as it likes.
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
        """Return what a row says, None if it is no person's."""
        if self._is_canvas:
            first, last = _part_name(self._cell(row, (alike(CANVAS_NAME),)))
            number = self._cell(row, (alike(CANVAS_NUMBER), *NUMBERS))
            if alike(f"{last}, {first}") in NO_PEOPLE or alike(last) in NO_PEOPLE:
                return None
            if not number:  # a row on the assignments
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
    """Return the first and the last name of Canvas's "Lovelace, Ada"."""
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
    """Return the entries, without those that say different things of one id, and sentences."""
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
    """Decide who each row of a roster is.

    Parameters
    ----------
    roster : Roster
    known : collection of Person
        Whom the gradebook knows.

    Returns
    -------
    found : mapping of str to RosterEntry
        By the id of somebody known.
    new : tuple of RosterEntry
        Of people whom the gradebook does not know.
    problems : tuple of str
        Sentences on rows that may be several people's.
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
    """Return who is known by what: by kind (id, address, number) and text."""
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
    """Return the ids of those whom a row may be about."""
    person = entry.person
    own = (("id", person.id), ("email", person.email), ("number", person.lms_user_id))
    found = {
        student for kind, text in own if text for student in by_key.get((kind, alike(text)), ())
    }
    # Whoever was graded without a roster has the platform's number, or an address, as the id.
    others = {*entry.ids, alike(person.email), alike(person.lms_user_id)} - {""}
    for student in {one for text in others for one in by_key.get(("id", text), ())}:
        # The same number may be another person's elsewhere.
        if not _contradict(person, by_id[student]):
            found.add(student)
    return found


def _contradict(one: Person, other: Person) -> bool:
    """Return whether two entries tell different addresses, or different numbers."""
    pairs = ((one.email, other.email), (one.lms_user_id, other.lms_user_id))
    return any(a and b and alike(a) != alike(b) for a, b in pairs)


def _shared_addresses(entries: Iterable[RosterEntry]) -> list[str]:
    by_address: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.person.email:
            by_address[alike(entry.person.email)].append(entry.person.id)
    return [student for group in by_address.values() if len(group) > 1 for student in group]


def _merge(person: Person, entry: RosterEntry) -> Person:
    """Return somebody as a roster has them: nothing that it leaves empty is lost."""
    told = {
        each.name: getattr(entry.person, each.name)
        for each in fields(Person)
        if each.name != "id" and getattr(entry.person, each.name)
    }
    # A name in one piece says nothing new of one whose parts are known.
    if entry.name and alike(person.name) == alike(entry.name):
        told.pop("last_name", None)
    elif entry.name:
        told["first_name"] = ""
    return replace(person, **told)


def import_roster(gradebook: Gradebook, roster: Roster) -> Imported:
    """Take a roster into a gradebook, all of it or nothing; nobody is ever removed.

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
