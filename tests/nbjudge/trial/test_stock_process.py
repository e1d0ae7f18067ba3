"""The course's own notebooks are run as nbgrader does in another process, side by side."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Mapping

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbjudge.course.cells import CourseCell, NotebookVersion
from nbjudge.exceptions import CourseError
from nbjudge.trial.stock_process import StockRun, run_beside

pytestmark = pytest.mark.slow

TEXT = "assert x == 1"
TEST = CourseCell("test_1", "code", TEXT, True, True, False, False, 2.0)
METADATA = {
    **{"grade": True, "grade_id": "test_1", "locked": True, "points": 2, "schema_version": 3},
    **{"solution": False, "task": False},
}


def run_of(answer: str, who: str = "The solution") -> StockRun:
    cells = [new_code_cell(answer), new_code_cell(TEXT, metadata={"nbgrader": METADATA})]
    notebooks: Mapping[str, bytes] = {"sums": nbformat.writes(new_notebook(cells=cells)).encode()}
    return StockRun(who, notebooks, {"sums": NotebookVersion("sums", (TEST,))}, {}, {}, 60)


def processes() -> list[multiprocessing.process.BaseProcess]:
    return [each for each in multiprocessing.active_children() if each.name == "stock"]


def test_each_run_gets_what_it_would_get_here() -> None:
    runs = [run_of("x = 1"), run_of("x = 2")]

    with run_beside(runs) as verdicts:
        beside = verdicts()

    assert [each["sums"]["test_1"].mark for each in beside] == [2, 0]
    assert beside == [run.verdicts() for run in runs]


def test_nothing_runs_in_a_thread_of_this_process_whose_locks_a_fork_would_inherit() -> None:
    before = threading.enumerate()

    with run_beside([run_of("x = 1"), run_of("x = 2")]) as verdicts:
        meanwhile = threading.enumerate()
        verdicts()

    assert meanwhile == before


def test_whose_kernel_ends_is_told() -> None:
    ends = run_of("import os\nos.kill(os.getpid(), 9)", "The untouched release")

    with (
        run_beside([run_of("x = 1"), ends]) as verdicts,
        pytest.raises(CourseError, match=r"^The untouched release could not be run. Its kernel"),
    ):
        verdicts()


def test_whoever_leaves_early_leaves_no_process_behind() -> None:
    with run_beside([run_of("import time\ntime.sleep(600)")]):
        assert len(processes()) == 1

    assert not processes()


def test_a_process_that_was_killed_is_told() -> None:
    with run_beside([run_of("x = 1")]) as verdicts:
        (process,) = processes()
        process.kill()

        with pytest.raises(CourseError, match="as nbgrader does ended"):
            verdicts()
