"""Tables for spreadsheets: what anybody wrote stays text, and numbers stay numbers."""

from __future__ import annotations

import csv
import doctest
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbjudge.basics import spreadsheets
from nbjudge.basics.spreadsheets import as_csv, guarded

FORMULAS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=cmd|' /C calc'!A0", "\r=1", "＝1", "－1"),
    *('=HYPERLINK("http://127.0.0.1/?"&A1,"ada")', "|calc", "\u00a0=1", "\u2007@a"),
)


def test_the_examples_hold() -> None:
    assert doctest.testmod(spreadsheets).failed == 0
    assert doctest.testmod(spreadsheets).attempted == 1


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_shown_and_not_computed(text: str) -> None:
    assert guarded(text).startswith("'")


@given(st.text())
def test_a_cell_is_one_line_that_begins_no_formula(text: str) -> None:
    shown = guarded(text)

    assert "\n" not in shown
    assert "\r" not in shown
    assert not shown.strip().startswith(("=", "+", "-", "@"))


@given(st.lists(st.tuples(st.text(), st.integers(), st.floats(allow_nan=False) | st.none())))
def test_what_is_written_is_read_again(rows: list[tuple[str, int, float | None]]) -> None:
    text = as_csv(("a", "b", "c"), rows)

    read = list(csv.reader(io.StringIO(text)))

    assert read[0] == ["a", "b", "c"]
    assert [row[0] for row in read[1:]] == [guarded(row[0]) for row in rows]
    assert [int(row[1]) for row in read[1:]] == [row[1] for row in rows]


def test_negative_numbers_are_numbers() -> None:
    table = pd.read_csv(io.StringIO(as_csv(("r",), [(-0.25,), (None,), (1 / 3,)])))

    assert table["r"].tolist()[0] == -0.25
    assert table["r"].isna().tolist() == [False, True, False]
    assert table["r"].tolist()[2] == pytest.approx(1 / 3, abs=1e-6)
