"""What a person sees of a class: at a terminal that changes, and in a log that only grows."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nbjudge.cli import terminal
from nbjudge.cli.row_choice import Only
from nbjudge.cli.terminal import _Account, _Lines, print_class, show_progress, took
from nbjudge.course.marks import Mark
from nbjudge.grading.rows import Row, Status


def row(student: str = "ada", **told: Any) -> Row:
    return Row(student, "sums", **{"status": Status.GRADED, "score": 5.0, "max_score": 7.0, **told})


def printed(*rows: Row, width: int = 80, terminal: bool = False, **more: Any) -> str:
    stream = StringIO()
    console = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    print_class(console, rows, **more)
    return stream.getvalue()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what sets the clock."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def at(seconds: float) -> None:
        now[0] = 100.0 + seconds

    return at


# ---- A class's marks ----------------------------------------------------------------------------


def test_a_file_gets_one_line_a_student_never_wrapped() -> None:
    rows = (row(remarks=("long " * 50,)), row("bob", status=Status.FAILED, score=None))

    lines = printed(*rows).splitlines()

    assert lines[0] == "1 of 2 students graded, median 5 of 7, 1 to look at."
    assert lines[1].startswith("ada  graded              5/7  long long")
    assert lines[2] == "bob  failed              –/7"
    assert lines[3] == lines[0]


def test_everybody_is_called_by_name_and_late_is_said_whether_or_not_it_costs() -> None:
    rows = (
        row("s1", name="Ada Lovelace", seconds_late=5400.0),
        row("s2", name="Mia Ångström", seconds_late=190_000.0, penalty=2.0),
        row("s3"),
    )

    lines, table = printed(*rows).splitlines(), printed(*rows, terminal=True, width=100)

    assert "Ada Lovelace (s1)" in lines[1]
    assert lines[1].endswith("Handed in 1 hour 30 minutes late, which costs nothing.")
    assert lines[2].endswith("Handed in 2 days 4 hours late: 2 points will be taken off the mark.")
    assert lines[0] == "3 of 3 students graded, median 5 of 7, 2 late."
    assert ["Ada Lovelace s1" in table, "2 h" in table, "2 d −2" in table] == [True] * 3


def test_a_class_of_150_takes_a_line_each_at_100_columns() -> None:
    rows = [row(f"student-{n}", name="A long name " * 5, remarks=("x " * 99,)) for n in range(150)]

    lines = printed(*rows, terminal=True, width=100).splitlines()

    assert sum("A long name" in line for line in lines) == 150
    assert len(lines) < 160
    assert lines[0] == lines[-1].strip() == "150 of 150 students graded, median 5 of 7."
    assert len(printed(*rows[:2], terminal=True, width=100, wide=True).splitlines()) > 12


@pytest.mark.parametrize(
    ("only", "who"),
    [
        (Only.ATTENTION, {"bob"}),
        (Only.WAITING, {"cyd"}),
        (Only.LATE, {"dan"}),
        (Only.MISSING, {"eve"}),
    ],
)
def test_rows_can_be_chosen_and_the_summary_is_on_all(only: Only, who: set[str]) -> None:
    rows = (
        row("ada"),
        row("bob", status=Status.FAILED, score=None),
        row("cyd", waiting=("1.1",)),
        row("dan", seconds_late=60.0),
        row("eve", status=Status.NOT_HANDED_IN, score=None),
    )

    first, *lines = printed(*rows, only=only).splitlines()

    assert first.startswith("3 of 5 students graded, median 5 of 7, 1 answer to read, 1 to look at")
    assert first.endswith(f"1 late, 1 not handed in. Shown: 1 ({only}).")
    names = ("ada", "bob", "cyd", "dan", "eve")
    assert {name for name in names if any(line.startswith(name) for line in lines)} == who


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_gets_tables_that_fit(width: int) -> None:
    failed = row("bob", status=Status.FAILED, score=None, remarks=("A reason. " * 20,))

    shown = printed(row("a" * 60, remarks=("long " * 50,)), failed, width=width, terminal=True)

    assert all(len(line) <= width for line in shown.splitlines())
    assert "failed" in shown


def test_a_terminal_tells_those_who_need_a_person_apart_with_their_reasons() -> None:
    rows = (
        row(remarks=("Just a note.",)),
        row("bob", status=Status.FAILED, score=None, remarks=("It is empty.",)),
        row("eve", status=Status.NEEDS_A_PERSON, remarks=("The ids are lost.",)),
        row("zoe", status=Status.NOT_HANDED_IN, score=None),
    )

    marks, _, reasons = printed(*rows, width=120, terminal=True).partition("For a person's eye")

    assert "Just a note." in marks
    assert [name in marks for name in ("ada", "bob", "eve", "zoe")] == [True] * 4
    assert "It is empty." not in marks
    for told in ("bob", "It is empty.", "eve", "The ids are lost."):
        assert told in reasons
    assert not any(told in reasons for told in ("ada", "zoe"))
    assert "2 of 4 students graded, median 5 of 7, 2 to look at, 1 not handed in." in reasons


def test_a_class_without_trouble_has_no_table_of_it() -> None:
    assert "For a person's eye" not in printed(row(), terminal=True)


@pytest.mark.parametrize("status", [Status.GRADED, Status.FAILED])
@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_of_a_submission_is_markup_or_a_control_character(
    terminal: bool, status: Status
) -> None:
    rows = row("[red]\x1b[2J", status=status, remarks=("[/x] [bold]",))

    shown = printed(rows, terminal=terminal, width=120)

    assert "[red]\\x1b[2J" in shown
    assert "[/x] [bold]" in shown
    assert "\x1b[2J" not in shown


def test_lost_marks_are_listed_and_answers_to_read_are_not_lost() -> None:
    exercises = (
        Mark("ex_1_1_1", 1, 2, "sums", title="A total"),
        Mark("ex_1_1_2", 3, 3, "sums"),
        Mark("ex_1_1_3", 0, 2, "sums", waiting=True),
    )

    shown = printed(row(exercises=exercises, waiting=("1.1.3",)))

    assert "to read: 1.1.3; Lost: 1.1.1 A total (1/2)\n" in shown
    assert "1 answer to read" in shown
    assert shown.endswith("To mark what waits to be read: course formgrader\n")


def test_a_description_has_a_column_of_its_own_or_comes_first() -> None:
    rows = (row(remarks=("A note.",)), row("bob"))
    described = {"ada": "all is right"}

    _, line, *_ = printed(*rows, described=described).splitlines()
    table = printed(*rows, described=described, terminal=True, width=120)

    assert line.endswith("5/7  all is right; A note.")
    assert "What was handed in" in table
    assert "all is right" in table


def test_times_are_readable(clock: Callable[[float], None]) -> None:
    assert took(95.2) == "5 s"
    assert took(-25.0) == "2 min 5 s"


# ---- How a grading goes: a log ------------------------------------------------------------------


def lines() -> tuple[_Lines, StringIO]:
    stream = StringIO()
    return _Lines(Console(file=stream, width=40, highlight=False), "Grading sums"), stream


def test_a_log_gets_a_line_for_each_tenth_of_the_class(clock: Callable[[float], None]) -> None:
    watcher, stream = lines()
    watcher.on_plan(45, 40)
    watcher.on_workers(2)
    for number in range(40):
        clock(2.0 * (number + 1))
        watcher.on_graded(f"student {number}", 5.0, False)

    told = stream.getvalue().splitlines()

    assert len(told) == 11
    assert told[0] == "Grading sums: 40 of 45 to grade"
    assert told[1] == (
        "Grading sums: 4 of 40 done, 0 to look at, mean mark of tests 5.0, 1 min 12 s left"
    )
    assert told[-1] == (
        "Grading sums: 40 of 40 done, 0 to look at, mean mark of tests 5.0, 0 s left"
    )


def test_a_log_of_a_small_class_gets_a_line_for_each(clock: Callable[[float], None]) -> None:
    watcher, stream = lines()
    watcher.on_plan(3, 3)
    watcher.on_graded("ada", 4.0, False)
    watcher.on_graded("bob", None, True)
    watcher.on_graded("eve", 5.0, False)

    _, ada, bob, eve = stream.getvalue().splitlines()

    assert ada.endswith("1 of 3 done, 0 to look at, mean mark of tests 4.0, – left")
    assert "2 of 3 done, 1 to look at, mean mark of tests 4.0" in bob
    assert "3 of 3 done, 1 to look at, mean mark of tests 4.5" in eve


def test_a_log_gets_nothing_where_there_is_nothing_to_do() -> None:
    watcher, stream = lines()

    watcher.on_plan(300, 0)

    assert stream.getvalue() == ""


def test_a_log_has_neither_colours_nor_names() -> None:
    watcher, stream = lines()
    watcher.on_plan(1, 1)
    watcher.on_graded("[red]\x1b[2J", 1.0, False)

    assert "\x1b" not in stream.getvalue()
    assert "red" not in stream.getvalue()


# ---- A terminal ---------------------------------------------------------------------------------


def shown(account: _Account, width: int = 100) -> str:
    stream = StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    console.print(account.table())
    return stream.getvalue()


def cells(account: _Account) -> dict[str, str]:
    """Return the live table's cells by their headings."""
    _, bar, heading, _, values, *_ = shown(account).splitlines()
    assert set(bar.strip()) <= set("━╸╺")
    names, told = (re.split(r" {2,}", line.strip()) for line in (heading, values))
    return dict(zip(names, told, strict=True))


