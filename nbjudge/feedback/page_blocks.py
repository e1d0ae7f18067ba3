"""The blocks of a feedback page: each cell of the notebook, and the result of each exercise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from nbformat import NotebookNode
from nbgrader.utils import is_solution, is_task

from nbjudge.basics.text import clean_characters, cut
from nbjudge.course.cells import exercise_number, is_test
from nbjudge.course.marks import Mark, NotebookMarks
from nbjudge.feedback.check_parts import PartOfCheck, parts_of_checks
from nbjudge.feedback.graded_cells import (
    Finding,
    Regions,
    findings_of,
    grade_id_of,
    is_as_released,
    marked_cells,
    without_hidden,
)
from nbjudge.feedback.mark_entries import MarkEntry
from nbjudge.pages.frame import points
from nbjudge.pages.rich_outputs import MOST_CELLS, Output, code, outputs
from nbjudge.pages.safe_html import Cleaner

__all__ = ["Block", "ExerciseResult", "Story"]

NOTHING = Markup("")


@dataclass(frozen=True)
class ExerciseResult:
    """The full result of one exercise, shown below its cell.

    Parameters
    ----------
    entry : MarkEntry
    level : int
        The level of its heading.
    held : tuple of (str, PartOfCheck or None)
        The checks that passed, each with its part if points of the exercise were lost.
    printed : str
        What else the test printed.
    reasons : tuple of str
        Why points were lost, in full: one text for each check that failed.
    sentence : str
        Advice for the known mistake that the answer behaves like; empty if none is known.
    remarks : tuple of str
        Further sentences about the mark.
    comment : Markup
        A person's comment.
    check : Markup
        The visible part of the test.
    """

    entry: MarkEntry
    level: int
    held: tuple[tuple[str, PartOfCheck | None], ...] = ()
    printed: str = ""
    reasons: tuple[str, ...] = ()
    sentence: str = ""
    remarks: tuple[str, ...] = ()
    comment: Markup = NOTHING
    check: Markup = NOTHING


@dataclass(frozen=True)
class Block:
    """A block of the page: a cell of the notebook, or a result."""

    kind: str
    label: str = ""
    body: Markup = NOTHING
    outputs: tuple[Output, ...] = ()
    comment: Markup = NOTHING
    result: ExerciseResult | None = None


class Story:
    """Turns a graded notebook into blocks of its page, from top to bottom."""

    def __init__(
        self,
        notebook: NotebookNode,
        marks: NotebookMarks,
        rows: Sequence[MarkEntry],
        regions: Regions,
    ) -> None:
        self._cells = notebook.cells
        self._marks = marks
        self._regions = regions
        self._findings = findings_of(notebook)
        marked = (grade_id_of(cell) for cell in marked_cells(notebook.cells))
        names = [name for name in marked if name in marks.cells]
        self._rows = dict(zip(names, rows, strict=False))
        self._cleaner = Cleaner()
        self._number = 0
        # If an exercise has a result, comments on its answer are shown there.
        self._results = {exercise_number(name) for name in names}

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of the page below the table of marks."""
        for cell in self._cells[:MOST_CELLS]:
            yield from self._of(cell)
        if (more := len(self._cells) - MOST_CELLS) > 0:
            yield Block("note", body=Markup("<p>{} more cells are left out.</p>").format(more))

    def _of(self, cell: NotebookNode) -> Iterator[Block]:
        name = grade_id_of(cell)
        if cell.cell_type == "code" and is_test(cell):
            yield self._result(cell)
            return
        answer = bool(name) and (is_solution(cell) or is_task(cell))
        number = clean_characters(exercise_number(name))
        label = f"Your answer to {number}" if answer else ""
        source = str(cell.source)
        if name and not is_solution(cell):
            source = without_hidden(source, self._regions)
        is_alone = exercise_number(name) not in self._results
        comment = self._comment(name) if answer and is_alone else NOTHING
        if cell.cell_type == "code":
            self._number += 1
            what = f"code cell {self._number}" + (f", your answer to {number}" if answer else "")
            shown = tuple(outputs(cell.get("outputs", ()), self._cleaner, what))
            body = Markup('<pre role="group" tabindex="0" aria-label="{}"><code>{}</code></pre>')
            body = body.format(what.capitalize(), code(source, self._cleaner))
            if source.strip() or shown or answer:
                yield Block("answer" if answer else "code", label, body, shown, comment)
        elif source.strip() or answer:
            yield self._prose(cell, source, label, comment)
        if name in self._rows:
            yield self._result(cell)

    def _prose(self, cell: NotebookNode, source: str, label: str, comment: Markup) -> Block:
        kind = "answer" if label else "text"
        what = label or "Text"
        if cell.cell_type == "raw":
            return Block(kind, label, self._cleaner.text(source, what), comment=comment)
        html = self._cleaner.markdown(source, cell.get("attachments"), what)
        if not source.strip() or (label and is_as_released(cell)):
            html = Markup('<p class="note">Nothing was written here.</p>')
        return Block(kind, label, Markup('<div class="prose">{}</div>').format(html), (), comment)

    def _result(self, cell: NotebookNode) -> Block:
        name = grade_id_of(cell)
        source = without_hidden(str(cell.source), self._regions)
        entry = self._rows.get(name)
        check = code(source, self._cleaner) if is_test(cell) and source.strip() else NOTHING
        if entry is None:  # not in the gradebook: a check without points
            return Block("check", "A check", check)
        mark = self._marks.cells[name]
        finding = self._findings.get(name, Finding())
        tells = bool(finding.reason) and not finding.fault
        printed = clean_characters(finding.printed).split("\n")
        parts = parts_of_checks(str(cell.source)) if mark.points < mark.max_points else {}
        checks = (line.removeprefix("✓").strip() for line in printed if line.startswith("✓"))
        said = "\n".join(line for line in printed if not line.startswith("✓")).strip("\n")
        reasons = re.split(r"^✗", clean_characters(finding.reason), flags=re.MULTILINE)
        level = min(self._cleaner.level + 1, 6)
        return Block(
            "result",
            result=ExerciseResult(
                entry=entry,
                level=level,
                held=tuple((check, parts.get(check)) for check in checks),
                printed=cut(said, 4000) if said.strip() else "",
                reasons=tuple(text.strip() for text in reasons if text.strip() and tells),
                sentence=clean_characters(finding.sentence) if tells else "",
                remarks=tuple(_remarks(mark, finding)),
                comment=self._comments(name),
                check=check,
            ),
        )

    def _comments(self, name: str) -> Markup:
        """Return all comments on an exercise, whether on its test or on its answer."""
        exercise = exercise_number(name)
        names = [n for n in self._marks.comments if exercise_number(n) == exercise]
        return Markup("").join(map(self._comment, sorted(names)))

    def _comment(self, name: str) -> Markup:
        if not (said := self._marks.comments.get(name, "")):
            return NOTHING
        # Headings in a comment must rank below those of the page.
        return Cleaner(level=5, top=6).markdown(said, what="Comment")


def _remarks(mark: Mark, finding: Finding) -> Iterator[str]:
    if finding.fault:
        yield "The course's test did not work here, which is not your fault. A person marks it."
    if mark.again:
        yield "Your answer has changed since a person marked it, who will look at it again."
    if mark.manual is not None and finding != Finding():
        yield "A person set this mark, not the test."
    if mark.extra:
        yield f"{points(mark.extra)} of these points are extra credit."
