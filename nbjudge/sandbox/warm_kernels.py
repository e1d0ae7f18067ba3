"""The grader's side of a fork server: start one in a sandbox, and request kernels from it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbjudge.basics.temporary_folders import remove_stale_folders, short_folder
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.server import HOME
from nbjudge.fork_server.usage import Budget, Usage, read_end
from nbjudge.fork_server.waiting_time import read_waiting_time
from nbjudge.fork_server.watch import INTERRUPT, KILL_REQUEST, RUNS
from nbjudge.sandbox import bubblewrap, cgroups, keeper
from nbjudge.sandbox.workspace import copy_data, environment, font_lists, stage_library

__all__ = ["SANDBOX_ENDED", "ForkServer", "ParentLost", "WarmKernel", "lend", "running_fork_server"]

#: Seconds that a fork server may take to start.
START_SECONDS = 120
#: Seconds that a grader waits for a killed kernel to end.
END_SECONDS = 60
#: The beginning of the names of the fork servers' folders; the grader's process id follows.
SERVER_PREFIX = "course-grading-"
#: How a kernel ended if its watcher could not report it, since the whole sandbox was ended.
SANDBOX_ENDED = "its sandbox ended"


class ParentLost(CourseError):
    """The warm parent ended, or never started."""


class ForkServer:
    """A warm parent: a process in a sandbox that forks kernels.

    Parameters
    ----------
    plug : Plug
        The course's configuration: what kernels may import, and what is imported ahead.
    shared : bool
        Whether graders that are forked from this process request kernels, too. Then creating it
        does not wait for the parent to start; the first request does. A parent that is killed is
        replaced.

    Raises
    ------
    ParentLost
        If it does not start.
    """

    def __init__(self, plug: Plug, *, shared: bool = False) -> None:
        within = short_folder()
        remove_stale_folders(within, SERVER_PREFIX)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{SERVER_PREFIX}{os.getpid()}-", dir=within))
        self.folder.chmod(0o711)
        self.rooms, library, data = (self.folder / name for name in ("rooms", "library", "data"))
        for place in (self.rooms, library, data):
            place.mkdir()
        self.rooms.chmod(0o711)  # other users of this machine may not list them
        stage_library(plug, library, "/course")
        copy_data(plug, data)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._owner, self._control = os.getpid(), ours
        self._said = (self.folder / "said.txt").open("wb+")
        fonts = {f"{HOME}/matplotlib/{path.name}": path for path in font_lists()}
        command = bubblewrap.command(
            ["/course/start.py", "parent", str(theirs.fileno())],
            library=library,
            packages=plug.all_packages,
            rooms=self.rooms,
            shown={"/data": data, **fonts},
            environment=environment(plug, HOME, data="/data"),
        )
        if shared:
            keep = [sys.executable, "-I", "-S", keeper.__file__]
            command = [*keep, str(theirs.fileno()), str(os.getpid()), *command]
        self._process = subprocess.Popen(
            [*cgroups.scope_command(), *command],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            pass_fds=[theirs.fileno()],
            # Ctrl-C must reach only the grader: a kernel that it ended would cost marks.
            start_new_session=True,
        )
        theirs.close()
        atexit.register(self.close)
        if not shared:
            self._await_start()

    def _await_start(self) -> None:
        ready, _, _ = select.select([self._control], [], [], START_SECONDS)
        state = self._control.recv(1000) if ready else b""
        if not state:
            self._said.seek(0)
            said = self._said.read()[-500:].decode(errors="replace").strip()
            self.close()
            raise ParentLost(f"The sandbox for grading did not start: {said or 'no answer'}")
        if (threads := json.loads(state)["threads"]) != 1:
            self.close()
            raise ParentLost(f"The warm parent has {threads} threads, and cannot fork safely.")

    def is_alive(self) -> bool:
        """Return whether the parent can still fork kernels."""
        if os.getpid() == self._owner and self._process.poll() is not None:
            return False
        if self._control.fileno() < 0:
            return False
        # A forked grader cannot poll the process, so it polls the socket for a hang-up. It asks for
        # no other event: unread messages on the socket say nothing about the parent's end.
        poller = select.poll()
        poller.register(self._control, 0)
        return not poller.poll(0)

    @functools.cached_property
    def groups(self) -> cgroups.Home | None:
        """Where the kernels' control groups can be made; None if nowhere."""
        return cgroups.find_home() or cgroups.find_home(self._process.pid)

    def fork(
        self,
        request: dict[str, Any],
        line: socket.socket,
        group: cgroups.ControlGroup | None = None,
        ahead: Sequence[str] = (),
    ) -> socket.socket:
        """Request a kernel, and return its leash: the socket that controls it.

        Parameters
        ----------
        request : dict
            What the kernel is to be like: see `fork_server.server`.
        line : socket.socket
            The kernel's end of the connection.
        group : ControlGroup, optional
        ahead : sequence of str
            Modules that are imported for the kernels after this one.
        """
        files = group.open() if group else {}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                socket.send_fds(self._control, [json.dumps(ahead).encode()], [theirs.fileno()])
            told = {
                **request,
                "group": list(files),
                "shares": bool(group and self.groups and self.groups.counts_computing),
            }
            socket.send_fds(ours, [json.dumps(told).encode()], [line.fileno(), *files.values()])
        except OSError as error:
            ours.close()
            raise ParentLost(f"The warm parent ended: {error.strerror}.") from error
        finally:
            for file in files.values():
                os.close(file)
        return ours

    def close(self) -> None:
        """End the parent, and with it every kernel."""
        atexit.unregister(self.close)
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._said.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_parents: dict[object, ForkServer] = {}
_lent: dict[object, ForkServer] = {}


