"""Submissions from a learning platform: whose each file is, by the names that platforms give them.

The collectors are plugins of `nbgrader zip_collect`. What they decide is computed by functions that
see names alone.
"""

from __future__ import annotations

import filecmp
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks
from traitlets import Unicode

from nbjudge.basics import csv_files
from nbjudge.basics.csv_files import Sheet, alike
from nbjudge.exceptions import CourseError
from nbjudge.intake.submission import name_list, printable
from nbjudge.intake.timestamps import local_time, utc
from nbjudge.intake.unpack import is_visible

__all__ = [
    "CanvasCollector",
    "Found",
    "MoodleCollector",
    "Owner",
    "PlatformFormat",
    "Sorted",
    "is_fit",
    "is_rounded",
    "sort_out",
]

MOODLE = re.compile(
    r"(?P<name>[^_]*)_(?P<id>[0-9]+)_assignsubmission_file(?:_(?P<file>.*))?", re.DOTALL
)
CANVAS = re.compile(r"_(?:(?P<late>LATE)_)?(?P<id>[0-9]+)_(?P<order>[0-9]+)_")
#: What Canvas puts before the suffix of a file that was handed in again: before the first dot from
#: which on all suffixes begin with a letter, or, in its earlier versions, before the last one.
TIMES_DOWNLOADED = r"-(?P<times>[1-9][0-9]*)"

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
MAX_ID_BYTES = 100


@dataclass(frozen=True)
class Found:
    """What a platform's name for a file or folder tells.

    Parameters
    ----------
    number : str
        The platform's own of the person, or in Moodle of the person in this assignment.
    name : str
        Of the person, as far as the platform keeps it.
    file : str
        As the student called it; empty if it is a folder.
    order : int
        Later files have higher ones, where the platform tells.
    late : bool
        Whether the platform calls it late.
    """

    number: str
    name: str
    file: str = ""
    order: int = 0
    late: bool = False


@dataclass(frozen=True)
class Owner:
    """Who handed in: the student's id in the course, or a sentence on why that is not known."""

    id: str = ""
    problem: str = ""
    #: When it was handed in, in UTC, if that is known.
    time: datetime | None = None
    #: What the platform says of it, if that can be read in several ways.
    doubtful_time: str = ""


@dataclass(frozen=True)
class Taken:
    """A notebook to collect: whose, under which name, and when it was handed in."""

    student: str
    file: str
    time: datetime | None = None


@dataclass(frozen=True)
class Sorted:
    """What is collected, by path, and sentences.

    Parameters
    ----------
    taken : mapping of path to Taken
    left_out : tuple of str
        On what was to be collected, and is not.
    remarks : tuple of str
        On what is good to know.
    """

    taken: Mapping[PurePosixPath, Taken]
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def moodle_name(text: str, _: Collection[str] = ()) -> Found | None:
    """Read a name of Moodle's "Download all submissions", if it is one.

    >>> moodle_name("Ada Lovelace_1234567_assignsubmission_file_sums.ipynb")
    Found(number='1234567', name='Ada Lovelace', file='sums.ipynb', order=0, late=False)
    """
    match = MOODLE.fullmatch(text)
    return match and Found(match["id"], match["name"], match["file"] or "")


def canvas_name(text: str, known: Collection[str] = ()) -> Found | None:
    """Read a name of Canvas's "Download Submissions", if it is one and can be read in one way.

    Parameters
    ----------
    text : str
    known : collection of str
        Names of the course's, without suffixes: numbers in them are not Canvas's.

    >>> canvas_name("lovelaceada_LATE_12345_678_sums-1.ipynb")
    Found(number='12345', name='lovelaceada', file='sums-1.ipynb', order=678, late=True)
    >>> canvas_name("lovelaceada_12345_678_unit_1_2.ipynb", ["unit_1_2"]).file
    'unit_1_2.ipynb'

    Both names in it are the student's to choose, who could put another's number there:

    >>> canvas_name("eve_1_2_99999_680_sums.ipynb")
    """
    masked = _without_numbers(text, known)
    # Every place where two numbers could be Canvas's; they may share an underscore.
    starts = [match.start() for match in re.finditer(rf"(?={CANVAS.pattern})", masked)]
    # LATE and the numbers behind it are one place, seen twice.
    places = [start for start in starts if not text[:start].endswith("_LATE")]
    match = CANVAS.match(text, places[0]) if len(places) == 1 else None
    # In anonymous grading Canvas tells a code instead of a name and a number.
    if match is None or not match.start() or text.startswith("anon_"):
        return None
    return Found(
        number=match["id"],
        name=text[: match.start()],
        file=text[match.end() :],
        order=int(match["order"]),
        late=bool(match["late"]),
    )


