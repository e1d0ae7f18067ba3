"""The kernel that runs a submission: IPython's own, served over a socket instead of ZeroMQ.

`prepare` creates everything that does not depend on a submission, before a fork server forks
kernels; `GradedKernelApp.serve` creates what belongs to a single process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import site
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.session import Session
from tornado.ioloop import IOLoop
from traitlets import Type
from traitlets.config import Config

from nbjudge.kernel.notebook_imports import OWN_MODULES, WrittenModules
from nbjudge.kernel.service import Service
from nbjudge.shell.interactive import GradedShell
from nbjudge.shell.leftovers import Leftovers, Loop
from nbjudge.shell.line import ASK, ASKED_TO_END, DONE, KINDS, LEFT, REPLY, RUNNING, Line
from nbjudge.shell.streams import Streams, number_of

__all__ = ["GradedKernel", "GradedKernelApp", "main", "prepare"]

SHELL_SETTINGS = Config(
    {
        "HistoryManager": {"hist_file": ":memory:"},
        "InteractiveShellApp": {"ignore_cwd": True},
        "IPKernelApp": {"log_level": "ERROR"},
    }
)
#: The number of the running cell if none runs.
NO_CELL = "nobody"


class _Over(BaseException):
    """Unwinds a request that waits for the result of a call-back: the judge has moved on."""


class _MainThread:
    """Stands in for ipykernel's shell channel thread; everything runs in the main thread."""

    def __init__(self) -> None:
        self.parent_thread = threading.main_thread()

    def __bool__(self) -> bool:
        return False


class _LineSession(Session):
    """Sends ipykernel's messages over the line if a notebook keeps them, and drops the others."""

    line: Line | None = None

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        *_: Any,
        **__: Any,
    ) -> dict[str, Any]:
        """Send a message, given as a whole or as type and content."""
        message: dict[str, Any] = msg_or_type
        if isinstance(msg_or_type, str):
            message = self.msg(msg_or_type, content, parent)
        kind = KINDS.get(message["msg_type"])
        if self.line is not None and kind is not None:
            self.line.send(kind, number_of(message["parent_header"]), self.pack(message["content"]))
        return message


