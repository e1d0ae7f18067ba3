"""Await a student's coroutines within a request, when the kernel's own event loop is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = ["Awaiting"]


class Awaiting:
    """One test's event loop, created at the first use.

    A kernel answers requests from within its own event loop. asyncio does not run a second loop
    inside a running one, so the running loop is hidden meanwhile.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def result(self, awaitable: Awaitable[Any]) -> Any:
        """Return the result of an awaitable; its exceptions propagate."""

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
        """Call a function, and return the result of the awaitable that it returns."""
        return self.result(function(*arguments))

    def end(self) -> None:
        """Close the loop, with whatever still runs in it."""
        loop, self._loop = self._loop, None
        if loop is not None:
            with suppress(Exception):  # an answer may have patched any part of asyncio
                loop.close()
