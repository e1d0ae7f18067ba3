"""A new exercise: its cells are nbgrader's, in their committed form, and none is there twice."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from classroom import TINY

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.release import source
from nbjudge.release.new_exercise import NewExercise, add_exercise
from nbjudge.release.partial_credit import weight_problem
from nbjudge.release.release import scratch
from nbjudge.release.tidy import untidy

HUBER = NewExercise("0.1", "huber_loss", 3)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(shutil.copytree(TINY, tmp_path / "course"))


def test_a_new_notebook_is_in_its_committed_form(course: Course) -> None:
    path = add_exercise(course, "warm_up/huber", HUBER)

    assert path == course.root / "source" / "warm_up" / "huber.ipynb"
    assert untidy(path) == []
    assert [cell.id for cell in source.read_source(path).cells] == [
        *("title", "imports"),
        *("task_0_1", "ex_0_1", "test_ex_0_1"),
    ]


def test_nbgrader_makes_a_student_version_of_it(course: Course) -> None:
    add_exercise(course, "warm_up/huber", HUBER)

    assert course.api().generate_assignment("warm_up")["success"]

    released = source.read_source(course.root / "release" / "warm_up" / "huber.ipynb")
    cells = source.by_grade_id(released)
    assert "raise NotImplementedError()" in cells["ex_0_1"].source
    assert "reference" not in cells["test_ex_0_1"].source
    assert cells["test_ex_0_1"].metadata.nbgrader.points == 3
    assert cells["test_ex_0_1"].metadata.nbgrader.locked


def test_the_set_up_is_that_of_the_other_notebooks() -> None:
    real = Course(Path(__file__).parents[3])
    set_up = source.by_grade_id(
        source.read_source(real.root / "source/optimisers/optimisers.ipynb")
    )

    with_it = NewExercise("9.9", "answer", 1)
    with scratch(real) as copy:
        made = source.read_source(add_exercise(copy, "more/more", with_it))
    assert source.by_grade_id(made)["set_up"].source == set_up["set_up"].source


def test_an_exercise_is_put_at_the_end_of_a_notebook(course: Course) -> None:
    path = course.root / "source" / "sums" / "sums.ipynb"
    before = source.read_source(path).cells

    add_exercise(course, "sums/sums.ipynb", HUBER)

    after = source.read_source(path).cells
    assert after[: len(before)] == before
    assert [cell.id for cell in after[len(before) :]] == ["task_0_1", "ex_0_1", "test_ex_0_1"]


def test_a_number_that_is_taken_is_refused_whichever_notebook_has_it(course: Course) -> None:
    with pytest.raises(CourseError, match=r"There is an exercise 1\.1\.1 in .*sums\.ipynb"):
        add_exercise(course, "warm_up/huber", NewExercise("1.1.1", "total", 1))

    assert not (course.root / "source" / "warm_up").exists()


@pytest.mark.parametrize("name", ["huber", "a/b/c", "../out/side", "/etc/passwd", "a b/c", "a/"])
def test_what_names_no_notebook_is_refused(course: Course, name: str) -> None:
    with pytest.raises(CourseError, match="names no notebook"):
        add_exercise(course, name, HUBER)


@pytest.mark.parametrize(("number", "symbol"), [("one", "f"), ("1.", "f"), ("1", "f()"), ("1", "")])
def test_what_is_no_exercise_is_refused(number: str, symbol: str) -> None:
    with pytest.raises(
        CourseError,
        match=r"is no (exercise's number|name for an answer)|Say what the answer defines",
    ):
        NewExercise(number, symbol, 1)


@pytest.mark.parametrize(
    ("kind", "symbol", "points", "why"),
    [
        ("written", "words", 1, "defines nothing: leave 'words' out"),
        ("parts", "steps", 1, "give the exercise 2 or more"),
        ("song", "sing", 1, "is no kind of exercise"),
    ],
)
def test_what_no_exercise_of_a_kind_can_be_is_refused(
    kind: str, symbol: str, points: int, why: str
) -> None:
    with pytest.raises(CourseError, match=why):
        NewExercise("1.1", symbol, points, kind=kind)


def test_the_parts_of_a_new_exercise_are_worth_its_points() -> None:
    for points in range(2, 8):
        *_, test = NewExercise("1.1", "steps", points, kind="parts").cells()
        assert not weight_problem(test.source, points)


def test_the_examination_of_a_course_stands_within_the_last_part() -> None:
    *_, test = NewExercise("1.1", "steps", 2, "house.tests", "parts").cells()

    assert "    from house import tests\n\n    tests.steps(steps)\n" in test.source
    ast.parse(test.source)
