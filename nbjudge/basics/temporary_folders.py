"""Find a temporary folder whose path is short enough for sockets, and remove stale ones."""

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

#: In bytes. A socket's path has at most 107, and the path of the worker fork server's socket is up
#: to 63 longer than this folder's.
MOST_OF_PATH = 44


def short_folder() -> Path:
    """Return the folder for temporary files, or another if its path is too long for sockets.

    Raises
    ------
    CourseError
        If no writable folder has a path that is short enough.
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
    """Create the temporary files and folders of the block in `short_folder()`."""
    before = tempfile.tempdir
    tempfile.tempdir = str(short_folder())
    try:
        yield
    finally:
        tempfile.tempdir = before


def remove_stale_folders(parent: Path, prefix: str) -> None:
    """Delete folders whose owning process no longer lives, such as one that was killed.

    Parameters
    ----------
    parent : Path
        The folder that contains them.
    prefix : str
        How their names begin; the process id and a hyphen follow.
    """
    if sys.platform == "win32":  # there `os.kill(process, 0)` would end the process
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
    except PermissionError:  # it lives, and belongs to another user
        return True
    return True
