"""Make the formgrader's page of a submission safe for the grader who opens it.

nbgrader's formgrader shows a submission, as nbconvert renders it, in the grader's own session, with
all the grader's rights. A script in a written answer would run there, and could give itself marks.
So `hooks.configure` gives nbconvert's exporter the preprocessor `Shield`, the filter `markdown`,
and the template `graders` with a Content-Security-Policy against anything that they miss. Outputs
are rendered by the same code as on feedback pages.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import nbgrader
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode, from_dict
from nbformat.corpus.words import generate_corpus_id
from nbgrader.preprocessors import ClearMarkScheme
from nbgrader.utils import is_solution

from nbjudge.pages.frame import light_tokens
from nbjudge.pages.rich_outputs import MOST_CELLS, outputs
from nbjudge.pages.safe_html import Cleaner

__all__ = ["Shield", "markdown", "policy"]

#: The key of the resources by which the preprocessor passes the page's cleaner to the template.
CLEANER = "cleaner"
#: Resources that nbgrader's template inserts unescaped. A student's id is the name of a folder.
IDENTIFYING = ("student", "first_name", "last_name", "notebook_path")
#: The metadata of a cell that the template uses.
CELL_KINDS = ("grade", "solution", "task", "locked")

Resources = dict[str, Any]


class Shield(Preprocessor):
    """Rebuild the notebook for the formgrader's page, without active content."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return a harmless notebook, and the resources with additions for the template."""
        cleaner = Cleaner(level=0, top=1)
        cells = [self._harmless(cell, cleaner) for cell in nb.cells[:MOST_CELLS]]
        if (more := len(nb.cells) - MOST_CELLS) > 0:
            cells.append(_new_cell("markdown", f"{more} more cells are left out."))
        resources.update(
            {name: escape(resources[name]) for name in IDENTIFYING if resources.get(name)}
        )
        resources.update({CLEANER: cleaner, "policy": policy(), "tokens": light_tokens()})
        harmless = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return from_dict(harmless), resources  # type: ignore[no-untyped-call]

    def _harmless(self, cell: NotebookNode, cleaner: Cleaner) -> dict[str, Any]:
        source, metadata = str(cell.source), _own_metadata(cell)
        if cell.cell_type == "code":
            found = outputs(cell.get("outputs", ()), cleaner, "the cell above")
            shown = [
                {
                    "output_type": "display_data",
                    "data": {"text/html": str(one.body)},
                    "metadata": {},
                }
                for one in found
            ]
            return _new_cell("code", source, metadata, outputs=shown, execution_count=None)
        if cell.cell_type == "raw":
            source = re.sub("^", "    ", source, flags=re.MULTILINE)
        elif metadata and not is_solution(cell):
            source = self._scheme_told(source)
        if attachments := cell.get("attachments"):
            return _new_cell("markdown", source, metadata, attachments=attachments)
        return _new_cell("markdown", source, metadata)

    def _scheme_told(self, source: str) -> str:
        """Turn the mark scheme in a question into a quotation; its delimiters would be headings."""
        delimiters = ClearMarkScheme(config=self.config)
        begin = delimiters.begin_mark_scheme_delimeter
        end = delimiters.end_mark_scheme_delimeter
        told, inside = [], False
        for line in source.split("\n"):
            if begin in line:
                inside = True
                told += ["", "> **Mark scheme**", ">"]
            elif end in line:
                inside = False
                told.append("")
            else:
                told.append(f"> {line}" if inside else line)
        return "\n".join(told)


def _new_cell(
    kind: str, source: str, metadata: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "cell_type": kind,
        "id": generate_corpus_id(),  # type: ignore[no-untyped-call]
        "metadata": metadata or {},
        "source": source,
        **more,
    }


def _own_metadata(cell: NotebookNode) -> dict[str, Any]:
    given = cell.metadata.get("nbgrader")
    if not isinstance(given, dict) or not isinstance(given.get("grade_id"), str):
        return {}
    own: dict[str, Any] = {kind: bool(given.get(kind)) for kind in CELL_KINDS}
    own["grade_id"] = str(escape(given["grade_id"]))
    points = given.get("points")
    own["points"] = points if isinstance(points, int | float) else 0
    return {"nbgrader": own}


@pass_context
def markdown(context: Context, source: str) -> Markup:
    """Return Markdown as harmless HTML: the template's filter `markdown2html`.

    Parameters
    ----------
    context : Context
        The template's context, with the current cell.
    source : str
    """
    cleaner = context.get("resources", {}).get(CLEANER) or Cleaner(level=0, top=1)
    cell = context.get("cell") or {}
    html: Markup = cleaner.markdown(source, cell.get("attachments"), "Text of the cell")
    return html


@cache
def policy() -> str:
    """Return the Content-Security-Policy of the page.

    It comes after nbgrader's own scripts, and forbids all later scripts except the few that
    nbgrader's template itself contains, which it allows by their hashes.
    """
    template = (
        Path(nbgrader.__file__)
        .with_name("server_extensions")
        .joinpath("formgrader", "templates", "formgrade", "formgrade_macros.html.j2")
    )
    text = template.read_text(encoding="utf-8")
    pieces = re.findall(r"<script[^>]*>(.+?)</script>|\bonclick=\"([^\"]*)\"", text, re.DOTALL)
    hashes = sorted({_hash_of(piece) for found in pieces for piece in found if piece})
    rules = {
        "default-src": "'none'",
        "script-src": f"'unsafe-hashes' {' '.join(hashes)}",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "style-src": "'self' 'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{what} {whence}" for what, whence in rules.items())


def _hash_of(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
