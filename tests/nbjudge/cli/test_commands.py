"""The `course` command: thin, quick to answer, and in plain words when something is wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from classroom import TINY, answered, hand_in, released_course
from typer.testing import CliRunner

import course_utils
from course_utils import data
from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.marks import Mark
from nbjudge.exceptions import CourseError
from nbjudge.grading import batch, graded
from nbjudge.grading.rows import Row, Status
from nbjudge.grading.workers import preload
from nbjudge.proof import self_check
from nbjudge.sandbox import bubblewrap


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return shutil.copytree(TINY, tmp_path / "course")


def row(student: str = "ada", **told: Any) -> Row:
    return Row(student, "sums", **{"status": Status.GRADED, "score": 5.0, "max_score": 7.0, **told})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Have nothing graded, and return with what settings it would have been."""
    given: list[dict[str, Any]] = []

    def autograde(course: Course, assignment: str, **settings: Any) -> list[Row]:
        given.append({"course": course, "assignment": assignment, **settings})
        return [row()]

    @contextmanager
    def staff(course: Course, **settings: Any) -> Iterator[str]:
        given.append(settings)
        yield "who comes when called"

    monkeypatch.setattr(batch, "grade_assignment", autograde)
    monkeypatch.setattr(batch, "lend_workers", staff)
    return given


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from nbjudge.cli.commands import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print({'torch', 'nbgrader', 'numpy', 'matplotlib'} & set(sys.modules))"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    commands = (
        *("release", "check", "new", "tidy", "collect", "autograde", "feedback", "formgrader"),
        *("report", "mistakes", "similar", "export", "data", "doctor", "demo", "desk", "init"),
    )
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


@pytest.mark.parametrize(
    "command", ["release", "check", "autograde", "feedback", "report", "mistakes", "similar"]
)
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

    monkeypatch.setattr(batch, "grade_assignment", interrupted)

    result = call("--course", course, "autograde")

    assert result.exit_code == 130
    assert "run the same command again to go on" in result.stderr