class GradedKernel(IPythonKernel):
    """IPython's kernel, which also answers requests about the objects of the notebook.

    Cells and requests arrive over the same line, one after the other. From the first request to the
    next cell the event loop does not run, so no task of an answer runs while it is tested.

    Code cannot end the kernel by asking, for example with `exit()`; the request is only recorded.
    After a cell the kernel waits for what the cell left behind, so that if a timer or thread ends
    the process, the cell still counts as running.
    """

    line: Line
    streams: Streams
    leftovers: Leftovers
    shell_class = Type(GradedShell)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        assert self.shell is not None
        self._service: Service
        self._cell = NO_CELL
        self._was_asked_to_end = False
        #: The number of the request that is being answered, and a cell that arrived instead of the
        #: next request.
        self._number = 0
        self._next: tuple[int, memoryview] | None = None
        self.shell.observe(self._note_exit, "exit_now")

    @property
    def _supports_kernel_subshells(self) -> bool:
        return False

    def note_end(self, *, by_anyone: bool = False) -> None:
        """Record that code asks the kernel to end: the running cell's or, if `by_anyone`, any."""
        self._was_asked_to_end |= by_anyone or self._parent_number() == self._cell

    def _note_exit(self, change: Any) -> None:
        if change.new:
            self.note_end()

    def _parent_number(self) -> str:
        """Return the number of the cell that started the code that runs now."""
        parent: dict[str, Any] = self.get_parent("shell")  # type: ignore[no-untyped-call]
        number: str = parent.get("header", {}).get("msg_id", "")
        return number

    def attend(self, line: Line, loop: Loop, *, probes: str, alone: bool) -> None:
        """Begin to serve a line, whenever the event loop runs."""
        assert self.shell is not None
        assert isinstance(self.session, _LineSession)
        self.line = self.session.line = line
        self.streams = Streams(self._show, line)
        self._service = Service(self.shell.user_ns, probes=probes, folder=Path.cwd())
        self._service.converse = self._converse
        self.leftovers = Leftovers(loop, alone=alone)
        self._loop = loop
        loop.add_reader(line, self._hear)

    def _show(self, name: str, text: str, number: int) -> None:
        assert self.session is not None
        self.line.send(KINDS["stream"], number, self.session.pack({"name": name, "text": text}))

    def _hear(self) -> None:
        """Receive a frame; answer requests until a cell arrives, and start that cell."""
        kind, number, content = self.line.receive()
        if kind == ASK:
            number, content = self._answer(number, content)
        self._running = self._loop.create_task(self._run(number, content))

    def _answer(self, number: int, content: memoryview) -> tuple[int, memoryview]:
        """Answer requests until a cell arrives, and return that cell."""
        self.pre_handler_hook()  # type: ignore[no-untyped-call]
        kind = ASK
        while kind == ASK:
            self._number = number
            reply = self._service.answer(content)
            if self._next is not None:
                (number, content), self._next = self._next, None
                break
            self.line.send(REPLY, self._number, reply)
            kind, number, content = self.line.receive()
        self._service.end()
        self.post_handler_hook()  # type: ignore[no-untyped-call]
        return number, content

    def _converse(self, reply: bytes) -> memoryview:
        """Send a reply in the middle of a request, and return the request that follows it."""
        if self._next is None:
            self.line.send(REPLY, self._number, reply)
            kind, number, content = self.line.receive()
            if kind == ASK:
                self._number = number
                return content
            self._next = number, content
        raise _Over

    async def _run(self, number: int, content: memoryview) -> None:
        """Run a cell, wait for what it leaves behind, and report how it ended."""
        assert self.shell is not None
        cell = json.loads(bytes(content))
        self._cell = str(number)
        self.set_parent(  # type: ignore[no-untyped-call]
            [],
            {
                "header": {"msg_id": self._cell, "msg_type": "execute_request"},
                "parent_header": {},
                "metadata": {},
                "content": cell,
            },
        )
        self._was_asked_to_end = self.shell.exit_now = has_left = False
        self.shell.is_brief = cell.get("is_brief", False)
        self.pre_handler_hook()  # type: ignore[no-untyped-call]
        try:
            await self.do_execute(cell["code"], False, cell["store_history"])  # type: ignore[no-untyped-call]
            has_left = await self.leftovers.settle()
        except KeyboardInterrupt:  # it arrived too late for the cell
            pass
        finally:
            self.post_handler_hook()  # type: ignore[no-untyped-call]
            self._cell = NO_CELL
            self.streams.flush()
            left = (
                ASKED_TO_END * self._was_asked_to_end
                | LEFT * has_left
                | RUNNING * self.leftovers.any()
            )
            self.line.send(DONE, number, bytes([left]))


