"""LTI logins in progress: each can be completed once, soon, in the browser that began it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from nbjudge.desk.database import Database, digest_of_token, lti_logins
from nbjudge.desk.lti.learning_platforms import LearningPlatform
from nbjudge.desk.store import Refused

__all__ = ["STATE_LIFE", "Begun", "LoginStates"]

#: How long a login may take, and how many may be in progress at once.
STATE_LIFE, MOST_STATES = timedelta(minutes=10), 20_000


@dataclass(frozen=True)
class Begun:
    """The three random tokens of a login in progress.

    Parameters
    ----------
    state, nonce : str
        The platform returns both: the state beside the signed token, the nonce inside it.
    browser : str
        The value of a cookie in the browser that began the login.
    """

    state: str
    nonce: str
    browser: str


class LoginStates:
    """The table of logins in progress; a database, so that no login works twice after a restart.

    Parameters
    ----------
    database : Database
    clock : callable
        Returns the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, platform: LearningPlatform) -> Begun:
        """Begin a login.

        Raises
        ------
        Refused
            If too many logins are in progress.
        """
        begun = Begun(*(secrets.token_urlsafe(32) for _ in range(3)))
        now = self._clock()
        values = {
            "digest": digest_of_token(begun.state),
            "browser": digest_of_token(begun.browser),
            "nonce": begun.nonce,
            "issuer": platform.issuer,
            "client_id": platform.client_id,
            "began": now,
        }
        with self._database.writing() as connection:
            connection.execute(delete(lti_logins).where(lti_logins.c.began < now - STATE_LIFE))
            count = connection.scalar(select(func.count()).select_from(lti_logins)) or 0
            if count >= MOST_STATES:
                raise Refused("Too many are coming in at once. Try again in ten minutes.", 429)
            connection.execute(insert(lti_logins).values(values))
        return begun

    def end(self, state: str, browser: str) -> tuple[str, str, str]:
        """Complete a login; return the platform's issuer and client id, and the nonce.

        Raises
        ------
        Refused
            If it did not begin in this browser, is too old, or was completed already.
        """
        this = lti_logins.c.digest == digest_of_token(state)
        with self._database.writing() as connection:
            row = connection.execute(select(lti_logins).where(this)).first()
            is_own = row is not None and hmac.compare_digest(row.browser, digest_of_token(browser))
            if row is None or not is_own or row.began < self._clock() - STATE_LIFE:
                message = (
                    "This launch was not begun in this browser, or more than ten minutes ago, or "
                    "it was used already. Open it again from your learning platform."
                )
                raise Refused(message, 403)
            connection.execute(delete(lti_logins).where(this))
        return row.issuer, row.client_id, row.nonce
