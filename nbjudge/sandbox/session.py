"""Where a student's code runs: a kernel, from its start to its end, and the line to it.

Whatever a kernel does to its client, the client raises one of the errors of this module, and no
other.
"""

from __future__ import annotations

import asyncio
import functools
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from queue import Empty
from typing import Any

import nbformat
import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.client import KernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_async, run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets import Type

from nbjudge.basics.json_bounds import count_values
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.server import HOME
from nbjudge.fork_server.usage import Budget, Usage
from nbjudge.kernel.wire import REPLY, REPORT, REQUEST
from nbjudge.sandbox import bubblewrap, workspace
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.outputs import MAX_VALUES, Intake, OutputBudget
from nbjudge.sandbox.warm_kernels import SANDBOX_ENDED, running_fork_server
from nbjudge.sandbox.workspace import Workspace

__all__ = ["KernelDied", "KernelHung", "KernelLost", "KernelStartError", "Ran", "Session"]

#: What Jupyter knows the kernel as.
NAME = "course-grading"
#: Bytes of one part of a message; above it the transport hangs up.
MAX_MESSAGE_BYTES = 256 * 2**20
MAX_PARTS = 100_000
#: Bytes of what is JSON in a reply, which takes many times as much when it is parsed.
MAX_TEXT_BYTES = 2**20
#: The parts of a message before its buffers: signature, header, parent, metadata, content.
TEXT_PARTS = 5
#: How many times what a notebook may show one cell may write before it is stopped.
FLOOD = 10
#: Seconds between two looks at whether a silent kernel still lives.
HEARTBEAT = 0.2
#: Seconds between two looks at whether a kernel has come to rest.
REST = 0.3
#: What a kernel reports of a cell: see `Ran`.
REPORTED = ("asked_to_end", "left", "running")
START_SECONDS = 60
#: The name of the error that nbclient reports for a cell that it stopped.
TIMEOUT = "CellTimeoutError"


class KernelLost(CourseError):
    """A kernel died, hung, or stopped to make sense; it cannot be used any more."""


class KernelDied(KernelLost):
    """A kernel's process ended, and nobody ended it from outside."""


class KernelHung(KernelLost):
    """A kernel lives, but does not answer."""


class KernelStartError(CourseError):
    """A kernel did not come up, which is nobody's mistake in a notebook."""


class _Specs(KernelSpecManager):
    """Knows one kernel: the one for grading. Nobody else's installation has a say."""

    def __init__(self, spec: KernelSpec) -> None:
        super().__init__()
        self._spec = spec

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return self._spec


def _spec(command: list[str], provisioner: str) -> KernelSpec:
    return KernelSpec(
        argv=command,
        name=NAME,
        display_name="Python for grading",
        language="python",
        metadata={"kernel_provisioner": {"provisioner_name": provisioner}},
    )


@dataclass(frozen=True)
class Ran:
    """How a cell ended, as far as a kernel can be believed.

    Parameters
    ----------
    stopped : str
        Why it was stopped, as the end of a sentence; empty if it was not.
    asked_to_end : bool
        Whether it asked the kernel to end, which no kernel does for that.
    left : bool
        Whether it started what still ran a while after it.
    running : bool
        Whether anything runs beside the cells, whoever started it.
    """

    stopped: str = ""
    asked_to_end: bool = False
    left: bool = False
    running: bool = False


class _Flood(Exception):
    """A kernel sent more output than is allowed."""


class _Channel(AsyncZMQSocketChannel):
    """A channel that measures what comes before it parses it, and lets others have their turn."""

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]
        while True:
            # A kernel may send faster than anybody reads: timeouts must have their turn too.
            await asyncio.sleep(0)
            if not await self.socket.poll(None if timeout is None else round(1000 * timeout)):
                raise Empty
            if (message := self.read(await self.socket.recv_multipart())) is not None:
                return message

    def read(self, parts: list[bytes]) -> dict[str, Any] | None:
        """Return the message, or None if nobody needs it."""
        return _parse(self.session, parts, MAX_TEXT_BYTES)


