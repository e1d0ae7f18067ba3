"""How values cross between a test's process and a student's kernel: as data that nothing runs.

A value becomes bytes, and a value again. Both processes import this module. `decode` is the one
place where what a kernel sends is parsed, and trusts none of it. There is no pickle in either
direction.

Plain values are those of exactly these types: None, bool, int, float, complex, str, bytes, NumPy
scalars, arrays and tensors of numbers or bools, and tuples, lists and dicts of plain values (a
dict's keys are numbers, strings, bytes, None, or tuples of these). They arrive bit for bit, NaN's
payload and the sign of zero included. Any other object stays where it is; a `Reference` crosses.
"""

# A value is written from the outside in: one byte that says what comes, then
#     N T F    nothing: None, True, False
#     i        size, a signed little-endian integer of so many bytes
#     f c      one or two IEEE doubles
#     s b      size, UTF-8 (surrogates let through) or bytes
#     ( [      count, so many values
#     {        count, so many keys, so many values
#     n        dtype, the bytes of a NumPy scalar
#     a        dtype, number of sides, sides, the elements in C order
#     t g      the same for a tensor; g requires a gradient
#     o        number, kind: an object that stays
# Sizes, counts, sides and numbers are unsigned 64-bit integers; dtypes and kinds are like strings.

from __future__ import annotations

import importlib
import math
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from types import NoneType
from typing import Any

import numpy as np

from nbjudge.exceptions import CourseError

__all__ = [
    "REPLY",
    "REPORT",
    "REQUEST",
    "Bounds",
    "Malformed",
    "NotPlain",
    "Reference",
    "TooMuch",
    "WireError",
    "decode",
    "encode",
]

#: The types of the Jupyter messages that carry the first request and its reply.
REQUEST, REPLY = "judge_request", "judge_reply"
#: Where the metadata of the reply to a cell say how the cell was left.
REPORT = "course"
MAX_INTEGER_BYTES = 128
MAX_SIDES = 64  # NumPy's own
MAX_SHAPE = 2**53  # bytes, sides of zero left out: far from where sizes and strides overflow
MAX_REFERENCE = 2**53
MAX_KIND = 200
MAX_SHOWN = 100
#: Of the 2098 powers of two that a float can be, 35 share a hash; data made to be slow shares more.
MAX_SAME_HASH = 64

_NUMBER = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
_TWO_DOUBLES = struct.Struct("<dd")

_KEY_TYPES = frozenset([NoneType, bool, int, float, complex, str, bytes, tuple])
_CONSTANTS = {b"N": None, b"T": True, b"F": False}
_KEY_TAGS = frozenset([b"N", b"T", b"F", b"i", b"f", b"c", b"s", b"b", b"("])

#: NumPy's scalar types and their one-letter codes, which keep int64 and longlong apart.
_CODES: dict[type, str] = {np.dtype(code).type: code for code in "?bBhHiIlLqQefdgFDG"}
_SCALARS = {code: np.dtype(code) for code in _CODES.values()}
_DTYPES = {
    dtype.str[0] + code: dtype
    for code, native in _SCALARS.items()
    for dtype in (native, native.newbyteorder())
}
#: Names of PyTorch's dtypes; those of the second line can require a gradient.
_COUNTED = {"bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"}
_MEASURED = {"float16", "bfloat16", "float32", "float64", "complex64", "complex128"}


class WireError(CourseError):
    """A value cannot cross, or what came is no value.

    The message goes on where the caller says what was sent: "the result: it takes more than 64 MB".
    """


