"""Where a course lives, and what its configuration makes of the shell it is started from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from course_utils.autograde.course import Course, causes
from course_utils.exceptions import CourseError

TINY = Path(__file__).parent / "courses" / "tiny"


def test_a_course_is_found_from_a_folder_inside_it() -> None:
    assert Course.find(TINY / "source" / "sums") == Course(TINY)


def test_a_folder_outside_any_course_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"No course here: .* holds nbgrader_config\.py"):
        Course.find(tmp_path)


def test_an_unknown_assignment_is_told_with_those_there_are() -> None:
    with pytest.raises(CourseError, match=r"No assignment 'products' .* There is: sums\."):
        Course(TINY).require("products")


def test_a_course_without_sources_has_no_assignments(tmp_path: Path) -> None:
    assert Course(tmp_path).assignments == ()


def test_a_relative_data_folder_means_the_same_to_every_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA_DIR", "data")

    Course(TINY).config()

    assert os.environ["COURSE_DATA_DIR"] == str(tmp_path / "data")


def test_training_is_short_when_grading_unless_the_shell_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COURSE_QUICK", "")  # so that it is put back afterwards
    monkeypatch.delenv("COURSE_QUICK")
    Course(TINY).config()
    assert os.environ["COURSE_QUICK"] == "1"

    monkeypatch.setenv("COURSE_QUICK", "0")
    Course(TINY).config()
    assert os.environ["COURSE_QUICK"] == "0"


def test_the_causes_of_a_failure_come_in_order_and_without_the_closing_hint() -> None:
    log = (
        "[ERROR] There was an error\nTraceback (most recent call last):\n    raise first\n"
        "nbclient.exceptions.DeadKernelError: Kernel died\n"
    )
    error = "nbgrader.converters.base.NbGraderException: Please see the above traceback\n"

    assert causes({"log": log, "error": error}) == ["DeadKernelError: Kernel died"]


def test_a_failure_without_an_exception_is_told_by_its_last_line() -> None:
    assert causes({"log": "first\n", "error": "no notebooks\n"}) == ["no notebooks"]


def test_an_interruption_is_no_failure() -> None:
    with pytest.raises(KeyboardInterrupt):
        causes({"error": "Traceback …\n\nKeyboardInterrupt\n"})
