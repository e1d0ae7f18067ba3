"""Graded notebooks for the tests of feedback: honest ones, and some whose author means harm."""

from __future__ import annotations

import base64
import struct
import zlib
from html.parser import HTMLParser
from typing import Any

import nbformat
from nbformat import NotebookNode

from nbjudge.course.marks import Mark, NotebookMarks, SubmissionMarks

#: What scripts that must not run leave behind, and where pictures that must not load lie.
TRACE = "window.harmed = (window.harmed || 0) + 1"
ELSEWHERE = "http://127.0.0.1:9/told"


def png(width: int = 8, height: int = 8) -> str:
    """Return a grey picture in Base64."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


DRAWING = _encoded(f'<svg xmlns="http://www.w3.org/2000/svg" onload="{TRACE}"/>')
SCRIPT = _encoded(f"<script>{TRACE}</script>")

#: Pieces of HTML that would run, fetch, style, cover or break something.
HOSTILE_HTML = {
    "script": f"<script>{TRACE}</script>",
    "script in capitals": f"<ScRiPt/x>{TRACE}</sCrIpT >",
    "script from elsewhere": f"<script src='{ELSEWHERE}.js'></script>",
    "script without an end": f"<script>{TRACE}",
    "onerror": f"<img src=x onerror='{TRACE}'>",
    "onerror after a slash": f"<img/src='x'/onerror={TRACE.replace(' ', '')}>",
    "onload of a drawing": f"<svg onload='{TRACE}'><circle r=9 /></svg>",
    "script in a drawing": f"<svg><script>{TRACE}</script></svg>",
    "animated address": "<svg><a><animate attributeName=href values=javascript:alert(1) />"
    "<text y=20>click</text></a></svg>",
    "ontoggle": f"<details open ontoggle='{TRACE}'><summary>more</summary></details>",
    "autofocus": f"<input autofocus onfocus='{TRACE}'>",
    "javascript address": f"<a href='javascript:{TRACE}'>my result</a>",
    "javascript address in disguise": f"<a href=' java&#x09;script:{TRACE}'>my result</a>",
    "page in an address": f"<a href='data:text/html,<script>{TRACE}</script>'>my result</a>",
    "address elsewhere": f"<a href='{ELSEWHERE}'>my result</a>",
    "picture from elsewhere": f"<img src='{ELSEWHERE}.png' srcset='{ELSEWHERE}.png 2x'>",
    "drawing as a picture": f"<img src='data:image/svg+xml;base64,{DRAWING}'>",
    "page as a picture": f"<img src='data:image/png;base64,{SCRIPT}'>",
    "style sheet": "<style>.score { display: none } "
    f"@import '{ELSEWHERE}.css'; body {{ background: url({ELSEWHERE}) }}</style>",
    "style sheet from elsewhere": f"<link rel=stylesheet href='{ELSEWHERE}.css'>",
    "cover over the page": "<div style='position:fixed;inset:0;background:white;z-index:99'>"
    "40 of 40 points</div>",
    "cover with the page's own names": "<div class='result full' id='marks'>"
    "<p class='score'>40 of 40 points</p></div>",
    "cover by margins": "<p style='margin-top:-3000px'>40 of 40</p>",
    "frame": f"<iframe src='{ELSEWHERE}' srcdoc='<script>{TRACE}</script>'></iframe>",
    "object": f"<object data='{ELSEWHERE}'></object><embed src='{ELSEWHERE}'>",
    "reload": f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'>",
    "base": f"<base href='{ELSEWHERE}/'>",
    "form": f"<form action='{ELSEWHERE}'><input name=a><button>Send</button></form>",
    "video": f"<video src='{ELSEWHERE}' poster='{ELSEWHERE}' autoplay onerror='{TRACE}'></video>",
    "forged table": "<h2>Your marks</h2><table class=marks><caption>The exercises</caption>"
    "<tr><th>1.1.1</th><td>40 / 40</td></tr></table>",
    "nested tables": "<table><tr><td>" * 40 + "x",
    "end of the page": "</div></section></main></body></html><h1>Over</h1>",
    "end of a cell": "</code></pre></div></td></tr></table></li></ul></p>",
    "unclosed tags": "<b><i><u><table><tr><td><ul><li><blockquote><h1>",
    "unclosed attribute": "<a href='",
    "unclosed comment": "<!-- ",
    "comment in a comment": f"<!--><script>{TRACE}</script>-->",
    "unclosed text": "<textarea><title><xmp><plaintext>",
    "raw text in a formula": "<math><mtext><table><mglyph><style><!--</style>"
    f"<img title='--&gt;&lt;img src=1 onerror={TRACE}&gt;'>",
    "raw text in noscript": f"<noscript><p title='</noscript><img src=x onerror={TRACE}>'>",
    "template": f"<template><img src=x onerror='{TRACE}'></template>",
    "shadow": f"<div><template shadowrootmode=open><script>{TRACE}</script></template></div>",
    "select": f"<select><style></select><img src=x onerror='{TRACE}'></style>",
    "tower": "<div>" * 900 + "high",
    "tower of formats": "".join(f"<b title={n}>" for n in range(300)) + "<p>" * 500,
    "private characters": "&#xE000;1&#xE001; \ue0001\ue001 &#57344;2&#57345;",
    "reordering": "abc\u202edef &#x202e;ghi &#8238;jkl \u2066mno",
    "wide": "<pre>" + "w" * 3000 + "</pre>" + "w" * 3000,
    "tall letters": "Z" + "\u0310\u0311\u0312" * 300,
}

HOSTILE_MARKDOWN = {
    "link": f"[my result](javascript:{TRACE.replace(' ', '')})",
    "link with a title": f'[a]({ELSEWHERE} "\\" onmouseover={TRACE}")',
    "automatic link": f"<javascript:{TRACE}> <{ELSEWHERE}> {ELSEWHERE}",
    "picture": f"![x]({ELSEWHERE}.png)",
    "picture's words": f'![" onerror="{TRACE}](x)  ![$x" onerror="{TRACE}$](x)',
    "picture beside": "![a](file:///etc/passwd) ![b](../secret.png) ![c](attachment:none.png)",
    "formula with a link": rf"$\href{{javascript:{TRACE}}}{{x}}$ $\href{{{ELSEWHERE}}}{{x}}$",
    "formula with a tag": rf"$\text{{<script>{TRACE}</script>}}$ $\unicode{{<img src=x>}}$",
    "formula with a style": r"$\style{position:fixed;inset:0;background:red}{x}$ $\color{red}x$",
    "formula with a space": r"$\hspace{9999em} \kern9999em \rule{99em}{99em} x$",
    "formula that is none": r"$\frac{$ and $$\begin{matrix}$$ and $x_x_x$ \begin{align}",
    "tower of formulas": "$" + "{" * 900 + "$ and $" + r"\sqrt" * 900 + "$",
    "tower of quotes": ">" * 3000 + " x",
    "tower of lists": "\n".join(" " * 2 * n + "- a" for n in range(150)),
    "brackets": "[" * 5000 + "]" * 5000,
    "fence without an end": "```html\n<script>alert(1)</script>",
    "headings": "# One\n\n##### Five\n\n# One\n\nSetext\n===\n",
    "table": "| a | b |\n|---|---|\n| <script> | </table></div> |",
    "entities": "&lt;script&gt;&#60;script&#62; &amp;lt;img&amp;gt;",
    "definition": f"[a]: {ELSEWHERE}\n\n[a] and [a][a]",
}


def _data(kind: str, content: object, **metadata: Any) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "data": {kind: content},
        "metadata": metadata,
    }


#: Outputs of every type, with something in each that must not come through.
HOSTILE_OUTPUTS = {
    "text/plain": _data("text/plain", f"<script>{TRACE}</script>\x1b]0;title\x07\u202e"),
    "text/html": _data("text/html", "".join(HOSTILE_HTML[n] for n in ("onerror", "frame"))),
    "text/html, much": _data("text/html", "<p>x" * 200_000),
    "text/markdown": _data("text/markdown", HOSTILE_HTML["script"] + "\n\n# Heading"),
    "text/latex": _data("text/latex", rf"$\displaystyle \href{{javascript:{TRACE}}}{{x}}$"),
    "text/latex, prose": _data("text/latex", f"<script>{TRACE}</script> $x$"),
    "image/svg+xml": _data("image/svg+xml", HOSTILE_HTML["onload of a drawing"]),
    "image/png": _data("image/png", f"' onerror='{TRACE}"),
    "image/png, a page": _data("image/png", _encoded(f"<script>{TRACE}</script>")),
    "image/png, its words": _data(
        "image/png", png(), **{"image/png": {"alt": f'"><script>{TRACE}</script>'}}
    ),
    "image/jpeg": _data("image/jpeg", _encoded("GIF89a")),
    "application/javascript": _data("application/javascript", TRACE),
    "application/json": _data("application/json", {"<script>": TRACE}),
    "application/pdf": _data("application/pdf", _encoded("%PDF-1.7")),
    "text/vnd.unknown": _data("text/vnd.unknown", f"<script>{TRACE}</script>"),
    "widget": _data(
        "application/vnd.jupyter.widget-view+json",
        {"model_id": f"<script>{TRACE}</script>", "version_major": 2},
    ),
    "stdout": {"output_type": "stream", "name": "stdout", "text": f"<script>{TRACE}</script>\r\n"},
    "stderr": {"output_type": "stream", "name": "stderr", "text": "\x1b[31m<b>\x1b[0m" * 20_000},
    "error": {
        "output_type": "error",
        "ename": f"<script>{TRACE}</script>",
        "evalue": f"<img src=x onerror={TRACE}>",
        "traceback": [f"\x1b[0;31m<script>{TRACE}</script>\x1b[0m"] * 200,
    },
}


def code(source: str, *found: dict[str, Any], **nbgrader: Any) -> NotebookNode:
    """Return a code cell as it was graded."""
    cell = nbformat.v4.new_code_cell(source, outputs=[nbformat.from_dict(o) for o in found])
    return _owned(cell, nbgrader)


def prose(source: str, attachments: dict[str, Any] | None = None, **nbgrader: Any) -> NotebookNode:
    """Return a text cell."""
    cell = nbformat.v4.new_markdown_cell(source)
    if attachments is not None:
        cell.attachments = nbformat.from_dict(attachments)
    return _owned(cell, nbgrader)


def _owned(cell: NotebookNode, nbgrader: dict[str, Any]) -> NotebookNode:
    if nbgrader:
        kind = {"grade": False, "solution": False, "task": False, "locked": False}
        cell.metadata.nbgrader = nbformat.from_dict({**kind, **nbgrader})
    return cell


def answer(source: str, number: str, *found: dict[str, Any]) -> NotebookNode:
    """Return the cell of an answer in code."""
    return code(source, *found, grade_id=f"ex_{number}", solution=True)


def test_cell(source: str, number: str, points: float = 2) -> NotebookNode:
    """Return the cell of a test."""
    owned = {"grade_id": f"test_ex_{number}", "grade": True, "locked": True, "points": points}
    return code(source, **owned)


test_cell.__test__ = False  # type: ignore[attr-defined]


def written(source: str, number: str, points: float = 2) -> NotebookNode:
    """Return the cell of a written answer."""
    return prose(source, grade_id=f"ex_{number}", grade=True, solution=True, points=points)


def notebook(*cells: NotebookNode, **verdicts: Any) -> NotebookNode:
    """Return a graded notebook; a verdict is given by its test's grade id."""
    found = nbformat.v4.new_notebook(cells=list(cells))
    if verdicts:
        found.metadata.course = nbformat.from_dict({"remarks": [], "verdicts": verdicts})
    return found


