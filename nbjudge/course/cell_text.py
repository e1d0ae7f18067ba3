"""Find the names that a cell's text defines, and compare two texts apart from layout.

The texts are hostile, and Python's own parser can be made to crash, so it is not used here.
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["bound_names", "is_same"]

#: The most characters of a text that are examined; no honest cell has as many.
MAX_CODE = 20_000
#: Size of the caches of results; the course's own cells recur in every submission.
PARSED_KEPT = 200

_DEFINITION = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)")
_IMPORT = re.compile(r"(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+([^#;]+)")
#: The targets of an assignment, perhaps with an annotation.
_TARGET = re.compile(r"([\w \t,*()\[\]]+)(?::[^=]*)?=(?!=)")
_SIGNIFICANT = (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)
_LAYOUT = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def bound_names(text: str) -> frozenset[str]:
    r"""Return the names that a cell's unindented statements define.

    Examples
    --------
    >>> sorted(bound_names("import math as m\nclass Step:\n    rate = 1\na, b = c = 1, 2"))
    ['Step', 'a', 'b', 'c', 'm']
    >>> sorted(bound_names("f(x=1)\nx == 1\nx.y = 2\n"))
    []
    """
    return _bound_names(text[:MAX_CODE])


@lru_cache(maxsize=PARSED_KEPT)
def _bound_names(text: str) -> frozenset[str]:
    names: set[str] = set()
    for line in text.splitlines():
        if found := _DEFINITION.match(line):
            names.add(found[1])
        elif found := _IMPORT.match(line):
            parts = found[1].strip("() \t").split(",")
            names.update(part.split()[-1].partition(".")[0] for part in parts if part.strip())
        elif line[:1].strip():
            names.update(_names_in_line(line))
    return frozenset(name for name in names if name.isidentifier() and not keyword.iskeyword(name))


def _names_in_line(line: str) -> Iterator[str]:
    """Yield the names that a line assigns, up to its first target that is no plain name."""
    place = 0
    while found := _TARGET.match(line, place):
        names = [name.strip(" \t*") for name in found[1].strip(" \t()[]").split(",")]
        if not all(name.isidentifier() for name in names if name):
            return
        yield from names
        place = found.end()


def is_same(text: str, other: str, *, is_code: bool) -> bool:
    r"""Return whether two texts of a cell are the same but for spaces or, in code, for comments.

    Examples
    --------
    >>> is_same("def f(x):\n    # one\n    return x", "def f( x ):\n  return x\n", is_code=True)
    True
    >>> is_same("Well, yes.", "Well,  yes.\n", is_code=False)
    True
    """
    if not is_code or text == other:
        return text.split() == other.split()
    if text.split() == other.split() and _indents(text) == _indents(other):
        return True
    if max(len(text), len(other)) > MAX_CODE:
        return False
    tokens = _tokens(text)
    return tokens is not None and tokens == _tokens(other)


def _indents(text: str) -> list[int]:
    """Return the indentation of each line that is not blank."""
    lines = text.expandtabs().splitlines()
    return [len(line) - len(line.lstrip()) for line in lines if line.strip()]


@lru_cache(maxsize=PARSED_KEPT)
def _tokens(text: str) -> tuple[str, ...] | None:
    """Return the tokens of code, without comments and docstrings; None if it is no Python."""
    found: list[str] = []
    try:
        statement: list[tokenize.TokenInfo] = []
        for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
            if token.type in _SIGNIFICANT:
                statement.append(token)
            elif token.type in _LAYOUT:
                if any(t.type != tokenize.STRING for t in statement):
                    found += (t.string for t in statement)
                    found.append("\n")
                statement.clear()
                if token.type != tokenize.NEWLINE:
                    found.append(tokenize.tok_name[token.type])
    except (tokenize.TokenError, SyntaxError):
        return None
    return tuple(found)
