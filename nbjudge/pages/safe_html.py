"""Make HTML, Markdown and pictures from a notebook safe for a page.

Their author may want the page to lie, to run a script, or to report where it is read. So Bleach
keeps only allowed tags, and its result is parsed and written again, tag by tag, without any
attribute that styles, names or links anything. The page's content security policy blocks whatever
might slip through both.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import bleach  # type: ignore[import-untyped]
from markupsafe import Markup, escape
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from nbjudge.basics.text import clean_characters, cut
from nbjudge.pages.mathematics import formula

__all__ = ["Cleaner", "picture"]

# All of the following are upper bounds, because parsers are slow for some malicious texts.
#: Characters of one piece of Markdown; and of all Markdown and HTML on a page, without pictures.
MOST_CHARACTERS = 30_000
MOST_IN_PAGE = 800_000
#: Characters of plain text and code on a page.
MOST_TEXT_IN_PAGE = 2_000_000
#: Characters of one piece of HTML, without pictures.
MOST_OF_HTML = 120_000
#: Start tags in one piece of HTML, and on a page.
MOST_TAGS_AT_ONCE = 5000
MOST_TAGS = 30_000
#: Nesting depth of tags.
MOST_DEPTH = 200
#: Characters of a piece whose result is cached for other pages.
MOST_NOTED = 30_000
#: Beginnings of formulas in one piece of Markdown; the parser searches for an end from each.
MOST_FORMULAS = 500
#: Base64 characters of one picture, and of all pictures on a page.
MOST_OF_PICTURE = 8_000_000
MOST_OF_PICTURES = 30_000_000

INLINE = {
    *("abbr", "b", "cite", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "samp"),
    *("small", "strong", "sub", "sup", "u", "var"),
}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS = {
    *("blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "li", "ol", "p", "pre", "ul"),
    *("caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
}
EMPTY = {"br", "hr", "img"}
KEPT_ELEMENTS = INLINE | HEADINGS | BLOCKS | EMPTY | {"a", "span"}

BLEACH = bleach.Cleaner(
    tags=KEPT_ELEMENTS,
    attributes={
        "a": ["href"],
        "abbr": ["title"],
        "img": ["alt", "src"],
        "ol": ["start"],
        "td": ["colspan", "rowspan"],
        "th": ["colspan", "rowspan"],
    },
    protocols={"data", "http", "https", "mailto"},
    strip=True,
    strip_comments=True,
)
# Bleach would remove these tags, but keep their content as text.
DROPPED_ELEMENTS = re.compile(
    r"<(script|style|template)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
START_TAG = re.compile(r"<[a-zA-Z]")
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)")
#: Elements without content, which need no end tag.
VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"),
    *("track", "wbr"),
}
BEGINS_FORMULA = re.compile(r"\\\\[(\[]|\\begin|\$")
DATA_ADDRESS = re.compile(r"data:image/(?:png|jpe?g|gif);base64,", re.IGNORECASE)
#: The first bytes of the kinds of picture that are shown.
SIGNATURES = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
# The delimiters of a formula's placeholder; in submitted texts these characters are replaced.
PART_MARK, END = "\ue000", "\ue001"
MARKED = re.compile(f"{PART_MARK}(\\d+){END}")


def picture(encoded: str, alt: str) -> Markup | None:
    """Return a picture as an HTML element; None if it is too large or of another kind.

    Parameters
    ----------
    encoded : str
        A PNG, JPEG or GIF file in Base64; its first bytes tell which.
    alt : str
        The text alternative.
    """
    if len(encoded) > MOST_OF_PICTURE:
        return None
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (ValueError, binascii.Error):
        return None
    for kind, beginnings in SIGNATURES.items():
        if content.startswith(beginnings):
            written = base64.b64encode(content).decode()
            return Markup('<img src="data:{};base64,{}" alt="{}">').format(
                kind, written, clean_characters(alt)
            )
    return None


def depth(html: str) -> int:
    """Return an estimate of the nesting depth of tags.

    A parser takes time for each open tag whenever it meets another one.

    >>> depth("<div><p>one</p><br><p>two</i></p></div>")
    2
    """
    is_open: Counter[str] = Counter()
    now = most = 0
    for closes, tag in TAG.findall(html):
        name = tag.lower()
        if not closes and name not in VOID:
            is_open[name] += 1
            now += 1
            most = max(most, now)
        elif closes and is_open[name]:
            is_open[name] -= 1
            now -= 1
    return most


@dataclass
class Cleaner:
    """Makes the parts of one page safe, from top to bottom, and keeps the bounds for a page.

    Parameters
    ----------
    level : int
        The level of the page's last heading. The next one is at most one level below it, so that
        users of screen readers can follow.
    top : int
        The level that a notebook's highest headings get.
    """

    level: int = 2
    top: int = 3
    _characters: int = 0
    _text: int = 0
    _tags: int = 0
    _pictures: int = 0

    def markdown(
        self, source: str, attachments: Mapping[str, Any] | None = None, what: str = "Text"
    ) -> Markup:
        """Return Jupyter's Markdown as safe HTML; as plain text if it is too large."""
        self._characters += len(source)
        if len(source) > MOST_CHARACTERS or self._characters > MOST_IN_PAGE:
            return self.text(source, what)
        if len(BEGINS_FORMULA.findall(source)) > MOST_FORMULAS:
            return self.text(source, what)
        try:
            html, kept = _render(source, attachments) if attachments else _render_once(source)
        # Whatever the parser raises, the source can still be shown as plain text.
        except Exception:
            return self.text(source, what)
        # Copies, since parts are removed as they are inserted into the page.
        cleaned = self._html(html, _Parts(dict(kept.formulas), dict(kept.sources)))
        return self.text(source, what) if cleaned is None else cleaned

    def html(self, source: str) -> Markup | None:
        """Return the safe part of a piece of HTML; None if it is too large."""
        parts = _Parts()
        # Take pictures out first, so that their data do not slow the parsers down.
        short = PICTURE.sub(lambda found: parts.hold_source(found[0]), UNPRIVATE.sub("�", source))
        self._characters += len(short)
        if len(short) > MOST_OF_HTML or self._characters > MOST_IN_PAGE:
            return None
        return self._html(short, parts)

    def text(self, source: str, what: str, most: int = 20_000) -> Markup:
        """Return a text as preformatted HTML."""
        return Markup('<pre role="group" tabindex="0" aria-label="{}">{}</pre>').format(
            what, self.cut(clean_characters(source), most)
        )

    def cut(self, text: str, most: int) -> str:
        """Return a text, cut to the room that is left on the page."""
        room = min(most, MOST_TEXT_IN_PAGE - self._text)
        self._text += min(len(text), room)
        return cut(text, room)

    def picture(self, encoded: str, alt: str) -> Markup | None:
        """Return a picture as an HTML element; None if it is too large or of another kind."""
        if self._pictures + len(encoded) > MOST_OF_PICTURES:
            return None
        self._pictures += len(encoded)
        return picture(encoded, alt)

    def _html(self, html: str, parts: _Parts) -> Markup | None:
        html = DROPPED_ELEMENTS.sub("", html)
        tags = len(START_TAG.findall(html))
        if tags > MOST_TAGS_AT_ONCE or self._tags + tags > MOST_TAGS:
            return None
        self._tags += tags
        if depth(html) > MOST_DEPTH:
            return None
        try:
            if len(html) > MOST_NOTED:
                return _write_html(BLEACH.clean(html), self, parts)
            clean = _bleach(html)
            if "<img" in clean:  # not cached: pictures count towards the page's bound
                return _write_html(clean, self, parts)
            written, self.level = _write_once(
                clean, tuple(parts.formulas.items()), self.level, self.top
            )
        # Whatever the parser raises, the rest of the page must still be written.
        except Exception:
            return None
        return written


