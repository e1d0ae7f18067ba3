"""Stand-ins: what a test holds in the place of an object that stayed in the student's kernel.

A stand-in can be called, indexed, iterated, measured and asked for attributes. What else Python
would do with the object it cannot do, and no test may go on as if it could: to compare a stand-in
would compare the wrong thing. So each of these is refused, aloud, as a fault of the test.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

import numpy as np

from nbjudge.exceptions import CourseError
from nbjudge.kernel.wire import Reference
from nbjudge.remote import AnswerError, Remote

__all__ = ["StandIn", "Unable", "is_data", "is_function", "kind_in_words"]

DATA = (bool, int, float, complex, str, bytes, tuple, list, dict, np.ndarray, np.generic)

#: Kinds of objects that Python compares by identity and cannot calculate with: nobody's class has
#: such a name but on purpose, and who does that gains nothing.
BARE = frozenset(
    [
        *("async_generator", "builtin_function_or_method", "coroutine", "enumerate", "filter"),
        *("function", "generator", "map", "method", "module", "object", "reversed", "type", "zip"),
    ]
)
FUNCTIONS = frozenset(["builtin_function_or_method", "function", "method", "type"])


class Unable(CourseError):
    """A test asks for something that a stand-in cannot do: whatever comes of it is no mark."""


class Connection(Protocol):
    """What a stand-in needs of the judge's line to a kernel."""

    @property
    def is_lenient(self) -> bool:
        """Whether what is said now is only shown: the words of a failed assertion."""

    @property
    def most_items(self) -> int:
        """How many values may be taken from one object."""

    def ask(self, do: str, **details: Any) -> Any:
        """Let the kernel do something, and return what it found."""

    def blame(self, what: str) -> Unable:
        """Note what is wrong with the test, and return it as an exception."""

    def nonsense(self) -> CourseError:
        """Break the line because of a reply that no honest kernel gives."""


class StandIn(Remote):
    """Stands for an object that stayed in the kernel."""

    def __init__(self, line: Connection, reference: Reference) -> None:
        object.__setattr__(self, "_line", line)
        object.__setattr__(self, "_reference", reference)

    _line: Connection
    _reference: Reference

    # ---- What it can do: the kernel does it ----------------------------------------------------

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the object, in the kernel."""
        return self._line.ask("call", target=self, arguments=arguments, keywords=keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python's own questions are about this object, not that one
            raise AttributeError(name)
        return self._line.ask("attribute", target=self, name=name)

    def __getitem__(self, key: Any) -> Any:
        return self._line.ask("item", target=self, key=key)

    def __len__(self) -> int:
        length: int = self._number("length", int)
        if not 0 <= length < 2**31:
            raise self._line.nonsense()
        return length

    def __bool__(self) -> bool:
        truth: bool = self._number("truth", bool)
        return truth

    def __contains__(self, item: object) -> bool:
        found: bool = self._number("contains", bool, item=item)
        return found

    def __float__(self) -> float:
        number: float = self._number("number", float)
        return number

    def __iter__(self) -> Iterator[Any]:
        # Two at first: what gives a single item, as a loader of one batch does, has then ended.
        count, taken = 2, 0
        reply = self._line.ask("iterate", target=self, count=count)
        while True:
            iterator, items, more = self._items(reply)
            taken += len(items)
            if taken > (most := self._line.most_items):
                raise CourseError(f"{self!r} gives more than {most} values")
            yield from items
            if not more:
                return
            count = min(2 * count, 64)
            reply = self._line.ask("next", iterator=iterator, count=count)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        value = self._plain_()
        if not isinstance(value, StandIn):
            return np.array(value, dtype=dtype)
        if self._reference.kind in BARE:
            raise TypeError(f"{self!r} is no array")
        raise self._unable("makes an array of")

    def __repr__(self) -> str:
        return f"<{self._kind_()} in the student's kernel>"

    def _probe_(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return self._line.ask("probe", name=name, arguments=arguments, keywords=keywords)

    def _plain_(self) -> Any:
        return self._line.ask("plain", target=self)

    def _kind_(self) -> str:
        return kind_in_words(self._reference.kind)

    def _number(self, do: str, kind: type, **details: Any) -> Any:
        """Ask for a number; Python's own functions would stumble over anything else."""
        value = self._line.ask(do, target=self, **details)
        if type(value) is not kind:
            raise self._line.nonsense()
        return value

    def _items(self, reply: Any) -> tuple[Any, list[Any], bool]:
        if type(reply) is tuple and len(reply) == 3:
            iterator, items, more = reply
            if type(items) is list and type(more) is bool and (items or not more):
                return iterator, items, more
        raise self._line.nonsense()

    # ---- What it cannot do ---------------------------------------------------------------------

    def __eq__(self, other: object) -> Any:
        return self._compared("==", other)

    def __ne__(self, other: object) -> Any:
        return self._compared("!=", other)

    def __hash__(self) -> int:
        raise self._unable("takes the hash of")

    def __str__(self) -> str:
        if self._line.is_lenient:
            return repr(self)
        raise self._unable("uses `str` of")

    def __format__(self, spec: str) -> str:
        return str(self)

    def __setattr__(self, name: str, value: object) -> None:
        raise self._unable(f"sets the attribute `{name}` of")

    def __delattr__(self, name: str) -> None:
        raise self._unable(f"deletes the attribute `{name}` of")

    def __mro_entries__(self, bases: tuple[object, ...]) -> NoReturn:
        raise self._unable("makes a subclass of")

    def __reduce_ex__(self, protocol: object) -> NoReturn:  # copies and pickles ask for it
        raise self._unable("copies")

    def _compared(self, sign: str, other: object) -> Any:
        """Leave it to Python where nobody's code has a say, and to an array."""
        if isinstance(other, np.ndarray | np.generic):
            return NotImplemented
        if self._reference.kind in BARE and (other is None or is_data(other)):
            return NotImplemented
        raise self._unable(f"uses `{sign}` on")

    def _calculated(self, sign: str) -> Any:
        if self._reference.kind in BARE:
            raise _TypeError("TypeError", f"`{sign}` cannot be used on a {self._kind_()}")
        raise self._unable(f"uses `{sign}` on")

    def _unable(self, what: str) -> Unable:
        return self._line.blame(
            f"it {what} what stays in the student's kernel, an object of type '{self._kind_()}'"
        )


