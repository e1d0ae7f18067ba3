"""The demonstration: a course of its own, students as data, and nobody else's folder touched."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from classroom import TINY
from rich.console import Console

from nbjudge.cli import demo
from nbjudge.cli.demo import MISTAKES, STUDENTS, Student, run
from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.grading.rows import Status

CLASS = (
    Student("ada", "sums", "all right"),
    Student("bruno", "sums", "half", answered=0.34),
    Student("chidi", "sums", "untouched", answered=0),
    Student("dmitri", "sums", "one mistake", mistakes=("nothing but 0",)),
    Student("frida", "sums", "broke off", mishap=demo._cut_off),
    Student("hugo", "sums", "format 3", mishap=demo._in_old_format),
    Student("Zoë Brontë", "sums", "all right"),
)


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=100, quiet=False, file=None)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(shutil.copytree(TINY, tmp_path / "course"))


@pytest.fixture(autouse=True)
def a_mistake_of_the_tiny_course(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MISTAKES, "nothing but 0", ("ex_1_1_1", "def total(n):\n    return 0\n"))


@pytest.mark.slow
def test_the_demonstration_grades_what_its_students_did(
    course: Course, console: Console, tmp_path: Path
) -> None:
    rows = run(course, tmp_path / "demo", console, CLASS)["sums"]

    scores = {row.student: row.score for row in rows}
    assert scores == {
        "Zoë Brontë": 5,
        "ada": 5,
        "bruno": 2,
        "chidi": 0,
        "dmitri": 3,
        "frida": None,
        "hugo": 5,
    }
    told = console.export_text()
    assert "one mistake" in told
    page = tmp_path / "demo" / "feedback" / "dmitri" / "sums" / "sums.html"
    assert str(page) in told
    assert page.is_file()
    assert str(tmp_path / "demo" / "reports" / "sums.html") in told
    assert "6 students are graded" in (tmp_path / "demo/reports/sums.html").read_text("utf-8")
    assert {path.name for path in course.root.iterdir()} == {"nbgrader_config.py", "source"}


@pytest.mark.slow
def test_a_second_demonstration_starts_afresh(
    course: Course, console: Console, tmp_path: Path
) -> None:
    run(course, tmp_path / "demo", console, CLASS[:1])

    rows = run(course, tmp_path / "demo", console, CLASS[2:3])["sums"]

    assert [(row.student, row.status) for row in rows] == [("chidi", Status.GRADED)]
    assert [path.name for path in (tmp_path / "demo" / "submitted").iterdir()] == ["chidi"]


def test_a_folder_that_no_demonstration_made_is_left_alone(
    course: Course, console: Console, tmp_path: Path
) -> None:
    precious = tmp_path / "demo" / "thesis.tex"
    precious.parent.mkdir()
    precious.touch()

    with pytest.raises(CourseError, match="left alone"):
        run(course, precious.parent, console, CLASS)

    assert precious.exists()


def test_a_course_without_the_assignments_is_told_so(course: Course, console: Console) -> None:
    with pytest.raises(CourseError, match="optimisers and loss_functions"):
        run(course, course.root / "demo", console)

    assert not (course.root / "demo").exists()


def test_every_student_makes_mistakes_that_exist() -> None:
    assert {told for student in STUDENTS for told in student.mistakes} <= set(MISTAKES)
    assert len(STUDENTS) == 12
    assert len({(student.name, student.assignment) for student in STUDENTS}) == 12


@pytest.mark.parametrize("told", MISTAKES)
def test_mistakes_are_python(told: str) -> None:
    ast.parse(MISTAKES[told][1])
