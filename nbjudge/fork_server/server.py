"""The warm parent: imports what notebooks need once, and forks a kernel for each submission.

It runs in a sandbox and computes nothing itself: the kernel and its shell are made once, and no
thread and no event loop exist before it forks. Each child gets namespaces of its own, is watched by
an `init` process of its own, and dies whole.

The grader sends, for each kernel, one end of a socket: the *leash*. The child reads from it what is
asked for (JSON) and the kernel's end of its line, which this process therefore never sees: what it
once had in its memory, all later kernels could find in theirs. On the line the kernel says that it
is up. On the leash the child's init says how the kernel ended and what it used; it takes
"interrupt" and "kill". A leash that is let go kills too, so that nothing outlives a grader.

With a leash come the names of what the notebook's course imports, which is imported for the kernels
that follow.
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

#: Open files that come with a request: the kernel's end of the line, and those of a control group.
MOST_FILES = 16
#: Bytes of the names of modules that come with it.
MOST_GROUP_NAMES = 2**14
#: Terminals that a kernel can have: a shell's command takes one.
TERMINALS = 16
#: What a kernel would import as it starts, and what most notebooks then do.
STUDENT_MODULES = (
    "numpy",
    "numpy.fft",  # numpy imports these when they are asked for
    "numpy.linalg",
    "numpy.ma",
    "numpy.polynomial",
    "numpy.random",
    "numpy.testing",
    "contourpy",
    "encodings.cp437",  # for names in archives
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
#: Where the grader is root, whom no limit of processes binds, a kernel runs as a user whom nobody
#: has met: users are counted, so two kernels of one user would share their limit.
STRANGERS = range(2**30, 2**31)
USER_ID_MAP = Path("/proc/self/uid_map")
#: Bytes of addresses that may be reserved beyond what is used, as the stacks of threads are.
RESERVED_BYTES = 2**30
#: Where a kernel may write: its home, the folder that it starts in, and those for temporary files.
STUDENT_FOLDER = "/student"
HOME, CWD = f"{STUDENT_FOLDER}/home", f"{STUDENT_FOLDER}/work"


class Imports(TypedDict):
    """What a course's notebooks need: modules at once, others later, and one that reads data."""

    now: Sequence[str]
    later: Sequence[str]
    data: str


def main(control: int, course: Mapping[str, Any], imports: Imports) -> None:
    """Import, say so, and fork a kernel for each request until the grader is gone.

    Parameters
    ----------
    control : int
        The file descriptor of a socket that keeps messages apart (SOCK_SEQPACKET). Several
        graders may have the other end: each sends its requests whole.
    course : mapping
        What `GradedKernelApp.serve` is to know of the course.
    imports : dict
        See `Imports`.
    """
    for name in (*STUDENT_MODULES, *imports["now"]):
        importlib.import_module(name)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    from nbjudge.shell.app import prepare  # which takes a while to import

    app = prepare()
    _freeze()
    # Nobody asks how a child ended: its init tells on the leash.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    left, is_asked = deque(_chores(imports)), False
    known: set[str] = set()
    with socket.socket(fileno=control) as grader:
        grader.send(json.dumps({"threads": _count_threads()}).encode())
        while True:
            # Nobody waits now, and kernels are at work.
            if is_asked and left and not select.select([grader], [], [], 0)[0]:
                left.popleft()()
                continue
            asked, leashes, _, _ = socket.recv_fds(grader, MOST_GROUP_NAMES, 1)
            if not leashes:
                return
            (leash,) = leashes
            if _count_threads() != 1:  # a fork would leave the locks of others locked for ever
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
    """Yield what can be done when the first kernels are at work, so that later ones need not."""
    if imports["data"]:
        yield lambda: importlib.import_module(imports["data"]).read_ahead()
    for name in imports["later"]:
        yield partial(importlib.import_module, name)
    yield _freeze


