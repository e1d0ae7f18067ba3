"""Numbers for objects that do not cross, with the same meaning on both sides of the connection.

- Below `HELD_NUMBERS`: an object in the kernel.
- From `HELD_NUMBERS` on: an object that a test and an answer share, by its number there.
- From `ITERATORS` on: a test's iterator, whose items the kernel may request one by one.
- From `FUNCTION_NUMBERS` on: a test's function, which the kernel may call back.
- From `NAME_NUMBERS` on: a function or class of a library, which each side imports by its name.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import sysconfig
from pathlib import Path
from typing import Any

from nbjudge.kernel.wire import Reference, WireError
from nbjudge.plain.value_format import MAX_KIND

__all__ = [
    "FUNCTION_NUMBERS",
    "HELD_NUMBERS",
    "ITERATORS",
    "NAME_NUMBERS",
    "builtin_type",
    "by_name",
    "find_by_name",
    "is_iterator",
    "is_name",
    "named_type",
]

HELD_NUMBERS, ITERATORS, FUNCTION_NUMBERS, NAME_NUMBERS = 2**49, 2**50, 2**51, 2**52
#: Builtin types that a kernel may refer to by name, since they are the same in every process.
_TYPES = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, object, type)
_INSTALLED = tuple(
    {
        str(Path(place).resolve())
        for place in map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
        if place
    }
)


def is_name(reference: Reference) -> bool:
    """Return whether a reference is to something that both sides know by name."""
    return reference.number >= NAME_NUMBERS


def is_iterator(value: object) -> bool:
    """Return whether a value is one of Python's own iterators, which only yield items.

    Examples
    --------
    >>> is_iterator(n for n in "ab"), is_iterator(map(str, [1])), is_iterator([1])
    (True, True, False)
    """
    kind = type(value)
    return kind.__module__ in ("builtins", "itertools") and hasattr(kind, "__next__")


def by_name(value: Any) -> Reference | None:
    """Return the reference to a function or class of an installed library; None for others.

    The judge's own package does not count as one: a kernel can import only a part of it.
    """
    owner = getattr(value, "__objclass__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    module = getattr(value if owner is None else owner, "__module__", None)
    if not isinstance(name, str) or not isinstance(module, str):
        return None
    kind = f"{module}:{name}"
    if len(kind) > MAX_KIND or module.partition(".")[0] in ("__main__", "nbjudge"):
        return None
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return Reference(NAME_NUMBERS, kind) if found is value and _is_installed(module) else None


def _is_installed(module: str) -> bool:
    file = getattr(sys.modules[module.partition(".")[0]], "__file__", None)
    return file is None or str(Path(file).resolve()).startswith(_INSTALLED)


def find_by_name(reference: Reference) -> Any:
    """Return the function or class that a test refers to by name.

    Raises
    ------
    WireError
        If nothing of this name can be imported here.
    """
    module, _, name = reference.kind.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise WireError(f"there is no {reference.kind} here") from error
    return found


def builtin_type(value: object) -> Reference | None:
    """Return the reference to one of the builtin types in `_TYPES`; None for anything else."""
    if type(value) is type and any(value is each for each in _TYPES):
        return Reference(NAME_NUMBERS, value.__name__)
    return None


def named_type(name: str) -> Any:
    """Return the builtin type of a name from a kernel; None if the kernel may not refer to it.

    Nothing is imported, whatever the name is.
    """
    found = vars(builtins).get(name)
    return found if any(found is each for each in _TYPES) else None
