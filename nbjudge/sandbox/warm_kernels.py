"""Kernels by fork: a warm parent in a sandbox, and the provisioner that asks it for kernels.

Jupyter finds `WarmProvisioner` by the entry point "nbjudge-warm"; nbclient, nbgrader and Jupyter
use its kernels as any others.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from nbjudge.basics.stale_folders import remove_stale_folders
from nbjudge.basics.temporary_folders import short_folder
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.usage import Budget, Usage, read_end
from nbjudge.fork_server.watch import INTERRUPT, KILL, READY
from nbjudge.sandbox import bubblewrap, cgroups, keeper
from nbjudge.sandbox.workspace import copy_data, environment, font_lists, stage_library

__all__ = ["SANDBOX_ENDED", "ForkServer", "WarmProvisioner", "lend", "running_fork_server"]

START_SECONDS = 120
#: How long a kernel may take to end before nobody waits for it any longer.
END_SECONDS = 60
#: How the names of the parents' folders begin; the grader's number follows.
PREFIX = "course-grading-"
#: Seconds between two looks at a leash.
PAUSE = 0.002
#: How a kernel ended whose watcher could not say how: somebody ended all of its sandbox.
SANDBOX_ENDED = "its sandbox ended"


class ParentLost(CourseError):
    """The warm parent ended, or never came up."""


class ForkServer:
    """A process in a sandbox that forks kernels.

    Parameters
    ----------
    plug : Plug
        What the kernels may import, and what is imported ahead.
    shared : bool
        Whether graders that are forked from this process ask for kernels, too. Then nobody waits
        until it is up: who asks first does. If it is killed, another takes its place.

    Raises
    ------
    ParentLost
        If it does not come up.
    """

    def __init__(self, plug: Plug, *, shared: bool = False) -> None:
        within = short_folder()
        remove_stale_folders(within, PREFIX)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=within))
        self.folder.chmod(0o711)
        self.rooms, library, data = (self.folder / name for name in ("rooms", "library", "data"))
        for place in (self.rooms, library, data):
            place.mkdir()
        self.rooms.chmod(0o711)  # other users of this machine may not look for a kernel's sockets
        stage_library(plug, library, "/course")
        copy_data(plug, data)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._owner, self._control = os.getpid(), ours
        self._said = (self.folder / "said.txt").open("wb+")
        fonts = {f"/student/matplotlib/{path.name}": path for path in font_lists()}
        command = bubblewrap.command(
            ["/course/start.py", "parent", str(theirs.fileno()), *(["ahead"] if shared else [])],
            library=library,
            packages=plug.all_packages,
            rooms=self.rooms,
            shown={"/data": data, **fonts},
            environment=environment(plug, "/student", data="/data"),
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
            # Ctrl-C is the grader's to hear: a kernel that it ended would cost marks.
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
        """Say whether kernels can be had."""
        if os.getpid() == self._owner and self._process.poll() is not None:
            return False
        if self._control.fileno() < 0:
            return False
        # A grader that was forked is not told of its end, but by its end of the socket. What has
        # come by that and nobody has read says nothing.
        poller = select.poll()
        poller.register(self._control, 0)
        return not poller.poll(0)

    @functools.cached_property
    def groups(self) -> cgroups.Home | None:
        """Where the kernels' control groups can be made, if anywhere."""
        return cgroups.find_home() or cgroups.find_home(self._process.pid)

    def fork(self, request: dict[str, Any], group: cgroups.Group | None = None) -> socket.socket:
        """Ask for a kernel in a control group, and return its leash."""
        files = group.open() if group else {}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                socket.send_fds(self._control, [b"k"], [theirs.fileno()])
            told = {
                **request,
                "group": list(files),
                "shares": bool(group and self.groups and self.groups.counts_computing),
            }
            socket.send_fds(ours, [json.dumps(told).encode()], list(files.values()))
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

    Where it cannot be started, each of them tries for itself, and says why it cannot.
    """
    if not bubblewrap.problem():
        with suppress(CourseError, OSError):
            _lent[_key(plug)] = ForkServer(plug, shared=True)


def _key(plug: Plug) -> tuple[object, ...]:
    return (plug, os.environ.get(plug.data_variable))


def running_fork_server(plug: Plug) -> ForkServer:
    """Return this process's warm parent, or the one that was lent to it.

    One that is lost for good is replaced by one of this process's own.
    """
    lent = _lent.get(_key(plug))
    if lent is not None and lent.is_alive():
        return lent
    # A forked grader has to have its own, and so has one that finds its data elsewhere.
    key = (os.getpid(), *_key(plug))
    parent = _parents.get(key)
    if parent is None or not parent.is_alive():
        if parent is not None:
            parent.close()
        parent = _parents[key] = ForkServer(plug)
    return parent


class WarmProvisioner(KernelProvisionerBase):
    """Has kernels forked by this process's warm parent."""

    _leash: socket.socket | None = None
    _group: cgroups.Group | None = None
    #: How the kernel ended, in words; empty while it runs.
    ended = ""
    #: What it used, once it has ended; None if its sandbox could not tell.
    used: Usage | None = None

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel."""
        return self._leash is not None

    async def poll(self) -> int | None:
        """Return None while the kernel runs."""
        self._listen()
        return None if self._leash is not None else 1

    async def wait(self) -> int | None:
        """Wait for the kernel's end."""
        while await self.poll() is None:
            await asyncio.sleep(PAUSE)
        return 1

    async def send_signal(self, signum: int) -> None:
        """Interrupt the kernel, or end it."""
        if signum == signal.SIGINT:
            self._tell(INTERRUPT)
        elif signum != 0:
            await self.kill()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and everything that it started."""
        self._tell(KILL)
        try:
            await asyncio.wait_for(self.wait(), END_SECONDS)
        except TimeoutError:  # it is let go, at which it ends as soon as it can
            self._let_go(f"it did not end within {END_SECONDS} s")

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel; it has nothing to say in this."""
        await self.kill()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose the sockets that client and kernel talk through."""
        manager = self.parent
        assert manager is not None
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        return await super().pre_launch(cmd=self.kernel_spec.argv, **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Ask for a kernel, and wait until its sockets are there."""
        info: dict[str, Any] = dict(self.connection_info)
        info["key"] = info["key"].decode()
        info["ip"] = f"/line/{Path(info['ip']).name}"
        request = {**kwargs["request"], "connection": info, "arguments": cmd}
        parent: ForkServer = kwargs["fork_server"]
        if parent.groups:
            with suppress(OSError):  # then its first process counts
                self._group = parent.groups.new_group(Budget(**request["budget"]))
        self._leash = parent.fork(request, self._group)
        self._leash.setblocking(False)
        self.ended, self.used = "", None
        end = time.monotonic() + START_SECONDS
        while (said := self._heard()) != READY:
            if said is not None or time.monotonic() > end:
                why = (said or b"it did not answer").decode(errors="replace")
                self._let_go(why)
                raise ParentLost(f"A kernel could not be forked: {why}.")
            await asyncio.sleep(PAUSE)
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of the kernel."""
        self._let_go("it was let go")

    def _heard(self) -> bytes | None:
        """Return what the leash says: nothing yet, a message, or that it was let go."""
        assert self._leash is not None
        try:
            return self._leash.recv(2000) or SANDBOX_ENDED.encode()
        except BlockingIOError:
            return None
        except OSError:
            return SANDBOX_ENDED.encode()

    def _listen(self) -> None:
        if self._leash is not None and (said := self._heard()) is not None:
            ended, used = read_end(said)
            self._let_go(ended)
            self.used = used

    def _tell(self, command: bytes) -> None:
        if self._leash is not None:
            with suppress(OSError):
                self._leash.send(command)

    def _let_go(self, why: str) -> None:
        if self._leash is not None:
            self._leash.close()
            self._leash = None
            self.ended = why
        if self._group is not None:
            self._group.remove()
            self._group = None
