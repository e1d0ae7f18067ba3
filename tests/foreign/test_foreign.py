"""A course that nobody here wrote for gets the marks of nbgrader itself, by two lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign_courses import NOTEBOOKS, SOLVED, UNTOUCHED, judged_marks, read_foreign, stock_marks
from sampling import only

PATHS = sorted(NOTEBOOKS.glob("*.py"))
#: One of many kinds; each takes nbgrader alone half a minute and more.
QUICK = [NOTEBOOKS / "words.py"]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", only(QUICK, PATHS), ids=lambda path: path.stem)
def test_every_student_gets_the_marks_of_stock_nbgrader(path: Path, tmp_path: Path) -> None:
    foreign = read_foreign(path)

    stock = stock_marks(foreign, tmp_path / "stock")
    judged, told = judged_marks(foreign, tmp_path / "judged")

    by_test = {name: {who: given[name] for who, given in stock.items()} for name in foreign.tests}
    found = {name: {who: given[name] for who, given in judged.items()} for name in foreign.tests}
    expected = {name: found[name] if name in told else by_test[name] for name in foreign.tests}
    assert found == expected
    assert all(mark is None for name in told for mark in found[name].values())
    # Each test tells something: the solution has its points, and somebody else has not.
    for given in by_test.values():
        assert given[SOLVED] or not given[UNTOUCHED]