def test_a_terminal_shows_how_far_the_class_is(clock: Callable[[float], None]) -> None:
    account = _Account("Grading sums")
    account.on_plan(12, 10)
    account.on_workers(2)
    for number, points in enumerate((4.0, None, 5.0), start=1):
        clock(40.0 * number)
        account.on_graded("somebody", points, points is None)

    assert shown(account).startswith("Grading sums")
    assert cells(account) == {
        "Done": "3 of 10",
        "Running": "2",
        "To look at": "1",
        "Mean mark of tests": "4.5",
        "Time": "2 min 0 s",
        "Left": "4 min 40 s",
    }


def test_until_workers_are_there_they_are_starting(clock: Callable[[float], None]) -> None:
    account = _Account("Grading sums")
    account.on_plan(10, 10)

    told = cells(account)

    assert (told["Running"], told["Mean mark of tests"], told["Left"]) == ("starting", "–", "–")


def test_no_more_are_running_than_are_left(clock: Callable[[float], None]) -> None:
    account = _Account("Grading sums")
    account.on_plan(3, 3)
    account.on_workers(8)
    account.on_graded("ada", 1.0, False)
    account.on_graded("bob", 1.0, False)

    assert cells(account)["Running"] == "1"


def test_where_nothing_is_to_grade_a_terminal_shows_nothing() -> None:
    account = _Account("Grading sums")
    account.on_plan(10, 0)

    assert shown(account).strip() == ""


