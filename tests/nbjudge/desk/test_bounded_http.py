"""What the desk asks of other machines ends in time, whatever they answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from processes import waited_for

from nbjudge.desk.lti import bounded_http
from nbjudge.desk.lti.bounded_http import Unanswered, ask

OK = b"HTTP/1.1 200 OK\r\n"
PAUSE = 0.02


@contextmanager
def answering(*first: bytes, then: bytes = b"") -> Iterator[str]:
    """Serve one request: with some bytes, then with others, again and again."""
    line = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def answer() -> None:
        with line, line.accept()[0] as asked:
            asked.recv(10_000)
            try:
                asked.sendall(b"".join(first))
                while then and not ended.wait(PAUSE):
                    asked.sendall(then)
                if not then:
                    asked.shutdown(socket.SHUT_WR)
            except OSError:  # nobody reads it any more
                return

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"http://127.0.0.1:{line.getsockname()[1]}/names"
    finally:
        ended.set()
        thread.join()


def are_over() -> bool:
    return "asking" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"HTTP/1.1 2", b"0"),
        (OK, b"X-A: b\r\n"),
        (OK + b"X-A: ", b"b"),
        (OK + b"Content-Length: 100000\r\n\r\n", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["status", "headers", "one header", "body", "pieces"],
)
def test_who_drips_is_not_waited_for(
    first: bytes, then: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "WHOLE_SECONDS", 0.3)
    with answering(first, then=then) as url:
        with pytest.raises(Unanswered, match=r"127\.0\.0\.1 did not answer within 0 seconds"):
            ask(url)

        waited_for(are_over)  # while more still comes


def test_a_name_that_is_looked_for_too_long_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_over = threading.Event()

    def look(*_: object, **__: object) -> list[object]:
        is_over.wait()
        raise socket.gaierror("no such host")

    monkeypatch.setattr(bounded_http, "WHOLE_SECONDS", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look)
        try:
            with pytest.raises(Unanswered, match=r"slow\.example\.org did not answer"):
                ask("https://slow.example.org/names")
        finally:
            is_over.set()
            waited_for(are_over)


@pytest.mark.parametrize(
    ("headers", "follows"),
    [
        (b"", ""),
        (b'Link: </names?page=2>; rel="next"\r\n', "/names?page=2"),
        (b"Link: <?page=2>; rel=next\r\n", "/names?page=2"),
        (b'Link: </a>; rel="prev", </b>; title="x"; rel="next"\r\n', "/b"),
        (b'Link: </a>; rel="prev"\r\nLink: </b>; rel="next"\r\n', "/b"),
        (b'Link: </a>; rel="nextish"\r\n', ""),
        (b"Link: nonsense; rel=next\r\n", ""),
    ],
)
def test_an_answer_says_what_follows(headers: bytes, follows: str) -> None:
    with answering(OK, headers, b"Content-Length: 2\r\n\r\n[]") as url:
        answer = ask(url)

        assert answer.body == b"[]"
        assert answer.next == (url.removesuffix("/names") + follows if follows else "")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (OK + b"\r\n" + b"x" * 11_000, "answered more than 10 KB"),
        (b"nonsense\r\n\r\n", r"does not answer \(BadStatusLine\)"),
        (OK + b"X: " + b"x" * 70_000, r"does not answer \(LineTooLong\)"),
        (OK + b"X: x\r\n" * 200 + b"\r\n", r"does not answer \(HTTPException\)"),
        (OK + b"Content-Length: 9\r\n\r\nx", r"does not answer \(IncompleteRead\)"),
    ],
    ids=["long", "nonsense", "a long header", "many headers", "half"],
)
def test_an_answer_that_cannot_be_used_is_told(answer: bytes, message: str) -> None:
    with answering(answer) as url, pytest.raises(Unanswered, match=message):
        ask(url, longest=10 * 1024)