class _OutputChannel(_Channel):
    """The channel of a kernel's outputs, which are bounded together."""

    received = 0
    limit = MAX_TEXT_BYTES
    intake = Intake(0)
    on_flood: Callable[[], object] = staticmethod(lambda: None)

    def read(self, parts: list[bytes]) -> dict[str, Any] | None:
        size = sum(map(len, parts))
        self.received += size
        if self.received > self.limit:
            self.on_flood()
            raise _Flood
        _, rest = self.session.feed_identities(parts)
        texts: list[Any] = rest[:TEXT_PARTS]
        if sum(map(len, texts[:-1])) > MAX_TEXT_BYTES:
            raise ValueError("the message is too large")
        kind = json.loads(texts[1])["msg_type"]
        if not self.intake.admits(kind, size, texts[-1]):
            return None
        return _parse(self.session, parts, self.limit)


class _KernelClient(AsyncKernelClient):
    iopub_channel_class = Type(_OutputChannel)
    shell_channel_class = Type(_Channel)

    def start_channels(self, *channels: bool, **named: bool) -> None:
        """Open the channels, but for the heartbeat: the manager tells whether a kernel lives."""
        super().start_channels(*channels, **{**named, "hb": False})

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and its outputs arrive.

        Raises
        ------
        RuntimeError
            If it does neither in time.
        """
        end = time.monotonic() + (timeout or START_SECONDS)
        while time.monotonic() < end:
            number = self.kernel_info()
            try:
                while (await self.shell_channel.get_msg(1))["parent_header"]["msg_id"] != number:
                    pass
                await self.iopub_channel.get_msg(HEARTBEAT)
            except Empty:
                manager = self.parent
                if manager is None or not await ensure_async(manager.is_alive()):
                    raise RuntimeError("it ended before it answered") from None
            else:
                return
        raise RuntimeError("it did not answer")


class _Client(NotebookClient):
    """nbclient's own, without widgets, and with a note of how a cell ended."""

    seconds: float

    def __init__(self, limits: Limits, manager: AsyncKernelManager) -> None:
        super().__init__(
            nbformat.v4.new_notebook(),  # type: ignore[no-untyped-call]
            km=manager,
            timeout_func=lambda _: self.seconds,
            startup_timeout=limits.start_seconds,
            interrupt_on_timeout=True,
            allow_errors=True,
            raise_on_iopub_timeout=True,
            iopub_timeout=4,
            error_on_timeout={"ename": TIMEOUT, "evalue": "", "traceback": []},
            store_widget_state=False,
            on_cell_executed=self._note,
        )
        self.timed_out = False
        self.seconds = float(limits.cell_seconds)
        self.report: dict[str, Any] = {}

    def _note(self, execute_reply: dict[str, Any], **_: Any) -> None:
        self.timed_out = execute_reply["content"].get("ename") == TIMEOUT
        report = execute_reply.get("metadata", {}).get(REPORT)
        self.report = report if isinstance(report, dict) else {}

    def handle_comm_msg(self, outs: Any, msg: dict[str, Any], cell_index: int) -> None:
        """Do nothing: nobody is there to move a slider, and a kernel can send anything."""


