"""Read the instructor's notebooks: cells by grade_id, regions, starters, and defined names."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import cast

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NBFormatError, NotebookNode, ValidationError
from nbformat.reader import NotJSONError, reads
from nbgrader import utils as nbgrader_utils

from nbjudge.course.hidden_regions import (
    DELIMITER,
    CellLine,
    Region,
    grade_id,
    lines,
    refuse_regions,
    solution,
)
from nbjudge.exceptions import ReleaseError

__all__ = [
    "DELIMITER",
    "CellLine",
    "Region",
    "answer",
    "by_grade_id",
    "definitions",
    "grade_id",
    "lines",
    "notebook_text",
    "parse",
    "read_source",
    "solution",
    "starter",
]


def read_source(path: Path) -> NotebookNode:
    """Return the notebook at `path`, in the newest format.

    Raises
    ------
    ReleaseError
        If the file is not a notebook.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # Not nbformat.read, which gives random ids to cells without one.
        notebook = nbformat.convert(reads(text), 4)  # type: ignore[no-untyped-call]
    except (NotJSONError, NBFormatError, ValidationError, UnicodeDecodeError) as error:
        message = (
            f"{path} is not a Jupyter notebook ({type(error).__name__}). "
            "Open it in Jupyter and save it again, or restore it from the repository."
        )
        raise ReleaseError(message) from error
    return cast(NotebookNode, notebook)


def notebook_text(notebook: NotebookNode) -> str:
    """Return the text of a notebook's file in its committed form, whichever editor saved it."""
    text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return str(text).rstrip("\n") + "\n"


def by_grade_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """Return the cells that have a `grade_id`, by it, in the notebook's order."""
    return {name: cell for cell in notebook.cells if (name := grade_id(cell))}


def starter(cell: NotebookNode) -> str | None:
    """Return the broken code that a student is given to repair, or None if the cell has none.

    Raises
    ------
    ReleaseError
        If a starter is empty, or a line of it is not commented out.
    """
    commented = [line.text for line in lines(cell) if line.region is Region.STARTER]
    if "BEGIN STARTER" not in cell.source:
        return None
    if not any(text.strip() for text in commented):
        raise refuse_regions(cell, "has a starter with nothing in it")
    for text in commented:
        if text.strip() and not text.startswith("#"):
            raise refuse_regions(cell, f"has a starter line that is not commented out ({text})")
    code = "\n".join(text.removeprefix("#").removeprefix(" ") for text in commented)
    return code.strip("\n")


def answer(
    release: NotebookNode, source: NotebookNode, ids: Collection[str] | None = None
) -> NotebookNode:
    """Return a copy of a student notebook, answered with the solutions of its source.

    Parameters
    ----------
    release, source : NotebookNode
        The student version and the instructor's version of one notebook.
    ids : collection of str, optional
        The `grade_id` of each solution cell to fill; all of them by default.

    Raises
    ------
    KeyError
        If `ids` names a cell that is not a solution cell of both notebooks.
    """
    answered = copy.deepcopy(release)
    cells, answers = by_grade_id(answered), by_grade_id(source)
    everything = [name for name, cell in answers.items() if nbgrader_utils.is_solution(cell)]
    for name in everything if ids is None else ids:
        if name not in everything:
            raise KeyError(f"'{name}' is no solution cell of the source notebook")
        cells[name].source = solution(answers[name])
    return answered


def definitions(code: str) -> dict[str, str | None]:
    """Return the names that a cell defines at its top level, except those like `_name`.

    Returns
    -------
    dict
        The arguments of each function and method (`Class.method`); None for a class or a variable.

    Raises
    ------
    SyntaxError
        If the cell is not Python.
    """
    return dict(_defined_names(parse(code).body))


def _defined_names(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name, args=arguments):
                if prefix or not name.startswith("_"):
                    yield prefix + name, ast.unparse(arguments)
            case ast.ClassDef(name=name) if not name.startswith("_"):
                yield name, None
                yield from _defined_names(node.body, f"{name}.")
            case ast.Assign() | ast.AnnAssign() if not prefix:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    for part in ast.walk(target):
                        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                            yield part.id, None


def parse(code: str) -> ast.Module:
    """Return the syntax tree of a code cell, which may have magics and `!` lines.

    Raises
    ------
    SyntaxError
        If the rest is not Python.
    """
    transform = TransformerManager().transform_cell  # type: ignore[no-untyped-call]
    return ast.parse(transform(code))
