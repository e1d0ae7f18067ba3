"""What the settings of this course make of it: its releases, and what its kernels are told."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

import course_utils
from nbjudge.course.course import Course
from nbjudge.proof import doctor, probe_runs
from nbjudge.proof.probe_cells import DATA_PROBE
from nbjudge.proof.protections import ProtectionState
from nbjudge.sandbox import bubblewrap

ROOT = Path(__file__).parents[2]
COURSE = Course(ROOT)
RELEASES = sorted(path for path in (ROOT / "release").iterdir() if path.is_dir())


def test_a_relative_data_folder_means_the_same_to_every_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA_DIR", "data")

    COURSE.config()

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


def data_sets() -> tuple[ProtectionState, str]:
    """Return what `course doctor` says of them."""
    (row,) = [row for row in doctor.machine(COURSE) if row.name == "data sets"]
    return row.state, row.reason


def test_stand_ins_are_named_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_OFFLINE")
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path))

    state, reason = data_sets()

    assert state is ProtectionState.HOLDS
    assert reason.startswith("preterm: stand-in, ")
    assert reason.endswith("(`course data` fetches the real ones)")
    assert list(tmp_path.iterdir()) == []
    assert "COURSE_OFFLINE" not in os.environ


def test_a_damaged_data_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images.npz").write_bytes(b"damaged")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))

    state, reason = data_sets()

    assert state is ProtectionState.BROKEN
    assert str(tmp_path / "images.npz") in reason


@pytest.mark.sandbox
@pytest.mark.skipif(bool(bubblewrap.problem()), reason=f"no sandbox: {bubblewrap.problem()}")
def test_a_kernel_finds_the_data_sets_that_are_here() -> None:
    with probe_runs.outside(COURSE) as facts:
        (row,) = probe_runs.examine(facts, (DATA_PROBE,), COURSE.plug)

    assert (row.state, row.reason) == (ProtectionState.HOLDS, DATA_PROBE.holds)
