"""Access tokens for the services of learning platforms (OAuth 2 client credentials), cached."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from nbjudge.desk.lti.bounded_http import Unanswered, ask
from nbjudge.desk.lti.learning_platforms import LearningPlatform
from nbjudge.desk.lti.tool_key import ToolKey

__all__ = ["ServiceLeave"]

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: How long before its end a token is renewed; and its lifetime, if the platform does not tell it.
RENEW_BEFORE, LASTS = timedelta(seconds=60), timedelta(minutes=5)


class ServiceLeave:
    """Requests access tokens from platforms, and caches them for their lifetime.

    Parameters
    ----------
    key : ToolKey
    clock : callable
        Returns the time in UTC.
    """

    def __init__(self, key: ToolKey, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._clock = clock
        self._found: dict[tuple[LearningPlatform, str], tuple[str, datetime]] = {}

    def headers(self, platform: LearningPlatform, scope: str, what: str) -> dict[str, str]:
        """Return the authorization header for requests to a service.

        Parameters
        ----------
        platform : LearningPlatform
        scope : str
            The OAuth scope of the service.
        what : str
            What the desk wants to do, for messages: the words after "leave to".

        Raises
        ------
        Unanswered
            If the platform does not give a token.
        """
        return {"Authorization": f"Bearer {self._token(platform, scope, what)}"}

    def drop(self, platform: LearningPlatform, scope: str) -> None:
        """Discard a cached token that the platform has rejected."""
        self._found.pop((platform, scope), None)

    def _token(self, platform: LearningPlatform, scope: str, what: str) -> str:
        found = self._found.get((platform, scope))
        now = self._clock()
        if found is not None and now < found[1]:
            return found[0]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": self._key.assertion(platform, now),
            "scope": scope,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = ask(platform.auth_token_url, data=urlencode(form).encode(), headers=headers)
        host = urlsplit(platform.auth_token_url).hostname
        if not answer.is_good:
            message = f"{host} answered with status {answer.status} when the desk asked for leave"
            raise Unanswered(f"{message} to {what}.")
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError):
            told = None
        token = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Unanswered(f"{host} gave the desk no leave to {what}.")
        assert isinstance(told, dict)
        seconds = told.get("expires_in")
        lasts = (
            timedelta(seconds=seconds)
            if isinstance(seconds, int) and 0 < seconds < 10**6
            else LASTS
        )
        self._found[platform, scope] = token, now + lasts - RENEW_BEFORE
        return token
