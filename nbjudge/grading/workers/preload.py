"""Start the fork server for the worker processes, which imports what they need once."""

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
#: The environment variable with the course's configuration. It is set only for the fork server, so
#: that no other process that imports `preloaded` starts anything.
PRELOADED_MARK = "GRADING_PRELOAD"


def start(plug: Plug) -> None:
    """Start the fork server, unless it runs; it imports in the background.

    Its output, and that of the workers, is discarded.

    Parameters
    ----------
    plug : Plug
        The course's configuration, which says what to import for its tests and notebooks.
    """
    if METHOD == "spawn":
        return
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload(["nbjudge.grading.workers.preloaded"])
    os.environ[PRELOADED_MARK] = json.dumps(asdict(plug))
    try:
        # Its socket lies in the temporary folder, whose path has to be short.
        with redirect_output(os.devnull), short_temporary_folder():
            forkserver.ensure_running()
    finally:
        del os.environ[PRELOADED_MARK]
