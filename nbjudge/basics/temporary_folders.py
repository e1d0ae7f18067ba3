"""A folder for temporary files whose path is short enough for sockets in folders of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbjudge.exceptions import CourseError

__all__ = ["short_folder", "short_temporary_folder"]

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
