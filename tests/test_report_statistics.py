"""The numbers of a report, against SciPy and pandas; what a class cannot tell is not told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_classes import class_of, columns, drawn, exercise, member
from scipy import stats

from course_utils.autograde.batch import Status
from course_utils.instructor.report.records import Answer
from course_utils.instructor.report.statistics import (
    Correlation,
    Unknown,
    correlation,
    numbers,
    shares,
)

BOTH = (0.0, 2.0) * 10
#: Goes with BOTH, but for two students.
NEARLY = (2.0, 2.0, 0.0, 2.0) + (0.0, 2.0) * 7 + (0.0, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_correlation_and_its_interval_are_scipys(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(size=30)
    y = 0.5 * x + random.normal(size=30)

    found = correlation(x, y)

    expected = stats.pearsonr(x, y)
    interval = expected.confidence_interval(0.95)
    assert found.r == pytest.approx(expected.statistic)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.n == 30


def test_students_of_whom_one_quantity_is_unknown_are_left_out() -> None:
    x, y = [*BOTH, math.nan, 2.0], [*NEARLY, 2.0, math.nan]

    assert correlation(x, y) == correlation(BOTH, NEARLY)


@pytest.mark.parametrize("right", [0.1, 0.5, 0.9])
def test_the_interval_holds_the_true_correlation_about_as_often_as_it_says(right: float) -> None:
    random = np.random.default_rng(3)

    def classes(students: int) -> tuple[np.ndarray, np.ndarray]:
        ability = random.normal(size=students)
        hurdle = stats.norm.ppf(1 - right) * math.sqrt(2)
        won = (ability + random.normal(size=students) > hurdle).astype(float)
        hurdles = np.linspace(-1.5, 1.5, 14)[:, None]
        rest = (ability + random.normal(size=(14, students)) > hurdles).sum(axis=0)
        return won, rest.astype(float)

    true = np.corrcoef(*classes(200_000))[0, 1]
    found = [correlation(*classes(40)) for _ in range(400)]

    told = [each for each in found if each.low is not None and each.high is not None]
    held = sum(each.low <= true <= each.high for each in told)  # type: ignore[operator]
    assert len(told) > 250
    assert 0.92 < held / len(told) < 0.99


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        (BOTH[:9], NEARLY[:9], Unknown.FEW),
        ((2.0,) * 20, NEARLY, Unknown.ALIKE),
        ((2.0,) * 18 + (0.0,) * 2, NEARLY, Unknown.ALIKE),
        ((), (), Unknown.FEW),
    ],
    ids=["nine students", "all alike", "all but two alike", "nobody"],
)
def test_what_a_class_cannot_tell_is_not_told(
    x: Sequence[float], y: Sequence[float], why: Unknown
) -> None:
    assert correlation(x, y) == Correlation(len(x), unknown=why)


def test_rounding_makes_no_two_marks_of_one() -> None:
    thirds = [sum([1 / 3] * 3), 0.1 + 0.2 + 0.7, 1.0] * 7

    assert correlation(thirds, range(21)).unknown is Unknown.ALIKE


def test_marks_that_are_the_same_have_correlation_one_and_an_interval() -> None:
    found = correlation(BOTH, BOTH)

    assert found.r == pytest.approx(1)
    assert found.low is not None
    assert 0.99 < found.low <= 1


def test_discrimination_is_the_correlation_with_the_rest_and_not_with_the_whole() -> None:
    of = replace(drawn(60), members=drawn(60).members[:60])
    found = numbers(of)

    table = shares(of)
    worth = np.array([each.points for each in of.exercises])
    known = table.dropna(axis=1).columns  # the written answers wait
    points = table[known] * worth[[each.key in set(known) for each in of.exercises]]
    for each in found.exercises[:-1]:
        own = points[each.exercise.key]
        expected = stats.pearsonr(own, points.sum(axis=1) - own)
        interval = expected.confidence_interval()
        assert each.discrimination.r == pytest.approx(expected.statistic)
        assert each.discrimination.low == pytest.approx(interval.low)
        assert each.discrimination.high == pytest.approx(interval.high)
    assert found.exercises[-1].discrimination.unknown is Unknown.WAITING


def test_pairs_are_those_of_pandas() -> None:
    of = drawn(50)

    expected = shares(of).corr(min_periods=10)

    for pair in numbers(of).pairs:
        r = expected.loc[[pair.one.key], [pair.other.key]].to_numpy()[0, 0]
        assert pair.correlation.r == (None if math.isnan(r) else pytest.approx(r))


def test_difficulty_counts_what_is_empty_and_tells_those_who_answered_apart() -> None:
    won = [Answer(2), Answer(1), Answer(0), Answer(0, is_empty=True)]
    of = class_of([exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(won)])

    (found,) = numbers(of).exercises

    assert (found.full, found.part, found.none, found.empty, found.waiting) == (1, 1, 1, 1, 0)
    assert found.share == 3 / 8
    assert found.share_of_answers == 1 / 2
    assert (found.named, found.unnamed) == (0, 2)


def test_while_many_answers_wait_the_others_say_nothing() -> None:
    waiting: list[float | None] = [None] * 3 + [0.0] * 17
    found = numbers(columns(ex_1=BOTH, ex_2=NEARLY, ex_3=waiting))
    without = numbers(columns(ex_1=BOTH, ex_2=NEARLY))

    read = found.exercises[2]

    assert (read.waiting, read.marked, read.is_read) == (3, 17, False)
    assert read.share is None
    assert read.discrimination.unknown is Unknown.WAITING
    # Nor do the few marks that are there move the other exercises' numbers.
    assert found.exercises[0].discrimination == without.exercises[0].discrimination


def test_a_few_answers_that_wait_are_left_out() -> None:
    one_waits: list[float | None] = [None, *NEARLY[1:]]

    found = numbers(columns(ex_1=BOTH, ex_2=one_waits)).exercises

    assert found[1].is_read
    assert found[1].discrimination == correlation(BOTH[1:], NEARLY[1:])


@given(
    st.lists(st.floats(0, 40).map(lambda score: round(score, 2)), min_size=1, max_size=50),
    st.sampled_from([0.5, 1, 7, 10, 40, 100, 1000]),
)
def test_every_mark_is_in_one_bar(scores: list[float], points: float) -> None:
    members = [member(f"s{i}", {}, score=score) for i, score in enumerate(scores)]

    found = numbers(class_of([exercise("1.1", points)], members)).marks

    assert sum(each.students for each in found.bins) == len(scores)
    assert 1 <= len(found.bins) <= 20
    assert found.bins[0].low == 0
    assert found.bins[-1].high >= max(points, *scores)
    assert found.median == pytest.approx(np.median(scores))
    assert found.low_quartile == pytest.approx(np.quantile(scores, 0.25))


def test_mistakes_are_counted_by_student_and_the_most_frequent_comes_first() -> None:
    rare = Answer(0, mistake="rare", sentence="Seldom.")
    common = Answer(0, mistake="common", sentence="Often.")
    answers = [rare, common, common, Answer(2)]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    found = numbers(of)

    assert [(each.mistake, each.students, each.of) for each in found.mistakes] == [
        ("common", 2, 4),
        ("rare", 1, 4),
    ]
    assert found.exercises[0].named == 3


def test_who_is_not_graded_is_counted_and_moves_no_number() -> None:
    with_them, without = drawn(20), drawn(20)
    without = replace(without, members=without.members[:20])

    found = numbers(with_them)

    assert found.exercises == numbers(without).exercises
    assert found.marks == numbers(without).marks
    assert found.count(Status.FAILED) == found.count(Status.NOT_HANDED_IN) == 1
    assert [each.status for each in found.to_look_at] == [Status.FAILED]


def test_the_latest_comes_first() -> None:
    found = numbers(drawn(30)).lateness

    late = [each.seconds_late for each in found.members]
    assert late == sorted(late, reverse=True)
    assert len(late) == 3
    assert found.penalty == 3
    assert found.dated == 30


def test_run_times_are_without_empty_answers() -> None:
    answers = [Answer(0, is_empty=True, seconds=0.0), *(Answer(2, seconds=s) for s in (1, 2, 6))]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    times = numbers(of).exercises[0].times

    assert times is not None
    assert (times.n, times.least, times.median, times.most) == (3, 1, 2, 6)


def test_nobody_is_a_class_too() -> None:
    found = numbers(class_of([exercise("1.1")], []))

    assert found.graded == 0
    assert found.marks.median is None
    assert found.exercises[0].share is None