class GradedKernelApp(IPKernelApp):
    """The application that starts a `GradedKernel`.

    It reads no configuration files, so that it behaves the same on every machine.
    """

    kernel_class = Type(GradedKernel)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self.update_config(SHELL_SETTINGS)

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Do nothing, so that no configuration file has an effect."""

    def init_kernel(self) -> None:
        """Create the kernel and its shell, without any channel."""
        self.session = _LineSession(parent=self, key=b"none is signed")
        self.kernel = self.kernel_class.instance(
            parent=self,
            session=self.session,
            shell_channel_thread=_MainThread(),
            log=self.log,
            profile_dir=self.profile_dir,
        )

    def serve(
        self, end: socket.socket, *, packages: Sequence[str], probes: str, alone: bool
    ) -> NoReturn:
        """Serve a grader until it closes the line, even if code stops the event loop.

        Parameters
        ----------
        end : socket.socket
            This end of the line.
        packages : sequence of str
            Packages that no file written by the notebook can replace.
        probes : str
            The course's module whose functions a test can call here.
        alone : bool
            Whether all processes visible here, except process 1, were started by this kernel.
        """
        line, kernel = Line(end), self.kernel
        own = json.loads(os.environ.pop(OWN_MODULES, "[]"))
        WrittenModules(Path.cwd(), packages, own).install()
        self._settle_in()
        loop = Loop(lambda: kernel.note_end())
        asyncio.set_event_loop(loop)
        self.io_loop = kernel.io_loop = IOLoop.current()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # ipykernel enables it while a cell runs
        if sys.platform != "win32":
            # Adding any handler makes asyncio set a wake-up descriptor, by which every signal wakes
            # the loop: a waiting cell would not notice an interrupt otherwise. Nobody sends this
            # signal itself.
            loop.add_signal_handler(signal.SIGWINCH, lambda: None)
        kernel.attend(line, loop, probes=probes, alone=alone)
        line.send(DONE, 0, b"")
        while True:
            try:
                loop.run_forever()
            except (SystemExit, KeyboardInterrupt):  # raised by a callback
                kernel.note_end(by_anyone=True)

    def _settle_in(self) -> None:
        """Update what the shell recorded about the process in which it was created."""
        shell = self.kernel.shell
        shell.init_environment()
        shell.starting_dir = str(Path.cwd())
        shell.history_manager.dir_hist[:] = [Path.cwd()]


def prepare() -> GradedKernelApp:
    """Create a kernel with its shell, still without threads and event loop, to be forked."""
    sys.argv = [""]
    # Python was started without the module `site`, which would add folders to `sys.path`.
    site.sethelper()
    site.setcopyright()
    app: GradedKernelApp = GradedKernelApp.instance()
    app.init_profile_dir()  # type: ignore[no-untyped-call]
    app.init_pdb()  # type: ignore[no-untyped-call]
    app.configure_tornado_logger()  # type: ignore[no-untyped-call]
    app.patch_io()  # type: ignore[no-untyped-call]
    app.init_kernel()
    app.init_shell()  # type: ignore[no-untyped-call]
    app.init_gui_pylab()  # type: ignore[no-untyped-call]
    app.init_extensions()  # type: ignore[no-untyped-call]
    app.init_code()  # type: ignore[no-untyped-call]
    app.log.disabled = True  # stderr, where it would write, belongs to the notebook
    if "matplotlib" in sys.modules:  # imported before there was a shell to show figures in
        from IPython.core.pylabtools import activate_matplotlib
        from matplotlib_inline.backend_inline import configure_inline_support

        backend = os.environ["MPLBACKEND"]
        activate_matplotlib(backend)  # type: ignore[no-untyped-call]
        configure_inline_support(app.shell, backend)  # type: ignore[no-untyped-call]
    _rehearse(app.shell)
    return app


def _rehearse(shell: Any) -> None:
    """Run a cell that fails, and forget it, so that all kernels have loaded what this needs."""
    shell.run_cell("def rehearsed(x):\n    return x / 0\nrehearsed(1)", silent=True)
    del shell.user_ns["rehearsed"]
    shell.last_execution_result = None
    for name in ("last_type", "last_value", "last_traceback"):
        delattr(sys, name)


def main(arguments: Sequence[str], *, packages: Sequence[str], probes: str) -> None:
    """Serve a line in a process that was started for it, without a fork server.

    Parameters
    ----------
    arguments : sequence of str
        The file descriptor of this end of the line; empty on Windows, where it is shared through
        the standard input.
    packages, probes
        See `GradedKernelApp.serve`.
    """
    if arguments:
        end = socket.socket(fileno=int(arguments[0]))
    else:
        end = socket.fromshare(sys.stdin.buffer.read())  # type: ignore[attr-defined,unused-ignore]
    prepare().serve(end, packages=packages, probes=probes, alone=False)
