"""Marks for other programs: plugins of `nbgrader export` for Canvas, Moodle, and data analysis.

What a file holds is computed by functions without any file or database; the plugins, at the end,
read and write.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Dict, Enum, Unicode

from nbjudge.basics import csv_files
from nbjudge.basics.csv_files import Sheet, alike, guarded, number
from nbjudge.course.course import Course
from nbjudge.course.gradebook import opened
from nbjudge.exceptions import CourseError
from nbjudge.export.standings import Assignment, Book, Mark, Person, book
from nbjudge.intake.submission import named

__all__ = ["CanvasExport", "Choices", "Exported", "MoodleExport", "TidyExport", "Written", "export"]

#: What Canvas has before the assignments, and wants back in this order.
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

#: The heading of Moodle's column, by the value of `identify_by`.
MOODLE_COLUMN = {"email": "Email address", "id": "ID number"}
MOODLE_WORD = {"email": "email address", "id": "ID number"}
MOODLE_KEYS = ("Username", "ID number", "Email address")

TIDY = (
    "student",
    "assignment",
    "notebook",
    "exercise",
    "points",
    "max_points",
    "auto",
    "manual",
    "extra_credit",
    "late_penalty",
    "needs_person",
    "handed_in",
)


@dataclass(frozen=True)
class Choices:
    """What an instructor chooses.

    Parameters
    ----------
    only_final : bool
        Whether to leave out marks of which a person still has to give a part.
    missing : str
        What who handed in nothing gets: "empty" leaves what the platform has, "zero" is a mark.
    columns : mapping of str to str
        The platform's name of an assignment, where it is another than the course's.
    """

    only_final: bool = False
    missing: str = "empty"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """A table to write, and sentences on what is not in it or not final."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """What became of an export."""

    path: Path
    rows: int
    remarks: tuple[str, ...] = ()


def cell(assignment: Assignment, student: str, choices: Choices) -> str:
    """Return what stands for a student's mark."""
    mark = assignment.marks.get(student)
    if mark is None:
        return "0" if choices.missing == "zero" else ""
    return "" if mark.waiting and choices.only_final else number(mark.score)


def told(marks: Book, choices: Choices, exported: Iterable[str]) -> Iterator[str]:
    """Yield sentences on the marks that are not final, and on those that there are not."""
    students = sorted(exported)
    for assignment in marks.assignments:
        waiting = [name for name in students if _waits(assignment.marks.get(name))]
        if waiting:
            done = "is left empty" if choices.only_final else "is not final"
            whose = f"the mark of {named(waiting)} {done}"
            yield f"{assignment.name}: {whose}, since a person has yet to read a part of it."
        missing = [name for name in students if name not in assignment.marks]
        if missing:
            done = "gets 0" if choices.missing == "zero" else "is left empty"
            yield f"{assignment.name}: nothing is graded of {named(missing)}, which {done}."


def _waits(mark: Mark | None) -> bool:
    return mark is not None and mark.waiting


