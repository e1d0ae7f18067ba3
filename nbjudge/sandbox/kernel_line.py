"""The grader's end of the socket to a kernel, which turns whatever arrives into frames or errors.

A student's code can write to the socket, too, so the header of a frame is not trusted: its size is
checked before its content is stored, and reading it has a deadline.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable

from nbjudge.shell.line import HEAD, frame

__all__ = ["MAX_FRAME_BYTES", "Closed", "Garbled", "KernelLine", "Silence"]

#: Bytes of one frame; a larger one ends the connection.
MAX_FRAME_BYTES = 256 * 2**20
#: Bytes that are read at once.
PIECE_BYTES = 2**18
#: Seconds between two checks whether a silent kernel still lives.
HEARTBEAT = 0.2


class Closed(Exception):
    """The kernel has closed its socket, or has ended."""


class Silence(Exception):
    """No wanted frame has arrived before the deadline."""


class Garbled(Exception):
    """A frame has arrived that an honest kernel would not send."""


class KernelLine:
    """The connection to a kernel.

    Parameters
    ----------
    end : socket.socket
        The grader's end.
    is_alive : callable
        Returns whether the kernel still runs. The socket alone does not show it: a process that the
        kernel has started may still hold it open.
    clock : callable
        Returns the time in seconds by which deadlines are meant.
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
        #: The frame that is being received: its kind and number, the number of bytes still to
        #: come, and its content so far, or None if the frame is not wanted.
        self._head: tuple[int, int] | None = None
        self._left = 0
        self._content: bytearray | None = None

    def send(self, kind: int, content: bytes) -> int:
        """Start to send a frame, and return its number; `receive` sends the rest.

        Raises
        ------
        Garbled
            If the last frame was not sent completely, although a reply to it has arrived.
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
        """Return the kind, number and content of the next wanted frame.

        Parameters
        ----------
        until : float
            The deadline, by the clock of the connection.
        wants : callable
            Returns whether a frame of this kind, number and size is wanted; it may raise.

        Raises
        ------
        Closed, Silence, Garbled
        """
        while True:
            if (found := self._whole_frame(wants)) is not None:
                return found
            self._exchange(until)

    def _whole_frame(self, wants: Callable[[int, int, int], bool]) -> tuple[int, int, bytes] | None:
        """Return the next wanted frame, if all of it has arrived."""
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
        """Send and receive what is possible; wait a moment if nothing is possible yet."""
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
        """Send as much as the socket takes now."""
        try:
            if self._outgoing:
                self._outgoing = self._outgoing[self._end.send(self._outgoing) :]
        except BlockingIOError:
            pass
        except OSError:  # the kernel is gone, but what it sent before can still be read
            self._outgoing = memoryview(b"")

    def _wait(self, seconds: float) -> bool:
        """Wait until something can be received, or sent if there is any; return whether it can."""
        if self._poll is None:  # Windows
            writes = [self._end] if self._outgoing else []
            return any(select.select([self._end], writes, [], seconds))
        events = select.POLLIN | (select.POLLOUT if self._outgoing else 0)
        self._poll.register(self._end, events)
        return bool(self._poll.poll(1000 * seconds))
