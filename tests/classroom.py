"""A tiny course whose students hand in: what the tests of grading share."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from nbformat import NotebookNode

from nbjudge.course.answer_texts import hashes
from nbjudge.course.course import Course
from nbjudge.exceptions import SubmissionError
from nbjudge.grading.jobs import Job, JobOutcome, work
from nbjudge.grading.solution_proof import take_as_proved
from nbjudge.intake.sanitise import sanitise_notebook
from nbjudge.judge.notebooks import GradedNotebook
from nbjudge.release import source

TINY = Path(__file__).parent / "courses" / "tiny"
BAD_INPUT = Path(__file__).parent / "bad_input"
SCENARIOS = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(BAD_INPUT.glob("*/outcome.json"))
}


def released_course(root: Path, *, notebooks: tuple[str, ...] = ("sums",)) -> Course:
    """Make a course with the assignment `sums`, of one or more copies of the tiny notebook."""
    shutil.copytree(_released_once(notebooks), root)
    return Course(root)


@functools.cache
def _released_once(notebooks: tuple[str, ...]) -> Path:
    """Return a released course that nobody changes: everybody has a copy."""
    folder = Path(tempfile.mkdtemp(prefix="released-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = folder / "course"
    shutil.copytree(TINY, root)
    original = root / "source" / "sums" / "sums.ipynb"
    for name in notebooks:
        if name != "sums":
            shutil.copy(original, original.with_name(f"{name}.ipynb"))
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\nc.Execute.timeout = 3\n")
    course = Course(root)
    assert course.api().generate_assignment("sums")["success"]
    take_as_proved(course, "sums")
    return root


def answered(course: Course, **replaced: str) -> NotebookNode:
    """Return the released notebook with all answers right, but for some that are given here."""
    release, original = (
        source.read_source(course.root / step / "sums" / "sums.ipynb")
        for step in ("release", "source")
    )
    notebook = source.answer(release, original)
    for grade_id, code in replaced.items():
        source.by_grade_id(notebook)[grade_id].source = code
    return notebook


def hand_in(
    course: Course, student: str, content: NotebookNode | bytes, name: str = "sums.ipynb"
) -> Path:
    """Write a file to the student's folder, and return the folder."""
    folder = course.root / "submitted" / student / "sums"
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, bytes):
        content = source.notebook_text(content).encode()
    (folder / name).write_bytes(content)
    return folder


def hand_in_scenario(course: Course, scenario: str) -> None:
    """Hand in what a folder of `tests/bad_input` holds; the student has its name."""
    folder = course.root / "submitted" / scenario
    shutil.copytree(BAD_INPUT / scenario / "handed_in", folder)


class AtOnce:
    """A crew of one that works in this process: no other has to be started, and none waited for.

    Parameters
    ----------
    does : callable, optional
        What becomes of a job; by default it is graded, with a real kernel.
    """

    workers = 1

    def __init__(self, does: Callable[[Job], JobOutcome] = work) -> None:
        self.does = does
        #: Whose jobs were begun, in order.
        self.graded: list[str] = []

    def __call__(self) -> AtOnce:
        """Come when called in."""
        return self

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield what becomes of each job."""
        for job in jobs:
            self.graded.append(job.student)
            yield [self.does(job)]


class Together(AtOnce):
    """A crew of whom nothing is heard until all is done."""

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield what becomes of all jobs."""
        yield [outcome for outcomes in super().outcomes(jobs) for outcome in outcomes]


def marked_unseen(job: Job) -> JobOutcome:
    """Give every test all its points, without any kernel; what is no notebook fails as always."""
    results, failures = {}, {}
    for name, content in job.submitted.notebooks.items():
        version = job.terms.versions[name]
        try:
            found = sanitise_notebook(content, version)
        except SubmissionError as error:
            failures[name] = str(error)
            continue
        results[name] = GradedNotebook(
            notebook=source.notebook_text(found.notebook).encode(),
            verdicts={},
            scores={
                cell.grade_id: None if cell.solution else cell.points
                for cell in version.cells
                if cell.grade
            },
            problems=found.problems,
            notes=found.notes,
            answers=hashes(found.notebook.cells),
        )
    return JobOutcome(job.student, results, failures)
