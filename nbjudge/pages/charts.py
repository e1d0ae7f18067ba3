"""Turn Matplotlib figures into small SVG elements that a page's style sheet colours.

A page's content security policy forbids style attributes, so every style becomes a class or an SVG
attribute. Figures are drawn in the colours of `ROLES`, placeholders for which the page's style
sheet defines the real colours, in light and in dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from nbjudge.basics.text import clean_characters

__all__ = ["DIVERGING", "ROLES", "inline"]

#: The steps of a colour map from −1 to 1.
DIVERGING = tuple(f"step{i}" for i in range(11))
#: The roles of colours, for each of which `ROLES` has a placeholder.
PALETTE = ("ink", "soft", "line", "page", "accent", "full", "part", "none", "empty", "waits")
ROLES = {role: f"#0000{i:02x}" for i, role in enumerate((*PALETTE, *DIVERGING), start=1)}
_ROLE_OF = {colour: role for role, colour in ROLES.items()}

CHART_SETTINGS: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.axisbelow": True,
    "axes.edgecolor": ROLES["soft"],
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": ROLES["ink"],
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": True,
    "figure.dpi": 72,
    "figure.edgecolor": "none",
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": ROLES["line"],
    "grid.linewidth": 0.8,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "text.color": ROLES["ink"],
    "xtick.color": ROLES["soft"],
    "xtick.labelcolor": ROLES["ink"],
    "ytick.color": ROLES["soft"],
    "ytick.labelcolor": ROLES["ink"],
    "ytick.major.size": 0,
}

#: By how much a picture, which is drawn for a phone, is enlarged if there is room.
ZOOM = 1.25
#: Style properties that exist as SVG attributes and are kept as such.
SVG_STYLES = frozenset(
    [
        *("fill-opacity", "opacity", "stroke-opacity", "stroke-width", "stroke-dasharray"),
        *("stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit"),
        *("text-anchor", "font-size", "font-weight", "font-style"),
    ]
)
#: Those of them that are left out, since the page's style sheet sets them.
DEFAULTS = {
    ("stroke-linejoin", "round"),
    ("stroke-linejoin", "miter"),
    ("stroke-linecap", "butt"),
    ("stroke-opacity", "1"),
    ("fill-opacity", "1"),
    ("opacity", "1"),
    ("stroke-dasharray", "none"),
    ("stroke-dashoffset", "0"),
    ("stroke-miterlimit", "100000"),
    ("font-style", "normal"),
    ("font-weight", "normal"),
    ("font-weight", "400"),
}
SVG_ATTRIBUTES = frozenset(
    [
        *("d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "transform", "id"),
        *("href", "clip-path", "viewBox", "fill", "stroke", *SVG_STYLES),
    ]
)
REFERENCE = re.compile(r"url\(#([^)]+)\)|^#(.+)$")


def inline(figure: Figure, name: str, title: str, description: str) -> Markup:
    """Return a figure as an SVG element of a page.

    Parameters
    ----------
    figure : Figure
        Drawn with `CHART_SETTINGS`, in the colours of `ROLES` alone.
    name : str
        Unique on the page; every id begins with it.
    title, description : str
        The text alternative, for people who cannot see it.

    Raises
    ------
    ValueError
        If the figure has a colour that is not in `ROLES`, or an SVG element that is not allowed.
    """
    text = io.StringIO()
    with mpl.rc_context({**CHART_SETTINGS, "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata=dict.fromkeys(_METADATA), transparent=True)
    root = ElementTree.fromstring(text.getvalue())
    _strip(root)
    _rename(root, name)
    width, height = (round(ZOOM * float(part)) for part in root.attrib["viewBox"].split()[2:])
    root.attrib = {
        "class": "picture",
        "viewBox": root.attrib["viewBox"],
        "width": str(width),
        "height": str(height),
        "role": "img",
        "aria-labelledby": f"{name}-title",
        "aria-describedby": f"{name}-description",
    }
    for position, (tag, told) in enumerate((("title", title), ("desc", description))):
        part = "title" if tag == "title" else "description"
        element = ElementTree.Element(tag, {"id": f"{name}-{part}"})
        element.text = clean_characters(told)
        root.insert(position, element)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


_METADATA = ("Creator", "Date", "Format", "Type")


def _strip(element: ElementTree.Element) -> None:
    """Remove from an element, and all within it, everything that a page must not contain."""
    element.tag = _local_name(element.tag)
    if element.tag not in ("svg", "g", "defs", "path", "use", "text", "tspan", "clipPath", "rect"):
        raise ValueError(f"a picture with <{element.tag}> cannot be part of a page")
    given = {_local_name(name): value for name, value in element.attrib.items()}
    style = dict(_declarations(given.pop("style", "")))
    classes = []
    attributes = {}
    for name, value in {**given, **style}.items():
        if name in ("fill", "stroke") and value != "none":
            classes.append(f"{name}-{_role(value)}")
        elif name in SVG_ATTRIBUTES and (name, value) not in DEFAULTS:
            attributes[name] = value
    if classes:
        attributes["class"] = " ".join(sorted(classes))
    element.attrib = attributes
    for child in list(element):
        # Matplotlib's own style sheet only repeats what the page's sets.
        if _local_name(child.tag) in ("metadata", "style"):
            element.remove(child)
        else:
            _strip(child)
            if child.tag == "defs" and not len(child):
                element.remove(child)
    if element.tag not in ("text", "tspan"):
        element.text = None
    element.tail = "\n"


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":  # as in "italic 700 10px 'DejaVu Sans', sans-serif"
            before, size = re.findall(r"^(.*?)([\d.]+)px", value)[0]
            yield "font-size", f"{float(size):g}"
            for word in before.split():
                yield ("font-weight" if word.isdecimal() else "font-style"), word
        elif name in ("fill", "stroke") or name in SVG_STYLES:
            yield name, value


def _role(colour: str) -> str:
    if colour not in _ROLE_OF:
        raise ValueError(f"a picture is drawn in {colour}, which stands for nothing in ROLES")
    return _ROLE_OF[colour]


def _rename(root: ElementTree.Element, name: str) -> None:
    """Remove ids that nothing refers to, and prefix the others with a name."""
    used = {
        found[1] or found[2]
        for element in root.iter()
        for attribute in ("href", "clip-path")
        for found in REFERENCE.finditer(element.get(attribute, ""))
    }
    numbers: dict[str, str] = {}
    for element in root.iter():
        if (own := element.attrib.pop("id", None)) in used and own is not None:
            numbers.setdefault(own, f"{name}-{len(numbers)}")
            element.set("id", numbers[own])
    for element in root.iter():
        if "href" in element.attrib:
            element.set("href", f"#{numbers[element.attrib['href'][1:]]}")
        if (clip := element.get("clip-path")) is not None:
            found = REFERENCE.search(clip)
            element.set("clip-path", f"url(#{numbers[found[1]]})" if found else "")
