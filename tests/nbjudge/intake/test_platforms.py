"""Whose each file of a platform's archive is: by names alone, and as zip_collect asks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from archives import THEN, moodle, zipped
from classroom import TINY
from nbgrader.apps import ZipCollectApp

from nbjudge.basics.csv_files import Sheet
from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.intake.collect import Collected, collect_archives
from nbjudge.intake.platforms.file_names import (
    PLATFORM_CANVAS,
    PLATFORM_MOODLE,
    Found,
    PlatformFormat,
    canvas_name,
    moodle_name,
)
from nbjudge.intake.platforms.sort_files import Sorted, sort_out
from nbjudge.intake.platforms.who_is_who import Directory, Owner

WORKSHEET = Sheet(
    "worksheet.csv",
    ("Identifier", "Full name", "ID number", "Email address", "Last modified (submission)"),
    (
        ("Participant 11", "Ada Lovelace", "a1", "ada@x.org", "Monday, 2 March 2026, 6:30 PM"),
        ("Participant 12", "Jörg Müller", "b2", "joerg@x.org", "-"),
        ("Participant 13", "Ada Lovelace", "c3", "ada2@x.org", ""),
        ("Participant 14", "Zoe", "..", "zoe@x.org", ""),
        ("Participant 15", "Dan", "d4", "dan@x.org", ""),
        ("Participant 16", "Dan Again", "d4", "dan2@x.org", ""),
    ),
)
CANVAS = Sheet(
    "gradebook.csv",
    ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Sums (9)"),
    (
        ("    Points Possible", "", "", "", "", "7"),
        ("Lovelace, Ada", "101", "s1", "ada", "A", ""),
        ("Müller, Jörg", "102", "s2", "joerg", "A", ""),
    ),
)


def sorted_out(
    platform: PlatformFormat, *names: str, roster: Sheet | None = None, **changed: float
) -> Sorted:
    """Sort files below the folder of an archive; `changed` gives times by a part of the path."""
    times = {
        PurePosixPath("download", name): next(
            (time for part, time in changed.items() if part in name), 0.0
        )
        for name in names
    }
    owner = Directory(platform.name, roster).owner
    return sort_out(times, ["sums.ipynb"], platform, owner)


def taken(found: Sorted) -> dict[str, tuple[str, str]]:
    return {
        path.relative_to("download").as_posix(): (who.student, who.file)
        for path, who in found.taken.items()
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Ada Lovelace_11_assignsubmission_file_", Found("11", "Ada Lovelace")),
        ("Ada Lovelace_11_assignsubmission_file", Found("11", "Ada Lovelace")),
        ("Jörg_11_assignsubmission_file_a_b.ipynb", Found("11", "Jörg", "a_b.ipynb")),
        ("Participant_11_assignsubmission_file_", Found("11", "Participant")),
        ("Ada_11_assignsubmission_onlinetext_", None),
        ("Ada_assignsubmission_file_", None),
        ("sums.ipynb", None),
    ],
)
def test_a_name_of_moodles(name: str, found: Found | None) -> None:
    assert moodle_name(name) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("lovelaceada_101_55_sums.ipynb", Found("101", "lovelaceada", "sums.ipynb", 55)),
        ("ada_LATE_101_55_sums-1.ipynb", Found("101", "ada", "sums-1.ipynb", 55, late=True)),
        ("müllerjörg_101_55_my_sums.ipynb", Found("101", "müllerjörg", "my_sums.ipynb", 55)),
        ("team_a_101_55_sums.ipynb", Found("101", "team_a", "sums.ipynb", 55)),
        ("eve_102_7_101_55_sums.ipynb", None),
        ("ada_101_55_1_2_sums.ipynb", None),
        ("eve_LATE_102_7_101_sums.ipynb", None),
        ("anon_x7y_101_55_sums.ipynb", None),
        ("sums.ipynb", None),
    ],
)
def test_a_name_of_canvas_that_can_be_read_in_one_way(name: str, found: Found | None) -> None:
    assert canvas_name(name) == found


def test_moodles_files_are_found_in_folders_and_without_them() -> None:
    names = (moodle("Ada", 11, "sums.ipynb"), moodle("Ben", 12, "sums.ipynb", folders=False))

    found = sorted_out(PLATFORM_MOODLE, *names)

    assert taken(found) == {names[0]: ("11", "sums.ipynb"), names[1]: ("12", "sums.ipynb")}
    assert found.remarks == ()


def test_a_notebook_counts_wherever_in_a_students_archive_it_lies() -> None:
    found = sorted_out(
        PLATFORM_CANVAS,
        "ada_101_55_work/term/sums.ipynb",
        "ada_101_55_work/.ipynb_checkpoints/sums.ipynb",
        "ada_101_55_work/data.csv",
    )

    assert taken(found) == {"ada_101_55_work/term/sums.ipynb": ("101", "sums.ipynb")}
    assert found.remarks == ()


@pytest.mark.parametrize(
    ("platform", "own", "forged"),
    [
        (PLATFORM_MOODLE, "Eve_13_assignsubmission_file_", moodle("Ada", 11, "sums.ipynb")),
        (PLATFORM_CANVAS, "eve_103_7_work", "ada_101_99_sums.ipynb"),
        (PLATFORM_CANVAS, "eve_1_2_103_7_work", "ada_101_99_sums.ipynb"),
        (PLATFORM_CANVAS, "anon_x_7_work", "ada_101_99_sums.ipynb"),
    ],
)
def test_nobody_can_hand_in_for_another_by_names_in_an_archive(
    platform: PlatformFormat, own: str, forged: str
) -> None:
    for path in (f"{own}/{forged}", f"{own}/x/{forged}"):
        for below in ("download", "."):
            files = {PurePosixPath(below, path): 0.0}
            found = sort_out(files, ["sums.ipynb"], platform, Directory(platform.name, None).owner)

            assert {who.student for who in found.taken.values()} <= {"13", "103"}


@pytest.mark.parametrize(
    ("names", "latest"),
    [
        (("ada_101_54_sums.ipynb", "ada_101_55_sums.ipynb"), "ada_101_55_sums.ipynb"),
        (("ada_101_9_sums.ipynb", "ada_101_10_sums.ipynb"), "ada_101_10_sums.ipynb"),
        (("ada_101_9_sums-2.ipynb", "ada_101_8_sums-10.ipynb"), "ada_101_9_sums-2.ipynb"),
        (("ada_101_9_w/sums-1.ipynb", "ada_101_9_w/sums.ipynb"), "ada_101_9_w/sums-1.ipynb"),
        (
            ("ada_101_9_w/new/sums.ipynb", "ada_101_9_w/old/sums.ipynb"),
            "ada_101_9_w/new/sums.ipynb",
        ),
    ],
)
def test_of_several_files_for_a_notebook_the_latest_is_taken(
    names: tuple[str, ...], latest: str
) -> None:
    found = sorted_out(PLATFORM_CANVAS, *names, new=2.0, old=1.0)

    assert taken(found) == {latest: ("101", "sums.ipynb")}
    assert "the latest was taken" in found.remarks[0]


def test_where_the_latest_cannot_be_told_none_is_taken() -> None:
    found = sorted_out(PLATFORM_CANVAS, "ada_101_9_w/a/sums.ipynb", "ada_101_9_w/b/sums.ipynb")

    assert found.taken == {}
    assert found.left_out == (
        "101: which is the later 'sums.ipynb' cannot be told, so none was taken of "
        "'download/ada_101_9_w/a/sums.ipynb', 'download/ada_101_9_w/b/sums.ipynb'.",
    )


def test_a_doubt_about_one_notebook_leaves_out_no_other_of_the_same_student() -> None:
    names = ["a/hw.ipynb", "b/hw.ipynb", "hx-1.ipynb", "sums.ipynb"]
    expected = ["hw.ipynb", "hx.ipynb", "hx-1.ipynb", "sums.ipynb"]

    taken, found = canvas_taken(expected, *(f"ada_101_9_w/{name}" for name in names))

    assert taken == {"sums.ipynb": "sums.ipynb"}
    assert len(found.left_out) == 2


def test_a_second_version_is_later_than_the_first_whatever_their_times() -> None:
    files = {"hw.ipynb": 0.0, "hw-1.ipynb": 2.0, "hw-1-1.ipynb": 1.0}
    paths = {PurePosixPath("download", "ada_101_9_w", name): when for name, when in files.items()}
    owner = Directory("Canvas", None).owner

    found = sort_out(paths, ["hw.ipynb", "hw-1.ipynb"], PLATFORM_CANVAS, owner)

    assert {path.name: who.file for path, who in found.taken.items()} == {
        "hw.ipynb": "hw.ipynb",
        "hw-1-1.ipynb": "hw-1.ipynb",
    }


def test_a_wrong_name_is_collected_as_it_is_for_the_autograder_to_tell() -> None:
    found = sorted_out(PLATFORM_CANVAS, "ada_101_9_sums (1).ipynb", "ben_102_8_other-1.ipynb")

    assert sorted(who.file for who in found.taken.values()) == ["other-1.ipynb", "sums (1).ipynb"]


def test_what_is_no_notebook_and_who_was_late_are_told() -> None:
    found = sorted_out(
        PLATFORM_CANVAS, "ada_LATE_101_9_sums.ipynb", "ben_102_8_report.pdf", "notes.txt"
    )

    assert found.left_out == (
        "102: there is no notebook, but 'report.pdf'. Ask for it.",
        "Left out, as Canvas gives no such names, or they can be read in two ways: 'notes.txt'.",
    )
    assert found.remarks == ("Canvas calls late, and does not say when: '101'.",)


@pytest.mark.parametrize(
    ("found", "student"),
    [
        (Found("11", "Ada Lovelace"), "a1"),
        (Found("12", "?"), "b2"),
        (Found("99", "Jo\u0308rg MU\u0308LLER"), "b2"),
        (Found("99", "Jörg  Müller "), "b2"),
    ],
)
def test_moodles_people_are_found_by_number_and_else_by_name(found: Found, student: str) -> None:
    assert Directory("Moodle", WORKSHEET).owner(found).id == student


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (Found("99", "Ada Lovelace"), "has 2 rows for"),
        (Found("99", "Eve"), "is not in worksheet.csv"),
        (Found("14", "Zoe"), "holds '..', which cannot be a student's id"),
        (Found("15", "Dan"), "has the id 'd4' twice"),
    ],
)
def test_who_cannot_be_told_is_left_out_and_said(found: Found, problem: str) -> None:
    owner = Directory("Moodle", WORKSHEET).owner(found)

    assert owner.id == ""
    assert problem in owner.problem


@pytest.mark.parametrize(
    "name",
    [
        "Anne-Marie Curie",
        "Group 1-Marie Curie",
        "Marie Curie-Joliot",
        "Marie",
        "Curie",
        "Marie  S Curie",
        "Curie Marie",
        "Marié Curie",
        "MarieCurie",
        "",
    ],
)
def test_an_identity_is_never_a_part_of_a_name(name: str) -> None:
    roster = Sheet("people.csv", ("Full name", "ID number"), (("Marie Curie", "marie"),))

    owner = Directory("Moodle", roster).owner(Found("501", name))

    assert owner == Owner(problem=f"'{name}' (501) is not in people.csv, and was left out.")


def test_letters_that_some_languages_take_for_others_are_other_names() -> None:
    roster = Sheet("people.csv", ("Full name", "ID number"), (("Anna Weiss", "anna"),))

    assert not Directory("Moodle", roster).owner(Found("501", "Anna Weiß")).id


def test_two_people_of_one_name_are_told_by_nothing_but_their_numbers() -> None:
    header = ("Identifier", "Full name", "ID number")
    rows = (("Participant 1", "Li Na", "li1"), ("Participant 2", "LI NA", "li2"))
    directory = Directory("Moodle", Sheet("people.csv", header, rows))

    assert directory.owner(Found("2", "Li Na")).id == "li2"
    assert "has 2 rows for 'Li Na' (9)" in directory.owner(Found("9", "Li Na")).problem


def test_a_name_without_what_no_file_may_have_is_that_name() -> None:
    roster = Sheet("people.csv", ("Full name", "ID number"), (("Ada O'Brien_Q", "ada"),))

    assert Directory("Moodle", roster).owner(Found("501", "Ada OBrien Q")).id == "ada"


def test_a_group_before_a_name_counts_if_the_roster_has_it() -> None:
    header = ("Full name", "ID number", "Groups")
    rows = (("Ada King", "ada", "Lab 1, Lab-2"), ("Ben King", "ben", ""))
    directory = Directory("Moodle", Sheet("people.csv", header, rows))

    assert directory.owner(Found("501", "Lab 1-Ada King")).id == "ada"
    assert directory.owner(Found("501", "Lab-2-Ada King")).id == "ada"
    assert not directory.owner(Found("501", "Lab 3-Ada King")).id
    assert not directory.owner(Found("501", "Lab 1-Ben King")).id


def test_canvas_people_are_found_by_id_alone() -> None:
    directory = Directory("Canvas", CANVAS)

    assert directory.owner(Found("101", "whoever")) == Owner("ada")
    assert "is not in gradebook.csv" in directory.owner(Found("1", "lovelaceada")).problem


def test_of_canvas_numbers_the_id_counts_and_no_other() -> None:
    header = ("Student", "ID", "SIS User ID", "SIS Login ID")
    rows = (
        ("Ada", "101", "102", "ada"),
        ("Ben", "102", "101", "ben"),
        ("Cyd", "103", "104", "cyd"),
    )
    directory = Directory("Canvas", Sheet("gradebook.csv", header, rows))

    found = [directory.owner(Found(number, "x")) for number in ("101", "102", "103", "104")]

    assert [owner.id for owner in found] == ["ada", "ben", "cyd", ""]
    assert Directory("Canvas", None).owner(Found("101", "x")) == Owner("101")


def test_nobody_gets_an_id_from_a_column_that_others_have_none_in() -> None:
    header = ("Student", "ID", "SIS User ID", "SIS Login ID")
    rows = (("Ada", "101", "s1", "ada"), ("Ben", "102", "s2", ""))
    directory = Directory("Canvas", Sheet("gradebook.csv", header, rows))

    assert directory.owner(Found("101", "x")) == Owner("ada")
    assert "column 'SIS Login ID' is empty" in directory.owner(Found("102", "x")).problem


@pytest.mark.parametrize("student", ["a\\b", "a/b", "..", ".a", "a\nb", "a[1]", "x" * 101])
def test_an_id_that_can_be_no_folder_is_left_out_and_said(student: str) -> None:
    roster = Sheet("people.csv", ("Student", "ID", "SIS Login ID"), (("Ada", "101", student),))

    owner = Directory("Canvas", roster).owner(Found("101", "ada"))

    assert owner.id == ""
    assert "cannot be a student's id" in owner.problem


@pytest.mark.parametrize("student", ["a", "X1", "Zoë", "x" * 100, "ada@x.org", "12"])
def test_an_id_that_can_be_a_folder_is_taken_as_it_is(student: str) -> None:
    roster = Sheet("people.csv", ("Student", "ID", "SIS Login ID"), (("Ada", "101", student),))

    assert Directory("Canvas", roster).owner(Found("101", "ada")) == Owner(student)


@pytest.mark.parametrize("platform", ["Canvas", "Moodle"])
def test_who_has_neither_number_nor_name_is_nobody_in_a_roster_with_gaps(platform: str) -> None:
    header = ("id", "ID", "Identifier", "Full name", "Groups")
    rows = (("ada", "", "", "", "Lab 1"), ("ben", "102", "Participant 102", "Ben", ""))
    directory = Directory(platform, Sheet("people.csv", header, rows))

    for name in ("", "Lab 1-", "-", "-Ben"):
        assert directory.owner(Found("", name)).id == ""
    assert directory.owner(Found("102", "")).id == "ben"


def test_nbgraders_own_table_of_students_is_a_roster() -> None:
    header = ("id", "last_name", "first_name", "email", "lms_user_id")
    roster = Sheet("students.csv", header, (("ada", "Lovelace", "Ada", "", "101"),))

    assert Directory("Canvas", roster).owner(Found("101", "x")) == Owner("ada")
    assert Directory("Moodle", roster).owner(Found("5", "Ada Lovelace")) == Owner("ada")


def test_a_column_can_be_chosen_and_must_be_there() -> None:
    chosen = Directory("Moodle", WORKSHEET, "Email address")

    assert chosen.owner(Found("11", "")).id == "ada@x.org"
    with pytest.raises(CourseError, match="no column 'Login'"):
        Directory("Moodle", WORKSHEET, "Login")
    with pytest.raises(CourseError) as refused:
        Directory("Moodle", Sheet("x.csv", ("Identifier", "Name"), (("1", "Ada"),)))
    assert str(refused.value) == (
        "x.csv does not tell who is who: it has none of the columns id, Username, ID number, Email "
        "address. Export it again, in English, or name a column."
    )


def test_the_worksheet_tells_when_something_was_handed_in() -> None:
    directory = Directory("Moodle", WORKSHEET, zone=ZoneInfo("America/New_York"))

    assert directory.owner(Found("11", "")) == Owner("a1", time=datetime(2026, 3, 2, 23, 30))
    assert directory.owner(Found("12", "")) == Owner("b2")  # a dash: nothing was handed in yet


@pytest.mark.parametrize(
    "written", ["Montag, 2. März 2026, 18:30", "2/03/26, 18:30", "Sunday, 29 March 2026, 2:30 AM"]
)
def test_a_time_that_reads_several_ways_is_told_with_the_name(written: str) -> None:
    header = ("Identifier", "Full name", "ID number", "Last modified (submission)")
    roster = Sheet("people.csv", header, (("Participant 1", "Ada", "ada", written),))
    directory = Directory("Moodle", roster, zone=ZoneInfo("Europe/Berlin"))
    path = PurePosixPath("download", moodle("Ada", 1, "sums.ipynb"))

    found = sort_out({path: 0.0}, ["sums.ipynb"], PLATFORM_MOODLE, directory.owner)

    assert found.taken[path].time is None
    assert found.remarks == (
        "When these handed in cannot be read in one way, so no time is kept of 'ada': "
        f"'{written}'. Have Moodle export in English, or write timestamp.txt.",
    )


def test_a_time_of_iso_8601_in_a_worksheet_is_local() -> None:
    header = ("Identifier", "ID number", "Last modified (submission)")
    roster = Sheet("people.csv", header, (("Participant 1", "ada", "2026-03-02 18:30"),))
    directory = Directory("Moodle", roster, zone=ZoneInfo("Europe/Berlin"))

    assert directory.owner(Found("1", "Ada")).time == datetime(2026, 3, 2, 17, 30)


def canvas_taken(expected: list[str], *files: str) -> tuple[dict[str, str], Sorted]:
    """Sort files of an assignment "unit_1_2"; return which notebook each is taken for, and all."""
    paths = {PurePosixPath("download", file): 0.0 for file in files}
    owner = Directory("Canvas", None).owner
    found = sort_out(paths, expected, PLATFORM_CANVAS, owner, assignment="unit_1_2")
    return {path.name: who.file for path, who in found.taken.items()}, found


@pytest.mark.parametrize(
    ("file", "expected", "name"),
    [
        ("ada_101_55_unit_1_2_sums.ipynb", "unit_1_2_sums.ipynb", "unit_1_2_sums.ipynb"),
        ("ada_101_55_unit_1_2_sums-1.ipynb", "unit_1_2_sums.ipynb", "unit_1_2_sums.ipynb"),
        ("ada_LATE_101_55_unit_1_2_sums.ipynb", "unit_1_2_sums.ipynb", "unit_1_2_sums.ipynb"),
        ("ada_101_55_unit_1_2_sums (1).ipynb", "unit_1_2_sums.ipynb", "unit_1_2_sums (1).ipynb"),
        ("ada_101_55_1_2_3.ipynb", "1_2_3.ipynb", "1_2_3.ipynb"),
        ("ada_101_55_1_2_3-1.ipynb", "1_2_3.ipynb", "1_2_3.ipynb"),
        ("ada_101_55_2026_03_02.ipynb", "2026_03_02.ipynb", "2026_03_02.ipynb"),
        ("ada_101_55_hw2-1.2.ipynb", "hw2-1.2.ipynb", "hw2-1.2.ipynb"),
        ("ada_101_55_hw2-1.2-1.ipynb", "hw2-1.2.ipynb", "hw2-1.2.ipynb"),
        ("ada_101_55_hw2-1.2.ipynb", "hw2.2.ipynb", "hw2.2.ipynb"),
        ("ada_101_55_hw-1.final.ipynb", "hw.final.ipynb", "hw.final.ipynb"),
        ("ada_101_55_hw.final-3.ipynb", "hw.final.ipynb", "hw.final.ipynb"),
        ("ada_101_55_sums-0.ipynb", "sums.ipynb", "sums-0.ipynb"),
        ("ada_101_55_sums-01.ipynb", "sums.ipynb", "sums-01.ipynb"),
    ],
)
def test_numbers_in_a_notebooks_own_name_are_not_canvas(
    file: str, expected: str, name: str
) -> None:
    taken, found = canvas_taken([expected], file)

    assert taken == {file: name}
    assert found.left_out == ()
    assert {who.student for who in found.taken.values()} == {"101"}


@pytest.mark.parametrize(
    ("short", "long"), [("unit_1_2", "unit_1_2_3_4_5"), ("part_1_2", "a_part_1_2_3_4_5")]
)
def test_of_known_names_the_longest_hides_its_numbers(short: str, long: str) -> None:
    for known in ([short, long], [long, short]):
        found = canvas_name(f"ada_101_55_{long}.ipynb", known)

        assert found == Found("101", "ada", f"{long}.ipynb", 55)


def test_a_known_name_in_front_of_canvas_numbers_moves_none_of_them() -> None:
    found = canvas_name("team_unit_1_2_101_55_sums.ipynb", ["unit_1_2"])

    assert found == Found("101", "team_unit_1_2", "sums.ipynb", 55)


def test_an_archive_with_the_assignments_name_is_its_owners() -> None:
    for name in ("unit_1_2", "unit_1_2_mine"):
        taken, _ = canvas_taken(["sums.ipynb"], f"ada_101_55_{name}/sums.ipynb")

        assert taken == {"sums.ipynb": "sums.ipynb"}


@pytest.mark.parametrize(
    "file",
    [
        "eve_102_7_101_99_sums.ipynb",
        "eve_102_7_101_99_unit_1_2_sums.ipynb",
        "eve_102_7_unit_1_2_sums_101_99_unit_1_2_sums.ipynb",
        "ada_101_55_unit_1_23_sums.ipynb",
    ],
)
def test_a_known_name_hides_no_numbers_but_its_own(file: str) -> None:
    taken, found = canvas_taken(["unit_1_2_sums.ipynb", "sums.ipynb"], file)

    assert taken == {}
    assert f"'{file}'" in found.left_out[0]


def test_a_name_that_is_also_another_ones_second_version_is_not_guessed() -> None:
    names = ["hw.ipynb", "hw-1.ipynb"]

    both, _ = canvas_taken(names, "ada_101_55_hw.ipynb", "ada_101_56_hw-1.ipynb")
    alone, found = canvas_taken(names, "ada_101_56_hw-1.ipynb", "ben_102_57_hw-2.ipynb")

    assert both == {"ada_101_55_hw.ipynb": "hw.ipynb", "ada_101_56_hw-1.ipynb": "hw-1.ipynb"}
    assert alone == {"ben_102_57_hw-2.ipynb": "hw.ipynb"}
    assert found.left_out == (
        "101: 'hw-1.ipynb' may be 'hw-1.ipynb' or 'hw.ipynb', handed in again, so it was left out. "
        "Ask which it is.",
    )


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Return a course that has released `sums`, as far as collecting looks at it."""
    root = shutil.copytree(TINY, tmp_path / "course")
    shutil.copytree(root / "source", root / "release")
    (root / "downloaded" / "sums" / "archive").mkdir(parents=True)
    monkeypatch.chdir(root)
    return Course(root)


