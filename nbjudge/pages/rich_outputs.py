"""Turn the outputs of a student's cells into safe HTML: text, tables, pictures, errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from nbjudge.basics.text import as_terminal_shows, clean_characters, cut
from nbjudge.judge.failures import NOT_RUN
from nbjudge.pages.mathematics import formula
from nbjudge.pages.safe_html import Cleaner

__all__ = ["MOST_CELLS", "Output", "code", "outputs"]

#: The most cells of a notebook that a page shows.
MOST_CELLS = 1000
#: The most outputs of a cell, characters of an output and of a cell's code, lines of a traceback.
MOST_OUTPUTS = 30
MOST_TEXT = 20_000
MOST_CODE = 20_000
MOST_TRACEBACK = 14
#: The most characters of code whose highlighting is cached for other pages.
MOST_REMEMBERED = 10_000

FORMATTER = HtmlFormatter(nowrap=True, classprefix="k-")
PICTURES = ("image/png", "image/jpeg", "image/gif")
UNSHOWN = {
    "application/vnd.jupyter.widget-view+json": "There is an interactive widget here: open your "
    "notebook to use it.",
    "image/svg+xml": "There is a drawing (SVG) here: open your notebook to see it.",
    "application/pdf": "There is a PDF here: open your notebook to see it.",
    "application/javascript": "This cell wanted to run a script in the page. Pages of feedback "
    "run none.",
}


@dataclass(frozen=True)
class Output:
    """One output of a cell: a label, which may be empty, and its HTML."""

    label: str
    body: Markup


def code(source: str, cleaner: Cleaner) -> Markup:
    """Return Python code as highlighted HTML."""
    whole = clean_characters(source)
    shown = cleaner.cut(whole, MOST_CODE)
    if shown != whole:
        return escape(shown)
    return _highlight(shown) if len(shown) <= MOST_REMEMBERED else _highlight.__wrapped__(shown)


@lru_cache(maxsize=512)
def _highlight(source: str) -> Markup:
    # Cached, since most cells are the same for the whole class.
    return Markup(highlight(source, PythonLexer(stripnl=False), FORMATTER).removesuffix("\n"))


def outputs(found: Iterable[Mapping[str, Any]], cleaner: Cleaner, what: str) -> list[Output]:
    """Return the outputs of a cell for a page.

    Parameters
    ----------
    found : iterable of mapping
        The outputs in the notebook.
    cleaner : Cleaner
        The page's cleaner.
    what : str
        A name for the cell, for screen readers.
    """
    shown = []
    for number, output in enumerate(_join_streams(found)):
        if number == MOST_OUTPUTS:
            shown.append(Output("", Markup("<p class='note'>Its other outputs are left out.</p>")))
            break
        shown.append(_output(output, cleaner, what))
    return [output for output in shown if output.body]


def _join_streams(found: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Join consecutive pieces of the same output stream."""
    last: dict[str, Any] | None = None
    for output in found:
        if output.get("output_type") == "stream":
            if last is not None and last.get("name") == output.get("name"):
                last["text"] = _joined_text(last.get("text")) + _joined_text(output.get("text"))
                continue
            if last is not None:
                yield last
            last = dict(output)
            continue
        if last is not None:
            yield last
            last = None
        yield output
    if last is not None:
        yield last


def _output(output: Mapping[str, Any], cleaner: Cleaner, what: str) -> Output:
    kind = output.get("output_type")
    if kind == "stream":
        said = as_terminal_shows(_joined_text(output.get("text"))).strip("\n")
        label = "Warnings and messages" if output.get("name") == "stderr" else ""
        return Output(label, _plain_text(said, cleaner, f"{label or 'Output'} of {what}"))
    if kind == "error":
        return Output("It stopped with an error", _error(output, cleaner, what))
    data = output.get("data")
    if not isinstance(data, Mapping):
        return Output("", Markup(""))
    metadata = output.get("metadata")
    return Output(
        "", _show_data(data, metadata if isinstance(metadata, Mapping) else {}, cleaner, what)
    )


