"""The rows of a notebook's table of marks: the points of each exercise, and the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from nbformat import NotebookNode

from nbjudge.basics.text import clean_characters
from nbjudge.course.cells import exercise_label, exercise_number
from nbjudge.course.marks import Mark, NotebookMarks, kind_of_mark
from nbjudge.feedback.graded_cells import (
    Finding,
    findings_of,
    grade_id_of,
    is_as_released,
    marked_cells,
)

__all__ = ["NO_TITLES", "MarkEntry", "Titles", "anchor_of", "entries"]

#: The most characters of a reason in the table.
MOST_OF_SUMMARY = 140
#: The titles of exercises, by number.
Titles = Mapping[str, str]
NO_TITLES: Titles = MappingProxyType({})


@dataclass(frozen=True)
class MarkEntry:
    """A row of the table of marks: one exercise.

    Parameters
    ----------
    exercise : str
        Its number.
    title : str
        Its title in the notebook.
    anchor : str
        The anchor of its full result on the page.
    points, max_points, extra : float
    state : str
        One of "full", "part", "none" and "waits".
    told : str
        The reason for the mark, in one line.
    """

    exercise: str
    title: str
    anchor: str
    points: float
    max_points: float
    extra: float
    state: str
    told: str

    @property
    def label(self) -> str:
        """The number and the title."""
        return exercise_label(self.exercise, self.title)


def anchor_of(grade_id: str) -> str:
    """Return the anchor of an exercise's result on a notebook's page."""
    return "mark-" + re.sub(r"[^A-Za-z0-9]+", "-", exercise_number(grade_id)).strip("-")


@dataclass
class _Anchors:
    """Gives each cell of a page a short and unique anchor, by its grade_id."""

    _taken: dict[str, str] = field(default_factory=dict)

    def __call__(self, grade_id: str) -> str:
        wanted = anchor_of(grade_id)
        anchor, number = wanted, 1
        while self._taken.setdefault(anchor, grade_id) != grade_id:
            number += 1
            anchor = f"{wanted}-{number}"
        return anchor


def entries(
    notebook: NotebookNode | None, marks: NotebookMarks, titles: Titles = NO_TITLES
) -> list[MarkEntry]:
    """Return the rows of a notebook's table of marks, in the notebook's order.

    Parameters
    ----------
    notebook : NotebookNode or None
        The graded notebook; None if none was handed in.
    marks : NotebookMarks
    titles : mapping of str to str
        The titles of exercises, by number.
    """
    anchors = _Anchors()
    cells = marked_cells(notebook.cells) if notebook is not None else []
    findings = findings_of(notebook)
    order = [name for cell in cells if (name := grade_id_of(cell)) in marks.cells]
    order += [mark.grade_id for mark in marks.marks if mark.grade_id not in order]
    unanswered = {grade_id_of(cell) for cell in cells if is_as_released(cell)}
    return [
        _entry(
            replace(marks.cells[name], title=titles.get(exercise_number(name), "")),
            anchors(name),
            findings.get(name, Finding()),
            is_missing=notebook is None,
            is_unanswered=name in unanswered,
        )
        for name in order
    ]


def _entry(
    mark: Mark, anchor: str, finding: Finding, *, is_missing: bool, is_unanswered: bool
) -> MarkEntry:
    state = "waits" if mark.is_unread else kind_of_mark(mark.points, mark.max_points)
    return MarkEntry(
        exercise=clean_characters(mark.exercise),
        title=mark.title,
        anchor=anchor,
        points=mark.points,
        max_points=mark.max_points,
        extra=mark.extra,
        state=state,
        told=_text_of_mark(
            mark, state, finding, is_missing=is_missing, is_unanswered=is_unanswered
        ),
    )


def _text_of_mark(
    mark: Mark, state: str, finding: Finding, *, is_missing: bool, is_unanswered: bool
) -> str:
    if state == "waits":
        return "Waits for a person."
    if mark.manual is not None:
        return "All right, says who marked it." if state == "full" else "A person marked it."
    if state == "full":
        return "All right."
    if is_missing:
        return "There was no notebook to mark."
    if is_unanswered:
        return "Not answered."
    if finding.sentence:
        return _first_line(finding.sentence)
    if finding.reason:
        return _first_line(finding.reason)
    return "Not all checks held."


def _first_line(reason: str) -> str:
    first = clean_characters(reason).strip().partition("\n")[0].removeprefix("✗").strip()
    if len(first) > MOST_OF_SUMMARY:
        first = first[: MOST_OF_SUMMARY - 1].rsplit(" ", 1)[0] + " …"
    return first
