"""The shell of a graded kernel: IPython's own, but it formats a traceback at most once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ipykernel.zmqshell import ZMQInteractiveShell

from nbjudge.shell.cell_code import CellShell

__all__ = ["GradedShell"]


class GradedShell(CellShell):
    """The shell of a `GradedKernel`.

    Formatting a traceback with coloured lines takes longer than most cells. IPython does it a
    second time for its history, and also for cells whose traceback nobody reads.
    """

    #: Whether to leave out the traceback of the running cell: only the error's name and message
    #: are needed.
    is_brief = False

    def showtraceback(self, *arguments: Any, **settings: Any) -> None:
        """Show the exception that has just occurred."""
        if not self.is_brief:
            super().showtraceback(*arguments, **settings)
            return
        with self._without_lines():
            super().showtraceback(*arguments, **settings)

    @contextmanager
    def _without_lines(self) -> Iterator[None]:
        own = self.InteractiveTB
        self.InteractiveTB = _NoLines()  # type: ignore[assignment]
        try:
            yield
        finally:
            self.InteractiveTB = own

    def _format_exception_for_storage(
        self, exception: BaseException, *_: Any, **__: Any
    ) -> dict[str, Any]:
        """Return an exception for the history, with the traceback that was shown."""
        return {
            "ename": type(exception).__name__,
            "evalue": str(exception),
            "traceback": list(self._last_traceback or ()),
        }


class _NoLines:
    """A formatter of tracebacks that returns no lines."""

    def structured_traceback(self, *_: Any, **__: Any) -> list[str]:
        """Return the lines of a traceback."""
        return []

    def get_exception_only(self, *_: Any, **__: Any) -> list[str]:
        """Return the lines of an exception without traceback."""
        return []


# Notebooks and libraries look at the name of the shell's class to find out where they run.
for _of in ("__module__", "__name__", "__qualname__"):
    setattr(GradedShell, _of, getattr(ZMQInteractiveShell, _of))