def _show_data(
    data: Mapping[str, Any], metadata: Mapping[str, Any], cleaner: Cleaner, what: str
) -> Markup:
    for kind in PICTURES:
        if kind in data:
            shown = cleaner.picture(_joined_text(data[kind]), _alternative(metadata, kind, what))
            return shown or _note_html("There is a picture here that cannot be shown on this page.")
    if (view := "application/vnd.jupyter.widget-view+json") in data:
        return _note_html(UNSHOWN[view])
    if "text/html" in data:
        html = cleaner.html(_joined_text(data["text/html"]))
        if html is not None and html.strip():
            return Markup('<div class="prose">{}</div>').format(html)
    if "text/markdown" in data:
        prose = cleaner.markdown(_joined_text(data["text/markdown"]), what=f"Output of {what}")
        return Markup('<div class="prose">{}</div>').format(prose)
    if "text/latex" in data:
        return _latex(_joined_text(data["text/latex"]), cleaner, what)
    if "text/plain" in data:
        said = as_terminal_shows(_joined_text(data["text/plain"])).strip("\n")
        if said == NOT_RUN:
            return _note_html(NOT_RUN)
        return _plain_text(said, cleaner, f"Output of {what}")
    if "application/json" in data:
        said = json.dumps(data["application/json"], indent=1, ensure_ascii=False)
        return _plain_text(said, cleaner, f"Output of {what}")
    known = next((told for kind, told in UNSHOWN.items() if kind in data), None)
    return _note_html(known or "There is something here that cannot be shown on this page.")


def _alternative(metadata: Mapping[str, Any], kind: str, what: str) -> str:
    """Return a picture's text alternative: the code's own, if it gave one."""
    own = metadata.get(kind)
    for given in (own if isinstance(own, Mapping) else {}, metadata):
        if isinstance(alt := given.get("alt"), str) and alt.strip():
            return alt.strip()[:500]
    return f"Figure drawn by {what}"


def _latex(source: str, cleaner: Cleaner, what: str) -> Markup:
    stripped = source.strip()
    for mark in ("$$", "$"):
        inner = stripped.removeprefix(mark).removesuffix(mark)
        if stripped != inner and "$" not in inner:
            return Markup(
                '<div class="formula" role="group" tabindex="0" aria-label="Formula">{}</div>'
            ).format(formula(inner.removeprefix(r"\displaystyle"), display=True))
    return Markup('<div class="prose">{}</div>').format(
        cleaner.markdown(source, what=f"Output of {what}")
    )


def _error(output: Mapping[str, Any], cleaner: Cleaner, what: str) -> Markup:
    name, said = (as_terminal_shows(_joined_text(output.get(part))) for part in ("ename", "evalue"))
    lines = _joined_text(output.get("traceback"), "\n")
    # The last lines of a traceback matter most, so its end is kept.
    trace = as_terminal_shows(lines).strip("\n").split("\n")
    head = Markup('<p class="error"><strong>{}</strong>{}</p>').format(
        cut(name, 200), Markup(": {}").format(cut(said, 1000)) if said.strip() else ""
    )
    if len(trace) <= 1:
        return head
    if len(trace) > MOST_TRACEBACK:
        trace = ["…", *trace[-MOST_TRACEBACK:]]
    shown = cut("\n".join(trace), 4000, keep_end=True)
    return head + _plain_text(shown, cleaner, f"Where the error of {what} came up")


def _plain_text(text: str, cleaner: Cleaner, what: str) -> Markup:
    return cleaner.text(text, what, MOST_TEXT) if text.strip() else Markup("")


def _note_html(told: str) -> Markup:
    return Markup('<p class="note">{}</p>').format(told)


def _joined_text(value: object, between: str = "") -> str:
    """Return a text that a notebook may store as a list of lines."""
    if isinstance(value, list):
        return between.join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
