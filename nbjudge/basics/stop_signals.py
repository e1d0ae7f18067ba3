"""Treat SIGTERM and SIGHUP like Ctrl-C, so that a stopped command still cleans up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Stop", "stop_signals"]

#: The signals of `kill`, of batch systems and of a closing terminal. Windows has no SIGHUP.
STOP_SIGNALS = ("SIGTERM", "SIGHUP")


@dataclass
class Stop:
    """The signal that caused a KeyboardInterrupt."""

    signum: int = signal.SIGINT


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt in the block; yield which signal came.

    A signal that is ignored already (`nohup`) or has a handler is left alone.
    """
    stop = Stop()

    def interrupt(signum: int, _: object) -> None:
        stop.signum = signum
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for signum in (getattr(signal, name) for name in STOP_SIGNALS if hasattr(signal, name)):
            if signal.getsignal(signum) is signal.SIG_DFL:
                before[signum] = signal.signal(signum, interrupt)
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
