"""Stand-ins: proxies for objects that stay in a student's kernel.

A stand-in can always be called, indexed, iterated, and asked for its length and attributes. The
kernel also applies other operations, such as comparisons, if the test applies them to the objects
of the course's own solution: see `permissions`. Otherwise a lying object could pass for the right
answer, so the operation raises `Unable`, a fault of the test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from typing import Any, NoReturn, Protocol

import numpy as np

from nbjudge.exceptions import CourseError
from nbjudge.kernel.wire import Reference, plain_types
from nbjudge.remote import AnswerError, Remote

__all__ = ["MOST_AT_ONCE", "StandIn", "Unable", "is_data", "is_function", "kind_in_words"]

DATA_TYPES = (bool, int, float, complex, str, bytes, tuple, list, dict, np.ndarray, np.generic)

#: How many items of an iteration one request fetches at most.
MOST_AT_ONCE = 64
#: Names of types that Python compares by identity and cannot calculate with. A student's class can
#: have such a name only on purpose, and gains nothing by it.
BARE = frozenset(
    [
        *("async_generator", "builtin_function_or_method", "coroutine", "enumerate", "filter"),
        *("function", "generator", "map", "method", "module", "object", "reversed", "type", "zip"),
    ]
)
FUNCTION_TYPES = frozenset(["builtin_function_or_method", "function", "method", "type"])


class Unable(CourseError):
    """A test did something that a stand-in does not support: a fault of the test, not a mark."""


class Connection(Protocol):
    """The part of `KernelChannel` that a stand-in uses."""

    @property
    def is_lenient(self) -> bool:
        """Whether the message of a failed assertion is being made, which affects no mark."""

    @property
    def most_items(self) -> int:
        """How many values may be taken from one object."""

    def ask(self, do: str, **details: Any) -> Any:
        """Send a request to the kernel, and return the result."""

    def call(self, target: StandIn, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have the kernel call an object, and return the result."""

    def operate(self, name: str, what: str, *arguments: Any) -> Any:
        """Have the kernel apply an operator or a function of Python, if the test may."""

    def wait(self, do: str, target: StandIn) -> Any:
        """Have the kernel await an object, and return the result."""

    def blame(self, what: str) -> Unable:
        """Note a fault of the test, and return it as an exception."""

    def nonsense(self) -> CourseError:
        """Mark the channel as broken by a malformed reply, and return the error."""


