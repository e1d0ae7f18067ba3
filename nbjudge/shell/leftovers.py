"""Find what a cell has left running: threads, processes, timers, tasks.

Any of them can end the process later. `shell.app` waits for them, so that the process ends while
the cell that caused it still counts as running.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import Context
from pathlib import Path
from typing import Any, TypeVarTuple

__all__ = ["SETTLE_SECONDS", "Leftovers", "Loop"]

#: The most seconds to wait after a cell for what it has left running.
SETTLE_SECONDS = 2.25
LOOK_PAUSE = 0.01
#: Packages whose tasks and threads are the kernel's own, and modules whose threads are harmless.
OWN_PACKAGES = ("nbjudge", "ipykernel", "tornado", "zmq", "IPython")
HARMLESS_MODULES = ("tqdm._monitor",)
TIMERS = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")

Each = TypeVarTuple("Each")


class Loop(asyncio.SelectorEventLoop):
    """An event loop that keeps track of its timers, and reports when code stops it.

    Parameters
    ----------
    stopped : callable
        Called when code stops the loop, in the context of that code.
    """

    def __init__(self, stopped: Callable[[], None]) -> None:
        super().__init__()
        self._stopped = stopped
        self._timers: weakref.WeakSet[asyncio.TimerHandle] = weakref.WeakSet()

    def call_at(
        self,
        when: float,
        callback: Callable[[*Each], object],
        *args: *Each,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call a function at a time of the loop's clock."""
        timer = super().call_at(when, callback, *args, context=context)
        self._timers.add(timer)
        return timer

    def timers(self, start: float) -> list[asyncio.TimerHandle]:
        """Return the timers that are due after a time of the loop's clock."""
        return [timer for timer in self._timers if timer.when() > start and not timer.cancelled()]

    def stop(self) -> None:
        """Stop the loop."""
        self._stopped()
        super().stop()


class Leftovers:
    """The threads, processes, timers and tasks that code has left running in this process.

    Parameters
    ----------
    loop : Loop
    alone : bool
        Whether all other processes visible here, except process 1, were started by this one.
    """

    def __init__(self, loop: Loop, *, alone: bool) -> None:
        self._loop = loop
        self._processes = _others if alone else _children
        self._first = self._known = self._seen = self._now(loop.time())

    def any(self) -> bool:
        """Return whether anything was left running when `settle` returned last."""
        return bool(self._known - self._first)

    async def settle(self) -> bool:
        """Wait until everything new has ended, or a time limit; return whether some still runs.

        What still runs then does not count as new any more.
        """
        end = self._loop.time() + SETTLE_SECONDS
        while (new := await self._new()) and self._loop.time() < end:
            await asyncio.sleep(LOOK_PAUSE)
        self._known = self._seen
        return bool(new)

    async def _new(self) -> set[tuple[str, int]]:
        # Two turns of the loop: in the first one a due timer is only moved to the queue. A timer
        # that becomes due during these turns may not have run yet, so it still counts.
        start = self._loop.time()
        for _ in range(2):
            await asyncio.sleep(0)
        self._seen = self._now(start)
        return self._seen - self._known

    def _now(self, start: float) -> set[tuple[str, int]]:
        return {
            *(("thread", number) for number in _thread_numbers()),
            *(("process", number) for number in self._processes()),
            *(("timer", id(timer)) for timer in self._loop.timers(start)),
            *(("alarm", number) for number in _alarms()),
            *(("task", id(task)) for task in asyncio.all_tasks(self._loop) if not _is_own(task)),
        }


def _thread_numbers() -> Iterator[int]:
    """Yield the ids of all threads; on other systems than Linux, only of Python's own."""
    harmless = set()
    for thread in threading.enumerate():
        if type(thread).__module__ in HARMLESS_MODULES or type(thread).__module__.startswith(
            OWN_PACKAGES
        ):
            harmless.add(thread.native_id)
        elif thread.native_id is not None:
            yield thread.native_id
    if sys.platform == "linux":
        for name in _list_names("/proc/self/task"):
            if int(name) not in harmless:
                yield int(name)


def _others() -> Iterator[int]:
    """Yield the ids of all processes except process 1 and this one."""
    for name in set(_list_names("/proc")) - {"1", str(os.getpid())}:
        if name.isdigit() and _runs_still(name):
            yield int(name)


def _children() -> Iterator[int]:
    """Yield the ids of this process's children, if the system lists them."""
    for task in _list_names("/proc/self/task"):
        with suppress(OSError):  # it has just ended
            children = Path(f"/proc/self/task/{task}/children").read_text().split()
            yield from map(int, filter(_runs_still, children))


def _runs_still(process: str) -> bool:
    """Return whether a process is alive, and not a zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def _list_names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:
        return []


def _alarms() -> Iterator[int]:
    if sys.platform != "win32":
        for number, name in enumerate(TIMERS):
            if signal.getitimer(getattr(signal, name))[0]:
                yield number


def _is_own(task: asyncio.Task[Any]) -> bool:
    """Return whether a task belongs to the kernel itself."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and any(
        f"{os.sep}{name}{os.sep}" in code.co_filename for name in OWN_PACKAGES
    )
