"""Pictures of a call's arguments, which show afterwards whether the call has changed them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from nbjudge.plain.arrays import bytes_of
from nbjudge.plain.kinds import WireError

__all__ = ["Album", "is_changeable"]

#: Bytes that stay allocated for pictures: allocating memory takes longer than filling it.
MAX_PAGES = 4 * 2**20


class Album:
    """Takes pictures of values, and compares them with what the values are later.

    Parameters
    ----------
    encode : callable
        Turns a value into bytes, or raises a `WireError`.
    """

    def __init__(self, encode: Callable[[Any], bytes]) -> None:
        self._encode = encode
        self._pages = np.empty(0, np.uint8)
        self.used = 0

    def picture(self, value: Any) -> Any:
        """Return a picture of a value, for `shows`; None if the value cannot be encoded."""
        if (elements := _elements(value)) is not None:
            return elements.shape, elements.dtype, self._copy(bytes_of(elements))
        try:
            return self._encode(value)
        except WireError:
            return None

    def shows(self, picture: Any, value: Any) -> bool:
        """Return whether a value still equals its picture; True if there was none to take."""
        if picture is None:
            return True
        if isinstance(picture, bytes):
            try:
                return self._encode(value) == picture
            except WireError:
                return False
        shape, dtype, content = picture
        now = _elements(value)
        if now is None or (now.shape, now.dtype) != (shape, dtype):
            return False
        return bool(np.array_equal(bytes_of(now), content))

    def _copy(self, content: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        end = self.used + len(content)
        if end > MAX_PAGES:
            return content.copy()
        if end > len(self._pages):  # earlier pictures keep the previous buffer alive
            self._pages = np.empty(max(end, 2 * len(self._pages)), np.uint8)
        place = self._pages[self.used : end]
        place[:] = content
        self.used = end
        return place


def is_changeable(value: object) -> bool:
    """Return whether a value could be changed in place."""
    return not isinstance(value, bool | int | float | complex | str | bytes | type(None))


def _elements(value: Any) -> np.ndarray[Any, Any] | None:
    """Return the numbers of an array or a tensor, which can be compared without encoding."""
    torch = sys.modules.get("torch")
    if torch is not None and type(value) is torch.Tensor:
        try:
            value = value.detach().numpy()
        except (RuntimeError, TypeError):  # such as a sparse tensor, or a dtype NumPy lacks
            return None
    is_numbers = type(value) is np.ndarray and value.dtype.kind in "biufc"
    return value if is_numbers else None
