"""Repeat a change of an object on its copy in the other process."""

from __future__ import annotations

import io
import sys
from collections import deque
from typing import Any

import numpy as np

from nbjudge.plain.album import is_changeable

__all__ = ["CannotChange", "write_back"]


class CannotChange(Exception):
    """An object cannot be made equal to its changed copy."""


def write_back(old: Any, new: Any) -> None:
    """Change an object in place, and the objects in it, to equal a newer copy.

    Parts that keep their place keep their identity, so that other references to them see the
    change.

    Raises
    ------
    CannotChange
        If the type of the object does not allow it.
    """
    if type(old) is not type(new):
        raise CannotChange
    if isinstance(old, list | deque):
        _write_sequence(old, new)
    elif isinstance(old, tuple):
        for one, other in zip(old, new, strict=False):
            if is_changeable(one):
                write_back(one, other)
    elif isinstance(old, dict):
        values = {
            key: _keep_old_part(old[key], new[key]) if key in old else new[key] for key in new
        }
        old.clear()
        old.update(values)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    elif isinstance(old, np.ndarray):
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            raise CannotChange
        old[...] = new
    elif isinstance(old, io.StringIO | io.BytesIO):
        _write_stream(old, new)
    else:
        _write_library_object(old, new)


def _write_sequence(old: Any, new: Any) -> None:
    values = [_keep_old_part(one, other) for one, other in zip(old, new, strict=False)]
    values += list(new)[len(values) :]
    old.clear()
    old.extend(values)


def _write_stream(old: Any, new: Any) -> None:
    if new.closed:
        old.close()
        return
    try:
        old.__setstate__((*new.__getstate__()[:-1], None))
    except (ValueError, BufferError):  # it is closed, or a view of its buffer exists
        raise CannotChange from None


def _write_library_object(old: Any, new: Any) -> None:
    torch, pandas = sys.modules.get("torch"), sys.modules.get("pandas")
    if torch is not None and isinstance(old, torch.Tensor):
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            raise CannotChange
        with torch.no_grad():
            old.copy_(new)
    elif pandas is not None and isinstance(old, pandas.DataFrame | pandas.Series):
        # Calling `__init__` again keeps the object's identity and replaces its content.
        type(old).__init__(old, new)
    else:
        raise CannotChange


def _keep_old_part(old: Any, new: Any) -> Any:
    """Return the old part, changed to equal the new, if its type allows that; else the new part."""
    if type(old) is type(new) and is_changeable(old):
        try:
            write_back(old, new)
        except CannotChange:
            return new
        return old
    return new
