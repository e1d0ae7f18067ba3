"""Writes a value as bytes, in the format of `value_format`."""

from __future__ import annotations

import functools
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from nbjudge.plain.arrays import ARRAYS, CODES, bytes_of, dtype_name, size_of
from nbjudge.plain.kinds import (
    HANDED,
    Kind,
    NotPlain,
    Reference,
    TooMuch,
    ValueBounds,
    printable_beginning,
)
from nbjudge.plain.torch_values import DTYPES
from nbjudge.plain.value_format import (
    FLOAT,
    KINDS_BY_TYPE,
    MAX_INTEGER_BYTES,
    MAX_KIND,
    NUMBER,
    TWO_DOUBLES,
    Budget,
    late_types,
)

__all__ = ["plain_types", "write_value"]

# Bound once: Python looks up a method of something imported anew at each call.
_pack_number, _pack_float, _pack_complex = NUMBER.pack, FLOAT.pack, TWO_DOUBLES.pack

#: Bytes of an array that are copied sooner than looked at.
SMALL = 4096
_KEY_TYPES = frozenset([NoneType, bool, int, float, complex, str, bytes])


def write_value(
    value: Any, bounds: ValueBounds, refer: Callable[[object], Reference] | None, handed: bool
) -> bytes:
    """Return a value as bytes; see `encode`, which calls this where there is room to work."""
    writer = _ValueWriter(bounds, refer, handed)
    writer.write(value)
    return b"".join(writer.parts)


class _ValueWriter:
    def __init__(
        self, bounds: ValueBounds, refer: Callable[[object], Reference] | None, handed: bool
    ) -> None:
        self.budget = Budget(bounds)
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
        self.put(_pack_number(len(content)), content)

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
        self.put(b"i", _pack_number(size), value.to_bytes(size, "little", signed=True))

    def float(self, value: float, _: int) -> None:
        self.put(_pack_float(b"f", value))

    def complex(self, value: complex, _: int) -> None:
        self.put(b"c", _pack_complex(value.real, value.imag))

    def string(self, value: str, _: int) -> None:
        self.put(b"s")
        self.text(value)

    def binary(self, value: bytes | bytearray, _: int) -> None:
        # Another thread may change a bytearray; a view of it would keep it from growing.
        self.budget.fits(len(value))
        content = bytes(value)
        self.put(b"b" if type(value) is bytes else b"B", _pack_number(len(content)), content)

    def tuple(self, value: tuple[Any, ...], depth: int) -> None:
        self.sequence(b"(", value, depth + 1)

    def list(self, value: list[Any], depth: int) -> None:
        self.sequence(b"[", value, depth + 1)

    def sequence(self, tag: bytes, values: Sequence[Any], depth: int, key: bool = False) -> None:
        self.budget.level(depth)
        self.budget.items(len(values))
        values = tuple(islice(values, len(values)))  # another thread may change a list meanwhile
        self.put(tag, _pack_number(len(values)))
        for value in values:
            self.write(value, depth, key=key)

    def mapping(self, value: dict[Any, Any], depth: int) -> None:
        self.budget.level(depth + 1)
        self.budget.items(2 * len(value))
        pairs = tuple(islice(value.items(), len(value)))
        before, budget = len(self.parts), self.budget.left()
        self.put(b"{", _pack_number(len(pairs)))
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
        if (how := KINDS_BY_TYPE.get(kind)) is not None:
            return how
        if self.handed and kind in HANDED:
            return HANDED[kind]
        if self.late is None:
            # A metaclass may have its own idea of where its class is from.
            module = type.__dict__["__module__"].__get__(kind)
            if not (isinstance(module, str) and module.startswith(("pandas", "torch"))):
                return None
            self.late = late_types()
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
            self.put(_pack_number(len(parts)))
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
        self.put(b"o", _pack_number(reference.number))
        self.text(printable_beginning(reference.kind, MAX_KIND))


@functools.lru_cache(maxsize=256)
def _head_of_elements(tag: bytes, dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return what comes before the elements of an array; most of a test's are alike."""
    name = dtype.encode()
    sides = struct.pack(f"<{1 + len(shape)}Q", len(shape), *shape)
    return tag + _pack_number(len(name)) + name + sides


_WRITE: dict[type, Callable[[_ValueWriter, Any, int], None]] = {
    **dict.fromkeys((NoneType, bool, EllipsisType), _ValueWriter.constant),
    **{int: _ValueWriter.integer, float: _ValueWriter.float, complex: _ValueWriter.complex},
    **{str: _ValueWriter.string, bytes: _ValueWriter.binary, bytearray: _ValueWriter.binary},
    **{tuple: _ValueWriter.tuple, list: _ValueWriter.list, dict: _ValueWriter.mapping},
    **dict.fromkeys(CODES, _ValueWriter.scalar),
    **{np.ndarray: _ValueWriter.array, Reference: _ValueWriter.reference},
}


def plain_types() -> tuple[type, ...]:
    """Return the types whose values cross, as far as their modules are loaded."""
    tensor = getattr(sys.modules.get("torch"), "Tensor", None)
    tensors = (tensor,) if isinstance(tensor, type) else ()
    return (*_WRITE.keys() - {Reference}, *KINDS_BY_TYPE, *late_types(), *tensors)


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
