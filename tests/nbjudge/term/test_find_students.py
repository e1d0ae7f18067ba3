"""Whom a text means: ids before names, whole names only, and a sentence where it is a choice."""

from __future__ import annotations

import pytest

from nbjudge.course.marks import Person
from nbjudge.exceptions import CourseError
from nbjudge.term.find_students import NobodyLikeIt, find_student, student_ids

PEOPLE = (
    Person("ada", "Ada", "Lovelace", "al@uni.edu"),
    Person("s2", "Grace", "Hopper", "grace@uni.edu"),
    Person("s3", "Grace", "Hopper", "gh@uni.edu"),
    Person("s4", "Zoë", "Brontë"),
    Person("s5", "", "ada"),
    Person("s6"),
)


@pytest.mark.parametrize(
    ("text", "student"),
    [
        ("ada", "ada"),  # though it is another's name
        ("S4", "s4"),
        ("AL@uni.edu", "ada"),
        ("ada lovelace", "ada"),
        ("Lovelace, Ada", "ada"),
        ("Lovelace  Ada", "ada"),
        ("Zoe Bronte", "s4"),
        ("s6", "s6"),
    ],
)
def test_an_id_an_address_or_a_whole_name_is_somebody(text: str, student: str) -> None:
    assert find_student(PEOPLE, text).id == student


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Grace Hopper", "may be Grace Hopper (s2) or Grace Hopper (s3). Give the id"),
        ("Lovelace", "no student 'Lovelace'. Is it Ada Lovelace (ada)? Give the whole name"),
        ("Ada Lovelase", "Is it Ada Lovelace (ada)?"),
        ("hopper", "Is it Grace Hopper (s2) or Grace Hopper (s3)?"),
        ("eve", "no student 'eve'. `course roster` lists"),
        ("", "no student ''. `course roster` lists"),
    ],
)
def test_what_leaves_a_choice_is_a_sentence_that_lists_whom_it_may_mean(
    text: str, said: str
) -> None:
    with pytest.raises(CourseError) as found:
        find_student(PEOPLE, text)

    assert said in str(found.value)


def test_of_many_who_may_be_meant_the_first_five_are_listed() -> None:
    people = [Person(f"s{n}", "Ann", "Li") for n in range(7)]

    with pytest.raises(CourseError, match=r"Ann Li \(s4\) or 2 more\. Give the id"):
        find_student(people, "Ann Li")


def test_several_are_each_named_once_and_who_is_in_no_gradebook_is_an_id() -> None:
    given = ["Ada Lovelace", "ada", "new", "Grace Hopper"]

    assert student_ids(PEOPLE, given, known={"Grace Hopper"}) == ["ada", "new", "Grace Hopper"]
    with pytest.raises(NobodyLikeIt):
        find_student(PEOPLE, "new")
