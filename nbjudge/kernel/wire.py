"""How values cross between a test's process and a student's kernel: as data that nothing runs.

A value becomes bytes, and a value again. Both processes import this module. `decode` is the one
place where what a kernel sends is parsed, and trusts none of it. There is no pickle in either
direction.

Plain values are those of exactly these types: None, bool, int, float, complex, str, bytes,
bytearray, `...`, NumPy scalars, arrays and tensors of numbers or bools, arrays of texts and dates,
and tuples, lists and dicts of plain values; and what the modules of `plain` take apart into such:
sets, dates, fractions, streams in memory, arrays of objects, tables, dtypes. A dict's keys are
numbers, texts, bytes, None, dates, dtypes, and tuples and frozensets of these. They arrive bit for
bit, NaN's payload and the sign of zero included. Any other object stays where it is; a `Reference`
crosses.
"""

# A value is written from the outside in: one byte that says what comes, then
#     N T F .  nothing: None, True, False, an ellipsis
#     i        size, a signed little-endian integer of so many bytes
#     f c      one or two IEEE doubles
#     s b B    size, UTF-8 (surrogates let through), bytes or those of a bytearray
#     ( [      count, so many values
#     {        count, so many keys, so many values
#     n        dtype, the bytes of a NumPy scalar
#     a        dtype, number of sides, sides, the elements in C order
#     t g      the same for a tensor; g requires a gradient
#     k        the name of a kind, count, so many parts
#     o        number, kind: an object that stays
# Sizes, counts, sides and numbers are unsigned 64-bit integers; dtypes and kinds are like strings.

from __future__ import annotations

import functools
import importlib
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from nbjudge.plain.arrays import (
    ARRAYS,
    CODES,
    MAX_SIDES,
    SCALARS,
    array_of,
    bytes_of,
    check_bools,
    dtype_name,
    named_dtype,
    size_of,
)
from nbjudge.plain.frames import FRAMES, frame_types
from nbjudge.plain.kinds import (
    HANDED,
    LIBRARY,
    Kind,
    Malformed,
    NotPlain,
    Reference,
    TooMuch,
    ValueBounds,
    WireError,
    check_hashes,
    printable_beginning,
)
from nbjudge.plain.torch_values import DTYPES, MEASURED, TORCH, torch_types

__all__ = [
    "Malformed",
    "NotPlain",
    "Reference",
    "TooMuch",
    "ValueBounds",
    "WireError",
    "decode",
    "encode",
    "plain_types",
    "rebuilt",
]

USUAL_BOUNDS = ValueBounds()
MAX_INTEGER_BYTES = 128
MAX_REFERENCE = 2**53
MAX_KIND = 200
#: Bytes of an array that are copied sooner than looked at.
SMALL = 4096
ENDS_EARLY = "it ends too early"

_NUMBER = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
_FLOAT = struct.Struct("<cd")
_TWO_DOUBLES = struct.Struct("<dd")

_KEY_TAGS = frozenset(b"NTFifcsb(nk")

#: What is taken apart: its types, and its names.
_KINDS_BY_TYPE: dict[type, Kind] = LIBRARY | ARRAYS
_KINDS_BY_NAME: dict[str, Kind] = {
    kind.name: kind for kinds in (LIBRARY, ARRAYS, FRAMES, TORCH) for kind in kinds.values()
}
#: The same of what crosses only from a test to an answer.
_NAMED_HANDED: dict[str, Kind] = {kind.name: kind for kind in HANDED.values()}


