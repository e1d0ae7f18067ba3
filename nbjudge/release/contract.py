"""Check a source notebook against the house rules (`Plug.house_rules`) for exercises.

Each exercise has a number, an answer cell `ex_<number>` and, unless a person marks it, a test cell
`test_ex_<number>` with points and a hidden part. docs/add-an-exercise.md says why. Other courses
get some of the findings as advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task

from nbjudge.course.cells import is_test
from nbjudge.release import source
from nbjudge.release.leaks import place_of_cell
from nbjudge.release.source import Region

__all__ = ["Breach", "advice_on_breaches", "breaches"]

ANSWER_ID = re.compile(r"ex(?:_\d+)+[a-z]?")
TEST_ID = re.compile(rf"test_{ANSWER_ID.pattern}")
NO_HIDDEN_TEST = (
    "has no hidden test, so students see all that is asked: put one between "
    "BEGIN HIDDEN TESTS and END HIDDEN TESTS"
)


@dataclass(frozen=True)
class Breach:
    """A violation of the house rules.

    Parameters
    ----------
    where, what : str
        The beginning and the rest of a sentence about it.
    is_ours : bool
        Whether the rule concerns only courses with house rules.
    name : str
        The name that it is about, if breaches differ in nothing else.
    """

    where: str
    what: str
    is_ours: bool = False
    name: str = ""

    @property
    def sentence(self) -> str:
        """The sentence: place, violation, remedy."""
        return f"{self.where} {self.what}"


def advice_on_breaches(found: Iterable[Breach]) -> tuple[str, ...]:
    """Return the violations as advice for other courses: a sentence for each kind."""
    kinds: dict[str, list[Breach]] = {}
    for breach in found:
        if not breach.is_ours:
            kind = breach.what.replace(f"'{breach.name}'", "")
            kinds.setdefault(kind, []).append(breach)
    told = []
    for alike in kinds.values():
        others = len(alike) - 1
        more = f" So {'has' if others == 1 else 'have'} {others} more." if others else ""
        told.append(f"{alike[0].sentence}.{more}")
    return tuple(told)


def breaches(name: str, notebook: NotebookNode) -> Iterator[Breach]:
    """Yield the violations of the house rules in a source notebook.

    Parameters
    ----------
    name : str
        The name of the notebook's file.
    notebook : NotebookNode
    """
    ids = source.by_grade_id(notebook)
    for cell in ids.values():
        where = place_of_cell(name, notebook, cell)
        for breach in _breaches(cell, ids):
            yield Breach(where, breach, is_ours=True)
        if is_test(cell) and not any(map(_does_something, source.lines(cell))):
            yield Breach(where, NO_HIDDEN_TEST)


def _breaches(cell: NotebookNode, ids: dict[str, NotebookNode]) -> Iterator[str]:
    grade_id = str(source.grade_id(cell))
    if (is_grade(cell) or is_task(cell)) and not cell.metadata.nbgrader.get("points", 0) > 0:
        yield "is worth 0 points: give it points, or make it no graded cell"
    if is_test(cell):
        if not TEST_ID.fullmatch(grade_id):
            yield "is a test by another name than 'test_ex_1_2_1': name it after its exercise"
        elif (answer := grade_id.removeprefix("test_")) not in ids:
            yield f"tests no answer: give the answer's cell the id '{answer}'"
    elif is_solution(cell):
        if not ANSWER_ID.fullmatch(grade_id):
            yield "is an answer by another name than 'ex_1_2_1': name it after its exercise"
        elif not is_grade(cell) and f"test_{grade_id}" not in ids:
            yield f"is an answer that nothing marks: add the test 'test_{grade_id}'"


def _does_something(line: source.CellLine) -> bool:
    text = line.text.strip()
    return line.region is Region.HIDDEN_TESTS and bool(text) and text[0] != "#" and text != "pass"
