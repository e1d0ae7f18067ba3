"""How each type of value crosses as data: its bounds, its errors, and how it is taken apart.

A `Kind` takes values of one type apart into plain values and puts them together again. To let
another type cross, write its `Kind`: here for the standard library, in `arrays` and `frames` for
NumPy and pandas. `kernel.wire` does the rest. It does not trust parts that came from a kernel: it
compares their types with those of the kind, and refuses parts that make no value.
"""

from __future__ import annotations

import datetime
import io
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from types import NoneType, UnionType
from typing import Any, get_args
from zoneinfo import ZoneInfo

from nbjudge.exceptions import CourseError

__all__ = [
    "HANDED",
    "LIBRARY",
    "Kind",
    "Malformed",
    "NotPlain",
    "Reference",
    "TooMuch",
    "ValueBounds",
    "WireError",
    "check_hashes",
    "check_zone",
    "printable_beginning",
]

#: 35 of the 2098 powers of two that are floats share one hash; data made to be slow shares more.
MAX_SAME_HASH = 64
#: A longer range takes no room on the wire, but much memory once a test makes a list of it.
MAX_RANGE = 10**7
#: Digits and exponent of a decimal, of which a test may make an integer or a fraction.
MAX_DIGITS = 10_000
MAX_PART_SHOWN = 100

#: A name in the time zone database. It has no dots, so it can name no path or module elsewhere.
_ZONE = re.compile(r"[A-Za-z][\w+-]{0,30}(/[A-Za-z][\w+-]{0,30}){0,2}", re.ASCII)


class WireError(CourseError):
    """A value cannot cross, or the bytes received are no value.

    The message continues a phrase of the caller's: "the result: it takes more than 64 MB".
    """


