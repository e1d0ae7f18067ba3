"""Add the cells of a new exercise to a source notebook, with their nbgrader metadata."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, v4

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.release import source
from nbjudge.release.tidy import tidy_notebook

__all__ = ["NewExercise", "add_exercise"]

EXERCISE_NUMBER = re.compile(r"\d+(?:\.\d+)*[a-z]?")
PYTHON_NAME = re.compile(r"[A-Za-z]\w*")

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
IMPORTS_OF_TEST = "import numpy as np\n\nfrom nbjudge import checks as check"
TASK = """\
## {number} …

*About 15 minutes.*

The idea in two sentences, and its equation.

**Your task.** {task}
"""
WRITE = "Write `{symbol}(…)`, which returns … About … lines."
REPAIR = "Somebody wrote `{symbol}(…)`, which should return … It does not. Repair it."
ANSWER_CELL = '''\
def {symbol}(x):
    """Return …."""
    ### BEGIN SOLUTION
    raise NotImplementedError("the right answer")
    ### END SOLUTION
'''
#: Students get only the starter; the rest of the cell is the solution.
BROKEN = '''\
### BEGIN STARTER
# def {symbol}(x):
#     """Return …."""
#     return x  # what is wrong
### END STARTER
### BEGIN SOLUTION
def {symbol}(x):
    """Return …."""
    raise NotImplementedError("the right answer")


### END SOLUTION
'''
TEST_CELL = """\
# Check {number}: what is checked
from nbjudge import checks as check

check.close({symbol}(0.0), 1.0, what="…", hint="…")
### BEGIN HIDDEN TESTS
{hidden}
### END HIDDEN TESTS
"""
PARTS_CELL = """\
# Check {number}: what is checked
from nbjudge import checks as check

parts = check.Parts()
with parts({first}, "the first part"):
    check.close({symbol}(0.0), 1.0, what="…", hint="…")
with parts({rest}, "the rest"):
    check.close({symbol}(1.0), 3.0, what="…", hint="…")
    ### BEGIN HIDDEN TESTS
    {hidden}
    ### END HIDDEN TESTS
parts.points()
"""
HIDDEN = 'check.close({symbol}(2.0), 7.0, what="…")'
EXAMINATION = "from {package} import {module}\n\n{module}.{symbol}({symbol})"
QUESTION = """\
## {number} …

*About 10 minutes.*

What should be told, and in how many sentences?

