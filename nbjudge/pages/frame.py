"""Render pages from templates in one common frame: one style, light and dark, self-contained.

The templates of feedback and of the instructor's reports extend `page/base.html.j2`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
)
from markupsafe import Markup, escape

from nbjudge.basics.text import clean_characters

__all__ = ["Pages", "count_of", "light_tokens", "pages_of", "percent", "points", "with_code"]

CODE = re.compile(r"`([^`\n]{1,200})`")
FRAME_TEMPLATES = Path(__file__).parent / "templates"
#: The style sheet with the colours and sizes of all pages, also used by the documentation.
DESIGN_TOKENS = FRAME_TEMPLATES / "tokens.css"


def light_tokens() -> str:
    """Return the design tokens of the light theme alone."""
    return DESIGN_TOKENS.read_text(encoding="utf-8").partition("@media")[0]


def points(number: float) -> str:
    """Return points as text.

    >>> points(2.0), points(1.5), points(-1)
    ('2', '1.5', '−1')
    """
    return f"{round(number, 2) + 0:g}".replace("-", "−")


def percent(value: float) -> str:
    """Return a percentage as text with one digit, rounded down.

    >>> percent(49.96), percent(50.0)
    ('49.9 %', '50 %')
    """
    # A student with 49.96 % has not reached 50 %.
    return f"{points(int(value * 10 + 1e-6) / 10)} %"


def count_of(number: float, one: str, several: str) -> str:
    """Return a number with its noun in singular or plural.

    >>> count_of(1, "point", "points")
    '1 point'
    """
    return f"{points(number)} {one if number == 1 else several}"


def with_code(text: str) -> Markup:
    """Escape a text, and mark what is between backticks as code.

    >>> str(with_code("`a < b` is < 1"))
    '<code>a &lt; b</code> is &lt; 1'
    """
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


@cache
def pages_of(module: str) -> Pages:
    """Return the pages with templates in the folder `templates` beside a module's file."""
    return Pages(Path(module).parent / "templates")


class Pages:
    """The templates of one kind of page, in the common frame.

    Every value in a template is escaped, and an undefined name is an error. Templates also have
    `clean` (see `text.clean_characters`), `count_of` and the filters `points` and `with_code`.

    Parameters
    ----------
    folder : Path
        The folder with the templates and their `style.css`, which is appended to the frame's. The
        style sheet is written into the page, whose content security policy allows no other.
    """

    def __init__(self, folder: Path) -> None:
        self._environment = Environment(
            loader=ChoiceLoader(
                [
                    FileSystemLoader(folder),
                    PrefixLoader({"page": FileSystemLoader(FRAME_TEMPLATES)}),
                ]
            ),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(points=points, with_code=with_code)
        self._environment.globals.update(count_of=count_of, clean=clean_characters)
        sheets = [
            path.read_text(encoding="utf-8")
            for path in (DESIGN_TOKENS, FRAME_TEMPLATES / "style.css", folder / "style.css")
        ]
        style = f"\n{''.join(sheets).strip()}\n"
        digest = hashlib.sha256(style.encode()).digest()
        #: The hash of the style sheet, for the content security policy.
        self.style_hash = base64.b64encode(digest).decode()
        self._environment.globals.update(style=Markup(style), style_hash=self.style_hash)

    def render(self, template: str, **content: object) -> str:
        """Return a rendered template."""
        return self._environment.get_template(template).render(content)