class _Conversation:
    """What is asked of a kernel's service between two cells.

    The first request is a message of Jupyter's, the others are not: see
    `GradedKernel.judge_request`.
    """

    def __init__(self, client: KernelClient) -> None:
        self._session = client.session
        # nbclient waits for nothing now, so its sockets may be used without its event loop.
        self.shell: zmq.Socket[bytes] = zmq.Socket.shadow(client.shell_channel.socket)
        self.output: zmq.Socket[bytes] = zmq.Socket.shadow(client.iopub_channel.socket)
        self._asked = 0
        self._first = ""

    def ask(self, content: bytes) -> None:
        """Send a request."""
        self._asked += 1
        if self._asked > 1:
            self.shell.send_multipart([self._number, content])
        else:
            sent = self._session.send(self.shell, REQUEST, {}, buffers=[content])
            self._first = sent["header"]["msg_id"]

    def answer(self, parts: list[bytes]) -> bytes | memoryview | None:
        """Return what the reply to the last request holds, or None if this is no reply to it.

        Raises
        ------
        KernelLost
            If it is no message at all.
        """
        if self._asked > 1 and len(parts) == 2 and parts[0] == self._number:
            return parts[1]
        try:
            message = _parse(self._session, parts, MAX_TEXT_BYTES)
            is_reply = message["msg_type"] == REPLY
            is_reply &= message["parent_header"]["msg_id"] == self._first
            return message["buffers"][0] if is_reply and self._asked == 1 else None
        # What is no message raises whatever its parsing raises.
        except Exception as error:
            raise _unreadable(error) from error

    @property
    def _number(self) -> bytes:
        return self._asked.to_bytes(8, "big")

    def end(self) -> None:
        """Say that no more requests follow, so that the kernel turns to its cells again."""
        self.shell.send_multipart([b"", b""])


@functools.cache
def _context(process: int) -> zmq.asyncio.Context:
    """Return the sockets' context of a process; a forked one cannot use its parent's."""
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
    return context


