"""How PyTorch's dtypes, sizes and devices cross.

A tensor's elements cross as its memory (`kernel.wire` copies it). Nothing here imports PyTorch
until one of its values has to be read.
"""

from __future__ import annotations

import importlib
import sys
from types import NoneType
from typing import Any

from nbjudge.plain.kinds import Kind, WireError

__all__ = ["DTYPES", "MEASURED", "TORCH", "torch_types"]

#: Names of PyTorch's dtypes. Only tensors of the dtypes in `MEASURED` can require a gradient.
COUNTED = frozenset(
    ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
)
MEASURED = frozenset(["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
DTYPES = COUNTED | MEASURED
MAX_SIDE = 2**53


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as error:
        message = "there is a value of PyTorch, and no PyTorch to read it with"
        raise WireError(message) from error


def _take_dtype_apart(dtype: Any) -> tuple[str]:
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise ValueError("a dtype that does not cross")
    return (name,)


def _put_dtype_together(name: str) -> Any:
    if name not in DTYPES:
        raise ValueError("no such dtype")
    return getattr(_torch(), name)


def _put_size_together(sides: tuple[Any, ...]) -> Any:
    if not all(type(side) is int and 0 <= side < MAX_SIDE for side in sides):
        raise ValueError("no size")
    return _torch().Size(sides)


def _put_device_together(kind: str, number: int | None) -> Any:
    made = _torch().device(kind) if number is None else _torch().device(kind, number)
    if (made.type, made.index) != (kind, number):
        raise ValueError("another device")
    return made


#: The kinds of PyTorch, by the names of their types.
TORCH: dict[str, Kind] = {
    "dtype": Kind("torch.dtype", _take_dtype_apart, _put_dtype_together, (str,), is_key=True),
    "Size": Kind("torch.Size", lambda size: (tuple(size),), _put_size_together, (tuple,)),
    "device": Kind(
        "torch.device",
        lambda device: (device.type, device.index),
        _put_device_together,
        (str, int | NoneType),
        is_key=True,
    ),
}


def torch_types() -> dict[type, Kind]:
    """Return the kinds of PyTorch by type; none if PyTorch is not imported."""
    module = sys.modules.get("torch")
    found = {getattr(module, name, None): kind for name, kind in TORCH.items()}
    return {kind: how for kind, how in found.items() if isinstance(kind, type)}
