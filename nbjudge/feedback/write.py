"""Write the feedback of a class, student by student, with nbgrader's own `generate_feedback`.

The pages are made by `exporter.FeedbackExporter`, which the course's configuration names, so that
nbgrader's own command writes the same pages.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from traitlets.config import Config

from nbjudge.basics.machine_errors import explain
from nbjudge.course.course import Course, causes
from nbjudge.course.folders import LOG_NAME, folder_of, log_to_file, working_folder
from nbjudge.course.gradebook import grades
from nbjudge.course.marks import Person
from nbjudge.exceptions import CourseError
from nbjudge.feedback.notebook_pages import OVERVIEW
from nbjudge.intake.submission import MAX_SECRET_BYTES, SECRET_NAME, TIMESTAMP, printable

__all__ = ["Feedback", "Progress", "write_feedback"]


#: Files that nbgrader's `release_feedback` needs beside the pages, to know their owner and time.
SLIPS = (TIMESTAMP, SECRET_NAME)

#: Called before each student, with how many are done, how many there are, and the student.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Feedback:
    """The result of writing one student's feedback: its pages, or a remark on why there are none.

    If the assignment has several notebooks, the first page is the overview.
    """

    student: str
    assignment: str
    pages: tuple[Path, ...] = ()
    remark: str = ""
    name: str = ""


def write_feedback(
    course: Course,
    assignment: str,
    *,
    students: Collection[str] | None = None,
    progress: Progress | None = None,
) -> list[Feedback]:
    """Write the feedback of all graded students to `feedback/<student>/<assignment>/`.

    Parameters
    ----------
    course : Course
    assignment : str
    students : collection of str, optional
        The students to write feedback for; by default all who are graded.
    progress : callable, optional
        Called before each student.

    Raises
    ------
    CourseError
        If there is no such assignment, or no submission of it is graded yet.
    """
    course.require(assignment)
    table = grades(course, assignment)
    people = {person.id: person for person in table.people}
    graded = {
        student
        for student, found in table.submissions(assignment).items()
        if found.marks and folder_of(course, "autograded", student, assignment).is_dir()
    }
    wanted = sorted(
        graded if students is None else set(students),
        key=lambda student: people.get(student, Person(student)).order,
    )
    if not wanted:
        message = (
            f"Nothing of '{assignment}' is graded in {course.root} yet. "
            f"Run `course autograde {assignment}` first."
        )
        raise CourseError(message)
    rows = []
    with log_to_file(course):
        for done, student in enumerate(wanted):
            name = people[student].name if student in people else ""
            if progress:
                progress(done, len(wanted), name or student)
            written = (
                _write_pages(course, assignment, student)
                if student in graded
                else Feedback(student, assignment, remark="Not graded yet, so there is none.")
            )
            rows.append(replace(written, name=name))
    return rows


def _write_pages(course: Course, assignment: str, student: str) -> Feedback:
    try:
        return _write_feedback_of(course, assignment, student)
    # Whatever fails for one student must not stop the others.
    except Exception as error:
        logging.exception("the feedback of %r was not written", student)
        told = explain(error) or f"{type(error).__name__}: {printable(str(error))}; see {LOG_NAME}."
        return Feedback(student, assignment, remark=f"It was not written. {told}")


def _write_feedback_of(course: Course, assignment: str, student: str) -> Feedback:
    finished = folder_of(course, "feedback", student, assignment)
    parts = (student, assignment)
    with working_folder(course, "feedback") as folder:
        # A copy of the notebooks alone: nbgrader would copy all other files into the feedback.
        graded = folder.joinpath("autograded", *parts)
        graded.mkdir(parents=True)
        for notebook in folder_of(course, "autograded", *parts).glob("*.ipynb"):
            shutil.copy(notebook, graded)
        for slip in _slips(course, student, assignment):
            shutil.copy(slip, graded)
        within = folder.relative_to(course.root).as_posix()
        config = Config()
        config.CourseDirectory.autograded_directory = f"{within}/autograded"
        config.CourseDirectory.feedback_directory = f"{within}/feedback"
        result = course.api(config).generate_feedback(assignment, "*")
        if not result["success"]:
            return Feedback(student, assignment, remark=_failure(result))
        shutil.rmtree(finished, ignore_errors=True)
        finished.parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath("feedback", *parts).replace(finished)
    pages = sorted(finished.glob("*.html"), key=lambda page: (page.name != OVERVIEW, page.name))
    return Feedback(student, assignment, pages=tuple(pages))


def _slips(course: Course, student: str, assignment: str) -> Iterator[Path]:
    """Yield the files in `SLIPS` that came with a submission, unless they are links."""
    for name in SLIPS:
        for step in ("autograded", "submitted"):
            folder = folder_of(course, step, student, assignment)
            slip = folder / name
            is_own = not any(path.is_symlink() for path in (slip, folder, folder.parent))
            if is_own and slip.is_file() and slip.stat().st_size <= MAX_SECRET_BYTES:
                yield slip
                break


def _failure(result: dict[str, Any]) -> str:
    """Return a sentence about why a call of nbgrader's API failed.

    Raises
    ------
    KeyboardInterrupt
        If a person interrupted it, which nbgrader reports as a failure.
    """
    return f"nbgrader could not write it ({printable(causes(result)[0])}); see {LOG_NAME}."