def canvas(marks: Book, roster: Sheet | None, choices: Choices) -> Exported:
    """Return what Canvas imports as a gradebook.

    Parameters
    ----------
    marks : Book
    roster : Sheet, optional
        The gradebook that Canvas exported: its rows stay in order, those of no student included.
        Without it, rows are made of what nbgrader knows of its students.
    choices : Choices

    Raises
    ------
    CourseError
        If `roster` is no gradebook of Canvas's, or has several columns for one assignment.
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
    found, remarks = _matched(marks.people, roster, CANVAS_KEYS, students)
    people = [name for name in roster.header if name in CANVAS_PEOPLE]
    rows = []
    strangers = []
    for row, record in enumerate(records):
        name = record["Student"].strip()
        # What Canvas knows somebody by must come back as it was.
        who = [record[part] if part in CANVAS_KEYS else guarded(record[part]) for part in people]
        if row in found:
            rest = [cell(assignment, found[row], choices) for assignment in marks.assignments]
        elif row in students and name != CANVAS_TEST_STUDENT:
            strangers.append(name)
            rest = [cell(assignment, "", choices) for assignment in marks.assignments]
        elif name == CANVAS_POINTS:
            rest = [
                record.get(columns[assignment.name], number(assignment.max_score))
                for assignment in marks.assignments
            ]
            remarks += _other_points(marks.assignments, columns, record)
        else:
            rest = [
                record.get(column, "") if row not in students else "" for column in columns.values()
            ]
        rows.append((*who, *rest))
    new = [name for name, column in columns.items() if column not in roster.header]
    if new:
        remarks.append(
            f"{roster.name} has no column for {named(new)}: Canvas will ask about a new one."
        )
    if strangers:
        done = "get 0" if choices.missing == "zero" else "are left empty"
        remarks.append(
            f"The gradebook does not know {named(strangers)} of {roster.name}: they {done}."
        )
    remarks += told(marks, choices, found.values())
    return Exported((*people, *columns.values()), tuple(rows), tuple(remarks))


def _canvas_anew(marks: Book, choices: Choices) -> Exported:
    names = [choices.columns.get(found.name, found.name) for found in marks.assignments]
    points = [number(found.max_score) for found in marks.assignments]
    rows = [(f"    {CANVAS_POINTS}", "", "", "", "", *points)]
    for person in marks.people:
        name = ", ".join(part for part in (person.last_name, person.first_name) if part)
        who = (guarded(name or person.id), person.lms_user_id, "", person.id, "")
        rows.append((*who, *(cell(found, person.id, choices) for found in marks.assignments)))
    ids = [person.id for person in marks.people]
    return Exported((*CANVAS_REQUIRED, *names), tuple(rows), tuple(told(marks, choices, ids)))


def _canvas_column(assignment: str, roster: Sheet, choices: Choices) -> str:
    if assignment in choices.columns:
        return roster.require(choices.columns[assignment])
    named_so = [
        column
        for column in roster.header
        if _plain(column.rpartition(" (")[0] or column) == _plain(assignment)
        and column not in CANVAS_PEOPLE
    ]
    if len(named_so) > 1:
        message = (
            f"{roster.name} has {len(named_so)} columns for '{assignment}': {', '.join(named_so)}. "
            "Say which in nbgrader_config.py, with c.CanvasExport.columns."
        )
        raise CourseError(message)
    return named_so[0] if named_so else assignment


def _plain(name: str) -> str:
    return alike(name.replace("_", " ").replace("-", " "))


def _other_points(
    assignments: Iterable[Assignment], columns: Mapping[str, str], record: Mapping[str, str]
) -> Iterator[str]:
    for assignment in assignments:
        column = columns[assignment.name]
        there = record.get(column, "").strip()
        try:
            differs = bool(there) and float(there) != assignment.max_score
        except ValueError:  # "(read only)", say
            differs = False
        if differs:
            yield (
                f"Canvas has {there} points for '{column}', and here it is "
                f"{number(assignment.max_score)}: marks are exported as they are."
            )


def _matched(
    people: Iterable[Person], roster: Sheet, keys: Sequence[str], rows: Collection[int]
) -> tuple[dict[int, str], list[str]]:
    """Return whose row each is, by the columns `keys`, the first that fits; and sentences."""
    by_key = {
        key: _positions((name, row) for row, name in enumerate(roster.column(key)) if row in rows)
        for key in keys
    }
    found: dict[int, str] = {}
    remarks: list[str] = []
    absent: list[str] = []
    doubtful: dict[int, list[str]] = {}
    for person in people:
        fitting = [by_key[key].get(alike(person.id), []) for key in keys]
        if person.lms_user_id and "ID" in by_key:
            fitting.insert(0, by_key["ID"].get(alike(person.lms_user_id), []))
        candidates = next((rows for rows in fitting if rows), [])
        if len(candidates) > 1:
            remarks.append(
                f"{roster.name} has {len(candidates)} rows for {named([person.id])}: "
                "none got the marks."
            )
        elif candidates:
            doubtful.setdefault(candidates[0], []).append(person.id)
        else:
            absent.append(person.id)
    if absent:
        remarks.append(
            f"{roster.name} has no row for {named(absent)}: "
            "their marks stay in the gradebook, and are not in this file."
        )
    for row, names in doubtful.items():
        if len(names) > 1:
            remarks.append(f"{named(names)} are one row of {roster.name}: it got no marks.")
        else:
            found[row] = names[0]
    return found, remarks


def _positions(names: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, row in names:
        if name.strip():
            found.setdefault(alike(name), []).append(row)
    return found


def moodle(marks: Book, roster: Sheet | None, identify_by: str, choices: Choices) -> Exported:
    """Return what Moodle imports as grades.

    Parameters
    ----------
    marks : Book
    roster : Sheet, optional
        What Moodle exported of its participants: tells addresses and numbers of students.
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
            person.id: _address(person) if identify_by == "email" else person.id
            for person in marks.people
        }
    else:
        addresses = roster.column(roster.require(heading))
        found, remarks = _matched(marks.people, roster, MOODLE_KEYS, range(len(roster.rows)))
        who = {student: addresses[row].strip() for row, student in found.items()}
    named_so = [person.id for person in marks.people if who.get(person.id)]
    if nameless := [student for student in who if not who[student]]:
        remarks.append(
            f"There is no {MOODLE_WORD[identify_by]} of {named(nameless)}, "
            "so they are not in this file."
        )
    rows = tuple(
        (who[student], *(cell(found, student, choices) for found in marks.assignments))
        for student in named_so
    )
    names = (choices.columns.get(found.name, found.name) for found in marks.assignments)
    remarks += told(marks, choices, named_so)
    return Exported((heading, *names), rows, tuple(remarks))


