"""The course's own part of an assignment: what it is, and when it is another."""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from classroom import released_course
from nbformat import NotebookNode, from_dict
from nbgrader.utils import is_grade, is_locked, is_solution

from nbjudge.course.cells import (
    CourseCell,
    NotebookVersion,
    exercise_number,
    exercise_titles,
    parse_cell,
)
from nbjudge.course.course import Course
from nbjudge.course.gradebook import versions
from nbjudge.exceptions import CourseError
from nbjudge.release import source

CELL = CourseCell(
    grade_id="test_ex_1_1",
    cell_type="code",
    source="assert double(4) == 8",
    locked=True,
    grade=True,
    solution=False,
    task=False,
    points=2.0,
)
VERSION = NotebookVersion("sums", (CELL,), frozenset({"plot()"}))


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("version") / "course")


@pytest.mark.parametrize(
    "other",
    [
        replace(VERSION, name="products"),
        replace(VERSION, cells=()),
        replace(VERSION, cells=(CELL, replace(CELL, grade_id="test_ex_1_2"))),
        replace(VERSION, cells=(replace(CELL, source="assert True"),)),
        replace(VERSION, cells=(replace(CELL, points=3.0),)),
        replace(VERSION, cells=(replace(CELL, checksum="of the released text"),)),
        replace(VERSION, display=frozenset()),
        replace(VERSION, display=frozenset({"plot()", "print()"})),
    ],
)
def test_another_version_has_another_digest(other: NotebookVersion) -> None:
    assert other.digest != VERSION.digest


def test_the_order_of_cells_counts_and_that_of_texts_to_show_does_not() -> None:
    second = replace(CELL, grade_id="test_ex_1_2")
    texts = [f"plot({number})" for number in range(20)]

    there, back = (replace(VERSION, cells=cells) for cells in ((CELL, second), (second, CELL)))
    once, twice = (replace(VERSION, display=frozenset(t)) for t in (texts, reversed(texts)))

    assert there.digest != back.digest
    assert once.digest == twice.digest


def test_the_same_course_read_twice_has_the_same_digest(course: Course) -> None:
    first, second = (versions(course, "sums")["sums"] for _ in "12")

    assert first is not second
    assert first.digest == second.digest


def test_the_cells_are_those_of_the_source_in_its_order_with_its_hidden_tests(
    course: Course,
) -> None:
    master = source.read_source(course.root / "source" / "sums" / "sums.ipynb")
    owned = [cell for cell in master.cells if "nbgrader" in cell.metadata]

    cells = versions(course, "sums")["sums"].cells

    assert [cell.grade_id for cell in cells] == [source.grade_id(cell) for cell in owned]
    for cell, original in zip(cells, owned, strict=True):
        assert (cell.grade, cell.solution) == (is_grade(original), is_solution(original))
        assert cell.locked == is_locked(original)
        assert cell.points == original.metadata.nbgrader.get("points", 0)
    assert "the sum of nothing is 0" in cells[2].source


def test_cells_have_the_metadata_of_the_release(course: Course) -> None:
    released = source.by_grade_id(
        source.read_source(course.root / "release" / "sums" / "sums.ipynb")
    )

    for cell in versions(course, "sums")["sums"].cells:
        given = dict(released[cell.grade_id].metadata.nbgrader)
        if not cell.solution:  # that of a test is of its text with the hidden part
            given["checksum"] = cell.checksum
        assert given == cell.metadata


def test_cells_for_display_are_known_by_the_source_notebooks_tag(course: Course) -> None:
    master = source.read_source(course.root / "source" / "sums" / "sums.ipynb")
    (bars,) = (cell.source for cell in master.cells if cell.id == "bars")

    assert versions(course, "sums")["sums"].display == {bars.strip()}


def test_an_assignment_that_is_not_released_asks_for_a_release(course: Course) -> None:
    copy = course.root / "source" / "other"
    copy.mkdir()
    (copy / "other.ipynb").write_bytes((course.root / "source/sums/sums.ipynb").read_bytes())

    with pytest.raises(CourseError, match="course release other"):
        versions(course, "other")


@pytest.mark.parametrize(
    ("grade_id", "number"),
    [
        ("test_ex_1_4_3a", "1.4.3a"),
        ("ex_2_1", "2.1"),
        ("task_1_1", "task_1_1"),
        ("test_of_mine", "test_of_mine"),
    ],
)
def test_an_id_of_another_form_is_its_own_number(grade_id: str, number: str) -> None:
    assert exercise_number(grade_id) == number


def markdown(text: str, **nbgrader: object) -> NotebookNode:
    return from_dict({"cell_type": "markdown", "source": text, "metadata": {"nbgrader": nbgrader}})


def test_exercises_are_called_by_the_headings_of_their_numbers() -> None:
    cells = [
        markdown("# Sums\n\n## 1.1 Adding\n```\n# 1.1.1 no heading\n```"),
        markdown("### 1.1.1 *A* `total` (2 points)"),
        markdown("", grade_id="ex_1_1_1", solution=True),
        markdown("### Explore"),
        markdown("", grade_id="test_ex_1_1_1", grade=True),
        markdown("### 1.1.10 Ten\n### BEGIN MARK SCHEME\n### Exercise 3: A mean"),
        markdown("# 9.9 mine", grade_id="ex_1_1_10", solution=True),
        markdown("", grade_id="ex_3", grade=True),
        markdown("", grade_id="ex_1_1_2", grade=True),
    ]

    assert exercise_titles(cells) == {"1.1.1": "A total", "1.1.10": "Ten", "3": "A mean"}


def test_an_exercise_without_a_number_is_called_by_the_heading_above() -> None:
    cells = [markdown("## Problem 2: the median"), markdown("", grade_id="median", grade=True)]

    assert exercise_titles(cells) == {"median": "Problem 2: the median"}


def test_cells_can_be_parsed_in_several_threads_at_once() -> None:
    text = "\n".join(f"x{n} = [[[(y + {n}) * 2]]]" for n in range(50))

    def let_others_run(*_: object) -> None:
        time.sleep(0)

    before = gc.get_threshold()
    gc.callbacks.append(let_others_run)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(parse_cell, [text] * 8))
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(let_others_run)

    assert {len(tree.body) for tree in found} == {50}
