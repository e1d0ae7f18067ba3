"""Which part of an exercise each of its checks belongs to, as the course's test cell has it.

A check may hold in a part that is lost: its points are won by all of its checks together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["PartOfCheck", "parts_of_checks"]


@dataclass(frozen=True)
class PartOfCheck:
    """A part of an exercise: what it is about, and what it is worth."""

    what: str
    points: float


def parts_of_checks(test: str) -> Mapping[str, PartOfCheck]:
    """Return the part of each check, by what the check is about.

    Parameters
    ----------
    test : str
        The source of a test cell; one without parts, or that is no Python, has none.

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
    """Yield what the checks of a part are about, as far as it stands there in one piece."""
    for call in ast.walk(block):
        if isinstance(call, ast.Call):
            for named in call.keywords:
                match named:
                    case ast.keyword(arg="what", value=ast.Constant(str(what))):
                        yield what
