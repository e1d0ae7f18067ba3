"""Probes: functions that run in the answer's own process and return plain data about it.

A check that needs the student's own objects passes them to a probe, which returns, for instance,
what a call returned and what it changed. A course can have its own probes besides these.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from nbjudge.remote import Remote, in_place

__all__ = ["call", "call_many", "copy_of", "is_a", "kinds"]


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
    torch = sys.modules.get("torch")
    # `deepcopy` refuses a tensor with a graph.
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, tuple | list):
        parts = [copy_of(part) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    try:
        return deepcopy(value)
    except Exception:  # a class's own `__deepcopy__` may raise anything
        return value
