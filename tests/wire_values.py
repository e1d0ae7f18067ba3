"""When two values are the same, for the tests of what crosses; and how hostile bytes are made."""

from __future__ import annotations

import io
import random
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

import numpy as np
import pandas as pd
import torch
from hypothesis import settings

from nbjudge.kernel.wire import Malformed, TooMuch, ValueBounds, WireError, decode, encode

law = settings(derandomize=True, deadline=None, database=None, max_examples=200)


def identical(a: Any, b: Any) -> bool:
    """Say whether two values are the same in type, in structure and in every bit."""
    if type(a) is not type(b):
        return False
    compare = SAME.get(type(a))
    if compare is None:
        compare = next((each for kind, each in SAME_KINDS.items() if isinstance(a, kind)), None)
    return repr(a) == repr(b) if compare is None else bool(compare(a, b))


def same_items(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(map(identical, a, b))


def same_mapping(a: Any, b: Any) -> bool:
    return same_items(a.items(), b.items())


def same_elements(a: Any, b: Any) -> bool:
    return Counter(map(spelled, a)) == Counter(map(spelled, b))


def same_time(a: Any, b: Any) -> bool:
    return repr(a) == repr(b) and identical(a.tzinfo, b.tzinfo)


def same_buffer(a: Any, b: Any) -> bool:
    closed = a.closed, b.closed
    return all(closed) or (not any(closed) and a.__getstate__()[:-1] == b.__getstate__()[:-1])


def same_array(a: Any, b: Any) -> bool:
    if a.dtype == object:
        return a.shape == b.shape and same_items(a.reshape(-1).tolist(), b.reshape(-1).tolist())
    known = (a.shape, a.dtype.str, a.dtype.char) == (b.shape, b.dtype.str, b.dtype.char)
    return known and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def same_masked_array(a: Any, b: Any) -> bool:
    parts = [(m.data, np.ma.getmask(m), m._fill_value, m.hardmask) for m in (a, b)]
    return same_items(*parts)


def same_tensor(a: torch.Tensor, b: torch.Tensor) -> bool:
    known = (a.shape, a.dtype, a.requires_grad) == (b.shape, b.dtype, b.requires_grad)
    return known and torch.equal(bits(a), bits(b))


def same_table(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    pd.testing.assert_frame_equal(
        *(a, b), check_exact=True, check_names=True, check_freq=True, check_column_type=True
    )
    columns = (identical(a.iloc[:, place], b.iloc[:, place]) for place in range(a.shape[1]))
    labels = identical(a.index, b.index) and identical(a.columns, b.columns)
    return labels and all(columns) and identical(rest(a), rest(b))


def rest(values: Any) -> Any:
    return values.attrs, values.flags.allows_duplicate_labels


def frequency(index: Any) -> Any:
    return getattr(index, "freq", None)


def spelled(element: Any) -> Any:
    """Return an element of a set as text; sets within it have no order."""
    if isinstance(element, tuple):
        return type(element), tuple(map(spelled, element))
    if isinstance(element, frozenset):
        return type(element), tuple(sorted(map(str, map(spelled, element))))
    return type(element), repr(element)


def bits(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.detach().resolve_conj().resolve_neg().reshape(-1)
    return flat.clone(memory_format=torch.contiguous_format).view(torch.uint8)


def number(value: int) -> bytes:
    return struct.pack("<Q", value)


def text(content: str | bytes) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return number(len(content)) + content


def read_or_refused(content: bytes, bounds: ValueBounds = ValueBounds()) -> None:  # noqa: B008
    """Assert that bytes are refused, or stand for a value that crosses again within the bounds."""
    try:
        value = decode(content, bounds)
    except WireError as error:
        assert type(error) in (Malformed, TooMuch)
        assert str(error).startswith("it")
        return
    assert identical(decode(encode(value, bounds), bounds), value)


MUTATIONS = ["flip", "cut", "insert", "drop", "double", "swap"]


def tampered(content: bytes, mutation: str, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    before, piece, after = content[:start], content[start:end], content[end:]
    match mutation:
        case "flip":
            flipped = bytes(byte ^ 1 << chance.randrange(8) for byte in piece[:1])
            return before + flipped + piece[1:] + after
        case "cut":
            return before
        case "insert":
            return before + chance.choice([b"N", b"[", b"\0", b"\xff", number(1)]) + piece + after
        case "drop":
            return before + after
        case "double":
            return before + 2 * piece + after
    return before + after + piece


def same_series(a: Any, b: Any) -> bool:
    pd.testing.assert_series_equal(a, b, check_exact=True, check_freq=True)
    return identical(rest(a), rest(b)) and identical(a.index, b.index)


def same_index(a: Any, b: Any) -> bool:
    pd.testing.assert_index_equal(a, b, exact=True, check_exact=True)
    return identical(list(a.names), list(b.names)) and frequency(a) == frequency(b)


def same_extension_array(a: Any, b: Any) -> bool:
    pd.testing.assert_extension_array_equal(a, b, check_exact=True)
    return bool(a.dtype == b.dtype)


#: How values of exactly one type are compared; and those of a type or one made of it.
SAME: dict[type, Callable[[Any, Any], bool]] = {
    **dict.fromkeys((tuple, list), same_items),
    **dict.fromkeys((dict, Counter, OrderedDict), same_mapping),
    defaultdict: lambda a, b: a.default_factory is b.default_factory and same_mapping(a, b),
    deque: lambda a, b: a.maxlen == b.maxlen and same_items(a, b),
    **dict.fromkeys((io.StringIO, io.BytesIO), same_buffer),
    slice: lambda a, b: same_items((a.start, a.stop, a.step), (b.start, b.stop, b.step)),
    **dict.fromkeys(
        (set, frozenset), lambda a, b: Counter(map(spelled, a)) == Counter(map(spelled, b))
    ),
    **dict.fromkeys(
        (datetime, time), lambda a, b: repr(a) == repr(b) and identical(a.tzinfo, b.tzinfo)
    ),
    float: lambda a, b: struct.pack("<d", a) == struct.pack("<d", b),
    complex: lambda a, b: same_items((a.real, a.imag), (b.real, b.imag)),
    np.ndarray: same_array,
    np.ma.MaskedArray: same_masked_array,
    torch.Tensor: same_tensor,
}
SAME_KINDS: dict[Any, Callable[[Any, Any], bool]] = {
    np.str_ | np.bytes_: lambda a, b: a.tolist() == b.tolist(),
    np.generic: lambda a, b: a.dtype == b.dtype and a.tobytes() == b.tobytes(),
    pd.DataFrame: same_table,
    pd.Series: same_series,
    pd.Index: same_index,
    pd.api.extensions.ExtensionArray: same_extension_array,
}
