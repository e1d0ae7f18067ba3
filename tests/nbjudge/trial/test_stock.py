"""What nbgrader itself makes of a notebook of the course's own."""

from __future__ import annotations

from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from nbjudge.judge.judge import Verdict
from nbjudge.trial.stock import stock_verdicts

pytestmark = pytest.mark.slow

TEST = {
    **{"grade": True, "grade_id": "test_1", "locked": True, "points": 2, "schema_version": 3},
    **{"solution": False, "task": False},
}


def verdict_on(test: str, *cells: str) -> Verdict:
    notebook = new_notebook(
        cells=[*map(new_code_cell, cells), new_code_cell(test, metadata={"nbgrader": TEST})]
    )
    return stock_verdicts(notebook, files={}, cell_seconds=60)["test_1"]


def test_a_notebook_with_an_output_widget_runs() -> None:
    shows = "import ipywidgets\nshown = ipywidgets.Output()\nwith shown:\n    print(1)\nshown"

    assert verdict_on("assert shown is not None", shows).mark == 2


def test_what_stopped_the_cell_that_defines_a_name_is_the_reason() -> None:
    verdict = verdict_on("assert table", "x = 1", "table = open('/nowhere/at/all')")

    assert verdict.mark == 0
    assert "name 'table' is not defined" in verdict.reason
    assert "cell 2 stopped with FileNotFoundError: " in verdict.reason


def test_a_module_that_is_not_installed_is_the_reason_where_a_name_of_it_is_missing() -> None:
    verdict = verdict_on("assert thing", "from nowhere_at_all import thing")

    assert "cell 1 stopped with ModuleNotFoundError: " in verdict.reason


def test_a_name_that_nothing_defines_has_no_further_reason() -> None:
    verdict = verdict_on("assert table", "1 / 0")

    assert verdict.reason.endswith("NameError: name 'table' is not defined.")


def test_a_kernel_whose_port_was_taken_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    execute = NotebookClient.async_execute
    started = []

    async def taken_at_first(client: Any, **settings: Any) -> Any:
        started.append(client)
        if len(started) == 1:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return await execute(client, **settings)

    monkeypatch.setattr(NotebookClient, "async_execute", taken_at_first)

    assert verdict_on("assert True").mark == 2
    assert len(started) == 2
