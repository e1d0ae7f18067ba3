"""Run tests inside the student's process, as nbgrader runs all tests, if they work only there.

A student's code can tamper with such a test, since both share a process. So it runs last, in a
separate kernel in which there are no other tests.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from nbjudge.course.cells import exercise_number, is_test
from nbjudge.judge.judge import MAX_PRINT_OUT, Verdict, readable
from nbjudge.judge.notebook_run import NotebookRun

__all__ = ["examine_inside", "verdict_of"]


def examine_inside(
    cells: Iterable[NotebookNode],
    inside: Collection[str],
    run: NotebookRun,
    imports: Mapping[str, str],
) -> dict[str, Verdict]:
    """Run the cells of a notebook, with some of its tests in their places.

    Parameters
    ----------
    cells : iterable of NotebookNode
        They are not changed.
    inside : collection of str
        The grade_ids of the tests to run; other tests are left out.
    run : NotebookRun
        A run in which no cell has run yet.
    imports : mapping of str to str
        The course's import statements that a test needs, by grade_id. They may stand in tests that
        are left out.

    Returns
    -------
    dict of str to Verdict
        By grade_id.
    """
    verdicts: dict[str, Verdict] = {}
    for cell in cells:
        if cell.cell_type != "code":
            continue
        if not is_test(cell):
            run.execute(deepcopy(cell))
        elif (name := cell.metadata.nbgrader.grade_id) in inside:
            start = time.monotonic()
            if text := imports.get(name):
                run.execute(nbformat.v4.new_code_cell(text))  # type: ignore[no-untyped-call]
            ran = deepcopy(cell)
            ran.outputs = []
            del ran.metadata["nbgrader"]  # so that `execute` treats it as an ordinary cell
            run.execute(ran)
            ran.metadata["nbgrader"] = cell.metadata.nbgrader
            verdicts[name] = verdict_of(ran, time.monotonic() - start)
    return verdicts


def verdict_of(cell: NotebookNode, seconds: float = 0.0) -> Verdict:
    """Return the verdict that nbgrader reads from the outputs of a test cell.

    Parameters
    ----------
    cell : NotebookNode
        With nbgrader's metadata.
    seconds : float
        How long it took.
    """
    exercise = exercise_number(cell.metadata.nbgrader.grade_id)
    try:
        mark, points = determine_grade(cell)
    except (ValueError, KeyError) as error:
        return Verdict(0.0, fault=f"nbgrader finds no mark in it ({error})", seconds=seconds)
    reason = "" if mark >= points else _reason_inside(cell, exercise, mark, points)
    printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
    return Verdict(
        mark=float(mark),
        reason=readable(reason),
        printed=readable(printed, 10 * MAX_PRINT_OUT),
        seconds=seconds,
    )


def _reason_inside(cell: NotebookNode, exercise: str, mark: float, points: float) -> str:
    error = next((output for output in cell.outputs if output.output_type == "error"), None)
    if error is None and mark > 0:
        return f"✗ Exercise {exercise}: {mark:g} of {points:g} points."
    if error is None:
        return f"✗ Exercise {exercise}: it wrote to the error stream, which counts as a failure."
    name, said = str(error.get("ename", "")), str(error.get("evalue", ""))
    if name == "NotImplementedError" and not said:
        return f"✗ Exercise {exercise} has no answer yet."
    if name in ("AssertionError", "CheckFailed", "Stopped"):
        told = said or "a check does not hold"
        return told if told.startswith("✗") else f"✗ Exercise {exercise}: {told.removesuffix('.')}."
    told = f"{name}: {said}" if said else name
    return f"✗ Exercise {exercise}: its test stopped with {told.removesuffix('.')}."
