"""Temporary folders: one whose path is short enough for sockets, and what was left behind."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbjudge.exceptions import CourseError

__all__ = ["remove_stale_folders", "short_folder", "short_temporary_folder"]

#: Bytes: a socket's path has at most 107, and that at which workers are forked is up to 63 longer
#: than this folder's.
MOST_OF_PATH = 44


def short_folder() -> Path:
    """Return the folder for temporary files; where its path is too long, another for sockets.

    Raises
    ------
    CourseError
        If there is none that is short enough, and can be written.
    """
    usual = tempfile.gettempdir()
    others = (os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp", "/dev/shm")
    for folder in (usual, *others):
        real = os.path.realpath(folder) if folder else ""
        if 0 < len(os.fsencode(real)) <= MOST_OF_PATH and os.access(real, os.W_OK | os.X_OK):
            return Path(real)
    message = (
        f"The path of the folder for temporary files ({usual}) is too long for sockets, and there "
        f"is no other. Set TMPDIR to a folder with at most {MOST_OF_PATH} bytes in its path."
    )
    raise CourseError(message)


@contextmanager
def short_temporary_folder() -> Iterator[None]:
    """Let what is made in the block for temporary files lie in `short_folder`."""
    before = tempfile.tempdir
    tempfile.tempdir = str(short_folder())
    try:
        yield
    finally:
        tempfile.tempdir = before


def remove_stale_folders(parent: Path, prefix: str) -> None:
    """Delete the folders of processes of this machine that were killed, and could not do it.

    Parameters
    ----------
    parent : Path
        Where they lie.
    prefix : str
        How their names begin; the number of the process and a hyphen follow.
    """
    if sys.platform == "win32":  # there is no asking whether a process lives without ending it
        return
    for folder in parent.iterdir():
        number = folder.name.removeprefix(prefix).partition("-")[0]
        if not folder.name.startswith(prefix) or not number.isdecimal():
            continue
        with suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and not _lives(int(number)):
                shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True
