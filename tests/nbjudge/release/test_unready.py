"""What nbgrader cannot release is told in a sentence: which notebook, which cell, what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nbjudge.course.course import Course
from nbjudge.release.release import scratch
from nbjudge.release.unready import reasons_unready


def cell(grade_id: str, text: str = "", *, grade: bool = False, schema: int = 3) -> dict[str, Any]:
    marks = {"grade_id": grade_id, "grade": grade, "solution": not grade, "locked": grade}
    marks |= {"schema_version": schema, "points": 1, "task": False}
    if not schema:
        del marks["schema_version"]
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"nbgrader": marks},
        "outputs": [],
        "source": text,
    }


def reasons(root: Path, *cells: dict[str, Any], minor: int = 2) -> list[str]:
    folder = root / "source" / "hw"
    folder.mkdir(parents=True, exist_ok=True)
    notebook = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    (folder / "a.ipynb").write_text(json.dumps(notebook))
    return reasons_unready(root, "hw")


@pytest.mark.parametrize("minor", range(6))
def test_any_id_that_nbgrader_allows_is_ready_in_any_format(tmp_path: Path, minor: int) -> None:
    cells = [cell("cell-3a7f"), cell("Question_1", grade=True)]
    for number, each in enumerate(cells):
        each |= {"id": f"c{number}"} if minor == 5 else {}

    assert reasons(tmp_path, *cells, minor=minor) == []


@pytest.mark.parametrize("schema", [0, 1, 2])
def test_old_metadata_are_told_with_the_command_that_updates_them(
    tmp_path: Path, schema: int
) -> None:
    (told,) = reasons(tmp_path, cell("q", schema=schema), cell("t", schema=schema))

    assert told.startswith(
        "a.ipynb was made with an older nbgrader: run `nbgrader update source/hw`"
    )


def test_an_id_that_is_used_twice_is_told_with_both_places(tmp_path: Path) -> None:
    (told,) = reasons(tmp_path, cell("q"), cell("t", grade=True), cell("t", grade=True))

    assert told.startswith("a.ipynb has the id 't' in cells 2 and 3: give each")


@pytest.mark.parametrize("name", ["my cell", "1.a", "ü"])
def test_an_id_that_nbgrader_does_not_allow_is_told(tmp_path: Path, name: str) -> None:
    (told,) = reasons(tmp_path, cell(name))

    assert told.startswith(f"a.ipynb, cell 1 has the id '{name}'")


@pytest.mark.parametrize("text", ["### AUTOTEST f(2)", "x = 1\n### HASHED AUTOTEST f(2)"])
@pytest.mark.parametrize("place", ["", "source/hw"])
def test_autotests_need_their_templates(tmp_path: Path, text: str, place: str) -> None:
    (told,) = reasons(tmp_path, cell("t", text, grade=True))
    assert "cell 1 asks for autotests, and there is no autotests.yml" in told

    (tmp_path / place / "autotests.yml").touch()

    assert reasons_unready(tmp_path, "hw") == []


def test_a_release_is_tried_with_the_templates_of_the_course(tmp_path: Path) -> None:
    reasons(tmp_path, cell("q"))
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    (tmp_path / "autotests.yml").write_text("python3: {}")

    with scratch(Course(tmp_path), "hw") as copied:
        assert (copied.root / "autotests.yml").read_text() == "python3: {}"
