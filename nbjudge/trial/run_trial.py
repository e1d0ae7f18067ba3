"""The trial of a version: run each test in each way on the solution and on the untouched release.

Both are judged outside, and run as nbgrader runs them. If the marks of a test differ, both are
judged once more by the plans that follow. The caller supplies the function that judges, so that a
class's workers can do it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nbjudge.course.cells import NotebookVersion
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.usage import Usage
from nbjudge.judge.notebooks import GradedNotebook
from nbjudge.judge.plans import ORDINARY, Plans, TestPlan
from nbjudge.trial.decide import Tried, plans_of, settle_plans
from nbjudge.trial.stock_process import StockRun, Verdicts, run_beside

__all__ = ["Trial", "run_trial"]

#: The two hand-ins, as messages call them; the names also seed their random inputs.
SOLVED, AS_RELEASED = "the course's solution", "the untouched release"

#: Calls in a test that seed the generators from which it expects the answer to draw.
SEEDS = re.compile(r"\b(?:seed|manual_seed|set_state|setstate|set_rng_state)\(")

Versions = Mapping[str, NotebookVersion]
NotebookBytes = Mapping[str, bytes]


class JudgedHandIn(Protocol):
    """The outcome of judging a hand-in, such as a `JobOutcome`."""

    @property
    def results(self) -> Mapping[str, GradedNotebook]:
        """The graded notebooks, by name."""

    @property
    def failures(self) -> Mapping[str, str]:
        """Sentences why a notebook could not be judged, by name."""


#: Takes the name of a hand-in, its notebooks and the tests' plans, and judges it.
JudgeNotebooks = Callable[[str, NotebookBytes, Mapping[str, Plans]], JudgedHandIn]


@dataclass(frozen=True)
class Trial:
    """The results of a trial.

    Parameters
    ----------
    tried : mapping
        The verdicts of each test, by notebook and the test's grade_id.
    plans : mapping
        The plan for each test, likewise.
    used : tuple of Usage
        What the kernels used.
    is_sure : bool
        Whether no kernel was lost, so that a repetition would give the same.
    """

    tried: Mapping[str, Mapping[str, Tried]]
    plans: Mapping[str, Plans]
    used: tuple[Usage, ...]
    is_sure: bool


def run_trial(
    versions: Versions,
    solved: NotebookBytes,
    untouched: NotebookBytes,
    judge: JudgeNotebooks,
    *,
    files: Mapping[str, bytes],
    environment: Mapping[str, str],
    cell_seconds: int,
    is_strict: bool,
) -> Trial:
    """Try each test of a version in each way.

    Parameters
    ----------
    versions : mapping of str to NotebookVersion
    solved, untouched : mapping of str to bytes
        The notebooks of the solution, and of the release as it goes out.
    judge : callable
    files : mapping of str to bytes
        The files beside the notebooks.
    environment : mapping of str to str
        Additional environment variables of the notebooks.
    cell_seconds : int
        The time limit of one cell.
    is_strict : bool
        See `plans_of`.

    Raises
    ------
    CourseError
        If the solution or the release cannot be judged.
    """
    runs = [
        StockRun(who.capitalize(), notebooks, versions, files, environment, cell_seconds)
        for who, notebooks in ((SOLVED, solved), (AS_RELEASED, untouched))
    ]
    with run_beside(runs) as verdicts_of_runs:
        rounds = [_learn(judge, solved, untouched, _for_all(versions, TestPlan(learns=True)))]
        stock = verdicts_of_runs()
    tried, plans = _decide(versions, rounds[-1], stock, is_strict=is_strict)
    if _any_inside(plans):
        learning = {name: _share_more(versions[name], plans[name]) for name in plans}
        rounds.append(_learn(judge, solved, untouched, learning))
        tried, plans = _decide(versions, rounds[-1], stock, is_strict=is_strict)
    if _any_inside(plans):
        again = _judge_handed_in(judge, SOLVED, solved, plans)
        also = _judge_handed_in(judge, AS_RELEASED, untouched, plans)
        rounds.append(_Round(again, also, plans))
        plans = {
            name: settle_plans(plans[name], tried[name], again[name].verdicts, also[name].verdicts)
            for name in plans
        }
    results = [result for each in rounds for result in each.results]
    return Trial(tried, plans, tuple(result.used for result in results), not _is_lost(results))


@dataclass(frozen=True)
class _Round:
    """The results of both hand-ins, and the plans by which other hand-ins would be judged alike."""

    solved: Mapping[str, GradedNotebook]
    untouched: Mapping[str, GradedNotebook]
    plans: Mapping[str, Plans]

    @property
    def results(self) -> list[GradedNotebook]:
        return [*self.solved.values(), *self.untouched.values()]


def _learn(
    judge: JudgeNotebooks,
    solved: NotebookBytes,
    untouched: NotebookBytes,
    learning: Mapping[str, Plans],
) -> _Round:
    """Judge the solution and record the tests' operations; judge the release with only these."""
    found = _judge_handed_in(judge, SOLVED, solved, learning)
    plans = {
        name: {
            test: replace(
                learning[name].get(test, ORDINARY),
                allowed=each.did,
                learns=False,
                learns_names=False,
            )
            for test, each in result.verdicts.items()
        }
        for name, result in found.items()
    }
    return _Round(found, _judge_handed_in(judge, AS_RELEASED, untouched, plans), plans)


