"""Tests that run in the student's process: nbgrader's marks, and nothing else to be found there."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from processes import PATIENCE

from nbjudge.judge.inside import verdict_of
from nbjudge.judge.notebooks import Graded, grade_notebook
from nbjudge.judge.plans import TestPlan
from nbjudge.sandbox.limits import Limits

LIMITS = Limits(cell_seconds=PATIENCE, call_seconds=PATIENCE, output_bytes=2**20)
INSIDE = TestPlan(inside="it looks into the answer")


def test_cell(source: str, name: str, *outputs: NotebookNode) -> NotebookNode:
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))  # type: ignore[no-untyped-call]
    own = {"grade": True, "solution": False, "points": 2.0, "grade_id": name}
    cell.metadata.nbgrader = own
    return cell  # type: ignore[no-any-return]


test_cell.__test__ = False  # type: ignore[attr-defined]


def output(kind: str, **content: Any) -> NotebookNode:
    return nbformat.v4.new_output(kind, **content)  # type: ignore[no-untyped-call, no-any-return]


def result(text: str) -> NotebookNode:
    return output("execute_result", data={"text/plain": text})


def failure(name: str, said: str) -> NotebookNode:
    return output("error", ename=name, evalue=said, traceback=[])


@pytest.mark.parametrize(
    ("outputs", "mark", "reason"),
    [
        ([], 2, ""),
        ([result("0.5")], 0.5, "0.5 of 2 points"),
        ([result("True")], 2, ""),
        ([result("'a'")], 2, ""),
        ([output("stream", name="stdout", text="0.5")], 2, ""),
        ([output("stream", name="stderr", text="careful")], 0, "wrote to the error stream"),
        ([failure("AssertionError", "too small")], 0, "✗ Exercise 1.1: too small."),
        ([failure("AssertionError", "")], 0, "a check does not hold"),
        ([failure("NotImplementedError", "")], 0, "has no answer yet"),
        ([failure("KeyError", "'a'")], 0, "its test stopped with KeyError: 'a'"),
        ([failure("CheckFailed", "✗ Exercise 1.1: no.")], 0, "✗ Exercise 1.1: no."),
    ],
)
def test_the_mark_is_what_nbgrader_reads_in_the_outputs(
    outputs: list[NotebookNode], mark: float, reason: str
) -> None:
    verdict = verdict_of(test_cell("", "test_ex_1_1", *outputs))

    assert (verdict.mark, verdict.fault) == (mark, "")
    assert reason in verdict.reason
    assert bool(verdict.reason) == (mark < 2)


def test_more_than_the_points_is_a_fault_as_for_nbgrader() -> None:
    assert "nbgrader finds no mark" in verdict_of(test_cell("", "t", result("3"))).fault


def grade(*cells: NotebookNode | str, inside: tuple[str, ...]) -> Graded:
    made = [
        nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell  # type: ignore[no-untyped-call]
        for cell in cells
    ]
    notebook = nbformat.v4.new_notebook(cells=made)  # type: ignore[no-untyped-call]
    return grade_notebook(notebook, limits=LIMITS, plans=dict.fromkeys(inside, INSIDE))


@pytest.mark.slow
def test_tests_inside_meet_the_notebook_as_it_is_where_they_stand() -> None:
    graded = grade(
        "def f():\n    return 1",
        test_cell("assert f() == 1", "outside"),
        test_cell("kept = f\ndel f\nassert 'f' not in globals()\nf = kept", "first"),
        "def f():\n    return 2",
        test_cell("assert f() == 2 and kept() == 1", "second"),
        test_cell("assert f() == 1", "wrong"),
        inside=("first", "second", "wrong"),
    )

    found = {name: verdict.mark for name, verdict in graded.verdicts.items()}
    assert found == {"outside": 2, "first": 2, "second": 2, "wrong": 0}
    assert graded.verdicts["wrong"].reason == "✗ Exercise wrong: a check does not hold."


@pytest.mark.slow
def test_no_test_that_is_judged_outside_is_to_be_found_inside() -> None:
    graded = grade(
        "found = []",
        test_cell("secret = 'hidden text'\nassert found == []", "outside"),
        test_cell("assert not any('hidden' + ' text' in text for text in In)", "inside"),
        inside=("inside",),
    )

    assert [verdict.mark for verdict in graded.verdicts.values()] == [2, 2]


@pytest.mark.slow
def test_what_ends_the_process_inside_costs_that_test_alone_and_is_told_once() -> None:
    graded = grade(
        "import os\ndef f():\n    os._exit(0)",
        "def g():\n    return 1",
        test_cell("assert g() == 1", "outside"),
        test_cell("f()", "ends"),
        test_cell("assert g() == 1", "after"),
        inside=("ends", "after"),
    )

    marks = {name: verdict.mark for name, verdict in graded.verdicts.items()}
    assert marks == {"outside": 2, "ends": 0, "after": 2}
    assert len(graded.remarks) == 1
