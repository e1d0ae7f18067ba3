"""The class report: what was hard, what tells strong from weak, and which mistakes were made.

`gather` reads, `statistics` computes, `findings` says it in sentences, `pictures` draws it, `page`
and `tables` put it together; here it is written to the course's folder. It imports `pages` and
below.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbjudge.course.course import Course
from nbjudge.course.secret import secret
from nbjudge.exceptions import CourseError

__all__ = ["NothingGraded", "Report", "write_report"]

#: Of CSV files: spreadsheets take them for another alphabet's without its mark.
ENCODING = "utf-8-sig"


class NothingGraded(CourseError):
    """There is nothing to report on."""


@dataclass(frozen=True)
class Report:
    """What was written, and what it says first.

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
        Whether to write one that names nobody, beside the other.

    Raises
    ------
    NothingGraded
        If nobody has marks yet.
    CourseError
        If there is no such assignment, the gradebook cannot be read, or the folder cannot be
        written.
    """
    # They import Matplotlib.
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
    _write_whole(written.page, page(found, is_anonymous=anonymous))
    _write_whole(written.exercises, tables.exercises(found), ENCODING)
    _write_whole(written.mistakes, tables.mistakes_table(found), ENCODING)
    return written


def _write_whole(path: Path, text: str, encoding: str = "utf-8") -> None:
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(exist_ok=True)
        new.write_text(text, encoding=encoding, errors="replace", newline="")
        new.replace(path)
    except OSError as error:
        message = (
            f"{path} cannot be written ({error.strerror}). Close what has it open, or see that "
            "there is room, then run the same command again."
        )
        raise CourseError(message) from error
