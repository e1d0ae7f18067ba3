"""Check the ids of students, which become names of folders, here and in nbgrader."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

__all__ = ["is_fit", "is_rounded"]

MAX_ID_BYTES = 100


def is_fit(student: str) -> bool:
    """Return whether an id can be a folder's name, here and for nbgrader."""
    return (
        student.isprintable()
        and not set(student) & set("/\\")
        and not student.startswith(".")
        and 0 < len(student.encode()) <= MAX_ID_BYTES
        and fnmatchcase(student, student)
    )


def is_rounded(student: str) -> bool:
    """Return whether an id is a number that a spreadsheet has rounded to its first digits.

    >>> is_rounded("1.23457E+11"), is_rounded("1234567"), is_rounded("e2e")
    (True, False, False)
    """
    return re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+", student) is not None