class NotPlain(WireError):
    """An object that has to stay where it is.

    Parameters
    ----------
    kind : str
        The name of its type. It may come from a student's code: it is cut and made printable.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = _printable(kind, MAX_SHOWN)

    def __str__(self) -> str:
        article = "an" if self.kind[:1].lower() in set("aeiou") else "a"
        return (
            f"{article} {self.kind} cannot leave the notebook: a number, a string, an array, "
            "a tensor, or a list, tuple or dict of these was expected"
        )


class TooMuch(WireError):
    """A value is beyond a bound."""


class Malformed(WireError):
    """What came was not written by `encode`."""


@dataclass(frozen=True)
class Bounds:
    """What a value may take at most.

    Parameters
    ----------
    bytes : int
        Of all that crosses.
    depth : int
        Of tuples, lists and dicts within each other.
    items : int
        Values in all: itself, and every element, key and value at any depth.
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
        The name of its type, of which 200 printable characters cross.
    """

    number: int
    kind: str


def encode(
    value: Any,
    bounds: Bounds = Bounds(),
    *,
    refer: Callable[[object], Reference] | None = None,
) -> bytes:
    """Return a value as bytes.

    The value is measured before anything of its size is built. While another thread changes it, the
    bytes are within the bounds all the same, but may mix old and new, and be refused by `decode`.

    Parameters
    ----------
    value : object
        Plain, or a `Reference`, or a tuple, list or dict that holds such.
    bounds : Bounds
    refer : callable, optional
        Given an object that is not plain, returns what stands for it, or raises `NotPlain`.

    Raises
    ------
    NotPlain
        If part of the value is not plain, and there is no `refer`.
    TooMuch
        If it is beyond a bound, as a list that contains itself is.
    """
    with _room_to_work():
        writer = _Writer(bounds, refer)
        writer.write(value)
        return b"".join(writer.parts)


def decode(
    content: bytes | memoryview,
    bounds: Bounds = Bounds(),
    *,
    resolve: Callable[[Reference], Any] | None = None,
) -> Any:
    """Return the value that bytes stand for, whoever wrote them.

    Parameters
    ----------
    content : bytes or memoryview
        Not modified. It can be let go of afterwards: arrays and tensors are copies, and writable.
    bounds : Bounds
    resolve : callable, optional
        Turns a `Reference` into what the receiver wants. Without it, references stay as they are.

    Returns
    -------
    object
        A plain value, with whatever `resolve` returned in the place of references. A tensor that
        requires a gradient is a leaf.

    Raises
    ------
    Malformed
        If it is nothing that `encode` returns.
    TooMuch
        If the value is beyond a bound.
    """
    with _room_to_work():
        reader = _Reader(content, bounds, resolve)
        value = reader.read()
        reader.finish()
        return value


class _Budget:
    """What is left of the bounds. Writer and reader count alike, so what one lets pass both do."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.bytes_left = bounds.bytes
        self.items_left = bounds.items
        self.items(1)

    def bytes(self, count: int) -> None:
        self.fits(count)
        self.bytes_left -= count

    def fits(self, count: int) -> None:
        if count > self.bytes_left:
            bound = self.bounds.bytes
            shown = f"{bound / 2**20:g} MB" if bound >= 2**20 else f"{bound} bytes"
            raise TooMuch(f"it takes more than {shown}")

    def items(self, count: int) -> None:
        if count > self.items_left:
            raise TooMuch(f"it holds more than {self.bounds.items} values")
        self.items_left -= count

    def level(self, depth: int) -> None:
        if depth > self.bounds.depth:
            raise TooMuch(f"it is nested more than {self.bounds.depth} deep")


