"""The names that a test cell uses, defines and changes.

A test is written by the course and trusted, so Python's own parser reads it.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterable, Iterator
from functools import lru_cache

from nbjudge.course.cells import parse_cell

__all__ = [
    "AT_A_PROMPT",
    "builtin_names",
    "changed_by",
    "early_names",
    "free_names",
    "names_changed",
    "names_imported",
]

#: Names that interactive Python and IPython add to the builtins.
AT_A_PROMPT = frozenset({"_", "display", "get_ipython"})


def builtin_names() -> frozenset[str]:
    """Return the names of the builtins, without those that interactive sessions add."""
    return frozenset(vars(builtins)) - AT_A_PROMPT


# Cached because a class's submissions all have the same tests.
@lru_cache(maxsize=512)
def free_names(source: str) -> tuple[str, ...]:
    r"""Return the names that a cell uses and does not define itself, sorted.

    Raises
    ------
    SyntaxError
        If the cell is not valid Python.

    Examples
    --------
    >>> free_names("import math\nstep = Walk(rate)\nprint(math.sqrt(step(1)))")
    ('Walk', 'rate')
    """
    try:
        module = symtable.symtable(source, "<test>", "exec")
    except SyntaxError:  # it may contain magics, which `parse_cell` translates
        module = symtable.symtable(ast.unparse(parse_cell(source)), "<test>", "exec")
    own = {s.get_name() for s in module.get_symbols() if s.is_assigned() or s.is_imported()}
    used: set[str] = set()
    tables = [module]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is module or symbol.is_global())
        }
        # A function may define a global with `global`.
        own |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_assigned()}
    return tuple(sorted(used - own - builtin_names()))


@lru_cache(maxsize=512)
def early_names(source: str) -> tuple[str, ...]:
    r"""Return the names that a cell uses before it defines them, sorted; functions are left out.

    Raises
    ------
    SyntaxError
        If the cell is not valid Python.

    Examples
    --------
    >>> early_names("total = total + one")
    ('one', 'total')
    >>> early_names("try:\n    own = f\n    f = None\nfinally:\n    f = own")
    ('f',)
    """
    early: set[str] = set()
    _note_early(parse_cell(source).body, early, set())
    return tuple(sorted(early - builtin_names()))


def _note_early(statements: Iterable[ast.stmt], early: set[str], bound: set[str]) -> None:
    """Add the names used before they are bound to `early`, and those that are bound to `bound`."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(statement.name)
        elif hasattr(statement, "body") or hasattr(statement, "cases"):
            _note_early_in_blocks(statement, early, bound)
        else:
            early |= _names_in(statement, ast.Load) - _names_in(statement, ast.Store) - bound
            if isinstance(statement, ast.Assign | ast.AugAssign):
                early |= _names_in(statement.value, ast.Load) - bound
            if isinstance(statement, ast.AugAssign):
                early |= _names_in(statement.target, ast.Store) - bound
            bound |= _names_in(statement, ast.Store)
            if isinstance(statement, ast.Import | ast.ImportFrom):
                bound |= {_name_of_import(alias) for alias in statement.names}


def _note_early_in_blocks(statement: ast.stmt, early: set[str], bound: set[str]) -> None:
    """Do the same for a compound statement: its headers first, then the blocks."""
    others = (*getattr(statement, "handlers", []), *getattr(statement, "cases", []))
    for holder in (statement, *others):
        for head in ast.iter_child_nodes(holder):
            if not isinstance(head, ast.stmt | ast.ExceptHandler | ast.match_case):
                early |= _names_in(head, ast.Load) - bound
                bound |= _names_in(head, ast.Store)
        for block in ("body", "orelse", "finalbody"):
            _note_early(getattr(holder, block, []), early, bound)


def _name_of_import(alias: ast.alias) -> str:
    return (alias.asname or alias.name).partition(".")[0]


def _names_in(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Return the names that a statement loads or stores, except within functions."""
    if isinstance(node, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, context) else set()
    return set().union(*(_names_in(child, context) for child in ast.iter_child_nodes(node)))


def names_changed(source: str) -> frozenset[str]:
    """Return the variables and functions that a test assigns, defines or deletes."""
    return frozenset(changed_by(parse_cell(source)))


def names_imported(source: str) -> frozenset[str]:
    r"""Return the names under which a cell imports something.

    Examples
    --------
    >>> sorted(names_imported("import os.path\nfrom math import sqrt as root"))
    ['os', 'root']
    """
    return frozenset(
        _name_of_import(alias)
        for node in ast.walk(parse_cell(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )


def changed_by(node: ast.AST) -> Iterator[str]:
    """Yield the variables and functions that a statement changes in its own scope; no classes."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.ClassDef() | ast.Lambda():
            return
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case _:
            for child in ast.iter_child_nodes(node):
                yield from changed_by(child)
