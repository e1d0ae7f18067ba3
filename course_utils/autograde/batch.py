"""Grading a class: every submission of an assignment becomes one row, whatever is in it.

What runs the notebooks is behind one function here, `_run`; the rows are made from what it leaves:
the gradebook and the folder `autograded/`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from traitlets.config import Config

from course_utils.autograde import sandbox
from course_utils.autograde.course import Course, causes
from course_utils.autograde.gradebook import ExerciseMark, StudentMarks, marks, withdraw
from course_utils.autograde.kernels import KernelStartError
from course_utils.autograde.preprocessors import RECORD
from course_utils.autograde.submission import (
    TIMESTAMP,
    Submission,
    find_submissions,
    handed_in_at,
    shown,
    stage,
)
from course_utils.exceptions import CourseError

__all__ = ["LOG_NAME", "Progress", "Row", "Status", "autograde"]

#: nbgrader's own commands write here too.
LOG_NAME = ".nbgrader.log"

#: Called before each submission, with how many are done, how many there are, and the student.
Progress = Callable[[int, int, str], None]


class Status(StrEnum):
    """What became of a submission."""

    GRADED = "graded"
    NEEDS_A_PERSON = "needs a person"
    FAILED = "failed"
    NOT_HANDED_IN = "not handed in"


@dataclass(frozen=True)
class Row:
    """A line of the class's table.

    Parameters
    ----------
    student, assignment : str
    status : Status
        "needs a person" is graded, but not all of it could be: the first remark says what. Of
        "failed", nothing could be graded.
    score, max_score : float
        Marks won so far, and to be won. `score` is None if nothing is graded.
    exercises : tuple of ExerciseMark
        By number; empty if nothing is graded.
    waiting : tuple of str
        The exercises whose written answers a person has yet to grade.
    remarks : tuple of str
        Sentences, the important ones first.
    graded_now : bool
        False if the marks are from an earlier run.
    """

    student: str
    assignment: str
    status: Status
    score: float | None
    max_score: float
    exercises: tuple[ExerciseMark, ...] = ()
    waiting: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    graded_now: bool = False


def autograde(
    course: Course,
    assignment: str,
    *,
    students: Collection[str] | None = None,
    force: bool = False,
    require_sandbox: bool = False,
    progress: Progress | None = None,
) -> list[Row]:
    """Grade the submissions of an assignment that are not graded yet.

    Each submission is graded by itself: what goes wrong with one becomes its row. An interruption
    (KeyboardInterrupt) takes back the submission that is being graded, and leaves all others.

    Parameters
    ----------
    course : Course
    assignment : str
    students : collection of str, optional
        Whose submissions; by default everybody's.
    force : bool
        Grade again what is graded already, and not newer since.
    require_sandbox : bool
        Whether to refuse where nothing confines a student's code.
    progress : callable, optional
        Told before each submission.

    Returns
    -------
    list of Row
        One a student, sorted, those graded earlier included.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, if nobody of `students` is there, or
        if there is no sandbox and there has to be one.
    """
    if require_sandbox and (problem := sandbox.problem()):
        message = f"Nothing was graded, because there is no sandbox here. {problem}"
        raise CourseError(message)
    submissions = select(find_submissions(course, assignment), students)
    graded_now, failures = set(), {}
    with logged(course):
        for done, submission in enumerate(submissions):
            if progress:
                progress(done, len(submissions), submission.student)
            if submission.notebooks and (force or not _is_up_to_date(course, submission)):
                graded_now.add(submission.student)
                try:
                    failures[submission.student] = _grade(course, submission)
                # One submission costs its own row, never the batch.
                except Exception as error:
                    logging.exception("%r was not graded", submission.student)
                    why = f"{type(error).__name__}: {shown(str(error))}; see {LOG_NAME}."
                    failures[submission.student] = dict.fromkeys(submission.notebooks, why)
    found = {student.student: student for student in marks(course, assignment)}
    return [
        _row(
            course,
            submission,
            found.get(submission.student),
            failures.get(submission.student, {}),
            submission.student in graded_now,
        )
        for submission in submissions
    ]


def select(submissions: list[Submission], students: Collection[str] | None) -> list[Submission]:
    """Return the submissions of some students, or of all.

    Raises
    ------
    CourseError
        If there is a student without a folder.
    """
    if students is None:
        return submissions
    absent = sorted(set(students) - {submission.student for submission in submissions})
    if absent:
        message = (
            f"No folder in submitted/ for {', '.join(map(shown, absent))}. "
            "An id is the folder's name, letter for letter."
        )
        raise CourseError(message)
    return [submission for submission in submissions if submission.student in students]


@contextmanager
def logged(course: Course) -> Iterator[None]:
    """Send what nbgrader and its libraries say to the course's log file, not to the terminal."""
    root = logging.getLogger()
    handler = logging.FileHandler(course.root / LOG_NAME, encoding="utf-8", errors="replace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


@contextmanager
def workshop(course: Course, step: str) -> Iterator[Path]:
    """Yield a hidden folder in one of nbgrader's, for work that is not finished yet."""
    parent = course.root / step
    parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix=".unfinished-", dir=parent) as folder:
        yield Path(folder)


def folder_of(course: Course, step: str, student: str, assignment: str) -> Path:
    """Return where nbgrader keeps a student's work at a step of the grading."""
    return course.root / step / student / assignment


def _finished(course: Course, submission: Submission) -> Path:
    return folder_of(course, "autograded", submission.student, submission.assignment)


