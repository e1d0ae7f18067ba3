"""What a notebook's names stood for at a test, so that it can be asked again in the end.

Later cells may give the same names to other things. Nothing large is kept alive for it, so that no
notebook needs more memory than it would have taken.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from contextlib import suppress
from types import FunctionType
from typing import Any

from nbjudge.kernel.wire import ValueBounds, WireError, encode

__all__ = ["KeptNames"]

#: Data of this size is kept as it is.
SMALL_BOUNDS = ValueBounds(bytes=2**16, items=1000)
NOT_THERE = object()


class KeptNames:
    """Remembers a namespace, test by test.

    Parameters
    ----------
    namespace : dict
        The notebook's variables.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._kept: dict[str, dict[str, Callable[[], Any]]] = {}

    def keep(self, test: str, names: Collection[str]) -> None:
        """Remember what some names stand for, and all functions and classes."""
        self._kept[test] = {
            name: _way_back(value)
            for name, value in list(self._namespace.items())
            if name in names or isinstance(value, FunctionType | type)
        }

    def recall(self, test: str, names: Collection[str]) -> bool:
        """Let names stand for what they did at a test; say whether that can be done for `names`."""
        kept = self._kept.get(test, {})
        found = {name: value for name, way in kept.items() if (value := way()) is not NOT_THERE}
        self._namespace.update(found)
        for name in set(names) - kept.keys():  # it was not defined then
            self._namespace.pop(name, None)
        return test in self._kept and found.keys() >= kept.keys() & set(names)


def _way_back(value: Any) -> Callable[[], Any]:
    if isinstance(value, FunctionType | type):
        return lambda: value
    with suppress(WireError):
        encode(value, SMALL_BOUNDS)
        return lambda: value
    with suppress(TypeError):  # lists, for one, cannot be referred to so
        reference = weakref.ref(value)
        return lambda: NOT_THERE if (found := reference()) is None else found
    return lambda: NOT_THERE
