"""Rosters: whose each row is, and what becomes of the gradebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from nbjudge.basics import csv_files
from nbjudge.course.gradebook import people_of
from nbjudge.course.marks import Person
from nbjudge.exceptions import CourseError
from nbjudge.term.roster import Imported, import_roster, match, read_roster

ADA = Person("ada", "Ada", "Lovelace", "ada@uni.edu")
PLAIN = "id,first,last,email\nada,Ada,Lovelace,ada@uni.edu\nmia,Mia,Ångström,mia@uni.edu\n"
WORKSHEET = (
    "Identifier,Full name,ID number,Email address,Status\n"
    "Participant 71,Ada Lovelace,ada,ada@uni.edu,-\n"
)
PARTICIPANTS = (
    "First name,Last name,ID number,Email address,Groups\nAda,Lovelace,ada,ada@uni.edu,Lab 1\n"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,sums (12)\n"
    "    Points Possible,,,,,8\n"
    '"Lovelace, Ada",501,s-1,ada,1,\n'
    '"Student, Test",502,,tt,1,\n'
)


def sheet(text: str, folder: Path) -> csv_files.Sheet:
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return csv_files.read_csv(path)


@pytest.fixture
def gradebook(tmp_path: Path) -> Gradebook:
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as found:
        yield found


def take(gradebook: Gradebook, text: str, folder: Path, id_column: str = "") -> Imported:
    return import_roster(gradebook, read_roster(sheet(text, folder), id_column))


@pytest.mark.parametrize("text", [PLAIN, WORKSHEET, PARTICIPANTS, CANVAS])
def test_what_each_platform_exports_names_the_same_person(text: str, tmp_path: Path) -> None:
    person = read_roster(sheet(text, tmp_path)).entries[0].person

    assert (person.id, person.name) == ("ada", "Ada Lovelace")


def test_canvas_has_rows_that_are_nobodys(tmp_path: Path) -> None:
    found = read_roster(sheet(CANVAS, tmp_path))

    assert [entry.person.lms_user_id for entry in found.entries] == ["501"]
    assert not found.problems


def test_a_roster_is_taken_once(gradebook: Gradebook, tmp_path: Path) -> None:
    first = take(gradebook, PLAIN, tmp_path)
    again = take(gradebook, PLAIN, tmp_path)

    assert [person.id for person in first.added] == ["ada", "mia"]
    assert again == Imported(same=2)
    assert people_of(gradebook)[0] == ADA


def test_what_a_second_roster_leaves_empty_stays(gradebook: Gradebook, tmp_path: Path) -> None:
    take(gradebook, PLAIN, tmp_path)
    found = take(gradebook, CANVAS, tmp_path)

    ((before, now),) = found.changed
    assert before == ADA
    assert now == Person("ada", "Ada", "Lovelace", "ada@uni.edu", "501")
    assert [person.id for person in found.absent] == ["mia"]


def test_a_name_in_one_piece_keeps_the_parts_that_are_known(
    gradebook: Gradebook, tmp_path: Path
) -> None:
    take(gradebook, PLAIN, tmp_path)

    assert take(gradebook, WORKSHEET, tmp_path).same == 1
    assert people_of(gradebook)[0] == ADA


def test_an_address_tells_who_somebody_with_another_id_is(
    gradebook: Gradebook, tmp_path: Path
) -> None:
    take(gradebook, PLAIN, tmp_path)
    other = "id,first,last,email\n4711,Augusta Ada,King,ADA@uni.edu\n"

    ((_, now),) = take(gradebook, other, tmp_path).changed
    assert (now.id, now.name) == ("ada", "Augusta Ada King")


def test_who_was_graded_under_the_platforms_number_gets_the_name(
    gradebook: Gradebook, tmp_path: Path
) -> None:
    gradebook.add_student("501")

    ((_, now),) = take(gradebook, CANVAS, tmp_path).changed
    assert (now.id, now.name) == ("501", "Ada Lovelace")


def test_a_number_that_was_another_persons_elsewhere_says_nothing(tmp_path: Path) -> None:
    eve = Person("501", "Eve", "Moore", lms_user_id="12")
    found, new, problems = match(read_roster(sheet(CANVAS, tmp_path)), [eve])

    assert (dict(found), [entry.person.id for entry in new], problems) == ({}, ["ada"], ())


def test_nobody_is_known_by_a_part_of_a_name(gradebook: Gradebook, tmp_path: Path) -> None:
    gradebook.add_student("x1", first_name="Ada", last_name="Lovelace")

    found = take(gradebook, "id,first,last\nada,Ada,Lovelace\n", tmp_path)
    assert [person.id for person in found.added] == ["ada"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,first\nada,Ada\nada,Eva\n", "rows that differ for one id: 'ada'"),
        ("id,email\na,x@y.z\nb,x@y.z\n", "have one e-mail address: 'a', 'b'"),
        ("id,first\n,Ada\nmia,Mia\n", "1 row was left out: the column 'id' is empty there"),
        ("id,first\n../up,Ada\n", "this cannot be a student's id"),
        ("id,first\n1.23457E+11,Ada\n", "a number that a spreadsheet has rounded"),
        ('id,first\n"1,2e+05",Ada\n', "a number that a spreadsheet has rounded"),
        (f"id,first\nada,{'A' * 129}\n", "longer than 128 characters"),
    ],
)
def test_a_row_that_cannot_be_placed_is_told_of(
    text: str, said: str, gradebook: Gradebook, tmp_path: Path
) -> None:
    found = take(gradebook, text, tmp_path)

    assert said in " ".join(found.problems)
    assert {person.id for person in people_of(gradebook)} <= {"mia"}


def test_rows_that_contradict_each_other_change_nothing(
    gradebook: Gradebook, tmp_path: Path
) -> None:
    take(gradebook, PLAIN, tmp_path)
    found = take(gradebook, "id,email\nada,mia@uni.edu\n", tmp_path)

    assert "it is more than one person's, 'ada', 'mia'" in found.problems[0]
    assert people_of(gradebook)[0] == ADA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,first\n", "nobody below it"),
        ("id,first,id\n1,Ada,2\n", "has 2 columns 'id' that differ"),
        ("Matrikel,Vorname\n1,Ada\n", "has none of the columns"),
        ("Student,ID,SIS Login ID\n    Points Possible,,\n", "has none of the columns"),
    ],
)
def test_a_file_without_people_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=said):
        read_roster(sheet(text, tmp_path))


def test_a_column_can_be_named(gradebook: Gradebook, tmp_path: Path) -> None:
    text = "Matrikel,First name\n17,Ada\n"

    assert take(gradebook, text, tmp_path, "Matrikel").added[0].id == "17"