def test_markup_in_an_error_is_text(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise CourseError("[bold]no[/nothing]")

    monkeypatch.setattr(batch, "grade_assignment", failing)

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
    assert pages.output.splitlines() == [
        "ada: feedback/ada/sums/sums.html",
        "All assignments: feedback/ada/index.html",
    ]


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_check_fails_when_something_is_not_right(
    course: Path, monkeypatch: pytest.MonkeyPatch, ok: bool, code: int
) -> None:
    result = self_check.SelfCheck(
        (self_check.ExerciseCheck("sums", "sums", "1.1.1", 2, 2 if ok else 1, 0),)
    )
    monkeypatch.setattr(self_check, "selfcheck", lambda course, names: result)

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


def test_the_course_is_found_from_a_folder_within(
    course: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course / "source")

    result = call("autograde")

    assert result.exit_code == 0
    assert asked[1]["course"] == Course(course.resolve())


def test_options_reach_the_grading(course: Path, asked: list[dict[str, Any]]) -> None:
    options = ("--student", "ada", "--student", "bob", "--force", "--run-all", "--workers", "3")

    result = call("--course", course, "autograde", "sums", *options)

    workers, settings = asked
    assert result.exit_code == 0
    assert workers == {"workers": 3, "scheduler": None}
    assert settings["students"] == ["ada", "bob"]
    assert settings["force"]
    assert settings["run_all"]
    assert not settings["require_sandbox"]
    assert settings["get_pool"] == "who comes when called"


def test_without_options_everybody_is_graded_by_all_processors_and_nothing_twice(
    course: Path, asked: list[dict[str, Any]]
) -> None:
    call("--course", course, "autograde")

    workers, settings = asked
    assert workers == {"workers": None, "scheduler": None}
    assert settings["students"] is None
    assert not settings["force"]
    assert not settings["run_all"]


def test_a_scheduler_is_named_by_its_address_and_this_machine_needs_no_sandbox(
    course: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "problem", lambda: "There are no walls here.")

    result = call("--course", course, "autograde", "--scheduler", "tcp://10.0.0.1:8786")

    assert asked[0] == {"workers": None, "scheduler": "tcp://10.0.0.1:8786"}
    assert result.stderr == ""


def test_steps_that_only_nbgraders_own_command_runs_are_named(
    course: Path, asked: list[dict[str, Any]]
) -> None:
    with (course / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('c.Autograde.autograde_preprocessors.append("course_steps.Spelling")\n')

    told = call("--course", course, "autograde").stderr

    assert len(asked) == 2
    assert "Only `nbgrader autograde` runs what nbgrader_config.py adds to it" in told
    assert "course_steps.Spelling" in told


def test_without_a_sandbox_there_is_a_warning_or_if_it_is_required_no_grading(
    course: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "problem", lambda: "There are no walls here.")

    warned = call("--course", course, "autograde")
    graded = len(asked)
    refused = call("--course", course, "autograde", "--require-sandbox")

    assert warned.exit_code == 0
    assert warned.stderr.startswith("Without a sandbox: There are no walls here.")
    assert graded == 2
    assert refused.exit_code == 1
    assert "Nothing was graded" in refused.stderr
    assert len(asked) == graded


@pytest.mark.parametrize(
    ("options", "is_behind", "prepared"),
    [
        ((), True, True),
        ((), False, False),
        (("--force",), False, True),
        (("--scheduler", "tcp://10.0.0.1:8786"), True, False),
    ],
)
def test_workers_are_prepared_only_where_they_will_be_needed(
    course: Path,
    asked: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    is_behind: bool,
    prepared: bool,
) -> None:
    started: list[bool] = []
    monkeypatch.setattr(graded, "is_behind", lambda *_: is_behind)
    monkeypatch.setattr(preload, "start", lambda _: started.append(True))

    call("--course", course, "autograde", *options)

    assert started == [True] * prepared
    assert len(asked) == 2


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_a_number_of_workers_that_is_none_is_refused(
    course: Path, asked: list[dict[str, Any]], number: str
) -> None:
    result = call("--course", course, "autograde", "--workers", number)

    assert result.exit_code == 2
    assert asked == []


def test_several_assignments_have_one_staff(course: Path, asked: list[dict[str, Any]]) -> None:
    shutil.copytree(course / "source" / "sums", course / "source" / "more")

    shown = call("--course", course, "autograde").output

    assert len(asked) == 3
    assert [settings["assignment"] for settings in asked[1:]] == ["more", "sums"]
    assert shown.index("more: 0 graded now, in ") < shown.index("sums: 0 graded now, in ")


def test_json_is_the_rows_and_nothing_else(
    course: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    exercises = (Mark("ex_1_1_1", 1.0, 2.0, "sums"),)
    rows = [
        row(exercises=exercises, waiting=("1.1.3",), remarks=("A \x1b[31mremark.",)),
        row("bob", status=Status.FAILED, score=None, graded_now=True),
    ]
    monkeypatch.setattr(batch, "grade_assignment", lambda *_, **__: rows)

    ada, bob = json.loads(call("--course", course, "autograde", "--json").stdout)

    assert ada == {
        "student": "ada",
        "assignment": "sums",
        "status": "graded",
        "score": 5.0,
        "max_score": 7.0,
        "exercises": [
            {
                "exercise": "1.1.1",
                "title": "",
                "notebook": "sums",
                "points": 1.0,
                "max_points": 2.0,
                "waiting": False,
                "again": False,
            }
        ],
        "waiting": ["1.1.3"],
        "remarks": ["A \x1b[31mremark."],
        "graded_now": False,
        "name": "",
        "seconds_late": 0.0,
        "penalty": 0.0,
        "is_unfinished": False,
    }
    assert (bob["status"], bob["score"], bob["graded_now"]) == ("failed", None, True)


def test_json_of_a_class_of_nobody_is_an_empty_list(
    course: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "grade_assignment", lambda *_, **__: [])

    assert call("--course", course, "autograde", "--json").stdout == "[]\n"


def test_workers_that_cannot_be_used_are_told_in_one_sentence(
    course: Path, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_workers(*_: object, **__: object) -> None:
        raise CourseError("The scheduler at tcp://10.0.0.1:8786 has no workers.")

    monkeypatch.setattr(batch, "grade_assignment", no_workers)

    result = call("--course", course, "autograde", "--scheduler", "tcp://10.0.0.1:8786")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "The scheduler at tcp://10.0.0.1:8786 has no workers.\n"