def encode(
    value: Any,
    bounds: ValueBounds = USUAL_BOUNDS,
    *,
    refer: Callable[[object], Reference] | None = None,
    handed: bool = False,
) -> bytes:
    """Return a value as bytes.

    The value is measured before anything of its size is built. While another thread changes it, the
    bytes are within the bounds all the same, but may mix old and new, and be refused by `decode`.

    Parameters
    ----------
    value : object
        Plain, or a `Reference`, or a tuple, list or dict that holds such.
    bounds : ValueBounds
    refer : callable, optional
        Given an object that is not plain, returns what stands for it, or raises `NotPlain`.
    handed : bool
        Whether a test sends it to an answer, so that paths may cross.

    Raises
    ------
    NotPlain
        If part of the value is not plain, and there is no `refer`.
    TooMuch
        If it is beyond a bound, as a list that contains itself is.
    """
    with _room_to_work():
        writer = _ValueWriter(bounds, refer, handed)
        writer.write(value)
        return b"".join(writer.parts)


def decode(
    content: bytes | memoryview,
    bounds: ValueBounds = USUAL_BOUNDS,
    *,
    resolve: Callable[[Reference], Any] | None = None,
    handed: bool = False,
) -> Any:
    """Return the value that bytes stand for, whoever wrote them.

    Parameters
    ----------
    content : bytes or memoryview
        Not modified. It can be let go of afterwards: arrays and tensors are copies, and writable.
    bounds : ValueBounds
    resolve : callable, optional
        Turns a `Reference` into what the receiver wants. Without it, references stay as they are.
    handed : bool
        See `encode`.

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
        reader = _ValueReader(content, bounds, resolve, handed)
        value = reader.read()
        reader.finish()
        return value


def plain_types() -> tuple[type, ...]:
    """Return the types whose values cross, as far as their modules are loaded."""
    tensor = getattr(sys.modules.get("torch"), "Tensor", None)
    tensors = (tensor,) if isinstance(tensor, type) else ()
    return (*_WRITE.keys() - {Reference}, *_KINDS_BY_TYPE, *_late_types(), *tensors)


def rebuilt(value: Any) -> Any:
    """Return the data of a value whose type extends one that is taken apart; else the value."""
    kinds = _KINDS_BY_TYPE | _late_types()
    how = next((kinds[base] for base in type(value).__mro__ if base in kinds), None)
    if how is None:
        return value
    try:
        return how.put_together(*how.take_apart(value))
    except Exception:  # it would not cross as of that type either
        return value


def _late_types() -> dict[type, Kind]:
    """Return the kinds of libraries that may not be loaded."""
    return frame_types() | torch_types()


class _Budget:
    """What is left of the bounds. Writer and reader count alike, so what one lets pass both do."""

    def __init__(self, bounds: ValueBounds) -> None:
        self.bounds = bounds
        self.bytes_left = bounds.bytes
        self.items_left = bounds.items
        self.items(1)

    def bytes(self, count: int) -> None:
        if count > self.bytes_left:
            self.fits(count)  # which says why not
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

    def left(self) -> tuple[int, int]:
        return self.bytes_left, self.items_left

    def restore(self, left: tuple[int, int]) -> None:
        """Take back what was written since."""
        self.bytes_left, self.items_left = left

    def room(self, count: int) -> None:
        """Refuse what holds more values than may come, before it is looked into."""
        self.items(count)
        self.items_left += count

    def level(self, depth: int) -> None:
        if depth > self.bounds.depth:
            raise TooMuch(f"it is nested more than {self.bounds.depth} deep")


class _ValueWriter:
    def __init__(
        self, bounds: ValueBounds, refer: Callable[[object], Reference] | None, handed: bool
    ) -> None:
        self.budget = _Budget(bounds)
        self.refer = refer
        self.handed = handed
        #: Whether a value is being taken apart that crosses as a whole, or not at all.
        self.whole = False
        #: The part of a value that is being written: a dict cannot stay without the rest.
        self.part: object = None
        self.parts: list[bytes | memoryview] = []
        self.late: Mapping[type, Kind] | None = None

    def put(self, *parts: bytes | memoryview) -> None:
        self.budget.bytes(sum(map(len, parts)))
        self.parts += parts

    def text(self, text: str) -> None:
        self.budget.fits(len(text))
        content = text.encode("utf-8", "surrogatepass")
        self.put(_NUMBER.pack(len(content)), content)

    def write(self, value: Any, depth: int = 0, *, key: bool = False) -> None:
        kind = type(value)
        if type(kind) is not type and not _is_known(kind):
            # A class whose own class says to what it is equal: no table may be asked for it.
            if key:
                raise NotPlain(_type_name(value))
            self.stay(value)
            return
        write = _WRITE.get(kind)
        if write is not None and not key:
            write(self, value, depth)
        elif kind is tuple:
            self.sequence(b"(", value, depth + 1, key=True)
        elif write is not None and (kind in _KEY_TYPES or kind in CODES):
            write(self, value, depth)
        elif not key and kind is getattr(sys.modules.get("torch"), "Tensor", None):
            self.tensor(value)
        elif (how := self.kind_of(kind)) is not None and (how.is_key or not key):
            self.kind(how, value, depth + 1, key)
        elif key:
            raise NotPlain(_type_name(value))
        else:
            self.stay(value)

    def constant(self, value: Any, _: int) -> None:
        self.put(b"N" if value is None else b"." if value is ... else b"T" if value else b"F")

    def integer(self, value: int, _: int) -> None:
        # The bits of ~value are those of a negative value but for its sign: -128 takes one byte.
        size = (value if value >= 0 else ~value).bit_length() // 8 + 1
        if size > MAX_INTEGER_BYTES:
            raise TooMuch(f"it holds an integer of more than {MAX_INTEGER_BYTES} bytes")
        self.put(b"i", _NUMBER.pack(size), value.to_bytes(size, "little", signed=True))

    def float(self, value: float, _: int) -> None:
        self.put(_FLOAT.pack(b"f", value))

    def complex(self, value: complex, _: int) -> None:
        self.put(b"c", _TWO_DOUBLES.pack(value.real, value.imag))

    def string(self, value: str, _: int) -> None:
        self.put(b"s")
        self.text(value)

    def binary(self, value: bytes | bytearray, _: int) -> None:
        # Another thread may change a bytearray; a view of it would keep it from growing.
        self.budget.fits(len(value))
        content = bytes(value)
        self.put(b"b" if type(value) is bytes else b"B", _NUMBER.pack(len(content)), content)

    def tuple(self, value: tuple[Any, ...], depth: int) -> None:
        self.sequence(b"(", value, depth + 1)

    def list(self, value: list[Any], depth: int) -> None:
        self.sequence(b"[", value, depth + 1)

    def sequence(self, tag: bytes, values: Sequence[Any], depth: int, key: bool = False) -> None:
        self.budget.level(depth)
        self.budget.items(len(values))
        values = tuple(islice(values, len(values)))  # another thread may change a list meanwhile
        self.put(tag, _NUMBER.pack(len(values)))
        for value in values:
            self.write(value, depth, key=key)

    def mapping(self, value: dict[Any, Any], depth: int) -> None:
        self.budget.level(depth + 1)
        self.budget.items(2 * len(value))
        pairs = tuple(islice(value.items(), len(value)))
        before, budget = len(self.parts), self.budget.left()
        self.put(b"{", _NUMBER.pack(len(pairs)))
        try:
            for key, _ in pairs:
                self.write(key, depth + 1, key=True)
        except NotPlain as bad:
            if value is self.part:
                raise
            del self.parts[before:]
            self.budget.restore(budget)
            self.stay(value, f"dict with a key of type {bad.kind}")
            return
        for _, item in pairs:
            self.write(item, depth + 1)

    def scalar(self, value: np.generic, _: int) -> None:
        self.put(b"n")
        self.text(CODES[type(value)])
        self.put(value.tobytes())

    def array(self, value: np.ndarray[Any, Any], depth: int) -> None:
        shape, dtype = value.shape, value.dtype
        self.budget.fits(size_of(shape, dtype.itemsize))
        if (name := dtype_name(dtype)) is not None:
            self.elements(b"a", name, shape, value)
        else:
            self.kind(ARRAYS[np.ndarray], value, depth + 1)

    def tensor(self, value: Any) -> None:
        torch = sys.modules["torch"]
        dtype = str(value.dtype).removeprefix("torch.")
        dense = value.layout is torch.strided and not value.is_nested
        if dtype not in DTYPES or not dense or value.device.type != "cpu":
            self.stay(value, _tensor_kind(value))
            return
        shape = tuple(value.shape)
        self.budget.fits(size_of(shape, value.dtype.itemsize))
        try:
            bare = value.detach()
            if dtype == "bfloat16":  # which NumPy does not have
                bare = bare.resolve_neg().view(torch.int16)
            # Forced, it also resolves what PyTorch puts off: conjugates, negatives and zeros.
            elements = bare.numpy(force=True)
        except RuntimeError:  # what torch.func passes to a function has no elements to be read
            self.stay(value, _tensor_kind(value))
            return
        self.elements(b"g" if value.requires_grad else b"t", dtype, shape, elements)

    def elements(
        self, tag: bytes, dtype: str, shape: Sequence[int], elements: np.ndarray[Any, Any]
    ) -> None:
        head = _head_of_elements(tag, dtype, tuple(shape))
        if elements.nbytes <= SMALL:
            self.put(head, elements.tobytes())
        else:  # a view where it can be: the one copy is that into the message
            self.put(head, bytes_of(np.ascontiguousarray(elements)).data)

    def kind_of(self, kind: type) -> Kind | None:
        if (how := _KINDS_BY_TYPE.get(kind)) is not None:
            return how
        if self.handed and kind in HANDED:
            return HANDED[kind]
        if self.late is None:
            # A metaclass may have its own idea of where its class is from.
            module = type.__dict__["__module__"].__get__(kind)
            if not (isinstance(module, str) and module.startswith(("pandas", "torch"))):
                return None
            self.late = _late_types()
        return self.late.get(kind)

    def kind(self, kind: Kind, value: Any, depth: int, key: bool = False) -> None:
        before, budget = len(self.parts), self.budget.left()
        outer = self.whole, self.part
        if kind.is_sized:
            self.budget.room(len(value))
        try:
            parts = kind.apart(value)
            self.whole = self.whole or not kind.holds
            self.budget.level(depth)
            self.budget.items(len(parts))
            self.put(b"k")
            self.text(kind.name)
            self.put(_NUMBER.pack(len(parts)))
            for self.part in parts:
                self.write(self.part, depth, key=kind.parts is None)
            return
        except NotPlain:
            if outer[0] or key:
                raise
        finally:
            self.whole, self.part = outer
        del self.parts[before:]
        self.budget.restore(budget)
        self.stay(value)

    def stay(self, value: object, kind: str = "") -> None:
        if self.refer is None or self.whole:
            raise NotPlain(kind or _type_name(value))
        self.reference(self.refer(value))

    def reference(self, reference: Reference, _: int = 0) -> None:
        if self.whole:
            raise NotPlain(reference.kind)
        self.put(b"o", _NUMBER.pack(reference.number))
        self.text(printable_beginning(reference.kind, MAX_KIND))


@functools.lru_cache(maxsize=256)
def _head_of_elements(tag: bytes, dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return what comes before the elements of an array; most of a test's are alike."""
    name = dtype.encode()
    sides = struct.pack(f"<{1 + len(shape)}Q", len(shape), *shape)
    return tag + _NUMBER.pack(len(name)) + name + sides


