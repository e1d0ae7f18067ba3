"""What the settings of this course make of it: its releases, and what its kernels are told."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

import course_utils
from nbjudge.course.course import Course

ROOT = Path(__file__).parents[2]
RELEASES = sorted(path for path in (ROOT / "release").iterdir() if path.is_dir())


def test_a_relative_data_folder_means_the_same_to_every_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA_DIR", "data")

    Course(ROOT).config()

    assert os.environ["COURSE_DATA_DIR"] == str(tmp_path / "data")


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_the_versions_that_students_need_are_those_of_pyproject(release: Path) -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = tomllib.loads(pyproject)["project"]["dependencies"]

    needed = (release / "requirements.txt").read_text(encoding="utf-8").splitlines()

    assert "torch>=2.5" in needed
    assert not any(line.startswith(("nbgrader", "nbjudge")) for line in needed)
    assert set(needed) <= set(listed)


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_students_get_the_modules_of_the_course_and_none_of_its_folders(release: Path) -> None:
    assert course_utils.__file__ is not None
    package = Path(course_utils.__file__).parent

    got = {path.name for path in (release / "course_utils").iterdir()} - {"__pycache__"}

    assert got == {path.name for path in package.glob("*.py")}


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_the_readme_says_how_to_open_a_notebook_and_where_the_data_come_from(release: Path) -> None:
    readme = (release / "README.md").read_text(encoding="utf-8")

    assert "`course_utils` and `nbjudge` beside the notebooks" in readme
    assert "generated stand-ins for their data" in readme
