"""Marks for other programs: plugins of `nbgrader export` for Canvas, Moodle, and data analysis.

What a file holds is computed by functions without any file or database; the plugins, at the end,
read and write.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Dict, Enum, Unicode
from traitlets.utils.importstring import import_item

from nbjudge.basics import csv_files
from nbjudge.basics.csv_files import Sheet, alike, as_csv, guard, number_text
from nbjudge.course.course import Course
from nbjudge.course.folders import save_file
from nbjudge.course.gradebook import open_gradebook, read_grades, released_titles
from nbjudge.course.marks import AssignmentMarks, GradeTable, Person
from nbjudge.exceptions import CourseError
from nbjudge.export import Format
from nbjudge.intake.submission import name_list

__all__ = [
    "CanvasExport",
    "Choices",
    "Exported",
    "MoodleExport",
    "TidyExport",
    "Written",
    "export_marks",
]

#: Canvas's columns before those of assignments, which it wants back in this order.
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


def cell(assignment: AssignmentMarks, student: str, choices: Choices) -> str:
    """Return what stands for a student's mark."""
    own = assignment.graded.get(student)
    if own is None:
        return "0" if choices.missing == "zero" else ""
    return "" if own.waiting and choices.only_final else number_text(own.points)


def remarks_on_marks(marks: GradeTable, choices: Choices, exported: Iterable[str]) -> Iterator[str]:
    """Yield sentences on the marks that are not final, and on those that there are not."""
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


def canvas(marks: GradeTable, roster: Sheet | None, choices: Choices) -> Exported:
    """Return what Canvas imports as a gradebook.

    Parameters
    ----------
    marks : GradeTable
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
    found, remarks = _match_rows(marks.people, roster, CANVAS_KEYS, students)
    people = [name for name in roster.header if name in CANVAS_PEOPLE]
    rows = []
    for row, record in enumerate(records):
        # Canvas must get back unchanged what it knows somebody by.
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
    """Yield a row's marks, for a student or "" for somebody unknown; None keeps what Canvas has."""
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
        except ValueError:  # "(read only)", say
            differs = False
        if differs:
            yield (
                f"Canvas has {there} points for '{column}', and here it is "
                f"{number_text(assignment.max_points)}: marks are exported as they are."
            )


def _match_rows(
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


def moodle(marks: GradeTable, roster: Sheet | None, identify_by: str, choices: Choices) -> Exported:
    """Return what Moodle imports as grades.

    Parameters
    ----------
    marks : GradeTable
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
            person.id: _email_of(person) if identify_by == "email" else person.id
            for person in marks.people
        }
    else:
        addresses = roster.column(roster.require(heading))
        found, remarks = _match_rows(marks.people, roster, MOODLE_KEYS, range(len(roster.rows)))
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
        Returns what a notebook of an assignment calls its exercises, by number.
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


def _require(kind: str, names: Collection[str], known: Collection[str]) -> None:
    if absent := sorted(set(names) - set(known)):
        message = (
            f"The gradebook has no {kind} {', '.join(map(repr, absent))}. "
            f"It has: {', '.join(sorted(known)) or 'none yet'}."
        )
        raise CourseError(message)


class _MarksExport(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
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

    def table(self, marks: GradeTable, roster: Sheet | None) -> Exported:
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
        roster = csv_files.read_csv(Path(self.roster)) if self.roster else None
        if self.roster and path.resolve() == Path(self.roster).resolve():
            message = f"'{path}' is the roster itself. Give another path to write to."
            raise CourseError(message)
        # `nbgrader export --student [1,2]` reads numbers.
        assignments, students = (list(map(str, names)) for names in (self.assignment, self.student))
        _require("assignment", assignments, [found.name for found in gradebook.assignments])
        _require("student", students, [found.id for found in gradebook.students])
        marks = read_grades(gradebook, assignments=assignments, students=students)
        found = self.table(marks, roster)
        save_file(path, as_csv(found.header, found.rows).encode())
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


class CanvasExport(_MarksExport):
    """Marks for Canvas's Grades, Import."""

    default_name = "canvas.csv"

    def table(self, marks: GradeTable, roster: Sheet | None) -> Exported:
        """Return Canvas's gradebook, as far as it is about these assignments."""
        return canvas(marks, roster, self.choices)


class MoodleExport(_MarksExport):
    """Marks for Moodle's Grades, Import, CSV file."""

    default_name = "moodle.csv"

    identify_by = Enum(
        tuple(MOODLE_COLUMN),
        default_value="email",
        help="Whether students are told by 'email' (address) or 'id' (ID number).",
    ).tag(config=True)

    def table(self, marks: GradeTable, roster: Sheet | None) -> Exported:
        """Return a row for each student, and a column for each assignment."""
        return moodle(marks, roster, self.identify_by, self.choices)


class TidyExport(_MarksExport):
    """Marks for pandas or R: one row for each student and exercise."""

    default_name = "marks.csv"

    def table(self, marks: GradeTable, roster: Sheet | None) -> Exported:
        """Return the marks; a roster has nothing to add."""
        course = Course(Path(CourseDirectory(config=self.config).root))
        return tidy_rows(marks, self.choices, partial(released_titles, course))


def plugins() -> dict[str, type[_MarksExport]]:
    """Return the plugins by the name that `course export --to` knows."""
    return {each.value: import_item(each.plugin) for each in Format}


def export_marks(
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
        One of `Format`.
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
    plugin = plugins()[to](
        config=course.config(), assignment=list(assignments), student=list(students), **settings
    )
    with open_gradebook(course) as gradebook:
        return plugin.write(gradebook)
