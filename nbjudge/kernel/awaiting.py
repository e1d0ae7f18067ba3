"""Waiting for what an answer gives that has to be awaited, while a test asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = ["Awaiting"]


class Awaiting:
    """An event loop for all that one test awaits, made when the first of it is.

    A kernel answers its grader from within its own event loop, which cannot be run once more. So
    that one is out of sight meanwhile.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def result(self, awaitable: Awaitable[Any]) -> Any:
        """Return what an awaitable gives; what it raises is raised."""

        async def wait() -> Any:
            return await awaitable

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return self._loop.run_until_complete(wait())
        finally:
            asyncio._set_running_loop(outer)

    def result_of(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Return what that gives which a function returns."""
        return self.result(function(*arguments))

    def end(self) -> None:
        """Forget what goes on."""
        loop, self._loop = self._loop, None
        if loop is not None:
            with suppress(Exception):  # an answer may have put anything in the place of anything
                loop.close()
