"""How NumPy's values cross: the dtypes that may, and the kinds that are built from such arrays.

Arrays of numbers, bools, strings, bytes and dates cross as their memory (`kernel.wire` copies it).
Object arrays, record arrays and masked arrays are taken apart into those.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from types import NoneType
from typing import Any

import numpy as np

from nbjudge.plain.kinds import Kind, Malformed, TooMuch

__all__ = [
    "ARRAYS",
    "CODES",
    "MAX_SIDES",
    "SCALARS",
    "array_of",
    "bytes_of",
    "check_bools",
    "dtype_name",
    "named_dtype",
    "size_of",
]

MAX_SIDES = 64  # NumPy's own limit
MAX_SHAPE = 2**53  # bytes, with sides of 0 counted as 1: well below where strides overflow
MAX_CHARACTER = 0x10FFFF

#: NumPy's scalar types and their one-letter codes, which distinguish int64 from longlong.
CODES: dict[type, str] = {np.dtype(code).type: code for code in "?bBhHiIlLqQefdgFDG"}
SCALARS = {code: np.dtype(code) for code in CODES.values()}
_NUMERIC = {
    dtype.str[0] + code: dtype
    for code, native in SCALARS.items()
    for dtype in (native, native.newbyteorder())
}
#: Names of dtypes of strings, bytes, dates and durations. A string dtype has the length of its
#: longest string; the unit of a date may have a multiplier.
_SIZED = re.compile(
    r"[<>]U[1-9]\d{0,8}|\|S[1-9]\d{0,8}|"
    r"[<>][Mm]8\[([1-9]\d{0,5})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]",
    re.ASCII,
)
#: Dates and durations without a unit, in native byte order: NumPy makes no others.
_WITHOUT_UNIT = {np.dtype("M8").str, np.dtype("m8").str}


def dtype_name(dtype: np.dtype[Any]) -> str | None:
    """Return the name by which a dtype crosses; None if its arrays cannot cross as their memory."""
    if dtype.names is not None or dtype.subdtype is not None:
        return None
    code = CODES.get(dtype.type)
    name = dtype.str if code is None else dtype.str[0] + code
    return name if code is not None or _is_sized(name) else None


def named_dtype(name: str) -> np.dtype[Any] | None:
    """Return the dtype of a name from an untrusted sender; None if there is none."""
    if (dtype := _NUMERIC.get(name)) is not None:
        return dtype
    if not _is_sized(name):
        return None
    try:
        dtype = np.dtype(name)
    except (TypeError, ValueError):
        return None
    return dtype if dtype.str == name else None


def _is_sized(name: str) -> bool:
    return name in _WITHOUT_UNIT or _SIZED.fullmatch(name) is not None


def size_of(shape: Sequence[int], itemsize: int) -> int:
    """Return how many bytes the elements of an array take.

    Raises
    ------
    TooMuch
        If it has too many dimensions or elements.
    """
    if len(shape) > MAX_SIDES:
        raise TooMuch(f"it has more than {MAX_SIDES} dimensions")
    count = math.prod(shape)
    # A side of 0 makes the product 0, however large the other sides are.
    if itemsize * (count or math.prod(max(side, 1) for side in shape)) >= MAX_SHAPE:
        raise TooMuch("its shape is too large")
    return itemsize * count


def array_of(
    shape: Sequence[int], dtype: np.dtype[Any], content: memoryview
) -> np.ndarray[Any, Any]:
    """Return a new array made of bytes from an untrusted sender."""
    array = np.empty(shape, dtype)
    bytes_of(array)[:] = content
    if dtype.kind in "bUMV":
        _check_elements(array)
    return array


def bytes_of(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a view of a contiguous array as bytes; nothing is copied."""
    return array.reshape(-1).view(np.uint8)


def check_bools(content: np.ndarray[Any, Any]) -> None:
    """Refuse bools with a byte other than 0 or 1: one of 2 is true but not equal to True."""
    if content.max(initial=0) > 1:
        raise Malformed("it holds a bool that is neither true nor false")


def _check_elements(array: np.ndarray[Any, Any]) -> None:
    """Refuse elements that NumPy itself would never make."""
    dtype = array.dtype
    if dtype.names is not None:
        for name in dtype.names:
            _check_elements(array[name])
    elif dtype.kind == "b":
        check_bools(array.view(np.uint8))
    elif dtype.kind == "M" and np.datetime_data(dtype)[0] == "generic":
        if not np.isnat(array).all():
            raise Malformed("it holds a date without a unit")
    elif dtype.kind == "U":
        letters = np.ascontiguousarray(array).reshape(-1).view(f"{dtype.str[0]}u4")
        if letters.max(initial=0) > MAX_CHARACTER:
            raise Malformed("it holds text with what is no character")


# ---- Arrays of objects and of records -----------------------------------------------------------


