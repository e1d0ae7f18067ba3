"""A whole term of ten made-up students, by the commands that a person types.

`benchmarks/term.py` plays it, and the same with 150. Everything below can be worked out by hand:
each of two assignments is worth 9 points, of which 2 are for words; 40 % and 60 % of the total.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nbjudge.cli.commands import app

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

#: By id: points of the first and the second assignment, and the total in percent.
MARKS = {
    "s001": ("8", "9", 95.6),  # all right, 1 of 2 for the words: 40 × 8/9 + 60
    "s002": ("7", "9", 91.1),  # one point of 1.2 lost
    "s003": ("6", "9", 86.7),  # the two points of 1.1 lost
    "s004": ("6.2", "9", 87.6),  # all right, 30 hours late: two days of 0.9
    "s005": ("8", "9", 95.6),  # as late, with an extension
    "s006": ("8", "9", 95.6),  # wrong at first, and then right
    "s007": ("", "9", 60.0),  # a damaged file
    "s008": ("", "9", 60.0),  # a file of another name
    "s009": ("7", "9", 91.1),  # 1.1 wrong, and one of its two points given on an appeal
    "s010": ("8", "", 35.6),  # nothing handed in in the second
}


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Play the term, and return its folder and what each command printed."""
    root = tmp_path_factory.mktemp("term")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
        patch.chdir(root)
        from term import class_of, play

        def run(*words: str) -> tuple[int, str]:
            done = CliRunner().invoke(app, list(words))
            return done.exit_code, done.output

        yield root, play(root, class_of(10), run)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_marks_go_out_to_both_platforms_as_they_are_worked_out(term: Any) -> None:
    root, told = term
    wanted = {student: own[:2] for student, own in MARKS.items()}

    canvas = {row["SIS Login ID"]: row for row in table(root / "c.csv") if row["SIS Login ID"]}
    moodle = {row["Email address"].partition("@")[0]: row for row in table(root / "m.csv")}

    for found in (canvas, moodle):
        assert {s: (row["warm_up"], row["second"]) for s, row in found.items()} == wanted
    (remarks,) = (printed for words, printed in told.items() if "canvas.csv --out" in words)
    assert "does not know 'Guest, Gil'" in remarks


def test_totals_weigh_both_and_name_everybody_as_people_sort(term: Any) -> None:
    root, told = term

    rows = table(root / "reports" / "totals.csv")

    totals = {row["student"]: round(float(row["percent"]), 1) for row in rows}
    assert totals == {student: total for student, (_, _, total) in MARKS.items()}
    assert {row["student"] for row in rows if row["passed"] == "false"} == {"s010"}
    assert [row["name"] for row in rows] == [
        *("Håkon Ångström", "Chloé Brontë", "Björn Lovelace", "José Lovelace", "Đặng O'Neill"),
        *("Ada Ōno", "Íris Ōno", "Ewa Şafak", "Fatma van Dyk", "Gül Żak"),
    ]
    assert told["totals"].startswith("10 students, median 89.3 %, 9 with 50 % or more.")


def test_what_was_wrong_is_told_in_rows_and_graded_once_more_alone(term: Any) -> None:
    _, told = term

    first, again = told["autograde warm_up"], told["autograde warm_up --only attention"]

    assert "8 of 10 students graded, median 5.6 of 9, 8 answers to read, 2 to look at, 1 late." in (
        first
    )
    (late,) = (line for line in first.splitlines() if line.startswith("Đặng O'Neill (s004)"))
    assert "Handed in 1 day 6 hours late: 1.8 points will be taken off" in late
    assert "is damaged" in first
    assert "there is 'notes.ipynb'" in first
    assert "warm_up: 1 graded now" in again  # who handed in again
    assert "8 of 10 students graded, median 6.5 of 9" in again
    (nothing,) = (line for line in told["autograde second"].splitlines() if "(s010)" in line)
    assert nothing.split() == ["José", "Lovelace", "(s010)", "not", "handed", "in", "–/9"]


def test_rosters_of_both_platforms_are_one_class(term: Any) -> None:
    root, told = term

    moodle, canvas = (told[f"roster {root / name}"] for name in ("moodle.csv", "canvas.csv"))

    assert "10 added, 0 changed, 0 as before." in moodle
    assert "0 added, 10 changed, 0 as before." in canvas
    assert "1 row was left out: the column 'SIS Login ID' is empty there." in canvas
    assert told["extend Ewa Şafak warm_up --until 2026-03-05 18:00 UTC --reason ill"] == (
        "warm_up: Ewa Şafak (s005) until Thu 2026-03-05 18:00 UTC: ill\n"
    )


def test_everybody_gets_pages_and_the_teacher_gets_theirs(term: Any) -> None:
    root, told = term

    pages = {path.parent.name: path for path in root.glob("feedback/*/index.html")}
    reports = {path.name for path in root.glob("reports/*.html")}

    assert pages.keys() == MARKS.keys()
    own = pages["s004"].read_text(encoding="utf-8")
    assert "87.5 %" in own  # rounded down, so that nobody seems to have reached what they have not
    assert "1 day 6 hours late; 1.8 taken off" in own
    assert "Name a number that <strong>tells</strong> it." in own
    assert reports == {
        *("warm_up.html", "second.html", "totals.html"),
        *("warm_up-similar.html", "second-similar.html"),
    }
    assert "warm_up: nothing stands out among 8 submissions" in told["similar"]
