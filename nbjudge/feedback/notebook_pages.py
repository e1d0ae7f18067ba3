"""The feedback pages of a submission: one for each notebook, and an overview of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import quote

from nbformat import NotebookNode

from nbjudge.course.marks import SubmissionMarks
from nbjudge.feedback.graded_cells import Regions
from nbjudge.feedback.mark_entries import NO_TITLES, Titles, entries
from nbjudge.feedback.page_blocks import Story
from nbjudge.pages.frame import pages_of

__all__ = ["OVERVIEW", "notebook_page", "overview_page"]

#: The file name of the overview page.
OVERVIEW = "index.html"


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
        blocks=list(Story(notebook, own, rows, regions).blocks()),
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
