"""Find out from a test's text whether it sets or measures state of its process.

An answer in another process would not be affected. If the solution does not depend on the state, a
trial does not show that another answer may.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from nbjudge.course.cells import parse_cell

__all__ = ["process_state_in"]

#: Functions that set or measure state of a process, by module.
OF_A_PROCESS = {
    "decimal": {"getcontext", "localcontext", "setcontext"},
    "faulthandler": {"dump_traceback_later"},
    "locale": {"setlocale"},
    "memory_profiler": {"memory_usage"},
    "os": {"putenv", "times", "unsetenv"},
    "psutil": {"Process"},
    "resource": {"getrusage", "setrlimit"},
    "sys": {"setprofile", "setrecursionlimit", "settrace"},
    "threading": {"stack_size"},
    "time": {"process_time", "process_time_ns", "thread_time", "thread_time_ns"},
    "tracemalloc": {"get_traced_memory", "start"},
}
#: Functions that can turn warnings into exceptions or record them, by module; and the arguments
#: with which they do. With other arguments they only silence warnings.
OF_WARNINGS = {
    "numpy": {"errstate", "seterr"},
    "warnings": {"catch_warnings", "filterwarnings", "simplefilter"},
    "pytest": {"warns"},
}
LOUD = {"always", "call", "default", "error", "log", "print", "raise"}
ENVIRONMENT, CHANGES = "os.environ", {"clear", "pop", "setdefault", "update"}


def process_state_in(test: str) -> str:
    """Return the first process state that a test sets or measures, by its name; empty if none.

    Examples
    --------
    >>> process_state_in("import sys; sys.setrecursionlimit(50); f(1000)")
    'sys.setrecursionlimit'
    >>> process_state_in("from time import process_time as now; start = now()")
    'time.process_time'
    >>> process_state_in("import numpy as np; np.seterr(all='ignore')")
    ''
    >>> process_state_in("import os; os.environ['HOME'] = '/'")
    'os.environ'
    """
    try:
        tree = parse_cell(test)
    except (SyntaxError, ValueError):  # reported elsewhere
        return ""
    names = dict(_names_imported(tree))
    found = (what for node in ast.walk(tree) for what in _met_in(node, names))
    return next(found, "")


def _names_imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names that a test gives to imports, and usual ones, each with its full name."""
    yield "np", "numpy"
    for module in (*OF_A_PROCESS, *OF_WARNINGS):
        yield module, module
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((each.asname, each.name) for each in node.names if each.asname)
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}"


def _met_in(node: ast.AST, names: Mapping[str, str]) -> Iterator[str]:
    match node:
        case ast.Call(func=function, args=arguments, keywords=keywords):
            whole = _full_name(function, names)
            module, _, name = whole.rpartition(".")
            if name in OF_A_PROCESS.get(module, ()):
                yield whole
            elif name in OF_WARNINGS.get(module, ()):
                values = [*arguments, *(each.value for each in keywords)]
                said = [each.value for each in values if isinstance(each, ast.Constant)]
                if whole == "pytest.warns" or True in said or LOUD & {*map(str, said)}:
                    yield whole
            elif module == ENVIRONMENT and name in CHANGES:
                yield ENVIRONMENT
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            if _full_name(value, names) == ENVIRONMENT:
                yield ENVIRONMENT


def _full_name(node: ast.expr, names: Mapping[str, str]) -> str:
    text = ast.unparse(node)
    first, dot, rest = text.partition(".")
    return f"{names.get(first, first)}{dot}{rest}"
