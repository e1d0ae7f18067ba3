"""The numbers of a report, against SciPy and pandas; what a class cannot tell is not told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_classes import class_of, columns, drawn, exercise, member
from scipy import stats

from nbjudge.grading.rows import Status
from nbjudge.report.records import ReportedAnswer
from nbjudge.report.statistics import Correlation, Marks, Unknown, correlation, numbers, shares

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


def test_three_marks_apart_from_all_others_are_enough() -> None:
    found = correlation((2.0,) * 17 + (0.0,) * 3, NEARLY)

    assert (found.n, found.unknown) == (20, None)


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
    points = (table * worth)[:, :-1]  # the written answers wait
    for each, own in zip(found.exercises[:-1], points.T, strict=True):
        expected = stats.pearsonr(own, points.sum(axis=1) - own)
        interval = expected.confidence_interval()
        assert each.discrimination.r == pytest.approx(expected.statistic)
        assert each.discrimination.low == pytest.approx(interval.low)
        assert each.discrimination.high == pytest.approx(interval.high)
    assert found.exercises[-1].discrimination.unknown is Unknown.WAITING


def test_pairs_are_those_of_pandas() -> None:
    of = drawn(50)

    keys = pd.Index([each.key for each in of.exercises], tupleize_cols=False)
    expected = pd.DataFrame(shares(of), columns=keys).corr(min_periods=10)

    for pair in numbers(of).pairs:
        r = expected.loc[[pair.one.key], [pair.other.key]].to_numpy()[0, 0]
        assert pair.correlation.r == (None if math.isnan(r) else pytest.approx(r))


def test_difficulty_counts_what_is_empty_and_tells_those_who_answered_apart() -> None:
    won = [
        ReportedAnswer(2),
        ReportedAnswer(1),
        ReportedAnswer(0),
        ReportedAnswer(0, is_empty=True),
    ]
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
    members = [member(f"s{i}", {"other": score}) for i, score in enumerate(scores)]

    found = numbers(class_of([exercise("1.1", points)], members)).marks

    assert sum(each.students for each in found.bins) == len(scores)
    assert 1 <= len(found.bins) <= 20
    assert found.bins[0].low == 0
    assert found.bins[-1].high >= max(points, *scores)
    assert found.median == pytest.approx(np.median(scores))
    assert found.low_quartile == pytest.approx(np.quantile(scores, 0.25))


def test_mistakes_are_counted_by_student_and_the_most_frequent_comes_first() -> None:
    rare = ReportedAnswer(0, mistake="rare", sentence="Seldom.")
    common = ReportedAnswer(0, mistake="common", sentence="Often.")
    answers = [rare, common, common, ReportedAnswer(2)]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    found = numbers(of)

    assert [(each.mistake, each.students, each.of) for each in found.mistakes] == [
        ("common", 2, 4),
        ("rare", 1, 4),
    ]
    assert found.exercises[0].named == 3


def test_of_a_mistakes_sentences_the_last_ones_is_told() -> None:
    answers = [ReportedAnswer(0, mistake="sign", sentence=said) for said in ("Before.", "Now.")]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    (found,) = numbers(of).mistakes

    assert (found.exercise, found.sentence) == (of.exercises[0], "Now.")


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
    answers = [
        ReportedAnswer(0, is_empty=True, seconds=0.0),
        *(ReportedAnswer(2, seconds=s) for s in (1, 2, 6)),
    ]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    times = numbers(of).exercises[0].times

    assert times is not None
    assert (times.n, times.least, times.median, times.most) == (3, 1, 2, 6)


def test_a_tests_own_time_counts_where_nothing_was_answered_too() -> None:
    answers = [
        ReportedAnswer(0, is_empty=True, test_seconds=3.0),
        ReportedAnswer(2, test_seconds=1.0),
        ReportedAnswer(2),
    ]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    times = numbers(of).exercises[0].test_times

    assert times is not None
    assert (times.n, times.all) == (2, (1.0, 3.0))


def test_nobody_is_a_class_too() -> None:
    found = numbers(class_of([exercise("1.1")], []))

    assert found.graded == 0
    assert found.marks.median is None
    assert found.exercises[0].share is None


def marks_of(scores: Sequence[float], points: float = 40) -> Marks:
    members = [member(f"s{i}", {"other": score}) for i, score in enumerate(scores)]
    return numbers(class_of([exercise("1.1", points)], members)).marks


def test_marks_are_described_as_a_sample_by_numpys_definitions() -> None:
    scores = (3.0, 39.5, 12.0, 20.25, 31.0)

    found = marks_of(scores)

    assert found.mean == pytest.approx(np.mean(scores))
    assert found.deviation == pytest.approx(np.std(scores, ddof=1))
    assert (found.scores, found.points) == (tuple(sorted(scores)), 40)
    quartiles = (found.low_quartile, found.median, found.high_quartile)
    assert quartiles == pytest.approx(tuple(np.quantile(scores, (0.25, 0.5, 0.75))))


def test_one_mark_has_no_deviation_and_two_have_one() -> None:
    assert marks_of([7.0]).deviation is None
    assert marks_of([7.0, 9.0]).deviation == pytest.approx(math.sqrt(2))


def test_a_tenth_of_the_times_is_longer_than_the_ninth_decile() -> None:
    seconds = (5.0, 1.0, 4.0, 2.0, 11.0, 3.0)
    answers = [ReportedAnswer(2, seconds=each) for each in seconds]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    times = numbers(of).exercises[0].times

    assert times is not None
    assert times.tenth == pytest.approx(np.quantile(seconds, 0.9))
    assert times.all == (1.0, 2.0, 3.0, 4.0, 5.0, 11.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_ten_students_are_enough_for_a_correlation(sign: int) -> None:
    found = correlation(BOTH[:10], [sign * mark for mark in BOTH[:10]])

    assert found.unknown is None
    assert found.r == pytest.approx(sign)
    assert found.r is not None
    assert -1 <= found.r <= 1


@pytest.mark.parametrize(("waiting", "is_read"), [(2, True), (3, False)])
def test_a_tenth_of_the_answers_may_wait(waiting: int, is_read: bool) -> None:
    column: list[float | None] = [None] * waiting + [2.0, 0.0] * 20

    found = numbers(columns(ex_1=column[:20])).exercises[0]

    assert (found.waiting, found.marked) == (waiting, 20 - waiting)
    assert found.is_read is is_read
    assert (found.share is not None) is is_read


def test_where_too_many_wait_it_is_told_of_how_many_something_is_known() -> None:
    found = numbers(columns(ex_1=[None] * 3 + [2.0] * 17)).exercises[0]

    assert found.discrimination == Correlation(17, unknown=Unknown.WAITING)


def test_a_column_of_which_too_many_wait_goes_with_no_other() -> None:
    waiting: list[float | None] = [None] * 3 + [2.0, 0.0, 0.0] * 8 + [0.0]
    of = columns(ex_1=[2.0, 0.0] * 14, ex_2=waiting)

    assert np.isnan(shares(of)[:, 1]).all()


def test_the_rest_of_a_student_is_the_part_won_of_what_is_marked_there() -> None:
    """Nine tenths of the points won in one other exercise are as good as nine tenths of two."""
    one, two, five = np.random.default_rng(1).integers(0, 3, (3, 30)).astype(float)
    worth = [exercise("1"), exercise("2"), exercise("3", 5)]
    rows = [
        member(f"s{i:02}", {"1": a, "2": b, "3": None if i < 2 else c})
        for i, (a, b, c) in enumerate(zip(one, two, five, strict=True))
    ]

    found = numbers(class_of(worth, rows)).exercises[0]

    rest = np.concatenate([two[:2] / 2, (two[2:] + five[2:]) / 7])
    expected = stats.pearsonr(one, rest)
    assert found.discrimination.r == pytest.approx(expected.statistic)


def test_an_only_exercise_has_no_others_to_go_with() -> None:
    assert numbers(columns(ex_1=BOTH)).exercises[0].discrimination.unknown is Unknown.FEW


def test_a_table_has_rows_of_students_columns_of_exercises_and_parts_of_points() -> None:
    exercises = [exercise("1.1", 4), exercise("1.2", 5)]
    of = class_of(exercises, [member("ada", {"1.1": 1, "1.2": 5}), member("bob", {"1.2": 2})])

    table = shares(of)

    assert table.dtype == float
    np.testing.assert_array_equal(table, [[0.25, 1.0], [math.nan, 0.4]])


def test_what_a_person_marks_is_like_no_known_mistake_and_unlike_none() -> None:
    answers = [ReportedAnswer(0, mistake="sign"), ReportedAnswer(1)]
    by_hand = exercise("1.1", by_hand=True)
    of = class_of([by_hand], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)])

    (found,) = numbers(of).exercises

    assert (found.named, found.unnamed) == (0, 0)


def test_each_wrong_answer_is_named_or_not() -> None:
    answers = [
        ReportedAnswer(0, mistake="sign"),
        ReportedAnswer(1),
        ReportedAnswer(0),
        ReportedAnswer(2),
    ]
    of = class_of(
        [exercise("1.1")], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(answers)]
    )

    (found,) = numbers(of).exercises

    assert (found.named, found.unnamed) == (1, 2)


def test_each_two_exercises_are_a_pair_once() -> None:
    pairs = numbers(columns(ex_1=BOTH, ex_2=NEARLY, ex_3=BOTH)).pairs

    assert [(pair.one.number, pair.other.number) for pair in pairs] == [
        ("1", "2"),
        ("1", "3"),
        ("2", "3"),
    ]


def test_a_second_late_is_late() -> None:
    of = class_of([exercise("1.1")], [member("ada", {}, late=0.5), member("bob", {}, late=0)])

    assert [late.student for late in numbers(of).lateness.members] == ["ada"]


def test_a_report_says_of_what_it_is_and_how_many_were_not_read() -> None:
    found = numbers(class_of([exercise("1.1")], [], unread=3, inside="two courses"))

    assert (found.assignment, found.unread, found.inside) == ("sums", 3, "two courses")


@pytest.mark.parametrize(
    ("points", "edges"),
    [
        (0.15, [0, 0.01, 0.02]),
        (0.4, [0, 0.02, 0.04]),
        (1, [0, 0.05, 0.1]),
        (10, [0, 0.5, 1]),
        (20, [0, 1, 2]),  # twenty bars are not too many
        (21, [0, 2, 4]),
        (40, [0, 2, 4]),
        (41, [0, 5, 10]),
        (2_000_000, [0, 100_000, 200_000]),
    ],
)
def test_bars_have_the_least_round_width_that_twenty_of_them_fill(
    points: float, edges: list[float]
) -> None:
    bins = marks_of([0.0], points).bins

    assert [bins[0].low, bins[1].low, bins[1].high] == edges
    assert bins[0].high == bins[1].low
    assert len(bins) <= 20


def test_nobody_and_nothing_to_win_have_bars_that_fit() -> None:
    assert len(marks_of([], 40).bins) == 20
    assert (marks_of([], 40).scores, marks_of([], 40).points) == ((), 40)
    assert marks_of([0.0], 0).bins == ()
