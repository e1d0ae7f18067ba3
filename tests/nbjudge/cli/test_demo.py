"""The demonstration: a course of its own, students as data, and nobody else's folder touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from classroom import TINY
from rich.console import Console

from nbjudge.cli import demo
from nbjudge.cli.demo import DemoStudent, made_up_class, run
from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.grading.rows import Status
from nbjudge.judge.knowledge import knowledge

#: The course beside the judge, which knows many mistakes.
THIS = Course(Path(__file__).parents[3])
CLASS = (
    DemoStudent("ada", "sums", "all right"),
    DemoStudent("bruno", "sums", "half", answered=0.34),
    DemoStudent("chidi", "sums", "untouched", answered=0),
    DemoStudent(
        "dmitri", "sums", "one mistake", wrong={"ex_1_1_1": "def total(n):\n    return 0\n"}
    ),
    DemoStudent("frida", "sums", "broke off", mishap=demo._cut_off),
    DemoStudent("hugo", "sums", "format 3", mishap=demo._in_old_format),
    DemoStudent("Zoë Brontë", "sums", "all right"),
)


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=100, quiet=False, file=None)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(shutil.copytree(TINY, tmp_path / "course"))


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
@pytest.mark.thorough
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


def test_a_course_without_an_assignment_is_told_so(
    course: Course, console: Console, tmp_path: Path
) -> None:
    shutil.rmtree(course.root / "source" / "sums")

    with pytest.raises(CourseError, match="holds no assignment"):
        run(course, tmp_path / "demo", console)

    assert not (tmp_path / "demo").exists()


def test_a_class_of_a_course_that_knows_no_mistakes_makes_none(course: Course) -> None:
    students = made_up_class(course)

    assert len(students) == 8
    assert not any(student.wrong for student in students)


def test_the_class_of_this_course_is_a_dozen_and_makes_known_mistakes_in_many_exercises() -> None:
    students = made_up_class(THIS)

    assert len({(student.name, student.assignment) for student in students}) == 12
    answered = [grade_id for student in students for grade_id in student.wrong]
    assert len(answered) == len(set(answered)) == 6
    known = [knowledge(THIS.plug).mistakes(grade_id)[0] for grade_id in answered]
    assert all(any(mistake.name in student.story for student in students) for mistake in known)
