"""The choice of rows in a class's table, as an option of the command line."""

from enum import StrEnum

__all__ = ["Only"]


class Only(StrEnum):
    """The rows that are shown."""

    ATTENTION = "attention"
    WAITING = "waiting"
    LATE = "late"
    MISSING = "missing"
