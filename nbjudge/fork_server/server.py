"""The warm parent: a process that imports what notebooks need once, and forks kernels.

It runs in a sandbox. It creates the kernel and its shell before it forks, but starts no thread and
no event loop. Each child gets new namespaces and an `init` process that watches over it, and ends
with all its descendants.

For each kernel the grader sends one end of a socket, the *leash*. The child reads from it the
request (JSON) and the kernel's end of the connection. The parent never reads these: what it once
had in memory, all later kernels could find in theirs. On the connection the kernel reports that it
has started. On the leash the child's init reports how the kernel ended and what it used, and
receives "interrupt" and "kill". Closing the leash also kills, so that nothing outlives a grader.

With the leash come the names of modules that the notebook imports; the parent imports them for the
kernels after this one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict

from nbjudge.fork_server import namespaces, syscalls
from nbjudge.fork_server.ahead import import_ahead
from nbjudge.fork_server.meter import CountingMeter, GroupMeter, Meter, read_sizes
from nbjudge.fork_server.sessions import Sessions
from nbjudge.fork_server.usage import Budget, pack_end
from nbjudge.fork_server.waiting_time import open_waiting_time
from nbjudge.fork_server.watch import RUNS, watch
from nbjudge.shell.line import DONE, Line

if TYPE_CHECKING:
    from nbjudge.shell.app import GradedKernelApp

__all__ = ["HOME", "STUDENT_MODULES", "main"]

#: Open files that come with a request: the kernel's end of the connection, and a control group's.
MOST_FILES = 16
#: Bytes of the names of modules that come with it.
MOST_GROUP_NAMES = 2**14
#: Terminals that a kernel can have; each shell command takes one.
TERMINALS = 16
#: Modules that a kernel imports when it starts, and those that most notebooks import.
STUDENT_MODULES = (
    "numpy",
    "numpy.fft",  # numpy imports its submodules on first use
    "numpy.linalg",
    "numpy.ma",
    "numpy.polynomial",
    "numpy.random",
    "numpy.testing",
    "contourpy",
    "encodings.cp437",  # for file names in zip archives
    "matplotlib.pyplot",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PpmImagePlugin",
    "faulthandler",
    "sqlite3",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "nbjudge.checks",
)
#: User ids for kernels if the grader is root, to whom no limit of processes applies. The system
#: counts processes by user, so each kernel gets an id of its own, and its own limit.
UNUSED_USERS = range(2**30, 2**31)
USER_ID_MAP = Path("/proc/self/uid_map")
#: Bytes of address space that may be reserved but not used, such as the stacks of threads.
RESERVED_BYTES = 2**30
#: The file system that a kernel may write to: its home, working folder and temporary folders.
STUDENT_FOLDER = "/student"
HOME, CWD = f"{STUDENT_FOLDER}/home", f"{STUDENT_FOLDER}/work"


class Imports(TypedDict):
    """What to import for a course: modules at once, modules later, and its module of data sets."""

    now: Sequence[str]
    later: Sequence[str]
    data: str


def main(control: int, course: Mapping[str, Any], imports: Imports) -> None:
    """Import modules, report that, and fork a kernel for each request until the grader is gone.

    Parameters
    ----------
    control : int
        The file descriptor of a socket that keeps message boundaries (SOCK_SEQPACKET). Several
        graders may share the other end, since each sends a request as one message.
    course : mapping
        The course's arguments for `GradedKernelApp.serve`.
    imports : dict
        See `Imports`.
    """
    for name in (*STUDENT_MODULES, *imports["now"]):
        importlib.import_module(name)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    from nbjudge.shell.app import prepare  # slow to import

    app = prepare()
    _freeze()
    # Children need not be waited for: the init process reports on the leash how a kernel ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    left, is_asked = deque(_chores(imports)), False
    known: set[str] = set()
    with socket.socket(fileno=control) as grader:
        grader.send(json.dumps({"threads": _count_threads()}).encode())
        while True:
            # Do the chores while no request waits and the first kernel is already at work.
            if is_asked and left and not select.select([grader], [], [], 0)[0]:
                left.popleft()()
                continue
            asked, leashes, _, _ = socket.recv_fds(grader, MOST_GROUP_NAMES, 1)
            if not leashes:
                return
            (leash,) = leashes
            if _count_threads() != 1:  # locks of other threads would stay locked in the child
                sys.exit("The warm parent is no longer alone in its process.")
            if os.fork() == 0:
                grader.close()
                _child(socket.socket(fileno=leash), app, course)
            os.close(leash)
            is_asked = True
            if names := sorted(set(json.loads(asked)) - known):
                known.update(names)
                left.append(partial(_import_ahead, names))


def _chores(imports: Imports) -> Iterator[Callable[[], object]]:
    """Yield tasks for the time when the first kernels are at work, which speed up later kernels."""
    if imports["data"]:
        yield lambda: importlib.import_module(imports["data"]).read_ahead()
    for name in imports["later"]:
        yield partial(importlib.import_module, name)
    yield _freeze


def _import_ahead(names: Sequence[str]) -> None:
    if import_ahead(names, _count_threads):
        _freeze()


def _freeze() -> None:
    """Exclude existing objects from garbage collection, which would unshare their memory."""
    gc.collect()
    gc.freeze()


def _count_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def _child(leash: socket.socket, app: GradedKernelApp, course: Mapping[str, Any]) -> NoReturn:
    """Become the first process of new namespaces; never return."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _silence()
        text, (line, *files), _, _ = socket.recv_fds(leash, 2**20, MOST_FILES)
        request = {**json.loads(text), "course": course}
        group = dict(zip(request["group"], files, strict=True))
        namespaces.unshare(with_users=os.getuid() != 0)
        if os.fork() == 0:
            _init(request, group, leash, socket.socket(fileno=line), app)
    except BaseException as error:
        leash.send(f"failed: {type(error).__name__}: {error}".encode()[:1000])
    os._exit(1)


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.close(null)


