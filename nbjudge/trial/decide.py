"""Decide how to run each test of a course, by the marks that it gives in each way.

A mark has to be the one that nbgrader itself gives. A test that gives it when it is judged outside
the student's process is judged there; else it runs inside, if it gives nbgrader's mark there; and
if it gives it nowhere, a person marks its exercise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nbjudge.course.cells import NotebookVersion, exercise_number
from nbjudge.judge.judge import Verdict
from nbjudge.judge.plans import Plans, TestPlan
from nbjudge.judge.surroundings import names_defined_by
from nbjudge.stand_ins.names import free_names
from nbjudge.trial.process_state import process_state_in
from nbjudge.trial.replacements import imported_modules, replacement_in

__all__ = ["Tried", "advice_on", "gift_of", "plans_of", "settle_plans"]

#: The message of an exception about a module that is not installed.
MISSING = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
#: Characters of a test's line, and of the reason why it stopped there, that are shown.
MAX_SHOWN_LINE, MAX_CAUSE = 100, 300
#: Marks that differ by no more count as equal.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Tried:
    """The verdicts of a test on the course's solution, and on the untouched release.

    Parameters
    ----------
    points : float
        The points of the test.
    solved, untouched : Verdict
        Judged outside the notebook's process.
    stock_solved, stock_untouched : Verdict
        Run as nbgrader itself does.
    """

    points: float
    solved: Verdict
    untouched: Verdict
    stock_solved: Verdict
    stock_untouched: Verdict


def plans_of(
    version: NotebookVersion,
    tried: Mapping[str, Tried],
    plans_tried: Plans,
    *,
    is_strict: bool,
) -> dict[str, TestPlan]:
    """Return how to run each test, by its verdicts outside and under nbgrader.

    Parameters
    ----------
    version : NotebookVersion
    tried : mapping of str to Tried
        By the test's grade_id.
    plans_tried : mapping of str to TestPlan
        The plans by which the tests were judged outside.
    is_strict : bool
        Whether the solution has to get all points of each test. If not, some points are enough,
        since a test may award points for several things.
    """
    texts = {cell.grade_id: cell.source for cell in version.cells}
    plans = {
        test: _plan_for(each, texts[test], plans_tried[test], is_strict=is_strict)
        for test, each in tried.items()
    }
    return _with_what_they_need(version, _with_replacements(version, plans))


def _plan_for(tried: Tried, test: str, outside: TestPlan, *, is_strict: bool) -> TestPlan:
    if fault := tried.stock_solved.fault or tried.stock_untouched.fault:
        return TestPlan(fault=fault)
    mark = tried.stock_solved.mark
    if mark < tried.points and (is_strict or mark == 0):
        told = tried.stock_solved.reason or tried.solved.fault or tried.solved.reason
        why = " ".join(told.split()).removesuffix(".")
        fault = f"the course's own solution does not pass it ({why})"
        if missing := MISSING.search(why):
            fault += f"; install '{missing[1]}' where the course is graded, then release again"
        return TestPlan(fault=fault)
    for who, found, expected in (
        ("the solution", tried.solved, tried.stock_solved),
        ("the untouched release", tried.untouched, tried.stock_untouched),
    ):
        if found.fault:
            return TestPlan(inside=found.fault + _place_of(found, test))
        if difference := _difference_of_marks(who, found, expected):
            return TestPlan(inside=difference + _cause_of(found, expected, test))
    return outside


def _difference_of_marks(who: str, found: Verdict, expected: Verdict) -> str:
    if abs(found.mark - expected.mark) <= TOLERANCE:
        return ""
    return f"judged outside, it gives {who} {found.mark:g}, and nbgrader {expected.mark:g}"


def _cause_of(found: Verdict, expected: Verdict, test: str) -> str:
    """Return why the lower mark was given, to follow the difference; empty if not known."""
    where, less = ("there", found) if found.mark < expected.mark else ("by nbgrader", expected)
    said = re.sub(r"^✗ Exercise [^:]*: ", "", " ".join(less.reason.split()))
    if not said:
        return ""
    return f": {where} {said[:MAX_CAUSE].removesuffix('.')}{_place_of(less, test)}"


def _place_of(verdict: Verdict, test: str) -> str:
    """Return the line at which a test stopped, to follow the reason; empty if it is not known."""
    number, lines = verdict.stopped_at, test.splitlines()
    if not 0 < number <= len(lines):
        return ""
    line = " ".join(lines[number - 1].split())
    shown = line if len(line) <= MAX_SHOWN_LINE else f"{line[: MAX_SHOWN_LINE - 1]}…"
    return f", at line {number} of the test, `{shown}`"


def _with_replacements(version: NotebookVersion, plans: Plans) -> dict[str, TestPlan]:
    """Plan to run inside, too, tests that replace or set something that an answer may use."""
    found = dict(plans)
    modules = frozenset().union(*(imported_modules(cell.source) for cell in version.cells))
    for cell in version.cells:
        plan = found.get(cell.grade_id)
        if plan is None or plan.inside or plan.fault:
            continue
        if replaced := replacement_in(cell.source, modules):
            why = f"it replaces {replaced}, which an answer may use"
            found[cell.grade_id] = TestPlan(inside=why)
        elif met := process_state_in(cell.source):
            why = f"it uses {met}, which concerns the process that the answer runs in"
            found[cell.grade_id] = TestPlan(inside=why)
    return found


def _with_what_they_need(version: NotebookVersion, plans: Plans) -> dict[str, TestPlan]:
    """Plan to run inside, too, tests whose definitions are used by a test that runs inside."""
    found = dict(plans)
    tests = [cell for cell in version.cells if cell.is_test and cell.grade_id in plans]
    used: set[str] = set()
    for cell in reversed(tests):
        plan = found[cell.grade_id]
        if not plan.inside and not plan.fault and used & names_defined_by(cell.source):
            plan = replace(plan, inside="a later test that runs inside uses what it defines")
            found[cell.grade_id] = plan
        if plan.inside:
            used |= set(free_names(cell.source))
    return found


def settle_plans(
    plans: Plans,
    tried: Mapping[str, Tried],
    solved: Mapping[str, Verdict],
    untouched: Mapping[str, Verdict],
) -> dict[str, TestPlan]:
    """Return the plans, with a fault for each test that does not give nbgrader's marks by its plan.

    Parameters
    ----------
    plans : mapping of str to TestPlan
        What `plans_of` returned.
    tried : mapping of str to Tried
    solved, untouched : mapping of str to Verdict
        The tests' verdicts when run by these plans.
    """
    found = dict(plans)
    for test, plan in plans.items():
        if plan.fault:
            continue
        why = _difference_of_marks("the solution", solved[test], tried[test].stock_solved)
        why = why or _difference_of_marks(
            "the untouched release", untouched[test], tried[test].stock_untouched
        )
        if why:
            again = why.replace("judged outside", "run in the notebook's own process")
            found[test] = replace(plan, fault=f"{plan.inside}; {again}", inside="")
    return found


def gift_of(test: str, tried: Tried) -> str:
    """Return a sentence about a test that gives marks to an untouched release; else empty."""
    if tried.stock_untouched.mark <= 0:
        return ""
    given, exercise = tried.stock_untouched.mark, exercise_number(test)
    return f"it gives {given:g} although {exercise} is not answered"


def advice_on(test: str, tried: Tried) -> str:
    """Return what an instructor should know about a test; often empty."""
    if 0 < tried.stock_solved.mark < tried.points:
        return f"the solution gets {tried.stock_solved.mark:g} of its {tried.points:g} points"
    return gift_of(test, tried)
