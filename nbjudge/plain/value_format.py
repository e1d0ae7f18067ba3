"""How a value is written as bytes: the format, its bounds, and what is taken apart into parts."""

# A value is written from the outside in: one byte that says what comes, then
#     N T F .  nothing: None, True, False, an ellipsis
#     i        size, a signed little-endian integer of so many bytes
#     f c      one or two IEEE doubles
#     s b B    size, UTF-8 (surrogates let through), bytes or those of a bytearray
#     ( [      count, so many values
#     {        count, so many keys, so many values
#     n        dtype, the bytes of a NumPy scalar
#     a        dtype, number of sides, sides, the elements in C order
#     t g      the same for a tensor; g requires a gradient
#     k        the name of a kind, count, so many parts
#     o        number, kind: an object that stays
# Sizes, counts, sides and numbers are unsigned 64-bit integers; dtypes and kinds are like strings.

from __future__ import annotations

import struct

from nbjudge.plain.arrays import ARRAYS
from nbjudge.plain.frames import FRAMES, frame_types
from nbjudge.plain.kinds import HANDED, LIBRARY, Kind, TooMuch, ValueBounds
from nbjudge.plain.torch_values import TORCH, torch_types

MAX_INTEGER_BYTES = 128
MAX_REFERENCE = 2**53
MAX_KIND = 200

NUMBER = struct.Struct("<Q")
DOUBLE = struct.Struct("<d")
FLOAT = struct.Struct("<cd")
TWO_DOUBLES = struct.Struct("<dd")

#: What is taken apart: its types, and its names.
KINDS_BY_TYPE: dict[type, Kind] = LIBRARY | ARRAYS
KINDS_BY_NAME: dict[str, Kind] = {
    kind.name: kind for kinds in (LIBRARY, ARRAYS, FRAMES, TORCH) for kind in kinds.values()
}
#: The same of what crosses only from a test to an answer.
HANDED_BY_NAME: dict[str, Kind] = {kind.name: kind for kind in HANDED.values()}


def late_types() -> dict[type, Kind]:
    """Return the kinds of libraries that may not be loaded."""
    return frame_types() | torch_types()


class Budget:
    """What is left of the bounds. Writer and reader count alike, so what one lets pass both do."""

    def __init__(self, bounds: ValueBounds) -> None:
        self.bounds = bounds
        self.bytes_left = bounds.bytes
        self.items_left = bounds.items
        self.items(1)

    def bytes(self, count: int) -> None:
        """Take so many bytes, or say which bound they pass."""
        if count > self.bytes_left:
            self.fits(count)  # which says why not
        self.bytes_left -= count

    def fits(self, count: int) -> None:
        """Refuse more bytes than may come."""
        if count > self.bytes_left:
            bound = self.bounds.bytes
            shown = f"{bound / 2**20:g} MB" if bound >= 2**20 else f"{bound} bytes"
            raise TooMuch(f"it takes more than {shown}")

    def items(self, count: int) -> None:
        """Take so many values, or say which bound they pass."""
        if count > self.items_left:
            raise TooMuch(f"it holds more than {self.bounds.items} values")
        self.items_left -= count

    def left(self) -> tuple[int, int]:
        """Return what is left now, for `restore`."""
        return self.bytes_left, self.items_left

    def restore(self, left: tuple[int, int]) -> None:
        """Take back what was written since."""
        self.bytes_left, self.items_left = left

    def room(self, count: int) -> None:
        """Refuse what holds more values than may come, before it is looked into."""
        self.items(count)
        self.items_left += count

    def level(self, depth: int) -> None:
        """Refuse what is nested deeper than allowed."""
        if depth > self.bounds.depth:
            raise TooMuch(f"it is nested more than {self.bounds.depth} deep")
