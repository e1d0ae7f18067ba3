"""Asking another machine over the web, within bounds: of size and time, and nowhere else."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from nbjudge.exceptions import CourseError

__all__ = ["Answer", "Unanswered", "ask"]

#: Bytes of the longest answer that is read; seconds for one step of it, and for its whole body.
LONGEST, STEP, WHOLE = 256 * 1024, 5.0, 10.0
PIECE = 16 * 1024


class Unanswered(CourseError):
    """Another machine gave no answer that can be used; the message says which, and why."""


@dataclass(frozen=True)
class Answer:
    """The status of an answer, and its body."""

    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether what was asked is done."""
        return 200 <= self.status < 300


class _NowhereElse(HTTPRedirectHandler):
    """Follows no redirection: an address is asked because somebody configured it."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def ask(url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Return what an address answers; with data it is sent there.

    Raises
    ------
    Unanswered
        If it does not answer in time, or with more than is read.
    """
    host = urlsplit(url).hostname
    request = Request(url, data=data, headers=dict(headers or {}))
    end = time.monotonic() + WHOLE
    try:
        try:
            answer = build_opener(_NowhereElse).open(request, timeout=STEP)
        except HTTPError as error:
            with error:
                return Answer(error.code, b"")
        with answer:
            body = bytearray()
            while piece := answer.read1(PIECE):
                body += piece
                if len(body) > LONGEST:
                    raise Unanswered(f"{host} answered more than {LONGEST // 1024} KB.")
                if time.monotonic() > end:
                    raise Unanswered(f"{host} did not answer within {WHOLE:.0f} seconds.")
            return Answer(answer.status, bytes(body))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"{host} does not answer ({type(error).__name__}).") from error
