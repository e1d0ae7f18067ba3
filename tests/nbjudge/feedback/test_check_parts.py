"""Checks that hold in a part that is lost say which part it is."""

from __future__ import annotations

import re

import pytest
from feedback_notebooks import answer, marks, notebook, test_cell

from nbjudge.course.marks import Mark
from nbjudge.feedback.check_parts import PartOfCheck, parts_of_checks
from nbjudge.feedback.notebook_pages import notebook_page

TEST = """\
parts = check.Parts()
with parts(1, "the first step"):
    check.close(step(0), 1, what="from rest")
with parts(0.5, "the steps after it"):
    check.close(step(1), 2, what="the second step")
    for n in range(3):
        check.close(step(n), n, what=f"step {n}")
parts.points()
"""


def test_each_check_that_is_named_in_one_piece_has_its_part() -> None:
    assert parts_of_checks(TEST) == {
        "from rest": PartOfCheck("the first step", 1),
        "the second step": PartOfCheck("the steps after it", 0.5),
    }


@pytest.mark.parametrize(
    "test",
    [
        "assert 1",
        "with open('x') as f:\n    f(what='y')",
        "%magic",
        "(" * 9999,
        "with parts():\n  1",
    ],
)
def test_what_has_no_parts_has_none(test: str) -> None:
    assert parts_of_checks(test) == {}


@pytest.mark.parametrize(("points", "said"), [(0.0, True), (1.5, False)])
def test_a_check_that_held_names_its_part_where_points_are_lost(points: float, said: bool) -> None:
    record = {"reason": "✗ step 2: it is 3", "printed": "✓ the second step"}
    book = notebook(answer("pass", "1_1"), test_cell(TEST, "1_1"), test_ex_1_1=record)

    page = notebook_page(book, "sums", marks(Mark("test_ex_1_1", points, 1.5, auto=points)))

    told = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    sentence = "in the part the steps after it , whose 0.5 points need all of its checks"
    assert "✓ the second step" in told
    assert (sentence in told) is said