def _without_numbers(text: str, known: Collection[str]) -> str:
    """Return a text of the same length in which the digits of known names are letters."""
    for name in sorted(known, key=len, reverse=True):
        whole = rf"(?<=_){re.escape(name)}(?![^\W_])"
        text = re.sub(whole, lambda found: re.sub(r"[0-9]", "x", found[0]), text)
    return text


@dataclass(frozen=True)
class PlatformFormat:
    """A learning platform.

    Parameters
    ----------
    name : str
    looks_like : pattern
        Is found in whatever the platform gives a name to, readable or not.
    read : callable
        Reads such a name, given names that the course knows.
    """

    name: str
    looks_like: re.Pattern[str]
    read: Callable[[str, Collection[str]], Found | None]

    def part(self, path: PurePosixPath) -> str:
        """Return the part of a path that the platform named: the first below the archive's own.

        What is further below, a student named, perhaps like somebody else's.
        """
        is_loose = len(path.parts) == 1 or self.looks_like.search(path.parts[0])
        return path.parts[0 if is_loose else 1]


PLATFORM_MOODLE = PlatformFormat("Moodle", re.compile(r"_\d+_assignsubmission_"), moodle_name)
PLATFORM_CANVAS = PlatformFormat("Canvas", re.compile(r"_\d+_\d+_|^anon_"), canvas_name)


def sort_out(
    files: Mapping[PurePosixPath, float],
    expected: Collection[str],
    platform: PlatformFormat,
    owner: Callable[[Found], Owner],
    *,
    assignment: str = "",
) -> Sorted:
    """Decide which files are whose notebooks.

    Of several files for one notebook the latest is taken, as far as the platform, or the archive in
    which they were handed in, tells which that is.

    Parameters
    ----------
    files : mapping of path to float
        What was unpacked, and when it was changed last.
    expected : collection of str
        The names of the assignment's notebooks, "sums.ipynb".
    platform : PlatformFormat
    owner : callable
        Returns whose something is.
    assignment : str
        Its name, which a student's archive may have.
    """
    sorting = _Sorting(expected, platform, owner, assignment)
    for path, changed in sorted(files.items()):
        if all(map(is_visible, path.parts)):
            sorting.look_at(path, changed)
    return sorting.finish()


class _Sorting:
    def __init__(
        self,
        expected: Collection[str],
        platform: PlatformFormat,
        owner: Callable[[Found], Owner],
        assignment: str,
    ) -> None:
        self._expected = expected
        self._platform = platform
        self._ask = owner
        stems = {PurePosixPath(name).name.removesuffix(".ipynb") for name in expected}
        self._known = stems | ({assignment} if assignment else set())
        self._owners: dict[tuple[str, str], Owner] = {}
        self._late: list[str] = []
        self._strangers: list[str] = []
        #: What is no notebook, by student.
        self._others: dict[str, list[str]] = {}
        #: Notebooks by student: where each is, how it is called there, and how late in the order.
        self._offers: dict[str, list[_Offer]] = {}

    def look_at(self, path: PurePosixPath, changed: float) -> None:
        part = self._platform.part(path)
        found = self._platform.read(part, self._known)
        if found is None:
            self._strangers.append(part)
            return
        who = self._owner(found)
        if who.problem:
            return
        file = path.name if len(path.parts) > path.parts.index(part) + 1 else found.file
        if found.late and who.id not in self._late:
            self._late.append(who.id)
        if file.lower().endswith(".ipynb"):
            self._offers.setdefault(who.id, []).append(_Offer(path, file, found.order, changed))
        else:
            self._others.setdefault(who.id, []).append(file)

    def _owner(self, found: Found) -> Owner:
        person = (found.number, found.name)
        if person not in self._owners:
            self._owners[person] = self._ask(found)
        return self._owners[person]

    def finish(self) -> Sorted:
        owners = self._owners.values()
        left_out = [who.problem for who in owners if who.problem]
        remarks: list[str] = []
        times = {who.id: who.time for who in owners}
        taken = {}
        for student, offers in self._offers.items():
            by_name, unclear = _by_name(offers, self._expected)
            for file, names in unclear.items():
                left_out.append(
                    f"{printable(student)}: '{printable(file)}' may be {' or '.join(names)}, "
                    "handed in again, so it was left out. Ask which it is."
                )
            for name, several in by_name.items():
                *before, (rank, path) = sorted(several)
                if any(other == rank for other, _ in before):
                    left_out.append(
                        f"{printable(student)}: which is the later '{printable(name)}' cannot be "
                        f"told, so none was taken of {name_list(str(path) for _, path in several)}."
                    )
                    continue
                if before:
                    remarks.append(
                        f"{printable(student)}: of {len(several)} files for '{printable(name)}' "
                        f"the latest was taken, '{printable(path.name)}'."
                    )
                taken[path] = Taken(student, name, times[student])
        for student, files in self._others.items():
            if student not in self._offers:
                left_out.append(
                    f"{printable(student)}: there is no notebook, but {name_list(files)}. "
                    "Ask for it."
                )
        name = self._platform.name
        if self._strangers:
            left_out.append(
                f"Left out, as {name} gives no such names, or they can be read in two ways: "
                f"{name_list(dict.fromkeys(self._strangers))}."
            )
        if self._late:
            remarks.append(f"{name} calls late, and does not say when: {name_list(self._late)}.")
        collected = {found.student for found in taken.values()}
        doubtful = {who.id: who.doubtful_time for who in owners if who.id in collected}
        if unread := {student: text for student, text in doubtful.items() if text}:
            remarks.append(
                f"When these handed in cannot be read in one way, so no time is kept of "
                f"{name_list(unread)}: {name_list(dict.fromkeys(unread.values()))}. "
                f"Have {name} export in English, or write timestamp.txt."
            )
        return Sorted(taken, tuple(left_out), tuple(remarks))


