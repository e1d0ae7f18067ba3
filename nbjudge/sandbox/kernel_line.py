"""The grader's end of the line to a kernel: whatever comes along it, it is a frame or an error.

A student's code can write to the line, too. So nothing that a frame says of itself is believed: its
size is judged before anything of it is kept, and nobody waits for the rest of it for ever.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable

from nbjudge.shell.line import HEAD, frame

__all__ = ["MAX_FRAME_BYTES", "Closed", "Garbled", "KernelLine", "Silence"]

#: Bytes of one frame; one that says that it is larger ends the line.
MAX_FRAME_BYTES = 256 * 2**20
#: Bytes that are read at once.
PIECE_BYTES = 2**18
#: Seconds between two looks at whether a silent kernel still lives.
HEARTBEAT = 0.2


class Closed(Exception):
    """The kernel has let go of the line, or has ended."""


class Silence(Exception):
    """Nothing that was wanted has come in time."""


class Garbled(Exception):
    """What has come is no part of any honest conversation."""


class KernelLine:
    """The line to a kernel.

    Parameters
    ----------
    end : socket.socket
        This end of it.
    is_alive : callable
        Says whether the kernel still runs. A process that it has left behind may hold the line.
    clock : callable
        Tells the time by which a kernel is late.
    """

    def __init__(
        self,
        end: socket.socket,
        is_alive: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        end.setblocking(False)
        self._end = end
        self._is_alive = is_alive
        self._clock = clock
        self._poll = select.poll() if hasattr(select, "poll") else None
        self._number = 0
        self._outgoing = memoryview(b"")
        self._received = bytearray()
        #: Of the frame that has begun: its kind and number, the bytes to come, and what is kept.
        self._head: tuple[int, int] | None = None
        self._left = 0
        self._content: bytearray | None = None

    def send(self, kind: int, content: bytes) -> int:
        """Begin to send a frame, and return its number; the rest goes while frames are awaited.

        Raises
        ------
        Garbled
            If the last one was answered before it was heard.
        """
        if self._outgoing:
            raise Garbled
        self._number += 1
        self._outgoing = memoryview(frame(kind, self._number, content))
        self._push()
        return self._number

    def receive(
        self, until: float, wants: Callable[[int, int, int], bool]
    ) -> tuple[int, int, bytes]:
        """Return the next frame that is wanted: its kind, number and content.

        Parameters
        ----------
        until : float
            When nobody waits any longer, by the clock of the line.
        wants : callable
            Says by its kind, number and size whether a frame is; it may raise an exception.

        Raises
        ------
        Closed, Silence, Garbled
        """
        while True:
            if (found := self._whole_frame(wants)) is not None:
                return found
            self._exchange(until)

    def _whole_frame(self, wants: Callable[[int, int, int], bool]) -> tuple[int, int, bytes] | None:
        """Return the next frame that is wanted, if all of it is there."""
        received = self._received
        while self._head is not None or len(received) >= HEAD.size:
            if self._head is None:
                kind, number, size = HEAD.unpack_from(received)
                del received[: HEAD.size]
                is_wanted = wants(kind, number, size)
                if size > MAX_FRAME_BYTES:
                    raise Garbled
                self._head, self._left = (kind, number), size
                self._content = bytearray() if is_wanted else None
            piece = received[: self._left]
            del received[: self._left]
            self._left -= len(piece)
            if self._content is not None:
                self._content += piece
            if self._left:
                return None
            (kind, number), content = self._head, self._content
            self._head = self._content = None
            if content is not None:
                return kind, number, bytes(content)
        return None

    def _exchange(self, until: float) -> None:
        """Send and receive what is possible now; wait for it if nothing is."""
        if (left := until - self._clock()) <= 0:
            raise Silence
        if not self._wait(min(left, HEARTBEAT)):
            if not self._is_alive() and not self._wait(0):
                raise Closed
            return
        self._push()
        try:
            piece = self._end.recv(PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            raise Closed from None
        if not piece:
            raise Closed
        self._received += piece

    def _push(self) -> None:
        """Send what the line takes now."""
        try:
            if self._outgoing:
                self._outgoing = self._outgoing[self._end.send(self._outgoing) :]
        except BlockingIOError:
            pass
        except OSError:  # what it has said before it went can still be read
            self._outgoing = memoryview(b"")

    def _wait(self, seconds: float) -> bool:
        """Say whether something can be received, or sent if there is something to send."""
        if self._poll is None:  # Windows
            writes = [self._end] if self._outgoing else []
            return any(select.select([self._end], writes, [], seconds))
        events = select.POLLIN | (select.POLLOUT if self._outgoing else 0)
        self._poll.register(self._end, events)
        return bool(self._poll.poll(1000 * seconds))
