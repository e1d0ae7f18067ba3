"""The folders and the log of a course."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from nbjudge.course.course import Course
from nbjudge.course.folders import LOG_NAME, log_to_file, save_file
from nbjudge.exceptions import CourseError


def test_each_line_of_the_log_is_written_once(course: Course) -> None:
    logger = logging.getLogger("some.library")
    with log_to_file(course):
        with log_to_file(course):
            logger.info("within")
        logger.info("after")
    logger.info("outside")
    lines = (course.root / LOG_NAME).read_text(encoding="utf-8").splitlines()

    assert [line.rpartition(": ")[2] for line in lines] == ["within", "after"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(CourseError, match="cannot be written"):
        save_file(tmp_path / "folder", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
