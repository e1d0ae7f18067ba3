"""Read request bodies within bounds: bytes are counted as they arrive, whatever a header claims."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from email.message import Message

from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from nbjudge.desk.store import Refused

__all__ = ["read_body", "read_form"]

#: The most bytes of a form without files, and of the fields and headers of a form with files.
SMALL_BODY = 64 * 1024
#: Seconds that sending a small form may take.
SHORT = 20


async def read_form(
    request: Request, *, most: int = 0, files: int = 0, seconds: float = SHORT
) -> FormData:
    """Return the fields of a form.

    Parameters
    ----------
    request : Request
    most : int
        The most bytes that all files together may have.
    files : int
        How many files there may be.
    seconds : float
        How long receiving it may take.

    Raises
    ------
    Refused
        If the body is too large, too slow, or no form.
    """
    kind = _media_type(request)
    stream = _bounded_body(request, most + SMALL_BODY, seconds)
    if kind == "multipart/form-data":
        parser: FormParser | MultiPartParser = MultiPartParser(
            request.headers, stream, max_files=files, max_fields=20, max_part_size=SMALL_BODY
        )
    elif kind == "application/x-www-form-urlencoded":
        stream = _bounded_body(request, SMALL_BODY, seconds)
        parser = FormParser(request.headers, stream)
    else:
        raise Refused("This is no form of the desk's.", 415)
    try:
        return await parser.parse()
    except MultiPartException as error:
        told = "There are too many files." if "many files" in error.message else "It is damaged."
        raise Refused(f"What was sent cannot be read. {told} Nothing was handed in.") from error


async def read_body(request: Request, *, most: int, seconds: float) -> bytes:
    """Return the whole body of a request.

    Raises
    ------
    Refused
        If the body is too large or too slow.
    """
    return b"".join([chunk async for chunk in _bounded_body(request, most, seconds)])


def _media_type(request: Request) -> str:
    told = Message()
    told["content-type"] = request.headers.get("content-type", "")
    return told.get_content_type()


async def _bounded_body(request: Request, most: int, seconds: float) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a body; raise `Refused` if it is too large or too slow."""
    too_much = Refused(
        f"Nothing was handed in: it is larger than {most / 2**20:.0f} MB. "
        "Clear the notebook's outputs, or leave out what is not your own work.",
        413,
    )
    claimed = request.headers.get("content-length", "")
    if claimed.isdecimal() and int(claimed) > most:
        raise too_much
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    stream = request.stream()
    size = 0
    while True:
        try:
            async with asyncio.timeout_at(end):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            message = f"Nothing was handed in: it did not arrive within {seconds:.0f} seconds."
            raise Refused(f"{message} Try again.", 408) from error
        except ClientDisconnect as error:
            raise Refused("Nothing was handed in: the connection was lost.") from error
        size += len(chunk)
        if size > most:
            raise too_much
        yield chunk