UNPRIVATE = re.compile(f"[{PART_MARK}{END}]")
PICTURE = re.compile(r"data:image/(?:png|jpe?g|gif);base64,[A-Za-z0-9+/=]{100,}", re.IGNORECASE)


@dataclass
class _Parts:
    """Formulas and picture data that are inserted into a piece of HTML after cleaning."""

    formulas: dict[int, Markup] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    _count: int = 0

    def hold_formula(self, part: Markup) -> str:
        self._count += 1
        self.formulas[self._count] = part
        return f"{PART_MARK}{self._count}{END}"

    def hold_source(self, source: str) -> str:
        self._count += 1
        self.sources[self._count] = source
        return f"data:{self._count}"


def _render(source: str, attachments: Mapping[str, Any]) -> tuple[str, _Parts]:
    """Return Markdown as HTML that is not clean yet, and the parts to insert after cleaning."""
    parts = _Parts()
    renderer = _Renderer(parts, attachments)
    return MarkdownWithMath(renderer=renderer).render(UNPRIVATE.sub("�", source)), parts


# Cached, since most texts are the same for the whole class.
@lru_cache(maxsize=256)
def _render_once(source: str) -> tuple[str, _Parts]:
    return _render(source, {})


@lru_cache(maxsize=512)
def _bleach(html: str) -> str:
    return str(BLEACH.clean(html))


@lru_cache(maxsize=512)
def _write_once(
    html: str, formulas: tuple[tuple[int, Markup], ...], level: int, top: int
) -> tuple[Markup, int]:
    """Return clean HTML without pictures, rewritten, and the level of its last heading."""
    cleaner = Cleaner(level, top)
    return _write_html(html, cleaner, _Parts(dict(formulas))), cleaner.level


def _write_html(html: str, cleaner: Cleaner, parts: _Parts) -> Markup:
    writer = _HtmlWriter(cleaner, parts)
    writer.feed(html)
    writer.close()
    return writer.page()


