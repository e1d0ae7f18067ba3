"""The process from which this machine's workers are forked: it imports what they need, once."""

from __future__ import annotations

import os
import sys

from course_utils.autograde.muffle import muffled
from course_utils.autograde.temporary import short_temporary_folder

__all__ = ["MARK", "METHOD", "start"]

#: How Python's multiprocessing starts workers; Windows has no fork.
METHOD = "spawn" if sys.platform == "win32" else "forkserver"
#: The variable by which that process knows itself: whoever else imports the same starts nothing.
MARK = "GRADING_FORGE"


def start() -> None:
    """Start that process, unless it runs; it imports while this one goes on.

    What it and the workers print is lost.
    """
    if METHOD == "spawn":
        return
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload(["course_utils.autograde.shared"])
    os.environ[MARK] = "1"
    try:
        with muffled(os.devnull), short_temporary_folder():  # it listens at a socket
            forkserver.ensure_running()
    finally:
        del os.environ[MARK]
