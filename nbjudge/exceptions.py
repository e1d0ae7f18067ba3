"""The errors that users see; each message says what happened, where, and what to do.

A notebook shows only the message: a traceback through the course's own code would only confuse.
"""

from __future__ import annotations

__all__ = ["CheckFailed", "CourseError", "ReleaseError", "SubmissionError"]


class _MessageOnly(Exception):
    """An exception that IPython shows as its message, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CourseError(_MessageOnly):
    """A problem that the user can fix; the message says how."""


class ReleaseError(CourseError):
    """A student version cannot be made from a source notebook, or would reveal a solution."""


class SubmissionError(CourseError):
    """A submission, or a part of it, cannot be graded as it is."""


class CheckFailed(_MessageOnly, AssertionError):
    """An answer differs from what was expected; the message is written for the student."""
