r"""Convert formulas from LaTeX to MathML, which browsers show without a script.

The converter's result is rebuilt from a list of allowed elements and attributes that only arrange
symbols, so that `\href`, `\style` and the like have no effect.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from functools import lru_cache
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

from nbjudge.basics.text import clean_characters

__all__ = ["formula"]

#: The most characters of LaTeX in a formula, and the most MathML elements in its result.
MOST_LATEX = 2000
MOST_ELEMENTS = 2000

#: Signs that can precede a number, and the characters after which they do.
UNARY_SIGNS = set("-−+±∓")
OPENING = set("([{|,;:=≠≈<>≤≥∈←→↦·×/") | UNARY_SIGNS
TOKEN_ELEMENTS = {"mi", "mn", "mo", "ms", "mtext"}
ELEMENTS = TOKEN_ELEMENTS | {
    *("mrow", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover"),
    *("munderover", "mmultiscripts", "mprescripts", "none", "mspace", "mstyle", "mpadded"),
    *("mphantom", "mtable", "mtr", "mtd"),
}
MATHML_ATTRIBUTES = {
    *("accent", "accentunder", "columnalign", "displaystyle", "fence", "form", "largeop"),
    *("linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits", "rspace"),
    *("scriptlevel", "separator", "stretchy", "symmetric", "width"),
}
#: What opens and closes a group, inside of which a formula is not split.
DEPTHS = {"{": 1, "}": -1, r"\begin": 1, r"\end": -1, r"\left": 1, r"\right": -1}
SPACING = re.compile(r"(\\[A-Za-z]+|\\.|[{}])", re.DOTALL)
# Only short numbers, so that no space can be as wide as a page.
VALUE = re.compile(r"[a-z-]{1,22}( [a-z]{1,8}){0,9}|[+-]?\d?\d?(\.\d{1,4})?(em|ex|px|%)?")


@lru_cache(maxsize=4096)
def formula(latex: str, *, display: bool = False) -> Markup:
    r"""Return a formula as MathML, or its source as code if it cannot be converted.

    Parameters
    ----------
    latex : str
        The formula, without dollar signs.
    display : bool
        Whether it is shown on a line of its own.

    Examples
    --------
    >>> formula("x^2")
    Markup('<math><msup><mi>x</mi><mn>2</mn></msup></math>')
    >>> formula(r"\frac{")
    Markup('<code>\\frac{</code>')
    """
    try:
        if len(latex) > MOST_LATEX:
            raise ValueError("too long")
        parts = _side_by_side(latex) if display else [latex]
        bodies = [_build(convert_to_element(part)) for part in parts]
    # The converter can raise many kinds of errors, among them RecursionError.
    except Exception:
        return _latex_source(latex, display)
    kind = ""
    if display:
        kind = ' display="block"' if len(bodies) == 1 else ' displaystyle="true"'
    return Markup("\n").join(
        Markup("<math{}>{}</math>").format(Markup(kind), body) for body in bodies
    )


def _side_by_side(latex: str) -> list[str]:
    r"""Split a formula at `\qquad`, so that on a phone each part can have a line of its own.

    >>> _side_by_side(r"z = g \qquad w = {a \qquad b}")
    ['z = g ', ' w = {a \\qquad b}']
    """
    parts, depth = [""], 0
    for piece in SPACING.split(latex):
        if piece == r"\qquad" and depth == 0:
            parts.append("")
            continue
        depth += DEPTHS.get(piece, 0)
        parts[-1] += piece
    return [part for part in parts if part.strip()] or [latex]


def _latex_source(latex: str, display: bool) -> Markup:
    if display:
        return Markup('<code class="line">{}</code>').format(latex)
    return Markup("<code>{}</code>").format(latex)


def _build(math: Element) -> Markup:
    if sum(1 for _ in math.iter()) > MOST_ELEMENTS:
        raise ValueError("too large")
    parts = list(math)
    # The converter wraps everything in rows.
    while len(parts) == 1 and parts[0].tag == "mrow" and not parts[0].attrib:
        parts = list(parts[0])
    return _mrow(parts)


def _mrow(elements: Iterable[Element]) -> Markup:
    """Return elements side by side; a sign before a number gets no space after it: (−4, 4)."""
    built = []
    before = "("
    for element in elements:
        text = html.unescape(element.text or "")
        if element.tag == "mo" and text in UNARY_SIGNS and before in OPENING:
            element.set("form", "prefix")
        built.append(_element(element))
        before = text if element.tag == "mo" else ""
    return Markup("").join(built)


def _element(element: Element) -> Markup:
    tag = element.tag
    if tag not in ELEMENTS:
        raise ValueError(f"no layout: {tag}")
    attributes = Markup("").join(
        Markup(' {}="{}"').format(name, value)
        for name, value in element.attrib.items()
        if name in MATHML_ATTRIBUTES and VALUE.fullmatch(value)
    )
    # The converter leaves character references in the text.
    text = html.unescape(element.text or "") if tag in TOKEN_ELEMENTS else ""
    if "\\" in text and tag != "mtext":
        raise ValueError("a command that it does not know")
    if list(element) and tag in TOKEN_ELEMENTS:
        raise ValueError("a symbol that holds others")
    inner = escape(clean_characters(text)) + _mrow(element)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), attributes, inner)