class _Writer:
    def __init__(self, bounds: Bounds, refer: Callable[[object], Reference] | None) -> None:
        self.budget = _Budget(bounds)
        self.refer = refer
        self.parts: list[bytes | memoryview] = []

    def put(self, *parts: bytes | memoryview) -> None:
        for part in parts:
            self.budget.bytes(len(part))
            self.parts.append(part)

    def text(self, text: str) -> None:
        self.budget.fits(len(text))
        content = text.encode("utf-8", "surrogatepass")
        self.put(_NUMBER.pack(len(content)), content)

    def write(self, value: Any, depth: int = 0, *, key: bool = False) -> None:
        kind = type(value)
        if key and kind not in _KEY_TYPES:
            raise NotPlain(_kind(value))
        if value is None or kind is bool:
            self.put(b"N" if value is None else b"T" if value else b"F")
        elif kind is int:
            self.integer(value)
        elif kind is float:
            self.put(b"f", _DOUBLE.pack(value))
        elif kind is complex:
            self.put(b"c", _TWO_DOUBLES.pack(value.real, value.imag))
        elif kind is str:
            self.put(b"s")
            self.text(value)
        elif kind is bytes:
            self.put(b"b", _NUMBER.pack(len(value)), value)
        elif kind is tuple or kind is list:
            self.sequence(b"(" if kind is tuple else b"[", value, depth + 1, key)
        elif kind is dict:
            self.mapping(value, depth + 1)
        elif kind in _CODES:
            self.put(b"n")
            self.text(_CODES[kind])
            self.put(value.tobytes())
        elif kind is np.ndarray and value.dtype.type in _CODES and value.dtype.names is None:
            self.array(value)
        elif kind is Reference:
            self.reference(value)
        elif kind is getattr(sys.modules.get("torch"), "Tensor", None):
            self.tensor(value)
        else:
            self.stay(value)

    def integer(self, value: int) -> None:
        # The bits of ~value are those of a negative value but for its sign: -128 takes one byte.
        size = (value if value >= 0 else ~value).bit_length() // 8 + 1
        if size > MAX_INTEGER_BYTES:
            raise TooMuch(f"it holds an integer of more than {MAX_INTEGER_BYTES} bytes")
        self.put(b"i", _NUMBER.pack(size), value.to_bytes(size, "little", signed=True))

    def sequence(self, tag: bytes, values: Sequence[Any], depth: int, key: bool = False) -> None:
        self.budget.level(depth)
        self.budget.items(len(values))
        values = tuple(islice(values, len(values)))  # another thread may change a list meanwhile
        self.put(tag, _NUMBER.pack(len(values)))
        for value in values:
            self.write(value, depth, key=key)

    def mapping(self, value: dict[Any, Any], depth: int) -> None:
        self.budget.level(depth)
        self.budget.items(2 * len(value))
        pairs = tuple(islice(value.items(), len(value)))
        before = len(self.parts)
        self.put(b"{", _NUMBER.pack(len(pairs)))
        try:
            for key, _ in pairs:
                self.write(key, depth, key=True)
        except NotPlain as bad:
            del self.parts[before:]
            self.stay(value, f"dict with a key of type {bad.kind}")
            return
        for _, item in pairs:
            self.write(item, depth)

    def array(self, value: np.ndarray[Any, Any]) -> None:
        shape, dtype = value.shape, value.dtype
        self.budget.fits(_size(shape, dtype.itemsize))
        self.elements(b"a", dtype.str[0] + _CODES[dtype.type], shape, value)

    def tensor(self, value: Any) -> None:
        torch = sys.modules["torch"]
        dtype = str(value.dtype).removeprefix("torch.")
        kind = f"Tensor ({dtype}, {value.layout}, {value.device})"
        dense = value.layout is torch.strided and not value.is_nested
        if dtype not in _COUNTED | _MEASURED or not dense or value.device.type != "cpu":
            self.stay(value, kind)
            return
        shape = tuple(value.shape)
        self.budget.fits(_size(shape, value.dtype.itemsize))
        try:
            bare = value.detach()
            if dtype == "bfloat16":  # which NumPy does not have
                bare = bare.resolve_neg().view(torch.int16)
            # Forced, it also resolves what PyTorch puts off: conjugates, negatives and zeros.
            elements = bare.numpy(force=True)
        except RuntimeError:  # what torch.func passes to a function has no elements to be read
            self.stay(value, kind)
            return
        self.elements(b"g" if value.requires_grad else b"t", dtype, shape, elements)

    def elements(
        self, tag: bytes, dtype: str, shape: Sequence[int], elements: np.ndarray[Any, Any]
    ) -> None:
        self.put(tag)
        self.text(dtype)
        self.put(*map(_NUMBER.pack, (len(shape), *shape)))
        # A view where it can be: the one copy is that into the message.
        self.put(_bytes_of(np.ascontiguousarray(elements)).data)

    def stay(self, value: object, kind: str = "") -> None:
        if self.refer is None:
            raise NotPlain(kind or _kind(value))
        self.reference(self.refer(value))

    def reference(self, reference: Reference) -> None:
        self.put(b"o", _NUMBER.pack(reference.number))
        self.text(_printable(reference.kind, MAX_KIND))