def marks(*cells: Mark, student: str = "ada", name: str = "sums", **more: Any) -> SubmissionMarks:
    """Return the marks of a submission with one notebook."""
    own = NotebookMarks(name, {cell.grade_id: cell for cell in cells}, **more)
    return SubmissionMarks("sums", student, notebooks=(own,))


def hostile_notebook() -> tuple[NotebookNode, SubmissionMarks]:
    """Return a notebook with all that is hostile, and its marks: 2 of 6 points."""
    told = HOSTILE_HTML["script"] + HOSTILE_HTML["onerror"] + "</div></main>\u202e"
    cells = [prose("# Sums"), answer("def total(n):\n    return 0", "1_1_1")]
    cells += [
        test_cell("assert total([1]) == 1\n### BEGIN HIDDEN TESTS\nsecret\n### END HIDDEN TESTS",
                  "1_1_1"),
        answer("### BEGIN HIDDEN TESTS\n<script>\"'</script></code></pre>", "1_1_2"),
        test_cell("assert mean([1]) == 1", "1_1_2"),
    ]  # fmt: skip
    cells += [prose(html) for html in HOSTILE_HTML.values()]
    cells += [prose(f"*before*\n\n{html}\n\n*after*") for html in HOSTILE_HTML.values()]
    cells += [prose(source) for source in HOSTILE_MARKDOWN.values()]
    cells += [
        code("show()", {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}})
        for html in HOSTILE_HTML.values()
    ]
    cells += [code(f"# {name}", output) for name, output in HOSTILE_OUTPUTS.items()]
    bundle = {"image/svg+xml": HOSTILE_HTML["onload of a drawing"], "image/png": png()}
    cells.append(prose("![a picture](attachment:a.png)", {"a.png": bundle, "b.png": {"x": "y"}}))
    cells.append(nbformat.v4.new_raw_cell(told))
    cells.append(written(told, "1_1_3"))
    verdicts = {
        "test_ex_1_1_1": {"mark": 0, "reason": f"✗ {told}\n  {told}", "sentence": told},
        "test_ex_1_1_2": {"mark": 2, "printed": f"✓ {told}\n{told}"},
    }
    return notebook(*cells, **verdicts), marks(
        Mark("test_ex_1_1_1", 0, 2),
        Mark("test_ex_1_1_2", 2, 2),
        Mark("ex_1_1_3", 0, 2, waiting=True),
        student=f"<b>{told}",
        name="sums\"><script>'",
        comments={"ex_1_1_3": f"Good. {told}", "ex_1_1_1": told},
        penalty=0,
    )


class Seen(HTMLParser):
    """What a page holds: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)
