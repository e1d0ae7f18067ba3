"""Which files beside a notebook are modules: what it writes, and what the course has there."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbjudge.kernel.notebook_imports import WrittenModules


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrittenModules:
    (tmp_path / "helpers.py").write_text("x = 'handed in'")
    (tmp_path / "numpy.py").write_text("x = 'handed in'")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "table.py").write_text("x = 'handed in'")
    monkeypatch.chdir(tmp_path)
    return WrittenModules(tmp_path, ["nbjudge"])


@pytest.mark.parametrize("name", ["helpers", "numpy", "missing", "json", "a.b"])
def test_what_was_handed_in_is_no_module(written: WrittenModules, name: str) -> None:
    assert written.find_spec(name, None) is None


def test_what_the_notebook_writes_is_a_module_at_once(
    written: WrittenModules, tmp_path: Path
) -> None:
    for name in ("cost", "test", "helpers"):
        (tmp_path / f"{name}.py").write_text("x = 1")

        spec = written.find_spec(name, None)

        assert spec is not None
        assert spec.origin == str(tmp_path / f"{name}.py")


def test_what_the_course_has_beside_the_notebook_is_a_module(
    written: WrittenModules, tmp_path: Path
) -> None:
    courses = WrittenModules(tmp_path, ["nbjudge"], ["helpers.py", "data/table.py"])

    spec, data = (courses.find_spec(name, None) for name in ("helpers", "data"))

    assert spec is not None
    assert spec.origin == str(tmp_path / "helpers.py")
    assert data is not None
    assert courses.find_spec("data.table", data.submodule_search_locations) is not None
    assert courses.find_spec("numpy", None) is None


def test_a_package_that_the_notebook_writes_is_one(written: WrittenModules, tmp_path: Path) -> None:
    (tmp_path / "means" / "deep").mkdir(parents=True)
    (tmp_path / "means" / "__init__.py").touch()
    package = written.find_spec("means", None)
    assert package is not None
    (tmp_path / "means" / "plain.py").touch()  # when the folder has been looked at

    assert written.find_spec("means.plain", package.submodule_search_locations) is not None
    assert written.find_spec("means.deep", package.submodule_search_locations) is not None


def test_a_folder_of_data_stands_for_no_package(written: WrittenModules, tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()

    assert written.find_spec("email", None) is None
    data = written.find_spec("data", None)
    assert data is not None
    assert data.origin is None
    assert written.find_spec("data.table", data.submodule_search_locations) is None


def test_no_file_stands_for_the_courses_own_modules(
    written: WrittenModules, tmp_path: Path
) -> None:
    (tmp_path / "nbjudge").mkdir()
    for name in ("__init__", "probes"):
        (tmp_path / "nbjudge" / f"{name}.py").touch()

    assert written.find_spec("nbjudge", None) is None
    assert written.find_spec("nbjudge.probes", [str(tmp_path / "nbjudge")]) is None
