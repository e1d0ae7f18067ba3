"""Putting the cells of a new exercise into a source notebook, with all that nbgrader must know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, v4

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.release import source
from nbjudge.release.tidy import tidy

__all__ = ["NewExercise", "add_exercise"]

NUMBER = re.compile(r"\d+(?:\.\d+)*[a-z]?")
NAME = re.compile(r"[A-Za-z]\w*")

TITLE = """\
# {title}

In two sentences: what this notebook is about, and why it matters.

**When you are done, you can**

- say what …

| Part | What you do | Time | Points |
|---|---|---|---|
| {number} | … | 15 min | {points} |

**How it works.** Cells that you edit say `YOUR CODE HERE` or `YOUR ANSWER HERE`. A **check** \
follows each piece of code: run it as often as you like. Marks come from the same checks and from \
a few more inputs, so an answer that only fits the check will not do. Every exercise is marked on \
its own. Printing and plotting cost no marks.
"""
IMPORTS = "import numpy as np\n\nfrom nbjudge import checks as check"
TASK = """\
## {number} …

*About 15 minutes.*

The idea in two sentences, and its equation.

**Your task.** Write `{symbol}(…)`, which returns … About … lines.
"""
ANSWER = '''\
def {symbol}(x):
    """Return …."""
    ### BEGIN SOLUTION
    raise NotImplementedError("the right answer")
    ### END SOLUTION
'''
TEST = """\
# Check {number}: what is checked
from nbjudge import checks as check

check.close({symbol}(0.0), 0.0, what="…", hint="…")
### BEGIN HIDDEN TESTS
{hidden}
### END HIDDEN TESTS
"""
HIDDEN = 'check.close({symbol}(1.0), 1.0, what="…")'
EXAMINATION = "from {package} import {module}\n\n{module}.{symbol}({symbol})"


@dataclass(frozen=True)
class NewExercise:
    """An exercise that a test marks, before anything of it is written.

    Parameters
    ----------
    number : str
        The one that students read: "1.2.1", "1.4.3a".
    symbol : str
        What the answer cell defines.
    points : int
    examinations : str
        `Plug.examinations`.

    Raises
    ------
    CourseError
        If one of them cannot be.
    """

    number: str
    symbol: str
    points: int
    examinations: str = ""

    def __post_init__(self) -> None:
        if not NUMBER.fullmatch(self.number):
            message = f"'{self.number}' is no exercise's number. Take one like 1.2.1 or 1.4.3a."
            raise CourseError(message)
        if not NAME.fullmatch(self.symbol):
            message = f"'{self.symbol}' is no name for an answer. Take one like huber_loss."
            raise CourseError(message)

    @property
    def grade_id(self) -> str:
        """Of the answer cell: "ex_1_2_1"."""
        return f"ex_{self.number.replace('.', '_')}"

    def cells(self) -> Iterator[NotebookNode]:
        """Yield its three cells: the task, the answer, and the test that marks it."""
        package, _, module = self.examinations.rpartition(".")
        hidden = (EXAMINATION if package else HIDDEN).format(
            package=package, module=module, symbol=self.symbol
        )
        words = {"number": self.number, "symbol": self.symbol, "hidden": hidden}
        yield v4.new_markdown_cell(  # type: ignore[no-untyped-call]
            TASK.format(**words), id=f"task_{self.grade_id.removeprefix('ex_')}"
        )
        yield _code(ANSWER.format(**words), self.grade_id, solution=True)
        test = f"test_{self.grade_id}"
        yield _code(TEST.format(**words), test, grade=True, locked=True, points=self.points)


def add_exercise(course: Course, notebook: str, exercise: NewExercise) -> Path:
    """Append an exercise to a source notebook, which is made if there is none.

    Parameters
    ----------
    course : Course
    notebook : str
        ``assignment/notebook``: "optimisers/optimisers".
    exercise : NewExercise

    Returns
    -------
    Path
        The notebook.

    Raises
    ------
    CourseError
        If the name is none, or the course has an exercise of this number.
    """
    assignment, slash, name = notebook.removesuffix(".ipynb").partition("/")
    if not (slash and NAME.fullmatch(assignment) and NAME.fullmatch(name)):
        message = f"'{notebook}' names no notebook. Give assignment/notebook, as in warm_up/huber."
        raise CourseError(message)
    for path in sorted(course.root.glob("source/*/*.ipynb")):
        if exercise.grade_id in source.by_grade_id(source.read(path)):
            message = (
                f"There is an exercise {exercise.number} in {path}, and marks go by the number. "
                "Take one that is free."
            )
            raise CourseError(message)
    path = course.root / "source" / assignment / f"{name}.ipynb"
    if path.exists():
        book = source.read(path)
    else:
        book = v4.new_notebook(cells=list(_first_cells(course, name, exercise)))  # type: ignore[no-untyped-call]
    book.cells.extend(exercise.cells())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source.notebook_text(book), encoding="utf-8", newline="\n")
    tidy(path)
    return path


def _first_cells(course: Course, name: str, exercise: NewExercise) -> Iterator[NotebookNode]:
    """Yield what a notebook begins with; the set-up is that of the course's other notebooks."""
    title = name.replace("_", " ").capitalize()
    text = TITLE.format(title=title, number=exercise.number, points=exercise.points)
    yield v4.new_markdown_cell(text, id="title")  # type: ignore[no-untyped-call]
    for path in sorted(course.root.glob("source/*/*.ipynb")):
        if set_up := source.by_grade_id(source.read(path)).get("set_up"):
            yield set_up
            break
    yield _code(IMPORTS, "imports", locked=True)


def _code(text: str, grade_id: str, *, points: int | None = None, **kind: bool) -> NotebookNode:
    data: dict[str, Any] = {
        **dict.fromkeys(("grade", "locked", "solution", "task"), False),
        **kind,
        "grade_id": grade_id,
        "schema_version": 3,
    }
    if points is not None:
        data["points"] = points
    cell: NotebookNode = v4.new_code_cell(  # type: ignore[no-untyped-call]
        text.rstrip("\n"), id=grade_id, metadata={"nbgrader": data}
    )
    return cell
