"""The course's own part of an assignment, as grading needs it: plain data, without a gradebook."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from nbgrader.nbgraderformat import SCHEMA_VERSION

__all__ = ["CourseCell", "NotebookVersion", "exercise_number"]


@dataclass(frozen=True)
class CourseCell:
    """A cell that the course owns: its id, its metadata, and its text in the master copy."""

    grade_id: str
    cell_type: str
    source: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float
    #: Of the released text, as nbgrader computes it: who has not changed that has not answered.
    checksum: str | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """Nbgrader's metadata of the cell, as a release has it."""
        metadata: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "grade_id": self.grade_id,
            "cell_type": self.cell_type,
            "locked": self.locked,
            "grade": self.grade,
            "solution": self.solution,
            "task": self.task,
        }
        if self.grade or self.task:
            metadata["points"] = self.points
        if self.checksum:
            metadata["checksum"] = self.checksum
        return metadata


@dataclass(frozen=True)
class NotebookVersion:
    """What the course has of one notebook, in one version of an assignment.

    Parameters
    ----------
    name : str
        The notebook's, without a suffix.
    cells : tuple of CourseCell
        The cells that the course owns, in its order, hidden tests included.
    display : frozenset of str
        The text of cells that only show something, which no test needs.
    given : frozenset of (str, str)
        The kind and the text of the cells that the course does not own once they are released. They
        tell a student's text from the course's; no mark depends on them, nor does `digest`.
    """

    name: str
    cells: tuple[CourseCell, ...]
    display: frozenset[str] = frozenset()
    given: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def digest(self) -> str:
        """A text that is another for any other version."""
        content = [self.name, [asdict(cell) for cell in self.cells], sorted(self.display)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def exercise_number(grade_id: str) -> str:
    """Return the number that students see; an id of another form is its own number.

    >>> exercise_number("test_ex_1_4_3a")
    '1.4.3a'
    """
    exercise = grade_id.removeprefix("test_")
    if not exercise.startswith("ex_"):
        return grade_id
    return exercise.removeprefix("ex_").replace("_", ".")
