"""The nbconvert exporter that turns a graded notebook into its feedback page.

nbgrader's `generate_feedback` uses it because `nbgrader_config.py` names it, and `course feedback`
calls that same command. Marks come from the gradebook, reasons from the judge's record in the
graded notebook. Everything else in the notebook is a student's, and is cleaned by
`pages.safe_html` and `pages.rich_outputs`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme
from traitlets import default

from nbjudge.course.course import Course
from nbjudge.course.folders import read_notebook
from nbjudge.course.gradebook import released_titles, submission_marks
from nbjudge.exceptions import CourseError
from nbjudge.feedback.graded_cells import Regions
from nbjudge.feedback.notebook_pages import OVERVIEW, notebook_page, overview_page
from nbjudge.judge.notebooks import RECORD
from nbjudge.mistakes.known_behaviours import NamedMistakes, named_mistakes

__all__ = ["FeedbackExporter"]


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