@dataclass(frozen=True)
class _Offer:
    """A notebook that somebody handed in."""

    path: PurePosixPath
    file: str
    order: int
    changed: float


#: How late in the order a file is, and where.
_Ranked = tuple[tuple[float, ...], PurePosixPath]


def _by_name(
    offers: Collection[_Offer], expected: Collection[str]
) -> tuple[dict[str, list[_Ranked]], dict[str, list[str]]]:
    """Return a student's notebooks by the names they stand for, and files that may be several."""
    readings = [(offer, _readings(offer.file, expected)) for offer in offers]
    certain = {name for _, found in readings if len(found) == 1 for name in found}
    by_name: dict[str, list[_Ranked]] = {}
    unclear: dict[str, list[str]] = {}
    for offer, found in readings:
        # Beside "hw.ipynb" itself, "hw-1.ipynb" is the notebook of that name.
        if len(found) > 1 and offer.file in found and found.keys() - {offer.file} <= certain:
            found = {offer.file: 0}
        if len(found) > 1:
            unclear[offer.file] = [f"'{name}'" for name in found]
            continue
        for name, times in found.items():
            rank = (offer.order, times, offer.changed)
            by_name.setdefault(name, []).append((rank, offer.path))
    return by_name, unclear


def _readings(file: str, expected: Collection[str]) -> dict[str, int]:
    """Return which notebooks a file may be, each with how often it came again: by Canvas's -1."""
    found = {file: 0} if file in expected else {}
    for name in expected:
        for dot in (match.start() for match in re.finditer(r"\.", name)):
            again = re.escape(name[:dot]) + TIMES_DOWNLOADED + re.escape(name[dot:])
            if match := re.fullmatch(again, file):
                found[name] = int(match["times"])
    return found or {file: 0}


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


def is_fit(student: str) -> bool:
    """Return whether an id can be a folder's name, here and for nbgrader."""
    return (
        student.isprintable()
        and not set(student) & set("/\\")
        and not student.startswith(".")
        and 0 < len(student.encode()) <= MAX_ID_BYTES
        and fnmatchcase(student, student)
    )


def is_rounded(student: str) -> bool:
    """Return whether an id is a number of which a spreadsheet has kept the first digits alone.

    >>> is_rounded("1.23457E+11"), is_rounded("1234567"), is_rounded("e2e")
    (True, False, False)
    """
    return re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+", student) is not None


def _utc(text: str, zone: ZoneInfo | None) -> datetime | None:
    """Read a time as Moodle writes it; None if it can be read otherwise, or is none."""
    local = local_time(text)
    if local is None:
        return None
    try:
        return utc(local, zone)
    except ValueError:  # the clocks were put back or forward
        return None