def _import_ahead(names: Sequence[str]) -> None:
    if import_ahead(names, _count_threads):
        _freeze()


def _freeze() -> None:
    """Keep the collector of garbage away from what all kernels share."""
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
    """Furnish the room, start the kernel in it, and watch over both."""
    user = random.SystemRandom().choice(_strangers()) if os.getuid() == 0 else None
    budget = Budget(**request["budget"])
    # Of the parent, by kind, in kilobytes; in here there may be no list of processes to read.
    parents = read_sizes(Path("/proc/self/status"))
    _furnish(request, budget, user)
    may_run, lets_run = os.pipe()
    kernel = os.fork()
    if kernel == 0:
        leash.close()
        for file in group.values():  # whoever has them could leave the group
            os.close(file)
        os.close(lets_run)
        _kernel(request, budget, parents, user, line, may_run, app)
    line.close()
    os.close(may_run)
    # However busy the kernel's processes are, who watches over them must have its turn.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    meter = _meter(kernel, budget, group, parents["RssAnon"] / 1024)
    os.close(lets_run)  # from now on it is counted
    if (waiting_time := open_waiting_time(kernel)) is not None:
        meter.waiting_time = waiting_time
        socket.send_fds(leash, [RUNS], [waiting_time])
    sessions = None if request["shares"] else Sessions()
    ended = watch(kernel, leash, budget, meter, sessions)
    _clear()
    leash.send(pack_end(ended, meter.used))
    os._exit(0)


def _meter(kernel: int, budget: Budget, group: dict[str, int], inherited: float) -> Meter:
    """Put the kernel into its group, whose counters then tell; else count."""
    try:
        for name, file in group.items():
            if name.startswith("processes"):
                os.write(file, str(kernel).encode())
    except OSError:
        group = {}
    if group:
        return GroupMeter(STUDENT_FOLDER, group)
    return CountingMeter(STUDENT_FOLDER, budget.memory_megabytes, inherited)


def _strangers() -> range:
    """Return the numbers of users whom nobody has met; a container may have few numbers at all."""
    ids = [list(map(int, line.split())) for line in USER_ID_MAP.read_text().splitlines()]
    end = max(first + count for first, _, count in ids)
    return STRANGERS if end >= STRANGERS.stop else range(end // 2, end)


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
    # One file system for all that can be written to: its size is that of all together.
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
    # What maps it has memory that nothing counts, once it is no longer in any process.
    nothing = Path("/rooms/nothing")
    nothing.touch(mode=0)
    namespaces.bind(str(nothing), "/dev/zero")
    nothing.unlink()
    namespaces.seal("/rooms")
    namespaces.mount_terminals("/dev/pts", TERMINALS)


def _show_tmp(prefixes: list[Path]) -> None:
    """Show an empty /tmp, except that Python stays visible if it is somewhere in there."""
    inside = {p: os.open(p, os.O_PATH) for p in prefixes if p.is_relative_to("/tmp")}
    _make_temporary("/tmp")
    for prefix, handle in inside.items():
        prefix.mkdir(parents=True, exist_ok=True)
        namespaces.bind(f"/proc/self/fd/{handle}", str(prefix))
        os.close(handle)


def _make_temporary(place: str) -> None:
    """Show a new folder that everybody may write to."""
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
        line.set_inheritable(False)  # no program that it starts keeps the line open
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
        tempfile.tempdir = None  # an import may have asked for the parent's
        _reseed()
        os.read(may_run, 1)
        os.close(may_run)
        app.serve(line, alone=True, **request["course"])
    except BaseException as error:
        with suppress(OSError):
            Line(line).send(DONE, 0, f"{type(error).__name__}: {error}".encode()[:900])
    os._exit(1)


def _reseed() -> None:
    """Give the random generators a state of their own, as in a new process."""
    random.seed()
    importlib.import_module("numpy").random.seed()
    if torch := sys.modules.get("torch"):
        torch.default_generator.seed()