class StandIn(Remote):
    """A proxy for an object in the kernel.

    Its own attributes end with an underscore; every other name is an attribute of the object.
    """

    def __init__(self, line: Connection, reference: Reference) -> None:
        object.__setattr__(self, "_line_", line)
        object.__setattr__(self, "_reference_", reference)

    _line_: Connection
    _reference_: Reference

    # ---- Always allowed: the kernel does it ----------------------------------------------------

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the object in the kernel."""
        return self._line_.call(self, arguments, keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python itself asks for these, about the stand-in
            raise AttributeError(name)
        return self._line_.ask("attribute", target=self, name=name)

    def __getitem__(self, key: Any) -> Any:
        return self._line_.ask("item", target=self, key=key)

    def __len__(self) -> int:
        length: int = self._number_("length", int)
        if not 0 <= length < 2**31:
            raise self._line_.nonsense()
        return length

    def __bool__(self) -> bool:
        truth: bool = self._number_("truth", bool)
        return truth

    def __contains__(self, item: object) -> bool:
        found: bool = self._number_("contains", bool, item=item)
        return found

    def __float__(self) -> float:
        number: float = self._number_("number", float)
        return number

    def __iter__(self) -> Iterator[Any]:
        # The first request is for two items, so that an iteration of one item, such as a loader of
        # one batch, ends with it. The kernel reads an iterator (a generator, say) item by item.
        count, taken = 2, 0
        reply = self._line_.ask("iterate", target=self, count=count)
        while True:
            iterator, items, more = self._items_(reply)
            taken += len(items)
            if taken > (most := self._line_.most_items):
                raise CourseError(f"{self!r} gives more than {most} values")
            yield from items
            if not more:
                return
            count = 1 if iterator is self else min(2 * count, MOST_AT_ONCE)
            reply = self._line_.ask("next", iterator=iterator, count=count)

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self._line_.wait("await", self)

    def __aiter__(self) -> Any:
        iterator = self._line_.ask("aiter", target=self)
        if not isinstance(iterator, StandIn):
            raise self._line_.nonsense()
        return iterator

    async def __anext__(self) -> Any:
        return self._line_.wait("anext", self)

    async def __aenter__(self) -> Any:
        return await self._operate_("aenter", "uses `async with` on")

    async def __aexit__(self, *raised: Any) -> Any:
        return await self._operate_("aexit", "uses `async with` on", self._told_of_(*raised[:2]))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        value = self._plain_()
        if not isinstance(value, StandIn):
            return np.array(value, dtype=dtype)
        if self._reference_.kind in BARE:
            raise TypeError(f"{self!r} is no array")
        raise self._unable_("makes an array of")

    def __repr__(self) -> str:
        return f"<{self._kind_()} in the student's kernel>"

    def _probe_(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return self._line_.ask("probe", name=name, arguments=arguments, keywords=keywords)

    def _plain_(self) -> Any:
        return self._line_.ask("plain", target=self)

    def _kind_(self) -> str:
        return kind_in_words(self._reference_.kind)

    def _number_(self, do: str, kind: type, **details: Any) -> Any:
        """Request a number or a bool, and check its type, on which Python's functions rely."""
        value = self._line_.ask(do, target=self, **details)
        if type(value) is not kind:
            raise self._line_.nonsense()
        return value

    def _items_(self, reply: Any) -> tuple[Any, list[Any], bool]:
        if type(reply) is tuple and len(reply) == 3:
            iterator, items, more = reply
            if type(items) is list and type(more) is bool and (items or not more):
                return iterator, items, more
        raise self._line_.nonsense()

    # ---- Allowed where the test does it with the solution's objects, too -------------------------

    def __eq__(self, other: object) -> Any:
        return self._compare_("eq", "==", other)

    def __ne__(self, other: object) -> Any:
        return self._compare_("ne", "!=", other)

    def __hash__(self) -> int:
        number: int = self._operate_as_("hash", "takes the hash of", int)
        return number

    def __str__(self) -> str:
        if self._line_.is_lenient:
            return repr(self)
        text: str = self._operate_as_("str", "uses `str` of", str)
        return text

    def __format__(self, spec: str) -> str:
        if self._line_.is_lenient:
            return repr(self)
        text: str = self._operate_as_("format", "uses `str` of", str, spec)
        return text

    def __setattr__(self, name: str, value: object) -> None:
        self._operate_("setattr", f"sets the attribute `{name}` of", name, value)

    def __delattr__(self, name: str) -> None:
        self._operate_("delattr", f"deletes the attribute `{name}` of", name)

    def __copy__(self) -> Any:
        return self._operate_("copy", "copies")

    def __deepcopy__(self, memo: Any) -> Any:
        return self._operate_("deepcopy", "copies")

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        return self._operate_("exit", "uses `with` on", self._told_of_(kind, error))

    @property
    def __signature__(self) -> inspect.Signature:
        """The signature of the object, for `inspect.signature`."""
        told = self._operate_("signature", "asks for the signature of")
        try:
            return inspect.Signature(
                [
                    inspect.Parameter(
                        name,
                        inspect._ParameterKind(kind),
                        **dict(zip(("default", "annotation"), rest, strict=True)),
                    )
                    for name, kind, *rest in _parameters(told)
                ]
            )
        except (TypeError, ValueError):
            raise self._line_.nonsense() from None

    # ---- Never allowed -------------------------------------------------------------------------

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        raise self._unable_("makes a subclass of")

    def __reduce_ex__(self, protocol: object) -> NoReturn:  # used by `pickle`
        raise self._unable_("copies")

    def _told_of_(self, kind: Any, error: Any) -> list[str] | None:
        return None if error is None else [getattr(error, "name", kind.__name__), str(error)]

    def _compare_(self, name: str, sign: str, other: object) -> Any:
        """Compare in the kernel, unless Python's default or an array's operator decides."""
        if isinstance(other, np.ndarray | np.generic):
            return NotImplemented
        if self._reference_.kind in BARE and (other is None or is_data(other)):
            return NotImplemented
        return self._operate_(name, f"uses `{sign}` on", other)

    def _calculate_(self, name: str, sign: str, *others: Any, is_reflected: bool = False) -> Any:
        if self._reference_.kind in BARE:
            raise _TypeError("TypeError", f"`{sign}` cannot be used on a {self._kind_()}")
        if is_reflected:
            return self._line_.operate(name, self._sentence_(f"uses `{sign}` on"), *others, self)
        return self._operate_(name, f"uses `{sign}` on", *others)

    def _operate_(self, name: str, what: str, *others: Any) -> Any:
        return self._line_.operate(name, self._sentence_(what), self, *others)

    def _operate_as_(self, name: str, what: str, kind: type, *others: Any) -> Any:
        """Return the result of an operation whose type Python requires."""
        value = self._operate_(name, what, *others)
        if type(value) is not kind:
            raise self._line_.nonsense()
        return value

    def _unable_(self, what: str) -> Unable:
        return self._line_.blame(self._sentence_(what))

    def _sentence_(self, what: str) -> str:
        kind = self._kind_()
        return f"it {what} what stays in the student's kernel, an object of type '{kind}'"


