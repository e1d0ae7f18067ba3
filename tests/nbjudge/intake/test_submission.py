"""What comes in is hostile until proved otherwise, and every fault is one readable sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pytest
from classroom import SCENARIOS, answered, hand_in, hand_in_scenario, released_course

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.intake import data_files, submission
from nbjudge.intake.submission import Submission, find_submissions, printable, read_submission


@pytest.fixture(scope="module")
def empty_course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("class") / "course")


@pytest.fixture
def course(empty_course: Course) -> Course:
    submitted = empty_course.root / "submitted"
    if submitted.exists():
        submitted.rename(submitted.with_name(f"former-{len(list(empty_course.root.iterdir()))}"))
    return empty_course


def all_of(course: Course) -> list[Submission]:
    return find_submissions(course, "sums", ["sums"])


def only(course: Course) -> Submission:
    (found,) = all_of(course)
    return found


def problems(course: Course) -> tuple[str, ...]:
    """Return what a person has to look at: what is told without reading, and what with."""
    found = only(course)
    return (*found.problems, *read_submission(found).problems)


@contextmanager
def given(course: Course, name: str, text: str, *, step: str = "release") -> Iterator[None]:
    """Give a file out with the assignment, for a while."""
    folder = course.root / step / "sums"
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    try:
        yield
    finally:
        (folder / name).unlink()
        if (folder / name).parent != folder:
            (folder / name).parent.rmdir()


def set_suffixes(course: Course, monkeypatch: pytest.MonkeyPatch, *suffixes: str) -> None:
    # Where a course keeps what it has read of its settings.
    monkeypatch.setitem(vars(course), "plug", replace(course.plug, data_suffixes=suffixes))


def test_an_honest_submission_has_no_problems(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))

    found = only(course)

    assert found.student == "ada"
    assert found.notebooks == {"sums": folder / "sums.ipynb"}
    assert found.problems == found.notes == ()


def test_students_come_sorted_and_hidden_files_are_nobody(course: Course) -> None:
    for student in ("bob", "ada"):
        hand_in(course, student, answered(course))
    (course.root / "submitted" / ".gitkeep").touch()

    assert [found.student for found in all_of(course)] == ["ada", "bob"]


def test_a_student_without_the_folder_handed_nothing_in(course: Course) -> None:
    (course.root / "submitted" / "ada").mkdir(parents=True)

    found = only(course)

    assert not found.handed_in
    assert found.problems == ()


def test_a_course_without_submissions_has_none(course: Course) -> None:
    assert all_of(course) == []


@pytest.mark.parametrize("what", ["student", "assignment", "notebook"])
def test_links_are_never_followed(course: Course, tmp_path: Path, what: str) -> None:
    target = hand_in(course, "ada", answered(course)).rename(tmp_path / "sums")
    student = course.root / "submitted" / "ada"
    if what == "student":
        student.rmdir()
        student.symlink_to(tmp_path)
    elif what == "assignment":
        (student / "sums").symlink_to(target)
    else:
        (student / "sums").mkdir()
        (student / "sums" / "sums.ipynb").symlink_to(target / "sums.ipynb")

    assert not read_submission(only(course)).notebooks
    assert "is a symbolic link, which is never followed" in problems(course)[0]


def test_links_among_the_data_stay_behind(course: Course, tmp_path: Path) -> None:
    folder = hand_in(course, "ada", answered(course))
    (tmp_path / "secret.csv").write_text("1")
    (folder / "data.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "more").symlink_to(tmp_path)

    found = only(course)

    assert found.files == {}
    assert read_submission(found).files == {}
    assert found.notes == ("Left out, as links are never followed: 'data.csv', 'more'.",)


@pytest.mark.parametrize("name", ["sums.ipynb", "data.csv", "timestamp.txt"])
def test_a_file_that_becomes_a_link_after_it_was_found_is_not_followed(
    course: Course, tmp_path: Path, name: str
) -> None:
    folder = hand_in(course, "ada", answered(course))
    for beside in ("data.csv", "timestamp.txt"):
        (folder / beside).write_text("2026-03-01 12:00:00 UTC")
    found = only(course)

    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    submitted = read_submission(found)

    assert name not in submitted.files
    assert (submitted.notebooks == {}) == (name == "sums.ipynb")
    assert (submitted.handed_in is None) == (name == "timestamp.txt")


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="the platform cannot refuse links")
def test_a_file_that_becomes_a_link_while_it_is_opened_is_not_followed(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = hand_in(course, "ada", answered(course)).rename(tmp_path / "sums")
    folder = course.root / "submitted" / "ada" / "sums"
    folder.mkdir()
    (folder / "sums.ipynb").symlink_to(target / "sums.ipynb")
    found = only(course)
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)

    submitted = read_submission(found)

    assert submitted.notebooks == {}
    assert "'sums.ipynb' cannot be read" in submitted.problems[0]


def test_a_loop_of_links_ends_nothing(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    (folder / "up").symlink_to(folder.parent)

    assert problems(course) == ()
    assert list(read_submission(only(course)).notebooks) == ["sums"]


def test_finding_reads_no_file(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "data.csv").write_text("1")

    def opened(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(submission, "_open_file", opened)

    found = only(course)

    assert found.notebooks
    assert found.files == {"data.csv": folder / "data.csv"}


def test_the_bytes_are_those_that_were_handed_in(course: Course) -> None:
    folder = hand_in(course, "ada", b"\x00\xff anything\r\n")
    (folder / "beside").mkdir()
    (folder / "beside" / "data.csv").write_bytes(b"\xff\x00")

    submitted = read_submission(only(course))

    assert submitted.notebooks == {"sums": b"\x00\xff anything\r\n"}
    assert submitted.files == {"beside/data.csv": b"\xff\x00"}


def test_a_file_that_is_gone_when_it_is_read_is_a_problem_and_no_error(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    found = only(course)

    (folder / "sums.ipynb").unlink()

    assert read_submission(found).problems == (
        "'sums.ipynb' cannot be read: No such file or directory.",
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no pipes")
def test_a_pipe_is_refused_and_does_not_block(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "sums.ipynb").unlink()
    os.mkfifo(folder / "sums.ipynb")

    assert problems(course) == ("'sums.ipynb' is not an ordinary file.",)


def test_a_folder_with_a_notebooks_name_is_no_notebook(course: Course) -> None:
    folder = hand_in(course, "ada", b"", name="notes.txt")
    (folder / "sums.ipynb").mkdir()

    found = only(course)

    assert not found.notebooks
    assert "'sums.ipynb' is missing." in found.notes


def test_a_huge_notebook_is_refused_without_being_read(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MAX_NOTEBOOK_BYTES", 2**20)
    folder = hand_in(course, "ada", b"")
    with (folder / "sums.ipynb").open("wb") as file:
        file.truncate(2**40)

    assert "is larger than 1 MB" in problems(course)[0]


def test_a_file_that_is_left_out_counts_toward_no_bound(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "MAX_FILE_BYTES", 70)
    monkeypatch.setattr(data_files, "MAX_DATA_BYTES", 100)
    folder = hand_in(course, "ada", answered(course))
    sizes = {"a.csv": 60, "b.csv": 71, "c.csv": 60, "d.csv": 40, "e.py": 60, "f.csv": 1}
    for name, size in sizes.items():
        (folder / name).write_bytes(bytes(size))

    found = only(course)

    assert list(found.files) == ["a.csv", "d.csv"]
    assert found.problems == ()
    assert found.notes == (
        "Left out, as one data file may have 0 MB: 'b.csv'.",
        "Left out, as all data files together may have 0 MB: 'c.csv', 'f.csv'.",
        "Left out, as only data files are taken along: 'e.py'.",
    )


@pytest.mark.parametrize(("size", "is_taken"), [(100, True), (101, False)])
def test_a_data_file_may_have_exactly_what_its_bound_says(
    course: Course, monkeypatch: pytest.MonkeyPatch, size: int, is_taken: bool
) -> None:
    monkeypatch.setattr(data_files, "MAX_FILE_BYTES", 100)
    folder = hand_in(course, "ada", answered(course))
    (folder / "a.csv").write_bytes(bytes(size))

    assert ("a.csv" in only(course).files) == is_taken


def test_a_data_file_that_grows_after_it_was_found_is_not_cut(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MAX_FILE_BYTES", 100)
    folder = hand_in(course, "ada", answered(course))
    (folder / "a.csv").write_bytes(bytes(100))
    found = only(course)
    (folder / "a.csv").write_bytes(bytes(101))

    submitted = read_submission(found)

    assert submitted.files == {}
    assert "'a.csv' is larger than" in submitted.problems[0]


def test_the_courses_own_data_takes_the_place_of_a_students(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "given.csv").write_text("changed")
    (folder / "own.csv").write_text("1")
    with given(course, "given.csv", "as given"):
        found = only(course)
        submitted = read_submission(found)

    assert submitted.files == {"given.csv": b"as given", "own.csv": b"1"}
    assert submitted.own == {"given.csv"}
    assert found.notes == ()


@pytest.mark.parametrize("name", ["helper.py", "tools/__init__.py", "table", "a.xlsx", "b.pkl"])
def test_what_students_got_is_there_whatever_its_suffix(course: Course, name: str) -> None:
    hand_in(course, "ada", answered(course))
    with given(course, name, "as given"):
        submitted = read_submission(only(course))

    assert submitted.files == {name: b"as given"}
    assert submitted.own == {name}


def test_what_students_did_not_get_is_not_there(course: Course) -> None:
    hand_in(course, "ada", answered(course))
    with given(course, "expected.csv", "42", step="source"):
        submitted = read_submission(only(course))

    assert submitted.files == {}


@pytest.mark.parametrize("name", ["README.md", "nbjudge/checks.py"])
def test_what_every_release_holds_is_no_file_of_the_assignment(course: Course, name: str) -> None:
    hand_in(course, "ada", answered(course))

    with given(course, name, "as any release has it"):
        assert only(course).files == {}


@pytest.mark.parametrize(
    ("handed_in", "own"), [("a.txt/a.csv", "a.txt"), ("lib.csv", "lib.csv/a.dat")]
)
def test_a_students_file_is_in_the_way_of_none_of_the_courses(
    course: Course, handed_in: str, own: str
) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / handed_in).parent.mkdir(exist_ok=True)
    (folder / handed_in).touch()
    with given(course, own, "as given"):
        found = only(course)

    assert list(found.files) == [own]


def test_the_course_says_which_files_of_students_are_data(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hand_in(course, "ada", answered(course))
    for name in ("a.csv", "b.xlsx"):
        (folder / name).touch()
    set_suffixes(course, monkeypatch, ".xlsx")

    assert list(only(course).files) == ["b.xlsx"]


@pytest.mark.parametrize("suffix", [".py", ".PY", ".so", ".pth", "py", ""])
def test_no_setting_lets_in_what_can_be_imported(
    course: Course, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    hand_in(course, "ada", answered(course))
    set_suffixes(course, monkeypatch, ".csv", suffix)

    with pytest.raises(CourseError, match=f"names '{suffix}'.*Take it out there"):
        only(course)


def test_the_secret_of_the_exchange_is_no_data(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "submission_secret.txt").write_text("0f3a")

    found = only(course)

    assert found.files == {}
    assert found.notes == ()


def test_10_gigabytes_beside_the_notebook_are_left_out_unread(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    with (folder / "measured.csv").open("wb") as file:
        file.truncate(10 * 2**30)

    found = only(course)
    submitted = read_submission(found)

    assert "'measured.csv'" in found.notes[0]
    assert list(submitted.notebooks) == ["sums"]
    assert submitted.files == {}


def test_countless_files_do_not_stop_the_grading(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "MAX_FILES", 3)
    folder = hand_in(course, "ada", answered(course))
    for number in range(10):
        (folder / f"a{number}.csv").touch()

    found = only(course)

    assert "sums" in found.notebooks
    assert len(found.files) == 3
    assert "more than 3 files" in found.problems[0]


def test_a_module_beside_the_notebook_is_left_out_and_data_is_taken_along(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "math.py").write_text("raise SystemExit")
    (folder / "measured").mkdir()
    (folder / "measured" / "numbers.csv").write_text("1,2")

    found = only(course)

    assert "'math.py'" in found.notes[0]
    assert read_submission(found).files == {"measured/numbers.csv": b"1,2"}


@pytest.mark.skipif(os.sep == "\\", reason="the platform takes it for a folder")
def test_a_data_file_with_a_backslash_in_its_name_is_left_out(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "my\\data.csv").touch()

    found = only(course)

    assert found.files == {}
    assert "a name with a backslash" in found.notes[0]
    assert found.problems == ()


@pytest.mark.parametrize("name", ["a[b]", "a\nb"])
def test_an_id_that_nbgrader_cannot_find_is_refused_with_a_remedy(
    course: Course, name: str
) -> None:
    hand_in(course, name, answered(course))

    assert "Rename the folder, and grade again." in only(course).problems[0]


def test_an_id_that_is_no_text_is_refused(course: Course) -> None:
    try:
        hand_in(course, os.fsdecode(b"a\xff"), answered(course))
    except OSError:
        pytest.skip("this file system has only valid names")

    assert "is not valid text" in only(course).problems[0]


def test_a_missing_notebook_of_two_is_noted_and_the_other_graded(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course", notebooks=("first", "sums"))
    hand_in(course, "ada", answered(course))

    (found,) = find_submissions(course, "sums", ["first", "sums"])

    assert list(found.notebooks) == ["sums"]
    assert found.notes == ("'first.ipynb' is missing: its exercises get 0.",)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_came_is_found_and_read_without_an_error(course: Course, scenario: str) -> None:
    hand_in_scenario(course, scenario)

    found = only(course)
    submitted = read_submission(found)

    assert found.student == scenario
    assert found.handed_in == (SCENARIOS[scenario]["status"] != "not handed in")
    assert submitted.notebooks.keys() == found.notebooks.keys()


@pytest.mark.parametrize(
    ("written", "handed_in"),
    [
        ("2026-03-01 12:00:00 UTC", datetime(2026, 3, 1, 12)),
        ("2026-03-01T12:00:00+01:00", datetime(2026, 3, 1, 11)),
        ("\ufeff2026-03-01 12:00:00\r\n", datetime(2026, 3, 1, 12)),
        ("2026-03-01 12:00:00 PST", None),
        ("soon", None),
        ("9" * 5000, None),
        ("2026-03-01 12:00:00 UTC" + " " * 500 + "or later", None),
        ("", None),
    ],
)
def test_only_a_valid_time_stamp_counts(
    course: Course, written: str, handed_in: datetime | None
) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "timestamp.txt").write_text(written)

    found = only(course)
    submitted = read_submission(found)

    assert submitted.handed_in == handed_in
    told = "".join(submitted.problems)
    assert ("'timestamp.txt' holds no date that can be read in one way" in told) == (
        handed_in is None
    )
    assert len(told) < 250


def test_names_are_shown_without_control_characters_and_not_too_long() -> None:
    assert printable("a\x1b[2Jb\r\u202e") == "a\\x1b[2Jb\\r\\u202e"
    assert len(printable("x" * 500)) == 80
