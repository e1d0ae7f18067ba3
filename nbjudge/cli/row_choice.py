"""Which rows of a class's table are asked for: a word of the command line."""

from enum import StrEnum

__all__ = ["Only"]


class Only(StrEnum):
    """Whose rows are shown."""

    ATTENTION = "attention"
    WAITING = "waiting"
    LATE = "late"
    MISSING = "missing"
