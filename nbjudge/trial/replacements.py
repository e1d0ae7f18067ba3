"""Find out from a test's text whether it replaces something that an answer may use.

A test does so with `mock.patch`, for instance. An answer in another process would still use the
original. If the solution does not use it, a trial does not show that another answer may.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from nbjudge.course.cells import parse_cell
from nbjudge.stand_ins.channel import REPLACEABLE

__all__ = ["imported_modules", "replacement_in"]

#: What an answer outside shares with its test during a call, so that it may be replaced.
PROCESS_STATE = {
    *(f"builtins.{name}" for name in REPLACEABLE),
    *(f"sys.{name}" for name in ("stdin", "stdout", "stderr")),
}
PATCHES = {"patch", "patch.object", "patch.dict", "patch.multiple"}
MAX_SHOWN_TEXT = 60


def imported_modules(source: str) -> frozenset[str]:
    """Return the names that a cell gives to modules.

    Examples
    --------
    >>> sorted(imported_modules("import numpy as np, os.path"))
    ['np', 'os']
    """
    return frozenset(
        name.asname or name.name.partition(".")[0]
        for node in _nodes(source)
        if isinstance(node, ast.Import)
        for name in node.names
    )


def replacement_in(test: str, modules: Collection[str]) -> str:
    """Return the name of what a test replaces; empty if nothing, or only what an answer shares.

    Parameters
    ----------
    test : str
    modules : collection of str
        The names that the notebook gives to modules: see `imported_modules`.

    Examples
    --------
    >>> replacement_in("with patch('random.random', return_value=0): assert f() == 0", ())
    'random.random'
    >>> replacement_in("np.dot = None", {"np"})
    'np.dot'
    >>> replacement_in("with patch('builtins.input', return_value='1'): assert f() == 1", ())
    ''
    """
    found = (text for node in _nodes(test) for text in _replaced_by(node, modules))
    return next((text[:MAX_SHOWN_TEXT] for text in found if text not in PROCESS_STATE), "")


def _nodes(source: str) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(parse_cell(source))
    except (SyntaxError, ValueError):  # reported elsewhere
        return


def _replaced_by(node: ast.AST, modules: Collection[str]) -> Iterator[str]:
    match node:
        case ast.Call(func=function, args=[first, *rest]):
            name = ast.unparse(function).removeprefix("unittest.").removeprefix("mock.")
            if name == "setattr" and isinstance(first, ast.Name) and first.id in modules:
                yield _attribute_text(first, rest)
            elif name.endswith("monkeypatch.setattr") or name in PATCHES - {"patch.object"}:
                yield _constant_text(first) or ast.unparse(first)
            elif name == "patch.object":
                yield _attribute_text(first, rest)
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            yield from (ast.unparse(each) for each in targets if _is_of_module(each, modules))
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            if _is_of_module(target, modules):
                yield ast.unparse(target)


def _attribute_text(owner: ast.expr, rest: list[ast.expr]) -> str:
    return f"{ast.unparse(owner)}.{(_constant_text(rest[0]) if rest else None) or '…'}"


def _constant_text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _is_of_module(target: ast.expr, modules: Collection[str]) -> bool:
    if not isinstance(target, ast.Attribute):
        return False
    owner = target.value
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    return isinstance(owner, ast.Name) and owner.id in modules