class _TypeError(AnswerError, TypeError):
    """The TypeError that the operation would raise in the kernel: an error of the answer."""


def kind_in_words(kind: str) -> str:
    """Return a type's name from a kernel with unprintable characters replaced."""
    return "".join(c if c.isprintable() else "�" for c in kind)


def is_data(value: object) -> bool:
    """Return whether a value is of a type that crosses by value."""
    return isinstance(value, (*DATA_TYPES, *plain_types()))


def is_function(value: StandIn) -> bool:
    """Return whether the object is certain to be callable."""
    return value._reference_.kind in FUNCTION_TYPES


def _parameters(told: Any) -> list[tuple[Any, ...]]:
    """Return a signature's parameters from a kernel: name, kind, default, annotation.

    Raises
    ------
    ValueError
        If the kernel sent anything else.
    """
    if type(told) is not list or any(type(each) is not tuple or len(each) != 6 for each in told):
        raise ValueError(told)
    found: list[tuple[Any, ...]] = []
    for name, kind, has_default, default, has_annotation, annotation in told:
        if type(name) is not str or type(kind) is not int:
            raise ValueError(told)
        empty = inspect.Parameter.empty
        found.append(
            (
                name,
                kind,
                default if has_default is True else empty,
                annotation if has_annotation is True else empty,
            )
        )
    return found


def _calculation(name: str, sign: str, *, is_reflected: bool = False) -> Callable[..., Any]:
    return lambda self, *others: self._calculate_(name, sign, *others, is_reflected=is_reflected)


def _operation(name: str, what: str, kind: type | None) -> Callable[..., Any]:
    if kind is None:
        return lambda self, *others: self._operate_(name, what, *others)
    return lambda self, *others: self._operate_as_(name, what, kind, *others)


CALCULATIONS = {
    **{"lt": "<", "le": "<=", "gt": ">", "ge": ">="},
    **{"neg": "-", "pos": "+", "invert": "~", "abs": "abs", "round": "round"},
    **{"trunc": "trunc", "floor": "floor", "ceil": "ceil"},
}
OPERATORS = {
    **{"add": "+", "sub": "-", "mul": "*", "matmul": "@", "truediv": "/", "floordiv": "//"},
    **{"mod": "%", "divmod": "divmod", "pow": "**", "lshift": "<<", "rshift": ">>"},
    **{"and": "&", "or": "|", "xor": "^"},
}
#: For each operation, the phrase for messages, and the type of result that Python requires.
OPERATION_WORDS: dict[str, tuple[str, type | None]] = {
    **{"int": ("uses `int` of", int), "index": ("uses as an index", int)},
    **{"complex": ("uses `complex` of", complex), "bytes": ("uses `bytes` of", bytes)},
    **{"dir": ("uses `dir` of", list), "fspath": ("uses as a path", str)},
    **{"setitem": ("sets an item of", None), "delitem": ("deletes an item of", None)},
    **{"next": ("uses `next` on", None), "reversed": ("reverses", None)},
    **{"enter": ("uses `with` on", None)},
    "instancecheck": ("uses `isinstance` with", bool),
}
for _name, _sign in CALCULATIONS.items():
    setattr(StandIn, f"__{_name}__", _calculation(_name, _sign))
for _name, _sign in OPERATORS.items():
    setattr(StandIn, f"__{_name}__", _calculation(_name, _sign))
    setattr(StandIn, f"__r{_name}__", _calculation(_name, _sign, is_reflected=True))
    if _name != "divmod":
        setattr(StandIn, f"__i{_name}__", _calculation(f"i{_name}", _sign))
for _name, (_what, _type) in OPERATION_WORDS.items():
    setattr(StandIn, f"__{_name}__", _operation(_name, _what, _type))