def _address(person: Person) -> str:
    return person.email or (person.id if "@" in person.id else "")


def tidy(marks: Book, choices: Choices) -> Exported:
    """Return one row for each student and exercise; `marks` holds the exercises."""
    rows = []
    for assignment in marks.assignments:
        for student, mark in sorted(assignment.marks.items()):
            for found in mark.exercises:
                is_open = found.waiting and choices.only_final
                rows.append(
                    (
                        guarded(student),
                        guarded(assignment.name),
                        guarded(found.notebook),
                        guarded(found.exercise),
                        "" if is_open else number(found.points),
                        number(found.max_points),
                        *(
                            "" if part is None else number(part)
                            for part in (found.auto, found.manual)
                        ),
                        number(found.extra),
                        number(mark.penalty),
                        str(found.waiting).lower(),
                        _moment(mark.handed_in),
                    )
                )
    everybody = [person.id for person in marks.people]
    without = Choices(only_final=choices.only_final)
    return Exported(TIDY, tuple(rows), tuple(told(marks, without, everybody)))


def _moment(time: datetime | None) -> str:
    return "" if time is None else f"{time.isoformat(timespec='seconds')}Z"


class _Export(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
    """What the plugins share: settings, and the way from a gradebook to a file."""

    roster = Unicode(
        "", help="A CSV file that the learning platform exported: who its students are."
    ).tag(config=True)

    only_final = Bool(
        False, help="Leave marks empty of which a person still has to give a part."
    ).tag(config=True)

    missing = Enum(
        ("empty", "zero"),
        default_value="empty",
        help=(
            "What is exported for students of whom nothing is graded: 'empty' leaves what the "
            "platform has, 'zero' is a mark of 0."
        ),
    ).tag(config=True)

    columns = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="The platform's name of an assignment's column, by the assignment's name.",
    ).tag(config=True)

    #: Where the file goes by default.
    default_name = ""
    #: Whether the marks of exercises are needed.
    exercises = False

    def table(self, marks: Book, roster: Sheet | None) -> Exported:
        """Return what the file holds."""
        raise NotImplementedError

    @property
    def choices(self) -> Choices:
        """The settings, for the functions that compute."""
        return Choices(self.only_final, self.missing, dict(self.columns))

    def write(self, gradebook: Gradebook) -> Written:
        """Write the file.

        Raises
        ------
        CourseError
            If the roster or the file's place will not do; nothing is written then.
        """
        path = Path(self.to or self.default_name)
        roster = csv_files.read(Path(self.roster)) if self.roster else None
        if self.roster and path.resolve() == Path(self.roster).resolve():
            message = f"'{path}' is the roster itself. Give another path to write to."
            raise CourseError(message)
        marks = book(
            gradebook,
            # `nbgrader export --student [1,2]` reads numbers.
            assignments=list(map(str, self.assignment)),
            students=list(map(str, self.student)),
            exercises=self.exercises,
        )
        found = self.table(marks, roster)
        csv_files.save(path, csv_files.written(found.header, found.rows))
        return Written(path, len(found.rows), found.remarks)

    def export(self, gradebook: Gradebook) -> None:
        """Do what `nbgrader export` asks for: write, and log what a person should know."""
        try:
            done = self.write(gradebook)
        except CourseError as error:
            self.log.error("%s", error)
            raise SystemExit(1) from None
        for remark in done.remarks:
            self.log.warning("%s", remark)
        self.log.info("Exported to %s", done.path)


