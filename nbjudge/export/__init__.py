"""Export marks to learning platforms and tables. It imports `course` and below.

A new format needs a module that computes its table, a plugin in `marks_files`, and a line here.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Format"]


class Format(StrEnum):
    """A format of exported marks, with the plugin of `nbgrader export` that writes it."""

    plugin: str

    CANVAS = "canvas", "nbjudge.export.marks_files.CanvasExport"
    MOODLE = "moodle", "nbjudge.export.marks_files.MoodleExport"
    TIDY = "tidy", "nbjudge.export.marks_files.TidyExport"

    def __new__(cls, name: str, plugin: str) -> Format:
        """Create a member whose value is the name, as given to `course export --to`."""
        made = str.__new__(cls, name)
        made._value_ = name
        made.plugin = plugin
        return made
