import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.proof.self_check import ExerciseCheck, SelfCheck, marks_table, selfcheck

TINY = Path(__file__).parents[2] / "courses" / "tiny"


def shown(check):
    console = Console(width=120, file=io.StringIO())
    console.print(marks_table(check))
    return console.file.getvalue()


@pytest.fixture(scope="module")
def good():
    return selfcheck(Course(TINY))


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """A course whose first test fails on its solution, and whose second passes on the starter."""
    root = Path(shutil.copytree(TINY, tmp_path_factory.mktemp("bad") / "tiny"))
    path = root / "source" / "sums" / "sums.ipynb"
    text = path.read_text(encoding="utf-8")
    text = text.replace("assert total([]) == 0", "assert total([]) == 1")
    text = text.replace("assert mean([2, 4]) == 3", "assert mean").replace(
        "assert mean([7]) == 7", "1"
    )
    path.write_text(text, encoding="utf-8", newline="\n")
    return selfcheck(Course(root))


@pytest.mark.slow
def test_solutions_get_all_points_and_untouched_releases_none(good):
    assert good.ok
    assert [(row.exercise, row.max_points, row.solution, row.untouched) for row in good.rows] == [
        ("1.1.1", 2, 2, 0),
        ("1.1.2", 3, 3, 0),
        ("1.1.3", 2, None, 0),
    ]


@pytest.mark.slow
def test_the_course_itself_is_left_alone(good):
    assert {p.name for p in TINY.iterdir()} <= {"nbgrader_config.py", "source", "__pycache__"}


@pytest.mark.slow
def test_a_solution_that_loses_a_mark_is_told_with_the_tests_words(bad):
    row = bad.rows[0]
    assert not row.ok
    assert row.solution == 0
    assert row.reason == "✗ Exercise 1.1.1: the sum of nothing is 0."


@pytest.mark.slow
def test_an_untouched_release_that_gets_marks_is_told(bad):
    row = bad.rows[1]
    assert not row.ok
    assert (row.solution, row.untouched) == (3, 3)
    assert row.reason == "the untouched release gets marks"


def test_the_table_shows_what_is_wrong_and_what_waits_for_a_person():
    rows = (
        ExerciseCheck("sums", "sums", "1.1.1", 2, 0, 0, "AssertionError: [0] is not 1"),
        ExerciseCheck("sums", "sums", "1.1.3", 2, None, 0),
    )
    text = shown(SelfCheck(rows))
    assert "AssertionError: [0] is not 1" in text
    assert "by hand" in text
    assert not SelfCheck(rows).ok


def test_an_unknown_assignment_is_refused():
    with pytest.raises(CourseError, match="No assignment 'products'"):
        selfcheck(Course(TINY), ["products"])
