"""Probes: functions that run in the answer's own process and return plain data about it.

A check that needs the student's own objects passes them to a probe, which returns, for instance,
what a call returned and what it changed. A course can have its own probes besides these.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from nbjudge.remote import Remote, in_place

__all__ = ["call", "call_many", "copy_of", "is_a", "is_same", "kinds"]

#: Types whose values never change.
_CONSTANTS = frozenset([bool, bytes, complex, float, int, str, type(None)])


def is_a(answer: Any, base: type) -> bool:
    """Return whether `answer` is an instance or a subclass of `base`."""
    if isinstance(answer, Remote):  # a class cannot cross to the other process, but its name can
        return _full_name(base) in kinds(answer)
    return issubclass(answer, base) if isinstance(answer, type) else isinstance(answer, base)


@in_place
def kinds(answer: Any) -> list[str]:
    """Return the names of the classes that `answer` is an instance or a subclass of.

    Returns
    -------
    list of str
        With their modules, ``"torch.nn.modules.module.Module"``, the most specific one first.
    """
    kind = answer if isinstance(answer, type) else type(answer)
    return [_full_name(base) for base in kind.__mro__]


@in_place
def call(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> tuple[Any, Any]:
    """Call a function on copies of `arguments`.

    Returns
    -------
    result : object
        What the function returned.
    after : tuple
        The arguments as the call left them: equal to `arguments`, unless it changed them in place.
    """
    copies = copy_of(arguments)
    return function(*copies, **keywords), copies


@in_place
def call_many(
    function: Callable[..., Any], argument_lists: Sequence[Sequence[Any]]
) -> tuple[list[Any], list[Any]]:
    """Call a function on copies of each of `argument_lists`, in order.

    Returns
    -------
    results : list
        Copies of what each call returned; the object itself if it cannot be copied, as a generator.
    later : list
        The returned objects themselves, after all calls: equal to `results`, unless a later call
        changed what an earlier one had returned.
    """
    results, later = [], []
    for arguments in argument_lists:
        returned = function(*copy_of(arguments))
        results.append(copy_of(returned))
        later.append(returned)
    return results, later


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def copy_of(value: Any) -> Any:
    """Return a copy that shares nothing with `value`, or `value` itself if it cannot be copied."""
    if type(value) in _CONSTANTS:
        return value
    if type(value) is np.ndarray and not value.dtype.hasobject:
        return value.copy(order="K")
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):  # `deepcopy` refuses a history
        copy = value.detach().clone()
        return copy.requires_grad_() if value.requires_grad else copy
    if isinstance(value, tuple | list):
        parts = [copy_of(part) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    try:
        return deepcopy(value)
    except Exception:  # a class's own method may raise anything
        return value


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are known to be equal: of one type, and to the bit.

    Only numbers, texts, plain arrays and tensors, and tuples and lists of them can be known.

    Examples
    --------
    >>> is_same((1.0, [2]), (1.0, [2])), is_same(1.0, 1), is_same({1}, {1})
    (True, False, False)
    """
    kind = type(one)
    if kind is not type(other):
        return False
    if kind in _CONSTANTS:
        return bool(one == other)
    if kind is np.ndarray:
        is_alike = one.dtype == other.dtype and one.shape == other.shape
        return is_alike and not one.dtype.hasobject and one.tobytes() == other.tobytes()
    if kind in (tuple, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    torch = sys.modules.get("torch")
    if torch is not None and kind is torch.Tensor:
        is_alike = one.dtype == other.dtype and one.requires_grad == other.requires_grad
        are_plain = one.layout == other.layout == torch.strided
        return is_alike and are_plain and bool(one.equal(other))
    return False
