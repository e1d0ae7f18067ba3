"""Check the marks: a solution gets all points of each exercise, an untouched release none."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import SAWarning

from nbjudge.course.cells import exercise_number
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.course.marks import Mark
from nbjudge.exceptions import CourseError
from nbjudge.grading.solution_proof import hold_nothing, take_as_proved
from nbjudge.judge.notebooks import RECORD
from nbjudge.release import source
from nbjudge.release.release import failure, generate, scratch

__all__ = ["ExerciseCheck", "SelfCheck", "marks_table", "selfcheck"]

SOLUTION, RELEASE_AS_IS = "solution", "untouched"


@dataclass(frozen=True)
class ExerciseCheck:
    """The marks of one exercise, graded like a class's.

    Parameters
    ----------
    assignment, notebook, exercise : str
        `exercise` is its number, such as 1.2.1.
    max_points : float
    solution, untouched : float or None
        The points of the source's solution and of the untouched release; None if a person marks.
    reason : str
        What is wrong, such as why the test failed on the solution; empty if nothing is.
    """

    assignment: str
    notebook: str
    exercise: str
    max_points: float
    solution: float | None
    untouched: float | None
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether the solution got all points, or waits for a person, and the release got none."""
        return self.solution in (None, self.max_points) and self.untouched == 0


@dataclass(frozen=True)
class SelfCheck:
    """The checks of all exercises of one or more assignments."""

    rows: tuple[ExerciseCheck, ...]

    @property
    def ok(self) -> bool:
        """Whether all exercises are as they should be."""
        return all(row.ok for row in self.rows)


def selfcheck(course: Course, assignments: Sequence[str] | None = None) -> SelfCheck:
    """Release assignments, and mark a solved and an untouched submission of each.

    They are graded like a class's, in a temporary copy of the course.

    Parameters
    ----------
    course : Course
    assignments : sequence of str, optional
        By default, all of the course.

    Raises
    ------
    CourseError
        If there is no such assignment, or nbgrader cannot release or mark it.
    """
    chosen = [course.require(name) for name in assignments or course.assignments]
    with scratch(course) as copy, warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # raised by nbgrader's own queries
        return SelfCheck(tuple(row for name in chosen for row in _check_assignment(copy, name)))


def _check_assignment(course: Course, assignment: str) -> Iterator[ExerciseCheck]:
    generate(course, assignment)
    # A test that fails on the solution must be reported here, and not be held for a person.
    prepare = take_as_proved if course.plug.house_rules else hold_nothing
    prepare(course, assignment)
    for student in (SOLUTION, RELEASE_AS_IS):
        _submit(course, assignment, student)
        result = course.api().autograde(assignment, student)
        if not result["success"]:
            message = (
                f"nbgrader could not mark the {student} of '{assignment}': {failure(result)}. "
                f"Run `nbgrader validate` on the notebooks of source/{assignment} to see more."
            )
            raise CourseError(message)
    got = {by.student: by.marks for by in marks_of_class(course, assignment)}
    reasons = _reasons_of_tests(course, assignment)
    for solved, untouched in zip(got[SOLUTION], got[RELEASE_AS_IS], strict=True):
        reason = reasons.get((solved.notebook, solved.exercise), "")
        yield ExerciseCheck(
            assignment=assignment,
            notebook=solved.notebook,
            exercise=solved.exercise,
            max_points=solved.max_points,
            solution=_points(solved),
            untouched=_points(untouched),
            reason=reason or ("the untouched release gets marks" if untouched.points else ""),
        )


def _submit(course: Course, assignment: str, student: str) -> None:
    folder = course.root / "submitted" / student / assignment
    shutil.copytree(course.root / "release" / assignment, folder)
    if student == SOLUTION:
        for path in folder.glob("*.ipynb"):
            original = source.read_source(course.root / "source" / assignment / path.name)
            answered = source.answer(source.read_source(path), original)
            path.write_text(source.notebook_text(answered), encoding="utf-8", newline="\n")


def _points(mark: Mark) -> float | None:
    return None if mark.waiting else mark.points


def _reasons_of_tests(course: Course, assignment: str) -> dict[tuple[str, str], str]:
    """Return why each test took marks from the solution, by notebook and exercise."""
    found = {}
    for path in (course.root / "autograded" / SOLUTION / assignment).glob("*.ipynb"):
        for name, verdict in source.read_source(path).metadata[RECORD].verdicts.items():
            reason = " ".join((verdict.fault or verdict.reason).split())
            found[path.stem, exercise_number(name)] = reason
    return found


def marks_table(check: SelfCheck) -> Table:
    """Return a table of the marks for a terminal."""
    table = Table(title="Marks of the solutions, and of untouched releases")
    table.add_column("Notebook")
    table.add_column("Exercise")
    for heading in ("Points", "Solution", "Untouched"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in check.rows:
        table.add_row(
            row.notebook,
            row.exercise,
            f"{row.max_points:g}",
            _shown_points(row.solution),
            _shown_points(row.untouched),
            "[green]ok[/green]" if row.ok else f"[bold red]wrong[/bold red] {escape(row.reason)}",
        )
    return table


def _shown_points(points: float | None) -> str:
    return "by hand" if points is None else f"{points:g}"
