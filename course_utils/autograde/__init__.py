"""Everything between a submission and its marks.

`grade` grades one notebook, bytes to bytes, anywhere; `batch` grades a class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_utils.autograde.grading import Result, grade
    from course_utils.autograde.limits import Limits
    from course_utils.autograde.version import CourseCell, NotebookVersion

__all__ = ["CourseCell", "Limits", "NotebookVersion", "Result", "grade"]

_HOMES = {
    "CourseCell": "version",
    "Limits": "limits",
    "NotebookVersion": "version",
    "Result": "grading",
    "grade": "grading",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: most of it takes seconds, and not every caller grades."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
