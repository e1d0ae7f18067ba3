"""The course's secret, which makes the random inputs of hidden tests impossible to guess."""

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

    It is the environment variable COURSE_SECRET if that is set. Otherwise it stands in the file
    `.course_secret` in the course's folder; the first call writes one. Marks are reproduced exactly
    with the same secret only, so keep the file with the gradebook.

    Parameters
    ----------
    root : Path
        The course's folder.

    Raises
    ------
    CourseError
        If there is none, and none can be written.
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
    """Return what the random inputs of a student's tests depend on (see `nbjudge.seeds`).

    The course's secret does not follow from it: it may leave this machine.
    """
    digest = hashlib.sha256()
    for part in (secret, assignment, student):
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    return (digest.hexdigest(),)


def write_secret(path: Path, text: str) -> None:
    """Write a new secret, whole or not at all; of several at once, the first stays."""
    with tempfile.TemporaryDirectory(prefix=path.name, dir=path.parent) as folder:
        new = Path(folder) / "new"
        new.touch(mode=0o600)
        new.write_text(f"{text}\n", encoding="utf-8")
        with suppress(FileExistsError):
            path.hardlink_to(new)


def is_open_to_others(path: Path) -> bool:
    """Say whether others on this machine can read a file, as far as its mode tells."""
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)
