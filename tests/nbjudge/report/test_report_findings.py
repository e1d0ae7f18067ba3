"""What a report says of its numbers: the right exercise, the right words, and never too much."""

from __future__ import annotations

import doctest
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from report_classes import SENTENCE, class_of, columns, drawn, exercise, member

from nbjudge.grading.rows import Status
from nbjudge.report import findings as module
from nbjudge.report.findings import meaning_of_discrimination, what_stands_out
from nbjudge.report.records import Class, ClassMember, ReportedAnswer
from nbjudge.report.statistics import numbers

RIGHT, WRONG = 2.0, 0.0


def told(of: Class) -> tuple[str, ...]:
    return what_stands_out(numbers(of))


def the_one(of: Class, beginning: str) -> str:
    (found,) = [each for each in told(of) if each.startswith(beginning)]
    return found


def answers(won: Sequence[ReportedAnswer | float | None], **of: Any) -> Class:
    return class_of(
        [exercise("1.1", **of)], [member(f"s{i}", {"1.1": each}) for i, each in enumerate(won)]
    )


def separating(students: int = 40, noise: float = 1.0) -> Class:
    """Return a class of which 1.3 goes with 1.1 and 1.2, and 1.4 goes with nothing."""
    random = np.random.default_rng(5)
    ability = random.normal(size=students)
    right = {f"ex_1_{i}": (ability + noise * random.normal(size=students) > 0) for i in (1, 2)} | {
        "ex_1_3": ability > 0,
        "ex_1_4": random.random(students) > 0.4,
    }
    return columns(**{name: [RIGHT if won else WRONG for won in of] for name, of in right.items()})


def test_the_words_are_those_of_the_examples() -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted == 5


def test_the_exercise_that_separates_best_is_named_with_its_uncertainty() -> None:
    of = separating()

    said = the_one(of, "1.3 separates best")

    own = numbers(of).exercises[2].discrimination
    assert f"discrimination {own.r:.2f}, interval {own.low:.2f} to {own.high:.2f}" in said
    assert "may do so as well" in said  # 1.1 and 1.2 cannot be told from it with 40 students


def test_no_exercise_is_said_to_separate_when_chance_does_it_as_well() -> None:
    random = np.random.default_rng(11)
    of = columns(**{f"ex_1_{i}": list(2.0 * (random.random(20) > 0.5)) for i in (1, 2, 3)})

    said = told(of)

    assert all(each.discrimination.r is not None for each in numbers(of).exercises)
    assert not any("separates best" in each for each in said)
    assert any(each.startswith("No exercise can be said to separate") for each in said)


def test_an_exercise_against_the_rest_is_to_be_read_again() -> None:
    ability = [RIGHT] * 15 + [WRONG] * 15
    contrary = [WRONG] * 14 + [RIGHT] * 15 + [WRONG]
    of = columns(ex_1=ability, ex_2=[*ability[1:], WRONG], ex_3=contrary)

    said = the_one(of, "3 goes against the rest")

    assert "discrimination −0." in said
    assert "Read its task and its test again." in said


def test_small_classes_are_told_that_they_are_and_nothing_of_exercises() -> None:
    said = told(columns(ex_1=[RIGHT, WRONG] * 4, ex_2=[RIGHT, WRONG] * 4))

    assert said[0] == (
        "8 students are graded: they have 0 to 4 of 4 points. So few say little about exercises."
    )
    assert not any("separate" in each or "go together" in each for each in said)


@pytest.mark.parametrize(
    ("won", "expected"),
    [
        ([1.5], "One student is graded: 1.5 of 2 points."),
        ([RIGHT] * 12, "All 12 students have 2 of 2 points."),
        ([], "Nobody has marks yet, so there are no numbers."),
    ],
    ids=["one", "all the same", "nobody"],
)
def test_degenerate_classes_get_one_plain_sentence(won: list[float], expected: str) -> None:
    assert told(answers(won))[0] == expected


def test_the_hardest_exercise_is_told_in_words() -> None:
    of = columns(ex_1=[RIGHT] * 20, ex_2=[RIGHT, WRONG] * 10, ex_3=[RIGHT] * 19 + [WRONG])

    assert the_one(of, "2 is the hardest") == "2 is the hardest: half of its points were won."


def test_one_that_is_not_hard_is_not_called_so() -> None:
    of = columns(ex_1=[RIGHT] * 20, ex_2=[RIGHT] * 18 + [WRONG] * 2)

    said = the_one(of, "2 is the hardest, though not hard")

    assert "nine tenths of its points were won" in said