def zip_collect(course: Course, *options: str) -> None:
    """Run nbgrader's own command."""
    app = ZipCollectApp()
    app.initialize(["sums", "--ZipCollectApp.log_level=WARN", *options])
    app.start()


def content_of(course: Course, *path: str) -> str:
    return course.root.joinpath("submitted", *path).read_text(encoding="utf-8")


@pytest.mark.parametrize("folders", [True, False])
def test_nbgraders_zip_collect_collects_with_the_plugin(course: Course, folders: bool) -> None:
    worksheet = (
        "Identifier,Full name,ID number,Last modified (submission)\n"
        'Participant 11,Ada Lovelace,ada,"Monday, 2 March 2026, 6:30 PM"\n'
        "Participant 12,Jörg Müller,jörg,-\n"
    )
    (course.root / "worksheet.csv").write_text(worksheet, encoding="utf-8-sig")
    archive = zipped(
        {
            moodle("Ada Lovelace", 11, "sums.ipynb", folders=folders): b"ada's",
            moodle("Jörg Müller", 12, "work.zip", folders=folders): zipped(
                {"work/sums.ipynb": "Jörg's".encode()}
            ),
            moodle("Eve", 13, "broken.zip", folders=folders): b"x",
        }
    )
    (course.root / "downloaded" / "sums" / "archive" / "all.zip").write_bytes(archive)

    zip_collect(
        course,
        "--collector=nbjudge.intake.platforms.MoodleCollector",
        "--MoodleCollector.roster=worksheet.csv",
        "--MoodleCollector.timezone=America/New_York",
    )

    assert content_of(course, "ada", "sums", "sums.ipynb") == "ada's"
    assert content_of(course, "ada", "sums", "timestamp.txt") == "2026-03-02 23:30:00"
    assert content_of(course, "jörg", "sums", "sums.ipynb") == "Jörg's"
    assert not (course.root / "submitted" / "jörg" / "sums" / "timestamp.txt").exists()
    assert sorted(path.name for path in (course.root / "submitted").iterdir()) == ["ada", "jörg"]