def _is_up_to_date(course: Course, submission: Submission) -> bool:
    """Say whether all of a submission is graded, and not newer since.

    As for nbgrader, time stamps decide; the files' own times do where there are none.
    """
    folder = _finished(course, submission)
    if {path.stem for path in folder.glob("*.ipynb")} != set(submission.notebooks):
        return False
    handed_in, graded = handed_in_at(submission.folder), handed_in_at(folder)
    if handed_in and graded:
        return handed_in <= graded
    written = max(path.lstat().st_mtime for path in submission.notebooks.values())
    return written <= folder.stat().st_mtime


def _grade(course: Course, submission: Submission) -> dict[str, str]:
    """Grade a submission; return why a notebook failed, by notebook.

    All happens in a folder of its own, so that `autograded/` only ever shows finished work.
    """
    finished = _finished(course, submission)
    shutil.rmtree(finished, ignore_errors=True)
    parts = (submission.student, submission.assignment)
    failures = {}
    with workshop(course, "autograded") as folder:
        stage(submission, folder.joinpath("submitted", *parts))
        for notebook in submission.notebooks:
            if reason := _run(course, submission.assignment, notebook, folder):
                failures[notebook] = reason
                withdraw(course, submission.assignment, submission.student, notebook)
        graded = [f"{name}.ipynb" for name in submission.notebooks if name not in failures]
        if graded:
            # Nothing else: the student's code could write files here too.
            kept = folder / "kept"
            kept.mkdir()
            for name in graded:
                folder.joinpath("autograded", *parts, name).replace(kept / name)
            if (stamp := folder.joinpath("submitted", *parts, TIMESTAMP)).exists():
                stamp.replace(kept / TIMESTAMP)
            finished.parent.mkdir(parents=True, exist_ok=True)
            kept.replace(finished)
    return failures


def _run(course: Course, assignment: str, notebook: str, folder: Path) -> str | None:
    """Grade one notebook of the submission staged in a folder; return why it failed, if it did.

    The engine: marks go to the gradebook, the executed notebook to `autograded` in the folder.
    Notebooks are graded one by one because nbgrader throws a submission away when one of its
    notebooks fails.
    """
    config = Config()
    within = folder.relative_to(course.root).as_posix()
    config.CourseDirectory.submitted_directory = f"{within}/submitted"
    config.CourseDirectory.autograded_directory = f"{within}/autograded"
    config.CourseDirectory.notebook_id = notebook
    # Plots and long demonstrations, which no test needs.
    config.Judge.skipped_tag = "display"
    # The folder holds one student, and an id is no pattern: "*" finds ids with "?" or spaces too.
    with _silenced(course.root / LOG_NAME):
        result = course.api(config).autograde(assignment, "*")
    return None if result["success"] else failure(result)


@contextmanager
def _silenced(log: Path) -> Iterator[None]:
    """Send what kernels print to a log: they inherit the terminal, and complain there."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        with log.open("ab") as file:
            for number in kept:
                os.dup2(file.fileno(), number)
        yield
    finally:
        for number, original in kept.items():
            os.dup2(original, number)
            os.close(original)


def failure(result: dict[str, Any]) -> str:
    """Return, in a sentence, why a call of nbgrader's API failed.

    Raises
    ------
    KeyboardInterrupt
        If a person stopped it, which nbgrader takes for a failure.
    """
    told = causes(result)
    start = f"{KernelStartError.__name__}: "
    if own := [cause.removeprefix(start) for cause in told if cause.startswith(start)]:
        return f"{shown(own[-1])}; see {LOG_NAME}."
    return f"nbgrader could not grade it ({shown(told[0])}); see {LOG_NAME}."


def _row(
    course: Course,
    submission: Submission,
    found: StudentMarks | None,
    failures: dict[str, str],
    graded_now: bool,
) -> Row:
    remarks = [f"'{name}.ipynb' was not graded. {why}" for name, why in failures.items()]
    remarks.extend(submission.problems)
    is_graded = found is not None and _finished(course, submission).is_dir()
    judged = _found(course, submission)
    if not submission.handed_in:
        status = Status.NOT_HANDED_IN
    elif not submission.notebooks or not is_graded:
        status = Status.FAILED
    elif remarks or judged.is_faulty:
        status = Status.NEEDS_A_PERSON
    else:
        status = Status.GRADED
    if found is None or status in (Status.FAILED, Status.NOT_HANDED_IN):
        if found is not None and found.score and not submission.notebooks:
            remarks.append("The gradebook still has the marks of an earlier submission.")
        worth = sum(cell.points for cells in submission.cells.values() for cell in cells)
        return Row(
            student=submission.student,
            assignment=submission.assignment,
            status=status,
            score=None,
            max_score=worth,
            remarks=(*remarks, *submission.notes),
            graded_now=graded_now,
        )
    return Row(
        student=submission.student,
        assignment=submission.assignment,
        status=status,
        score=found.score,
        max_score=found.max_score,
        exercises=found.exercises,
        waiting=tuple(mark.exercise for mark in found.exercises if mark.waiting),
        remarks=(*remarks, *judged.remarks, *submission.notes),
        graded_now=graded_now,
    )


@dataclass(frozen=True)
class _Found:
    """What the judge left in the graded notebooks of a submission."""

    remarks: tuple[str, ...] = ()
    is_faulty: bool = False


def _found(course: Course, submission: Submission) -> _Found:
    """Read what the judge found; a notebook that was graded without it tells nothing."""
    remarks: list[str] = []
    is_faulty = False
    for name in submission.notebooks:
        path = _finished(course, submission) / f"{name}.ipynb"
        if path.is_file():
            record = json.loads(path.read_text(encoding="utf-8"))["metadata"].get(RECORD, {})
            remarks += record.get("remarks", ())
            is_faulty |= any(verdict["fault"] for verdict in record.get("verdicts", {}).values())
    return _Found(tuple(remarks), is_faulty)