def _decide(
    versions: Versions, outside: _Round, stock: Sequence[Verdicts], *, is_strict: bool
) -> tuple[dict[str, dict[str, Tried]], dict[str, Plans]]:
    """Return the verdicts of each test in each way, and the plans that follow."""
    solved, untouched = stock
    tried = {
        name: {
            cell.grade_id: Tried(
                cell.points,
                outside.solved[name].verdicts[cell.grade_id],
                outside.untouched[name].verdicts[cell.grade_id],
                solved[name][cell.grade_id],
                untouched[name][cell.grade_id],
            )
            for cell in version.cells
            if cell.grade_id in outside.plans[name]
        }
        for name, version in versions.items()
    }
    plans: dict[str, Plans] = {
        name: plans_of(version, tried[name], outside.plans[name], is_strict=is_strict)
        for name, version in versions.items()
    }
    return tried, plans


def _any_inside(plans: Mapping[str, Plans]) -> bool:
    return any(plan.inside for tests in plans.values() for plan in tests.values())


def _share_more(version: NotebookVersion, plans: Plans) -> Plans:
    """Return plans by which tests with differing marks share variables and generators, too."""
    return {
        cell.grade_id: TestPlan(
            learns=True,
            learns_names=bool(plans[cell.grade_id].inside),
            shares_generators=bool(plans[cell.grade_id].inside and SEEDS.search(cell.source)),
        )
        for cell in version.cells
        if cell.grade_id in plans
    }


def _for_all(versions: Versions, plan: TestPlan) -> dict[str, Plans]:
    return {
        name: {cell.grade_id: plan for cell in version.cells if cell.is_test}
        for name, version in versions.items()
    }


def _judge_handed_in(
    judge: JudgeNotebooks, who: str, notebooks: NotebookBytes, plans: Mapping[str, Plans]
) -> Mapping[str, GradedNotebook]:
    """Judge a hand-in, and again if a kernel is lost, since the machine may have been busy."""
    for _ in range(2):
        found = judge(who, notebooks, plans)
        for failure in found.failures.values():
            raise CourseError(f"{who.capitalize()} could not be judged. {failure}")
        if not _is_lost(found.results.values()):
            break
    return found.results


def _is_lost(results: Iterable[GradedNotebook]) -> bool:
    return any(verdict.lost for result in results for verdict in result.verdicts.values())
