"""Work that is done again and again beside everything else, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from nbjudge.exceptions import CourseError

__all__ = ["RepeatedWork"]

#: Seconds between two checks for work.
PAUSE = 10.0


class RepeatedWork:
    """Does some work every few seconds, whatever became of it the last time.

    Parameters
    ----------
    work : callable
        Does what there is to do now. What it raises is logged: the next time it may go well.
    name : str
        What the work is, for the log.
    at_once : bool
        Whether it is done when it is started, too, or for the first time after a pause.
    """

    def __init__(self, work: Callable[[], None], name: str, *, at_once: bool) -> None:
        self._work = work
        self._name = name
        self._at_once = at_once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name)

    @property
    def is_stopped(self) -> bool:
        """Whether to do no more: long work looks at it between its parts."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done now."""
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
            except Exception:  # whatever it is, the next look may find nothing wrong
                logging.exception("%s: it broke off", self._name)
