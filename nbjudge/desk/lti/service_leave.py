"""Leave to use a service of a learning platform: the desk says who it is, and is known a while."""

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
#: How long before its end leave is asked for again; what it lasts if a platform does not say so.
RENEW_BEFORE, LASTS = timedelta(seconds=60), timedelta(minutes=5)


class ServiceLeave:
    """Asks platforms for leave, and keeps it as long as it lasts.

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
        """Return the header by which a platform knows the desk.

        Parameters
        ----------
        platform : LearningPlatform
        scope : str
            What for, as LTI has it.
        what : str
            The same in words, after "leave to".

        Raises
        ------
        Unanswered
            If the platform does not give it.
        """
        return {"Authorization": f"Bearer {self._token(platform, scope, what)}"}

    def drop(self, platform: LearningPlatform, scope: str) -> None:
        """Ask anew the next time: the platform does not know the desk by what it gave."""
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