class _Collector(FileNameCollectorPlugin):  # type: ignore[misc]  # nbgrader has no types
    """What the collectors share: settings, and the files that were unpacked."""

    roster = Unicode(
        "", help="A CSV file that says who is who; without it, ids are the platform's own."
    ).tag(config=True)

    id_column = Unicode(
        "", help="The column of the roster that holds the ids of students in this course."
    ).tag(config=True)

    timezone = Unicode(
        "",
        help=(
            "The time zone of times in the roster, 'Europe/London' for example; by default that of "
            "this machine."
        ),
    ).tag(config=True)

    platform: PlatformFormat

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        #: Sentences on what was to be collected and is not, and on what is good to know.
        self.left_out: list[str] = []
        self.remarks: list[str] = []
        #: The notebooks that were collected, by student.
        self.collected: dict[str, list[str]] = {}
        self._taken: Mapping[PurePosixPath, Taken] | None = None

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Say whose a file is and which notebook, or nothing if it is not to be collected."""
        root = self._root()
        try:
            if self._taken is None:
                self._taken = self._sort(root)
        except CourseError as error:
            self.log.error("%s", error)
            raise SystemExit(1) from error
        path = Path(submitted_file).relative_to(root)
        taken = self._taken.get(PurePosixPath(path.as_posix()))
        if taken is None:
            return None
        self.collected.setdefault(taken.student, []).append(taken.file)
        told = {"student_id": taken.student, "file_id": taken.file}
        return told if taken.time is None else {**told, "timestamp": taken.time.isoformat(" ")}

    def _root(self) -> Path:
        """Return the folder in which nbgrader has everything unpacked."""
        app = self.parent
        structure = Path(app.coursedir.root, app.collect_directory_structure)
        return Path(
            str(structure).format(
                downloaded=app.downloaded_directory,
                assignment_id=app.coursedir.assignment_id,
                collect_step=app.extracted_directory,
            )
        )

    def _sort(self, root: Path) -> Mapping[PurePosixPath, Taken]:
        zone = self._zone()
        roster = csv_files.read_csv(Path(self.roster)) if self.roster else None
        directory = Directory(self.platform.name, roster, self.id_column, zone)
        files = {
            PurePosixPath(path.relative_to(root).as_posix()): path.stat().st_mtime
            for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()
        }
        course = self.parent.coursedir
        released = course.format_path(course.release_directory, ".", course.assignment_id)
        found = sort_out(
            files,
            find_all_notebooks(released),
            self.platform,
            directory.owner,
            assignment=course.assignment_id,
        )
        for sentence in found.left_out:
            self.left_out.append(sentence)
            self.log.warning("%s", sentence)
        for remark in found.remarks:
            self._tell(remark)
        return found.taken if self.parent.force else self._new(root, found.taken)

    def _zone(self) -> ZoneInfo | None:
        try:
            return ZoneInfo(self.timezone) if self.timezone else None
        except (ValueError, OSError, KeyError) as error:
            message = f"There is no time zone '{self.timezone}'. Give one such as 'Europe/London'."
            raise CourseError(message) from error

    def _new(
        self, root: Path, taken: Mapping[PurePosixPath, Taken]
    ) -> Mapping[PurePosixPath, Taken]:
        """Return what is of students who have handed in nothing yet: nbgrader stops at others."""
        course = self.parent.coursedir
        kept: dict[str, bool] = {}
        for path, found in taken.items():
            folder = Path(
                course.format_path(course.submitted_directory, found.student, course.assignment_id)
            )
            if folder.is_dir() and any(folder.iterdir()):
                is_same = _is_same_file(root / path, folder / found.file)
                kept[found.student] = kept.get(found.student, True) and is_same
        if same := [student for student, is_same in kept.items() if is_same]:
            self._tell(f"Collected before, and unchanged: {name_list(same)}.")
        if other := [student for student, is_same in kept.items() if not is_same]:
            self._tell(
                f"Kept, since something else was collected before: {name_list(other)}. "
                "With --force the new takes its place."
            )
        return {path: found for path, found in taken.items() if found.student not in kept}

    def _tell(self, remark: str) -> None:
        self.remarks.append(remark)
        self.log.warning("%s", remark)


def _is_same_file(one: Path, other: Path) -> bool:
    return other.is_file() and not other.is_symlink() and filecmp.cmp(one, other, shallow=False)


class MoodleCollector(_Collector):
    """Collects what Moodle's "Download all submissions" gives, in folders or not."""

    platform = PLATFORM_MOODLE


class CanvasCollector(_Collector):
    """Collects what Canvas's "Download Submissions" gives."""

    platform = PLATFORM_CANVAS


#: The plugins, by the name that `course collect --from` knows.
COLLECTORS: Mapping[str, type[_Collector]] = {"moodle": MoodleCollector, "canvas": CanvasCollector}
