"""What a graded notebook keeps of its outputs: a budget of the whole, whatever a kernel sends."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from nbjudge.sandbox import outputs
from nbjudge.sandbox.outputs import Intake, OutputBudget

LEFT_OUT = "The rest is left out: a notebook may show"


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def with_outputs(*found: dict[str, Any]) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell("")  # type: ignore[no-untyped-call]
    cell.outputs = list(map(nbformat.from_dict, found))
    return cell


def size(cell: NotebookNode) -> int:
    return sum(len(json.dumps(output)) for output in cell.outputs)


# --- what is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        {"output_type": "stream", "name": "stdout", "text": {"a": 1}},
        {"output_type": "stream", "name": "stdout", "text": "half a pair: \ud800"},
        {"output_type": "display_data", "data": 7, "metadata": {}},
        {
            "output_type": "display_data",
            "data": {"application/json": float("nan")},
            "metadata": {},
        },
        {"output_type": "of no kind"},
    ],
)
def test_outputs_that_no_file_can_hold_are_dropped(forged: dict[str, Any]) -> None:
    honest = {"output_type": "stream", "name": "stdout", "text": "honest\n"}
    cell = with_outputs(forged, honest)

    OutputBudget(1000).keep(cell)

    assert cell.outputs == [honest]


def test_what_was_printed_piece_by_piece_is_one_output() -> None:
    cell = with_outputs(printed("a"), printed("b"), printed("c", "stderr"), printed("d"))

    OutputBudget(1000).keep(cell)

    assert [output.text for output in cell.outputs] == ["ab", "c", "d"]


def test_many_cells_share_one_budget() -> None:
    budget = OutputBudget(10_000)
    cells = [with_outputs(printed("x" * 900)) for _ in range(40)]

    for cell in cells:
        budget.keep(cell)

    assert all(cell.outputs[0].text == "x" * 900 for cell in cells[:10])
    assert all(cell.outputs[0].data["text/plain"].startswith(LEFT_OUT) for cell in cells[10:])
    assert budget.cut == 30


def test_one_update_that_fills_many_outputs_is_counted_in_each() -> None:
    large = {"output_type": "display_data", "data": {"text/plain": "x" * 1000}, "metadata": {}}
    cell = with_outputs(*[large] * 100)

    OutputBudget(10_000).keep(cell)

    assert size(cell) < 11_000
    assert cell.outputs[-1].data["text/plain"].startswith(LEFT_OUT)


def test_metadata_counts() -> None:
    cell = with_outputs(
        {"output_type": "display_data", "data": {}, "metadata": {"many": ["x" * 10] * 1000}}
    )

    OutputBudget(10_000).keep(cell)

    assert size(cell) < 1000


def test_no_more_outputs_are_kept_than_a_person_could_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outputs, "MOST_OUTPUTS", 50)
    budget = OutputBudget(10**6)
    cells = [with_outputs(*(printed("x"), printed("y", "stderr")) * 20) for _ in range(3)]

    for cell in cells:
        budget.keep(cell)

    assert [len(cell.outputs) for cell in cells] == [40, 11, 1]
    assert budget.cut == 2


# --- what is read -----------------------------------------------------------------------------


def test_a_cell_is_read_as_far_as_there_is_room() -> None:
    intake = Intake(1000)

    assert [intake.admits("stream", 400, b"{}") for _ in range(3)] == [True, True, False]
    assert intake.is_cut
    assert intake.admits("status", 100, b"{}")


def test_an_animation_that_clears_its_outputs_is_no_flood() -> None:
    intake = Intake(1000)

    for _ in range(100):
        assert intake.admits("clear_output", 100, b"{}")
        assert intake.admits("display_data", 800, b"{}")
    assert not intake.is_cut


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "execute_input", "unheard_of", None, 7])
def test_what_shows_nothing_is_not_read(kind: Any) -> None:
    intake = Intake(1000)

    assert not intake.admits(kind, 100, b"{}")
    assert not intake.is_cut


def test_values_that_would_fill_memory_are_not_parsed() -> None:
    intake = Intake(10**9)

    assert intake.admits("display_data", 1, json.dumps({"text": "[1, 2], " * 10**5}).encode())
    assert not intake.admits("display_data", 1, json.dumps([[]] * 10**6).encode())
    assert intake.is_cut


def test_messages_without_end_are_not_read() -> None:
    intake = Intake(10**9)

    admitted = sum(intake.admits("stream", 0, b"{}") for _ in range(2 * outputs.MAX_MESSAGES))

    assert admitted == outputs.MAX_MESSAGES
