"""Clear away what killed processes of ours have left."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["remove_stale_folders"]


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
