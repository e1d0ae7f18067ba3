"""A background thread that does some work every few seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from nbjudge.exceptions import CourseError

__all__ = ["RepeatedWork"]

#: Seconds between two checks for work.
PAUSE = 10.0


class RepeatedWork:
    """A thread that calls a function every few seconds, even after the function has failed.

    Parameters
    ----------
    work : callable
        The function. An exception is logged, since the next call may succeed.
    name : str
        What the log calls the work.
    at_once : bool
        Whether the first call is at the start, rather than after the first pause.
    """

    def __init__(self, work: Callable[[], None], name: str, *, at_once: bool) -> None:
        self._work = work
        self._name = name
        self._at_once = at_once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name)

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called; long work checks this between its parts."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the call that is running, and end the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _repeat(self) -> None:
        wait = 0.0 if self._at_once else PAUSE
        while not self._stopped.wait(wait):
            wait = PAUSE
            try:
                self._work()
            except CourseError as error:
                logging.getLogger(__name__).error("%s: nothing was done: %s", self._name, error)
            except Exception:  # whatever the cause, the next call may succeed
                logging.exception("%s: it broke off", self._name)
