"""Read a graded notebook: its marked cells, their visible text, and the judge's verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum, is_grade, is_solution, is_task

from nbjudge.judge.notebooks import RECORD

__all__ = [
    "Finding",
    "Regions",
    "findings_of",
    "grade_id_of",
    "is_as_released",
    "marked_cells",
    "without_hidden",
]

#: The delimiters at the beginning and end of hidden regions in the course's cells.
Regions = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Finding:
    """The judge's verdict on one test, read back from a graded notebook."""

    reason: str = ""
    sentence: str = ""
    printed: str = ""
    fault: bool = False

    @classmethod
    def of(cls, record: object) -> Finding:
        """Read an entry of the judge's record; anything malformed counts as empty."""
        if not isinstance(record, Mapping):
            return cls()
        reason, sentence, printed = (
            value if isinstance(value := record.get(part), str) else ""
            for part in ("reason", "sentence", "printed")
        )
        return cls(reason, sentence, printed, bool(record.get("fault")))


def findings_of(notebook: NotebookNode | None) -> dict[str, Finding]:
    """Return the judge's verdict on each test, by grade_id."""
    record = notebook.metadata.get(RECORD) if notebook is not None else None
    verdicts = record.get("verdicts") if isinstance(record, Mapping) else None
    if not isinstance(verdicts, Mapping):
        return {}
    return {name: Finding.of(verdict) for name, verdict in verdicts.items()}


def marked_cells(cells: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Return the cells that have marks: tests, graded answers and tasks."""
    return [cell for cell in cells if grade_id_of(cell) and (is_grade(cell) or is_task(cell))]


def grade_id_of(cell: NotebookNode) -> str:
    """Return the grade_id of a cell; empty if it has none."""
    found = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    return found if isinstance(found, str) else ""


def is_as_released(cell: NotebookNode) -> bool:
    """Return whether an answer cell is still as it was released."""
    released = cell.metadata.get("nbgrader", {}).get("checksum")
    return is_solution(cell) and released is not None and released == compute_checksum(cell)


def without_hidden(source: str, regions: Regions) -> str:
    """Return the text of a course's cell without its hidden regions.

    A region that does not end hides everything after it.
    """
    kept, hidden_until = [], ""
    for line in source.split("\n"):
        if hidden_until:
            if hidden_until in line:
                hidden_until = ""
            continue
        hidden_until = next((end for begin, end in regions if begin in line), "")
        if not hidden_until:
            kept.append(line)
    return "\n".join(kept).strip("\n")
