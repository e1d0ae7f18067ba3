"""What a kernel prints: Python's streams, and what programs and C code write to the files 1 and 2.

All of it becomes frames, piece by piece, in the order in which it was written.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from nbjudge.shell.line import Line, no_signals

__all__ = ["Stream", "Streams"]

#: Seconds after which something printed is shown, whatever the cell does.
INTERVAL = 0.2
#: Characters that are kept until then; and bytes that are read at once.
READ_SIZE = 2**16
STREAM_NAMES = ("stdout", "stderr")
#: What numbers a message that belongs to no cell.
NO_SESSION = 0


class Stream(io.TextIOBase):
    """Stands for `sys.stdout` or `sys.stderr`.

    Parameters
    ----------
    streams : Streams
    name : str
    """

    encoding = "UTF-8"
    errors = "replace"

    def __init__(self, streams: Streams, name: str) -> None:
        self.name = name
        self._streams = streams
        self._original = os.dup(STREAM_NAMES.index(name) + 1)
        self._number: ContextVar[int] = ContextVar("number")
        self._last = NO_SESSION

    def set_parent(self, parent: dict[str, Any]) -> None:
        """Learn which cell runs: see `GradedKernel`."""
        self._last = number_of(parent.get("header", {}))
        self._number.set(self._last)

    def write(self, text: str) -> int:
        """Print a text as part of the cell that runs, or that started the task which runs."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self._streams.put(self.name, text, self._number.get(self._last))
        return len(text)

    def flush(self) -> None:
        """Show what was printed."""
        self._streams.flush(self.name)

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return False: nobody sits there."""
        return False

    def fileno(self) -> int:
        """Return a file that takes what is written, and shows it to nobody, as Jupyter's does."""
        return self._original

    @property
    def last(self) -> int:
        """The cell that ran last."""
        return self._last


def number_of(header: dict[str, Any]) -> int:
    """Return which frame a message answers; of what is no message of this kernel's, nobody's."""
    number = str(header.get("msg_id", ""))
    return int(number) if number.isdecimal() and len(number) < 20 else NO_SESSION


class Streams:
    """Both streams of a process, from now on.

    Parameters
    ----------
    show : callable
        Sends what was printed: the stream's name, the text, and the number of its cell.
    line : Line
        If its other end is closed, the process ends.
    """

    def __init__(self, show: Callable[[str, str, int], None], line: Line) -> None:
        self._show = show
        self._line = line
        self._mine = os.getpid()
        self._lock = threading.RLock()
        self._kept: dict[str, list[str]] = {name: [] for name in STREAM_NAMES}
        self._sizes = dict.fromkeys(STREAM_NAMES, 0)
        self._numbers = dict.fromkeys(STREAM_NAMES, NO_SESSION)
        self._written: dict[int, str] = {}
        self._decoders = {
            name: codecs.getincrementaldecoder("utf-8")(errors="replace") for name in STREAM_NAMES
        }
        self._stdout, self._stderr = (Stream(self, name) for name in STREAM_NAMES)
        for text, stream in (("stdout", self._stdout), ("stderr", self._stderr)):
            getattr(sys, text).flush()
            setattr(sys, text, stream)
        if sys.platform != "win32":
            self._watch_files()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch_files(self) -> None:
        """Put pipes in the place of the files 1 and 2."""
        self._poll = select.poll()
        for number, name in enumerate(STREAM_NAMES, start=1):
            read, write = os.pipe()
            os.set_blocking(read, False)
            os.dup2(write, number)
            os.close(write)
            self._written[read] = name
            self._poll.register(read, select.POLLIN)
        os.register_at_fork(after_in_child=self._unlock)

    def _unlock(self) -> None:
        """In a forked process nobody would ever open the locks that somebody had closed."""
        self._lock = threading.RLock()
        self._line.unlock()

    def put(self, name: str, text: str, number: int) -> None:
        """Keep a text until it is time to show it."""
        if os.getpid() != self._mine:  # a process that was forked writes as any program does
            os.write(STREAM_NAMES.index(name) + 1, text.encode(errors="replace"))
            return
        with self._lock:
            self._collect()
            self._put(name, text, number)

    def _put(self, name: str, text: str, number: int) -> None:
        if number != self._numbers[name]:
            self._send(name)
            self._numbers[name] = number
        self._kept[name].append(text)
        self._sizes[name] += len(text)
        if self._sizes[name] > READ_SIZE:
            self._send(name)

    def flush(self, *names: str) -> None:
        """Show what was printed; by default, to either stream."""
        if os.getpid() == self._mine:
            with self._lock:
                self._collect()
                for name in names or STREAM_NAMES:
                    self._send(name)

    def _send(self, name: str) -> None:
        if text := "".join(self._kept[name]):
            self._kept[name].clear()
            self._sizes[name] = 0
            self._show(name, text, self._numbers[name])

    def _collect(self) -> None:
        """Read what programs and C code have written so far."""
        while self._written and (ready := self._poll.poll(0)):
            for file, _ in ready:
                name = self._written[file]
                try:
                    content = os.read(file, READ_SIZE)
                except BlockingIOError:
                    continue
                if not content:  # every end was closed that could be written to
                    self._poll.unregister(file)
                stream = self._stdout if name == "stdout" else self._stderr
                if text := self._decoders[name].decode(content):
                    self._put(name, text, stream.last)

    def _watch(self) -> None:
        """Have everything shown in time, even if the cell never comes back, or never prints."""
        if sys.platform == "win32":
            while True:
                time.sleep(INTERVAL)
                self.flush()
        with no_signals():  # which are the cell's to hear
            poll = select.poll()
            poll.register(self._line, 0)
            for file in self._written:
                poll.register(file, select.POLLIN)
            shown = time.monotonic()
            while True:
                ready = dict(poll.poll(1000 * INTERVAL))
                if self._line.fileno() in ready:  # its other end was closed
                    os._exit(0)
                for file, event in ready.items():
                    if event & ~select.POLLIN:
                        poll.unregister(file)
                with self._lock:
                    self._collect()
                    if time.monotonic() - shown >= INTERVAL:
                        self.flush()
                        shown = time.monotonic()
