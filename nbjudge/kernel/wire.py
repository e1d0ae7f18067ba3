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

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbjudge.plain.kinds import Malformed, NotPlain, Reference, TooMuch, ValueBounds, WireError
from nbjudge.plain.value_format import KINDS_BY_TYPE, late_types
from nbjudge.plain.value_reader import read_value
from nbjudge.plain.value_writer import plain_types, write_value

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
        return write_value(value, bounds, refer, handed)


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
        return read_value(content, bounds, resolve, handed)


def rebuilt(value: Any) -> Any:
    """Return the data of a value whose type extends one that is taken apart; else the value."""
    kinds = KINDS_BY_TYPE | late_types()
    how = next((kinds[base] for base in type(value).__mro__ if base in kinds), None)
    if how is None:
        return value
    try:
        return how.put_together(*how.take_apart(value))
    except Exception:  # it would not cross as of that type either
        return value


@contextmanager
def _room_to_work() -> Iterator[None]:
    """Tell a process without memory, or near the end of its stack, from a fault in the program."""
    try:
        yield
    except (MemoryError, RecursionError):
        raise TooMuch("it needs more memory than there is") from None
