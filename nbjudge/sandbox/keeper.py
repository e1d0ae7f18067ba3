"""A program that restarts a warm parent which several graders share, if the parent is killed.

`warm_kernels` starts it. It holds the socket for the graders' requests, so they go on without
noticing that a parent was killed (mostly because the machine ran out of memory) and replaced. It
imports only the standard library, so that it is small and hardly anything can end it.
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
#: How many parents are started at most. If the machine kills them all, the graders must know.
PARENTS = 20
#: Seconds before a restart, in which a machine without memory can recover.
RESTART_PAUSE = 0.5
#: bubblewrap returns a larger status than this for a program that was ended by a signal.
SIGNALLED = 128


def main(control: int, owner: int, command: list[str]) -> None:
    """Run a command, and again each time that a signal has ended it.

    A command that ends by itself would do so again, so it is not restarted; its output file says
    why it ended.

    Parameters
    ----------
    control : int
        The file descriptor that the command inherits.
    owner : int
        The process id of the grader, with which this process and the command end.
    command : list of str
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for _ in range(PARENTS):
        if os.getppid() != owner:  # it ended before `prctl` took effect
            return
        ended = subprocess.run(command, pass_fds=[control], check=False).returncode
        if 0 <= ended <= SIGNALLED:
            return
        time.sleep(RESTART_PAUSE)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