class NotPlain(WireError):
    """An object that has to stay where it is.

    Parameters
    ----------
    kind : str
        The name of its type. A student's code may have chosen it, so it is cut and made printable.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = printable_beginning(kind, MAX_PART_SHOWN)

    def __str__(self) -> str:
        article = "an" if self.kind[:1].lower() in set("aeiou") else "a"
        return (
            f"{article} {self.kind} cannot leave the notebook: a number, a string, an array, "
            "a table, or a list, tuple, dict or set of these was expected"
        )


class TooMuch(WireError):
    """A value exceeds a bound."""


class Malformed(WireError):
    """The bytes received were not written by `encode`."""


@dataclass(frozen=True)
class ValueBounds:
    """The largest value that may cross.

    Parameters
    ----------
    bytes : int
        Size of the encoded value.
    depth : int
        Levels of nesting: tuples, lists, dicts and other values made of values.
    items : int
        Number of values: the value itself and every element, key and part at any depth.
    """

    bytes: int = 64 * 2**20
    depth: int = 16
    items: int = 100_000


@dataclass(frozen=True)
class Reference:
    """Stands for an object that stays in the kernel.

    Parameters
    ----------
    number : int
        The kernel's number of the object, in [0, 2⁵³).
    kind : str
        The name of its type, cut to 200 printable characters.
    """

    number: int
    kind: str


@dataclass(frozen=True)
class Kind:
    """How values of exactly one type cross.

    Parameters
    ----------
    name : str
        Its name on the wire.
    take_apart : callable
        Returns a value's parts, which are plain or of another kind. It raises `TooMuch` if the
        value exceeds a bound, and any other exception if this value has to stay where it is.
    put_together : callable
        Returns the value made of the parts. It raises an exception if `take_apart` cannot have
        returned them.
    parts : tuple of types or unions, optional
        The exact type of each part; `object` if `put_together` checks the type itself. None: any
        number of parts, each of them hashable.
    is_key : bool
        Whether a value can be a key of a dict: hashing and comparing is cheap even for values from
        an untrusted sender.
    holds : bool
        Whether a part may contain references to objects that stay, as a list may.
    is_sized : bool
        Whether `len` of a value counts values that encoding it will count, too.
    attributes : frozenset of str, optional
        The attributes that a value may have. A value with others stays, since they would be lost.
    """

    name: str
    take_apart: Callable[[Any], Iterable[Any]]
    put_together: Callable[..., Any]
    parts: tuple[type | UnionType, ...] | None = ()
    is_key: bool = False
    holds: bool = False
    is_sized: bool = False
    attributes: frozenset[str] | None = None

    def apart(self, value: Any) -> tuple[Any, ...]:
        """Return a value's parts.

        Raises
        ------
        NotPlain
            If this value has to stay where it is.
        TooMuch
            If it exceeds a bound.
        """
        own = getattr(value, "__dict__", {}) if self.attributes is not None else {}
        if own.keys() - (self.attributes or ()):
            raise NotPlain(f"{self.name} with attributes of its own")
        try:
            return tuple(self.take_apart(value))
        except (NotPlain, TooMuch, MemoryError, RecursionError):
            raise
        except Exception:
            raise NotPlain(type(value).__name__) from None

    def build(self, parts: list[Any]) -> Any:
        """Return the value made of parts from an untrusted sender.

        Raises
        ------
        Malformed
            If they make no value.
        TooMuch
            If it would exceed a bound.
        """
        fault = Malformed(f"it holds a {self.name} that cannot be")
        if self.parts is None:
            check_hashes(parts, self.name)
        elif len(parts) != len(self.parts) or not all(map(_is_made_of, parts, self.parts)):
            raise fault
        try:
            return self.put_together(*parts)
        except (WireError, MemoryError, RecursionError):
            raise
        except Exception:
            raise fault from None


def check_hashes(keys: Iterable[Any], what: str) -> None:
    """Refuse keys of which too many share a hash, before they go into a dict or a set.

    Keys with one hash are compared pairwise: a hundred thousand would take minutes.

    Raises
    ------
    Malformed
        If one of them has no hash.
    TooMuch
        If more than 64 share one.
    """
    try:
        most = max(Counter(map(hash, keys)).values(), default=0)
    except TypeError:
        raise Malformed(f"it holds a {what} with a key that has no hash") from None
    if most > MAX_SAME_HASH:
        raise TooMuch(f"it holds a {what} in which more than {MAX_SAME_HASH} keys have one hash")


def printable_beginning(text: str, limit: int) -> str:
    """Return the beginning of a text, with unprintable characters replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:limit])


def _is_made_of(part: object, allowed: type | UnionType) -> bool:
    return allowed is object or type(part) is allowed or type(part) in get_args(allowed)


# ---- Containers ---------------------------------------------------------------------------------


def _distinct(kind: type) -> Callable[..., Any]:
    def put_together(*elements: Any) -> Any:
        value = kind(elements)
        if len(value) < len(elements):
            raise ValueError("the same element twice")
        return value

    return put_together


def _put_counter_together(counts: dict[Any, Any]) -> Counter[Any]:
    counter: Counter[Any] = Counter()
    dict.update(counter, counts)  # Counter.update would add the counts, which may be no numbers
    return counter


#: Factories that a defaultdict keeps when it crosses, by name. None of them runs a student's code.
_FACTORIES: dict[str, type | None] = {
    "": None,
    **{
        kind.__name__: kind
        for kind in (bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset)
    },
}


def _take_defaultdict_apart(value: defaultdict[Any, Any]) -> tuple[Any, dict[Any, Any]]:
    """Return the factory's name, or the factory itself, which crosses as a reference; and items."""
    factory = value.default_factory
    named = (name for name, kind in _FACTORIES.items() if kind is factory)
    return next(named, factory), dict(value)


def _put_defaultdict_together(factory: Any, items: dict[Any, Any]) -> defaultdict[Any, Any]:
    return defaultdict(_FACTORIES[factory] if type(factory) is str else factory, items)


# ---- Numbers ------------------------------------------------------------------------------------