def test_a_roster_that_is_not_there_ends_nbgraders_command_with_a_sentence(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = zipped({"ada_101_55_sums.ipynb": b"{}"})
    (course.root / "downloaded" / "sums" / "archive" / "all.zip").write_bytes(archive)

    with pytest.raises(SystemExit):
        zip_collect(
            course,
            "--collector=nbjudge.intake.platforms.CanvasCollector",
            "--CanvasCollector.roster=none.csv",
        )

    told = "'none.csv' cannot be read: No such file or directory. Give the path of a CSV file."
    assert capsys.readouterr().err.endswith(f" ERROR] {told}\n")
    assert not (course.root / "submitted").exists()


ADA, BEN = "ada_101_9_sums.ipynb", "ben_102_8_sums.ipynb"


def collected(
    course: Course, files: Mapping[str, bytes], platform: str = "canvas", **options: Any
) -> Collected:
    """Collect an archive that holds these files."""
    path = course.root.parent / "all.zip"
    path.write_bytes(zipped(files))
    return collect_archives(course, "sums", [path], platform=platform, **options)


def test_what_was_collected_before_is_compared_and_kept(course: Course) -> None:
    collected(course, {ADA: b"1", BEN: b"2"})
    for student in ("101", "102"):  # a comparison by size and time would call them the same
        notebook = course.root / "submitted" / student / "sums" / "sums.ipynb"
        os.utime(notebook, (datetime(*THEN).timestamp(),) * 2)

    found = collected(course, {ADA: b"3", BEN: b"2", "cyd_103_7_sums.ipynb": b"4"})

    assert found.notebooks == {"103": ("sums.ipynb",)}
    assert found.remarks == (
        "Collected before, and unchanged: '102'.",
        "Kept, since something else was collected before: '101'. "
        "With --force the new takes its place.",
    )
    assert content_of(course, "101", "sums", "sums.ipynb") == "1"
    assert content_of(course, "103", "sums", "sums.ipynb") == "4"


def test_an_empty_folder_is_nothing_that_was_collected_before(course: Course) -> None:
    (course.root / "submitted" / "101" / "sums").mkdir(parents=True)

    assert collected(course, {ADA: b"1"}) == Collected({"101": ("sums.ipynb",)})
    assert content_of(course, "101", "sums", "sums.ipynb") == "1"


def test_force_puts_the_new_in_the_place_of_what_was_collected(course: Course) -> None:
    collected(course, {ADA: b"1"})

    assert collected(course, {ADA: b"2"}, force=True) == Collected({"101": ("sums.ipynb",)})
    assert content_of(course, "101", "sums", "sums.ipynb") == "2"


def test_somebody_of_whom_the_first_notebook_differs_and_the_second_does_not_is_kept(
    course: Course,
) -> None:
    names = [f"ada_101_{order}_{name}.ipynb" for order, name in ((8, "first"), (9, "sums"))]
    for contents in ([b"{}", b"{}"], [b'{"new": 1}', b"{}"], [b"{}", b'{"new": 1}']):
        found = collected(course, dict(zip(names, contents, strict=True)))

        told = [remark for remark in found.remarks if remark.startswith("Kept")]
        assert len(told) == (contents != [b"{}", b"{}"])
    folder = course.root / "submitted" / "101" / "sums"
    assert {file.read_bytes() for file in folder.iterdir()} == {b"{}"}


def test_what_was_collected_as_a_link_is_not_followed_to_compare(course: Course) -> None:
    elsewhere = course.root.parent / "elsewhere.ipynb"
    elsewhere.write_bytes(b"{}")
    folder = course.root / "submitted" / "101" / "sums"
    folder.mkdir(parents=True)
    (folder / "sums.ipynb").symlink_to(elsewhere)

    found = collected(course, {ADA: b"{}"})

    assert "Kept, since something else was collected before: '101'." in found.remarks[0]


def test_a_link_in_a_downloaded_folder_is_nobodys_notebook(course: Course) -> None:
    download = course.root.parent / "download"
    download.mkdir()
    (download / ADA).symlink_to(course.root / "source" / "sums" / "sums.ipynb")

    found = collect_archives(course, "sums", [download], platform="canvas")

    assert found.notebooks == {}
    assert found.left_out == (f"'{ADA}' is no ordinary file, and was left out.",)


@pytest.mark.parametrize("above", ["extracted", "1/archive/extracted"])
def test_a_course_may_lie_in_a_folder_of_whatever_name(course: Course, above: str) -> None:
    moved = course.root.parent / above / "course"
    shutil.copytree(course.root, moved)

    found = collected(Course(moved), {ADA: b"{}", "ben_102_8_extracted/extracted/sums.ipynb": b"1"})

    assert found == Collected({"101": ("sums.ipynb",), "102": ("sums.ipynb",)})


def test_the_names_of_the_assignment_and_of_its_released_notebooks_are_known(
    course: Course,
) -> None:
    for step in ("source", "release"):
        shutil.copytree(course.root / step / "sums", course.root / step / "unit_1_2")
    files = {"ada_101_9_unit_1_2_mine/sums.ipynb": b"1", "ben_102_8_sums-1.ipynb": b"2", "x": b""}
    path = course.root.parent / "all.zip"
    path.write_bytes(zipped(files))

    found = collect_archives(course, "unit_1_2", [path], platform="canvas")

    assert found == Collected(
        {"101": ("sums.ipynb",), "102": ("sums.ipynb",)},
        left_out=(
            "Left out, as Canvas gives no such names, or they can be read in two ways: 'x'.",
        ),
    )


def test_several_notebooks_of_one_student_are_all_collected(course: Course) -> None:
    files = {"ada_101_9_sums.ipynb": b"1", "ada_101_10_more.ipynb": b"2"}

    assert collected(course, files).notebooks == {"101": ("more.ipynb", "sums.ipynb")}


def test_of_two_versions_the_one_that_was_changed_later_is_collected(course: Course) -> None:
    files = {"ada_101_9_w/a/sums.ipynb": b"old", "ada_101_9_w/b/sums.ipynb": b"new"}
    path = course.root.parent / "all.zip"
    path.write_bytes(zipped(files, times={"ada_101_9_w/b/sums.ipynb": 13}))

    found = collect_archives(course, "sums", [path], platform="canvas")

    assert content_of(course, "101", "sums", "sums.ipynb") == "new"
    assert found.remarks == (
        "101: of 2 files for 'sums.ipynb' the latest was taken, 'sums.ipynb'.",
    )


def test_what_is_told_is_in_nbgraders_own_log_too(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = zipped({"ada_LATE_101_55_sums.ipynb": b"{}", "notes.txt": b""})
    (course.root / "downloaded" / "sums" / "archive" / "all.zip").write_bytes(archive)

    zip_collect(course, "--collector=nbjudge.intake.platforms.CanvasCollector")

    told = capsys.readouterr().err
    assert " WARNING] Canvas calls late, and does not say when: '101'.\n" in told
    assert (
        " WARNING] Left out, as Canvas gives no such names, or they can be read in two ways: "
        "'notes.txt'.\n"
    ) in told


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../London", "Europe"])
def test_a_time_zone_that_is_none_ends_the_command_with_a_sentence(
    course: Course, capsys: pytest.CaptureFixture[str], zone: str
) -> None:
    archive = zipped({moodle("Ada", 11, "sums.ipynb"): b"{}"})
    (course.root / "downloaded" / "sums" / "archive" / "all.zip").write_bytes(archive)

    with pytest.raises(SystemExit) as stopped:
        zip_collect(
            course,
            "--collector=nbjudge.intake.platforms.MoodleCollector",
            f"--MoodleCollector.timezone={zone}",
        )

    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert f"There is no time zone '{zone}'. Give one such as 'Europe/London'." in told


def test_the_column_of_ids_can_be_chosen(course: Course) -> None:
    roster = course.root / "gradebook.csv"
    roster.write_text("Student,ID,SIS User ID,SIS Login ID\nAda,101,s1,ada\n", encoding="utf-8")

    found = collected(course, {ADA: b"{}"}, roster=roster, id_column="SIS User ID")

    assert found.notebooks == {"s1": ("sums.ipynb",)}
