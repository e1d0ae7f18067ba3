"""What marks come to, and what the gradebook knows of them."""

from __future__ import annotations

import doctest
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook, MissingEntry

from nbjudge.course import marks
from nbjudge.course.gradebook import read_grades, submission_marks
from nbjudge.course.marks import (
    GradeTable,
    Mark,
    NotebookMarks,
    Person,
    SubmissionMarks,
    exercise_order,
    kind_of_mark,
)


def test_the_examples_hold() -> None:
    assert doctest.testmod(marks) == (0, 1)


@given(st.lists(st.lists(st.integers(0, 200), min_size=1)))
def test_exercises_are_ordered_by_the_values_of_their_numbers(numbers: list[list[int]]) -> None:
    names = [".".join(map(str, parts)) for parts in numbers]

    ordered = sorted(names, key=exercise_order)

    assert ordered == [".".join(map(str, parts)) for parts in sorted(numbers)]


@pytest.mark.parametrize(
    ("points", "is_called"), [(0, "none"), (0.5, "part"), (2, "full"), (2.5, "full")]
)
def test_a_mark_is_full_in_part_or_none(points: float, is_called: str) -> None:
    assert kind_of_mark(points, 2) == is_called


def test_nothing_is_won_where_nothing_can_be_won() -> None:
    assert kind_of_mark(0, 0) == "full"


def test_a_mark_by_hand_that_waits_is_to_be_given_again() -> None:
    assert Mark("ex_1", 1, 2, manual=1, waiting=True).again
    assert not Mark("ex_1", 0, 2, waiting=True).again
    assert not Mark("ex_1", 1, 2, manual=1).again


def submission(*penalties: float) -> SubmissionMarks:
    notebooks = tuple(
        NotebookMarks(name, {f"ex_{i}": Mark(f"ex_{i}", 2, 3, name, 2)}, penalty=penalty)
        for i, (name, penalty) in enumerate(zip("ba", penalties, strict=True), start=9)
    )
    return SubmissionMarks("sums", "ada", notebooks=notebooks[::-1])


def test_a_submission_is_the_sum_of_its_notebooks_less_what_lateness_costs() -> None:
    own = submission(0.5, 1)

    assert [mark.exercise for mark in own.marks] == ["9", "10"]
    assert (own.won, own.penalty, own.points, own.max_points) == (4, 1.5, 2.5, 6)
    assert [each.points for each in own.notebooks] == [1, 1.5]


def test_a_penalty_takes_no_more_than_there_is() -> None:
    own = submission(3, 0.5)

    assert [each.points for each in own.notebooks] == [1.5, 0]
    assert own.points == 0.5
    assert submission(9, 9).points == 0


def test_a_notebook_that_is_not_there_has_no_marks() -> None:
    own = submission(0, 0).notebook("other")

    assert (own.name, own.marks, own.points, own.waiting) == ("other", (), 0, ())


def test_lateness_is_known_only_where_both_times_are() -> None:
    noon, later = datetime(2026, 3, 2, 12), datetime(2026, 3, 2, 13)

    def late(handed_in: datetime | None, due: datetime | None) -> tuple[bool, float]:
        own = SubmissionMarks("sums", "ada", handed_in=handed_in, due=due)
        return own.is_dated, own.seconds_late

    assert late(later, noon) == (True, 3600)
    assert late(noon, later) == (True, 0)
    assert late(noon, None) == late(None, noon) == (False, 0)


@pytest.fixture
def table(tmp_path: Path) -> GradeTable:
    """Return a gradebook's table: ada has marks of all kinds, bob an extension alone."""
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment("sums", duedate="2026-03-02 12:00:00 UTC")
        gradebook.add_assignment("later")
        for name in ("second", "first"):
            gradebook.add_notebook(name, "sums")
        for name, points in (("test_ex_10", 4), ("test_ex_9", 2)):
            gradebook.add_grade_cell(name, "first", "sums", max_score=points, cell_type="code")
        gradebook.add_solution_cell("ex_9", "first", "sums")
        gradebook.add_task_cell("task_1", "second", "sums", max_score=3, cell_type="markdown")
        gradebook.add_student("bob")
        gradebook.add_student("ada", first_name=" Ada ", last_name="Lovelace", lms_user_id="7")
        for student in ("bob", "ada"):
            gradebook.add_submission("sums", student, timestamp="2026-03-03 12:00:00 UTC")
        gradebook.grant_extension("sums", "bob", days=2)
        tested = gradebook.find_grade("test_ex_10", "first", "sums", "ada")
        tested.auto_score, tested.extra_credit, tested.needs_manual_grade = 3, 0.5, False
        changed = gradebook.find_grade("test_ex_9", "first", "sums", "ada")
        changed.auto_score, changed.manual_score, changed.needs_manual_grade = 0, 1.5, True
        comment = gradebook.find_comment("ex_9", "first", "sums", "ada")
        comment.auto_comment, comment.manual_comment = "No response.", " Well **tried**. "
        gradebook.find_submission_notebook("first", "sums", "ada").late_submission_penalty = 1
        gradebook.db.commit()
        with pytest.raises(MissingEntry):
            submission_marks(gradebook, "later", "ada")
        found = read_grades(gradebook)
        assert submission_marks(gradebook, "sums", "ada") == found.submissions("sums")["ada"]
        only = read_grades(gradebook, assignments=["later"], students=["bob"])
        assert [each.name for each in only.assignments] == ["later"]
        assert only.people == (Person("bob"),)
    return found


def test_the_gradebook_is_read_with_everybody_and_all_assignments_sorted(
    table: GradeTable,
) -> None:
    assert table.people == (Person("ada", " Ada ", "Lovelace", "", "7"), Person("bob"))
    assert [(each.name, each.max_points) for each in table.assignments] == [
        ("later", 0),
        ("sums", 9),
    ]
    assert list(table.submissions("sums")) == ["ada", "bob"]
    assert table.submissions("later") == table.submissions("absent") == {}


def test_marks_are_read_as_nbgrader_counts_them(table: GradeTable) -> None:
    own = table.submissions("sums")["ada"]

    assert own.name == "Ada Lovelace"
    assert [each.name for each in own.notebooks] == ["first", "second"]
    assert own.marks == (
        Mark("task_1", 0, 3, "second", waiting=True),
        Mark("test_ex_9", 1.5, 2, "first", auto=0, manual=1.5, waiting=True),
        Mark("test_ex_10", 3.5, 4, "first", auto=3, extra=0.5),
    )
    assert (own.won, own.penalty, own.points) == (5, 1, 4)
    assert own.seconds_late == 86_400


def test_what_is_empty_and_what_people_wrote_stands_by_the_notebook(table: GradeTable) -> None:
    first, second = table.submissions("sums")["ada"].notebooks

    assert (first.comments, first.empty) == ({"ex_9": "Well **tried**."}, {"9"})
    assert (second.comments, second.empty) == ({}, frozenset())


def test_an_extension_is_an_entry_and_no_mark(table: GradeTable) -> None:
    bob = table.submissions("sums")["bob"]

    assert not bob.is_graded
    assert bob.seconds_late == 0
    assert list(table.assignments[1].graded) == ["ada"]
