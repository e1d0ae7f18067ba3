"""Which text of an answer a mark was given for: a person's mark stands as long as that does.

Beside each folder of graded notebooks lies a file of hashes: of every cell that can be marked, the
text that the student had when it was graded last. nbgrader's own command keeps it as ours does.
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

#: By grade id.
Hashes = Mapping[str, str]


def hashes(cells: Iterable[NotebookNode]) -> dict[str, str]:
    """Return a hash of the student's text that each cell's mark and comment are about, by grade id.

    An answer's is its own text. A test is about all that the student wrote in code since the test
    before, and a task about everything.

    Parameters
    ----------
    cells : iterable of NotebookNode
        Of a sanitised notebook, whose metadata are the course's.
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
    """Return the answers in code that each test is about, by grade ids.

    They are those since the test before; tests that follow each other are about the same.

    Parameters
    ----------
    cells : iterable of NotebookNode
        Of a notebook whose metadata are the course's.
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
    """Return the cells whose text is not what it was, or of which that is unknown, by notebook.

    Parameters
    ----------
    before, now : mapping
        Hashes, by notebook.
    absent : iterable of str
        Notebooks that are not there now: who had one before has changed it.

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
    """Return the hashes of the notebooks that were graded last into a folder, by notebook."""
    try:
        kept = json.loads(_texts_beside(folder).read_bytes())
        return {str(name): dict(cells) for name, cells in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def of_folder(folder: Path) -> dict[str, Hashes]:
    """Return the hashes of the graded notebooks in a folder: of old ones nothing else was kept."""
    return {path.stem: _of_file(path) for path in sorted(folder.glob("*.ipynb"))}


def remember(folder: Path, now: Mapping[str, Hashes]) -> None:
    """Keep the hashes of the notebooks that were graded into a folder."""
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
