"""Hashes of the answers that marks were given for: a person's mark is valid for that text only.

Beside each folder of graded notebooks is a file with a hash for every cell that can be marked: the
student's text when it was graded last. Both `nbgrader autograde` and `course autograde` write it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from nbjudge.course.folders import write_whole

__all__ = ["Hashes", "answers_tested", "changes", "hashes", "of_folder", "recall", "remember"]

#: The hashes of a notebook's cells, by grade_id.
Hashes = Mapping[str, str]


def hashes(cells: Iterable[NotebookNode]) -> dict[str, str]:
    """Return, by grade_id, a hash of the student's text that each cell's mark depends on.

    For an answer that is its own text; for a test, all of the student's code since the previous
    test; for a task, the student's whole text.

    Parameters
    ----------
    cells : iterable of NotebookNode
        The cells of a sanitised notebook, whose metadata come from the course.
    """
    found: dict[str, str] = {}
    tasks: list[str] = []
    everything: list[str] = []
    since: list[str] = []
    for cell in cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if is_task(cell):
            tasks.append(grade_id)
        elif is_solution(cell):
            found[grade_id] = _hash([cell.source])
        elif is_grade(cell):
            found[grade_id] = _hash(since)
            since = []
        if not is_locked(cell):
            everything.append(cell.source)
            if cell.cell_type == "code":
                since.append(cell.source)
    return {**found, **dict.fromkeys(tasks, _hash(everything))}


def answers_tested(cells: Iterable[NotebookNode]) -> dict[str, tuple[str, ...]]:
    """Return the grade_ids of the code answers that each test examines, by the test's grade_id.

    They are those since the previous test; consecutive tests examine the same answers.

    Parameters
    ----------
    cells : iterable of NotebookNode
        The cells of a notebook whose metadata come from the course.
    """
    found: dict[str, tuple[str, ...]] = {}
    answers: list[str] = []
    is_after_test = False
    for cell in cells:
        if cell.cell_type != "code" or not (is_solution(cell) or is_grade(cell)):
            continue
        grade_id = cell.metadata.nbgrader.grade_id
        if is_solution(cell):
            answers = [] if is_after_test else answers
            answers.append(grade_id)
        else:
            found[grade_id] = tuple(answers)
        is_after_test = not is_solution(cell)
    return found


def changes(
    before: Mapping[str, Hashes], now: Mapping[str, Hashes], absent: Iterable[str] = ()
) -> dict[str, frozenset[str]]:
    """Return the cells whose text has changed, or may have changed, by notebook.

    Parameters
    ----------
    before, now : mapping
        Hashes, by notebook.
    absent : iterable of str
        Notebooks that are missing now: all of their earlier cells count as changed.

    Examples
    --------
    >>> changes({"sums": {"ex_1": "a", "ex_2": "b"}}, {"sums": {"ex_1": "a", "ex_2": "c"}})
    {'sums': frozenset({'ex_2'})}
    """
    found = {
        name: frozenset(
            cell for cell, text in cells.items() if before.get(name, {}).get(cell) != text
        )
        for name, cells in now.items()
    }
    return {**found, **{name: frozenset(before.get(name, {})) for name in absent}}


def recall(folder: Path) -> dict[str, Hashes]:
    """Return the hashes kept for a folder of graded notebooks, by notebook."""
    try:
        kept = json.loads(_texts_beside(folder).read_bytes())
        return {str(name): dict(cells) for name, cells in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def of_folder(folder: Path) -> dict[str, Hashes]:
    """Compute the hashes from the graded notebooks in a folder, for when none were kept."""
    return {path.stem: _of_file(path) for path in sorted(folder.glob("*.ipynb"))}


def remember(folder: Path, now: Mapping[str, Hashes]) -> None:
    """Write the hashes for a folder of graded notebooks."""
    write_whole(_texts_beside(folder), json.dumps(now))


def _of_file(path: Path) -> dict[str, str]:
    try:
        return hashes(nbformat.read(path, as_version=4).cells)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, AttributeError):
        return {}


def _hash(texts: Iterable[str]) -> str:
    content = "\0".join(text.strip() for text in texts)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _texts_beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.answers.json")
