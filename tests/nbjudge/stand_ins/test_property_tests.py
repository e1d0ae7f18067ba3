"""What Hypothesis does for a test, and what it leaves out because nobody reads it."""

import time

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbjudge.stand_ins.property_tests import sparing_hypothesis

LAW = "from hypothesis import given"


def phases() -> set[str]:
    return {phase.name for phase in hypothesis.settings.default.phases}


def test_a_failed_law_is_simplified_and_not_explained():
    usual = hypothesis.settings.default
    with sparing_hypothesis(LAW):
        assert phases() == {phase.name for phase in usual.phases} - {"explain"}
    assert hypothesis.settings.default == usual


def test_a_law_is_not_simplified_where_nobody_reads_how_it_fails():
    with sparing_hypothesis(LAW, simplifies=False):
        assert "generate" in phases() and not phases() & {"shrink", "explain"}


def test_what_a_test_sets_itself_stands():
    with sparing_hypothesis(LAW, simplifies=False):
        own = hypothesis.settings(phases=["explicit", "generate", "shrink"], max_examples=7)
    assert {phase.name for phase in own.phases} == {"explicit", "generate", "shrink"}
    assert own.max_examples == 7


def test_nothing_is_set_for_a_test_without_laws():
    usual = hypothesis.settings.default
    with sparing_hypothesis("assert mean([1, 3]) == 2"):
        assert hypothesis.settings.default is usual


def drawn() -> list[int]:
    tried = []

    @given(st.integers())
    def law(number: int) -> None:
        tried.append(number)

    law()
    return tried


def test_a_law_is_tried_with_the_same_examples_each_time():
    with sparing_hypothesis(LAW):
        assert drawn() == drawn()


def test_what_failed_for_somebody_is_not_tried_first_for_the_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with sparing_hypothesis(LAW):
        assert hypothesis.settings.default.database is None
        before = drawn()
        smallest_that_fails()
        assert drawn() == before
    assert list(tmp_path.iterdir()) == []


def test_no_example_fails_because_the_machine_is_busy():
    with sparing_hypothesis(LAW):

        @given(st.integers())
        @hypothesis.settings(max_examples=2, phases=["generate"])
        def law(_: int) -> None:
            time.sleep(0.3)  # more than Hypothesis allows an example by itself

        law()


def smallest_that_fails() -> int:
    tried = []

    @hypothesis.settings(derandomize=True, database=None)
    @given(st.integers())
    def law(number: int) -> None:
        tried.append(number)
        assert number < 100

    with pytest.raises(AssertionError):
        law()
    return tried[-1]


def test_a_law_fails_with_the_same_example():
    usual = smallest_that_fails()
    with sparing_hypothesis(LAW):
        assert smallest_that_fails() == usual == 100
