"""The commands about people and times: `roster`, `deadline`, `extend`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook

ROSTER = "id,first,last,email\nada,Ada,Lovelace,ada@uni.edu\n"
UNTIL = ("--until", "2027-03-05 18:00 Europe/Zurich")


def run(course: Course, *words: str) -> Any:
    return CliRunner().invoke(app, ["--course", str(course.root), *words])


def listed(course: Course, text: str = ROSTER) -> Path:
    path = course.root / "people.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_roster_is_taken_and_told_by_name(course: Course) -> None:
    taken = run(course, "roster", str(listed(course)))

    assert taken.output == "added    Ada Lovelace (ada)\n1 added, 0 changed, 0 as before.\n"
    assert run(course, "roster").output == "Ada Lovelace  ada  ada@uni.edu\n1 student.\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 1, "is no table with a header"),
        ("id,first\n", 1, "nobody below it"),
        ("Matrikel\n1\n", 1, "has none of the columns"),
        ("id\na\n../b\n", 3, "The row of '../b' was left out"),
        ("id,first\na,A\na,B\n", 1, "rows that differ for one id: 'a'"),
    ],
)
def test_a_bad_roster_is_a_sentence(text: str, code: int, said: str, course: Course) -> None:
    done = run(course, "roster", str(listed(course, text)))

    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert "Traceback" not in done.output


def test_a_deadline_is_set_shown_extended_and_removed(course: Course) -> None:
    run(course, "roster", str(listed(course)))
    assert run(course, "deadline").output == "sums: no deadline\n"

    told = run(course, "deadline", "sums", "2027-03-02 18:00 Europe/Zurich").output
    assert told == "sums: Tue 2027-03-02 17:00 UTC\n"
    told = run(course, "extend", "ada", "sums", *UNTIL, "--reason", "ill").output
    assert told == "sums: Ada Lovelace (ada) until Fri 2027-03-05 17:00 UTC: ill\n"
    assert run(course, "extend").output == told
    assert run(course, "extend", "ada", "sums", "--remove").output == f"Taken back: {told}"
    assert "has no extension" in run(course, "extend", "ada", "sums", "--remove").output
    assert run(course, "extend").output == "There is no extension.\n"
    assert run(course, "deadline", "sums", "--remove").output == "sums: no deadline\n"


def test_who_gets_more_time_is_told_by_name_as_well(course: Course) -> None:
    run(course, "roster", str(listed(course, f"{ROSTER}ben,Ben,Lovelace,b@uni.edu\n")))
    run(course, "deadline", "sums", "2027-03-02 18:00 Europe/Zurich")

    told = run(course, "extend", "Ada Lovelace", "sums", *UNTIL).output
    assert told.startswith("sums: Ada Lovelace (ada) until Fri 2027-03-05 17:00 UTC")
    assert run(course, "extend", "lovelace, ada").output == told
    assert run(course, "extend", "Ben Lovelace").output == "There is no extension.\n"
    which = run(course, "extend", "Lovelace", "sums", *UNTIL)
    assert "Is it Ada Lovelace (ada) or Ben Lovelace (ben)?" in which.output
    assert (which.exit_code, run(course, "extend").output) == (1, told)
    assert run(course, "extend", "ADA LOVELACE", "sums", "--remove").output == f"Taken back: {told}"


def test_times_are_those_of_the_courses_zone(course: Course) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('c.Term.timezone = "Europe/Zurich"\n')

    told = run(course, "deadline", "sums", "2027-03-02 18:00").output
    assert told == "sums: Tue 2027-03-02 18:00 +01:00 (Europe/Zurich) = 2027-03-02 17:00 UTC\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("deadline", "maths", "2027-03-02 18:00 UTC"), "No assignment 'maths'"),
        (("deadline", "sums", "2027-03-02 18:00"), "in which time zone"),
        (("deadline", "sums", "2027-03-28 02:30 Europe/Zurich"), "twice, or never"),
        (("extend", "eve", "sums", *UNTIL), "no student 'eve'"),
        (("extend", "ada", "maths", *UNTIL), "No assignment 'maths'"),
        (("extend", "ada", "--until", "2027-03-02 18:00 UTC"), "Name the student"),
        (("extend", "ada", "sums", "--reason", "ill"), "Say until when"),
        (("extend", "ada", "sums", "--remove"), "no student 'ada'"),
    ],
)
def test_what_cannot_be_is_a_sentence(words: tuple[str, ...], said: str, course: Course) -> None:
    done = run(course, *words)

    assert (done.exit_code, said in done.output) == (1, True), done.output


def test_totals_are_written_and_told(course: Course) -> None:
    run(course, "roster", str(listed(course)))
    nothing = run(course, "totals")
    assert (nothing.exit_code, "Nothing that counts is graded" in nothing.output) == (1, True)

    with open_gradebook(course) as gradebook:
        submission = gradebook.add_submission("sums", "ada")
        for grade in submission.notebooks[0].grades:
            grade.manual_score = 1
            grade.needs_manual_grade = False
        gradebook.db.commit()
    told = run(course, "totals")
    heading, ada = told.output.splitlines()[1:3]
    assert heading == "Student                  sums  together"
    assert ada == "Ada Lovelace (ada)        3/7    42.8 %"
    assert (course.root / "reports" / "totals.csv").is_file()
    assert "42.8 %" in (course.root / "reports" / "totals.html").read_text(encoding="utf-8")
    for who in ("ada", "Ada Lovelace"):
        assert "together 42.8 %" in run(course, "totals", "--student", who).output
    assert "no student 'eve'" in run(course, "totals", "--student", "eve").output


def test_points_that_a_person_gives_later_are_lost_as_well_before_marks_go_out(
    course: Course,
) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("c.LatePolicy.max_days = 1\n")
    run(course, "deadline", "sums", "2026-03-01 12:00 UTC")
    with open_gradebook(course) as gradebook:
        gradebook.add_student("ada")
        submission = gradebook.add_submission("sums", "ada", timestamp="2026-03-09 12:00:00")
        for grade in submission.notebooks[0].grades:
            grade.manual_score = 1
            grade.needs_manual_grade = False
        gradebook.db.commit()
    (course.root / "submitted" / "eve").mkdir(parents=True)

    told = run(course, "totals")

    assert "ada            0/7       0 %" in told.output
    assert "not in these totals: 'eve'" in told.output
