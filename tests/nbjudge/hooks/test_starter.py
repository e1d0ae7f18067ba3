import pytest
from nbformat.v4 import new_code_cell

from nbjudge.exceptions import ReleaseError
from nbjudge.hooks.starter import UseStarter

STARTER = """\
### BEGIN STARTER
# def mean(numbers):
#     total = 0
#
#     return total
### END STARTER
"""
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


def answer_cell(source, **nbgrader):
    metadata = {"grade_id": "ex_1", "grade": False, "solution": True, "locked": False, **nbgrader}
    return new_code_cell(source, id="ex_1", metadata={"nbgrader": metadata})


def released(cell):
    cell, _ = UseStarter().preprocess_cell(cell, {"nbgrader": {"notebook": "sums"}}, 0)
    return cell.source


def test_the_students_cell_is_the_uncommented_starter_and_nothing_else():
    assert released(answer_cell(STARTER + STUB)) == (
        "def mean(numbers):\n    total = 0\n\n    return total"
    )


def test_a_cell_without_a_starter_keeps_its_stub():
    assert released(answer_cell(STUB)) == STUB


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("### BEGIN STARTER\n# x = 1\n" + STUB, "no 'END STARTER'"),
        ("### END STARTER\n" + STUB, "'END STARTER' outside any region"),
        ("### BEGIN STARTER\n### END STARTER\n" + STUB, "nothing in it"),
        ("### BEGIN STARTER\nx = 1\n### END STARTER\n" + STUB, r"not commented out \(x = 1\)"),
        (STARTER.replace("END", "BEGIN"), "'BEGIN STARTER' inside STARTER"),
    ],
)
def test_a_malformed_starter_is_refused_with_its_notebook_and_cell(source, told):
    with pytest.raises(ReleaseError, match=rf"^sums\.ipynb: Cell 'ex_1' .*{told}"):
        released(answer_cell(source))


def test_a_starter_outside_an_answer_cell_is_refused():
    with pytest.raises(ReleaseError, match="cell 'ex_1' has a starter and is no answer cell"):
        released(answer_cell(STARTER, grade=True, solution=False, locked=True))
