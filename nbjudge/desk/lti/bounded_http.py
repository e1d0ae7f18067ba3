"""HTTP requests with bounds on the reply's size and on time, and without redirects."""

from __future__ import annotations

import http.client
import io
import re
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from nbjudge.exceptions import CourseError

__all__ = ["HttpAnswer", "Unanswered", "ask"]

#: The default bound on a reply, in bytes; seconds for one step of a request; and seconds for all of
#: it, from resolving the host's name to the last byte.
LONGEST_ANSWER, STEP, WHOLE_SECONDS = 256 * 1024, 5.0, 10.0
READ_BYTES = 16 * 1024


class Unanswered(CourseError):
    """Another machine gave no usable reply; the message says which machine, and why."""


@dataclass(frozen=True)
class HttpAnswer:
    """An HTTP reply: status, body, and the address of the next page from its `Link` header."""

    status: int
    body: bytes = field(repr=False)
    next: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded: a 2xx status."""
        return 200 <= self.status < 300


class _NowhereElse(HTTPRedirectHandler):
    """Follows no redirects: only the addresses that somebody configured are requested."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def ask(
    url: str,
    *,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    longest: int = LONGEST_ANSWER,
) -> HttpAnswer:
    """Send a GET request, or a POST request if there is data, and return the reply.

    Raises
    ------
    Unanswered
        If there is no reply in time, or it is longer than `longest` bytes.
    """
    host = urlsplit(url).hostname
    request = Request(url, data=data, headers=dict(headers or {}))
    end = time.monotonic() + WHOLE_SECONDS
    answer: Future[HttpAnswer] = Future()

    def work() -> None:
        try:
            answer.set_result(_ask(request, end, longest))
        except BaseException as error:  # raised in the thread that waits for the result
            answer.set_exception(error)

    # A thread, because resolving a name and trying each of its addresses have no time limit.
    threading.Thread(target=work, name="asking", daemon=True).start()
    late = f"{host} did not answer within {WHOLE_SECONDS:.0f} seconds."
    try:
        return answer.result(WHOLE_SECONDS)
    except _TooLong as error:
        raise Unanswered(f"{host} answered more than {longest // 1024} KB.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= end:
            raise Unanswered(late) from error
        raise Unanswered(f"{host} does not answer ({type(error).__name__}).") from error


class _TooLong(Exception):
    """A reply is longer than allowed."""


def _ask(request: Request, end: float, longest: int) -> HttpAnswer:
    try:
        answer = _opener(end).open(request, timeout=STEP)
    except HTTPError as error:
        with error:
            return HttpAnswer(error.code, b"")
    with answer:
        body = bytearray()
        while piece := answer.read1(READ_BYTES):
            body += piece
            if len(body) > longest:
                raise _TooLong
        if answer.length:
            raise http.client.IncompleteRead(bytes(body), answer.length)
        return HttpAnswer(answer.status, bytes(body), _next(request.full_url, answer.headers))


def _next(url: str, headers: Any) -> str:
    """Return the address with rel="next" in the `Link` headers; empty if there is none."""
    for link in headers.get_all("Link", []):
        for address, rest in re.findall(r"<([^<>]*)>([^<]*)", link):
            if re.search(r';\s*rel="?next"?\s*(?:[;,]|$)', rest, re.IGNORECASE):
                found: str = urljoin(url, address.strip())
                return found
    return ""


class _UntilEnd(io.RawIOBase):
    """Reads a socket until a deadline, so that a slow trickle of bytes cannot prolong a reply."""

    def __init__(self, line: Any, source: Any, end: float) -> None:
        self._line, self._source, self._end = line, source, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._line.settimeout(min(STEP, left))
        return cast(int, self._source.readinto1(buffer))

    def close(self) -> None:
        self._source.close()
        super().close()


def _opener(end: float) -> OpenerDirector:
    """Return a URL opener whose replies must arrive before a deadline of the monotonic clock."""

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: Any, *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp = io.BufferedReader(_UntilEnd(sock, self.fp, end))

    class Plain(http.client.HTTPConnection):
        response_class = Response

    class Encrypted(http.client.HTTPSConnection):
        response_class = Response

    class PlainHandler(HTTPHandler):
        def http_open(self, request: Request) -> Any:
            return self.do_open(Plain, request)

    class EncryptedHandler(HTTPSHandler):
        def https_open(self, request: Request) -> Any:
            return self.do_open(Encrypted, request)

    return build_opener(_NowhereElse, PlainHandler, EncryptedHandler)
