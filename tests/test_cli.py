"""The `course` command: thin, quick to answer, and in plain words when something is wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from classroom import TINY, answered, hand_in, released_course
from rich.console import Console
from typer.testing import CliRunner

import course_utils
from course_utils import data
from course_utils.autograde import batch
from course_utils.autograde.batch import Row, Status
from course_utils.autograde.course import Course
from course_utils.autograde.gradebook import ExerciseMark
from course_utils.exceptions import CourseError
from course_utils.instructor import selfcheck
from course_utils.instructor.cli import app
from course_utils.instructor.terminal import print_class, took


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return shutil.copytree(TINY, tmp_path / "course")


def row(student: str = "ada", **told: Any) -> Row:
    return Row(student, "sums", **{"status": Status.GRADED, "score": 5.0, "max_score": 7.0, **told})


def printed(*rows: Row, width: int = 80, terminal: bool = False) -> str:
    console = Console(width=width, force_terminal=terminal, color_system=None)
    with console.capture() as capture:
        print_class(console, rows)
    return capture.get()


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from course_utils.instructor.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print({'torch', 'nbgrader', 'numpy', 'matplotlib'} & set(sys.modules))"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    commands = ("release", "check", "tidy", "autograde", "feedback", "data", "doctor", "demo")
    for command in commands:
        assert re.search(rf"^  {command} ", shown.stdout, re.MULTILINE)
    assert shown.stdout.endswith("set()\n")


def test_version() -> None:
    assert call("--version").output == f"course {course_utils.__version__}\n"


def test_outside_a_course_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    result = call("--course", tmp_path, "autograde")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("No course here: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["release", "check", "autograde", "feedback"])
def test_an_unknown_assignment_is_answered_with_those_there_are(course: Path, command: str) -> None:
    result = call("--course", course, command, "sum")

    assert result.exit_code == 1
    assert "No assignment 'sum'" in result.stderr
    assert "There is: sums." in result.stderr


def test_a_course_without_assignments_says_what_one_is(course: Path) -> None:
    shutil.rmtree(course / "source" / "sums")

    result = call("--course", course, "autograde")

    assert result.exit_code == 1
    assert "An assignment is a folder there that holds notebooks." in result.stderr


def test_an_interruption_says_how_to_go_on(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "autograde", interrupted)

    result = call("--course", course, "autograde")

    assert result.exit_code == 130
    assert "run the same command again to go on" in result.stderr


def test_markup_in_an_error_is_text(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise CourseError("[bold]no[/nothing]")

    monkeypatch.setattr(batch, "autograde", failing)

    assert call("--course", course, "autograde").stderr == "[bold]no[/nothing]\n"


@pytest.mark.slow
def test_a_class_from_release_to_feedback(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course")
    root = course.root

    released = call("--course", root, "release")
    hand_in(course, "ada", answered(course))
    graded = call("--course", root, "autograde", "sums")
    rows = json.loads(call("--course", root, "autograde", "--json").stdout)
    pages = call("--course", root, "feedback", "sums", "--student", "ada")

    assert "sums: release/sums/" in released.output
    assert "nothing given away" in released.output
    assert "sums: 1 graded now, in " in graded.output
    assert "ada  graded              5/7  to read: 1.1.3\n" in graded.output
    assert [(by["student"], by["status"], by["score"]) for by in rows] == [("ada", "graded", 5)]
    assert pages.output == "ada: feedback/ada/sums/sums.html\n"


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_check_fails_when_something_is_not_right(
    course: Path, monkeypatch: pytest.MonkeyPatch, ok: bool, code: int
) -> None:
    result = selfcheck.SelfCheck(
        (selfcheck.ExerciseCheck("sums", "sums", "1.1.1", 2, 2 if ok else 1, 0),)
    )
    monkeypatch.setattr(selfcheck, "selfcheck", lambda course, names: result)

    shown = call("--course", course, "check")

    assert shown.exit_code == code
    assert "1.1.1" in shown.output


def test_tidy_check_names_the_file_and_changes_nothing(course: Path) -> None:
    path = course / "source" / "sums" / "sums.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["loose"] = True
    path.write_text(json.dumps(notebook), encoding="utf-8")
    before = path.read_bytes()

    result = call("--course", course, "tidy", "--check")

    assert result.exit_code == 1
    assert str(path) in result.stderr
    assert path.read_bytes() == before


def test_tidy_mends_what_check_finds(course: Path) -> None:
    path = course / "source" / "sums" / "sums.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["loose"] = True
    path.write_text(json.dumps(notebook), encoding="utf-8")

    tidied = call("tidy", path)

    assert tidied.output == f"{path}: tidied\n"
    assert call("tidy", "--check", path).exit_code == 0


def test_data_shows_where_each_set_is_from(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        SimpleNamespace(name="slice", origin="cache", path=Path("images.npz"), reason=""),
        SimpleNamespace(name="preterm", origin="stand-in", path=None, reason="no network"),
    ]
    monkeypatch.setattr(data, "fetch_all", lambda: found)

    shown = call("data").output

    assert re.search(r"slice\s+cache\s+images\.npz", shown)
    assert re.search(r"preterm\s+stand-in\s+generated, since no network", shown)


def test_a_file_gets_one_line_a_student_never_wrapped() -> None:
    rows = (row(remarks=("long " * 50,)), row("bob", status=Status.FAILED, score=None))

    lines = printed(*rows).splitlines()

    assert lines[0].startswith("ada  graded              5/7  long long")
    assert lines[1] == "bob  failed              –/7"
    assert lines[2] == "2 students: 1 graded, 1 failed."


def test_a_terminal_gets_a_table_that_fits() -> None:
    rows = (row("a" * 60, remarks=("long " * 50,)), row("bob", status=Status.FAILED, score=None))

    shown = printed(*rows, width=80, terminal=True)

    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "failed" in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_of_a_submission_is_markup_or_a_control_character(terminal: bool) -> None:
    shown = printed(row("[red]\x1b[2J", remarks=("[/x] [bold]",)), terminal=terminal)

    assert "[red]\\x1b[2J" in shown
    assert "[/x] [bold]" in shown
    assert "\x1b[2J" not in shown


def test_lost_marks_are_listed_and_answers_to_read_are_not_lost() -> None:
    exercises = (
        ExerciseMark("1.1.1", "sums", 1, 2, False),
        ExerciseMark("1.1.2", "sums", 3, 3, False),
        ExerciseMark("1.1.3", "sums", 0, 2, True),
    )

    shown = printed(row(exercises=exercises, waiting=("1.1.3",)))

    assert "to read: 1.1.3; Lost: 1.1.1 (1/2)\n" in shown
    assert "1 answer waits to be read" in shown


def test_times_are_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 100.0)

    assert took(95.2) == "5 s"
    assert took(-25.0) == "2 min 5 s"


def test_the_course_is_found_from_a_folder_within(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course / "source")
    seen: list[Course] = []
    monkeypatch.setattr(batch, "autograde", lambda course, *_, **__: seen.append(course) or [])

    result = call("autograde", "--json")

    assert (result.exit_code, result.stdout) == (0, "[]\n")
    assert seen == [Course(course.resolve())]