class _Reader:
    def __init__(
        self,
        content: bytes | memoryview,
        bounds: Bounds,
        resolve: Callable[[Reference], Any] | None,
    ) -> None:
        self.budget = _Budget(bounds)
        self.content = memoryview(content).cast("B")
        self.budget.bytes(len(self.content))
        self.position = 0
        self.resolve = resolve

    def take(self, size: int, fault: str = "it ends too early") -> memoryview:
        start, self.position = self.position, self.position + size
        if self.position > len(self.content):
            raise Malformed(fault)
        return self.content[start : self.position]

    def number(self) -> int:
        (number,) = _NUMBER.unpack(self.take(_NUMBER.size))
        return int(number)

    def text(self) -> str:
        try:
            return str(self.take(self.number()), "utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise Malformed("it holds text that is not UTF-8") from None

    def shape(self) -> tuple[int, ...]:
        sides = self.number()
        if sides > MAX_SIDES:
            raise TooMuch(f"it has more than {MAX_SIDES} dimensions")
        return tuple(self.number() for _ in range(sides))

    def elements(self, shape: Sequence[int], itemsize: int) -> memoryview:
        return self.take(_size(shape, itemsize), "its shape does not fit its data")

    def finish(self) -> None:
        if self.position < len(self.content):
            raise Malformed("it goes on after its end")

    def read(self, depth: int = 0, *, key: bool = False) -> Any:
        tag = bytes(self.take(1))
        if key and tag not in _KEY_TAGS:
            raise Malformed("it holds a dict with a key that is not plain")
        match tag:
            case b"N" | b"T" | b"F":
                return _CONSTANTS[tag]
            case b"i":
                return self.integer()
            case b"f":
                return _DOUBLE.unpack(self.take(_DOUBLE.size))[0]
            case b"c":
                return complex(*_TWO_DOUBLES.unpack(self.take(_TWO_DOUBLES.size)))
            case b"s":
                return self.text()
            case b"b":
                return bytes(self.take(self.number()))
            case b"(" | b"[":
                values = self.values(depth + 1, key)
                return tuple(values) if tag == b"(" else values
            case b"{":
                return self.mapping(depth + 1)
            case b"n":
                return self.scalar()
            case b"a":
                return self.array()
            case b"t" | b"g":
                return self.tensor(with_gradient=tag == b"g")
            case b"o":
                return self.reference()
        raise Malformed("it holds something unknown")

    def integer(self) -> int:
        size = self.number()
        if not 1 <= size <= MAX_INTEGER_BYTES:
            raise Malformed("it holds an integer of a wrong size")
        return int.from_bytes(self.take(size), "little", signed=True)

    def values(self, depth: int, key: bool = False) -> list[Any]:
        self.budget.level(depth)
        count = self.number()
        self.budget.items(count)
        return [self.read(depth, key=key) for _ in range(count)]

    def mapping(self, depth: int) -> dict[Any, Any]:
        self.budget.level(depth)
        count = self.number()
        self.budget.items(2 * count)
        keys = [self.read(depth, key=True) for _ in range(count)]
        # Keys of one hash are compared in pairs: a hundred thousand would take minutes.
        if max(Counter(map(hash, keys)).values(), default=0) > MAX_SAME_HASH:
            raise TooMuch(f"it holds a dict in which more than {MAX_SAME_HASH} keys have one hash")
        found = {key: self.read(depth) for key in keys}
        if len(found) < count:
            raise Malformed("it holds a dict with the same key twice")
        return found

    def scalar(self) -> Any:
        dtype = _SCALARS.get(self.text())
        if dtype is None:
            raise Malformed("it holds a scalar of an unknown dtype")
        return _array((), dtype, self.take(dtype.itemsize))[()]

    def array(self) -> np.ndarray[Any, Any]:
        dtype = _DTYPES.get(self.text())
        if dtype is None:
            raise Malformed("it holds an array of an unknown dtype")
        shape = self.shape()
        return _array(shape, dtype, self.elements(shape, dtype.itemsize))

    def tensor(self, with_gradient: bool) -> Any:
        try:
            torch = importlib.import_module("torch")
        except ModuleNotFoundError as error:
            raise WireError("there is a tensor, and no PyTorch to read it with") from error

        name = self.text()
        allowed = _MEASURED if with_gradient else _COUNTED | _MEASURED
        dtype = getattr(torch, name, None) if name in allowed else None
        if dtype is None:
            raise Malformed("it holds a tensor of an unknown dtype")
        shape = self.shape()
        content = self.elements(shape, dtype.itemsize)
        if dtype is torch.bool:
            _refuse_odd_bools(content)
        # Made by torch, so that it owns its memory; and on the CPU, whatever the default device is.
        tensor = torch.empty(shape, dtype=dtype, device="cpu")
        _bytes_of(tensor.reshape(-1).view(torch.uint8).numpy())[:] = content
        return tensor.requires_grad_(with_gradient)

    def reference(self) -> Any:
        reference = Reference(self.number(), self.text())
        if reference.number >= MAX_REFERENCE or len(reference.kind) > MAX_KIND:
            raise Malformed("it holds a reference that cannot be")
        return reference if self.resolve is None else self.resolve(reference)


@contextmanager
def _room_to_work() -> Iterator[None]:
    """Tell a process without memory, or near the end of its stack, from a fault in the program."""
    try:
        yield
    except (MemoryError, RecursionError):
        raise TooMuch("it needs more memory than there is") from None


def _size(shape: Sequence[int], itemsize: int) -> int:
    """Return how many bytes the elements of an array take."""
    if len(shape) > MAX_SIDES:
        raise TooMuch(f"it has more than {MAX_SIDES} dimensions")
    if itemsize * math.prod(max(side, 1) for side in shape) >= MAX_SHAPE:
        raise TooMuch("its shape is too large")
    return itemsize * math.prod(shape)


def _array(
    shape: tuple[int, ...], dtype: np.dtype[Any], content: memoryview
) -> np.ndarray[Any, Any]:
    if dtype.kind == "b":
        _refuse_odd_bools(content)
    array = np.empty(shape, dtype)
    _bytes_of(array)[:] = content
    return array


def _bytes_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the bytes of an array whose elements lie side by side; they are not copied."""
    return array.reshape(-1).view(np.uint8)


def _refuse_odd_bools(content: memoryview) -> None:
    """Refuse a bool of 2, which is true and yet not equal to True."""
    if np.ndarray(len(content), np.uint8, content).max(initial=0) > 1:
        raise Malformed("it holds a bool that is neither true nor false")


def _kind(value: object) -> str:
    """Return the name of a type, in spite of a metaclass that has its own idea of it."""
    kind = type(value)
    if kind is np.ndarray:
        return f"array of dtype {value.dtype}"  # type: ignore[attr-defined]
    return str(type.__dict__["__name__"].__get__(kind))


def _printable(text: str, limit: int) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:limit])
