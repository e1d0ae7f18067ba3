"""The tables of a report: what anybody wrote stays text, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_classes import drawn

from nbjudge.report.statistics import Numbers, numbers
from nbjudge.report.tables import exercises, mistakes_table


@pytest.fixture(scope="module")
def found() -> Numbers:
    return numbers(drawn(40))


@given(st.text())
def test_a_cell_is_one_line_that_begins_no_formula(found: Numbers, text: str) -> None:
    made = replace(found.mistakes[0], sentence=text)

    _, row = csv.reader(io.StringIO(mistakes_table(replace(found, mistakes=(made,))), newline=""))

    assert "\n" not in row[3]
    assert "\r" not in row[3]
    assert not row[3].strip().startswith(("=", "+", "-", "@"))


def test_negative_numbers_are_numbers_and_what_is_not_known_is_nothing(found: Numbers) -> None:
    table = pd.read_csv(io.StringIO(exercises(found)))

    for name, each in zip(("interval_low", "share"), ("low", "share"), strict=True):
        own = [getattr(e.discrimination if each == "low" else e, each) for e in found.exercises]
        assert table[name].isna().tolist() == [value is None for value in own]
        known = [value for value in own if value is not None]
        assert table[name].dropna().tolist() == pytest.approx(known, rel=1e-5)
    assert (table["interval_low"] < 0).any()
