"""Checks and headers for all requests: host name, origin of forms, content security policy.

Nothing that a student wrote can act in a page of the desk: the content security policy of a page
allows only its own style sheet and script, and a student's document is shown in a sandbox.
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

#: The content security policy of a student's document: it has no origin, and runs nothing.
SANDBOX = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_policy(style_hash: str) -> str:
    """Return the content security policy of the desk's own pages."""
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'self'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def require_same_origin(request: Request, policy: DeskPolicy) -> None:
    """Check that a form was sent from a page of the desk.

    Raises
    ------
    Refused
        If its `Origin` header is missing, or names another site.
    """
    if request.headers.get("origin") != policy.origin:
        message = f"This form was not sent by a page of the desk. Open {policy.url} and try again."
        raise Refused(message, 403)


class Guard:
    """ASGI middleware that refuses requests for other hosts and adds the security headers.

    Parameters
    ----------
    app : ASGI application
    policy : DeskPolicy
    style_hash : str
        The hash of the pages' style sheet.
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