def _init(
    request: dict[str, Any],
    group: dict[str, int],
    leash: socket.socket,
    line: socket.socket,
    app: GradedKernelApp,
) -> None:
    """Prepare the kernel's file system, start the kernel, and watch over it."""
    user = random.SystemRandom().choice(_unused_users()) if os.getuid() == 0 else None
    budget = Budget(**request["budget"])
    # The parent's memory, in kilobytes. It is read now, because there may be no /proc later.
    parents = read_sizes(Path("/proc/self/status"))
    _furnish(request, budget, user)
    may_run, lets_run = os.pipe()
    kernel = os.fork()
    if kernel == 0:
        leash.close()
        for file in group.values():  # with these a process could leave the group
            os.close(file)
        os.close(lets_run)
        _kernel(request, budget, parents, user, line, may_run, app)
    line.close()
    os.close(may_run)
    # This process must get processor time however busy the kernel's processes are.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    meter = _meter(kernel, budget, group, parents["RssAnon"] / 1024)
    os.close(lets_run)  # the kernel goes on, now that its usage is counted
    if (waiting_time := open_waiting_time(kernel)) is not None:
        meter.waiting_time = waiting_time
        socket.send_fds(leash, [RUNS], [waiting_time])
    sessions = None if request["shares"] else Sessions()
    ended = watch(kernel, leash, budget, meter, sessions)
    _clear()
    leash.send(pack_end(ended, meter.used))
    os._exit(0)


def _meter(kernel: int, budget: Budget, group: dict[str, int], inherited: float) -> Meter:
    """Move the kernel to its control group, and return a meter for it, or a counting one."""
    try:
        for name, file in group.items():
            if name.startswith("processes"):
                os.write(file, str(kernel).encode())
    except OSError:
        group = {}
    if group:
        return GroupMeter(STUDENT_FOLDER, group)
    return CountingMeter(STUDENT_FOLDER, budget.memory_megabytes, inherited)