def _check_range(value: range) -> range:
    # `len` fails for a range longer than `sys.maxsize`.
    if (value.stop - value.start) // value.step >= MAX_RANGE:
        raise ValueError("too long")
    return value


def _take_decimal_apart(value: Decimal) -> tuple[str]:
    _, digits, power = value.as_tuple()
    if len(digits) > MAX_DIGITS or (isinstance(power, int) and abs(power) > MAX_DIGITS):
        raise TooMuch(f"it holds a decimal of more than {MAX_DIGITS} digits or powers of ten")
    return (str(value),)


def _put_decimal_together(text: str) -> Decimal:
    if len(text) > 2 * MAX_DIGITS or not text.isascii():
        raise ValueError("too long")
    value = Decimal(text)
    if _take_decimal_apart(value) != (text,):
        raise ValueError("another spelling")
    return value


def _put_fraction_together(numerator: int, denominator: int) -> Fraction:
    value = Fraction(numerator, denominator)
    if (value.numerator, value.denominator) != (numerator, denominator):
        raise ValueError("not in lowest terms")
    return value


# ---- Dates and times ----------------------------------------------------------------------------


def check_zone(zone: datetime.tzinfo | None) -> datetime.tzinfo | None:
    """Return a time zone, or None, if it is of a type that crosses; raise ValueError otherwise."""
    if type(zone) not in (NoneType, datetime.timezone, ZoneInfo):
        raise ValueError("a time zone of another type")
    return zone


def _take_zone_apart(zone: ZoneInfo) -> tuple[str]:
    if zone.key is None or ZoneInfo(zone.key) is not zone:
        raise ValueError("not as the database has it")
    return (zone.key,)


def _put_zone_together(key: str) -> ZoneInfo:
    if not _ZONE.fullmatch(key):
        raise ValueError("no name of a zone")
    return ZoneInfo(key)


def _take_offset_apart(zone: datetime.timezone) -> tuple[datetime.timedelta, str | None]:
    # The constructor's arguments: `tzname` would give a name even where none was passed.
    offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
    return offset, (name[0] if name else None)


def _put_offset_together(offset: datetime.timedelta, name: str | None) -> datetime.timezone:
    return datetime.timezone(offset) if name is None else datetime.timezone(offset, name)


def _put_datetime_together(*parts: Any) -> datetime.datetime:
    *numbers, zone, fold = parts
    return datetime.datetime(*numbers, tzinfo=check_zone(zone), fold=fold)  # type: ignore[misc]


def _put_time_together(*parts: Any) -> datetime.time:
    *numbers, zone, fold = parts
    return datetime.time(*numbers, tzinfo=check_zone(zone), fold=fold)  # type: ignore[misc]


# ---- Paths --------------------------------------------------------------------------------------


def _path_kind(kind: type[PurePath]) -> Kind:
    """Return the kind of a class of paths. Concrete paths cross in one direction: see `HANDED`."""

    def put_together(text: str) -> PurePath:
        path = kind(text)
        if str(path) != text:
            raise ValueError("another spelling")
        return path

    def take_apart(path: PurePath) -> tuple[str]:
        if put_together(text := str(path)).parts != path.parts:
            raise ValueError("another path")
        return (text,)

    return Kind(kind.__name__, take_apart, put_together, (str,), is_key=True)


# ---- Streams in memory --------------------------------------------------------------------------


def _take_stream_apart(stream: Any) -> tuple[Any, ...]:
    """Return a stream's content, its newline mode if it has one, position, and if it is closed."""
    if stream.closed:
        stream, is_closed = type(stream)(), True
    else:
        is_closed = False
    *how, position, _ = stream.__getstate__()
    return (*how, _check_position(position, how[0]), is_closed)


def _put_stream_together(kind: type[io.StringIO | io.BytesIO]) -> Callable[..., Any]:
    def put_together(*parts: Any) -> Any:
        *how, position, is_closed = parts
        stream: Any = kind()
        stream.__setstate__((*how, _check_position(position, how[0]), None))
        if is_closed:
            stream.close()
        return stream

    return put_together


