"""Ends a command that is asked to end as Ctrl-C does: nothing is left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Stop", "stop_signals"]

#: Sent by `kill`, by a batch system and by a terminal that closes; Windows has no SIGHUP.
STOP_SIGNALS = ("SIGTERM", "SIGHUP")


@dataclass
class Stop:
    """Which signal a KeyboardInterrupt stands for."""

    signum: int = signal.SIGINT


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt in the block, and yield which of them came.

    A signal that is ignored (`nohup`) or handled already stays so.
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
