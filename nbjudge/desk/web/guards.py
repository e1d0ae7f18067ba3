"""What stands before every page: whose name the desk answers to, and what browsers may do with it.

Nothing that a student wrote acts in a page of the desk: a page's policy lets in its own style sheet
and script, and a document of a student's is shown in a sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.store import Refused

__all__ = ["SANDBOX", "Guard", "page_policy", "require_same_origin"]

#: For a document that holds what a student wrote: it is of no origin, and runs nothing.
SANDBOX = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_policy(style_hash: str) -> str:
    """Return the policy of the desk's own pages."""
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'self'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def require_same_origin(request: Request, policy: DeskPolicy) -> None:
    """Make sure that a form was sent by a page of the desk's.

    Raises
    ------
    Refused
        If another site sent it, or a program that does not say who did.
    """
    if request.headers.get("origin") != policy.origin:
        message = f"This form was not sent by a page of the desk. Open {policy.url} and try again."
        raise Refused(message, 403)


class Guard:
    """Lets in what is meant for this desk, and gives every answer its headers.

    Parameters
    ----------
    app : ASGI application
    policy : DeskPolicy
    style_hash : str
        Of the pages' style sheet.
    """

    def __init__(self, app: Any, policy: DeskPolicy, style_hash: str) -> None:
        self._app = app
        self._policy = policy
        self._headers: Mapping[str, str] = {
            "Content-Security-Policy": page_policy(style_hash),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        if policy.is_encrypted:
            self._headers = {**self._headers, "Strict-Transport-Security": "max-age=31536000"}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if self._is_ours(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, guarded)
            return
        told = PlainTextResponse(f"This desk is at {self._policy.url}.\n", status_code=421)
        await told(scope, receive, guarded)

    def _is_ours(self, host: str) -> bool:
        try:
            return urlsplit(f"//{host}").hostname == self._policy.host
        except ValueError:
            return False