### BEGIN MARK SCHEME
{points} point{s}: what a good answer says.
### END MARK SCHEME
"""
MARK_SCHEME_HINT = "A good answer, for who marks: students do not see it."
EXERCISE_KINDS = ("code", "parts", "repair", "written")


@dataclass(frozen=True)
class NewExercise:
    """The plan of a new exercise, from which its cells are made.

    Parameters
    ----------
    number : str
        The number that students see: "1.2.1", "1.4.3a".
    symbol : str
        The name that the answer cell defines; empty for a written answer.
    points : int
    examinations : str
        `Plug.examinations`.
    kind : str
        "code", "parts" (with points for each), "repair" (of broken code), or "written" (which a
        person marks).

    Raises
    ------
    CourseError
        If one of them is not valid.
    """

    number: str
    symbol: str
    points: int
    examinations: str = ""
    kind: str = "code"

    def __post_init__(self) -> None:
        if not EXERCISE_NUMBER.fullmatch(self.number):
            message = f"'{self.number}' is no exercise's number. Take one like 1.2.1 or 1.4.3a."
            raise CourseError(message)
        if self.kind not in EXERCISE_KINDS:
            raise CourseError(
                f"'{self.kind}' is no kind of exercise: take {', '.join(EXERCISE_KINDS)}."
            )
        if self.kind == "written":
            if self.symbol:
                message = f"A written answer defines nothing: leave '{self.symbol}' out."
                raise CourseError(message)
        elif not self.symbol:
            message = "Say what the answer defines, after the number: a name like huber_loss."
            raise CourseError(message)
        elif not PYTHON_NAME.fullmatch(self.symbol):
            message = f"'{self.symbol}' is no name for an answer. Take one like huber_loss."
            raise CourseError(message)
        if self.kind == "parts" and self.points < 2:
            raise CourseError("Parts have points of their own: give the exercise 2 or more.")

    @property
    def grade_id(self) -> str:
        """The grade_id of the answer cell: "ex_1_2_1"."""
        return f"ex_{self.number.replace('.', '_')}"

    def cells(self) -> Iterator[NotebookNode]:
        """Yield its cells: the task, the answer and, unless it is written, the test."""
        task = f"task_{self.grade_id.removeprefix('ex_')}"
        if self.kind == "written":
            question = QUESTION.format(
                number=self.number, points=self.points, s="" if self.points == 1 else "s"
            )
            yield _markdown_cell(question, task, locked=True)
            yield _markdown_cell(
                MARK_SCHEME_HINT, self.grade_id, solution=True, grade=True, points=self.points
            )
            return
        is_repair, has_parts = self.kind == "repair", self.kind == "parts"
        what = (REPAIR if is_repair else WRITE).format(symbol=self.symbol)
        text = TASK.format(number=self.number, task=what)
        yield v4.new_markdown_cell(text.rstrip("\n"), id=task)  # type: ignore[no-untyped-call]
        answer = (BROKEN if is_repair else ANSWER_CELL).format(symbol=self.symbol)
        yield _code_cell(answer, self.grade_id, solution=True)
        test = (PARTS_CELL if has_parts else TEST_CELL).format(
            number=self.number,
            symbol=self.symbol,
            first=self.points // 2,
            rest=self.points - self.points // 2,
            hidden=textwrap.indent(self._hidden(), "    ").lstrip()
            if has_parts
            else self._hidden(),
        )
        yield _code_cell(test, f"test_{self.grade_id}", grade=True, locked=True, points=self.points)

    def _hidden(self) -> str:
        package, _, module = self.examinations.rpartition(".")
        text = EXAMINATION if package else HIDDEN
        return text.format(package=package, module=module, symbol=self.symbol)


def add_exercise(course: Course, notebook: str, exercise: NewExercise) -> Path:
    """Append an exercise to a source notebook, which is created if it does not exist.

    Parameters
    ----------
    course : Course
    notebook : str
        ``assignment/notebook``: "optimisers/optimisers".
    exercise : NewExercise

    Returns
    -------
    Path
        The path of the notebook.

    Raises
    ------
    CourseError
        If the name is not valid, or the course already has an exercise with this number.
    """
    assignment, slash, name = notebook.removesuffix(".ipynb").partition("/")
    if not (slash and PYTHON_NAME.fullmatch(assignment) and PYTHON_NAME.fullmatch(name)):
        message = f"'{notebook}' names no notebook. Give assignment/notebook, as in warm_up/huber."
        raise CourseError(message)
    for path in sorted(course.root.glob("source/*/*.ipynb")):
        if exercise.grade_id in source.by_grade_id(source.read_source(path)):
            message = (
                f"There is an exercise {exercise.number} in {path}, and marks go by the number. "
                "Take one that is free."
            )
            raise CourseError(message)
    path = course.root / "source" / assignment / f"{name}.ipynb"
    if path.exists():
        book = source.read_source(path)
    else:
        book = v4.new_notebook(cells=list(_first_cells(course, name, exercise)))  # type: ignore[no-untyped-call]
    book.cells.extend(exercise.cells())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source.notebook_text(book), encoding="utf-8", newline="\n")
    tidy_notebook(path)
    return path


def _first_cells(course: Course, name: str, exercise: NewExercise) -> Iterator[NotebookNode]:
    """Yield the first cells of a new notebook, with the set-up cell of the course's others."""
    title = name.replace("_", " ").capitalize()
    text = TITLE.format(title=title, number=exercise.number, points=exercise.points)
    yield v4.new_markdown_cell(text, id="title")  # type: ignore[no-untyped-call]
    for path in sorted(course.root.glob("source/*/*.ipynb")):
        if set_up := source.by_grade_id(source.read_source(path)).get("set_up"):
            yield set_up
            break
    yield _code_cell(IMPORTS_OF_TEST, "imports", locked=True)


def _code_cell(
    text: str, grade_id: str, *, points: int | None = None, **kind: bool
) -> NotebookNode:
    cell: NotebookNode = v4.new_code_cell(  # type: ignore[no-untyped-call]
        text.rstrip("\n"), id=grade_id, metadata=_metadata_of_cell(grade_id, points, kind)
    )
    return cell


def _markdown_cell(
    text: str, grade_id: str, *, points: int | None = None, **kind: bool
) -> NotebookNode:
    cell: NotebookNode = v4.new_markdown_cell(  # type: ignore[no-untyped-call]
        text.rstrip("\n"), id=grade_id, metadata=_metadata_of_cell(grade_id, points, kind)
    )
    return cell


def _metadata_of_cell(
    grade_id: str, points: int | None, kind: Mapping[str, bool]
) -> dict[str, Any]:
    data: dict[str, Any] = {
        **dict.fromkeys(("grade", "locked", "solution", "task"), False),
        **kind,
        "grade_id": grade_id,
        "schema_version": 3,
    }
    if points is not None:
        data["points"] = points
    return {"nbgrader": data}
