"""Copied, merged and split cells: what counts, what is for a person, and what is never lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from nbjudge.course.cells import CourseCell
from nbjudge.intake.restore import Restored, restore_notebook

STUB = """def total(numbers):
    'Return the sum.'
    # YOUR CODE HERE
    raise NotImplementedError()"""
RIGHT = 'def total(numbers):\n    """Return the sum."""\n    return sum(numbers)'
WRONG = "def total(numbers):\n    return 0"
BROKEN = "def mean(numbers):\n    return sum(numbers) / 2"
MENDED = "def mean(numbers):\n    return sum(numbers) / len(numbers)"
CHECK_1 = "# Check 1.1.1\nassert total([1, 2, 3]) == 6"
CHECK_2 = "# Check 1.1.2\nassert mean([1, 2, 3]) == 2"
HIDDEN = "\n\n### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS"
HEADING_2 = "## 1.1.2 A mean\n\nMend `mean`."
HEADING_3 = "## 1.1.3 In words\n\nWhen?"
WORDS = "YOUR ANSWER HERE"
SAID = "When a few are far from the rest."


def owned(grade_id: str, source: str, kind: str = "code", **marks: Any) -> CourseCell:
    made = CourseCell(grade_id, kind, source, False, False, False, False, points=0.0)
    return replace(made, **marks, points=1.0 if "grade" in marks else 0.0)


COURSE = [
    owned("set_up", "import math\nimport random", locked=True),
    owned("ex_1_1_1", STUB, solution=True),
    owned("test_ex_1_1_1", CHECK_1 + HIDDEN, locked=True, grade=True),
    owned("ex_1_1_2", BROKEN, solution=True),
    owned("test_ex_1_1_2", CHECK_2, locked=True, grade=True),
    owned("ex_1_1_3", WORDS, "markdown", grade=True, solution=True),
]
GIVEN = [("markdown", "# Sums"), ("markdown", HEADING_2), ("markdown", HEADING_3)]

Cell = dict[str, Any]


def cell(source: str, grade_id: str = "", kind: str = "") -> Cell:
    is_text = source.startswith(("#", "Y", "W")) and not source.startswith("# Check")
    marks = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    kind = kind or ("markdown" if is_text else "code")
    return {"cell_type": kind, "source": source, "metadata": marks}


TITLE, SET_UP = cell("# Sums"), cell("import math\nimport random", "set_up")
ONE, TEST_1 = cell(RIGHT, "ex_1_1_1"), cell(CHECK_1, "test_ex_1_1_1")
TWO, TEST_2 = cell(MENDED, "ex_1_1_2"), cell(CHECK_2, "test_ex_1_1_2")
HEAD_2, HEAD_3, THREE = cell(HEADING_2), cell(HEADING_3), cell(SAID, "ex_1_1_3")
FIRST, SECOND = [TITLE, SET_UP], [HEAD_2, TWO, TEST_2, HEAD_3, THREE]


def restore(*cells: Cell) -> Restored:
    found = restore_notebook("sums.ipynb", cells, COURSE, GIVEN)
    assert restore_notebook("sums.ipynb", found.cells, COURSE, GIVEN).cells == found.cells
    return found


def passed(found: Restored) -> dict[str, bool]:
    """Run the cells in order, as Jupyter would, and say which checks hold."""
    namespace: dict[str, Any] = {}
    marks = {}
    for each in found.cells:
        name = each.metadata.get("nbgrader", {}).get("grade_id", "")
        try:
            if each.cell_type == "code":
                exec(each.source, namespace)
            held = True
        except Exception:
            held = False
        if name.startswith("test"):
            marks[name.removeprefix("test_ex_")] = held
    return marks


def text(found: Restored, grade_id: str) -> str:
    (source,) = (
        c.source for c in found.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )
    return str(source)


ALL = {"1_1_1": True, "1_1_2": True}
UNTOUCHED = [
    STUB,
    STUB + "\n\n",
    STUB.replace("# YOUR CODE HERE", "# I do not know"),
    STUB.replace("    ", "  "),
    STUB.replace("Return the sum.", "The sum."),
    "",
    "  \n",
]


@pytest.mark.parametrize("grade_id", ["ex_1_1_1", ""])
@pytest.mark.parametrize("stub", UNTOUCHED)
def test_an_untouched_copy_never_counts_before_an_answer_wherever_it_stands(
    stub: str, grade_id: str
) -> None:
    copy = cell(stub, grade_id, "code")
    for order in permutations([ONE, TEST_1, copy]):
        found = restore(*FIRST, *order, *SECOND)

        assert passed(found) == ALL
        assert text(found, "ex_1_1_1") == RIGHT
        assert found.problems == ()


@pytest.mark.parametrize("place", [0, 2, 3, 4, 9])
def test_an_answer_in_a_cell_of_the_students_own_counts_before_the_untouched_stub(
    place: int,
) -> None:
    cells = [*FIRST, cell(STUB, "ex_1_1_1"), TEST_1, *SECOND]
    cells.insert(place, cell(RIGHT))

    found = restore(*cells)

    assert passed(found) == ALL
    assert text(found, "ex_1_1_1") == RIGHT
    assert "in a cell of the student's own: that one counts" in found.notes[0]


def test_an_example_of_the_course_is_no_answer_whatever_it_defines() -> None:
    example = "total = max\nprint(total([1, 2]))\n"
    handed_in = [*FIRST, cell(example), cell(STUB, "ex_1_1_1"), TEST_1, *SECOND]

    found = restore_notebook("n.ipynb", handed_in, COURSE, [*GIVEN, ("code", example)])

    assert [each.source for each in found.cells][:4] == [*(c["source"] for c in handed_in[:4])]
    assert text(found, "ex_1_1_1") == STUB
    assert found.notes == ()


def test_copies_of_a_broken_snippet_are_told_from_its_repair() -> None:
    stub = cell(BROKEN, "ex_1_1_2")

    for order in permutations([TWO, TEST_2, stub, cell(BROKEN)]):
        assert passed(restore(*FIRST, ONE, TEST_1, *order, THREE)) == ALL


def test_copies_are_told_apart_where_all_ids_are_lost() -> None:
    bare = [c | {"metadata": {}} for c in (*FIRST, ONE, TEST_1, *SECOND)]

    found = restore(*bare, cell(STUB), cell(BROKEN))

    assert passed(found) == ALL


def test_one_cell_may_hold_the_answers_of_several_untouched_stubs() -> None:
    stubs = [cell(STUB, "ex_1_1_1"), TEST_1, HEAD_2, cell(BROKEN, "ex_1_1_2"), TEST_2]

    found = restore(*FIRST, cell(f"{RIGHT}\n\n{MENDED}"), *stubs, THREE)

    assert passed(found) == ALL


@pytest.mark.parametrize(
    ("above", "below", "is_right"),
    [((WRONG, RIGHT), (), True), ((RIGHT, WRONG), (), False), ((RIGHT,), (WRONG,), True)],
)
def test_of_several_answers_the_last_above_the_check_counts_as_in_jupyter(
    above: tuple[str, ...], below: tuple[str, ...], is_right: bool
) -> None:
    first, second = ([cell(source, "ex_1_1_1") for source in part] for part in (above, below))

    found = restore(*FIRST, *first, TEST_1, *second, *SECOND)

    assert passed(found) == ALL | {"1_1_1": is_right}
    assert bool(found.problems) == bool(below)


def test_different_answers_above_and_below_a_check_are_for_a_person() -> None:
    found = restore(*FIRST, cell(WRONG, "ex_1_1_1"), TEST_1, ONE, *SECOND)

    assert passed(found)["1_1_1"] is False
    assert found.problems == (
        "'sums.ipynb' has different answers to 1.1.1 above and below the check: the last one above "
        "counts, as in Jupyter. Look at the others.",
    )


def test_the_same_answer_above_and_below_a_check_is_no_matter() -> None:
    found = restore(*FIRST, ONE, TEST_1, cell(RIGHT + "\n", "ex_1_1_1"), *SECOND)

    assert passed(found) == ALL
    assert found.problems == ()


def test_an_answer_that_was_split_runs_in_its_parts() -> None:
    parts = [cell("helper = sum", "ex_1_1_1"), cell("total = helper", "ex_1_1_1")]

    found = restore(*FIRST, *parts, TEST_1, *SECOND)

    assert passed(found) == ALL
    assert found.problems == ()


@pytest.mark.parametrize("copies", [(SAID, WORDS), (WORDS, SAID), (SAID, ""), (SAID, SAID)])
def test_an_untouched_copy_of_a_written_answer_does_not_count(copies: Iterable[str]) -> None:
    written = [cell(source, "ex_1_1_3", "markdown") for source in copies]

    found = restore(*FIRST, ONE, TEST_1, *SECOND[:-1], *written)

    assert text(found, "ex_1_1_3") == SAID


def test_a_written_answer_that_was_split_is_put_together() -> None:
    parts = [cell("Where few are far", "ex_1_1_3"), cell("from the rest.", "ex_1_1_3", "markdown")]

    found = restore(*FIRST, ONE, TEST_1, *SECOND[:-1], *parts)

    assert text(found, "ex_1_1_3") == "Where few are far\n\nfrom the rest."


def test_a_written_answer_with_a_space_more_is_as_it_was_released() -> None:
    found = restore(*FIRST, ONE, TEST_1, *SECOND[:-1], cell(f"\n{WORDS} \n", "ex_1_1_3"))

    assert text(found, "ex_1_1_3") == WORDS


def test_a_hash_in_a_written_answer_is_no_comment() -> None:
    said = f"{WORDS} # 1 is when a few are far from the rest."

    found = restore(*FIRST, ONE, TEST_1, *SECOND[:-1], cell(said, "ex_1_1_3"))

    assert text(found, "ex_1_1_3") == said


def merged(*cells: Cell, active: int) -> Cell:
    """Return what JupyterLab makes of cells that are merged while one of them is active."""
    return cells[active] | {"source": "\n\n".join(c["source"] for c in cells)}


NOTEBOOK = [*FIRST, ONE, TEST_1, *SECOND]


@pytest.mark.parametrize(
    ("start", "stop", "active"),
    [
        (start, stop, active)
        for start in range(len(NOTEBOOK))
        for stop in range(start + 2, min(start + 5, len(NOTEBOOK) + 1))
        for active in (0, -1)
    ],
)
def test_no_answer_is_lost_with_cells_that_were_merged(start: int, stop: int, active: int) -> None:
    together = merged(*NOTEBOOK[start:stop], active=active)

    found = restore(*NOTEBOOK[:start], together, *NOTEBOOK[stop:])

    assert passed(found) == ALL
    assert SAID in text(found, "ex_1_1_3")
    held = [c for c in NOTEBOOK[start:stop] if c["metadata"]]
    if len(held) > 1 and any(c in held for c in (TEST_1, TEST_2, SET_UP)):
        assert "cells merged into one" in found.problems[0]


def test_a_check_merged_with_the_next_answer_is_for_a_person_who_is_told_which() -> None:
    together = merged(TEST_1, HEAD_2, TWO, active=0)

    found = restore(*FIRST, ONE, together, TEST_2, HEAD_3, THREE)

    assert text(found, "ex_1_1_2") == MENDED
    assert found.problems == (
        "'sums.ipynb' had cells merged into one, which were parted again: the check of 1.1.1, "
        "1.1.2. Look whether the answers are whole.",
    )


def test_the_lines_that_somebody_adds_to_a_check_are_nobodys_concern() -> None:
    added = cell(f"{CHECK_1}\nprint(total([1]))", "test_ex_1_1_1")

    found = restore(*FIRST, ONE, added, *SECOND)

    assert passed(found) == ALL
    assert (found.problems, found.notes) == ((), ())


@pytest.mark.parametrize(
    ("cells", "exercise"),
    [
        # An answer in a cell of text, and in the check's own cell; stub there or not.
        ([cell(RIGHT, kind="raw"), TEST_1, *SECOND], "1.1.1"),
        ([cell(STUB, "ex_1_1_1"), cell(RIGHT, kind="markdown"), TEST_1, *SECOND], "1.1.1"),
        (
            [cell(STUB, "ex_1_1_1"), cell(f"# My check\n{RIGHT}", "test_ex_1_1_1"), *SECOND],
            "1.1.1",
        ),
        # Written under the question, and in a cell beside the answer's.
        (
            [ONE, TEST_1, *SECOND[:3], cell(f"{HEADING_3}\n{SAID}"), cell(WORDS, "ex_1_1_3")],
            "1.1.3",
        ),
        ([ONE, TEST_1, *SECOND[:4], cell(WORDS, "ex_1_1_3"), cell(SAID)], "1.1.3"),
        ([ONE, TEST_1, *SECOND[:4], cell(SAID)], "1.1.3"),
    ],
)
def test_an_answer_that_stands_where_nothing_is_run_is_for_a_person(
    cells: list[Cell], exercise: str
) -> None:
    found = restore(*FIRST, *cells)

    assert f"has no answer to {exercise} in its place" in found.problems[0]


@pytest.mark.parametrize(
    "cells",
    [
        # Merged with the answer below, whose id stays; above or below it; the stub there or not.
        [TEST_1, HEAD_2, cell(f"{RIGHT}\n\n{MENDED}", "ex_1_1_2"), *SECOND[2:]],
        [TEST_1, HEAD_2, cell(f"{MENDED}\n\n{RIGHT}", "ex_1_1_2"), *SECOND[2:]],
        [cell(STUB, "ex_1_1_1"), TEST_1, cell(f"{RIGHT}\n\n{MENDED}", "ex_1_1_2"), *SECOND[2:]],
        # Exchanged.
        [cell(MENDED, "ex_1_1_1"), TEST_1, HEAD_2, cell(RIGHT, "ex_1_1_2"), *SECOND[2:]],
    ],
)
def test_an_answer_that_comes_below_its_check_in_anothers_cell_is_for_a_person(
    cells: list[Cell],
) -> None:
    (problem,) = restore(*FIRST, *cells).problems

    assert problem.startswith("'sums.ipynb' defines the answer to 1.1.1 only below its check")


def test_a_name_that_a_later_answer_defines_again_is_no_matter() -> None:
    again = cell(f"{MENDED}\n\n{RIGHT}", "ex_1_1_2")

    assert restore(*FIRST, ONE, TEST_1, HEAD_2, again, *SECOND[2:]).problems == ()
    assert restore(*FIRST, cell(STUB, "ex_1_1_1"), TEST_1, *SECOND).problems == ()


@pytest.mark.parametrize(
    "cells",
    [
        [cell(STUB, "ex_1_1_1"), TEST_1, *SECOND[:4], cell(WORDS, "ex_1_1_3")],
        [TEST_1, *SECOND[:4]],
        [cell("What is a sum?"), ONE, TEST_1, *SECOND, cell("What was that?")],
        [cell(RIGHT), TEST_1, *SECOND],
    ],
)
def test_who_answers_nothing_or_writes_notes_needs_nobody(cells: list[Cell]) -> None:
    assert restore(*FIRST, *cells).problems == ()


@pytest.mark.parametrize(
    ("cells", "notes"),
    [
        (
            [cell(STUB, "ex_1_1_1"), cell(RIGHT), TEST_1, *SECOND],
            ["has the answer to 1.1.1 in a cell of the student's own: that one counts."],
        ),
        (
            [cell(STUB, "ex_1_1_1"), ONE, TEST_1, *SECOND],
            ["has 1.1.1 more than once: what is as it was released does not count."],
        ),
        (
            [ONE, ONE, TEST_1, TEST_1, *SECOND],
            ["has 1.1.1, the check of 1.1.1 twice: the last one counts."],
        ),
        ([ONE, *SECOND], ["lacked cells, which were put back: the check of 1.1.1."]),
        ([ONE, TEST_1, *SECOND[:4]], ["lacked cells, which were put back: 1.1.3."]),
        (
            [TEST_1, ONE, HEAD_2, TEST_2, TWO, HEAD_3, THREE],
            ["had cells in another place: the check of 1.1.1, the check of 1.1.2."],
        ),
        (
            [TEST_1, HEAD_2, TEST_2, HEAD_3, THREE],
            ["has no answer cell for 1.1.1, 1.1.2."],
        ),
    ],
)
def test_what_is_good_to_know_is_told_with_the_notebooks_name_and_the_exercises(
    cells: list[Cell], notes: list[str]
) -> None:
    found = restore(*FIRST, *cells)

    assert found.problems == ()
    assert found.notes == tuple(f"'sums.ipynb' {note}" for note in notes)


def test_answers_that_stand_where_nothing_is_run_are_told_with_what_to_do() -> None:
    found = restore(
        *FIRST, cell(RIGHT, kind="raw"), TEST_1, HEAD_2, TEST_2, cell(MENDED, "", "raw")
    )

    assert found.problems == (
        "'sums.ipynb' has no answer to 1.1.1, 1.1.2, 1.1.3 in its place, but text of the student's "
        "in cells that are not run. Look whether the answer is there.",
    )


def test_lost_ids_are_one_problem_and_nothing_else_is_told() -> None:
    bare = [c | {"metadata": {}} for c in (*FIRST, ONE, TEST_1, *SECOND)]

    found = restore(*bare, cell("notes", kind="raw"))

    assert found.problems == (
        "No cell of 'sums.ipynb' carries the course's ids: the nbgrader metadata is lost. The "
        "tests ran at its end; its written answers could not be told from other text.",
    )
    assert found.notes == ()
