"""The result of a graded hand-in as the database keeps it, and what a student may see of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from nbformat import NotebookNode

from nbjudge.basics.text import clean_characters, cut
from nbjudge.course.cells import exercise_number
from nbjudge.course.course import Course
from nbjudge.course.folders import folder_of, read_notebook
from nbjudge.course.gradebook import open_gradebook, submission_marks
from nbjudge.desk.desk_policy import LEVELS, DeskPolicy
from nbjudge.desk.due_dates import Terms
from nbjudge.exceptions import CourseError
from nbjudge.feedback.exporter import FeedbackExporter
from nbjudge.feedback.mark_entries import entries
from nbjudge.feedback.notebook_pages import OVERVIEW
from nbjudge.judge.notebooks import RECORD

__all__ = [
    "ExerciseOutcome",
    "HandInOutcome",
    "Shown",
    "feedback_page",
    "level_now",
    "outcome_of",
    "show",
]

#: How many passed checks of an exercise are kept, and how many characters of each.
MOST_CHECKS, MOST_OF_CHECK = 20, 200
PAGE_NAME = re.compile(r"[^/\\]+\.html")


@dataclass(frozen=True)
class ExerciseOutcome:
    """The result of one exercise.

    Parameters
    ----------
    exercise : str
        Its number.
    points, max_points, extra : float
    state : str
        One of "full", "part", "none" and "waits"; for students also "held".
    told : str
        The reason for the mark, in one line.
    mistake : str
        Advice for the known mistake that the answer behaves like; empty if none is known.
    checks : tuple of str
        The notebook's own checks that passed.
    """

    exercise: str
    points: float
    max_points: float
    extra: float
    state: str
    told: str
    mistake: str = ""
    checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class HandInOutcome:
    """The result of a hand-in.

    Parameters
    ----------
    exercises : tuple of ExerciseOutcome
        In the order of the notebooks.
    penalty : float
        Points taken off for lateness.
    problems : tuple of str
        Sentences that tell graders what they have to look at.
    """

    exercises: tuple[ExerciseOutcome, ...] = ()
    penalty: float = 0.0
    problems: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The sum of points, before the penalty."""
        return sum(each.points for each in self.exercises)

    def as_data(self) -> dict[str, Any]:
        """Return the outcome as JSON data for the database."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> HandInOutcome:
        """Return the outcome that `as_data` was made from."""
        exercises = (
            ExerciseOutcome(**{**each, "checks": tuple(each["checks"])})
            for each in data["exercises"]
        )
        return cls(tuple(exercises), data["penalty"], tuple(data["problems"]))


@dataclass(frozen=True)
class Shown:
    """The part of an outcome that a student may see.

    Parameters
    ----------
    level : str
        One of `LEVELS`.
    exercises : tuple of ExerciseOutcome
        Cleared of all that the student may not see.
    points, max_points : float, optional
        None if the student may not see marks.
    penalty : float
    has_held : bool
        Whether the mark of an exercise is held back until its test is mended.
    """

    level: str
    exercises: tuple[ExerciseOutcome, ...] = ()
    points: float | None = None
    max_points: float | None = None
    penalty: float = 0.0
    has_held: bool = False


def outcome_of(course: Course, student: str, assignment: str) -> HandInOutcome:
    """Return the result of a student's submission, as it was graded last.

    Raises
    ------
    nbgrader.api.MissingEntry
        If the gradebook has no such submission.
    """
    with open_gradebook(course) as gradebook:
        found = submission_marks(gradebook, assignment, student)
    folder = folder_of(course, "autograded", student, assignment)
    exercises: list[ExerciseOutcome] = []
    for own in found.notebooks:
        notebook = read_notebook(folder / f"{own.name}.ipynb")
        verdicts = _verdicts(notebook)
        exercises += (
            ExerciseOutcome(
                exercise=entry.exercise,
                points=entry.points,
                max_points=entry.max_points,
                extra=entry.extra,
                state=entry.state,
                told=entry.told,
                mistake=_clean_text(verdicts.get(entry.exercise, {}).get("sentence")),
                checks=_checks_held(verdicts.get(entry.exercise, {}).get("printed")),
            )
            for entry in entries(notebook, own)
        )
    return HandInOutcome(tuple(exercises), found.penalty)


def _verdicts(notebook: NotebookNode | None) -> dict[str, Mapping[str, Any]]:
    record = notebook.metadata.get(RECORD) if notebook is not None else None
    verdicts = record.get("verdicts") if isinstance(record, Mapping) else None
    if not isinstance(verdicts, Mapping):
        return {}
    return {
        clean_characters(exercise_number(name)): verdict
        for name, verdict in verdicts.items()
        if isinstance(verdict, Mapping)
    }


def _clean_text(value: object) -> str:
    return clean_characters(value).strip() if isinstance(value, str) else ""


def _checks_held(printed: object) -> tuple[str, ...]:
    lines = _clean_text(printed).splitlines()
    held = [line.removeprefix("✓").strip() for line in lines if line.startswith("✓")]
    return tuple(cut(line, MOST_OF_CHECK) for line in held[:MOST_CHECKS])


def level_now(policy: DeskPolicy, terms: Terms, assignment: str, now: datetime) -> str:
    """Return the level of detail that students are shown now.

    It changes from `shows_before` to `shows_after` when the last deadline and its grace are over.
    """
    last = terms.last_due(assignment)
    is_over = last is not None and now > last + policy.grace
    return policy.shows_after if is_over else policy.shows_before


def show(outcome: HandInOutcome, level: str, held: Collection[str]) -> Shown:
    """Return the part of an outcome that a student may see.

    Parameters
    ----------
    outcome : HandInOutcome
    level : str
        As `level_now` returns it.
    held : collection of str
        The exercises whose marks are held back.
    """
    rank = LEVELS.index(level)
    has_held = any(each.exercise in held for each in outcome.exercises)
    if rank == LEVELS.index("nothing"):
        return Shown(level)
    if rank == LEVELS.index("checks"):
        bare = (
            ExerciseOutcome(each.exercise, 0, 0, 0, "", "", checks=each.checks)
            for each in outcome.exercises
        )
        return Shown(level, tuple(bare), has_held=has_held)
    if has_held and level == "feedback":
        level = "mistakes"  # the feedback page would show the held marks
    shown = tuple(_shown_exercise(each, rank, each.exercise in held) for each in outcome.exercises)
    free = [each for each in shown if each.state != "held"]
    return Shown(
        level,
        shown,
        points=sum(each.points for each in free),
        max_points=sum(each.max_points for each in free),
        # The penalty depends on all marks, so it would give away the held ones.
        penalty=0.0 if has_held else outcome.penalty,
        has_held=has_held,
    )


def _shown_exercise(each: ExerciseOutcome, rank: int, is_held: bool) -> ExerciseOutcome:
    if is_held:
        told = "Its test is being looked at: the mark is shown later."
        return ExerciseOutcome(each.exercise, 0, each.max_points, 0, "held", told)
    if rank < LEVELS.index("mistakes"):
        told = "Waits for a person." if each.state == "waits" else ""
        return replace(each, told=told, mistake="")
    return each


def feedback_page(course: Course, student: str, assignment: str, name: str) -> str | None:
    """Return a feedback page as `course feedback` would write it now; None if there is none.

    Parameters
    ----------
    course : Course
    student, assignment : str
    name : str
        The file name of the page, as links between the pages use it.
    """
    folder = folder_of(course, "autograded", student, assignment)
    graded = sorted(folder.glob("*.ipynb"))
    if not graded or not PAGE_NAME.fullmatch(name):
        return None
    by_page = {f"{path.stem}.html": path for path in graded}
    is_overview = name == OVERVIEW and name not in by_page
    path = graded[0] if is_overview else by_page.get(name)
    if path is None:
        return None
    config = course.config()
    ids = {
        "db_url": _gradebook_address(config),
        "assignment": assignment,
        "student": student,
        "notebook": path.stem,
    }
    resources: dict[str, Any] = {"nbgrader": ids, "metadata": {"path": str(folder)}}
    notebook = read_notebook(path)
    assert notebook is not None
    try:
        exporter = FeedbackExporter(config=config)  # type: ignore[no-untyped-call]
        page, resources = exporter.from_notebook_node(notebook, resources)
    except CourseError as error:
        logging.getLogger(__name__).warning("no feedback page: %s", error)
        return None
    if not is_overview:
        return page
    overview = resources.get("outputs", {}).get(OVERVIEW)
    return overview.decode() if overview is not None else page


def _gradebook_address(config: Any) -> str:
    from nbgrader.coursedir import CourseDirectory

    return str(CourseDirectory(config=config).db_url)


def most_failed(
    outcomes: Iterable[HandInOutcome], most: int = 8
) -> list[tuple[str, int, int, str]]:
    """Return the exercises in which the largest share of students lose points.

    Returns
    -------
    list of (str, int, int, str)
        An exercise, how many lost points in it, how many have a mark for it, and the known mistake
        that was found in it most often (empty if none was).
    """
    lost: dict[str, int] = {}
    marked: dict[str, int] = {}
    mistakes: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        for each in outcome.exercises:
            if each.state == "waits":
                continue
            marked[each.exercise] = marked.get(each.exercise, 0) + 1
            if each.state == "full":
                continue
            lost[each.exercise] = lost.get(each.exercise, 0) + 1
            if each.mistake:
                known = mistakes.setdefault(each.exercise, {})
                known[each.mistake] = known.get(each.mistake, 0) + 1
    ranked = sorted(lost, key=lambda exercise: (-lost[exercise] / marked[exercise], exercise))
    return [
        (
            exercise,
            lost[exercise],
            marked[exercise],
            max(mistakes.get(exercise, {"": 0}).items(), key=lambda item: item[1])[0],
        )
        for exercise in ranked[:most]
    ]
