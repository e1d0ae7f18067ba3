"""What several commands share: arguments, consoles, and finding the course and its students."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from nbjudge.exceptions import CourseError

if TYPE_CHECKING:
    from nbjudge.course.course import Course

Assignment = Annotated[str | None, typer.Argument(help="By default all of the course's.")]
Students = Annotated[
    list[str] | None,
    typer.Option(
        "--student", metavar="WHO", help="Only this student, by id or name; may be given again."
    ),
]


def console() -> Console:
    """Return a console for results, as wide as the terminal is now."""
    return Console()


def error_console() -> Console:
    """Return a console for progress and problems, on stderr."""
    return Console(stderr=True, highlight=False)


def print_problem(problem: str) -> None:
    """Print a problem in red on stderr."""
    with suppress(OSError):  # if stderr is closed, the exit code still tells
        error_console().print(Text(problem, style="red"), soft_wrap=True)


def find_course(context: typer.Context) -> Course:
    """Return the course given by `--course`, or the one that contains the current folder."""
    from nbjudge.course.course import Course

    return Course.find(context.obj)


def chosen_assignments(course: Course, assignment: str | None) -> tuple[str, ...]:
    """Return the given assignment, or all of the course; raise CourseError if there is none."""
    if assignment is not None:
        return (course.require(assignment),)
    if not course.assignments:
        message = (
            f"There is no assignment in {course.root / 'source'}. "
            "An assignment is a folder there that holds notebooks."
        )
        raise CourseError(message)
    return tuple(map(course.require, course.assignments))


def student_folders(course: Course) -> set[str]:
    """Return the names of the students' folders in submitted/."""
    return {path.name for path in course.root.glob("submitted/*/") if path.name[0] != "."}


def ids_of_students(course: Course, given: Collection[str] | None) -> list[str] | None:
    """Return the ids of students who are given by id or name; None for everybody."""
    if not given:
        return None
    from nbjudge.course.gradebook import open_gradebook, people_of
    from nbjudge.term.find_students import student_ids

    folders = student_folders(course)
    if folders.issuperset(given):
        return list(given)
    with open_gradebook(course) as gradebook:
        return student_ids(people_of(gradebook), given, known=folders)


def update_all_penalties(course: Course, assignments: Collection[str] | None = None) -> None:
    """Update penalties to the marks that people gave since the last grading; by default all."""
    from nbjudge.course.gradebook import open_gradebook
    from nbjudge.term.late_policy import update_penalties

    config = course.config()
    with open_gradebook(course) as gradebook:
        known = [each.name for each in gradebook.assignments]
        for name in known if assignments is None else assignments:
            update_penalties(gradebook, config, name)
