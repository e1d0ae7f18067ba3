"""`hand_in()` in a real kernel: to a desk behind a real server, and while it is graded."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from classroom import AtOnce, answered, hand_in
from desk_visits import POLICY, open_desk
from desks import enrol
from nbclient import NotebookClient
from serving_desks import free_port, serve

from nbjudge.course.course import Course
from nbjudge.desk.web.desk_keys import Visitor
from nbjudge.grading.batch import grade_assignment
from nbjudge.release import source
from nbjudge.sandbox import bubblewrap

pytestmark = pytest.mark.slow

CELL = "from nbjudge import hand_in\nhand_in()"


def outputs(cell: nbformat.NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def with_last_cell(course: Course) -> nbformat.NotebookNode:
    notebook = answered(course)
    notebook.cells.append(nbformat.v4.new_code_cell(CELL, id="hand-in"))
    return notebook


def test_a_notebook_hands_itself_in_and_shows_its_marks(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(course, ("ada", "Ada", "Lovelace"))
    url = f"http://127.0.0.1:{free_port()}"
    opened = open_desk(course, replace(POLICY, url=url))
    path = tmp_path / "sums.ipynb"
    notebook = with_last_cell(course)
    path.write_text(source.notebook_text(notebook), encoding="utf-8")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    monkeypatch.setenv("COURSE_DESK_URL", url)
    monkeypatch.setenv("COURSE_DESK_KEY", opened.desk.links.key_of(Visitor("ada")))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    opened.desk.marking.start()
    with serve(opened.desk):
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    opened.desk.close()

    told = outputs(notebook.cells[-1])
    assert "Handed in: sums, attempt 1." in told
    assert f"{url}/hand-ins/1" in told
    assert told.rstrip().endswith("5 of 7 points")


@pytest.mark.sandbox
def test_while_it_is_graded_the_cell_does_nothing_and_says_so(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    if problem := bubblewrap.problem():
        pytest.skip(problem)
    hand_in(course, "ada", with_last_cell(course))
    (row,) = grade_assignment(course, "sums", get_pool=AtOnce())

    graded = nbformat.read(course.root / "autograded" / "ada" / "sums" / "sums.ipynb", 4)
    (cell,) = [cell for cell in graded.cells if cell.id == "hand-in"]
    assert row.score == 5.0
    assert outputs(cell) == "hand_in() does nothing here: no student has this notebook open.\n"
    assert os.environ.get("COURSE_DESK_KEY") is None
