"""The few errors that users meet; each message says what happened, where, and what to do.

In a notebook they are shown as their message alone: the lines of the course's own code above it
would only frighten.
"""

from __future__ import annotations

__all__ = ["CheckFailed", "CourseError", "ReleaseError", "SubmissionError"]


class _MessageOnly(Exception):
    """An exception that IPython shows as its message, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CourseError(_MessageOnly):
    """Something that the user can put right; the message says how."""


class ReleaseError(CourseError):
    """A student version could not be made from a source notebook, or would give something away."""


class SubmissionError(CourseError):
    """A submission, or a part of it, cannot be graded as it is."""


class CheckFailed(_MessageOnly, AssertionError):
    """An answer differs from what was expected; the message is written for the student."""
