from pathlib import Path

import nbformat
import pytest

from nbjudge.exceptions import ReleaseError
from nbjudge.release import source

TINY = Path(__file__).parents[2] / "courses" / "tiny" / "source" / "sums" / "sums.ipynb"


@pytest.fixture
def tiny():
    return source.read_source(TINY)


@pytest.fixture
def blank(tiny):
    """The tiny notebook with nothing in its answer cells."""
    blank = nbformat.from_dict(tiny)
    for cell in source.by_grade_id(blank).values():
        if cell.metadata.nbgrader.solution:
            cell.source = "?"
    return blank


def test_an_answered_notebook_holds_the_plain_solutions(tiny, blank):
    cells = source.by_grade_id(source.answer(blank, tiny))

    assert cells["ex_1_1_2"].source == (
        "def mean(numbers):\n"
        '    """Return the mean of `numbers`."""\n'
        "    return sum(numbers) / len(numbers)"
    )
    assert cells["ex_1_1_3"].source.startswith("When a few numbers")
    assert not any("BEGIN" in cells[name].source for name in ("ex_1_1_1", "ex_1_1_2", "ex_1_1_3"))


def test_only_the_chosen_exercises_are_answered_and_the_release_is_left_alone(tiny, blank):
    answered = source.by_grade_id(source.answer(blank, tiny, ids=["ex_1_1_1"]))

    assert "running" in answered["ex_1_1_1"].source
    assert answered["ex_1_1_2"].source == "?"
    assert source.by_grade_id(blank)["ex_1_1_1"].source == "?"


def test_a_cell_that_is_no_answer_cannot_be_answered(tiny, blank):
    with pytest.raises(KeyError, match="test_ex_1_1_1"):
        source.answer(blank, tiny, ids=["test_ex_1_1_1"])


def test_definitions_are_those_of_the_top_level_with_their_arguments():
    code = (
        "%matplotlib inline\n"
        "class Model(Base):\n"
        "    size = 3\n"
        "    def __call__(self, x, *, y=1): z = 2\n"
        "def _helper(): ...\n"
        "low, (high, *rest) = 1, (2, 3)\n"
        "table[0] = 1\n"
    )
    assert source.definitions(code) == {
        "Model": None,
        "Model.__call__": "self, x, *, y=1",
        "low": None,
        "high": None,
        "rest": None,
    }


def test_a_file_that_is_no_notebook_is_named_with_a_remedy(tmp_path):
    path = tmp_path / "broken.ipynb"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"broken\.ipynb is not a Jupyter notebook .* restore"):
        source.read_source(path)
