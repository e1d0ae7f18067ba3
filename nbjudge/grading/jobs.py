"""The job of a worker: grade one student's notebooks, from bytes to marks.

A job and its outcome are data that the coordinator and its workers exchange. What they contain of a
submission is bytes and text only.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbjudge.basics.machine_errors import explain
from nbjudge.exceptions import CourseError, SubmissionError
from nbjudge.grading.conditions import GradingConditions, grader_version
from nbjudge.intake.submission import SubmissionFiles

if TYPE_CHECKING:  # it takes seconds to import, and the coordinator grades nothing
    from nbjudge.judge.notebooks import GradedNotebook

__all__ = ["MOST_BYTES", "Job", "JobOutcome", "OtherGrader", "lost_outcome", "sentence_of", "work"]

#: Total bytes of running and waiting jobs above which no job is added, as submissions can be large.
MOST_BYTES = 200 * 2**20


class OtherGrader(CourseError):
    """A worker has another version of the code than the coordinator."""


@dataclass(frozen=True)
class Job:
    """A student's notebooks, to be graded."""

    student: str
    submitted: SubmissionFiles
    seed_parts: tuple[str, ...]
    terms: GradingConditions


@dataclass(frozen=True)
class JobOutcome:
    """The result of a job.

    Parameters
    ----------
    student : str
    results : mapping of str to GradedNotebook
        By notebook.
    failures : mapping of str to str
        Sentences why a notebook could not be graded, by notebook; under "" if it concerns all.
    passing : bool
        Whether a failure was not caused by the notebook, so that another try may succeed.
    seconds : float
        How long the job took.
    """

    student: str
    results: Mapping[str, GradedNotebook] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    passing: bool = False
    seconds: float = 0.0

    @property
    def points(self) -> float | None:
        """The sum of the automatic marks; None if there are no results."""
        scores = [score for result in self.results.values() for score in result.scores.values()]
        return sum(score or 0.0 for score in scores) if self.results else None


def sentence_of(error: BaseException) -> str:
    """Return a sentence for an error of the machine, or for an unexpected one."""
    return (
        explain(error)
        or f"Something unexpected happened ({type(error).__name__}: {str(error)[:200]})."
    )


def lost_outcome(job: Job, times: int) -> JobOutcome:
    """Return the outcome of a job of which so many workers have died."""
    why = f"The worker that graded it ended, {times} times in a row."
    return JobOutcome(job.student, failures={"": why}, passing=True)


def work(job: Job) -> JobOutcome:
    """Grade a student's notebooks.

    Raises
    ------
    OtherGrader
        If this worker has other code than the coordinator.
    """
    from nbjudge.judge.notebooks import grade

    if (here := grader_version(job.terms.plug.packages)) != job.terms.grader:
        message = (
            f"A worker has version {here} of the course, and this machine {job.terms.grader}. "
            "Install the same one everywhere, and start the workers again."
        )
        raise OtherGrader(message)
    for name in job.terms.plug.variables:
        os.environ.pop(name, None)
    os.environ.update(job.terms.environment)
    start = time.monotonic()
    results, failures, passing = {}, {}, False
    for name, content in job.submitted.notebooks.items():
        try:
            results[name] = grade(
                content,
                job.terms.versions[name],
                seed_parts=job.seed_parts,
                files=job.submitted.files,
                own=job.submitted.own,
                limits=job.terms.limits,
                run_all=job.terms.run_all,
                plans=job.terms.plans.get(name),
                plug=job.terms.plug,
            )
        except SubmissionError as error:
            failures[name] = str(error)
        # Exceptions are not sent: the coordinator may be unable to unpickle them.
        except Exception as error:
            logging.exception("%r was not graded", job.student)
            why = str(error) if isinstance(error, CourseError) else sentence_of(error)
            failures[name], passing = f"'{name}.ipynb' was not graded. {why}", True
    return JobOutcome(job.student, results, failures, passing, time.monotonic() - start)
