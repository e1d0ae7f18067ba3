"""The two requests that a mark takes: leave to send it, and the mark itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

from nbjudge.desk.lti.bounded_http import Answer, Unanswered, ask
from nbjudge.desk.lti.launches import SCORE
from nbjudge.desk.lti.learning_platforms import Platform
from nbjudge.desk.lti.scores.score_queue import Score
from nbjudge.desk.lti.tool_key import ToolKey

__all__ = ["ScoreService"]

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MEDIA_TYPE = "application/vnd.ims.lis.v1.score+json"
#: How long before its end leave is asked for again; what it lasts if a platform does not say so.
BEFORE, LASTS = timedelta(seconds=60), timedelta(minutes=5)


class ScoreService:
    """Sends marks by LTI's Assignment and Grade Services.

    Parameters
    ----------
    key : ToolKey
    clock : callable
        Returns the time in UTC.
    """

    def __init__(self, key: ToolKey, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._clock = clock
        self._leaves: dict[Platform, tuple[str, datetime]] = {}

    def send(self, platform: Platform, score: Score) -> None:
        """Send a mark; when this returns, the platform has it.

        Raises
        ------
        Unanswered
            If it has not, or if that is not known.
        """
        content = {
            "userId": score.line.subject,
            "scoreGiven": score.points,
            "scoreMaximum": score.max_points,
            "timestamp": score.stamp.isoformat(timespec="milliseconds") + "Z",
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
        }
        headers = {
            "Authorization": f"Bearer {self._leave(platform)}",
            "Content-Type": MEDIA_TYPE,
        }
        address = _scores_of(score.line.address)
        answer = ask(address, data=json.dumps(content).encode(), headers=headers)
        if not answer.is_good:
            if answer.status == 401:
                self._leaves.pop(platform, None)
            raise Unanswered(f"{urlsplit(address).hostname} {_said(answer)} to the mark.")

    def _leave(self, platform: Platform) -> str:
        """Return what the platform knows the desk by for a while."""
        found = self._leaves.get(platform)
        now = self._clock()
        if found is not None and now < found[1]:
            return found[0]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": self._key.assertion(platform, now),
            "scope": SCORE,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = ask(platform.auth_token_url, data=urlencode(form).encode(), headers=headers)
        host = urlsplit(platform.auth_token_url).hostname
        if not answer.is_good:
            message = f"{host} {_said(answer)} when the desk asked for leave to send marks."
            raise Unanswered(message)
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError):
            told = None
        token = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Unanswered(f"{host} gave the desk no leave to send marks.")
        assert isinstance(told, dict)
        seconds = told.get("expires_in")
        lasts = (
            timedelta(seconds=seconds)
            if isinstance(seconds, int) and 0 < seconds < 10**6
            else LASTS
        )
        self._leaves[platform] = token, now + lasts - BEFORE
        return token


def _scores_of(line: str) -> str:
    """Return where the marks of a line go.

    >>> _scores_of("https://moodle.org/lineitems/4/lineitem?type_id=2")
    'https://moodle.org/lineitems/4/lineitem/scores?type_id=2'
    """
    parts = urlsplit(line)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/scores"))


def _said(answer: Answer) -> str:
    return f"answered with status {answer.status}"
