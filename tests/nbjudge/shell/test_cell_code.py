"""A cell's text becomes the code that IPython makes of it."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.inputtransformer2 import TokenTransformBase, TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from nbjudge.shell.cell_code import CellCompiler, CellReader, CellShell
from nbjudge.shell.interactive import GradedShell

ROOT = Path(__file__).parents[3]
#: What lines are made of: each piece may begin, fill or end one.
PIECES = (
    *("%", "%%", "!", "!!", "?", "??", ",", ";", "/", "=", "==", "!=", "\\", "#", "'", '"', "'''"),
    *("(", ")", "[", "]", "{", "}", ":", "x", "loss", "ls", "matplotlib inline", "1", "0x", "$"),
    *(
        "\n",
        "\n\n",
        " ",
        "    ",
        "\t",
        "\f",
        "\v",
        "\r",
        "\r\n",
        "\x1c",
        "\u2028",
        "\N{NO-BREAK SPACE}",
    ),
    *("if x:", "for x in y:", "await ", "async ", "def f():", "lambda: ", "f'{x}'", ">>> ", "... "),
    *("In [1]: ", "a = ", "a, b = ", "a.b = ", "x? ", "x ?", "?x", "# why?", "'why?'", "é", "\0"),
)
CELLS = (
    *(
        "%timeit 1",
        "  %time x",
        "x = %time y",
        "x = !ls",
        "x=!ls",
        "x = \\\n%time y",
        "!ls",
        "len?",
    ),
    *(
        "len??",
        "?len",
        "len? # why",
        "x = f(a=\n%b)",
        "(a\n% b)",
        "'''\n%not\n'''",
        ",f a b",
        ";f a",
    ),
    *(
        "/f 1",
        "if x:\n    %time y\n",
        "if x:\n    y?\n",
        "x = 1; !ls",
        "x = '!'",
        "x = (\n!ls)",
        "a\\\n?",
    ),
    *(
        "%%bash\nls",
        "%%time\nx?",
        "\n\n  x = 1\n  y?",
        ">>> x\n>>> y?",
        "In [1]: x\n   ...: y?",
        "x!= y",
    ),
    *(
        "x = 5 % y",
        "x =% y",
        "print('a') # 100 %",
        "x # ?",
        "x ?\t",
        "x?\f",
        "x?;",
        "a = b?",
        "é?",
        "",
    ),
)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_becomes_what_ipython_makes_of_it(cell: str) -> None:
    _compare(cell)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_cell_becomes_what_ipython_makes_of_it(cell: str) -> None:
    _compare(cell)


def test_the_courses_cells_become_what_ipython_makes_of_them() -> None:
    paths = sorted(ROOT.glob("source/*/*.ipynb"))
    assert paths
    for path in paths:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                _compare("".join(cell["source"]))


def _compare(cell: str) -> None:
    wanted, found = (_read(manager(), cell) for manager in (TransformerManager, CellReader))
    assert found == wanted


def _read(manager: TransformerManager, cell: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # IPython's, of odd ends of lines
            return manager.transform_cell(cell)
    except Exception as error:  # the shell shows it instead of running the cell
        return type(error), str(error)


def test_a_notebooks_own_transformer_is_used() -> None:
    class Loud(TokenTransformBase):
        @classmethod
        def find(cls, tokens_by_line: Any) -> Loud | None:
            found = (token for line in tokens_by_line for token in line)
            return next((cls(token.start) for token in found if token.string == "QUIET"), None)

        def transform(self, lines: list[str]) -> list[str]:
            return [line.replace("QUIET", "loud") for line in lines]

    reader = CellReader()  # type: ignore[no-untyped-call]
    reader.token_transformers.append(Loud)

    assert reader.transform_cell("QUIET = 1") == "loud = 1\n"


@pytest.fixture
def shell() -> Iterator[CellShell]:
    """Yield a shell, which tells all programs of its process to write in colours."""
    CellShell.clear_instance()
    with patch.dict(os.environ):
        yield CellShell()


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "1 + 1",
            "await x",
            "async with a as b:\n    c",
            "[x async for x in y]",
            "'await'",
            "return",
        ),
        *("async def f():\n    await x", "def f():\n    await x", "awaited = 1", "(yield)", "1 +"),
    ],
)
def test_a_cell_awaits_what_ipython_says_it_awaits(shell: CellShell, cell: str) -> None:
    wanted = InteractiveShell.should_run_async(shell, cell, transformed_cell=cell)

    assert shell.should_run_async(cell, transformed_cell=cell) == wanted


@given(st.binary(max_size=70).map(lambda content: content.decode("latin-1")))
def test_a_cell_has_the_name_that_it_has_in_jupyter(cell: str) -> None:
    wanted = XCachingCompiler().get_code_name(cell, cell, 1)  # type: ignore[no-untyped-call]

    assert CellCompiler().get_code_name(cell, cell, 1) == wanted


def test_a_name_that_the_environment_gives_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYKERNEL_CELL_NAME", "mine.py")

    assert CellCompiler().get_code_name("x", "x", 1) == "mine.py"


def test_a_notebook_meets_the_shell_that_it_knows() -> None:
    assert str(GradedShell) == str(ZMQInteractiveShell)
