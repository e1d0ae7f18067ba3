"""Check that the parts of a test add up to the points of its cell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction

__all__ = ["weight_problem"]


def weight_problem(code: str, points: float) -> str:
    r"""Return what is wrong with the parts of a test cell; empty if nothing is, or it has none.

    Parameters
    ----------
    code : str
        The text of the cell. It must be possible to count its parts without running it: each is
        ``with parts(2, "what"):`` at the top level, and ``parts.points()`` is the last line.
    points : float
        The points of the cell in nbgrader's metadata.

    Returns
    -------
    str
        The end of a sentence about the cell.

    Raises
    ------
    SyntaxError
        If the code is not Python.

    Examples
    --------
    >>> weight_problem("parts = check.Parts()\nwith parts(1, 'sum'):\n    ...\nparts.points()", 2)
    'has parts worth 1, and 2 points'
    """
    tree = ast.parse(code)
    made = [node for node in ast.walk(tree) if _name_called(node) == "Parts"]
    if not made:
        return ""
    name = _given_name(tree, made)
    if name is None:
        return "makes parts and not once, as `parts = check.Parts()`"
    weights = list(_weights_of_parts(tree, name))
    # Anything after this line, even a semicolon, would give every answer all points.
    if code.rstrip().splitlines()[-1] != f"{name}.points()":
        return f"has parts and does not end with `{name}.points()`"
    uses = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == name]
    if None in weights or len(uses) != len(weights) + 2:  # 2: its definition, and `points()`
        return f"has a part that is not of the form `with {name}(2, 'what'):` at its top level"
    total = sum(weight for weight in weights if weight is not None)
    if total != Fraction(str(points)):
        return f"has parts worth {float(total):g}, and {points:g} points"
    return ""


def _given_name(tree: ast.Module, made: list[ast.AST]) -> str | None:
    match [node for node in tree.body if isinstance(node, ast.Assign) and node.value in made]:
        case [ast.Assign(targets=[ast.Name(id=name)])] if len(made) == 1:
            return name
    return None


def _weights_of_parts(tree: ast.Module, name: str) -> Iterator[Fraction | None]:
    """Yield the points of each part; None where they are no literal number."""
    for node in tree.body:
        for item in node.items if isinstance(node, ast.With) else ():
            if _name_called(item.context_expr) != name:
                continue
            match item.context_expr:
                case ast.Call(args=[ast.Constant(value=int() | float() as weight), _]) if (
                    weight > 0 and weight is not True
                ):
                    yield Fraction(str(weight))
                case _:
                    yield None


def _name_called(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return ""