def _unused_users() -> range:
    """Return user ids that nobody else uses; in a container with few ids, the upper half."""
    ids = [list(map(int, line.split())) for line in USER_ID_MAP.read_text().splitlines()]
    end = max(first + count for first, _, count in ids)
    return UNUSED_USERS if end >= UNUSED_USERS.stop else range(end // 2, end)


def _clear() -> None:
    """End all other processes of this namespace, and wait until they are gone."""
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _furnish(request: dict[str, Any], budget: Budget, user: int | None) -> None:
    room = Path("/rooms", request["room"])
    namespaces.make_private()
    # All writable folders are on one file system, whose size limits them together.
    namespaces.mount_tmpfs(STUDENT_FOLDER, budget.disk_megabytes)
    _show_tmp([Path(prefix) for prefix in request["prefixes"]])
    _make_temporary("/dev/shm")
    namespaces.mount_proc()
    shutil.copytree(room / "work", CWD)
    shutil.copytree(room / "home", HOME)
    if user is not None:
        for owned in (Path(HOME), Path(CWD)):
            for place in (owned, *owned.rglob("*")):
                os.chown(place, user, user)
    namespaces.mount_tmpfs("/rooms", 1)
    # A shared mapping of /dev/zero can hold memory that is not counted once no process maps it, so
    # an empty file replaces the device.
    nothing = Path("/rooms/nothing")
    nothing.touch(mode=0)
    namespaces.bind(str(nothing), "/dev/zero")
    nothing.unlink()
    namespaces.seal("/rooms")
    namespaces.mount_terminals("/dev/pts", TERMINALS)


def _show_tmp(prefixes: list[Path]) -> None:
    """Mount an empty /tmp; if Python is installed below /tmp, keep it visible."""
    inside = {p: os.open(p, os.O_PATH) for p in prefixes if p.is_relative_to("/tmp")}
    _make_temporary("/tmp")
    for prefix, handle in inside.items():
        prefix.mkdir(parents=True, exist_ok=True)
        namespaces.bind(f"/proc/self/fd/{handle}", str(prefix))
        os.close(handle)


def _make_temporary(place: str) -> None:
    """Bind-mount a new folder that every user may write to."""
    folder = Path(STUDENT_FOLDER, Path(place).name)
    folder.mkdir()
    folder.chmod(0o1777)
    namespaces.bind(str(folder), place)


def _kernel(
    request: dict[str, Any],
    budget: Budget,
    parents: dict[str, int],
    user: int | None,
    line: socket.socket,
    may_run: int,
    app: GradedKernelApp,
) -> NoReturn:
    """Become the kernel."""
    try:
        line.set_inheritable(False)  # programs that the kernel starts must not hold it open
        namespaces.limit(
            cpu_seconds=budget.cpu_seconds,
            data_bytes=parents["VmData"] * 1024 + budget.memory_megabytes * 2**20,
            address_bytes=parents["VmSize"] * 1024
            + budget.memory_megabytes * 2**20
            + RESERVED_BYTES,
            processes=budget.processes,
            open_files=budget.open_files,
            file_bytes=budget.disk_megabytes * 2**20,
        )
        os.nice(19)
        namespaces.give_up_privileges(user)
        syscalls.forbid()
        os.chdir(CWD)
        os.environ.clear()
        os.environ.update(request["environment"])
        tempfile.tempdir = None  # an import in the parent may have set it
        _reseed()
        os.read(may_run, 1)
        os.close(may_run)
        app.serve(line, alone=True, **request["course"])
    except BaseException as error:
        with suppress(OSError):
            Line(line).send(DONE, 0, f"{type(error).__name__}: {error}".encode()[:900])
    os._exit(1)


def _reseed() -> None:
    """Seed the random generators afresh, as in a new process."""
    random.seed()
    importlib.import_module("numpy").random.seed()
    if torch := sys.modules.get("torch"):
        torch.default_generator.seed()
