"""What a graded notebook keeps of its outputs: a budget of the whole, whatever a kernel sends."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from nbjudge.sandbox import outputs
from nbjudge.sandbox.outputs import CellOutputs, OutputBudget

LEFT_OUT = "The rest is left out: a notebook may show"


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def with_outputs(*found: dict[str, Any]) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell("")  # type: ignore[no-untyped-call]
    cell.outputs = list(map(nbformat.from_dict, found))
    return cell


def keep(budget: OutputBudget, cell: NotebookNode) -> None:
    budget.keep(cell, cell.outputs)


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

    keep(OutputBudget(1000), cell)

    assert cell.outputs == [honest]


#: What a kernel may put anywhere.
THINGS = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([2.0, 0.5, "", "text"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)
BUNDLES = st.dictionaries(
    st.sampled_from(["text/plain", "application/json", "application/x+json", "a/json", "json", ""]),
    THINGS,
    max_size=2,
)
PARTS = ("name", "text", "data", "metadata", "execution_count", "ename", "evalue", "traceback")
KINDS = st.sampled_from([*outputs.OUTPUT_PARTS, "of no kind", None, 7])


@st.composite
def things_like_outputs(draw: Any) -> dict[str, Any]:
    kind = draw(KINDS)
    parts = {part: draw(BUNDLES | THINGS) for part in outputs.OUTPUT_PARTS.get(kind, PARTS)}
    for part in draw(st.sets(st.sampled_from(PARTS), max_size=1)) if draw(st.booleans()) else ():
        parts.pop(part, None) if part in parts else parts.update({part: draw(THINGS)})
    return {"output_type": kind, **parts}


@settings(max_examples=500)
@given(things_like_outputs())
def test_what_is_an_output_is_one_by_the_schema(output: dict[str, Any]) -> None:
    node = nbformat.from_dict(output)  # type: ignore[no-untyped-call]
    try:
        nbformat.validate(node, ref="output", version=4, version_minor=5)
    except nbformat.ValidationError:
        expected = False
    else:
        expected = True

    assert outputs.is_valid(node) == expected


def test_what_was_printed_piece_by_piece_is_one_output() -> None:
    cell = with_outputs(printed("a"), printed("b"), printed("c", "stderr"), printed("d"))

    keep(OutputBudget(1000), cell)

    assert [output.text for output in cell.outputs] == ["ab", "c", "d"]


def test_many_cells_share_one_budget() -> None:
    budget = OutputBudget(10_000)
    cells = [with_outputs(printed("x" * 900)) for _ in range(40)]

    for cell in cells:
        keep(budget, cell)

    assert all(cell.outputs[0].text == "x" * 900 for cell in cells[:10])
    assert all(cell.outputs[0].data["text/plain"].startswith(LEFT_OUT) for cell in cells[10:])
    assert budget.cut == 30


def test_one_update_that_fills_many_outputs_is_counted_in_each() -> None:
    large = {"output_type": "display_data", "data": {"text/plain": "x" * 1000}, "metadata": {}}
    cell = with_outputs(*[large] * 100)

    keep(OutputBudget(10_000), cell)

    assert size(cell) < 11_000
    assert cell.outputs[-1].data["text/plain"].startswith(LEFT_OUT)


def test_metadata_counts() -> None:
    cell = with_outputs(
        {"output_type": "display_data", "data": {}, "metadata": {"many": ["x" * 10] * 1000}}
    )

    keep(OutputBudget(10_000), cell)

    assert size(cell) < 1000


def test_no_more_outputs_are_kept_than_a_person_could_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outputs, "MOST_CELL_OUTPUTS", 50)
    budget = OutputBudget(10**6)
    cells = [with_outputs(*(printed("x"), printed("y", "stderr")) * 20) for _ in range(3)]

    for cell in cells:
        keep(budget, cell)

    assert [len(cell.outputs) for cell in cells] == [40, 11, 1]
    assert budget.cut == 2


# --- what is read -----------------------------------------------------------------------------


def content(**message: Any) -> bytes:
    return json.dumps(message).encode()


def shows(text: str, name: str = "") -> bytes:
    """Return what a message holds that shows a text, as something with a name if it has one."""
    transient = {"display_id": name} if name else {}
    return content(data={"text/plain": text}, metadata={}, transient=transient)


def texts(shown: CellOutputs) -> list[str]:
    return [output.get("text") or output.data["text/plain"] for output in shown.outputs]


def test_what_jupyter_sends_becomes_the_outputs_of_a_notebook() -> None:
    shown = CellOutputs(10**6)
    shown.take("stream", content(name="stderr", text="a warning"))
    shown.take("display_data", shows("a picture"))
    shown.take("execute_result", content(data={"text/plain": "2"}, metadata={}, execution_count=7))
    shown.take("error", content(ename="E", evalue="of mine", traceback=["here"]))

    cell: NotebookNode = nbformat.v4.new_code_cell("")  # type: ignore[no-untyped-call]
    OutputBudget(10**6).keep(cell, shown.outputs)

    kinds = ["stream", "display_data", "execute_result", "error"]
    assert [output.output_type for output in cell.outputs] == kinds
    assert cell.outputs[2].execution_count == 7


def test_outputs_are_changed_by_their_names() -> None:
    shown = CellOutputs(10**6)
    for message in (shows("a", "one"), shows("b"), shows("c", "one")):
        shown.take("display_data", message)
    assert texts(shown) == ["c", "b", "c"]

    shown.take("update_display_data", shows("d", "one"))
    shown.take("update_display_data", shows("e", "unknown"))

    assert texts(shown) == ["d", "b", "d"]


def test_thousands_of_outputs_of_one_name_cost_no_more_than_as_many_others() -> None:
    shown = CellOutputs(10**9)
    for number in range(outputs.MAX_CELL_FRAMES):
        shown.take("display_data", shows(str(number), "one"))

    assert set(texts(shown)) == {str(outputs.MAX_CELL_FRAMES - 1)}


def test_outputs_are_cleared_at_once_or_when_others_come() -> None:
    shown = CellOutputs(10**6)
    shown.take("display_data", shows("a", "one"))
    shown.take("clear_output", content(wait=False))
    assert texts(shown) == []

    shown.take("display_data", shows("b", "one"))
    shown.take("clear_output", content(wait=True))
    shown.take("update_display_data", shows("c", "one"))
    assert texts(shown) == ["c"]
    shown.take("stream", content(name="stdout", text="d"))
    shown.take("update_display_data", shows("e", "one"))

    assert texts(shown) == ["d"]


def test_a_cell_is_read_as_far_as_there_is_room() -> None:
    shown = CellOutputs(1000)

    assert [shown.has_room("stream", 400) for _ in range(3)] == [True, True, False]
    assert shown.is_cut


def test_an_animation_that_clears_its_outputs_is_no_flood() -> None:
    shown = CellOutputs(1000)

    for _ in range(100):
        assert shown.has_room("clear_output", 100)
        assert shown.has_room("display_data", 800)
    assert not shown.is_cut


def test_values_that_would_fill_memory_are_not_parsed() -> None:
    shown = CellOutputs(10**9)

    shown.take("display_data", shows("[1, 2], " * 10**5))
    shown.take("display_data", content(data={"application/json": [[]] * 10**6}, metadata={}))

    assert len(shown.outputs) == 1
    assert shown.is_cut


def test_frames_without_end_are_not_read() -> None:
    shown = CellOutputs(10**9)

    read = sum(shown.has_room("stream", 0) for _ in range(2 * outputs.MAX_CELL_FRAMES))

    assert read == outputs.MAX_CELL_FRAMES
