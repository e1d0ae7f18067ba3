"""Python's operators and functions by name, which a test may apply to objects in the kernel."""

from __future__ import annotations

import builtins
import copy
import dataclasses
import inspect
import operator
import typing
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ASKED", "OPERATIONS", "exception"]

_OPERATORS = (
    *("lt", "le", "eq", "ne", "gt", "ge", "neg", "pos", "invert", "abs", "index"),
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift"),
    *("and_", "or_", "xor", "setitem", "delitem"),
    *("iadd", "isub", "imul", "imatmul", "itruediv", "ifloordiv", "imod", "ipow"),
    *("ilshift", "irshift", "iand", "ior", "ixor"),
)
_FUNCTIONS = (
    *(bytes, callable, complex, delattr, dir, divmod, format, getattr, hash, id, int, next),
    *(repr, reversed, round, setattr, str, ascii),
)
#: Library functions that inspect an object, by full name. Only the object's process can run them.
ASKED: Mapping[str, Callable[..., Any]] = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module, names in (
        (
            inspect,
            (
                *("getsource", "getsourcelines", "getdoc", "getfullargspec", "getmro"),
                *("isfunction", "isclass", "ismethod", "isgenerator", "isgeneratorfunction"),
                *("iscoroutinefunction", "iscoroutine", "isbuiltin", "isroutine", "ismodule"),
            ),
        ),
        (dataclasses, ("is_dataclass", "asdict", "astuple", "fields", "replace")),
        (typing, ("get_type_hints",)),
    )
    for name in names
}


def _exit(value: Any, told: Any) -> Any:
    """Leave a `with` block; `told` is the name and message of an exception in it, if any."""
    if told is None:
        return type(value).__exit__(value, None, None, None)
    error = exception(*told)
    return type(value).__exit__(value, type(error), error, None)


def _aexit(value: Any, told: Any) -> Any:
    """Return the awaitable that leaves an `async with` block: see `_exit`."""
    error = None if told is None else exception(*told)
    kind = None if error is None else type(error)
    return type(value).__aexit__(value, kind, error, None)


def exception(name: str, said: str) -> BaseException:
    """Return the builtin exception of a name with a message; a RuntimeError if there is none."""
    kind = vars(builtins).get(name)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(said) if said else kind()
        except TypeError:  # its constructor takes other arguments
            pass
    return RuntimeError(f"{name}: {said}")


def _signature(value: Any) -> list[tuple[Any, ...]]:
    """Return a function's parameters as tuples that describe `inspect.Parameter` objects."""
    empty = inspect.Parameter.empty
    return [
        (
            *(each.name, int(each.kind), each.default is not empty),
            None if each.default is empty else each.default,
            each.annotation is not empty,
            None if each.annotation is empty else each.annotation,
        )
        for each in inspect.signature(value).parameters.values()
    ]


def _with_keywords(function: Callable[..., Any]) -> Callable[..., Any]:
    def ask(*arguments: Any) -> Any:
        *given, keywords = arguments
        return function(*given, **keywords)

    return ask


#: All operations that a test can request, by name.
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    **{name.rstrip("_"): getattr(operator, name) for name in _OPERATORS},
    **{function.__name__: function for function in _FUNCTIONS},
    **{name: _with_keywords(function) for name, function in ASKED.items()},
    "trunc": lambda value: type(value).__trunc__(value),
    "floor": lambda value: type(value).__floor__(value),
    "ceil": lambda value: type(value).__ceil__(value),
    "fspath": lambda value: type(value).__fspath__(value),
    "enter": lambda value: type(value).__enter__(value),
    "exit": _exit,
    "aenter": lambda value: type(value).__aenter__(value),
    "aexit": _aexit,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "instancecheck": lambda kind, value: isinstance(value, kind),
    "subclasscheck": lambda kind, value: issubclass(value, kind),
    "extends": lambda value, kind: kind in type.mro(type(value)),
    "is": operator.is_,
    "type is": lambda value, kind: type(value) is kind,
    "same type": lambda value, other: type(value) is type(other),
    "vars": lambda value: dict(vars(value)),
    "signature": _signature,
}
