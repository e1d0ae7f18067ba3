"""Capture what a kernel prints: Python's streams, and output of programs and C code.

Everything becomes frames, in the order in which it was written. Programs and C code write to the
file descriptors 1 and 2, which are replaced by pipes.
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

#: The most seconds for which printed text is buffered.
INTERVAL = 0.2
#: The most characters that are buffered, and the most bytes read at once.
READ_SIZE = 2**16
STREAM_NAMES = ("stdout", "stderr")
#: The number of a message that belongs to no cell.
NO_SESSION = 0


class Stream(io.TextIOBase):
    """The replacement of `sys.stdout` or `sys.stderr`.

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
        """Record which cell runs; the kernel calls this before each cell."""
        self._last = number_of(parent.get("header", {}))
        self._number.set(self._last)

    def write(self, text: str) -> int:
        """Print a text for the running cell, or for the cell that started the running task."""
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
        """Return False: this is no terminal."""
        return False

    def fileno(self) -> int:
        """Return a descriptor of the original stream, whose text nobody sees, like Jupyter."""
        return self._original

    @property
    def last(self) -> int:
        """The cell that ran last."""
        return self._last


def number_of(header: dict[str, Any]) -> int:
    """Return the number of the cell in a message's header; `NO_SESSION` if it has none."""
    number = str(header.get("msg_id", ""))
    return int(number) if number.isdecimal() and len(number) < 20 else NO_SESSION


class Streams:
    """Captures both streams of this process from now on.

    Parameters
    ----------
    show : callable
        Called with the stream's name, the printed text, and the number of its cell.
    line : Line
        The process ends if the other end of the line is closed.
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
        """Replace the file descriptors 1 and 2 by pipes."""
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
        """Replace the locks in a forked process, where the old ones may be locked forever."""
        self._lock = threading.RLock()
        self._line.unlock()

    def put(self, name: str, text: str, number: int) -> None:
        """Buffer a text until it is shown."""
        if os.getpid() != self._mine:  # a forked process writes to the pipe, like any program
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
        """Show what is buffered, by default of both streams."""
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
                if not content:  # all writing ends are closed
                    self._poll.unregister(file)
                stream = self._stdout if name == "stdout" else self._stderr
                if text := self._decoders[name].decode(content):
                    self._put(name, text, stream.last)

    def _watch(self) -> None:
        """Show buffered text in time, even if the cell never returns; this is a thread's loop."""
        if sys.platform == "win32":
            while True:
                time.sleep(INTERVAL)
                self.flush()
        with no_signals():  # the main thread, which runs the cell, must get them
            poll = select.poll()
            poll.register(self._line, 0)
            for file in self._written:
                poll.register(file, select.POLLIN)
            shown = time.monotonic()
            while True:
                ready = dict(poll.poll(1000 * INTERVAL))
                if self._line.fileno() in ready:  # the other end was closed
                    os._exit(0)
                for file, event in ready.items():
                    if event & ~select.POLLIN:
                        poll.unregister(file)
                with self._lock:
                    self._collect()
                    if time.monotonic() - shown >= INTERVAL:
                        self.flush()
                        shown = time.monotonic()
