"""IPython's shell as it is in a kernel, but that it sets a traceback in lines once at most."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ipykernel.zmqshell import ZMQInteractiveShell

from nbjudge.shell.cell_code import CellShell

__all__ = ["GradedShell"]


class GradedShell(CellShell):
    """The shell of a `GradedKernel`.

    To find the lines of a traceback and colour them takes longer than most cells do. IPython does
    it a second time for its history, and for cells of which nobody reads how they failed.
    """

    #: Whether nobody reads the traceback of the cell that runs: its error's name and words count.
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
        """Return what the history keeps of an exception: what was shown of it."""
        return {
            "ename": type(exception).__name__,
            "evalue": str(exception),
            "traceback": list(self._last_traceback or ()),
        }


class _NoLines:
    """Formats tracebacks without a line."""

    def structured_traceback(self, *_: Any, **__: Any) -> list[str]:
        """Return the lines of a traceback."""
        return []

    def get_exception_only(self, *_: Any, **__: Any) -> list[str]:
        """Return the lines that tell of an exception alone."""
        return []


# By its class notebooks, and the libraries that they import, know where they run.
for _of in ("__module__", "__name__", "__qualname__"):
    setattr(GradedShell, _of, getattr(ZMQInteractiveShell, _of))
