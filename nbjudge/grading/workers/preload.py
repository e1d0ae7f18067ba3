"""The process from which this machine's workers are forked: it imports what they need, once."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from nbjudge.basics.redirect_output import redirect_output
from nbjudge.basics.temporary_folders import short_temporary_folder
from nbjudge.course.plug import Plug

__all__ = ["METHOD", "PRELOADED_MARK", "start"]

#: How Python's multiprocessing starts workers; Windows has no fork.
METHOD = "spawn" if sys.platform == "win32" else "forkserver"
#: The variable by which that process knows itself and the course: whoever else imports the same
#: starts nothing.
PRELOADED_MARK = "GRADING_PRELOAD"


def start(plug: Plug) -> None:
    """Start that process, unless it runs; it imports while this one goes on.

    What it and the workers print is lost.

    Parameters
    ----------
    plug : Plug
        What the course's tests and notebooks import is imported there, too.
    """
    if METHOD == "spawn":
        return
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload(["nbjudge.grading.workers.preloaded"])
    os.environ[PRELOADED_MARK] = json.dumps(asdict(plug))
    try:
        with redirect_output(os.devnull), short_temporary_folder():  # it listens at a socket
            forkserver.ensure_running()
    finally:
        del os.environ[PRELOADED_MARK]
