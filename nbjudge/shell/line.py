"""The line between a grader and a kernel: frames on one pair of sockets, in both directions.

A frame is a head and what it announces. The grader sends a cell or a request and waits until that
is done; frames of a kernel say by a number to which of them they belong. What holds at the
kernel's end is in this module; the grader's, which trusts nothing that it reads, is
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

#: The head of a frame: its kind, the number that it belongs to, and the bytes that follow.
HEAD = struct.Struct("<BQQ")
#: What a grader sends, and how a kernel ends each of the two.
CELL, ASK, DONE, REPLY = range(1, 5)
#: How a cell was left: bits of the one byte that a frame of the kind DONE holds.
ASKED_TO_END, LEFT, RUNNING = 1, 2, 4
#: The messages of Jupyter's that a notebook keeps, by the kinds of the frames that carry them.
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
#: Signals that a notebook may be sent, and answer by an exception; those that exist here.
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
    """The kernel's end of the line: who is at the other one is believed.

    Parameters
    ----------
    end : socket.socket
        A stream that blocks.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._mine = os.getpid()
        self.unlock()

    def unlock(self) -> None:
        """Have a lock of its own: in a forked process, nobody would ever open the old one."""
        self._lock = threading.RLock()

    def fileno(self) -> int:
        """Return the file descriptor, to wait with."""
        return self._end.fileno()

    def send(self, kind: int, number: int, content: bytes) -> None:
        """Send a frame; no signal cuts it in two.

        A process that the kernel has forked sends nothing: its frames would get among the kernel's.
        """
        if os.getpid() != self._mine:
            return
        with self._lock, no_signals():
            self._end.sendall(frame(kind, number, content))

    def receive(self) -> tuple[int, int, memoryview]:
        """Return the next frame; end the process if nobody will ever send one."""
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
    """Let signals to this thread wait meanwhile; where there are none there is nothing to do."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # One that has come already raises its exception here, with the mask in place.
        signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED_SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
