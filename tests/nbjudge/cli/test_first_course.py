"""The course that `course init` makes works at once, and everything in it can be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.cli.first_course import CONFIG, make_course
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.release import source
from nbjudge.release.tidy import untidy

WRITTEN = [".gitignore", "README.md", "nbgrader_config.py", "source/warm_up/warm_up.ipynb"]
#: What somebody hands in: wrong, right in part, right, and in words.
ANSWERS = {
    "ex_1_1": "def celsius(fahrenheit):\n    return fahrenheit - 32 * 5 / 9",
    "ex_1_2": "def extremes(numbers):\n    return min(numbers), max(numbers)",
    "ex_1_3": "def longest(words):\n    return max(words, key=len)",
    "ex_1_4": "It hides the extremes.",
}


def run(root: Path, *arguments: str) -> Any:
    result = CliRunner().invoke(app, ["--course", str(root), *arguments])
    assert result.exit_code == 0, result.output
    return result


def hand_in(course: Course, student: str, answers: dict[str, str]) -> None:
    notebook = source.read_source(course.root / "release" / "warm_up" / "warm_up.ipynb")
    for name, text in answers.items():
        source.by_grade_id(notebook)[name].source = text
    folder = course.root / "submitted" / student / "warm_up"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "warm_up.ipynb")  # type: ignore[no-untyped-call]


def test_a_course_is_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["init", str(tmp_path / "new" / "course")])

    assert result.exit_code == 0
    assert "`course release warm_up` comes first" in result.stdout
    root = tmp_path / "new" / "course"
    files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    assert sorted(files) == WRITTEN
    assert Course.find(root).assignments == ("warm_up",)
    assert untidy(root / "source" / "warm_up" / "warm_up.ipynb") == []


def test_its_configuration_tells_nothing_of_a_course(tmp_path: Path) -> None:
    make_course(tmp_path)

    assert Course.find(tmp_path).plug == Plug()
    assert CONFIG.count("configure") == 3  # in the docstring, imported, and called


def test_a_folder_that_holds_other_things_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    make_course(tmp_path)

    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("taken", WRITTEN)
def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).write_text("mine")

    with pytest.raises(CourseError, match=r"is there already|is a course already"):
        make_course(tmp_path)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.read_text() for path in files] == ["mine"]


def test_no_course_is_made_in_a_course(tmp_path: Path) -> None:
    make_course(tmp_path)

    with pytest.raises(CourseError, match="is a course already"):
        make_course(tmp_path / "source" / "another")


def test_a_folder_in_which_nbgrader_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="nbgrader cannot work"):
        make_course(tmp_path / "what?")

    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_it_is_released_graded_told_of_and_reported_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    make_course(tmp_path)
    course = Course.find(tmp_path)

    released = run(tmp_path, "release", "warm_up")
    hand_in(course, "ada", {})
    hand_in(course, "bea", ANSWERS)
    run(tmp_path, "autograde", "warm_up", "--workers", "1")
    run(tmp_path, "feedback", "warm_up")
    run(tmp_path, "report", "warm_up")

    assert "nothing given away" in released.stdout
    ada, bea = marks_of_class(course, "warm_up")
    assert [(mark.exercise, mark.points, mark.waiting) for mark in bea.marks] == [
        ("1.1", 0, False),
        ("1.2", 2, False),
        ("1.3", 2, False),
        ("1.4", 0, True),
    ]
    assert ada.won == 0
    page = (tmp_path / "feedback/bea/warm_up/warm_up.html").read_text(encoding="utf-8")
    assert "Which Fahrenheit is 0 °C?" in page
    assert (tmp_path / "reports/warm_up.html").is_file()
    checked = run(tmp_path, "check")
    assert "wrong" not in checked.stdout


@pytest.mark.slow
def test_an_exercise_of_each_kind_can_be_added_and_released(tmp_path: Path) -> None:
    make_course(tmp_path)
    run(tmp_path, "new", "warm_up/warm_up", "1.5", "double", "--points", "2")
    run(tmp_path, "new", "warm_up/warm_up", "1.6", "twice", "--points", "3", "--kind", "parts")
    run(tmp_path, "new", "warm_up/warm_up", "1.7", "thrice", "--kind", "repair")
    run(tmp_path, "new", "warm_up/warm_up", "1.8", "--kind", "written", "--points", "4")
    path = tmp_path / "source" / "warm_up" / "warm_up.ipynb"
    assert untidy(path) == []
    # What is there to be filled in: here each solution meets its test.
    text = path.read_text(encoding="utf-8")
    right = "return {0.0: 1.0, 1.0: 3.0, 2.0: 7.0}[x]"
    text = text.replace('raise NotImplementedError(\\"the right answer\\")', right)
    path.write_text(text, encoding="utf-8")

    released = run(tmp_path, "release", "warm_up")

    assert "nothing given away" in released.stdout
    cells = source.by_grade_id(
        source.read_source(tmp_path / "release" / "warm_up" / "warm_up.ipynb")
    )
    assert "return x  # what is wrong" in cells["ex_1_7"].source
    assert "MARK SCHEME" not in cells["task_1_8"].source
    assert cells["ex_1_8"].source == "YOUR ANSWER HERE"
    assert cells["ex_1_8"].metadata.nbgrader.points == 4
