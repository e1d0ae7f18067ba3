"""What a test sets or measures of its process, and an answer in a process of its own does not meet.

Where the solution does without it, no trial shows that: so it is read from the test.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from nbjudge.course.cells import parse_cell

__all__ = ["process_state_in"]

#: Functions that set or measure what belongs to a process, by their names within their modules.
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
#: What makes an exception of a warning, or a record: with other arguments these only silence some.
OF_WARNINGS = {
    "numpy": {"errstate", "seterr"},
    "warnings": {"catch_warnings", "filterwarnings", "simplefilter"},
    "pytest": {"warns"},
}
LOUD = {"always", "call", "default", "error", "log", "print", "raise"}
ENVIRONMENT, CHANGES = "os.environ", {"clear", "pop", "setdefault", "update"}


def process_state_in(test: str) -> str:
    """Return what a test sets or measures of its process, as its text has it; empty if nothing.

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
    except (SyntaxError, ValueError):  # told elsewhere
        return ""
    names = dict(_names_imported(tree))
    found = (what for node in ast.walk(tree) for what in _met_in(node, names))
    return next(found, "")


def _names_imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what names stand for that a test imports, beside the usual ones."""
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
