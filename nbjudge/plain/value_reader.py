"""Reads a value from bytes, whoever wrote them: the one place that does, and it trusts none."""

from __future__ import annotations

import importlib
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nbjudge.plain.arrays import MAX_SIDES, SCALARS, array_of, check_bools, named_dtype, size_of
from nbjudge.plain.kinds import Malformed, Reference, TooMuch, ValueBounds, WireError, check_hashes
from nbjudge.plain.torch_values import DTYPES, MEASURED
from nbjudge.plain.value_format import (
    DOUBLE,
    HANDED_BY_NAME,
    KINDS_BY_NAME,
    MAX_INTEGER_BYTES,
    MAX_KIND,
    MAX_REFERENCE,
    NUMBER,
    Budget,
)

__all__ = ["read_value"]

# Bound once: Python looks up a method of something imported anew at each call.
_number_at, _NUMBER_SIZE = NUMBER.unpack_from, NUMBER.size
_double_at, _DOUBLE_SIZE = DOUBLE.unpack_from, DOUBLE.size

ENDS_EARLY = "it ends too early"

_KEY_TAGS = frozenset(b"NTFifcsb(nk")


def read_value(
    content: bytes | memoryview,
    bounds: ValueBounds,
    resolve: Callable[[Reference], Any] | None,
    handed: bool,
) -> Any:
    """Return the value that bytes stand for; see `decode`, which calls this."""
    reader = _ValueReader(content, bounds, resolve, handed)
    value = reader.read()
    reader.finish()
    return value


class _ValueReader:
    def __init__(
        self,
        content: bytes | memoryview,
        bounds: ValueBounds,
        resolve: Callable[[Reference], Any] | None,
        handed: bool,
    ) -> None:
        self.budget = Budget(bounds)
        self.named = {**KINDS_BY_NAME, **HANDED_BY_NAME} if handed else KINDS_BY_NAME
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
        start, self.position = self.position, self.position + _NUMBER_SIZE
        if self.position > self.end:
            raise Malformed(ENDS_EARLY)
        number: int = _number_at(self.content, start)[0]
        return number

    def double(self) -> float:
        start, self.position = self.position, self.position + _DOUBLE_SIZE
        if self.position > self.end:
            raise Malformed(ENDS_EARLY)
        value: float = _double_at(self.content, start)[0]
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
        return struct.unpack(f"<{sides}Q", self.take(sides * _NUMBER_SIZE))

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
    ord("c"): lambda reader, *_: complex(reader.double(), reader.double()),
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
