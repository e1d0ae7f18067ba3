"""Plugins of `nbgrader export` that write marks for Canvas, Moodle and data analysis.

Other modules of this room compute the content of each file, without files or database; the plugins
read and write.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Dict, Enum, Unicode
from traitlets.utils.importstring import import_item

from nbjudge.basics import csv_files
from nbjudge.basics.csv_files import Sheet, as_csv
from nbjudge.course.course import Course
from nbjudge.course.folders import save_file
from nbjudge.course.gradebook import open_gradebook, read_grades, released_titles
from nbjudge.course.marks import GradeTable
from nbjudge.exceptions import CourseError
from nbjudge.export import Format
from nbjudge.export.canvas_file import canvas
from nbjudge.export.marks_table import Choices, Exported
from nbjudge.export.moodle_file import MOODLE_COLUMN, moodle
from nbjudge.export.tidy_file import tidy_rows

__all__ = ["CanvasExport", "MoodleExport", "TidyExport", "Written", "export_marks", "plugins"]


@dataclass(frozen=True)
class Written:
    """The result of an export."""

    path: Path
    rows: int
    remarks: tuple[str, ...] = ()


def _require(kind: str, names: Collection[str], known: Collection[str]) -> None:
    if absent := sorted(set(names) - set(known)):
        message = (
            f"The gradebook has no {kind} {', '.join(map(repr, absent))}. "
            f"It has: {', '.join(sorted(known)) or 'none yet'}."
        )
        raise CourseError(message)


class _MarksExport(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
    """The base class of the plugins: their common settings, and writing the file."""

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

    #: The default name of the file.
    default_name = ""

    def table(self, marks: GradeTable, roster: Sheet | None) -> Exported:
        """Return the content of the file."""
        raise NotImplementedError

    @property
    def choices(self) -> Choices:
        """The settings as `Choices`."""
        return Choices(self.only_final, self.missing, dict(self.columns))

    def write(self, gradebook: Gradebook) -> Written:
        """Write the file.

        Raises
        ------
        CourseError
            If the roster cannot be used, or the file cannot be written; nothing is written then.
        """
        path = Path(self.to or self.default_name)
        roster = csv_files.read_csv(Path(self.roster)) if self.roster else None
        if self.roster and path.resolve() == Path(self.roster).resolve():
            message = f"'{path}' is the roster itself. Give another path to write to."
            raise CourseError(message)
        # `nbgrader export --student [1,2]` passes numbers.
        assignments, students = (list(map(str, names)) for names in (self.assignment, self.student))
        _require("assignment", assignments, [found.name for found in gradebook.assignments])
        _require("student", students, [found.id for found in gradebook.students])
        marks = read_grades(gradebook, assignments=assignments, students=students)
        found = self.table(marks, roster)
        save_file(path, as_csv(found.header, found.rows).encode())
        return Written(path, len(found.rows), found.remarks)

    def export(self, gradebook: Gradebook) -> None:
        """Write the file, and log all remarks; `nbgrader export` calls this method."""
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
        """Return a gradebook for Canvas with the columns of these assignments."""
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
        """Return a row for each student and exercise; the roster is not used."""
        course = Course(Path(CourseDirectory(config=self.config).root))
        return tidy_rows(marks, self.choices, partial(released_titles, course))


def plugins() -> dict[str, type[_MarksExport]]:
    """Return the plugins by the name of their format."""
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
        The value of a `Format`.
    assignments, students : collection of str
        Export only these; by default all.
    roster : Path, optional
        The file of students that the platform exported.
    out : Path, optional
        By default the plugin's default name, in the working directory.
    **settings : object
        Settings of the plugin; they override the course's configuration.

    Raises
    ------
    CourseError
        If there is no such assignment or student, or a file cannot be read or written.
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
