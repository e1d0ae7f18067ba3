"""The desk's RSA key pair for LTI; platforms verify the desk's signatures with the public key."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from nbjudge.course.secret import is_open_to_others, write_secret
from nbjudge.desk.lti.learning_platforms import LearningPlatform
from nbjudge.exceptions import CourseError

__all__ = ["ToolKey"]

TOOL_KEY_FILE, TOOL_KEY_BITS = ".desk_lti_key", 2048
#: How long a signed assertion is valid.
TOKEN_LIFE = timedelta(minutes=5)
#: How far the desk's clock may be ahead of a platform's.
ALLOWANCE = timedelta(minutes=1)


class ToolKey:
    """The key pair in the file `.desk_lti_key`, which is created if it does not exist.

    Parameters
    ----------
    root : Path
        The course's folder.

    Raises
    ------
    CourseError
        If the file cannot be written or read, or if others can read it.
    """

    def __init__(self, root: Path) -> None:
        path = root / TOOL_KEY_FILE
        try:
            if not path.exists():
                write_secret(path, _new_pair())
            if is_open_to_others(path):
                message = f"Others can read the desk's key. Make it yours alone: chmod 600 {path}"
                raise CourseError(message)
            found = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            message = f"The desk has no key for LTI: {path} cannot be written or read"
            raise CourseError(f"{message} ({error.strerror}).") from error
        except (ValueError, TypeError):
            found = None
        if not isinstance(found, RSAPrivateKey):
            message = (
                f"{path} holds no key for LTI: delete it, start the desk again, and have the "
                "platform read the desk's keys anew."
            )
            raise CourseError(message)
        self._key = found
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(found.public_key(), True)
        self._public = {name: public[name] for name in ("e", "kty", "n")}
        self._id = _thumbprint(self._public)

    def key_set(self) -> dict[str, Any]:
        """Return the public key as a JWK set."""
        return {"keys": [{**self._public, "kid": self._id, "alg": "RS256", "use": "sig"}]}

    def assertion(self, platform: LearningPlatform, now: datetime) -> str:
        """Return a signed assertion (RFC 7523) that proves the desk's identity to a platform.

        Parameters
        ----------
        platform : LearningPlatform
        now : datetime
            In UTC, without a time zone.
        """
        began = now.replace(tzinfo=UTC)
        claims = {
            "iss": platform.client_id,
            "sub": platform.client_id,
            "aud": platform.auth_token_url,
            "iat": began - ALLOWANCE,
            "exp": began + TOKEN_LIFE,
            "jti": secrets.token_urlsafe(24),
        }
        return self.sign(claims)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a signed JWT with these claims."""
        return jwt.encode(dict(claims), self._key, algorithm="RS256", headers={"kid": self._id})


def _new_pair() -> str:
    key = generate_private_key(public_exponent=65537, key_size=TOOL_KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _thumbprint(public: dict[str, Any]) -> str:
    """Return the thumbprint of a public key (RFC 7638), which is its key id."""
    told = json.dumps(public, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(told.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
