"""Kernels without a fork server and without a sandbox: each starts a new Python process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nbjudge.fork_server.usage import Usage

__all__ = ["ColdKernel"]


class ColdKernel:
    """A kernel in a new, unconfined process.

    Parameters
    ----------
    script : Path
        The script that starts it: see `stage_library`.
    folder : Path
        Its working folder.
    environment : mapping of str to str
    """

    #: As in `WarmKernel`, but always empty, since nothing watches over this kernel.
    ended = ""
    used: Usage | None = None

    def __init__(self, script: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.end, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-S", str(script), "kernel"]
        with theirs:
            if sys.platform == "win32":
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=dict(environment),
                    stdin=subprocess.PIPE,
                    creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                assert self._process.stdin is not None
                with self._process.stdin as tells:
                    tells.write(theirs.share(self._process.pid))
            else:
                self._process = subprocess.Popen(
                    [*command, str(theirs.fileno())],
                    cwd=folder,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def waiting_seconds(self) -> float:
        """Return 0: how long it waited for a processor is not known."""
        return 0.0

    def await_end(self, seconds: float) -> None:
        """Wait for its end, for at most so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def interrupt(self) -> None:
        """Interrupt the cell that runs in it."""
        if sys.platform == "win32":
            self._process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill it and the processes of its process group."""
        if sys.platform != "win32":
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