def _check_position(position: int, content: str | bytes) -> int:
    """Return a position within the content: a write far beyond the end would fill the gap."""
    if not 0 <= position <= len(content):
        raise ValueError("a position outside its content")
    return position


#: The kinds that cross only from a test to a kernel. In the other direction a concrete path stays
#: as a reference, so that it opens and moves files only where the answer runs.
HANDED: dict[type, Kind] = {type(Path()): _path_kind(type(Path()))}

#: The kinds of the standard library.
LIBRARY: dict[type, Kind] = {
    set: Kind("set", tuple, _distinct(set), None, is_sized=True),
    frozenset: Kind("frozenset", tuple, _distinct(frozenset), None, is_key=True, is_sized=True),
    range: Kind(
        "range",
        lambda r: (_check_range(r).start, r.stop, r.step),
        lambda *ends: _check_range(range(*ends)),
        (int, int, int),
        is_key=True,
    ),
    slice: Kind("slice", lambda s: (s.start, s.stop, s.step), slice, (object, object, object)),
    deque: Kind(
        "deque",
        lambda d: (list(d), d.maxlen),
        deque,
        (list, int | NoneType),
        holds=True,
        is_sized=True,
    ),
    Counter: Kind(
        "Counter",
        lambda c: (dict(c),),
        _put_counter_together,
        (dict,),
        holds=True,
        is_sized=True,
        attributes=frozenset(),
    ),
    OrderedDict: Kind(
        "OrderedDict",
        lambda d: (dict(d),),
        OrderedDict,
        (dict,),
        holds=True,
        is_sized=True,
        attributes=frozenset(),
    ),
    defaultdict: Kind(
        "defaultdict",
        _take_defaultdict_apart,
        _put_defaultdict_together,
        (object, dict),
        holds=True,
        is_sized=True,
        attributes=frozenset(),
    ),
    Decimal: Kind("Decimal", _take_decimal_apart, _put_decimal_together, (str,), is_key=True),
    Fraction: Kind(
        "Fraction",
        lambda f: (f.numerator, f.denominator),
        _put_fraction_together,
        (int, int),
        is_key=True,
    ),
    datetime.date: Kind(
        "date", lambda d: (d.year, d.month, d.day), datetime.date, (int, int, int), is_key=True
    ),
    datetime.time: Kind(
        "time",
        lambda t: (t.hour, t.minute, t.second, t.microsecond, check_zone(t.tzinfo), t.fold),
        _put_time_together,
        (int, int, int, int, object, int),
        is_key=True,
    ),
    datetime.datetime: Kind(
        "datetime",
        lambda t: (
            *(t.year, t.month, t.day, t.hour, t.minute, t.second, t.microsecond),
            *(check_zone(t.tzinfo), t.fold),
        ),
        _put_datetime_together,
        (int, int, int, int, int, int, int, object, int),
        is_key=True,
    ),
    datetime.timedelta: Kind(
        "timedelta",
        lambda t: (t.days, t.seconds, t.microseconds),
        datetime.timedelta,
        (int, int, int),
        is_key=True,
    ),
    datetime.timezone: Kind(
        "timezone",
        _take_offset_apart,
        _put_offset_together,
        (datetime.timedelta, str | NoneType),
        is_key=True,
    ),
    ZoneInfo: Kind("ZoneInfo", _take_zone_apart, _put_zone_together, (str,), is_key=True),
    io.StringIO: Kind(
        "StringIO",
        _take_stream_apart,
        _put_stream_together(io.StringIO),
        (str, str | NoneType, int, bool),
        attributes=frozenset(),
    ),
    io.BytesIO: Kind(
        "BytesIO",
        _take_stream_apart,
        _put_stream_together(io.BytesIO),
        (bytes, int, bool),
        attributes=frozenset(),
    ),
    PurePosixPath: _path_kind(PurePosixPath),
    PureWindowsPath: _path_kind(PureWindowsPath),
}
