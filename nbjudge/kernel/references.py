"""How objects that do not cross are called by number, on both sides of the line.

A number below `ITERATORS` is an object of the kernel's. From there on it is an iterator of a
test's, whose items the kernel may ask for one by one; from `FUNCTION_NUMBERS` on a function of a
test's, which the kernel may call back; from `NAME_NUMBERS` on it is what a library calls by a name,
which both sides import for themselves.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import sysconfig
from pathlib import Path
from typing import Any

from nbjudge.kernel.wire import MAX_KIND, Reference, WireError

__all__ = [
    "FUNCTION_NUMBERS",
    "ITERATORS",
    "NAME_NUMBERS",
    "builtin_type",
    "by_name",
    "find_by_name",
    "is_iterator",
    "is_name",
    "named_type",
]

ITERATORS, FUNCTION_NUMBERS, NAME_NUMBERS = 2**50, 2**51, 2**52
#: What is the same everywhere, so that a kernel may call it by its name.
_TYPES = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, object, type)
_INSTALLED = tuple(
    {
        str(Path(place).resolve())
        for place in map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
        if place
    }
)


def is_name(reference: Reference) -> bool:
    """Say whether a reference is to what both sides know by a name."""
    return reference.number >= NAME_NUMBERS


def is_iterator(value: object) -> bool:
    """Say whether a value is one of Python's own iterators, which do nothing but to give items.

    Examples
    --------
    >>> is_iterator(n for n in "ab"), is_iterator(map(str, [1])), is_iterator([1])
    (True, True, False)
    """
    kind = type(value)
    return kind.__module__ in ("builtins", "itertools") and hasattr(kind, "__next__")


def by_name(value: Any) -> Reference | None:
    """Return the reference to a function or a class of an installed library; None of others.

    Those of the judge's own package are none: a kernel has no more than a part of it.
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
    """Return what a test calls by a name.

    Raises
    ------
    WireError
        If there is nothing of this name here.
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
    """Return the reference to one of the types that every Python has; None of anything else."""
    if type(value) is type and any(value is each for each in _TYPES):
        return Reference(NAME_NUMBERS, value.__name__)
    return None


def named_type(name: str) -> Any:
    """Return the type that a kernel calls by a name; None if it is none of those it may.

    Nothing is imported here, whatever the name is.
    """
    found = vars(builtins).get(name)
    return found if any(found is each for each in _TYPES) else None