class Session:
    """A kernel from its start to its end, in a folder of its own.

    Parameters
    ----------
    limits : Limits
    files : mapping of str to bytes, optional
        The files beside the notebook, by their path there.
    plug : Plug
        What can be imported in it.
    own : collection of str
        Which of the files are the course's: these can be imported, too.

    Raises
    ------
    KernelStartError
        If it does not come up, or if `limits` want a sandbox and there is none.
    """

    _conversation: _Conversation | None = None

    def __init__(
        self,
        limits: Limits,
        files: Mapping[str, bytes] | None = None,
        plug: Plug | None = None,
        *,
        own: Collection[str] = (),
    ) -> None:
        if limits.require_sandbox and (problem := bubblewrap.problem()):
            raise KernelStartError(f"There is no sandbox to grade in: {problem}")
        self._limits = limits
        self._plug = plug or Plug()
        self._own = own
        self._manager = AsyncKernelManager(
            kernel_name=NAME, context=_context(os.getpid()), client_factory=_KernelClient
        )
        self._client = _Client(limits, self._manager)
        self._place: Workspace | None = None
        try:
            prepare = self._cold if bubblewrap.problem() else self._warm
            start = prepare(files or {})
            self._client.start_new_kernel(**start)
            self._client.start_new_kernel_client()
            self._output().on_flood = self._interrupt
        except Exception as error:
            self.close()
            message = f"A kernel for grading did not start: {type(error).__name__}: {error}"
            raise KernelStartError(message) from error

    def _warm(self, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Prepare a kernel that the warm parent forks."""
        fork_server = running_fork_server(self._plug)
        self._place = place = Workspace(files, within=fork_server.rooms)
        self._manager.kernel_spec_manager = _Specs(_spec([], "nbjudge-warm"))
        self._talk_by_files(place)
        environment = {
            **workspace.environment(self._plug, HOME, data="/data", offline=True, own=self._own),
            "TMPDIR": "/tmp",
        }
        limits = self._limits
        request = {
            "room": place.root.name,
            "environment": environment,
            "prefixes": [str(prefix) for prefix in bubblewrap.prefixes()],
            "budget": asdict(
                Budget(
                    memory_megabytes=limits.memory_megabytes,
                    disk_megabytes=limits.disk_megabytes,
                    cpu_seconds=limits.cpu_seconds,
                    wall_seconds=limits.notebook_seconds,
                    processes=limits.processes,
                    open_files=limits.open_files,
                )
            ),
        }
        return {
            "cwd": str(place.cwd),
            "env": {},
            "request": request,
            "fork_server": fork_server,
        }

    def _cold(self, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Prepare a kernel in a process of its own, which nothing confines."""
        self._place = place = Workspace(files)
        place.copy_fonts()
        library = place.root / "library"
        library.mkdir()
        data = place.root / "data"
        data.mkdir()
        workspace.stage_library(self._plug, library)
        workspace.copy_data(self._plug, data)
        command = [sys.executable, "-I", "-S", str(library / "start.py"), "kernel"]
        self._manager.kernel_spec_manager = _Specs(
            _spec([*command, "-f", "{connection_file}"], "local-provisioner")
        )
        if sys.platform != "win32":
            self._talk_by_files(place)
        return {
            "cwd": str(place.cwd),
            "env": workspace.environment(
                self._plug, str(place.home), data=str(data), own=self._own
            ),
        }

    def _talk_by_files(self, place: Workspace) -> None:
        self._manager.transport = "ipc"
        self._manager.ip = str(place.line / "k")
        self._manager.connection_file = str(place.root / "connection.json")
        self._manager.cache_ports = False

    @property
    def used(self) -> Usage | None:
        """What the kernel used in all, once it has ended; None if nothing watched over it."""
        used: Usage | None = getattr(self._manager.provisioner, "used", None)
        return used

    def is_alive(self) -> bool:
        """Say whether the kernel's process still runs."""
        return bool(run_sync(self._manager.is_alive)())

    def probe(self) -> Ran:
        """Run a cell that does nothing: who has not ended by then what it left lives on."""
        cell = nbformat.v4.new_code_cell("pass")  # type: ignore[no-untyped-call]
        return self.run(cell, budget=OutputBudget(0), store_history=False)

    def rest(self, seconds: float) -> None:
        """Wait until nothing runs beside the cells any more, or for a while.

        Raises
        ------
        KernelDied
            If the kernel ends meanwhile.
        """
        running = self.probe().running  # which has waited for what is new
        end = time.monotonic() + seconds
        while running and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, REST))
            running = self.probe().running

    def has_lost_its_sandbox(self) -> bool:
        """Say whether the kernel ended with all around it, which is no doing of the student's."""
        is_alive = self.is_alive()  # which hears how it ended
        return not is_alive and getattr(self._manager.provisioner, "ended", "") == SANDBOX_ENDED

    def run(
        self,
        cell: NotebookNode,
        *,
        seconds: float | None = None,
        budget: OutputBudget | None = None,
        store_history: bool = True,
    ) -> Ran:
        """Run a code cell of the student's; its outputs become those of the cell.

        Parameters
        ----------
        cell : NotebookNode
        seconds : float, optional
            How long it may run, if that is less than any cell may.
        budget : OutputBudget, optional
            What the notebook may still show; by default, all that any may.
        store_history : bool
            Whether it counts as a cell, and is remembered as one.

        Raises
        ------
        KernelDied
            If its process ended.
        KernelLost
            If there is no kernel to talk to afterwards. The cell has what came until then.
        """
        client = self._client
        if self._conversation is not None:
            self._conversation.end()
            self._conversation = None
        client.timed_out, client.report = False, {}
        client.seconds = min(math.inf if seconds is None else seconds, self._limits.cell_seconds)
        budget = budget or OutputBudget(self._limits.output_bytes)
        output = self._output()
        output.received, output.limit = 0, FLOOD * self._limits.output_bytes
        output.intake = Intake(budget.bytes)
        client.nb.cells = [cell]
        client.reset_execution_trackers()
        source = cell.source
        try:
            client.execute_cell(cell, 0, store_history=store_history)
        except _Flood:
            raise self._flooded(output.limit) from None
        except DeadKernelError:
            raise self._died() from None
        except CellTimeoutError:
            if not self.is_alive():
                raise self._died() from None
            message = f"it ran longer than {client.seconds:.0f} s, and could not be stopped"
            raise KernelHung(message) from None
        # Only a kernel that sends what is no message of Jupyter's gets here.
        except Exception as error:
            raise _unreadable(error) from error
        finally:
            cell.source = source
            # Of a cell that is stopped for what it wrote, that is told.
            is_flood = output.received > output.limit
            budget.keep(cell, is_cut=output.intake.is_cut and not is_flood)
        report = {name: client.report.get(name) is True for name in REPORTED}
        stopped = f"it ran longer than {client.seconds:.0f} s" if client.timed_out else ""
        return Ran(stopped, **report)

    def _output(self) -> _OutputChannel:
        client = self._client.kc
        assert client is not None
        channel: _OutputChannel = client.iopub_channel
        return channel

    def _interrupt(self) -> None:
        self._interruption = asyncio.ensure_future(ensure_async(self._manager.interrupt_kernel()))

    def _died(self) -> KernelDied:
        """Return how the kernel ended, as far as anybody knows."""
        ended: str = getattr(self._manager.provisioner, "ended", "")
        return KernelDied(ended if ended.startswith("it ") else "the kernel died")

    def _flooded(self, most: int) -> KernelLost:
        return KernelLost(f"it wrote more than {most / 2**20:g} MB")

    def request(self, content: bytes, seconds: float) -> bytes | memoryview:
        """Send a request to the kernel's service, and return its reply.

        Raises
        ------
        KernelLost
            If none comes in time: it has died, hangs, or sends what is no reply.
        """
        if self._conversation is None:
            assert self._client.kc is not None
            self._conversation = _Conversation(self._client.kc)
        line = self._conversation
        poller = zmq.Poller()
        poller.register(line.shell, zmq.POLLIN)
        poller.register(line.output, zmq.POLLIN)
        line.ask(content)
        deadline, written = time.monotonic() + seconds, 0
        while (left := deadline - time.monotonic()) > 0:
            ready = dict(poller.poll(round(1000 * min(left, HEARTBEAT))))
            if line.output in ready:
                # What the answer prints meanwhile is nobody's output; unread, it fills the line.
                written += sum(map(len, _receive(line.output)))
                if written > self._limits.output_bytes:
                    raise self._flooded(self._limits.output_bytes)
            if line.shell in ready and (found := line.answer(_receive(line.shell))) is not None:
                return found
            if not ready and not self.is_alive():
                raise self._died()
        raise KernelHung(f"no result came within {seconds:.0f} s")

    def close(self) -> None:
        """End the kernel and what it started in its process group."""
        group = getattr(self._manager.provisioner, "pgid", None)
        with suppress(Exception):
            run_sync(self._stop)()
        if group and sys.platform != "win32":
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)
        if self._place is not None:
            self._place.remove()

    async def _stop(self) -> None:
        if self._client.kc is not None:
            self._client.kc.stop_channels()
        await self._manager.shutdown_kernel(now=True)


def _receive(socket: zmq.Socket[bytes]) -> list[bytes]:
    """Return the parts of a message, of which a kernel can send as many as it likes.

    Raises
    ------
    KernelLost
        If they are too many, or too large.
    """
    parts, size = [socket.recv()], 0
    while socket.getsockopt(zmq.RCVMORE):
        part = socket.recv()
        size += len(part)
        if size <= MAX_MESSAGE_BYTES and len(parts) < MAX_PARTS:
            parts.append(part)
    if size > MAX_MESSAGE_BYTES or len(parts) == MAX_PARTS:
        raise KernelLost("what it sent is too much")
    return parts


def _parse(session: Any, parts: list[bytes], most: int) -> dict[str, Any]:
    """Return a message whose text has at most so many bytes; raise anything if it is none."""
    _, parts = session.feed_identities(parts)
    texts = parts[:TEXT_PARTS]
    if sum(map(len, texts)) > most or sum(map(count_values, texts)) > MAX_VALUES:
        raise ValueError("the message is too large")
    message: dict[str, Any] = session.deserialize(parts)
    return message


def _unreadable(error: Exception) -> KernelLost:
    return KernelLost(f"the kernel sent what nobody can read ({type(error).__name__})")
