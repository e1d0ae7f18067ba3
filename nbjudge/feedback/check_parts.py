"""Find the part of an exercise that each of its checks belongs to, from the text of the test cell.

A part's points are won only if all of its checks pass, so a check may pass in a part that is lost.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["PartOfCheck", "parts_of_checks"]


@dataclass(frozen=True)
class PartOfCheck:
    """A part of an exercise: its subject, and its points."""

    what: str
    points: float


def parts_of_checks(test: str) -> Mapping[str, PartOfCheck]:
    """Return the part of each check, by the check's subject.

    Parameters
    ----------
    test : str
        The text of a test cell; the result is empty if it has no parts or is not Python.

    Examples
    --------
    >>> parts_of_checks('with parts(3, "the steps"): check.close(a, b, what="the second step")')
    {'the second step': PartOfCheck(what='the steps', points=3)}
    """
    try:
        tree = ast.parse(test)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, PartOfCheck] = {}
    for block in ast.walk(tree):
        if isinstance(block, ast.With) and (part := _part_of_check(block)):
            found.update(dict.fromkeys(_subjects_of_checks(block), part))
    return found


def _part_of_check(block: ast.With) -> PartOfCheck | None:
    match block.items[0].context_expr:
        case ast.Call(
            func=ast.Name(), args=[ast.Constant(int() | float() as points), ast.Constant(str(what))]
        ):
            return PartOfCheck(what, points)
    return None


def _subjects_of_checks(block: ast.With) -> Iterator[str]:
    """Yield the subjects of the checks in a part, as far as they are literal strings."""
    for call in ast.walk(block):
        if isinstance(call, ast.Call):
            for named in call.keywords:
                match named:
                    case ast.keyword(arg="what", value=ast.Constant(str(what))):
                        yield what
