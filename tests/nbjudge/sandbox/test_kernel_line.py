"""The line to a kernel: whatever comes along it is a frame, or one of the course's errors."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from processes import PATIENCE

from nbjudge.fork_server.waiting_time import LENIENCE
from nbjudge.sandbox import kernel_line, session
from nbjudge.sandbox.kernel_line import KernelLine
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import CellRun, KernelLost, Session
from nbjudge.shell.line import (
    ASK,
    ASKED_TO_END,
    CELL,
    DONE,
    HEAD,
    KINDS,
    LEFT,
    REPLY,
    frame,
)

LIMITS = Limits(cell_seconds=PATIENCE, call_seconds=PATIENCE, output_bytes=2**20)
STREAM = KINDS["stream"]
PRINTED = b'{"name": "stdout", "text": "hello"}'

#: What a kernel does at its end of the line, when it has heard a frame of this number.
Scenario = Callable[[socket.socket, int], object]


class Peer:
    """A kernel that does what a test wants, as soon as it has heard a frame."""

    def __init__(self, scenario: Scenario | None, ended: str | None = None) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.heard: list[tuple[int, bytes]] = []
        self.interrupts = 0
        self.waited = 0.0
        self.ended = ended or ""
        self._scenario = scenario
        if scenario is not None:
            self._thread = threading.Thread(target=self._serve)
            self._thread.start()

    def _serve(self) -> None:
        assert self._scenario is not None
        head = self.theirs.recv(HEAD.size, socket.MSG_WAITALL)
        if len(head) == HEAD.size:
            kind, number, size = HEAD.unpack(head)
            content = self.theirs.recv(size, socket.MSG_WAITALL) if size else b""
            self.heard.append((kind, content))
            try:
                self._scenario(self.theirs, number)
            except OSError:  # nobody listens any more
                return

    def session(self) -> Session:
        """Return a session with this kernel."""
        found = Session.__new__(Session)
        found._limits = LIMITS
        found._kernel = self  # type: ignore[assignment]
        found._line = KernelLine(self.ours, self.is_alive, found.clock)
        return found

    def is_alive(self) -> bool:
        return not self.ended

    def await_end(self, seconds: float) -> None:
        """Do nothing."""

    def interrupt(self) -> None:
        self.interrupts += 1

    def waiting_seconds(self) -> float:
        return self.waited

    def close(self) -> None:
        for end in (self.ours, self.theirs):
            end.close()
        if self._scenario is not None:
            self._thread.join()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    made: list[Peer] = []

    def make(*settings: Any, **named: Any) -> Peer:
        made.append(Peer(*settings, **named))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def ask(peer: Any) -> Callable[..., bytes]:
    """Return a function that sends a request to a `Peer`, and returns the reply."""

    def ask(scenario: Scenario | None, *, seconds: float = 5, ended: str | None = None) -> bytes:
        return peer(scenario, ended).session().request(b"a question", seconds)

    return ask


@pytest.fixture
def run(peer: Any) -> Callable[..., tuple[CellRun, list[NotebookNode]]]:
    """Return a function that has a `Peer` run a cell, and tells how it ended and what it showed."""

    def run(scenario: Scenario | None, **settings: Any) -> tuple[CellRun, list[NotebookNode]]:
        cell = nbformat.v4.new_code_cell("a cell")  # type: ignore[no-untyped-call]
        ran = peer(scenario).session().run(cell, **settings)
        return ran, cell.outputs

    return run


def says(*frames: tuple[int, bytes], number: int | None = None) -> Scenario:
    """Return a scenario that sends frames."""

    def scenario(end: socket.socket, asked: int) -> None:
        for kind, content in frames:
            end.sendall(frame(kind, asked if number is None else number, content))

    return scenario


def head(kind: int, number: int, size: int) -> bytes:
    return HEAD.pack(kind, number, size)


@pytest.mark.parametrize("content", [b"an answer", b"", b"\xff" * 10**6])
def test_what_a_reply_holds_comes_back_as_it_is(ask: Any, content: bytes) -> None:
    assert ask(says((REPLY, content))) == content


def test_a_reply_that_comes_byte_by_byte_is_whole(ask: Any) -> None:
    def hesitate(end: socket.socket, number: int) -> None:
        for byte in frame(REPLY, number, b"slow"):
            end.sendall(bytes([byte]))
            time.sleep(0.001)

    assert ask(hesitate) == b"slow"


def test_a_request_larger_than_any_buffer_arrives(peer: Any) -> None:
    kernel = peer(says((REPLY, b"got it")))
    large = bytes(range(256)) * 2**14

    assert kernel.session().request(large, PATIENCE) == b"got it"
    assert kernel.heard == [(ASK, large)]


def test_replies_to_others_and_other_frames_are_passed_over(ask: Any) -> None:
    def confuse(end: socket.socket, number: int) -> None:
        end.sendall(frame(REPLY, number - 1, b"to an earlier one"))
        end.sendall(frame(REPLY, number + 1, b"to a later one"))
        end.sendall(frame(DONE, number, b"\0"))
        end.sendall(frame(STREAM, number, PRINTED))
        end.sendall(frame(99, number, b"unheard of"))
        end.sendall(frame(REPLY, number, b"the one"))

    assert ask(confuse) == b"the one"


def test_a_second_reply_is_no_reply_to_the_next_request(peer: Any) -> None:
    def twice(end: socket.socket, number: int) -> None:
        end.sendall(2 * frame(REPLY, number, b"the first"))

    found = peer(twice).session()

    assert found.request(b"", PATIENCE) == b"the first"
    with pytest.raises(KernelLost, match="no result came within"):
        found.request(b"", 0.05)


def test_a_reply_that_says_it_is_too_large_is_not_waited_for(ask: Any) -> None:
    for size in (kernel_line.MAX_FRAME_BYTES + 1, 2**64 - 1):
        with pytest.raises(KernelLost, match="sent something that cannot be read"):
            ask(lambda end, number, size=size: end.sendall(head(REPLY, number, size)))


def test_a_reply_that_never_comes_whole_ends_after_the_time_that_was_given(ask: Any) -> None:
    with pytest.raises(KernelLost, match="no result came within"):
        ask(lambda end, number: end.sendall(head(REPLY, number, 10**6) + b"x"), seconds=0.1)


def test_the_size_that_a_frame_says_takes_no_memory(peer: Any) -> None:
    kernel = peer(lambda end, number: end.sendall(head(REPLY, number, 2**28) + b"x"))
    found = kernel.session()
    with pytest.raises(KernelLost):
        found.request(b"", 0.2)

    assert found._line is not None
    assert found._line._content is not None
    assert len(found._line._content) == 1


def test_silence_ends_after_the_time_that_was_given(ask: Any) -> None:
    with pytest.raises(KernelLost, match="no result came within"):
        ask(lambda end, number: None, seconds=0.05)


def test_a_kernel_that_does_not_listen_holds_nobody_up(peer: Any) -> None:
    deaf = peer(None)

    with pytest.raises(KernelLost, match="no result came within"):
        deaf.session().request(bytes(2**24), 0.1)


def test_a_reply_to_what_was_not_heard_loses_the_kernel(peer: Any) -> None:
    deaf = peer(None)
    deaf.theirs.sendall(frame(REPLY, 1, b"guessed"))
    found = deaf.session()
    assert found.request(bytes(2**24), PATIENCE) == b"guessed"

    with pytest.raises(KernelLost, match="sent something that cannot be read"):
        found.request(b"the next", PATIENCE)


def test_frames_without_end_do_not_prolong_the_wait(peer: Any) -> None:
    def stall(end: socket.socket, number: int) -> None:
        while True:
            end.sendall(frame(REPLY, 0, b""))

    found = peer(stall).session()
    found._limits = replace(LIMITS, output_bytes=2**60)

    with pytest.raises(KernelLost, match="no result came within"):
        found.request(b"", 0.2)


def test_a_flood_of_outputs_ends_the_wait(ask: Any) -> None:
    with pytest.raises(KernelLost, match="it wrote more than 1 MB"):
        ask(says(*[(STREAM, bytes(2**17))] * 20))


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        ("it used more than 300 MB of memory", "it used more than 300 MB of memory"),
        ("ended with status 1", "the kernel died"),
    ],
)
def test_a_kernel_that_ended_says_why_if_it_is_known(ask: Any, ended: str, why: str) -> None:
    with pytest.raises(KernelLost, match=f"^{why}$"):
        ask(None, ended=ended)


def test_a_kernel_that_lets_go_of_the_line_has_died(ask: Any) -> None:
    with pytest.raises(KernelLost, match="the kernel died"):
        ask(lambda end, number: end.shutdown(socket.SHUT_RDWR))


def test_what_was_said_before_the_end_is_heard(ask: Any) -> None:
    def farewell(end: socket.socket, number: int) -> None:
        end.sendall(frame(REPLY, number, b"my last"))
        end.shutdown(socket.SHUT_RDWR)

    assert ask(farewell) == b"my last"


# --- cells ----------------------------------------------------------------------------------------


def test_a_cell_shows_what_its_frames_hold_and_says_how_it_was_left(run: Any) -> None:
    left = bytes([ASKED_TO_END | LEFT])

    ran, shown = run(says((STREAM, PRINTED), (DONE, left)))

    assert ran == CellRun(asked_to_end=True, left=True)
    assert [output.text for output in shown] == ["hello"]


def test_outputs_and_ends_of_other_cells_are_passed_over(run: Any) -> None:
    def confuse(end: socket.socket, number: int) -> None:
        for other in (number - 1, number + 1):
            end.sendall(frame(STREAM, other, PRINTED) + frame(DONE, other, b"\7"))
        end.sendall(frame(REPLY, number, b"a reply") + frame(DONE, number, b"\0"))

    assert run(confuse) == (CellRun(), [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"7",
        b"\xff",
        b"[" * 100_000,
        b'{"name": "stdout"}',
        b'{"name": "stdout", "text": "\\ud800"}',
        b'{"name": "stdout", "text": {"a": 1}}',
        b'{"name": 7, "text": 1' + b"0" * 10_000 + b"}",
    ],
)
def test_an_output_that_no_notebook_can_hold_is_left_out(run: Any, content: bytes) -> None:
    ran, shown = run(says((STREAM, content), (STREAM, PRINTED), (DONE, b"\0")))

    assert ran == CellRun()
    assert [output.text for output in shown] == ["hello"]


@pytest.mark.parametrize("content", [b"", b"\0\0", bytes(10**6)])
def test_a_cells_end_that_is_none_loses_the_kernel(run: Any, content: bytes) -> None:
    with pytest.raises(KernelLost, match="sent something that cannot be read"):
        run(says((DONE, content)))


def test_a_cell_that_writes_too_much_is_stopped_before_it_is_read(run: Any) -> None:
    with pytest.raises(KernelLost, match="it wrote more than 10 MB"):
        run(lambda end, number: end.sendall(head(STREAM, number, 2**40)))
    with pytest.raises(KernelLost, match="it wrote more than 10 MB"):
        run(says(*[(99, bytes(2**20))] * 11))


def test_a_cell_that_takes_too_long_is_interrupted_and_keeps_what_it_showed(peer: Any) -> None:
    def heeds(end: socket.socket, number: int) -> None:
        end.sendall(frame(STREAM, number, PRINTED))
        while not kernel.interrupts:
            time.sleep(0.01)
        end.sendall(frame(DONE, number, b"\0"))

    kernel = peer(heeds)
    cell = nbformat.v4.new_code_cell("")  # type: ignore[no-untyped-call]

    assert kernel.session().run(cell, seconds=0.2) == CellRun("it ran longer than 0 s")
    assert [output.text for output in cell.outputs] == ["hello"]


def test_a_cell_that_heeds_no_interrupt_loses_the_kernel(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "GRACE", 0.1)

    with pytest.raises(KernelLost, match="ran longer than 0 s, and could not be stopped"):
        run(lambda end, number: None, seconds=0.1)


def test_the_text_of_a_cell_arrives_whatever_it_is(peer: Any) -> None:
    kernel = peer(says((DONE, b"\0")))
    cell = SimpleNamespace(source="'\ud800 ü \0'", outputs=[])

    kernel.session().run(cell)

    ((kind, content),) = kernel.heard
    assert (kind, json.loads(content)) == (
        CELL,
        {"code": cell.source, "store_history": True},
    )


def test_who_waits_for_a_processor_is_not_late(
    peer: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes after the time that there is, all of which the kernel waited."""

    def scenario(end: socket.socket, asked: int) -> None:
        time.sleep(1)
        end.sendall(frame(REPLY, asked, b"late"))

    crowded, begun = peer(scenario), time.monotonic()
    monkeypatch.setattr(crowded, "waiting_seconds", lambda: time.monotonic() - begun)

    assert crowded.session().request(b"a question", 0.5) == b"late"


def test_who_waits_for_ever_is_late(peer: Callable[..., Peer]) -> None:
    crowded = peer(None)
    session = crowded.session()
    crowded.waited = LENIENCE * LIMITS.notebook_seconds

    with pytest.raises(KernelLost, match="no result came within 0 s"):
        session.request(b"a question", 0.1)
    assert session.waiting_seconds == LENIENCE * LIMITS.notebook_seconds
    crowded.waited *= 2
    assert session.waiting_seconds == LENIENCE * LIMITS.notebook_seconds
