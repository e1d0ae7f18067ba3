"""Many sentences as few, so that nobody can fill a row, a page or a terminal."""

from __future__ import annotations

from nbjudge.basics.sentences import MOST_OF_ONE, group_sentences


def test_different_sentences_stay_as_they_are() -> None:
    assert group_sentences(["One.", "'a' is two.", "Three."]) == ("One.", "'a' is two.", "Three.")
    assert group_sentences([]) == ()


def test_sentences_that_differ_in_a_name_are_one() -> None:
    told = group_sentences(
        f"'{n}.ipynb' in 'all.zip' is damaged. Ask for it again." for n in range(9000)
    )

    assert told == (
        "'0.ipynb' in 'all.zip' is damaged. Ask for it again. "
        "The same is true of '1.ipynb', '2.ipynb', '3.ipynb', '4.ipynb' and 8995 more.",
    )


def test_sentences_that_differ_in_an_exercise_are_one() -> None:
    said = "{} was stopped in its test: the kernel died."

    assert group_sentences(map(said.format, ("1.1.1", "1.4.3a", "2.2"))) == (
        "1.1.1 was stopped in its test: the kernel died. The same is true of 1.4.3a and 2.2.",
    )


def test_equal_sentences_are_counted() -> None:
    assert group_sentences(["A cell was left out."] * 3038) == (
        "A cell was left out. (3038 times)",
    )


def test_a_number_that_is_no_exercise_makes_another_kind() -> None:
    assert len(group_sentences(["It ran longer than 3 s.", "It ran longer than 4 s."])) == 2


def test_an_apostrophe_is_no_quote() -> None:
    said = ("The course's data are the student's.", "The course's marks are the student's.")

    assert group_sentences(said) == said


def test_kinds_without_end_are_counted() -> None:
    told = group_sentences("x" * n for n in range(1, 1001))

    assert len(told) == 21
    assert told[-1] == "And 980 more of other kinds."


def test_a_long_sentence_is_cut() -> None:
    (told,) = group_sentences(["x" * 10_000])

    assert len(told) == MOST_OF_ONE


def test_grouping_again_changes_nothing_more() -> None:
    for said in (["A."] * 3, [f"'{n}' is damaged." for n in range(9)], ["x" * 10_000]):
        once = group_sentences(said)
        assert group_sentences(once) == once
