"""How wrong answers behave: alike if they made the same mistake, however they are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbjudge import seeds
from nbjudge.judge.behaviour import SEED_PARTS, RecordingChannel, _normal, behaviour_of, patient
from nbjudge.judge.judge import Test, judge
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits

CHECKS = """\
import random
assert area(2, 3) == 6
for _ in range(3):
    sides = random.randint(1, 9), random.randint(1, 9)
    assert area(*sides) == sides[0] * sides[1], 'no product'
assert area(0.5, 4) == 2
"""


def behaviour(answer: str, source: str = CHECKS, points: float = 2.0) -> str:
    """Return how an answer behaves that lives in this process."""
    namespace: dict[str, Any] = {}
    exec(answer, namespace)
    service = Service(namespace)
    line = RecordingChannel(lambda request, _: service.answer(request), Limits())
    test = Test("1.1", source, points)
    with seeds.seed_within(*SEED_PARTS):
        return behaviour_of(line, judge(patient(test), line), points)


SUM = "def area(a, b):\n    return a + b"


@pytest.mark.parametrize(
    "answer",
    [
        "def area(x, y):\n    total = x\n    total += y\n    return total",
        "area = lambda *sides: sum(sides)",
        "import numpy as np\ndef area(a, b):\n    return np.float64(a) + b",
        "def area(a, b):\n    return (a / 3 + b / 3) * 3",
    ],
)
def test_the_same_mistake_written_otherwise_behaves_alike(answer: str) -> None:
    assert behaviour(answer) == behaviour(SUM) != ""


@pytest.mark.parametrize(
    "answer",
    [
        # On the first check that fails it gives the same as the sum.
        "def area(a, b):\n    return 5",
        "def area(a, b):\n    return a + b if a < 1 else a + b + 0.25",
        "def area(a, b):\n    raise ValueError",
        "def area(a, b):\n    raise TypeError",
        "def area(a, b):\n    return str(a + b)",
        "other = 1",
    ],
)
def test_another_mistake_behaves_otherwise(answer: str) -> None:
    assert behaviour(answer) != behaviour(SUM)


def test_what_an_exception_says_does_not_tell_answers_apart() -> None:
    one, other = (f"def area(a, b):\n    raise ValueError('{said}')" for said in "ab")

    assert behaviour(one) == behaviour(other) != ""


def test_of_a_right_answer_nothing_is_told() -> None:
    assert behaviour("def area(a, b):\n    return a * b") == ""


def test_a_mistake_that_these_inputs_do_not_show_is_not_told_from_a_right_answer() -> None:
    assert behaviour("def area(a, b):\n    return a * b if a < 100 else 0") == ""


def test_parts_of_a_mark_count_without_any_check_that_fails() -> None:
    source = "won = 0\nif area(2, 3) == 6:\n    won += 1\nif area(0, 3) == 0:\n    won += 1\nwon"

    assert behaviour(SUM, source) != ""
    assert behaviour("def area(a, b):\n    return a * b", source) == ""


def test_a_test_that_expects_an_exception_still_meets_it() -> None:
    source = (
        "import pytest\nwith pytest.raises(ValueError):\n    area(-1, 2)\nassert area(1, 1) == 1"
    )
    right = "def area(a, b):\n    if a < 0:\n        raise ValueError\n    return a * b"

    assert behaviour(right, source) == ""
    assert behaviour(SUM, source) != ""


def test_a_kernel_that_is_lost_tells_nothing() -> None:
    line = RecordingChannel(lambda request, _: b"nonsense", Limits())

    verdict = judge(patient(Test("1.1", CHECKS, 2.0)), line)

    assert behaviour_of(line, verdict, 2.0) == ""


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_does_not_tell_numbers_apart(number: float) -> None:
    assert _normal(number) in (_normal(np.float64(number)), _normal(np.array(number)))
    assert _normal([number]) == _normal((number,))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (3, 2.9999999999999996),
        (0.1 + 0.2, 0.3),
        (1e-17, 0),
        (np.array([1e8, 1e-9]), np.array([1e8, 0.0])),
        ([1, 2], np.array([1.0, 2.0])),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({3, 1, 2}, {1, 2, 3}),
        (float("nan"), -float("nan")),
        (Fraction(1, 3), 1 / 3),
        (Decimal("0.5"), 0.5),
        (pd.DataFrame({"a": [0.1 + 0.2]}), pd.DataFrame({"a": [0.3]})),
        (pd.Series([1.0, 2.0], name="a"), pd.Series([1, 2], name="b")),
    ],
)
def test_two_ways_to_one_result_are_the_same(one: object, other: object) -> None:
    assert _normal(one) == _normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1000001, 1000002),
        (0.3, 0.301),
        (True, 1),
        ("1", 1),
        (None, 0),
        ([1, 2], [2, 1]),
        ([[1, 2]], [1, 2]),
        (float("inf"), float("nan")),
        (b"a", b"b"),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
        (pd.Series([1, 2]), pd.Series([1, 2], index=[1, 0])),
        (pd.Series([1, 2]), [1, 2]),
        (date(2026, 1, 1), date(2026, 1, 2)),
        (range(3), range(4)),
    ],
)
def test_two_results_are_not_the_same(one: object, other: object) -> None:
    assert _normal(one) != _normal(other)
