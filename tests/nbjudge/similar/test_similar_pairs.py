"""Which pairs stand out: what is rare counts, what is common or given does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from random import Random

import numpy as np
import pytest
from scipy import stats

from nbjudge.similar.fingerprints import AnswerKind, read_answer
from nbjudge.similar.pairs import (
    Answers,
    Comparison,
    compare,
    erlang_tail,
    rarity,
    shared_prints,
    weights,
)

OPERATORS = ("+", "-", "*", "/", "**", "//", "%", "@", "&", "|", "^", "<<")


def code(seed: object, lines: int) -> str:
    """Return code that nobody else would write."""
    random = Random(str(seed))
    return "".join(
        f"x = a {' a '.join(random.choices(OPERATORS, k=6))} {random.randint(2, 99)}\n"
        for _ in range(lines)
    )


def answers(
    texts: Sequence[str | None],
    exercise: str = "1.1",
    kind: AnswerKind = AnswerKind.CODE,
    **more: Iterable[str],
) -> Answers:
    return Answers(
        exercise,
        kind,
        {n: read_answer(text, kind) for n, text in enumerate(texts) if text is not None},
        **{
            name: frozenset(key for text in given for key in read_answer(text, kind).places)
            for name, given in more.items()
        },
    )


def pairs(found: Comparison) -> list[set[int]]:
    return [{pair.one, pair.other} for group in found.groups for pair in group.pairs]


def test_what_two_have_is_rarest_and_what_all_have_is_not_rare() -> None:
    found = rarity(np.array([1, 2, 3, 10, 50, 100]), 100)

    assert list(found[:2]) == [1, 1]
    assert all(np.diff(found[1:]) < 0)
    assert found[-1] < 0.01


def test_two_students_alone_find_everything_rare_that_is_not_known() -> None:
    shared = answers(["x = a + b * c - d"] * 2, known=["y = e + f * g - h"])

    assert list(rarity(np.array([2]), 2)) == [1]
    assert set(weights(shared, 2).values()) == {0.2}


@pytest.mark.parametrize("shape", [1, 2, 11])
@pytest.mark.parametrize("x", [0.0, 0.5, 7.0, 40.0])
def test_the_tail_is_that_of_the_erlang_distribution(shape: int, x: float) -> None:
    assert erlang_tail(shape, x) == pytest.approx(stats.erlang.sf(x, shape), rel=1e-9)


def class_of(students: int, exercises: int, lines: int) -> list[list[str]]:
    """Return the answers to each exercise of students who have nothing to do with each other."""
    return [
        [code((exercise, student), lines) for student in range(students)]
        for exercise in range(exercises)
    ]


def test_who_work_alone_do_not_stand_out() -> None:
    texts = class_of(20, 6, 4)

    found = compare([answers(t, str(n)) for n, t in enumerate(texts)], 20)

    assert (found.groups, found.pairs) == ((), 190)
    assert sum(pairs for _, pairs in found.scores) == 190


def test_short_answers_that_are_alike_throughout_stand_out_together() -> None:
    texts = class_of(20, 6, 2)
    for exercise in texts:
        exercise[7] = exercise[3]

    found = compare([answers(t, str(n)) for n, t in enumerate(texts)], 20)

    (group,) = found.groups
    assert group.members == (3, 7)
    (pair,) = group.pairs
    assert pair.whole >= 1 > pair.alone
    assert [round(each.share, 6) for each in pair.exercises] == [1] * 6
    assert {each.as_alike for each in pair.exercises} == {1}


def test_one_short_answer_alike_is_no_reason() -> None:
    texts = class_of(20, 6, 2)
    texts[0][7] = texts[0][3]

    assert not compare([answers(t, str(n)) for n, t in enumerate(texts)], 20).groups


def test_one_long_odd_answer_is_a_reason_even_where_all_else_differs() -> None:
    texts = class_of(12, 1, 12)
    texts[0][7] = texts[0][3]

    found = compare([answers(texts[0])], 12)

    assert pairs(found) == [{3, 7}]
    assert found.groups[0].pairs[0].alone >= 1


def test_what_everybody_writes_is_no_reason_however_long_and_often() -> None:
    texts = [[code(exercise, 12)] * 20 for exercise in range(6)]

    assert not compare([answers(t, str(n)) for n, t in enumerate(texts)], 20).groups


@pytest.mark.parametrize("how", ["given", "known"])
def test_what_was_given_or_is_known_is_no_reason(how: str) -> None:
    texts: list[str | None] = list(class_of(12, 1, 12)[0])
    texts[7] = texts[3]

    assert not compare([answers(texts, **{how: [str(texts[3])]})], 12).groups


def test_known_answers_that_agree_throughout_are_a_reason() -> None:
    texts = class_of(30, 10, 8)
    for exercise in texts:
        exercise[7] = exercise[3]

    found = compare([answers(t, str(n), known=t) for n, t in enumerate(texts)], 30)

    assert pairs(found) == [{3, 7}]


def test_a_written_answer_is_told_by_itself() -> None:
    words = [
        " ".join(f"w{Random(f'{n}{i}').randint(0, 10**6)}" for i in range(40)) for n in range(8)
    ]
    words[5] = "But " + words[2]

    found = compare([answers(words, kind=AnswerKind.WORDS)], 8)

    (group,) = found.groups
    (pair,) = group.pairs
    assert group.members == (2, 5)
    assert (pair.whole, pair.alone) == (0, 0)
    assert pair.written == pair.score >= 1


def test_students_who_share_a_text_are_one_group_shown_by_as_few_pairs_as_possible() -> None:
    texts = class_of(20, 6, 12)
    for exercise in texts:
        exercise[4] = exercise[9] = exercise[11] = exercise[2]
        exercise[8] = exercise[7]

    found = compare([answers(t, str(n)) for n, t in enumerate(texts)], 20)

    groups = {group.members: group for group in found.groups}
    assert set(groups) == {(2, 4, 9, 11), (7, 8)}
    four = groups[2, 4, 9, 11]
    assert len(four.pairs) == 6
    assert len(four.links) == 3
    assert {n for link in four.links for n in (link.one, link.other)} == {2, 4, 9, 11}


def test_earlier_students_are_compared_with_this_class_and_not_with_each_other() -> None:
    (texts,) = class_of(12, 1, 12)
    texts[10] = texts[11] = texts[1]

    found = compare([answers(texts)], 12, earlier=2)

    assert pairs(found) in ([{1, 10}, {1, 11}], [{1, 11}, {1, 10}])
    assert found.pairs == 66 - 1


def test_pairs_that_are_left_out_are_not_told_and_others_only_if_asked() -> None:
    (texts,) = class_of(12, 1, 12)
    texts[10], texts[11] = texts[1], texts[2]
    exercises = [answers(texts)]

    assert pairs(compare(exercises, 12, left_out=[(1, 10)])) == [{2, 11}]
    assert pairs(compare(exercises, 12, only=[10])) == [{1, 10}]
    assert compare(exercises, 12, only=[]).groups == ()


def test_who_did_not_answer_is_like_nobody() -> None:
    (long,) = class_of(3, 1, 12)

    found = compare([answers([long[0], None, long[0]]), answers([None, None, None], "1.2")], 3)

    assert pairs(found) == [{0, 2}]
    assert [each.exercise for each in found.groups[0].pairs[0].exercises] == ["1.1"]


@pytest.mark.parametrize("students", [0, 1, 2])
def test_a_class_may_be_small(students: int) -> None:
    texts = [f"x = {n}" for n in range(students)]

    assert compare([answers(texts)], students).groups == ()
    assert compare([], students).groups == ()


def test_shared_passages_are_told_by_how_many_have_them() -> None:
    everybody, both = code("everybody", 1), code("both", 1)
    texts = [everybody + (both if n < 2 else code(n, 1)) for n in range(12)]

    few, many = shared_prints(answers(texts), 12, 0, 1)

    assert few >= read_answer(both).places.keys()
    assert many >= read_answer(everybody).places.keys()
    assert few.isdisjoint(many)


@pytest.mark.slow
def test_the_same_class_gives_the_same_findings_whatever_python_hashes_to() -> None:
    here = os.path.dirname(__file__)  # noqa: PTH120
    program = (
        "from test_similar_pairs import *\n"
        "texts = class_of(8, 2, 9); texts[0][1] = texts[0][2]\n"
        "print(compare([answers(t, str(n)) for n, t in enumerate(texts)], 8))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": here},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(told) == 1
    assert "LinkedStudents(members=(1, 2)" in told.pop()
