"""What a worker does: one student's notebooks, from their bytes to their marks.

A job and its outcome are data. They travel between the coordinator and its workers; nothing in them
is taken from a submission but bytes and text.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import course_utils
from course_utils.autograde.limits import Limits
from course_utils.autograde.machine_errors import explain
from course_utils.autograde.submission import Papers
from course_utils.autograde.version import NotebookVersion
from course_utils.exceptions import CourseError, SubmissionError

if TYPE_CHECKING:  # it takes seconds to import, and the coordinator grades nothing
    from course_utils.autograde.grading import Result

__all__ = ["Job", "OtherGrader", "Outcome", "Terms", "grader_version", "unexpected", "work"]


QUICK = "COURSE_QUICK"


class OtherGrader(CourseError):
    """A worker has another version of the course than who sent the job."""


#: What changes no mark: the instructor's tools, and what makes pages. Known answers are no modules.
NO_JUDGES = ("instructor/", "autograde/feedback", "autograde/formgrader", "autograde/pages")


@functools.cache
def grader_version() -> str:
    """Return a text that is another for any other code of this course that can change a mark."""
    root = Path(course_utils.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(NO_JUDGES):
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return f"{course_utils.__version__}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Terms:
    """What the marks of a whole class depend on, beside what was handed in.

    Parameters
    ----------
    versions : mapping of str to NotebookVersion
        By notebook.
    limits : Limits
    run_all : bool
    held : mapping
        What is wrong with tests that no answer is to be marked by, in the end of a sentence, by
        notebook and the test's grade id: see `proof`. A person marks what they test.
    quick : str
        The variable COURSE_QUICK, by which notebooks train for seconds instead of minutes. The
        coordinator's holds, not that of a worker's shell.
    grader : str
        Of `grader_version`.
    """

    versions: Mapping[str, NotebookVersion]
    limits: Limits
    run_all: bool
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    quick: str = field(default_factory=lambda: os.environ.get(QUICK, "0"))
    grader: str = field(default_factory=grader_version)

    def key(self, ingredients: tuple[str, ...]) -> str:
        """Return a text that is another if anything else would be graded, or otherwise."""
        return hashlib.sha256(json.dumps([self._digest, ingredients]).encode()).hexdigest()

    @functools.cached_property
    def _digest(self) -> str:
        digests = {name: version.digest for name, version in self.versions.items()}
        # Whether there has to be a sandbox changes no mark.
        limits = asdict(replace(self.limits, require_sandbox=False))
        held = {name: sorted(tests) for name, tests in self.held.items()}
        content = [digests, limits, self.run_all, held, self.quick, self.grader]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Job:
    """A student's notebooks, to be graded."""

    student: str
    papers: Papers
    ingredients: tuple[str, ...]
    terms: Terms


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Parameters
    ----------
    student : str
    results : mapping of str to Result
        By notebook.
    failures : mapping of str to str
        Why a notebook could not be graded, in a sentence, by notebook; "" stands for all of them.
    passing : bool
        Whether a failure is none of the notebook's, so that it is worth another try.
    seconds : float
    """

    student: str
    results: Mapping[str, Result] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    passing: bool = False
    seconds: float = 0.0


def unexpected(error: BaseException) -> str:
    """Return the sentence for an error that is the machine's, or that nobody thought of."""
    return (
        explain(error)
        or f"Something unexpected happened ({type(error).__name__}: {str(error)[:200]})."
    )


def work(job: Job) -> Outcome:
    """Grade a student's notebooks.

    Raises
    ------
    OtherGrader
        If this worker has other code than the coordinator.
    """
    from course_utils.autograde.grading import grade

    if (here := grader_version()) != job.terms.grader:
        message = (
            f"A worker has version {here} of the course, and this machine {job.terms.grader}. "
            "Install the same one everywhere, and start the workers again."
        )
        raise OtherGrader(message)
    os.environ[QUICK] = job.terms.quick
    start = time.monotonic()
    results, failures, passing = {}, {}, False
    for name, content in job.papers.notebooks.items():
        try:
            results[name] = grade(
                content,
                job.terms.versions[name],
                ingredients=job.ingredients,
                files=job.papers.files,
                limits=job.terms.limits,
                run_all=job.terms.run_all,
                held=job.terms.held.get(name),
            )
        except SubmissionError as error:
            failures[name] = str(error)
        # No exception may travel as it is: the coordinator may be unable to read it.
        except Exception as error:
            logging.exception("%r was not graded", job.student)
            why = str(error) if isinstance(error, CourseError) else unexpected(error)
            failures[name], passing = f"'{name}.ipynb' was not graded. {why}", True
    return Outcome(job.student, results, failures, passing, time.monotonic() - start)
