"""Marks out to learning platforms and to tables. It imports `course` and below.

A new format is a module that returns its table, a plugin in `marks_files`, and a line here.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Format"]


class Format(StrEnum):
    """What marks are exported for, with the plugin of `nbgrader export` that does it."""

    plugin: str

    CANVAS = "canvas", "nbjudge.export.marks_files.CanvasExport"
    MOODLE = "moodle", "nbjudge.export.marks_files.MoodleExport"
    TIDY = "tidy", "nbjudge.export.marks_files.TidyExport"

    def __new__(cls, name: str, plugin: str) -> Format:
        """Make a text of the name alone, which is what `course export --to` is given."""
        made = str.__new__(cls, name)
        made._value_ = name
        made.plugin = plugin
        return made