class _Renderer(IPythonRenderer):
    """Renders Markdown as HTML, with placeholders for formulas and pictures."""

    def __init__(self, parts: _Parts, attachments: Mapping[str, Any]) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self._parts = parts
        self._attached = attachments

    def block_code(self, code: str, info: str | None = None) -> str:
        return str(Markup("<pre><code>{}</code></pre>\n").format(code))

    def image(self, text: str, url: str, title: str | None = None) -> str:
        bundle = self._attached.get(url.removeprefix("attachment:"))
        if isinstance(bundle, Mapping):
            data = [d for kind, d in bundle.items() if kind in SIGNATURES and isinstance(d, str)]
            url = f"data:image/png;base64,{data[0]}" if data else ""
        if DATA_ADDRESS.match(url):
            url = self._parts.hold_source(url)
        return str(Markup('<img src="{}" alt="{}">').format(url, Markup(text).unescape()))

    def inline_math(self, body: str) -> str:
        return self._parts.hold_formula(formula(body))

    def block_math(self, body: str) -> str:
        return self._parts.hold_formula(_formula_line(formula(body, display=True)))

    def latex_environment(self, name: str, body: str) -> str:
        if name.rstrip("*") == "equation":
            return self.block_math(body)
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


def _formula_line(part: Markup) -> Markup:
    return Markup(
        '<span class="formula" role="group" tabindex="0" aria-label="Formula">{}</span>'
    ).format(part)


class _HtmlWriter(HTMLParser):
    """Rewrites clean HTML: balanced tags, headings in order, and tables that can scroll."""

    def __init__(self, cleaner: Cleaner, parts: _Parts) -> None:
        super().__init__(convert_charrefs=True)
        self._cleaner = cleaner
        self._parts = parts
        self._written: list[Markup] = []
        #: The names of the open tags in the source, and the end tag that closes each.
        self._open: list[tuple[str, Markup]] = []

    def page(self) -> Markup:
        """Return what was written."""
        self._close_down_to(0)
        return Markup("").join(self._written)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: clean_characters(value or "") for name, value in attrs}
        if tag == "img":
            self._written.append(self._image(dict(attrs)))
        elif tag in EMPTY:
            self._written.append(Markup(f"<{tag}>"))
        elif tag in KEPT_ELEMENTS and len(self._open) < MOST_DEPTH:
            start, end = self._tags(tag, given)
            self._written.append(start)
            self._open.append((tag, end))

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth][0] == tag:
                self._close_down_to(depth)
                return

    def handle_data(self, data: str) -> None:
        position = 0
        for found in MARKED.finditer(data):
            self._text(data[position : found.start()])
            # `pop`, so that nobody can fill a page with copies of one formula.
            self._written.append(self._parts.formulas.pop(int(found[1][:9]), Markup("�")))
            position = found.end()
        self._text(data[position:])

    def _text(self, text: str) -> None:
        self._written.append(escape(clean_characters(text)))

    def _close_down_to(self, depth: int) -> None:
        while len(self._open) > depth:
            tag, end = self._open.pop()
            if tag == "th" and self._written[-1].startswith("<th"):  # an empty corner is no header
                self._written[-1], end = Markup("<td>"), Markup("</td>")
            self._written.append(end)

    def _tags(self, tag: str, given: Mapping[str, str]) -> tuple[Markup, Markup]:
        """Return the start tag and the end tag of an element."""
        if tag in HEADINGS:
            tag = f"h{self._heading(int(tag[1]))}"
        elif tag == "a":
            return Markup("<span>"), _close_link(given.get("href", ""))
        elif tag == "table" and not any(name == "table" for name, _ in self._open):
            start = '<div class="wide" role="group" tabindex="0" aria-label="Table"><table>'
            return Markup(start), Markup("</table></div>")
        elif tag == "pre":
            return Markup('<pre role="group" tabindex="0" aria-label="Code">'), Markup("</pre>")
        kept = Markup("").join(
            Markup(' {}="{}"').format(name, value)
            for name, value in given.items()
            if name in ("colspan", "rowspan", "start") and re.fullmatch(r"[1-9]\d?", value)
        )
        if tag == "abbr" and given.get("title"):
            kept = Markup(' title="{}"').format(given["title"][:200])
        elif tag == "th":
            above = any(name == "thead" for name, _ in self._open)
            kept += Markup(' scope="col"') if above else Markup(' scope="row"')
        return Markup("<{}{}>").format(Markup(tag), kept), Markup(f"</{tag}>")

    def _heading(self, wanted: int) -> int:
        level = min(wanted + self._cleaner.top - 1, self._cleaner.level + 1, 6)
        self._cleaner.level = level
        return level

    def _image(self, given: Mapping[str, str | None]) -> Markup:
        source = given.get("src") or ""
        number = re.fullmatch(r"data:(\d{1,9})", source)
        if number:
            source = self._parts.sources.pop(int(number[1]), "")
        alt = MARKED.sub("formula", given.get("alt") or "")[:500]
        shown = None
        if DATA_ADDRESS.match(source):
            shown = self._cleaner.picture(source.partition(",")[2], alt or "A picture")
        if shown is None:
            return Markup("<em>[{}]</em>").format(
                f"Picture not shown here: {clean_characters(alt)}" if alt else "Picture not shown"
            )
        return shown


def _close_link(href: str) -> Markup:
    """Return the end of a link, which on the page is its text followed by its address."""
    if not re.match(r"https?://|mailto:", href, re.IGNORECASE):
        return Markup("</span>")
    return Markup('</span> <span class="address">({})</span>').format(href[:300])