_WRITE: dict[type, Callable[[_ValueWriter, Any, int], None]] = {
    **dict.fromkeys((NoneType, bool, EllipsisType), _ValueWriter.constant),
    **{int: _ValueWriter.integer, float: _ValueWriter.float, complex: _ValueWriter.complex},
    **{str: _ValueWriter.string, bytes: _ValueWriter.binary, bytearray: _ValueWriter.binary},
    **{tuple: _ValueWriter.tuple, list: _ValueWriter.list, dict: _ValueWriter.mapping},
    **dict.fromkeys(CODES, _ValueWriter.scalar),
    **{np.ndarray: _ValueWriter.array, Reference: _ValueWriter.reference},
}
_KEY_TYPES = frozenset([NoneType, bool, int, float, complex, str, bytes])


class _ValueReader:
    def __init__(
        self,
        content: bytes | memoryview,
        bounds: ValueBounds,
        resolve: Callable[[Reference], Any] | None,
        handed: bool,
    ) -> None:
        self.budget = _Budget(bounds)
        self.named = {**_KINDS_BY_NAME, **_NAMED_HANDED} if handed else _KINDS_BY_NAME
        self.content = memoryview(content).cast("B")
        self.end = len(self.content)
        self.budget.bytes(self.end)
        self.position = 0
        self.resolve = resolve
        #: Whether what is read is part of what crosses as a whole.
        self.whole = False

    def take(self, size: int, fault: str = ENDS_EARLY) -> memoryview:
        start, self.position = self.position, self.position + size
        if self.position > self.end:
            raise Malformed(fault)
        return self.content[start : self.position]

    def number(self) -> int:
        start, self.position = self.position, self.position + _NUMBER.size
        if self.position > self.end:
            raise Malformed(ENDS_EARLY)
        number: int = _NUMBER.unpack_from(self.content, start)[0]
        return number

    def double(self) -> float:
        start, self.position = self.position, self.position + _DOUBLE.size
        if self.position > self.end:
            raise Malformed(ENDS_EARLY)
        value: float = _DOUBLE.unpack_from(self.content, start)[0]
        return value

    def text(self) -> str:
        try:
            return str(self.take(self.number()), "utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise Malformed("it holds text that is not UTF-8") from None

    def shape(self) -> tuple[int, ...]:
        sides = self.number()
        if sides > MAX_SIDES:
            raise TooMuch(f"it has more than {MAX_SIDES} dimensions")
        return struct.unpack(f"<{sides}Q", self.take(sides * _NUMBER.size))

    def elements(self, shape: Sequence[int], itemsize: int) -> memoryview:
        return self.take(size_of(shape, itemsize), "its shape does not fit its data")

    def finish(self) -> None:
        if self.position < self.end:
            raise Malformed("it goes on after its end")

    def read(self, depth: int = 0, *, key: bool = False) -> Any:
        if self.position >= self.end:
            raise Malformed(ENDS_EARLY)
        tag = self.content[self.position]
        self.position += 1
        if key and tag not in _KEY_TAGS:
            raise Malformed("it holds a dict with a key that is not plain")
        read = _READ.get(tag)
        if read is None:
            raise Malformed("it holds something unknown")
        return read(self, depth, key)

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
        check_hashes(keys, "dict")
        values = [self.read(depth) for _ in range(count)]
        try:
            found = dict(zip(keys, values, strict=True))
        except (TypeError, ValueError, ArithmeticError):  # two keys of one hash, compared
            raise Malformed("it holds a dict with keys that cannot be compared") from None
        if len(found) < count:
            raise Malformed("it holds a dict with the same key twice")
        return found

    def kind(self, depth: int, key: bool) -> Any:
        kind = self.named.get(self.text())
        if kind is None:
            raise Malformed("it holds a value of an unknown kind")
        if key and not kind.is_key:
            raise Malformed("it holds a dict with a key that is not plain")
        whole, self.whole = self.whole, self.whole or not kind.holds
        parts = self.values(depth, kind.parts is None)
        self.whole = whole
        return kind.build(parts)

    def scalar(self) -> Any:
        dtype = SCALARS.get(self.text())
        if dtype is None:
            raise Malformed("it holds a scalar of an unknown dtype")
        return array_of((), dtype, self.take(dtype.itemsize))[()]

    def array(self) -> np.ndarray[Any, Any]:
        dtype = named_dtype(self.text())
        if dtype is None:
            raise Malformed("it holds an array of an unknown dtype")
        shape = self.shape()
        return array_of(shape, dtype, self.elements(shape, dtype.itemsize))

    def tensor(self, with_gradient: bool) -> Any:
        try:
            torch = sys.modules.get("torch") or importlib.import_module("torch")
        except ModuleNotFoundError as error:
            raise WireError("there is a tensor, and no PyTorch to read it with") from error

        name = self.text()
        allowed = MEASURED if with_gradient else DTYPES
        dtype = getattr(torch, name, None) if name in allowed else None
        if dtype is None:
            raise Malformed("it holds a tensor of an unknown dtype")
        shape = self.shape()
        content = self.elements(shape, dtype.itemsize)
        if dtype is torch.bool:
            check_bools(np.ndarray(len(content), np.uint8, content))
        # Made by torch, so that it owns its memory; and on the CPU, whatever the default device is.
        tensor = torch.empty(shape, dtype=dtype, device="cpu")
        # NumPy does not have bfloat16; its copy of the others takes a third of the time.
        filled = (tensor.view(torch.int16) if dtype is torch.bfloat16 else tensor).numpy()
        filled[...] = np.ndarray(shape, filled.dtype, content)
        return tensor.requires_grad_() if with_gradient else tensor

    def reference(self) -> Any:
        reference = Reference(self.number(), self.text())
        if self.whole:
            raise Malformed("it holds an object that stays where only data can be")
        if reference.number >= MAX_REFERENCE or len(reference.kind) > MAX_KIND:
            raise Malformed("it holds a reference that cannot be")
        return reference if self.resolve is None else self.resolve(reference)


#: How what follows a tag is read, in what depth and whether as a key.
_READ: dict[int, Callable[[_ValueReader, int, bool], Any]] = {
    ord("N"): lambda *_: None,
    ord("T"): lambda *_: True,
    ord("F"): lambda *_: False,
    ord("."): lambda *_: ...,
    ord("i"): lambda reader, *_: reader.integer(),
    ord("f"): lambda reader, *_: reader.double(),
    ord("c"): lambda reader, *_: complex(*_TWO_DOUBLES.unpack(reader.take(_TWO_DOUBLES.size))),
    ord("s"): lambda reader, *_: reader.text(),
    ord("b"): lambda reader, *_: bytes(reader.take(reader.number())),
    ord("B"): lambda reader, *_: bytearray(reader.take(reader.number())),
    ord("("): lambda reader, depth, key: tuple(reader.values(depth + 1, key)),
    ord("["): lambda reader, depth, key: reader.values(depth + 1, key),
    ord("{"): lambda reader, depth, _: reader.mapping(depth + 1),
    ord("n"): lambda reader, *_: reader.scalar(),
    ord("a"): lambda reader, *_: reader.array(),
    ord("t"): lambda reader, *_: reader.tensor(with_gradient=False),
    ord("g"): lambda reader, *_: reader.tensor(with_gradient=True),
    ord("k"): lambda reader, depth, key: reader.kind(depth + 1, key),
    ord("o"): lambda reader, *_: reader.reference(),
}


@contextmanager
def _room_to_work() -> Iterator[None]:
    """Tell a process without memory, or near the end of its stack, from a fault in the program."""
    try:
        yield
    except (MemoryError, RecursionError):
        raise TooMuch("it needs more memory than there is") from None


def _is_known(kind: type) -> bool:
    """Say whether a class with a class of its own is one that crosses."""
    if kind is getattr(sys.modules.get("torch"), "Tensor", None):
        return True
    return any(kind is each for each in plain_types())


def _tensor_kind(tensor: Any) -> str:
    """Return what kind of tensor stays where it is."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"Tensor ({dtype}, {tensor.layout}, {tensor.device})"


def _type_name(value: object) -> str:
    """Return the name of a type, in spite of a metaclass that has its own idea of it."""
    kind = type(value)
    if kind is np.ndarray:
        return f"array of dtype {value.dtype}"  # type: ignore[attr-defined]
    return str(type.__dict__["__name__"].__get__(kind))
