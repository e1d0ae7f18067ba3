"""The committed form of source notebooks: `tidy_notebook` writes it, `untidy` checks it."""

from __future__ import annotations

import copy
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode, from_dict

from nbjudge.exceptions import ReleaseError
from nbjudge.release import source

__all__ = ["tidy_notebook", "untidy"]

NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
# All other metadata are an editor's own notes, such as timings. `cellView` and `jupyter` say that a
# cell is folded, on Colab and in Jupyter.
CELL_METADATA = {"cellView", "jupyter", "nbgrader", "slideshow", "tags"}
VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def tidy_notebook(path: Path) -> bool:
    """Put a source notebook in its committed form.

    This removes outputs, execution counts, and metadata that the course does not use. Each cell's
    id becomes its `grade_id`, if it has one; other cells keep theirs.

    Returns
    -------
    bool
        Whether the file changed.

    Raises
    ------
    ReleaseError
        If the file is not a notebook.
    """
    text = source.notebook_text(_tidy(source.read_source(path)))
    if path.read_bytes() == text.encode():
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def untidy(path: Path) -> list[str]:
    """Return why a source notebook cannot be committed or released as it is; empty if it can.

    It also checks nbgrader's metadata, which `tidy_notebook` cannot mend.

    Raises
    ------
    ReleaseError
        If the file is not a notebook.
    """
    notebook = source.read_source(path)
    tidied = _tidy(notebook)
    found = list(_loose(notebook, tidied))
    if not found and path.read_bytes() != source.notebook_text(tidied).encode():
        found.append("the file is not written in sorted, indented JSON")
    return found + list(_contract(notebook))


def _tidy(notebook: NotebookNode) -> NotebookNode:
    notebook = copy.deepcopy(notebook)
    notebook.nbformat_minor = 5
    notebook.metadata = from_dict(NOTEBOOK_METADATA)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        for key in set(cell.metadata) - CELL_METADATA:
            del cell.metadata[key]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    for cell, name in zip(notebook.cells, _cell_ids(notebook.cells), strict=True):
        cell.id = name
    return notebook


def _cell_ids(cells: list[NotebookNode]) -> Iterator[str]:
    """Yield an id for each cell: its `grade_id`, else its own id, else one made from its text."""
    taken = {name for cell in cells if (name := source.grade_id(cell))}
    for cell in cells:
        name = source.grade_id(cell)
        if name is None:
            name = cell.get("id", "")
            if name in taken or not VALID_ID.fullmatch(name):
                name = _new_id(cell, taken)
            taken.add(name)
        yield name


def _new_id(cell: NotebookNode, taken: set[str]) -> str:
    digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    name, copies = digest, 1
    while name in taken:
        copies += 1
        name = f"{digest}-{copies}"
    return name


def _loose(notebook: NotebookNode, tidied: NotebookNode) -> Iterator[str]:
    if notebook.metadata != tidied.metadata:
        yield "the notebook's metadata hold more or other than its kernel and language"
    for number, (cell, neat) in enumerate(zip(notebook.cells, tidied.cells, strict=True), 1):
        where = f"cell {number} ('{neat.id}')"
        if cell.get("outputs") or cell.get("execution_count") is not None:
            yield f"{where} has outputs or an execution count"
        if cell.get("id") != neat.id:
            yield f"{where} has the id '{cell.get('id', '')}'"
        if extra := sorted(set(cell.metadata) - set(neat.metadata)):
            yield f"{where} has metadata that the course does not use: {', '.join(extra)}"


def _contract(notebook: NotebookNode) -> Iterator[str]:
    """Yield problems with the nbgrader metadata of a notebook's cells."""
    names = Counter(source.grade_id(cell) for cell in notebook.cells if source.grade_id(cell))
    yield from (f"the grade_id '{name}' is used {n} times" for name, n in names.items() if n > 1)
    for number, cell in enumerate(notebook.cells, 1):
        where = f"cell {number} ('{source.grade_id(cell) or cell.get('id')}')"
        if "nbgrader" not in cell.metadata:
            if marker := source.DELIMITER.search(cell.source):
                yield f"{where} has '{marker[0]}' and is no cell of nbgrader's"
            continue
        if "display" in cell.metadata.get("tags", ()):
            yield f"{where} is tagged display, so it may not be a cell of nbgrader's"
        yield from (f"{where} {finding}" for finding in _why_broken(cell))
        try:
            source.starter(cell)
        except ReleaseError as error:
            yield str(error)


def _why_broken(cell: NotebookNode) -> Iterator[str]:
    data = cell.metadata.nbgrader
    grade, solution, locked = (data.get(key) for key in ("grade", "solution", "locked"))
    if data.get("schema_version") != 3:
        yield "does not have nbgrader's schema_version 3"
    if not source.grade_id(cell):
        yield "has no grade_id"
    if data.get("task"):
        return
    if not (grade or solution or locked):
        yield "is neither test, answer nor locked: take nbgrader's metadata away"
    if grade and not isinstance(data.get("points"), int | float):
        yield "is graded and has no points"
    if grade and not solution and not locked:
        yield "is a test and must be locked"
    if solution and locked:
        yield "is an answer and must not be locked"
    if solution and not grade and "points" in data:
        yield "is an answer that a test marks: the points belong to the test"
    if cell.cell_type != "code" and grade != solution:
        yield "is text, so it is a written answer (grade and solution) or nothing of nbgrader's"
