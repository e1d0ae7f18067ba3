"""What comes in is hostile until proved otherwise, and every fault is one readable sentence."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from classroom import SCENARIOS, answered, hand_in, hand_in_scenario, released_course

from course_utils.autograde import submission
from course_utils.autograde.course import Course
from course_utils.autograde.submission import Submission, find_submissions, shown, stage
from course_utils.exceptions import CourseError
from course_utils.instructor import source


@pytest.fixture(scope="module")
def empty_course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("class") / "course")


@pytest.fixture
def course(empty_course: Course) -> Course:
    submitted = empty_course.root / "submitted"
    if submitted.exists():
        submitted.rename(submitted.with_name(f"former-{len(list(empty_course.root.iterdir()))}"))
    return empty_course


def only(course: Course) -> Submission:
    (found,) = find_submissions(course, "sums")
    return found


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

    assert [found.student for found in find_submissions(course, "sums")] == ["ada", "bob"]


def test_a_student_without_the_folder_handed_nothing_in(course: Course) -> None:
    (course.root / "submitted" / "ada").mkdir(parents=True)

    found = only(course)

    assert not found.handed_in
    assert found.problems == ()


def test_a_course_without_submissions_has_none(course: Course) -> None:
    assert find_submissions(course, "sums") == []


def test_an_assignment_that_is_not_released_asks_for_a_release(course: Course) -> None:
    copy = course.root / "source" / "other"
    copy.mkdir()
    (copy / "other.ipynb").write_bytes((course.root / "source/sums/sums.ipynb").read_bytes())

    with pytest.raises(CourseError, match="course release other"):
        find_submissions(course, "other")


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

    found = only(course)

    assert not found.notebooks
    assert "is a symbolic link, which is never followed" in found.problems[0]


def test_links_among_the_data_stay_behind(course: Course, tmp_path: Path) -> None:
    folder = hand_in(course, "ada", answered(course))
    (tmp_path / "secret.csv").write_text("1")
    (folder / "data.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "more").symlink_to(tmp_path)

    stage(only(course), tmp_path / "clean")

    assert [path.name for path in (tmp_path / "clean").iterdir()] == ["sums.ipynb"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no pipes")
def test_a_pipe_is_refused_and_does_not_block(course: Course) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "sums.ipynb").unlink()
    os.mkfifo(folder / "sums.ipynb")

    assert only(course).problems == ("'sums.ipynb' is not an ordinary file.",)


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

    assert "is larger than 1 MB" in only(course).problems[0]


def test_data_beyond_the_bound_is_left_out(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MAX_DATA_BYTES", 100)
    folder = hand_in(course, "ada", answered(course))
    (folder / "a.csv").write_bytes(bytes(60))
    (folder / "b.csv").write_bytes(bytes(60))

    found = only(course)

    assert found.files == (Path("a.csv"),)
    assert "'b.csv'" in found.notes[0]


def test_countless_files_do_not_stop_the_grading(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "MAX_FILES", 3)
    folder = hand_in(course, "ada", answered(course))
    for number in range(10):
        (folder / f"z{number}.csv").touch()

    found = only(course)

    assert "sums" in found.notebooks
    assert "more than 3 files" in found.problems[0]


def test_a_module_beside_the_notebook_is_left_out_and_data_is_taken_along(
    course: Course, tmp_path: Path
) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "math.py").write_text("raise SystemExit")
    (folder / "measured").mkdir()
    (folder / "measured" / "numbers.csv").write_text("1,2")

    found = only(course)
    stage(found, tmp_path / "clean")

    assert "'math.py'" in found.notes[0]
    assert not (tmp_path / "clean" / "math.py").exists()
    assert (tmp_path / "clean" / "measured" / "numbers.csv").read_text() == "1,2"


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

    found = only(course)

    assert list(found.notebooks) == ["sums"]
    assert found.notes == ("'first.ipynb' is missing: its exercises get 0.",)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_can_be_graded_is_staged_as_a_valid_notebook_of_the_newest_format(
    course: Course, tmp_path: Path, scenario: str
) -> None:
    hand_in_scenario(course, scenario)
    found = only(course)

    stage(found, tmp_path / "clean")

    for name in found.notebooks:
        staged = nbformat.read(tmp_path / "clean" / f"{name}.ipynb", as_version=4)
        nbformat.validate(staged)
        assert (staged.nbformat, staged.nbformat_minor) == (4, 5)
        owned = source.by_grade_id(staged)
        for cell in found.cells[name]:
            assert cell.grade_id in owned or not (cell.grade or cell.locked)
            if cell.grade_id in owned:
                assert dict(owned[cell.grade_id].metadata.nbgrader) == cell.metadata


def test_staging_the_same_bytes_twice_gives_the_same_bytes(course: Course, tmp_path: Path) -> None:
    hand_in_scenario(course, "format_4_0")
    found = only(course)

    for name in ("once", "twice"):
        stage(found, tmp_path / name)

    once, twice = ((tmp_path / name / "sums.ipynb").read_bytes() for name in ("once", "twice"))
    assert once == twice


def test_a_picture_in_a_written_answer_stays(course: Course, tmp_path: Path) -> None:
    notebook = answered(course)
    picture = {"sketch.png": {"image/png": "AAAA"}}
    source.by_grade_id(notebook)["ex_1_1_3"].attachments = picture
    hand_in(course, "ada", notebook)

    stage(only(course), tmp_path / "clean")

    staged = source.by_grade_id(source.read(tmp_path / "clean" / "sums.ipynb"))
    assert staged["ex_1_1_3"].attachments == picture


@pytest.mark.parametrize(
    ("written", "staged"),
    [
        ("2026-03-01 12:00:00 UTC", "2026-03-01 12:00:00 UTC\n"),
        ("2026-03-01T12:00:00+01:00", "2026-03-01 11:00:00 UTC\n"),
        ("soon", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_only_a_valid_time_stamp_is_staged(
    course: Course, tmp_path: Path, written: str, staged: str | None
) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "timestamp.txt").write_text(written)

    stage(only(course), tmp_path / "clean")

    path = tmp_path / "clean" / "timestamp.txt"
    assert (path.read_text() if path.exists() else None) == staged


def test_names_are_shown_without_control_characters_and_not_too_long() -> None:
    assert shown("a\x1b[2Jb\r\u202e") == "a\\x1b[2Jb\\r\\u202e"
    assert len(shown("x" * 500)) == 80
