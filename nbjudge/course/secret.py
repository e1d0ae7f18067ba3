"""The course's secret, from which the random inputs of hidden tests are derived."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from nbjudge.exceptions import CourseError

__all__ = [
    "SECRET_FILE",
    "SECRET_VARIABLE",
    "is_open_to_others",
    "secret",
    "seed_parts",
    "write_secret",
]

SECRET_VARIABLE = "COURSE_SECRET"
SECRET_FILE = ".course_secret"


def secret(root: Path) -> str:
    """Return the course's secret.

    It is the environment variable COURSE_SECRET if that is set, otherwise the content of the file
    `.course_secret` in the course's folder, which the first call writes. Only the same secret
    reproduces marks exactly, so keep the file with the gradebook.

    Parameters
    ----------
    root : Path
        The course's folder.

    Raises
    ------
    CourseError
        If there is no secret and none can be written.
    """
    if given := os.environ.get(SECRET_VARIABLE):
        return given
    path = root / SECRET_FILE
    try:
        if not path.exists():
            write_secret(path, secrets.token_hex(32))
    except OSError as error:
        message = (
            f"No secret for the tests' random inputs: {path} cannot be written ({error.strerror}). "
            f"Set the environment variable {SECRET_VARIABLE} to a text that students do not know."
        )
        raise CourseError(message) from error
    if found := path.read_text(encoding="utf-8").strip():
        return found
    message = f"{path} is empty. Delete it to get a new one, or write a line of text to it."
    raise CourseError(message)


def seed_parts(secret: str, assignment: str, student: str) -> tuple[str, ...]:
    """Return the seed of a student's random test inputs (see `nbjudge.seeds`).

    It is a hash, from which the secret cannot be recovered, so it may leave this machine.
    """
    digest = hashlib.sha256()
    for part in (secret, assignment, student):
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    return (digest.hexdigest(),)


def write_secret(path: Path, text: str) -> None:
    """Write a new secret atomically; if several processes do so at once, the first one's stays."""
    with tempfile.TemporaryDirectory(prefix=path.name, dir=path.parent) as folder:
        new = Path(folder) / "new"
        new.touch(mode=0o600)
        new.write_text(f"{text}\n", encoding="utf-8")
        with suppress(FileExistsError):
            path.hardlink_to(new)


def is_open_to_others(path: Path) -> bool:
    """Return whether a file's mode lets other users of this machine read or write it."""
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)