class CanvasExport(_Export):
    """Marks for Canvas's Grades, Import."""

    default_name = "canvas.csv"

    def table(self, marks: Book, roster: Sheet | None) -> Exported:
        """Return Canvas's gradebook, as far as it is about these assignments."""
        return canvas(marks, roster, self.choices)


class MoodleExport(_Export):
    """Marks for Moodle's Grades, Import, CSV file."""

    default_name = "moodle.csv"

    identify_by = Enum(
        tuple(MOODLE_COLUMN),
        default_value="email",
        help="Whether students are told by 'email' (address) or 'id' (ID number).",
    ).tag(config=True)

    def table(self, marks: Book, roster: Sheet | None) -> Exported:
        """Return a row for each student, and a column for each assignment."""
        return moodle(marks, roster, self.identify_by, self.choices)


class TidyExport(_Export):
    """Marks for pandas or R: one row for each student and exercise."""

    default_name = "marks.csv"
    exercises = True

    def table(self, marks: Book, roster: Sheet | None) -> Exported:
        """Return the marks; a roster has nothing to add."""
        return tidy(marks, self.choices)


#: The plugins, by the name that `course export --to` knows.
PLUGINS: dict[str, Callable[..., _Export]] = {
    "canvas": CanvasExport,
    "moodle": MoodleExport,
    "tidy": TidyExport,
}


def export(
    course: Course,
    to: str,
    *,
    assignments: Collection[str] = (),
    students: Collection[str] = (),
    roster: Path | None = None,
    out: Path | None = None,
    **settings: object,
) -> Written:
    """Write marks to a file, as the plugin for `to` does for `nbgrader export`.

    Parameters
    ----------
    course : Course
    to : str
        A key of `PLUGINS`.
    assignments, students : collection of str
        Only these; by default all.
    roster : Path, optional
        What the platform exported of its students.
    out : Path, optional
        By default the plugin's own name, in the working directory.
    **settings : object
        Of the plugin, before those of the course's configuration.

    Raises
    ------
    CourseError
        If there is no such assignment or student, or if a file will not do.
    """
    if to == "tidy" and roster is not None:
        message = "A tidy table needs no roster. Leave it out, or choose a platform with --to."
        raise CourseError(message)
    if roster is not None:
        settings["roster"] = str(roster)
    if out is not None:
        settings["to"] = str(out)
    plugin = PLUGINS[to](
        config=course.config(), assignment=list(assignments), student=list(students), **settings
    )
    with opened(course) as gradebook:
        return plugin.write(gradebook)
