"""Content-addressed storage for the files of all hand-ins: each once, named by its SHA-256.

When `put` returns, the file is on disk, whatever happens to this process or machine next.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from nbjudge.exceptions import CourseError

__all__ = ["Kept", "NoRoom", "Vault", "sha256_of"]

VAULT_FOLDER = "desk"
CHUNK = 2**20
#: The prefix of files that are still being written.
NEW_PREFIX = ".new-"


class NoRoom(CourseError):
    """The disk is full."""


class Kept(tuple[str, int]):
    """A stored file: its SHA-256, and its size."""

    __slots__ = ()

    @property
    def sha256(self) -> str:
        """The hash of its content, by which the vault finds it."""
        return self[0]

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self[1]


class Vault:
    """The files in `desk/` in a course's folder.

    Parameters
    ----------
    root : Path
        The course's folder.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / VAULT_FOLDER / "files"
        self._folder.mkdir(parents=True, exist_ok=True)
        (root / VAULT_FOLDER).chmod(0o700)
        for left in self._folder.glob(f"{NEW_PREFIX}*"):  # left by a process that was killed
            left.unlink(missing_ok=True)

    def put(self, source: BinaryIO) -> Kept:
        """Store the rest of an open file, and return its hash and size.

        Raises
        ------
        NoRoom
            If the disk is full; nothing is stored then.
        """
        new = self._folder / f"{NEW_PREFIX}{uuid.uuid4().hex}"
        try:
            return self._put(source, new)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            message = (
                "Nothing was handed in: there is no space left on the desk's disk. "
                "Tell your instructor, and try again later."
            )
            raise NoRoom(message) from error
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)

    def _put(self, source: BinaryIO, new: Path) -> Kept:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        kept = Kept((digest.hexdigest(), size))
        place = self.path(kept.sha256)
        if not place.parent.is_dir():
            place.parent.mkdir(exist_ok=True)
            _sync_folder(self._folder)
        new.replace(place)
        _sync_folder(place.parent)
        return kept

    def path(self, sha256: str) -> Path:
        """Return the path of a stored file."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(sha256)
        return self._folder / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Return whether a file with this hash is stored."""
        return self.path(sha256).is_file()

    def copy(self, sha256: str, target: Path) -> None:
        """Copy a stored file to a path."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.path(sha256), target)

    def forget(self, sha256: str) -> None:
        """Delete a stored file."""
        self.path(sha256).unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    if os.name == "nt":  # Windows cannot open folders
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
