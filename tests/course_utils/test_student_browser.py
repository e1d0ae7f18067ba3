"""A released notebook in JupyterLab, in a real browser, as a student works on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import PATIENCE, Lab, in_lab, settings
from playwright.sync_api import expect

from nbjudge.release import source

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
NAME = "optimisers.ipynb"
#: What is answered before the browser opens, so that the first slider has all that it needs.
ANSWERED = ("ex_1_1_2", "ex_1_1_3", "ex_1_1_4")
WRONG = '''\
import course_utils

print(course_utils.__file__)


def loss(w1, w2):
    """Return the cost J at (w1, w2)."""
    return 40 * w1**2 + 10 * w2**2
'''
RIGHT = '''\
def loss(w1, w2):
    """Return the cost J at (w1, w2)."""
    return 40 * w1**2 + 10 * w2**2 + 40 * w2
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of what students get, on which somebody has begun to work."""
    made = tmp_path / "optimisers"
    shutil.copytree(ROOT / "release" / "optimisers", made)
    notebook = source.read_source(made / NAME)
    model = source.by_grade_id(source.read_source(ROOT / "source" / "optimisers" / NAME))
    for grade_id in ANSWERED:
        source.by_grade_id(notebook)[grade_id].source = source.solution(model[grade_id])
    (made / NAME).write_text(source.notebook_text(notebook), encoding="utf-8")
    return made


@pytest.fixture
def page(browser: Any, folder: Path, tmp_path: Path) -> Iterator[Any]:
    """Yield the notebook, open in JupyterLab."""
    with in_lab(browser, folder / NAME, tmp_path / "home") as found:
        yield found


@pytest.mark.thorough
def test_a_student_answers_reads_the_check_moves_a_slider_saves_and_validates(
    page: Any, folder: Path, tmp_path: Path
) -> None:
    notebook = source.read_source(folder / NAME)
    lab = Lab(page, notebook)
    assert lab.run("set_up").inner_text().startswith("Ready. Python ")
    lab.run("imports")

    # A wrong answer: the tools are those beside the notebook, and the check says what is wrong.
    lab.write("ex_1_1_1", WRONG)
    told = lab.run("ex_1_1_1")
    assert told.inner_text().strip() == str(folder / "course_utils" / "__init__.py")
    told = lab.run("test_ex_1_1_1")
    assert told.all_inner_texts()[0].splitlines() == [
        "✓ the cost at (0, 0)",
        "✓ the cost at (1, 0)",
    ]
    assert told.all_inner_texts()[1].splitlines() == [
        "✗ the cost at (0.5, 2): it is 50.0, and 130.0 was expected.",
        "  10 + 40 + 80.",
    ]

    # The right one.
    lab.write("ex_1_1_1", RIGHT)
    lab.run("ex_1_1_1")
    told = lab.run("test_ex_1_1_1")
    assert [line[0] for line in told.inner_text().splitlines()] == ["✓"] * 6

    # The slider: its picture follows.
    for name in ("ex_1_1_2", "ex_1_1_3", "ex_1_1_4", "walk", "explore_learning_rate"):
        lab.run(name)
    explore = lab.cell("explore_learning_rate")
    picture = explore.locator(".jp-OutputArea img")
    first = picture.get_attribute("src")
    handle = explore.get_by_role("slider")
    handle.focus()
    handle.press("ArrowRight")
    expect(picture).not_to_have_attribute("src", first, timeout=1000 * PATIENCE)
    expect(explore.locator(".widget-readout")).to_have_text("0.004")

    # Dragged, it takes the picture along.
    second = picture.get_attribute("src")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    expect(picture).not_to_have_attribute("src", second, timeout=1000 * PATIENCE)
    expect(explore.locator(".widget-readout")).not_to_have_text("0.004")

    # A check's own cell is locked.
    lab.write("test_ex_1_1_1", "pass")
    assert "Check 1.1.1" in lab.cell("test_ex_1_1_1").locator(".cm-content").inner_text()

    # The notebook is saved, with the answer and all that the course finds it by.
    with page.expect_response(
        lambda answer: "/api/contents/" in answer.url and answer.request.method == "PUT"
    ) as kept:
        page.keyboard.press("Control+s")
    assert kept.value.ok
    saved = source.by_grade_id(source.read_source(folder / NAME))
    assert saved["ex_1_1_1"].source == RIGHT
    assert {name: cell.metadata.nbgrader for name, cell in saved.items()} == {
        name: cell.metadata.nbgrader for name, cell in source.by_grade_id(notebook).items()
    }

    # nbgrader's own button, and its command, say what is still to be done, and nothing of 1.1.1.
    page.get_by_role("button", name="Validate").click()
    results = page.locator(".jp-Dialog", has_text="Validation Results")
    in_the_lab = results.inner_text()
    command = subprocess.run(
        [sys.executable, "-m", "nbgrader", "validate", NAME],
        cwd=folder,
        env=settings(tmp_path / "home", {"COURSE_QUICK": "1"}),
        capture_output=True,
        text=True,
        check=False,
    )
    for said in (in_the_lab, command.stdout):
        assert "Check 1.2.1" in said
        assert "Check 1.1." not in said
