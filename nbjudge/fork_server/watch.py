"""Watch over a kernel from the first process of its namespace, until it ends or exceeds a limit."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress

from nbjudge.fork_server.meter import Meter
from nbjudge.fork_server.sessions import Sessions
from nbjudge.fork_server.usage import Budget

__all__ = ["INTERRUPT", "KILL_REQUEST", "RUNS", "watch"]

#: The message to the grader that comes with the file of the kernel's waiting time.
RUNS = b"runs"
#: The grader's messages.
INTERRUPT, KILL_REQUEST = b"interrupt", b"kill"
#: Seconds between two measurements: the least, and the most.
SHORTEST_LOOK, LONGEST_GAP = 0.02, 0.5
#: Megabytes that processes can allocate in a second. The less memory is left, the sooner the next
#: measurement follows.
PACE = 2000
#: The fraction of the time that measurements may take.
LOOK_SHARE = 0.1


def watch(
    kernel: int,
    leash: socket.socket,
    budget: Budget,
    meter: Meter,
    sessions: Sessions | None = None,
) -> str:
    """Obey the leash until the kernel ends or exceeds its budget; return how it ended.

    Parameters
    ----------
    kernel : int
        The process id of the kernel, a child of this process.
    leash : socket.socket
        The socket to the grader.
    budget : Budget
    meter : Meter
    sessions : Sessions, optional
        Needed if the system divides processor time between sessions, not between kernels.
    """
    woken = _wake_at_ends()
    next_look = 0.0
    while True:
        pause = max(0.0, next_look - time.monotonic())
        ready, _, _ = select.select([leash.fileno(), woken], [], [], pause)
        if leash.fileno() in ready:
            command = leash.recv(100)
            if command == INTERRUPT:
                with suppress(ProcessLookupError):
                    os.kill(kernel, signal.SIGINT)
            elif command in (KILL_REQUEST, b""):
                meter.last_look()
                return "killed"
        if woken in ready:
            os.read(woken, 1000)
            if (status := _reap(kernel)) is not None:
                return _cause(status, budget, meter)
        if (now := time.monotonic()) >= next_look:
            used = meter.look()
            if meter.is_out_of_memory() or budget.overdrawn(used):
                return _overdrawn(budget, meter)
            if sessions is not None:
                sessions.calm()
            left = budget.memory_megabytes - used.memory_megabytes
            next_look = now + min(
                max((time.monotonic() - now) / LOOK_SHARE, left / PACE, SHORTEST_LOOK), LONGEST_GAP
            )


def _wake_at_ends() -> int:
    """Return a file descriptor that becomes readable when a child or an orphan ends."""
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    os.write(wakes, b"1")  # for children that have ended before
    return woken


def _reap(kernel: int) -> int | None:
    """Reap all children that have ended; return the kernel's exit status if it is one of them."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == kernel:
                return ended[1]
    return None


def _overdrawn(budget: Budget, meter: Meter) -> str:
    used = meter.last_look()
    if meter.is_out_of_memory():
        return budget.too_much_memory(used.memory_megabytes)
    return budget.overdrawn(used)


def _cause(status: int, budget: Budget, meter: Meter) -> str:
    if why := _overdrawn(budget, meter):
        return why
    used = meter.used
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return budget.too_much_computing(used.cpu_seconds)
    return f"ended with status {os.waitstatus_to_exitcode(status)}"
