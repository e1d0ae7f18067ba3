"""What people send, read within bounds: bytes are counted as they come, whatever is claimed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from email.message import Message

from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from nbjudge.desk.store import Refused

__all__ = ["read_body", "read_form"]

#: Bytes of a form without files; and beside the files of one with them: its fields and headers.
SMALL_BODY = 64 * 1024
#: Seconds that a small form may take.
SHORT = 20


async def read_form(
    request: Request, *, most: int = 0, files: int = 0, seconds: float = SHORT
) -> FormData:
    """Return the fields of a form.

    Parameters
    ----------
    request : Request
    most : int
        Bytes of all files together.
    files : int
        How many there may be.
    seconds : float
        After which who sends is given up.

    Raises
    ------
    Refused
        If it is larger, slower, or no form.
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
    """Return a whole body.

    Raises
    ------
    Refused
        If it is larger, or slower.
    """
    return b"".join([chunk async for chunk in _bounded_body(request, most, seconds)])


def _media_type(request: Request) -> str:
    told = Message()
    told["content-type"] = request.headers.get("content-type", "")
    return told.get_content_type()


async def _bounded_body(request: Request, most: int, seconds: float) -> AsyncGenerator[bytes, None]:
    """Yield what comes, as long as it is neither more nor slower than it may be."""
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
