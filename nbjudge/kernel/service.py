"""What a student's kernel does for the judge: look up names, call, index, iterate, run probes.

A request and its reply are plain values (see `wire`); objects that are not stay here, under a
number. Nothing in this module is a secret, and nothing that it says is believed further than as
data: the student's code runs beside it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from nbjudge import probes, seeds
from nbjudge.kernel import switches
from nbjudge.kernel.kept_names import KeptNames
from nbjudge.kernel.seeded_imports import SeededImports
from nbjudge.kernel.wire import Bounds, Reference, TooMuch, WireError, decode, encode
from nbjudge.remote import where

__all__ = ["Service"]

#: Characters of an exception's message that are passed on.
MAX_MESSAGE = 2000


class Service:
    """Answers requests about the objects of a namespace.

    Parameters
    ----------
    namespace : dict
        The notebook's variables, as they are at the time of each request.
    bounds : Bounds
        Of requests and replies.
    probes : str
        The name of the course's own module of probes, if it has one.
    """

    def __init__(
        self, namespace: dict[str, Any], bounds: Bounds | None = None, *, probes: str = ""
    ) -> None:
        self._namespace = namespace
        self._kept = KeptNames(namespace)
        self._bounds = bounds or Bounds()
        self._objects: list[Any] = []
        self._probes = probes
        self._start: switches.State = {}
        #: How the notebook has its switches, while a test is on.
        self._notebooks: switches.State | None = None

    def answer(self, content: bytes | memoryview) -> bytes:
        """Return the reply to a request; whatever goes wrong is a reply too."""
        try:
            request = decode(content, self._bounds, resolve=self._resolve)
            operation: Callable[..., Any] = getattr(self, f"_do_{request.pop('do')}")
            return self._encode({"value": operation(**request)})
        except TooMuch as error:
            return encode({"refused": str(error)})
        # An answer may raise anything: SystemExit and KeyboardInterrupt are its exceptions too.
        except BaseException as error:
            return encode({"raised": _describe(error)})

    def _encode(self, value: Any) -> bytes:
        return encode(value, self._bounds, refer=self._refer)

    def _refer(self, value: Any) -> Reference:
        self._objects.append(value)
        return Reference(len(self._objects) - 1, type(value).__name__)

    def _resolve(self, reference: Reference) -> Any:
        if reference.number >= len(self._objects):
            raise WireError(f"there is no object number {reference.number}")
        return self._objects[reference.number]

    def end(self) -> None:
        """End a test: whatever its calls have switched, the notebook goes on as it was before."""
        if self._notebooks is not None:
            switches.put_back(self._notebooks)
            self._notebooks = None

    def _do_start(self, seed: int) -> None:
        """Seed the notebook, and note how its process starts."""
        self._start = switches.read()
        seeds.reset(seed)
        SeededImports(seed).install()

    def _do_begin(self, names: list[str], seed: int, own: bool = False) -> dict[str, Any]:
        """Begin a test: forget the objects of the last one, and return those behind some names.

        Its calls run as in a process that has just started, or with all of the notebook's `own`
        switches.
        """
        self._objects.clear()
        self.end()
        self._notebooks = switches.read()
        if not own:
            switches.make_usual(self._start)
        seeds.reset(seed)
        return {name: self._namespace[name] for name in names if name in self._namespace}

    def _do_keep(self, test: str, names: list[str]) -> None:
        """Remember what names stand for at a test."""
        self._kept.keep(test, names)

    def _do_recall(self, test: str, names: list[str]) -> bool:
        """Let names stand for what they did at a test, and say whether that can be done."""
        return self._kept.recall(test, names)

    def _do_changed(self) -> list[str]:
        """Return which switches that matter the notebook has changed."""
        return switches.changed_switches(self._notebooks or {}, self._start)

    def _do_call(self, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return target(*arguments, **keywords)

    def _do_probe(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        own = importlib.import_module(self._probes) if self._probes else probes
        probe = getattr(own, name, None) or getattr(probes, name)
        return probe(*arguments, **keywords)

    def _do_attribute(self, target: Any, name: str) -> Any:
        return getattr(target, name)

    def _do_item(self, target: Any, key: Any) -> Any:
        return target[key]

    def _do_length(self, target: Any) -> int:
        return len(target)

    def _do_truth(self, target: Any) -> bool:
        return bool(target)

    def _do_contains(self, target: Any, item: Any) -> bool:
        return item in target

    def _do_number(self, target: Any) -> float:
        return float(target)

    def _do_iterate(self, target: Any, count: int) -> tuple[Any, list[Any], bool]:
        return self._do_next(iter(target), count)

    def _do_next(self, iterator: Any, count: int) -> tuple[Any, list[Any], bool]:
        """Return the iterator, up to `count` further items, and whether there may be more."""
        items: list[Any] = []
        for item in iterator:
            items.append(item)
            if len(items) == count:
                return self._refer(iterator), items, True
        return None, items, False

    def _do_plain(self, target: Any) -> Any:
        """Return the data of an object whose type extends a plain one."""
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(target, torch.Tensor):
            # `as_subclass` keeps the graph that a leaf of the judge could not have.
            data = target.detach().as_subclass(torch.Tensor)
            return data.requires_grad_(target.requires_grad)
        if isinstance(target, np.ndarray):
            return np.array(target, copy=True, subok=False)
        bases: tuple[Any, ...] = (tuple, list, dict, str, bytes, int, float, complex)
        for base in bases:
            if isinstance(target, base):
                return base(target)
        return target


def _describe(error: BaseException) -> dict[str, Any]:
    try:
        said = str(error)[:MAX_MESSAGE]
    except Exception:
        said = ""
    line, source = where(error)
    return {
        "name": str(type(error).__name__)[:100],
        "said": said,
        "line": line,
        "source": source[:200],
    }
