"""The rules of this course's own exercises: what a release of it must keep, and another need not.

Each exercise has a number, an answer cell `ex_<number>` and, unless a person marks it, a test cell
`test_ex_<number>` that is worth points and has a hidden part. docs/add-an-exercise.md tells why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from nbjudge.course.cells import is_test
from nbjudge.release import source
from nbjudge.release.leaks import place
from nbjudge.release.source import Region

__all__ = ["breaches"]

ANSWER = re.compile(r"ex(?:_\d+)+[a-z]?")
TEST = re.compile(rf"test_{ANSWER.pattern}")


def breaches(name: str, notebook: NotebookNode) -> Iterator[str]:
    """Yield what in a source notebook is not as in every exercise of the course, and the remedy.

    Parameters
    ----------
    name : str
        Of its file.
    notebook : NotebookNode
    """
    ids = source.by_grade_id(notebook)
    for cell in ids.values():
        for breach in _breaches(cell, ids):
            yield f"{place(name, notebook, cell)} {breach}"


def _breaches(cell: NotebookNode, ids: dict[str, NotebookNode]) -> Iterator[str]:
    grade_id = str(source.grade_id(cell))
    if (is_grade(cell) or is_task(cell)) and not cell.metadata.nbgrader.get("points", 0) > 0:
        yield "is worth 0 points: give it points, or make it no graded cell"
    if is_test(cell):
        if not TEST.fullmatch(grade_id):
            yield "is a test by another name than 'test_ex_1_2_1': name it after its exercise"
        elif (answer := grade_id.removeprefix("test_")) not in ids:
            yield f"tests no answer: give the answer's cell the id '{answer}'"
        if not any(map(_does_something, source.lines(cell))):
            yield (
                "has no hidden test, so students see all that is asked: put one between "
                "BEGIN HIDDEN TESTS and END HIDDEN TESTS"
            )
    elif is_solution(cell):
        if not ANSWER.fullmatch(grade_id):
            yield "is an answer by another name than 'ex_1_2_1': name it after its exercise"
        elif not is_grade(cell) and f"test_{grade_id}" not in ids:
            yield f"is an answer that nothing marks: add the test 'test_{grade_id}'"


def _does_something(line: source.Line) -> bool:
    text = line.text.strip()
    return line.region is Region.HIDDEN_TESTS and bool(text) and text[0] != "#" and text != "pass"
