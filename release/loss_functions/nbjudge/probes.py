"""Measure what only the answer itself can tell, where it lives: what a call returns and changes.

A check that needs the student's own objects calls a probe with that object and plain data, and gets
plain data back. A course can have probes of its own beside these.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from nbjudge.remote import Remote, in_place

__all__ = ["call", "call_many", "copy_of", "is_a", "kinds"]


def is_a(answer: Any, base: type) -> bool:
    """Say whether `answer` is an instance or a subclass of `base`."""
    if isinstance(answer, Remote):  # where `base` cannot go, its name can
        return _full_name(base) in kinds(answer)
    return issubclass(answer, base) if isinstance(answer, type) else isinstance(answer, base)


@in_place
def kinds(answer: Any) -> list[str]:
    """Return the names of the classes that `answer` is an instance or a subclass of.

    Returns
    -------
    list of str
        Each with its module, ``"torch.nn.modules.module.Module"``, the most special one first.
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
        What each call returned, as it was then; what cannot be copied, a generator say, as it is.
    later : list
        The same objects, as they are when all calls are done: equal to `results`, unless a later
        call changed what an earlier one had returned.
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
    """A copy that shares nothing with `value`, or `value` itself where there can be none."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):  # `deepcopy` refuses a history
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, tuple | list):
        parts = [copy_of(part) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    try:
        return deepcopy(value)
    except Exception:  # of a class's own method, too
        return value
