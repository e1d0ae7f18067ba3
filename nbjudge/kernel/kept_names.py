"""Remember what a notebook's names were bound to at each test, so that it can run again later.

Later cells may rebind the names. Large objects are not kept alive, so that a notebook needs hardly
more memory than without this.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from contextlib import suppress
from types import FunctionType
from typing import Any

from nbjudge.kernel.wire import ValueBounds, WireError, encode

__all__ = ["KeptNames"]

#: Data within these bounds is kept alive.
SMALL_BOUNDS = ValueBounds(bytes=2**16, items=1000)
NOT_THERE = object()


class KeptNames:
    """Remembers the bindings of a namespace at each test.

    Parameters
    ----------
    namespace : dict
        The notebook's variables.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._kept: dict[str, dict[str, Callable[[], Any]]] = {}

    def keep(self, test: str, names: Collection[str]) -> None:
        """Remember the bindings of `names`, and of all functions and classes."""
        self._kept[test] = {
            name: _way_back(value)
            for name, value in list(self._namespace.items())
            if name in names or isinstance(value, FunctionType | type)
        }

    def recall(self, test: str, names: Collection[str]) -> bool:
        """Restore the bindings at a test; return whether all of `names` could be restored."""
        kept = self._kept.get(test, {})
        found = {name: value for name, way in kept.items() if (value := way()) is not NOT_THERE}
        self._namespace.update(found)
        for name in set(names) - kept.keys():  # it was not defined at the test
            self._namespace.pop(name, None)
        return test in self._kept and found.keys() >= kept.keys() & set(names)


def _way_back(value: Any) -> Callable[[], Any]:
    if isinstance(value, FunctionType | type):
        return lambda: value
    with suppress(WireError):
        encode(value, SMALL_BOUNDS)
        return lambda: value
    with suppress(TypeError):  # lists, for example, have no weak references
        reference = weakref.ref(value)
        return lambda: NOT_THERE if (found := reference()) is None else found
    return lambda: NOT_THERE
