"""The desk's secret key, and the personal links that it signs."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer

from nbjudge.course.secret import is_open_to_others, write_secret
from nbjudge.exceptions import CourseError

__all__ = ["Links", "Visitor", "desk_key"]

KEY_FILE, KEY_VARIABLE = ".desk_key", "COURSE_DESK_SECRET"
#: The smallest number of bytes that a key may have.
SHORTEST_KEY = 32


def desk_key(root: Path) -> bytes:
    """Return the key that signs the desk's links and receipts.

    It is the environment variable COURSE_DESK_SECRET if that is set, otherwise the content of the
    file `.desk_key` in the course's folder, which the first call writes. A new key makes all
    earlier links and receipts invalid.

    Parameters
    ----------
    root : Path
        The course's folder.

    Raises
    ------
    CourseError
        If there is no key and none can be written, if it is too short, or if others can read it.
    """
    if given := os.environ.get(KEY_VARIABLE):
        return _long_enough(given, f"the environment variable {KEY_VARIABLE}")
    path = root / KEY_FILE
    try:
        if not path.exists():
            write_secret(path, secrets.token_hex(32))
        if is_open_to_others(path):
            message = f"Others can read the desk's key. Make it yours alone: chmod 600 {path}"
            raise CourseError(message)
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        message = (
            f"The desk has no key: {path} cannot be written or read ({error.strerror}). "
            f"Set the environment variable {KEY_VARIABLE} to a long text that nobody knows."
        )
        raise CourseError(message) from error
    return _long_enough(text, str(path))


def _long_enough(text: str, where: str) -> bytes:
    if len(text.encode()) < SHORTEST_KEY:
        raise CourseError(
            f"The desk's key in {where} is shorter than {SHORTEST_KEY} characters. "
            "Take a longer one."
        )
    return text.encode()


@dataclass(frozen=True)
class Visitor:
    """A person at the desk: a student, by id, or a grader, by name."""

    who: str
    is_grader: bool = False


class Links:
    """Signs and verifies personal keys: the last part of a personal link, also used by `hand_in()`.

    Parameters
    ----------
    key : bytes
        The desk's key.
    address : str
        The address under which people reach the desk.
    """

    def __init__(self, key: bytes, address: str) -> None:
        self._signer = URLSafeSerializer(key, salt="nbjudge desk link")
        self._address = address.rstrip("/")

    def key_of(self, visitor: Visitor) -> str:
        """Return a person's key."""
        signed: str = self._signer.dumps([visitor.who, visitor.is_grader])
        return signed

    def link_of(self, visitor: Visitor) -> str:
        """Return the link that logs a person in."""
        return f"{self._address}/enter/{self.key_of(visitor)}"

    def visitor(self, key: str) -> Visitor | None:
        """Return the owner of a key; None if this desk did not sign it."""
        try:
            who, is_grader = self._signer.loads(key)
        except BadData:
            return None
        return Visitor(who, is_grader)