def _take_array_apart(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    if array.dtype.names is not None and array.dtype.itemsize > 0:
        return array.dtype, array.shape, array.tobytes(), None
    if array.dtype.type is not np.object_:
        raise ValueError("elements that do not cross")
    elements = array.reshape(-1).tolist()
    if all(type(element) is str for element in elements):
        # A column of strings then counts as two values, not thousands.
        lengths = np.fromiter(map(len, elements), np.int64, len(elements))
        return array.dtype, array.shape, lengths, "".join(elements)
    return array.dtype, array.shape, elements, None


def _put_array_together(
    dtype: np.dtype[Any], shape: tuple[Any, ...], content: Any, text: str | None
) -> np.ndarray[Any, Any]:
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("no shape")
    if dtype.names is not None:
        if size_of(shape, dtype.itemsize) != len(content):
            raise ValueError("its shape does not fit its data")
        return array_of(shape, dtype, memoryview(content))
    if dtype.type is not np.object_ or size_of(shape, 1) != len(content):
        raise ValueError("no objects, or not so many")
    elements = content if text is None else _split_text(content, text)
    # `np.array` would turn elements that are sequences into further dimensions.
    return np.fromiter(elements, object, len(elements)).reshape(shape)


def _split_text(lengths: np.ndarray[Any, Any], text: str) -> list[str]:
    if lengths.dtype != np.int64 or lengths.ndim != 1:
        raise ValueError("no lengths")
    if lengths.min(initial=0) < 0 or lengths.max(initial=0) > len(text):
        raise ValueError("lengths that cannot be")
    ends = [0, *np.cumsum(lengths).tolist()]
    if ends[-1] != len(text):
        raise ValueError("lengths of another text")
    return [text[start:end] for start, end in pairwise(ends)]


# ---- Dtypes -------------------------------------------------------------------------------------


def _take_numpy_dtype_apart(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Return a pair: name and None, element dtype and shape, or field names and their layout."""
    if dtype.metadata:
        raise ValueError("it has metadata")
    if dtype.names is not None:
        fields: Any = [dtype.fields[name] for name in dtype.names]  # type: ignore[index]
        if dtype.type is not np.void or dtype.hasobject or any(len(field) > 2 for field in fields):
            raise ValueError("records of objects, with methods or with titles")
        formats, places = [field[0] for field in fields], [field[1] for field in fields]
        _check_places(formats, places)
        return list(dtype.names), (formats, places, dtype.itemsize, dtype.isalignedstruct)
    if dtype.subdtype is not None:
        return dtype.subdtype[0], dtype.subdtype[1]
    name = "|O" if dtype.type is np.object_ else dtype_name(dtype)
    if name is None:
        raise ValueError("a dtype that does not cross")
    return name, None


def _put_numpy_dtype_together(first: Any, rest: Any) -> np.dtype[Any]:
    made: np.dtype[Any] | None
    if type(first) is str:
        made = np.dtype(object) if first == "|O" else named_dtype(first)
    elif type(first) is list:
        made = _record_dtype(first, *rest)
    else:
        size_of(rest, first.itemsize)
        made = np.dtype((first, rest))
    if made is None or _take_numpy_dtype_apart(made) != (first, rest):
        raise ValueError("another dtype")
    return made


def _record_dtype(
    names: list[Any], formats: list[Any], places: list[Any], itemsize: int, aligned: bool
) -> np.dtype[Any]:
    _check_places(formats, places)
    fields: Any = {"names": names, "formats": formats, "offsets": places, "itemsize": itemsize}
    made: np.dtype[Any] = np.dtype(fields, align=aligned)
    return made


def _check_places(formats: list[Any], places: list[Any]) -> None:
    """Refuse fields that overlap or are out of order; gaps are allowed."""
    end = 0
    for form, place in zip(formats, places, strict=True):
        if type(place) is not int or place < end:
            raise ValueError("fields over each other")
        end = place + form.itemsize


# ---- Masked arrays ------------------------------------------------------------------------------


def _take_masked_array_apart(array: Any) -> tuple[Any, ...]:
    if array.baseclass is not np.ndarray:
        raise ValueError("a mask over another type")
    mask = None if array.mask is np.ma.nomask else array.mask
    # The property `fill_value` would create a default where none was chosen.
    return np.ma.getdata(array, subok=False), mask, array._fill_value, array.hardmask


def _put_masked_array_together(data: Any, mask: Any, fill: Any, hard: bool) -> Any:
    made: Any = np.ma.MaskedArray(data, np.ma.nomask if mask is None else mask, hard_mask=hard)
    if fill is not None:
        made.fill_value = fill[()]
    return made


def _first(array: np.ndarray[Any, Any]) -> Any:
    if array.ndim:
        raise ValueError("no scalar")
    return array[()]


_DTYPE = Kind("numpy.dtype", _take_numpy_dtype_apart, _put_numpy_dtype_together, (object, object))

#: The kinds of NumPy. `kernel.wire` itself encodes arrays and scalars of numbers.
ARRAYS: dict[type, Kind] = {
    np.ndarray: Kind(
        "numpy.ndarray",
        _take_array_apart,
        _put_array_together,
        (object, tuple, bytes | list | np.ndarray, str | NoneType),
    ),
    np.str_: Kind("numpy.str", lambda s: (str(s),), np.str_, (str,), is_key=True),
    np.bytes_: Kind("numpy.bytes", lambda s: (bytes(s),), np.bytes_, (bytes,), is_key=True),
    np.datetime64: Kind("numpy.datetime64", lambda s: (np.array(s),), _first, (np.ndarray,)),
    np.timedelta64: Kind("numpy.timedelta64", lambda s: (np.array(s),), _first, (np.ndarray,)),
    np.void: Kind("numpy.void", lambda s: (np.array(s),), _first, (np.ndarray,)),
    np.ma.MaskedArray: Kind(
        "numpy.ma.MaskedArray",
        _take_masked_array_apart,
        _put_masked_array_together,
        (np.ndarray, np.ndarray | NoneType, np.ndarray | NoneType, bool),
    ),
    type(np.ma.masked): Kind("numpy.ma.masked", lambda _: (), lambda: np.ma.masked),
    # The class of a dtype depends on its element type.
    **{type(np.dtype(code)): _DTYPE for code in (*SCALARS, *"OUSMmV")},
}
