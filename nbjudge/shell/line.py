"""The line between grader and kernel: frames over one pair of sockets, in both directions.

A frame is a header followed by its content. The grader sends a cell or a request, and waits until
it is done; each frame from the kernel carries the number of the cell or request that it belongs to.
This module is the kernel's end; the grader's end, which trusts nothing that it reads, is
`sandbox.kernel_line`.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "ASK",
    "ASKED_TO_END",
    "CELL",
    "DONE",
    "HEAD",
    "KINDS",
    "LEFT",
    "OUTPUTS",
    "REPLY",
    "RUNNING",
    "Line",
    "frame",
    "no_signals",
]

#: The header of a frame: kind, number of the cell or request, and number of bytes that follow.
HEAD = struct.Struct("<BQQ")
#: The kinds of frame that a grader sends (a cell, a request), and those that end each of them.
CELL, ASK, DONE, REPLY = range(1, 5)
#: How a cell ended: bits of the single byte in a DONE frame.
ASKED_TO_END, LEFT, RUNNING = 1, 2, 4
#: Jupyter's messages that a notebook keeps, by the kind of the frame that carries them.
OUTPUTS = dict(
    enumerate(
        (
            *("stream", "display_data", "update_display_data", "execute_result", "error"),
            "clear_output",
        ),
        start=16,
    )
)
KINDS = {name: kind for kind, name in OUTPUTS.items()}
#: Signals that a notebook may receive and turn into an exception, if this system has them.
BLOCKED_SIGNALS = [
    getattr(signal, name)
    for name in (
        "SIGINT",
        "SIGTERM",
        "SIGHUP",
        "SIGALRM",
        "SIGVTALRM",
        "SIGPROF",
        "SIGUSR1",
        "SIGUSR2",
    )
    if hasattr(signal, name)
]


def frame(kind: int, number: int, content: bytes) -> bytes:
    """Return a frame as bytes."""
    return HEAD.pack(kind, number, len(content)) + content


class Line:
    """The kernel's end of the line, which trusts the grader's end.

    Parameters
    ----------
    end : socket.socket
        A blocking stream socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._mine = os.getpid()
        self.unlock()

    def unlock(self) -> None:
        """Replace the lock; in a forked process, the old one may be locked forever."""
        self._lock = threading.RLock()

    def fileno(self) -> int:
        """Return the file descriptor of the socket, for polling."""
        return self._end.fileno()

    def send(self, kind: int, number: int, content: bytes) -> None:
        """Send a frame, with signals blocked so that none can interrupt it.

        Processes forked by the kernel send nothing, as their frames would mix with the kernel's.
        """
        if os.getpid() != self._mine:
            return
        with self._lock, no_signals():
            self._end.sendall(frame(kind, number, content))

    def receive(self) -> tuple[int, int, memoryview]:
        """Return the next frame; end the process if the grader has closed the line."""
        kind, number, size = HEAD.unpack(self._exactly(HEAD.size))
        return kind, number, self._exactly(size)

    def _exactly(self, size: int) -> memoryview:
        content = memoryview(bytearray(size))
        got = 0
        while got < size:
            if not (received := self._end.recv_into(content[got:])):
                os._exit(0)
            got += received
        return content


@contextmanager
def no_signals() -> Iterator[None]:
    """Block signals to this thread in the block; do nothing on Windows."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # A signal that has already arrived raises its exception here, with the mask in place.
        signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED_SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