# ---- Where it is shown --------------------------------------------------------------------------


def test_a_stream_without_a_file_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO()
    monkeypatch.setattr(sys, "stderr", stream)

    with show_progress("Grading sums") as watcher:
        watcher.on_plan(2, 2)

    assert stream.getvalue() == "Grading sums: 2 of 2 to grade\n"


def test_the_lines_come_though_workers_have_taken_the_terminal(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with show_progress("Grading sums") as watcher:
        kept = os.dup(2)
        with (tmp_path / "log").open("wb") as log:
            os.dup2(log.fileno(), 2)
        watcher.on_plan(2, 1)
        os.dup2(kept, 2)
        os.close(kept)

    assert capfd.readouterr().err == "Grading sums: 1 of 2 to grade\n"
    assert (tmp_path / "log").read_bytes() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="the platform has no pseudo-terminals")
def test_a_terminal_gets_a_table_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty

    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    stream = os.fdopen(theirs, "w")
    monkeypatch.setattr(sys, "stderr", stream)

    with show_progress("Grading sums") as watcher:
        watcher.on_plan(10, 10)
        watcher.on_graded("ada", 5.0, False)
    stream.close()
    told = b""
    try:
        while part := os.read(ours, 65536):
            told += part
    except OSError:  # how the end of a terminal reads
        pass
    os.close(ours)

    assert b"1 of 10" in told
    assert told.endswith((b"\x1b[2K", b"\x1b[?25h"))  # the table is erased, the cursor is back
    assert b"to grade" not in told


def test_a_finished_account_keeps_no_terminal_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal._own_stderr() as stream:
        pass

    assert stream is sys.stderr or stream.closed
