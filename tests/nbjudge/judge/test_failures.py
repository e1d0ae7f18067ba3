"""Why an answer is not there: the cell that stopped, its line, and what that came from."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from nbjudge.judge.failures import NOT_RUN, Failures
from nbjudge.judge.judge import Test, judge
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel

LOSS = "def loss(w):\n    return w"


def cell(
    source: str, error: str = "", said: str = "", line: int = 1, *, grade_id: str = ""
) -> NotebookNode:
    """Return a cell that has run, and stopped at a line if there is an error."""
    outputs = []
    if error:
        trace = [
            f"\x1b[31m{error}\x1b[39m  Traceback",
            f"\x1b[36mCell In[7]\x1b[39m, line {line}\n",
        ]
        outputs.append(_output("error", ename=error, evalue=said, traceback=trace))
    made = nbformat.v4.new_code_cell(source, outputs=outputs)  # type: ignore[no-untyped-call]
    if grade_id:
        made.metadata.nbgrader = {"grade_id": grade_id}
    return made  # type: ignore[no-any-return]


def _output(kind: str, **content: Any) -> NotebookNode:
    return nbformat.v4.new_output(kind, **content)  # type: ignore[no-untyped-call, no-any-return]


def reason(*cells: NotebookNode, test: str = "loss(1)", **namespace: Any) -> str:
    """Return why marks of 1.1.1 are lost after these cells, which left this namespace."""
    service = Service(namespace)
    line = KernelChannel(lambda request, _: service.answer(request), Limits())
    return judge(Test("1.1.1", test, 2.0), line, causes=Failures(cells)).reason


def test_an_answer_whose_cell_stopped_is_told_with_its_line_and_a_hint() -> None:
    answer = cell(
        f"import math\nfrom google.colab import drive\n{LOSS}",
        *("ModuleNotFoundError", "No module named 'google'", 2),
        grade_id="ex_1_1_1",
    )

    assert reason(answer) == (
        "✗ Exercise 1.1.1: your answer's cell stopped at line 2, `from google.colab import drive`, "
        "with ModuleNotFoundError: No module named 'google', so `loss` is not defined.\n"
        "  Where notebooks are graded that module is not installed: do without it."
    )


@pytest.mark.parametrize(
    ("error", "said", "told"),
    [
        ("SyntaxError", "invalid syntax (4119862661.py, line 1)", "SyntaxError: invalid syntax"),
        ("KeyError", "'a\x1b[2J'", "KeyError: 'a�[2J'"),
        ("AssertionError", "Torch not compiled with CUDA enabled", "there is no GPU"),
        ("StdinNotImplementedError", "raw_input was called", "nobody is there to type"),
        ("SyntaxError", "invalid non-printable character U+00A0", "Delete that space"),
        ("ValueError", "", "with ValueError, so `loss` is not defined."),
        ("ValueError", "x" * 5000, "xxx…, so `loss` is not defined."),
    ],
)
def test_whatever_stopped_it_is_told_safely(error: str, said: str, told: str) -> None:
    found = reason(cell(LOSS, error, said, grade_id="ex_1_1_1"))

    assert told in found
    assert len(found) < 800


def test_names_that_one_cell_was_to_define_are_told_together() -> None:
    answer = cell("w1 = 0\nw2 = 1 / 0\nlow = 3", "ZeroDivisionError", "", 2, grade_id="ex_1_1_1")

    found = reason(answer, test="assert w1 + w2 == low", w1=0)

    assert "line 2, `w2 = 1 / 0`, with ZeroDivisionError, so `low` and `w2` are not" in found


def test_what_an_earlier_cell_was_to_define_leads_back_to_it() -> None:
    cells = (
        cell("import foo", "ModuleNotFoundError", "No module named 'foo'"),
        cell("base = foo.Base", "NameError", "name 'foo' is not defined"),
        cell(
            "class loss(base): ...", "NameError", "name 'base' is not defined", grade_id="ex_1_1_1"
        ),
    )

    assert reason(*cells).splitlines()[1:] == [
        "  `base` is not defined, since an earlier cell stopped at line 1, `base = foo.Base`, with "
        "NameError: name 'foo' is not defined.",
        "  `foo` is not defined, since an earlier cell stopped at line 1, `import foo`, with "
        "ModuleNotFoundError: No module named 'foo'.",
        "  Where notebooks are graded that module is not installed: do without it.",
    ]


def test_a_cell_without_an_id_that_was_to_define_the_answer_is_an_earlier_cell() -> None:
    found = reason(cell(LOSS, "OSError", "gone"))

    assert found == (
        "✗ Exercise 1.1.1: `loss` is not defined, since an earlier cell stopped at line 1, "
        "`def loss(w):`, with OSError: gone."
    )


def test_a_cell_that_was_stopped_or_left_out_is_told_as_it_was() -> None:
    said = "This cell did not end and was left out: the kernel died."
    answer = cell(LOSS, "Stopped", said, grade_id="ex_1_1_1")

    assert reason(answer) == (
        "✗ Exercise 1.1.1: your answer's cell did not end and was left out: the kernel died, "
        "so `loss` is not defined."
    )


def test_a_cell_that_only_shows_something_is_told_as_not_run() -> None:
    shows = cell(LOSS)
    shows.outputs = [_output("display_data", data={"text/plain": NOT_RUN})]

    assert reason(shows) == (
        "✗ Exercise 1.1.1: `loss` is not defined, since an earlier cell only shows something, "
        "and was not run."
    )


def test_a_magic_that_is_not_there_stops_a_cell_without_an_error() -> None:
    answer = cell(f"%tensorboard\n{LOSS}", grade_id="ex_1_1_1")
    answer.outputs = [_output("stream", name="stderr", text="UsageError: Line magic not found.\n")]

    assert "your answer's cell stopped with UsageError: Line magic not found, so" in reason(answer)


def test_of_chained_exceptions_the_last_counts_and_the_line_is_the_cells_own() -> None:
    answer = cell("try:\n    1 / 0\nexcept Exception:\n    x = foo", grade_id="ex_1_1_1")
    trace = [
        "ZeroDivisionError",
        "Cell In[6], line 2\n      1 try:\n----> 2     1 / 0",
        "\nDuring handling of the above exception, another exception occurred:\n",
        "NameError",
        "Cell In[6], line 4\n----> 4     x = foo",
        "Cell In[5], line 1, in helper()",
    ]
    named = {"ename": "NameError", "evalue": "name 'foo' is not defined", "traceback": trace}
    answer.outputs = [_output("error", **named)]

    assert "stopped at line 4, `x = foo`, with NameError" in reason(answer)


@pytest.mark.parametrize("line", [0, 3, 10**30])
def test_a_line_that_is_not_there_is_not_told(line: int) -> None:
    found = reason(cell(LOSS, "ValueError", "no", line, grade_id="ex_1_1_1"))

    assert "your answer's cell stopped with ValueError: no, so" in found


def test_a_stub_that_stops_is_no_answer_yet() -> None:
    stub = cell("# Set loss.\nraise NotImplementedError()", "NotImplementedError", "", 2)
    stub.metadata.nbgrader = {"grade_id": "ex_1_1_1"}

    assert reason(stub) == "✗ Exercise 1.1.1 has no answer yet."


def test_a_name_that_nothing_was_to_define_is_told_as_before() -> None:
    found = reason(cell("x = 1", "ValueError", "no"))

    assert found == "✗ `loss` is not defined: run your answer cell, or check its name."


def test_an_earlier_definition_is_judged_and_the_cell_that_failed_is_mentioned() -> None:
    answer = cell(f"{LOSS}\nloss(None, 1)", "TypeError", "too many", 3, grade_id="ex_1_1_1")
    test = "assert loss(1) == 2, 'no loss'"

    assert reason(answer, test=test, loss=lambda w: 2 * w) == ""
    assert reason(answer, test=test, loss=lambda w: w) == (
        "✗ Exercise 1.1.1: no loss.\n  Your answer's cell stopped at line 3, `loss(None, 1)`, with "
        "TypeError: too many: what follows there was not run."
    )


def test_what_an_answer_misses_when_it_is_called_leads_to_the_cell_that_failed() -> None:
    def loss(w: float) -> float:
        return helper * w  # type: ignore[name-defined, no-any-return]  # noqa: F821

    found = reason(cell("helper = 1 / 0", "ZeroDivisionError", "division by zero"), loss=loss)

    assert "NameError: name 'helper' is not defined" in found
    assert found.endswith(
        "\n  `helper` is not defined, since an earlier cell stopped at line 1, `helper = 1 / 0`, "
        "with ZeroDivisionError: division by zero."
    )
