"""The class report: which exercises were hard, which discriminate, and which mistakes occurred.

`gather` reads the data, `statistics` computes, `findings` writes sentences, `pictures` draws, and
`class_page` and `tables` assemble the results. `write_report`, in this file, writes them to the
course's folder. It imports `pages` and below.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbjudge.course.course import Course
from nbjudge.course.secret import secret
from nbjudge.exceptions import CourseError

__all__ = ["NothingGraded", "Report", "write_report"]

#: The encoding of CSV files, with a byte order mark, which spreadsheets need to recognise UTF-8.
ENCODING = "utf-8-sig"


class NothingGraded(CourseError):
    """Nobody has marks yet, so there is nothing to report."""


@dataclass(frozen=True)
class Report:
    """The files of a report, and its most important findings.

    Parameters
    ----------
    assignment : str
    page, exercises, mistakes : Path
    findings : tuple of str
    """

    assignment: str
    page: Path
    exercises: Path
    mistakes: Path
    findings: tuple[str, ...]


def write_report(course: Course, assignment: str, *, anonymous: bool = False) -> Report:
    """Write the report on an assignment to `reports/`.

    Parameters
    ----------
    course : Course
    assignment : str
    anonymous : bool
        Whether to write a report without names, to other files.

    Raises
    ------
    NothingGraded
        If nobody has marks yet.
    CourseError
        If there is no such assignment, the gradebook cannot be read, or the folder cannot be
        written.
    """
    # These import nbformat and Matplotlib, which is slow.
    from nbjudge.course.folders import save_file
    from nbjudge.report import tables
    from nbjudge.report.anonymous import anonymous as without_names
    from nbjudge.report.class_page import page
    from nbjudge.report.findings import what_stands_out
    from nbjudge.report.gather import gather
    from nbjudge.report.statistics import numbers

    of = gather(course, course.require(assignment))
    if not of.graded:
        message = (
            f"Nothing of '{assignment}' is graded in {course.root} yet, so there is nothing to "
            f"report. Run `course autograde {assignment}`, which also says what it cannot grade."
        )
        raise NothingGraded(message)
    if anonymous:
        of = without_names(of, secret(course.root))
    found = numbers(of)
    name = f"{assignment}-anonymous" if anonymous else assignment
    folder = course.root / "reports"
    written = Report(
        assignment=assignment,
        page=folder / f"{name}.html",
        exercises=folder / f"{name}-exercises.csv",
        mistakes=folder / f"{name}-mistakes.csv",
        findings=what_stands_out(found),
    )
    with suppress(OSError):  # writing the first file reports the problem
        folder.mkdir(exist_ok=True)
    save_file(written.page, page(found, is_anonymous=anonymous).encode("utf-8", "replace"))
    save_file(written.exercises, tables.exercises(found).encode(ENCODING, "replace"))
    save_file(written.mistakes, tables.mistakes_table(found).encode(ENCODING, "replace"))
    return written
