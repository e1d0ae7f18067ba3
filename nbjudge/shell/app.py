"""The kernel in which a submission is graded: IPython's own, at the end of a line.

All that needs no submission is made by `prepare`, before a fork server forks kernels; what is of
one process alone is made by `GradedKernelApp.serve`.
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
#: The number of a cell while none runs.
NO_CELL = "nobody"


class _Over(BaseException):
    """The judge asks no more, although something that it has called calls back."""


class _MainThread:
    """Stands for the thread of the shell's channel: there is no channel, and all is in one."""

    def __init__(self) -> None:
        self.parent_thread = threading.main_thread()

    def __bool__(self) -> bool:
        return False


class _LineSession(Session):
    """Sends what ipykernel sends: what a notebook keeps goes to the line, and all else nowhere."""

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
        """Send a message, which may be a whole one, or one's type and content."""
        message: dict[str, Any] = msg_or_type
        if isinstance(msg_or_type, str):
            message = self.msg(msg_or_type, content, parent)
        kind = KINDS.get(message["msg_type"])
        if self.line is not None and kind is not None:
            self.line.send(kind, number_of(message["parent_header"]), self.pack(message["content"]))
        return message


class GradedKernel(IPythonKernel):
    """IPython's kernel, which also answers requests about the objects of the notebook.

    Requests come by the same line as cells, in turn with them. From the first one to the next cell
    nothing else runs: no task of an answer's has its turn while it is tested.

    Nothing in it ends it but a signal or the end of its process: who asks it to end, by `exit()`
    say, is noted. It waits a while for what a cell leaves behind before the cell counts as run, so
    that a process which a cell ends by a timer or a thread ends while the cell still runs.
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
        #: Which request is being answered, and the cell that has come instead of a next one.
        self._number = 0
        self._next: tuple[int, memoryview] | None = None
        self.shell.observe(self._note_exit, "exit_now")

    @property
    def _supports_kernel_subshells(self) -> bool:
        return False

    def note_end(self, *, by_anyone: bool = False) -> None:
        """Note that the cell that runs asks the kernel to end, if it is that cell that asks."""
        self._was_asked_to_end |= by_anyone or self._parent_number() == self._cell

    def _note_exit(self, change: Any) -> None:
        if change.new:
            self.note_end()

    def _parent_number(self) -> str:
        """Return the number of the message whose cell started what runs now."""
        parent: dict[str, Any] = self.get_parent("shell")  # type: ignore[no-untyped-call]
        number: str = parent.get("header", {}).get("msg_id", "")
        return number

    def attend(self, line: Line, loop: Loop, *, probes: str, alone: bool) -> None:
        """Serve a line from now on, whenever the event loop runs."""
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
        """Take what has come: answer requests until there is a cell to run."""
        kind, number, content = self.line.receive()
        if kind == ASK:
            number, content = self._answer(number, content)
        self._running = self._loop.create_task(self._run(number, content))

    def _answer(self, number: int, content: memoryview) -> tuple[int, memoryview]:
        """Answer requests, and return the cell that follows the last one."""
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
        """Send the reply to a request that another one precedes, and return that."""
        if self._next is None:
            self.line.send(REPLY, self._number, reply)
            kind, number, content = self.line.receive()
            if kind == ASK:
                self._number = number
                return content
            self._next = number, content
        raise _Over

    async def _run(self, number: int, content: memoryview) -> None:
        """Run a cell, wait for what it leaves behind, and say how it was left."""
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
        except KeyboardInterrupt:  # which came too late for the cell
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
    """What starts a `GradedKernel`.

    It is the same wherever it runs: no file of this machine or of its user has a say.
    """

    kernel_class = Type(GradedKernel)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self.update_config(SHELL_SETTINGS)

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Do nothing: see the class."""

    def init_kernel(self) -> None:
        """Make the kernel and its shell, without any channel."""
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
        """Serve a grader until it lets go of the line; who stops the event loop is not obeyed.

        Parameters
        ----------
        end : socket.socket
            This end of the line.
        packages : sequence of str
            Packages that no file of the notebook's can stand in for.
        probes : str
            Module of the course whose functions a test can have called here.
        alone : bool
            Whether all processes that the kernel sees, but the first, were started by it.
        """
        line, kernel = Line(end), self.kernel
        own = json.loads(os.environ.pop(OWN_MODULES, "[]"))
        WrittenModules(Path.cwd(), packages, own).install()
        self._settle_in()
        loop = Loop(lambda: kernel.note_end())
        asyncio.set_event_loop(loop)
        self.io_loop = kernel.io_loop = IOLoop.current()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # but while a cell runs
        if sys.platform != "win32":
            # The loop listens to all signals when it is to handle one; nobody sends this one. So
            # they wake the loop, or a cell that waits would not hear an interrupt.
            loop.add_signal_handler(signal.SIGWINCH, lambda: None)
        kernel.attend(line, loop, probes=probes, alone=alone)
        line.send(DONE, 0, b"")
        while True:
            try:
                loop.run_forever()
            except (SystemExit, KeyboardInterrupt):  # of a callback, which the loop passes on
                kernel.note_end(by_anyone=True)

    def _settle_in(self) -> None:
        """Tell the shell what is of this process, and may be of no other that it was made in."""
        shell = self.kernel.shell
        shell.init_environment()
        shell.starting_dir = str(Path.cwd())
        shell.history_manager.dir_hist[:] = [Path.cwd()]


def prepare() -> GradedKernelApp:
    """Make a kernel with its shell, which has neither threads nor an event loop yet."""
    sys.argv = [""]
    # Python itself was started without its module `site`, which would look in more places.
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
    app.log.disabled = True  # where it would write to is a file of the notebook's
    if "matplotlib" in sys.modules:  # imported without a shell to show its figures in
        from IPython.core.pylabtools import activate_matplotlib
        from matplotlib_inline.backend_inline import configure_inline_support

        backend = os.environ["MPLBACKEND"]
        activate_matplotlib(backend)  # type: ignore[no-untyped-call]
        configure_inline_support(app.shell, backend)  # type: ignore[no-untyped-call]
    _rehearse(app.shell)
    return app


def _rehearse(shell: Any) -> None:
    """Run a cell that fails, and forget it: what that loads and looks up, all kernels have then."""
    shell.run_cell("def rehearsed(x):\n    return x / 0\nrehearsed(1)", silent=True)
    del shell.user_ns["rehearsed"]
    shell.last_execution_result = None
    for name in ("last_type", "last_value", "last_traceback"):
        delattr(sys, name)


def main(arguments: Sequence[str], *, packages: Sequence[str], probes: str) -> None:
    """Serve a line in a process that was started for it.

    Parameters
    ----------
    arguments : sequence of str
        The file descriptor of this end of the line; none where a process cannot inherit one. Then
        the standard input says how to get it.
    packages, probes
        See `GradedKernelApp.serve`.
    """
    if arguments:
        end = socket.socket(fileno=int(arguments[0]))
    else:
        end = socket.fromshare(sys.stdin.buffer.read())  # type: ignore[attr-defined,unused-ignore]
    prepare().serve(end, packages=packages, probes=probes, alone=False)
