"""The feedback page of a notebook, and the overview page of an assignment with several notebooks.

`FeedbackExporter` is an nbconvert exporter. nbgrader's `generate_feedback` uses it because
`nbgrader_config.py` names it, and `course feedback` calls that same command. Marks come from the
gradebook, reasons from the judge's record in the graded notebook. Everything else in the notebook
is a student's, and is cleaned by `pages.safe_html` and `pages.rich_outputs`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme
from nbgrader.utils import compute_checksum, is_grade, is_solution, is_task
from traitlets import default

from nbjudge.basics.text import clean_characters, cut
from nbjudge.course.cells import exercise_label, exercise_number, is_test
from nbjudge.course.course import Course
from nbjudge.course.folders import read_notebook
from nbjudge.course.gradebook import released_titles, submission_marks
from nbjudge.course.marks import Mark, NotebookMarks, SubmissionMarks, kind_of_mark
from nbjudge.exceptions import CourseError
from nbjudge.feedback.check_parts import PartOfCheck, parts_of_checks
from nbjudge.judge.notebooks import RECORD
from nbjudge.mistakes.known_behaviours import NamedMistakes, named_mistakes
from nbjudge.pages.frame import pages_of, points
from nbjudge.pages.rich_outputs import MOST_CELLS, Output, code, outputs
from nbjudge.pages.safe_html import Cleaner

__all__ = [
    "OVERVIEW",
    "FeedbackExporter",
    "MarkEntry",
    "Regions",
    "anchor_of",
    "entries",
    "notebook_page",
    "overview_page",
]

#: The file name of the overview page.
OVERVIEW = "index.html"
#: The most characters of a reason in the table.
MOST_OF_SUMMARY = 140

NOTHING = Markup("")
#: The titles of exercises, by number.
Titles = Mapping[str, str]
NO_TITLES: Titles = MappingProxyType({})

#: The delimiters at the beginning and end of hidden regions in the course's cells.
Regions = Sequence[tuple[str, str]]


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


# ---- The content of a page -----------------------------------------------------------------------


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
    cells = _marked_cells(notebook.cells) if notebook is not None else []
    findings = _findings(notebook)
    order = [name for cell in cells if (name := _grade_id_of(cell)) in marks.cells]
    order += [mark.grade_id for mark in marks.marks if mark.grade_id not in order]
    unanswered = {_grade_id_of(cell) for cell in cells if _is_as_released(cell)}
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


def _findings(notebook: NotebookNode | None) -> dict[str, Finding]:
    record = notebook.metadata.get(RECORD) if notebook is not None else None
    verdicts = record.get("verdicts") if isinstance(record, Mapping) else None
    if not isinstance(verdicts, Mapping):
        return {}
    return {name: Finding.of(verdict) for name, verdict in verdicts.items()}


def _marked_cells(cells: Iterable[NotebookNode]) -> list[NotebookNode]:
    return [cell for cell in cells if _grade_id_of(cell) and (is_grade(cell) or is_task(cell))]


def _grade_id_of(cell: NotebookNode) -> str:
    found = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    return found if isinstance(found, str) else ""


def _is_as_released(cell: NotebookNode) -> bool:
    released = cell.metadata.get("nbgrader", {}).get("checksum")
    return is_solution(cell) and released is not None and released == compute_checksum(cell)


def _without(source: str, regions: Regions) -> str:
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


class _Story:
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
        self._findings = _findings(notebook)
        marked = (_grade_id_of(cell) for cell in _marked_cells(notebook.cells))
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
        name = _grade_id_of(cell)
        if cell.cell_type == "code" and is_test(cell):
            yield self._result(cell)
            return
        answer = bool(name) and (is_solution(cell) or is_task(cell))
        number = clean_characters(exercise_number(name))
        label = f"Your answer to {number}" if answer else ""
        source = str(cell.source)
        if name and not is_solution(cell):
            source = _without(source, self._regions)
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
        if not source.strip() or (label and _is_as_released(cell)):
            html = Markup('<p class="note">Nothing was written here.</p>')
        return Block(kind, label, Markup('<div class="prose">{}</div>').format(html), (), comment)

    def _result(self, cell: NotebookNode) -> Block:
        name = _grade_id_of(cell)
        source = _without(str(cell.source), self._regions)
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


# ---- The pages -----------------------------------------------------------------------------------


def _file_name(notebook: str) -> str:
    return quote(f"{notebook}.html", errors="replace")


def notebook_page(
    notebook: NotebookNode,
    name: str,
    marks: SubmissionMarks,
    *,
    regions: Regions = (),
    others: Iterable[str] = (),
    titles: Titles = NO_TITLES,
) -> str:
    """Return the feedback page of a graded notebook.

    Parameters
    ----------
    notebook : NotebookNode
    name : str
        The name of the notebook.
    marks : SubmissionMarks
        The marks of the whole submission.
    regions : sequence of (str, str)
        The delimiters of hidden regions.
    others : iterable of str
        The submission's other notebooks that have a page.
    titles : mapping of str to str
        The titles of this notebook's exercises, by number.
    """
    own = marks.notebook(name)
    rows = entries(notebook, own, titles)
    return pages_of(__file__).render(
        "notebook.html.j2",
        marks=marks,
        own=own,
        rows=rows,
        blocks=list(_Story(notebook, own, rows, regions).blocks()),
        others=[(marks.notebook(other), _file_name(other)) for other in others],
    )


def overview_page(
    notebooks: Mapping[str, NotebookNode | None],
    marks: SubmissionMarks,
    titles: Mapping[str, Titles] = MappingProxyType({}),
) -> str:
    """Return the overview page of an assignment.

    Parameters
    ----------
    notebooks : mapping of str to (NotebookNode or None)
        The graded notebooks; None for one that was not handed in.
    marks : SubmissionMarks
    titles : mapping of str to mapping
        The titles of exercises, by notebook and number.
    """
    parts = []
    for own in marks.notebooks:
        notebook = notebooks.get(own.name)
        rows = entries(notebook, own, titles.get(own.name, NO_TITLES))
        parts.append((own, _file_name(own.name), notebook, rows))
    return pages_of(__file__).render("overview.html.j2", marks=marks, parts=parts)


class FeedbackExporter(Exporter):
    """Turns a graded notebook into its feedback page, for nbgrader's `generate_feedback`.

    It needs no preprocessors, since it reads the gradebook itself.
    """

    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]  # as all exporters that write a text
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page; the overview of several notebooks is among the resources' outputs."""
        notebook, resources = super().from_notebook_node(nb, resources, **kw)
        ids = resources["nbgrader"]
        with Gradebook(ids["db_url"]) as gradebook:
            marks = submission_marks(gradebook, ids["assignment"], ids["student"])
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        name = ids["notebook"]
        graded: dict[str, NotebookNode | None] = {
            other.name: notebook
            if other.name == name
            else read_notebook(folder / f"{other.name}.ipynb")
            for other in marks.notebooks
        }
        named = _named_mistakes(Path(CourseDirectory(config=self.config).root), ids["assignment"])
        for other, found in graded.items():
            if found is not None:
                named.tell(other, found.metadata.get(RECORD))
        course = Course(Path(CourseDirectory(config=self.config).root))
        titles = {other: released_titles(course, ids["assignment"], other) for other in graded}
        handed_in = [other for other, found in graded.items() if found is not None]
        page = notebook_page(
            notebook,
            name,
            marks,
            regions=self._regions(),
            others=[other for other in handed_in if other != name],
            titles=titles[name],
        )
        # nbconvert's writer puts these files beside the page. Each notebook writes the whole
        # overview again, so no extra step is needed after the last one.
        if len(graded) > 1 and Path(OVERVIEW).stem not in graded:
            overview = overview_page(graded, marks, titles).encode()
            resources["outputs"] = {**resources.get("outputs", {}), OVERVIEW: overview}
        return page, resources

    def _regions(self) -> Regions:
        tests = ClearHiddenTests(config=self.config)
        schemes = ClearMarkScheme(config=self.config)
        return (
            (tests.begin_test_delimeter, tests.end_test_delimeter),
            (schemes.begin_mark_scheme_delimeter, schemes.end_mark_scheme_delimeter),
        )


def _named_mistakes(root: Path, assignment: str) -> NamedMistakes:
    """Return the known mistakes; none, with a warning in the log, if they cannot be read."""
    try:
        return named_mistakes(Course(root), assignment)
    except CourseError as error:
        logging.getLogger(__name__).warning("No known mistake is named. %s", error)
        return NamedMistakes()
