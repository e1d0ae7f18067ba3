"""Fetch and cache the public keys of learning platforms, from their configured `jwks_url`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from nbjudge.desk.lti.bounded_http import Unanswered, ask
from nbjudge.desk.lti.learning_platforms import LearningPlatform
from nbjudge.desk.store import Refused

__all__ = ["KeySets"]

#: How long keys are cached; and how soon they may be fetched again for a key that is not among
#: them, so that forged launches cannot make the desk fetch them again and again.
KEYS_FRESH, KEYS_RETRY = timedelta(hours=1), timedelta(minutes=1)
#: The most keys that are read, and the fewest bits that a key may have.
MOST_KEYS, FEWEST_BITS = 50, 2048


@dataclass(frozen=True)
class _Keys:
    """A platform's keys by key id, and when they were requested."""

    keys: Mapping[str, RSAPublicKey]
    asked: datetime


class KeySets:
    """A cache of the platforms' public keys.

    Parameters
    ----------
    clock : callable
        Returns the time in UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._found: dict[str, _Keys] = {}
        self._lock = threading.Lock()

    def key(self, platform: LearningPlatform, name: str) -> RSAPublicKey:
        """Return a platform's key with this key id.

        Raises
        ------
        Refused
            If there is no such key, or the keys cannot be fetched.
        """
        with self._lock:
            found = self._found.get(platform.jwks_url)
            age = KEYS_FRESH if found is None else self._clock() - found.asked
            if found is None or age >= (KEYS_FRESH if name in found.keys else KEYS_RETRY):
                found = self._found[platform.jwks_url] = _Keys({}, self._clock())
                found = self._found[platform.jwks_url] = _Keys(_fetch(platform), found.asked)
        if name not in found.keys:
            raise Refused(f"{platform.host} has no such key as this launch is signed with.", 403)
        return found.keys[name]


def _fetch(platform: LearningPlatform) -> Mapping[str, RSAPublicKey]:
    try:
        answer = ask(platform.jwks_url, headers={"Accept": "application/json"})
    except Unanswered as error:
        raise Refused(
            f"The keys of your learning platform could not be fetched: {error}", 403
        ) from error
    try:
        told = json.loads(answer.body) if answer.is_good else None
    except (ValueError, RecursionError):
        told = None
    keys = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(keys, list):
        message = f"{platform.host} did not answer with its keys. Tell your instructor."
        raise Refused(message, 403)
    read = (
        (each.get("kid"), _read_key(each)) for each in keys[:MOST_KEYS] if isinstance(each, dict)
    )
    return {name: key for name, key in read if isinstance(name, str) and key is not None}


def _read_key(told: Mapping[str, Any]) -> RSAPublicKey | None:
    """Return the RSA key of a JWK if it can sign launches with RS256; otherwise None."""
    if told.get("kty") != "RSA" or told.get("use", "sig") != "sig":
        return None
    if told.get("alg", "RS256") != "RS256":
        return None
    try:
        key = jwt.PyJWK(dict(told), algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= FEWEST_BITS else None
