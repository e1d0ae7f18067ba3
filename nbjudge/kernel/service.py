"""Answer the judge's requests in a student's kernel: look up names, call, index, iterate, probe.

Requests and replies are plain values (see `wire`). Objects that are not plain stay here and are
referred to by number. The student's code runs in the same process, so nothing in this module is
secret, and the judge takes its replies for untrusted data.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nbjudge import probes, seeds
from nbjudge.kernel import switches
from nbjudge.kernel.awaiting import Awaiting
from nbjudge.kernel.circumstances import circumstances_of
from nbjudge.kernel.held_objects import HeldObjects
from nbjudge.kernel.kept_names import KeptNames
from nbjudge.kernel.notebook_imports import SeededImports
from nbjudge.kernel.operations import OPERATIONS, exception
from nbjudge.kernel.references import (
    FUNCTION_NUMBERS,
    HELD_NUMBERS,
    ITERATORS,
    builtin_type,
    find_by_name,
    is_name,
)
from nbjudge.kernel.wire import (
    Reference,
    TooMuch,
    ValueBounds,
    WireError,
    decode,
    encode,
    rebuilt,
)
from nbjudge.kernel.working_folder import NO_CHANGES, WorkingFolder
from nbjudge.plain.album import Album, is_changeable
from nbjudge.remote import where

__all__ = ["Service"]

#: Characters of an exception's message that are sent.
MAX_ERROR_MESSAGE = 2000
#: Marks a variable that did not exist.
_NOTHING = object()
#: Bases of an exception's class that are sent.
MAX_BASES_TOLD = 20


class Service:
    """Answers requests about the objects of a namespace.

    Parameters
    ----------
    namespace : dict
        The notebook's variables; each request sees their values at its time.
    bounds : ValueBounds
        Bounds of requests and replies.
    probes : str
        The name of the course's own module of probes, if it has one.
    folder : Path, optional
        The notebook's working folder, as it is before the first cell runs.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        bounds: ValueBounds | None = None,
        *,
        probes: str = "",
        folder: Path | None = None,
    ) -> None:
        self._namespace = namespace
        self._kept = KeptNames(namespace)
        self._bounds = bounds or ValueBounds()
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._functions: dict[int, Callable[..., Any]] = {}
        self._iterators: dict[int, Iterator[Any]] = {}
        self._awaiting = Awaiting()
        self._album = Album(self._encode)
        self._held = HeldObjects()
        #: Sends a reply and returns the next request, while one is being answered.
        self.converse: Callable[[bytes], bytes | memoryview] | None = None
        self._probes = probes
        self._folder = WorkingFolder(folder) if folder is not None else None
        self._start: switches.SwitchState = {}
        #: The notebook's own values of variables that the current test has changed.
        self._displaced: dict[str, Any] = {}
        #: The notebook's own state of all switches, while a test runs.
        self._notebooks: switches.SwitchState | None = None

    def answer(self, content: bytes | memoryview) -> bytes:
        """Return the reply to a request; any error becomes a reply, too."""
        self._effects: dict[str, Any] = {}
        try:
            request = decode(content, self._bounds, resolve=self._resolve, handed=True)
            return self._encode_reply(self._reply(request))
        except TooMuch as error:
            return encode({"refused": str(error)})
        # An answer may have patched anything used here: even so, the kernel must not end.
        except BaseException as error:
            return encode({"raised": _describe_error(error)})

    def _reply(self, request: dict[str, Any]) -> dict[str, Any]:
        operation: Callable[..., Any] = getattr(self, f"_do_{request.pop('do')}")
        try:
            return {"value": operation(**request)}
        except WireError:
            raise
        # An answer may raise anything, SystemExit and KeyboardInterrupt included.
        except BaseException as error:
            told = _describe_error(error)
            error.__traceback__ = None  # it would keep its frames' variables alive
            return {"raised": {**told, "object": self._refer(error)}}

    def _encode_reply(self, reply: dict[str, Any]) -> bytes:
        """Return a reply as bytes, with a call's side effects and the changes of shared objects."""
        told = {**reply, **self._told_effects()}
        sharing = self._held.told()
        if sharing:
            try:
                return self._encode({**told, "sharing": sharing})
            except TooMuch:  # which must not cost the answer its mark
                self._held.lose()
        return self._encode(told)

    def _told_effects(self) -> dict[str, Any]:
        effects, self._effects = self._effects, {}
        return {"effects": effects} if effects else {}

    def _encode(self, value: Any) -> bytes:
        return encode(value, self._bounds, refer=self._refer)

    def _refer(self, value: Any) -> Reference:
        """Return the reference to an object that stays; it does not change during a test."""
        if (known := builtin_type(value)) is not None:
            return known
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)  # so that nothing else gets its id
        return Reference(number, type(value).__name__)

    def _resolve(self, reference: Reference) -> Any:
        if is_name(reference):
            return find_by_name(reference)
        if reference.number >= FUNCTION_NUMBERS:
            return self._tests_function(reference)
        if reference.number >= ITERATORS:
            number = reference.number - ITERATORS
            return self._iterators.setdefault(number, self._iterate(number))
        if reference.number >= HELD_NUMBERS:
            return self._held.find(reference.number - HELD_NUMBERS)
        if reference.number >= len(self._objects):
            raise WireError(f"there is no object number {reference.number}")
        return self._objects[reference.number]

    def _tests_function(self, reference: Reference) -> Any:
        """Return the function that calls a test's function back; the same one each time."""
        number = reference.number - FUNCTION_NUMBERS
        if number not in self._functions:

            def function(*arguments: Any, **keywords: Any) -> Any:
                return self._call_back(number, arguments, keywords)

            function.__name__ = function.__qualname__ = reference.kind
            self._functions[number] = function
        return self._functions[number]

    def _iterate(self, number: int) -> Iterator[Any]:
        """Yield the items of a test's iterator, requesting each only when it is needed."""
        while True:
            try:
                item = self._call_back(number, (), {})
            except StopIteration:
                return
            yield item

    def _call_back(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have the judge call a test's function; answer the requests that it makes meanwhile."""
        if self.converse is None:
            raise RuntimeError("nobody is there to call")
        reply = self._encode({"callback": (number, arguments, keywords)})
        while True:
            request = decode(self.converse(reply), self._bounds, resolve=self._resolve, handed=True)
            if request["do"] == "resume":
                break
            self._effects = {}
            reply = self._encode_reply(self._reply(request))
        if "raised" in request:
            raise exception(*request["raised"])
        return request["value"]

    def end(self) -> None:
        """End a test: restore the switches and variables that its calls have changed."""
        self._awaiting.end()
        if self._notebooks is not None:
            switches.put_back(self._notebooks)
            self._notebooks = None
        for name, value in self._displaced.items():
            if value is _NOTHING:
                self._namespace.pop(name, None)
            else:
                self._namespace[name] = value
        self._displaced.clear()

    def _do_start(self, seed: int) -> None:
        """Seed the generators, and note the switches with which the process starts."""
        self._start = switches.read_switches(usual=True)
        seeds.reset(seed)
        SeededImports(seed).install()

    def _do_begin(self, names: list[str], seed: int, own: bool = False) -> dict[str, Any]:
        """Begin a test: forget the last one's objects, and return the values of some variables.

        The test's calls run with the switches of a new process, or with the notebook's if `own`.
        """
        self._objects.clear()
        self._numbers.clear()
        self._functions.clear()
        self._iterators.clear()
        self._held.forget()
        self.end()
        self._notebooks = switches.read_switches()
        if not own:
            switches.make_usual(self._start)
        seeds.reset(seed)
        found = {name: self._namespace[name] for name in names if name in self._namespace}
        return self._held.note_result(found)  # type: ignore[no-any-return]

    def _do_keep(self, test: str, names: list[str]) -> None:
        """Remember the bindings of names at a test."""
        self._kept.keep(test, names)

    def _do_recall(self, test: str, names: list[str]) -> bool:
        """Restore the bindings of names at a test; return whether all could be restored."""
        return self._kept.recall(test, names)

    def _do_changed(self) -> list[str]:
        """Return the names of relevant switches that the notebook has changed."""
        return switches.changed_switches(self._notebooks or {}, self._start)

    def _do_call(
        self,
        target: Any,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        **circumstances: Any,
    ) -> Any:
        """Call an object; note which arguments the call changes, and what it prints."""
        handed: dict[Any, Any] = {**dict(enumerate(arguments)), **keywords}
        pages = self._album.used
        before = {
            place: self._album.picture(value)
            for place, value in handed.items()
            if is_changeable(value)
        }
        counted = self._held.count_references(handed)
        result, same = None, None
        effects: dict[str, Any] = {}
        try:
            with circumstances_of(**circumstances) as effects:
                result = target(*arguments, **keywords)
            same = next((place for place in before if handed[place] is result), None)
        finally:
            effects["changed"] = {
                place: handed[place]
                for place, picture in before.items()
                if not self._album.shows(picture, handed[place])
            }
            effects["same"] = same
            self._album.used = pages
            self._effects = {name: what for name, what in effects.items() if what not in (None, {})}
        if same is not None:
            result = None  # its reference would be counted as the answer's
        self._held.note_call(counted)
        return self._held.note_result(result)

    def _do_await(self, target: Any, **circumstances: Any) -> Any:
        """Return the result of a coroutine or another awaitable."""
        return self._do_call(self._awaiting.result, (target,), {}, **circumstances)

    def _do_anext(self, target: Any, **circumstances: Any) -> Any:
        """Wait for the next item of an asynchronous iterator."""
        following = type(target).__anext__
        return self._do_call(self._awaiting.result_of, (following, target), {}, **circumstances)

    def _do_aiter(self, target: Any) -> Reference:
        """Return the asynchronous iterator of an object."""
        return self._refer(type(target).__aiter__(target))

    def _do_operate(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Apply one of the operators and functions in `OPERATIONS`."""
        return OPERATIONS[name](*arguments)

    def _do_names(self) -> list[str]:
        """Return the names of the notebook's variables, but for those that begin with `_`."""
        return [name for name in list(self._namespace) if not name.startswith("_")]

    def _do_bind(self, name: str, value: Any) -> None:
        """Set a variable of the notebook until the test ends."""
        self._displaced.setdefault(name, self._namespace.get(name, _NOTHING))
        self._namespace[name] = value

    def _do_unbind(self, name: str) -> None:
        """Delete a variable of the notebook until the test ends."""
        self._displaced.setdefault(name, self._namespace.get(name, _NOTHING))
        self._namespace.pop(name, None)

    def _do_variable(self, name: str) -> Any:
        return self._namespace[name]

    def _do_probe(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        own = importlib.import_module(self._probes) if self._probes else probes
        probe = getattr(own, name, None) or getattr(probes, name)
        return probe(*arguments, **keywords)

    def _do_attribute(self, target: Any, name: str) -> Any:
        value = getattr(target, name)
        return self._held.note_result(value)

    def _do_item(self, target: Any, key: Any) -> Any:
        value = target[key]
        return self._held.note_result(value)

    def _do_update(self, values: dict[int, Any]) -> None:
        """Repeat the test's changes of its copies of shared objects."""
        self._held.take(values)

    def _do_missed(self) -> bool:
        """Return whether the test has missed a change of a shared object."""
        return self._held.has_missed()

    def _do_length(self, target: Any) -> int:
        return len(target)

    def _do_truth(self, target: Any) -> bool:
        return bool(target)

    def _do_contains(self, target: Any, item: Any) -> bool:
        return item in target

    def _do_number(self, target: Any) -> float:
        return float(target)

    def _do_iterate(self, target: Any, count: int) -> tuple[Any, list[Any], bool]:
        iterator = iter(target)
        # An iterator is used up by being read, so it is not read further than the test has asked:
        # the test may go on to use it in another way.
        return self._do_next(iterator, 1 if iterator is target else count)

    def _do_next(self, iterator: Any, count: int) -> tuple[Any, list[Any], bool]:
        """Return the iterator, up to `count` of its next items, and whether more may follow."""
        items: list[Any] = []
        for item in iterator:
            items.append(item)
            if len(items) == count:
                return self._refer(iterator), items, True
        return None, items, False

    def _do_folder_changes(self, since_start: bool) -> dict[str, Any] | str:
        """Return the changes in the notebook's folder, or a sentence why they cannot be sent.

        They are those since the last such request, or since the start.
        """
        if self._folder is None:
            return dict(NO_CHANGES)
        if since_start:
            self._folder.start_over()
        try:
            return self._folder.changes()
        except TooMuch as error:
            return str(error)

    def _do_folder_apply(self, changes: dict[str, Any]) -> None:
        """Repeat in the notebook's folder the changes that a test made in its own."""
        if self._folder is not None:
            self._folder.apply(changes)

    def _do_plain(self, target: Any) -> Any:
        """Return the plain value of an object whose class extends a plain type."""
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(target, torch.Tensor):
            # `detach` drops the graph, since the judge's copy is always a leaf.
            data = target.detach().as_subclass(torch.Tensor)
            return data.requires_grad_(target.requires_grad)
        if isinstance(target, np.ndarray):
            return np.array(target, copy=True, subok=False)
        if (data := rebuilt(target)) is not target:
            return data
        bases: tuple[Any, ...] = (*(tuple, list, dict, str, bytes, bytearray, int, float, complex),)
        for base in bases:
            if isinstance(target, base):
                return base(target)
        return target


def _describe_error(error: BaseException) -> dict[str, Any]:
    try:
        said = str(error)[:MAX_ERROR_MESSAGE]
    except Exception:
        said = ""
    line, source = where(error)
    return {
        "name": str(type(error).__name__)[:100],
        "said": said,
        "line": line,
        "source": source[:200],
        "bases": [base.__name__[:100] for base in type(error).__mro__[1:MAX_BASES_TOLD]],
    }
