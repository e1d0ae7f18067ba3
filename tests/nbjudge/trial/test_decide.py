"""How a test is to be run follows from what it gave in each way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nbjudge.course.cells import CourseCell, NotebookVersion
from nbjudge.judge.judge import Verdict
from nbjudge.judge.plans import TestPlan
from nbjudge.trial.decide import Tried, advice_on, gift_of, plans_of, settle_plans

FULL, NONE = Verdict(2.0), Verdict(0.0, reason="✗ Exercise 1: no.")
#: A test that gives nbgrader's marks in each way.
FAIR = Tried(2.0, FULL, NONE, FULL, NONE)
OUTSIDE = TestPlan(allowed=("1 eq",))


def cell(name: str, source: str = "assert f() == 1") -> CourseCell:
    return CourseCell(name, "code", source, True, True, False, False, 2.0)


def plan(tried: Tried, *, is_strict: bool = False) -> TestPlan:
    version = NotebookVersion("sums", (cell("t"),))
    return plans_of(version, {"t": tried}, {"t": OUTSIDE}, is_strict=is_strict)["t"]


def test_a_test_that_gives_nbgraders_marks_outside_is_judged_there() -> None:
    assert plan(FAIR) == plan(FAIR, is_strict=True) == OUTSIDE


@pytest.mark.parametrize(
    ("tried", "why"),
    [
        (replace(FAIR, solved=NONE), "judged outside, it gives the solution 0, and nbgrader 2"),
        (replace(FAIR, untouched=FULL), "it gives the untouched release 2, and nbgrader 0"),
        (replace(FAIR, solved=Verdict(0.0, fault="it copies")), "it copies"),
        (replace(FAIR, untouched=Verdict(0.0, fault="it compares")), "it compares"),
    ],
)
def test_one_that_does_not_runs_inside(tried: Tried, why: str) -> None:
    found = plan(tried)

    assert why in found.inside
    assert (found.fault, found.allowed) == ("", ())


@pytest.mark.parametrize(
    ("solved", "told"),
    [
        (
            Verdict(0.0, reason="✗ Exercise 1: its test stopped with TypeError: no.", stopped_at=2),
            "it gives the solution 0, and nbgrader 2: there its test stopped with TypeError: no, "
            "at line 2 of the test, `assert g() is g()`",
        ),
        (
            Verdict(0.0, fault="it compares two objects by `is`", stopped_at=2),
            "it compares two objects by `is`, at line 2 of the test, `assert g() is g()`",
        ),
        (Verdict(0.0, stopped_at=7), "judged outside, it gives the solution 0, and nbgrader 2"),
    ],
)
def test_the_cause_is_told_with_the_line_of_the_test_that_met_it(
    solved: Verdict, told: str
) -> None:
    version = NotebookVersion("sums", (cell("t", "assert f() == 1\nassert g()  is  g()"),))
    tried = {"t": replace(FAIR, solved=solved)}

    found = plans_of(version, tried, {"t": OUTSIDE}, is_strict=False)["t"].inside

    assert found == told if not solved.reason else found.endswith(told)


def test_what_nbgrader_met_is_the_cause_where_it_gives_less() -> None:
    tried = replace(FAIR, untouched=FULL, stock_untouched=replace(NONE, reason="✗ Exercise 1: no."))

    assert plan(tried).inside.endswith(
        "it gives the untouched release 2, and nbgrader 0: by nbgrader no"
    )


def test_one_that_the_solution_fails_by_nbgrader_itself_is_at_fault() -> None:
    found = plan(Tried(2.0, NONE, NONE, NONE, NONE))

    assert found.fault == "the course's own solution does not pass it (✗ Exercise 1: no)"


def test_a_module_that_is_not_installed_is_named_with_what_to_do() -> None:
    why = "its test stopped with ModuleNotFoundError: No module named 'nose.tools'"
    found = plan(Tried(2.0, NONE, NONE, replace(NONE, reason=why), NONE))

    told = "; install 'nose' where the course is graded, then release again"
    assert found.fault.endswith(told)


def test_one_of_which_nbgrader_refuses_the_mark_is_at_fault() -> None:
    tried = replace(FAIR, stock_solved=Verdict(0.0, fault="nbgrader finds no mark in it (2 > 1)"))

    assert plan(tried).fault == "nbgrader finds no mark in it (2 > 1)"


def test_a_part_of_the_points_will_do_where_a_course_has_no_rules_of_its_own() -> None:
    half = Verdict(1.0)
    tried = Tried(2.0, half, NONE, half, NONE)

    assert plan(tried) == OUTSIDE
    assert "does not pass it" in plan(tried, is_strict=True).fault
    assert advice_on("t", tried) == "the solution gets 1 of its 2 points"


def test_marks_for_nothing_are_told() -> None:
    tried = Tried(2.0, FULL, FULL, FULL, FULL)

    assert plan(tried) == OUTSIDE
    assert gift_of("test_ex_1_2", tried) == "it gives 2 although 1.2 is not answered"
    assert advice_on("test_ex_1_2", tried) == gift_of("test_ex_1_2", tried)
    assert advice_on("t", FAIR) == gift_of("t", FAIR) == ""


def test_what_a_test_that_runs_inside_stands_on_runs_there_too() -> None:
    version = NotebookVersion(
        "sums",
        (
            cell("defines", "def same(a, b):\n    assert a == b\nsame(f(), 1)"),
            cell("alone", "assert f() == 1"),
            cell("uses", "same(f(), 1)"),
        ),
    )
    tried = {"defines": FAIR, "alone": FAIR, "uses": replace(FAIR, solved=NONE)}

    plans = plans_of(version, tried, dict.fromkeys(tried, OUTSIDE), is_strict=False)

    assert plans["defines"].inside == "a later test that runs inside uses what it defines"
    assert plans["alone"] == OUTSIDE
    assert plans["uses"].inside


@pytest.mark.parametrize(("solved", "untouched"), [(NONE, NONE), (FULL, FULL)])
def test_what_gives_nbgraders_marks_nowhere_is_at_fault(
    solved: Verdict, untouched: Verdict
) -> None:
    plans = {"t": TestPlan(inside="it copies"), "held": TestPlan(fault="no")}
    tried = {"t": FAIR, "held": FAIR}

    found = settle_plans(plans, tried, {"t": solved}, {"t": untouched})

    assert found["t"].fault.startswith("it copies; run in the notebook's own process, it gives ")
    assert (found["t"].inside, found["held"]) == ("", plans["held"])


def test_what_gives_them_inside_stays_there() -> None:
    plans = {"t": TestPlan(inside="it copies")}

    assert settle_plans(plans, {"t": FAIR}, {"t": FULL}, {"t": NONE}) == plans


def test_one_that_replaces_what_only_some_answers_use_runs_inside() -> None:
    before = replace(cell("given", "import numpy as np"), grade=False)
    version = NotebookVersion("sums", (before, cell("t", "np.dot = None\nassert f() == 1")))

    found = plans_of(version, {"t": FAIR}, {"t": OUTSIDE}, is_strict=False)["t"]

    assert "replaces np.dot" in found.inside


@pytest.mark.parametrize(
    ("test", "met"),
    [
        ("import sys\nsys.setrecursionlimit(99)", "sys.setrecursionlimit"),
        ("from sys import setrecursionlimit as limit\nlimit(99)", "sys.setrecursionlimit"),
        ("import time as t\nt.process_time()", "time.process_time"),
        ("with np.errstate(divide='raise'):\n    f()", "numpy.errstate"),
        ("warnings.simplefilter('error')", "warnings.simplefilter"),
        ("with warnings.catch_warnings(record=True) as w:\n    f()", "warnings.catch_warnings"),
        ("with pytest.warns(UserWarning):\n    f()", "pytest.warns"),
        ("import os\nos.environ['HOME'] = '/'", "os.environ"),
        ("os.environ.update(HOME='/')", "os.environ"),
        ("import decimal\ndecimal.getcontext().prec = 5", "decimal.getcontext"),
        ("np.seterr(all='ignore')\nwarnings.filterwarnings('ignore')", ""),
        ("import os\nassert os.environ['HOME'] and os.environ.get('USER')", ""),
        ("import time\ntime.perf_counter()", ""),
        ("def getcontext():\n    return 1\ngetcontext()", ""),
        ("no Python", ""),
    ],
)
def test_one_that_is_about_its_process_runs_inside(test: str, met: str) -> None:
    version = NotebookVersion("sums", (cell("t", test),))

    found = plans_of(version, {"t": FAIR}, {"t": OUTSIDE}, is_strict=False)["t"]

    why = f"it uses {met}, which concerns the process that the answer runs in" if met else ""
    assert found.inside == why
