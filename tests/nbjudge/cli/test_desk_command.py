"""`course desk`: its address, its links, what it refuses, and a whole evening of it."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from desks import DeskParts, enrol, sums
from processes import course_command, running, waited_for
from typer.testing import CliRunner

from nbjudge.cli import open_desk
from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.exceptions import CourseError
from nbjudge.sandbox import bubblewrap


def call(course: Course, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["--course", str(course.root), "desk", *arguments])


def configure(course: Course, *lines: str) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\n".join(["", *lines, ""]))


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_links_are_written_for_their_owner_alone(course: Course) -> None:
    enrol(course, ("ada", "Ada", "Lovelace"), ("bo", "", "=cmd()"))
    configure(course, 'c.Desk.url = "https://desk.example.org"', 'c.Desk.graders = ["mia"]')
    result = call(course, "--links")

    assert result.exit_code == 0
    path = course.root / "desk_links.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert [row[:2] for row in rows[1:]] == [
        ["ada", "Ada Lovelace"],
        ["bo", "'=cmd()"],
        ["mia", "grader"],
    ]
    assert all(row[3].startswith("https://desk.example.org/enter/") for row in rows[1:])
    assert rows[1][3] not in result.output


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('c.Desk.url = "ftp://x"', "c.Desk.url is 'ftp://x'"),
        ('c.Desk.shows_after = "all"', "c.Desk.shows_after is 'all'"),
        ('c.Desk.database = "nonsense"', "The desk's database cannot be used"),
        ('c.Term.timezone = "Nowhere"', "There is no time zone 'Nowhere'"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(
    line: str, told: str, course: Course, port: int
) -> None:
    configure(course, line)
    result = call(course, "--port", str(port), "--without-sandbox")

    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    assert told in " ".join(result.output.split())


def test_a_port_that_is_taken_is_one_sentence(course: Course) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = str(taken.getsockname()[1])
        result = call(course, "--port", number, "--without-sandbox")

    assert result.exit_code == 1
    assert f"cannot listen at 127.0.0.1, port {number}" in " ".join(result.output.split())


def test_without_a_sandbox_it_opens_only_if_told_to(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "problem", lambda: "There is no bubblewrap.")
    opened = []
    monkeypatch.setattr(open_desk, "serve_desk", lambda *arguments: opened.append(1))

    assert "--without-sandbox" in call(course).output
    assert opened == []
    assert call(course, "--without-sandbox").exit_code == 0
    assert opened == [1]


def test_a_missing_part_is_told_with_its_remedy(course: Course) -> None:
    code = (
        "import sys\nsys.modules['uvicorn'] = None\n"
        "from nbjudge.cli.commands import app\napp(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "--course", str(course.root), "desk"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)

    assert shown.returncode == 1
    assert 'The desk needs uvicorn, which is missing: pip install "nbjudge[desk]"' in shown.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_course_has_one_desk(course: Course) -> None:
    with open_desk._only_one(course.root), pytest.raises(CourseError, match="open already"):
        open_desk.forget(course, ["ada"])


def test_a_student_is_forgotten(course: Course) -> None:
    DeskParts(course, DeskPolicy()).hand_in("ada")
    result = call(course, "--forget", "ada")

    assert result.exit_code == 0
    assert not [path for path in (course.root / "desk" / "files").rglob("*") if path.is_file()]


def test_nothing_of_the_desk_is_imported_by_other_commands() -> None:
    code = (
        "import sys, nbjudge.cli.commands, nbjudge.grading.batch, nbjudge.feedback.write\n"
        "print({'starlette', 'uvicorn', 'itsdangerous', 'nbjudge.desk'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout == "set()\n"


@pytest.mark.slow
@pytest.mark.sandbox
def test_an_evening_at_the_desk(course: Course, port: int, tmp_path: Path) -> None:
    if problem := bubblewrap.problem():
        pytest.skip(problem)
    enrol(course, ("ada", "Ada", "Lovelace"))
    configure(course, f'c.Desk.url = "http://127.0.0.1:{port}"')
    call(course, "--links")
    with (course.root / "desk_links.csv").open(encoding="utf-8", newline="") as file:
        key = next(row["link"] for row in csv.DictReader(file) if row["id"] == "ada")
    headers = {"Authorization": f"Bearer {key.rpartition('/')[2]}", "X-File-Name": "sums.ipynb"}
    command = course_command(course.root, "desk", "--port", str(port), "--workers", "1")
    with running(tmp_path / "run", *command) as program:
        waited_for(lambda: "is open at" in program.output or program.process.poll() is not None)
        assert "is open at" in program.output, program.errors

        def ask(path: str, data: bytes | None = None) -> Any:
            url = f"http://127.0.0.1:{port}/api/hand-ins{path}"
            with urlopen(Request(url, data=data, headers=headers), timeout=60) as answer:
                return json.load(answer)

        number = ask("", sums(course))["id"]
        found = waited_for(lambda: (told := ask(f"/{number}"))["is_over"] and told)
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(120)

    assert (found["points"], found["max_points"]) == (5.0, 7.0)
    (row,) = marks_of_class(course, "sums")
    assert sum(mark.points for mark in row.marks) == 5.0