def lend(plug: Plug) -> None:
    """Start a warm parent for all graders that will be forked from this process.

    If it cannot be started, each grader tries for itself, and reports why it cannot.
    """
    if not bubblewrap.problem():
        with suppress(CourseError, OSError):
            _lent[_key_of_plug(plug)] = ForkServer(plug, shared=True)


def _key_of_plug(plug: Plug) -> tuple[object, ...]:
    return (plug, os.environ.get(plug.data_variable))


def running_fork_server(plug: Plug) -> ForkServer:
    """Return the warm parent that was lent to this process, or else this process's own.

    A parent of its own is started if there is none, or if it has ended.
    """
    lent = _lent.get(_key_of_plug(plug))
    if lent is not None and lent.is_alive():
        return lent
    # The key holds what a parent depends on: a forked grader needs its own parent, and so does one
    # whose data lies elsewhere.
    key = (os.getpid(), *_key_of_plug(plug))
    parent = _parents.get(key)
    if parent is None or not parent.is_alive():
        if parent is not None:
            parent.close()
        parent = _parents[key] = ForkServer(plug)
    return parent


class WarmKernel:
    """A kernel that a warm parent forks.

    Parameters
    ----------
    fork_server : ForkServer
    request : dict
        What the kernel is to be like: see `fork_server.server`.
    ahead : sequence of str
        Modules that are imported for the kernels after it: see `fork_server.ahead`.
    """

    _leash: socket.socket | None = None
    _waiting_time: int | None = None
    _waited = 0.0
    _group: cgroups.ControlGroup | None = None

    def __init__(
        self, fork_server: ForkServer, request: dict[str, Any], ahead: Sequence[str] = ()
    ) -> None:
        #: How it ended, in words; empty while it runs.
        self.ended = ""
        #: What it used, once it has ended; None if its sandbox could not tell.
        self.used: Usage | None = None
        if fork_server.groups:
            with suppress(OSError):  # without a group, its first process counts
                self._group = fork_server.groups.new_group(Budget(**request["budget"]))
        #: The grader's end of the connection.
        self.end, theirs = socket.socketpair()
        try:
            with theirs:
                self._leash = fork_server.fork(request, theirs, self._group, ahead)
        except BaseException:
            self.end.close()
            self._let_go("it was not forked")
            raise

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        self.await_end(0)
        return self._leash is not None

    def await_end(self, seconds: float) -> None:
        """Wait for its end, for at most so many seconds."""
        end = time.monotonic() + seconds
        poller = select.poll()
        while self._leash is not None:
            poller.register(self._leash, select.POLLIN)
            if not poller.poll(1000 * max(0.0, end - time.monotonic())):
                break
            self._hear()

    def waiting_seconds(self) -> float:
        """Return for how many seconds it was ready to run but had no processor; 0 if unknown."""
        if self._waiting_time is None:
            self.await_end(0)  # this reads the message with the file
        if self._waiting_time is not None:
            with suppress(OSError):  # it has ended
                self._waited = read_waiting_time(self._waiting_time)
        return self._waited

    def _hear(self) -> None:
        """Read a message from the leash: that the kernel runs, or how it ended."""
        assert self._leash is not None
        try:
            said, files, _, _ = socket.recv_fds(self._leash, 2000, 1)
        except OSError:
            said, files = b"", []
        if said == RUNS and files:
            (self._waiting_time,) = files
            return
        said = said or SANDBOX_ENDED.encode()
        ended, used = read_end(said)
        self._let_go(ended)
        self.used = used

    def interrupt(self) -> None:
        """Interrupt the cell that runs in it."""
        self._tell(INTERRUPT)

    def kill(self) -> None:
        """Kill it and everything that it started."""
        self._tell(KILL_REQUEST)
        self.await_end(END_SECONDS)
        # If it has not ended by now, closing the leash still ends it as soon as it can.
        self._let_go(f"it did not end within {END_SECONDS} s")

    def _tell(self, command: bytes) -> None:
        if self._leash is not None:
            with suppress(OSError):
                self._leash.send(command)

    def _let_go(self, why: str) -> None:
        if self._leash is not None:
            self._leash.close()
            self._leash = None
            self.ended = why
        if self._waiting_time is not None:
            self.waiting_seconds()
            os.close(self._waiting_time)
            self._waiting_time = None
        if self._group is not None:
            self._group.remove()
            self._group = None
