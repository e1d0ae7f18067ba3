"""Find what would make nbgrader fail on a source notebook, before it is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.nbgraderformat import SCHEMA_VERSION

from nbjudge.course.hidden_regions import AUTOTEST
from nbjudge.release import source

__all__ = ["AUTOTESTS", "reasons_unready"]

#: The grade_ids that nbgrader's schema allows.
GRADE_ID = re.compile(r"[a-zA-Z0-9_\-]+")
#: The file with templates for the tests that nbgrader generates from the solution's results.
AUTOTESTS = "autotests.yml"


def reasons_unready(root: Path, assignment: str) -> list[str]:
    """Return why nbgrader would not release an assignment, each reason with its remedy.

    Parameters
    ----------
    root : Path
        The course's folder.
    assignment : str

    Raises
    ------
    ReleaseError
        If a file with the suffix of a notebook is none.
    """
    folder = root / "source" / assignment
    has_templates = any((place / AUTOTESTS).is_file() for place in (folder, root))
    return [
        f"{path.name}{reason}"
        for path in sorted(folder.glob("*.ipynb"))
        for reason in _reasons_unready(
            source.read_source(path), f"source/{assignment}", has_templates
        )
    ]


def _reasons_unready(notebook: NotebookNode, folder: str, has_templates: bool) -> Iterator[str]:
    known = [(n, c) for n, c in enumerate(notebook.cells, 1) if "nbgrader" in c.metadata]
    if any(_schema(cell) < SCHEMA_VERSION for _, cell in known):
        yield f" was made with an older nbgrader: run `nbgrader update {folder}`"
        return
    places: dict[str, list[int]] = {}
    for number, cell in known:
        name = source.grade_id(cell)
        if name is None:
            continue
        places.setdefault(name, []).append(number)
        if not GRADE_ID.fullmatch(name):
            yield (
                f", cell {number} has the id '{name}', and nbgrader allows letters, digits, "
                "dashes and underscores: change it in Create Assignment"
            )
    for name, numbers in places.items():
        if len(numbers) > 1:
            listed = f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
            yield (
                f" has the id '{name}' in cells {listed}: give each an id of its own in "
                "Create Assignment"
            )
    asks = [n for n, c in enumerate(notebook.cells, 1) if c.cell_type == "code" and _asks(c)]
    if asks and not has_templates:
        yield (
            f", cell {asks[0]} asks for autotests, and there is no {AUTOTESTS}: put nbgrader's "
            "into the course's folder or the assignment's"
        )


def _schema(cell: NotebookNode) -> int:
    version = cell.metadata.nbgrader.get("schema_version", 0)
    return version if isinstance(version, int) else 0


def _asks(cell: NotebookNode) -> bool:
    return AUTOTEST.search(cell.source) is not None