class _TypeError(AnswerError, TypeError):
    """The student's own: what the answer is can never be used so."""


def kind_in_words(kind: str) -> str:
    """Return the name of a type that a kernel sent, safe to show."""
    return "".join(c if c.isprintable() else "�" for c in kind)


def is_data(value: object) -> bool:
    """Say whether a value is such as a kernel sends: never an object that stays there."""
    torch = sys.modules.get("torch")
    return isinstance(value, DATA) or (torch is not None and isinstance(value, torch.Tensor))


def is_function(value: StandIn) -> bool:
    """Say whether it is certain that the object can be called."""
    return value._reference.kind in FUNCTIONS


def _calculation(sign: str) -> Callable[..., Any]:
    return lambda self, *_: self._calculated(sign)


def _refusal(what: str) -> Callable[..., Any]:
    def refuse(self: StandIn, *_: object) -> NoReturn:
        raise self._unable(what)

    return refuse


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
REFUSALS = {
    **{"int": "uses `int` of", "index": "uses as an index", "complex": "uses `complex` of"},
    **{"bytes": "uses `bytes` of", "dir": "uses `dir` of", "fspath": "uses as a path"},
    **{"setitem": "sets an item of", "delitem": "deletes an item of"},
    **{"next": "uses `next` on", "reversed": "reverses"},
    **{"enter": "uses `with` on", "exit": "uses `with` on", "await": "awaits"},
    **{"aenter": "uses `async with` on", "aiter": "uses `async for` on"},
    **{"copy": "copies", "deepcopy": "copies", "instancecheck": "uses `isinstance` with"},
}
for _name, _sign in CALCULATIONS.items():
    setattr(StandIn, f"__{_name}__", _calculation(_sign))
for _name, _sign in OPERATORS.items():
    for _prefix in ("", "r", "i"):
        if (_prefix, _name) != ("i", "divmod"):
            setattr(StandIn, f"__{_prefix}{_name}__", _calculation(_sign))
for _name, _what in REFUSALS.items():
    setattr(StandIn, f"__{_name}__", _refusal(_what))