def test_points_lost_by_empty_answers_are_told_apart() -> None:
    empty = ReportedAnswer(WRONG, is_empty=True)
    members = [
        member(f"s{i:02}", {"1": RIGHT, "2": empty if i < 8 else ReportedAnswer(RIGHT)})
        for i in range(20)
    ]
    of = class_of([exercise("1"), exercise("2")], members)

    assert "8 students left it empty, the others won 100 %" in the_one(of, "2 is the hardest")
    assert the_one(of, "2 was left empty") == (
        "2 was left empty by two fifths of the class (8 of 20)."
    )


def test_a_mistake_that_many_share_is_told_with_its_sentence() -> None:
    slip = ReportedAnswer(WRONG, mistake="epsilon outside the root", sentence=SENTENCE)

    said = the_one(answers([slip] * 8 + [RIGHT] * 12), "Two fifths")

    assert said == (
        "Two fifths of the class (8 of 20) made the same mistake in 1.1: "
        "“ε stands outside the root: the equation adds it to v before the root is taken.”"
    )


@pytest.mark.parametrize(("makers", "of"), [(2, 10), (4, 50)], ids=["two", "a twelfth"])
def test_a_mistake_of_few_is_no_finding(makers: int, of: int) -> None:
    slip = ReportedAnswer(WRONG, mistake="rare", sentence="Seldom.")

    assert not any("mistake" in each for each in told(answers([slip] * makers + [2.0] * of)))


def test_exercises_that_tell_nobody_apart_are_named() -> None:
    of = columns(ex_1=[RIGHT] * 12, ex_2=[WRONG] * 12, ex_3=[RIGHT, WRONG] * 6)

    assert "Everybody has all points of 1, which therefore tells nobody apart." in told(of)
    assert "Nobody has a point of 2: was it understood, and does the test work?" in told(of)


def test_answers_that_wait_make_no_exercise_hard() -> None:
    waiting: list[float | None] = [None] * 18 + [WRONG] * 2
    of = columns(ex_1=[RIGHT, WRONG] * 10, ex_2=waiting, ex_3=[RIGHT] * 20)

    said = told(of)

    assert any(each.startswith("1 is the hardest") for each in said)
    assert not any(each.startswith("Nobody has a point") for each in said)
    assert said[-1] == "18 written answers wait to be read; the marks are those so far."
    assert ", so far, and the middle half" in said[0]


def test_the_closest_of_many_pairs_is_told_only_if_chance_makes_none_so_close() -> None:
    random = np.random.default_rng(2)
    right = random.random((8, 25)) > 0.5
    by_chance = columns(**{f"ex_{i}": list(2.0 * of) for i, of in enumerate(right)})
    right[7] = right[0]
    right[7, 0] = not right[7, 0]
    really = columns(**{f"ex_{i}": list(2.0 * of) for i, of in enumerate(right)})

    assert not any("go together" in each for each in told(by_chance))
    assert any(each.startswith("The marks of 0 and 7 go together") for each in told(really))


def test_code_that_runs_long_is_told_and_what_is_usual() -> None:
    fast = [ReportedAnswer(RIGHT, seconds=0.25)] * 9

    assert "The slowest answer to 1.1 ran for 12 s, where 0.25 s is usual." in told(
        answers([*fast, ReportedAnswer(WRONG, seconds=12.0)])
    )
    assert not any(" ran " in each for each in told(answers(fast)))


def test_late_ones_are_told_with_what_it_cost() -> None:
    ada = member("ada", {"1": RIGHT}, late=93_600.0, penalty=2.0)
    members = [ada, member("bob", {"1": RIGHT}, late=0)]

    said = the_one(class_of([exercise("1")], members), "1 of 2 submissions came late")

    assert said == "1 of 2 submissions came late, by 1 day 2 hours; 2 points were taken off."


def test_what_needs_a_person_is_told() -> None:
    members = [
        member("ada", {"1": RIGHT}),
        ClassMember("bob", Status.FAILED),
        member("eve", {"1": RIGHT}, status=Status.NEEDS_A_PERSON),
    ]

    assert told(class_of([exercise("1")], members))[-1] == (
        "1 submission could not be graded and 1 submission needs a person’s eye: "
        "the reasons are below."
    )


def test_each_exercise_is_read_in_words() -> None:
    of = columns(
        ex_1=[RIGHT] * 20,
        ex_2=[WRONG] * 20,
        ex_3=[RIGHT] * 19 + [WRONG],
        ex_4=[None] * 20,
        ex_5=[RIGHT, WRONG] * 10,
        ex_6=[RIGHT, WRONG] * 9 + [RIGHT] * 2,
    )

    assert [meaning_of_discrimination(each) for each in numbers(of).exercises] == [
        "everybody has all points",
        "nobody has a point",
        "not enough to say: marks too much alike",
        "answers still wait",
        "goes with the rest",
        "goes with the rest",
    ]


def test_the_same_class_is_told_the_same() -> None:
    assert told(drawn(40)) == told(drawn(40))
