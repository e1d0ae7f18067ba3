"""Login sessions: each has a random token, of which the database keeps only the hash."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from nbjudge.desk.database import Database, digest_of_token, sessions
from nbjudge.desk.web.desk_keys import Visitor

__all__ = ["Login", "Logins"]

#: How long somebody stays logged in.
LOGIN_LIFE = timedelta(days=14)


@dataclass(frozen=True)
class Login:
    """A logged-in visitor, and the CSRF token of their forms."""

    visitor: Visitor
    csrf: str

    def owns(self, token: str) -> bool:
        """Return whether a form's token is this login's."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


class Logins:
    """The table of sessions.

    Parameters
    ----------
    database : Database
    clock : callable
        Returns the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, visitor: Visitor, before: str | None) -> str:
        """Begin a session and return its new token; the session of the token `before` ends."""
        key = secrets.token_urlsafe(32)
        now = self._clock()
        values = {
            "digest": digest_of_token(key),
            "who": visitor.who,
            "is_grader": visitor.is_grader,
            "csrf": secrets.token_urlsafe(32),
            "began": now,
        }
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.began < now - LOGIN_LIFE))
            if before:
                connection.execute(
                    delete(sessions).where(sessions.c.digest == digest_of_token(before))
                )
            connection.execute(insert(sessions).values(values))
        return key

    def find(self, key: str | None) -> Login | None:
        """Return the login of a session token; None if there is none or it has expired."""
        if not key:
            return None
        query = select(sessions).where(sessions.c.digest == digest_of_token(key))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None or row.began < self._clock() - LOGIN_LIFE:
            return None
        return Login(Visitor(row.who, bool(row.is_grader)), row.csrf)

    def end(self, key: str | None) -> None:
        """End a session."""
        if key:
            with self._database.writing() as connection:
                connection.execute(
                    delete(sessions).where(sessions.c.digest == digest_of_token(key))
                )
