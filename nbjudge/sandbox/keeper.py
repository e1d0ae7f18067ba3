"""Keeps a warm parent running that several graders share: started by `warm`, as a program.

The socket that their requests come by stays open in here, so one that is killed (most often
because the machine ran out of memory) is replaced by one for all, and nobody has to be told. It is
a program of its own, and imports nothing but Python's own, so that hardly anything can happen to
it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

__all__ = ["main"]

PR_SET_PDEATHSIG = 1
#: How many parents are started at most. On a machine that kills each, graders have to hear of it.
PARENTS = 20
#: Seconds before another is started, so that a machine without memory gets its breath.
RESTART_PAUSE = 0.5
#: What bubblewrap returns for a program that a signal ended is more than this.
SIGNALLED = 128


def main(control: int, owner: int, command: list[str]) -> None:
    """Run a command, and again whenever a signal has ended it.

    One that ends by itself would do so again; what it said is in the file that it writes to.

    Parameters
    ----------
    control : int
        The file descriptor that it gets.
    owner : int
        Whose end is also that of this process, and of the command.
    command : list of str
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for _ in range(PARENTS):
        if os.getppid() != owner:  # it ended before its end could be heard of
            return
        ended = subprocess.run(command, pass_fds=[control], check=False).returncode
        if 0 <= ended <= SIGNALLED:
            return
        time.sleep(RESTART_PAUSE)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
