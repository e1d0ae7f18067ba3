"""What a student's kernel does for the judge: look up names, call, index, iterate, run probes.

A request and its reply are plain values (see `wire`); objects that are not stay here, under a
number. Nothing in this module is a secret, and nothing that it says is believed further than as
data: the student's code runs beside it.
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

#: Characters of an exception's message that are passed on.
MAX_ERROR_MESSAGE = 2000
#: Where a variable was none.
_NOTHING = object()
#: Bases of an exception's class that are told.
MAX_BASES_TOLD = 20


class Service:
    """Answers requests about the objects of a namespace.

    Parameters
    ----------
    namespace : dict
        The notebook's variables, as they are at the time of each request.
    bounds : ValueBounds
        Of requests and replies.
    probes : str
        The name of the course's own module of probes, if it has one.
    folder : Path, optional
        Where the notebook works, with nothing but what lay beside it so far.
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
        #: What the notebook's variables stood for that a test has changed.
        self._displaced: dict[str, Any] = {}
        #: How the notebook has its switches, while a test is on.
        self._notebooks: switches.SwitchState | None = None

    def answer(self, content: bytes | memoryview) -> bytes:
        """Return the reply to a request; whatever goes wrong is a reply too."""
        self._effects: dict[str, Any] = {}
        try:
            request = decode(content, self._bounds, resolve=self._resolve, handed=True)
            reply = self._reply(request)
            return self._encode({**reply, **self._told_effects(), **self._told_sharing()})
        except TooMuch as error:
            return encode({"refused": str(error)})
        # Nor may what an answer has put in the place of anything here end the kernel.
        except BaseException as error:
            return encode({"raised": _describe_error(error)})

    def _reply(self, request: dict[str, Any]) -> dict[str, Any]:
        operation: Callable[..., Any] = getattr(self, f"_do_{request.pop('do')}")
        try:
            return {"value": operation(**request)}
        except WireError:
            raise
        # An answer may raise anything: SystemExit and KeyboardInterrupt are its exceptions too.
        except BaseException as error:
            told = _describe_error(error)
            error.__traceback__ = None  # it would keep all that its frames hold
            return {"raised": {**told, "object": self._refer(error)}}

    def _told_effects(self) -> dict[str, Any]:
        effects, self._effects = self._effects, {}
        return {"effects": effects} if effects else {}

    def _told_sharing(self) -> dict[str, Any]:
        return {"sharing": told} if (told := self._held.told()) else {}

    def _encode(self, value: Any) -> bytes:
        return encode(value, self._bounds, refer=self._refer)

    def _refer(self, value: Any) -> Reference:
        """Return the number of an object that stays: the same each time, while a test is on."""
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
        if reference.number >= len(self._objects):
            raise WireError(f"there is no object number {reference.number}")
        return self._objects[reference.number]

    def _tests_function(self, reference: Reference) -> Any:
        """Return what stands here for a function of the test's."""
        number = reference.number - FUNCTION_NUMBERS
        if number not in self._functions:

            def function(*arguments: Any, **keywords: Any) -> Any:
                return self._call_back(number, arguments, keywords)

            function.__name__ = function.__qualname__ = reference.kind
            self._functions[number] = function
        return self._functions[number]

    def _iterate(self, number: int) -> Iterator[Any]:
        """Yield what an iterator of the test's gives, asked for each item when it is wanted."""
        while True:
            try:
                item = self._call_back(number, (), {})
            except StopIteration:
                return
            yield item

    def _call_back(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have the test's process call its function, and meanwhile answer what that asks."""
        if self.converse is None:
            raise RuntimeError("nobody is there to call")
        reply = self._encode({"callback": (number, arguments, keywords)})
        while True:
            request = decode(self.converse(reply), self._bounds, resolve=self._resolve, handed=True)
            if request["do"] == "resume":
                break
            self._effects = {}
            told = {**self._reply(request), **self._told_effects(), **self._told_sharing()}
            reply = self._encode(told)
        if "raised" in request:
            raise exception(*request["raised"])
        return request["value"]

    def end(self) -> None:
        """End a test: whatever its calls have switched, the notebook goes on as it was before."""
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
        """Seed the notebook, and note how its process starts."""
        self._start = switches.read_switches(usual=True)
        seeds.reset(seed)
        SeededImports(seed).install()

    def _do_begin(self, names: list[str], seed: int, own: bool = False) -> dict[str, Any]:
        """Begin a test: forget the objects of the last one, and return those behind some names.

        Its calls run as in a process that has just started, or with all of the notebook's `own`
        switches.
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
        """Remember what names stand for at a test."""
        self._kept.keep(test, names)

    def _do_recall(self, test: str, names: list[str]) -> bool:
        """Let names stand for what they did at a test, and say whether that can be done."""
        return self._kept.recall(test, names)

    def _do_changed(self) -> list[str]:
        """Return which switches that matter the notebook has changed."""
        return switches.changed_switches(self._notebooks or {}, self._start)

    def _do_call(
        self,
        target: Any,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        **circumstances: Any,
    ) -> Any:
        """Call an object, and note what that changes of what it is given, and prints."""
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
            result = None  # which would count as one that holds it
        self._held.note_call(counted)
        return self._held.note_result(result)

    def _do_await(self, target: Any, **circumstances: Any) -> Any:
        """Wait for a coroutine, or what else can be awaited, and return what it gives."""
        return self._do_call(self._awaiting.result, (target,), {}, **circumstances)

    def _do_anext(self, target: Any, **circumstances: Any) -> Any:
        """Wait for the next item of an asynchronous iterator."""
        following = type(target).__anext__
        return self._do_call(self._awaiting.result_of, (following, target), {}, **circumstances)

    def _do_aiter(self, target: Any) -> Reference:
        """Return the asynchronous iterator of an object."""
        return self._refer(type(target).__aiter__(target))

    def _do_operate(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Do what an operator or a function of Python's does."""
        return OPERATIONS[name](*arguments)

    def _do_names(self) -> list[str]:
        """Return the names of the notebook's variables that students see."""
        return [name for name in list(self._namespace) if not name.startswith("_")]

    def _do_bind(self, name: str, value: Any) -> None:
        """Set a variable of the notebook's while a test is on."""
        self._displaced.setdefault(name, self._namespace.get(name, _NOTHING))
        self._namespace[name] = value

    def _do_unbind(self, name: str) -> None:
        """Delete a variable of the notebook's while a test is on."""
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
        """Do to objects that the test has, too, what it did to its own."""
        self._held.take(values)

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
        # One that is used up by that goes no further than the test: it may ask otherwise then.
        return self._do_next(iterator, 1 if iterator is target else count)

    def _do_next(self, iterator: Any, count: int) -> tuple[Any, list[Any], bool]:
        """Return the iterator, up to `count` further items, and whether there may be more."""
        items: list[Any] = []
        for item in iterator:
            items.append(item)
            if len(items) == count:
                return self._refer(iterator), items, True
        return None, items, False

    def _do_folder_changes(self, since_start: bool) -> dict[str, Any] | str:
        """Return what the notebook has changed in its folder, or why that cannot be told.

        It is what changed since this was asked last, or since the start.
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
        """Do in the notebook's folder what a test did in its own."""
        if self._folder is not None:
            self._folder.apply(changes)

    def _do_plain(self, target: Any) -> Any:
        """Return the data of an object whose type extends a plain one."""
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(target, torch.Tensor):
            # `as_subclass` keeps the graph that a leaf of the judge could not have.
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
