"""The kernel in which a submission is graded: IPython's own, and one more message type."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import site
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zmq
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import Bool, List, Type, Unicode
from traitlets.config import Config

from nbjudge.kernel.leftovers import Leftovers, Loop
from nbjudge.kernel.notebook_imports import OWN_MODULES, WrittenModules
from nbjudge.kernel.service import Service
from nbjudge.kernel.wire import REPLY, REPORT, REQUEST

__all__ = ["GradedKernel", "GradedKernelApp", "main"]

SETTINGS = Config(
    {
        "HistoryManager": {"hist_file": ":memory:"},
        "InteractiveShellApp": {"ignore_cwd": True},
        "IPKernelApp": {"log_level": "ERROR"},
    }
)


#: The number of no message.
NOBODY = "nobody"


class _Over(BaseException):
    """The judge asks no more, although something that it has called calls back."""


class _NoThread:
    """Stands for the thread of the shell's channel, which is not there: see `GradedKernelApp`."""

    def __init__(self) -> None:
        self.parent_thread = threading.current_thread()

    def __bool__(self) -> bool:
        return False


class GradedKernel(IPythonKernel):
    """IPython's kernel, which also answers requests about the objects of the notebook.

    Requests come on the shell channel, in turn with the cells. The first one and its reply are the
    binary buffers of Jupyter's messages. Those after it come without a message around them, until
    an empty one says that there are no more: a message costs ten times what it asks for.

    Nothing in it ends it but a signal or the end of its process: who asks it to end, by `exit()`
    say, is noted. It waits a while for what a cell leaves behind before the cell counts as run, so
    that a process which a cell ends by a timer or a thread ends while the cell still runs.
    """

    msg_types = [*IPythonKernel.msg_types, REQUEST]  # noqa: RUF012 (a list in the base class)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        assert self.shell is not None
        probes = getattr(self.parent, "probes", "")
        self._service = Service(self.shell.user_ns, probes=probes, folder=Path.cwd())
        self.leftovers: Leftovers
        self._cell = NOBODY
        self._was_asked_to_end = self._has_left = False
        self.shell.observe(self._note_exit, "exit_now")

    @property
    def _supports_kernel_subshells(self) -> bool:
        return False

    def note_end(self, *, by_anyone: bool = False) -> None:
        """Note that the cell that runs asks the kernel to end, if it is that cell that asks."""
        self._was_asked_to_end |= by_anyone or self._asking() == self._cell

    def _note_exit(self, change: Any) -> None:
        if change.new:
            self.note_end()

    def _asking(self) -> str:
        """Return the number of the message whose cell started what runs now."""
        parent: dict[str, Any] = self.get_parent("shell")  # type: ignore[no-untyped-call]
        number: str = parent.get("header", {}).get("msg_id", "")
        return number

    async def do_execute(self, *arguments: Any, **keywords: Any) -> dict[str, Any]:
        """Run a cell, and wait for what it leaves behind."""
        assert self.shell is not None
        self._cell = self._asking()
        self._was_asked_to_end = False
        reply: dict[str, Any] = await super().do_execute(*arguments, **keywords)  # type: ignore[no-untyped-call]
        self._has_left = await self.leftovers.settle()
        self.shell.exit_now = False
        self._cell = NOBODY
        return reply

    def finish_metadata(
        self, parent: dict[str, Any], metadata: dict[str, Any], reply_content: dict[str, Any]
    ) -> dict[str, Any]:
        """Add how the cell was left."""
        finished: dict[str, Any] = super().finish_metadata(parent, metadata, reply_content)  # type: ignore[no-untyped-call]
        finished[REPORT] = {
            "asked_to_end": self._was_asked_to_end,
            "left": self._has_left,
            "running": self.leftovers.any(),
        }
        return finished

    def judge_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Answer the judge's requests, from this one to the empty one."""
        assert self.session is not None
        socket = stream.socket
        reply = self._service.answer(parent["buffers"][0])
        self.session.send(socket, REPLY, {}, parent, ident=ident, buffers=[reply])
        sender, number, is_over = ident[0], b"", False

        def heard() -> bytes:
            nonlocal number, is_over
            while True:
                frm, *parts = socket.recv_multipart()
                if frm == sender and len(parts) == 2:  # the student's code can send here too
                    number, request = parts
                    is_over = not request
                    return bytes(request)

        def converse(reply: bytes) -> bytes:
            if is_over:
                raise _Over
            socket.send_multipart([sender, number, reply])
            if request := heard():
                return request
            raise _Over

        self._service.converse = converse
        request = heard()
        while not is_over:
            reply = self._service.answer(request)
            if not is_over:
                socket.send_multipart([sender, number, reply])
                request = heard()
        self._service.converse = None
        self._service.end()
        # What has come meanwhile, nobody has told the event loop of.
        stream.flush(zmq.POLLIN)


class GradedKernelApp(IPKernelApp):
    """What starts a `GradedKernel`.

    It is the same wherever it runs: no file of this machine or of its user has a say.
    """

    kernel_class = Type(GradedKernel)
    packages = List(Unicode(), help="""Packages that no file of the notebook's can stand in for.""")
    probes = Unicode(help="""Module of the course whose functions a test can have called here.""")
    alone = Bool(
        help="""Whether all processes that the kernel sees, but the first, were started by it.""",
    )

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self.update_config(SETTINGS)

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Do nothing: see the class."""

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Read the arguments, if there are any; even none would take their time."""
        if argv:
            super().parse_command_line(argv)

    def init_sockets(self) -> None:
        """Open the sockets, and before them the event loop that serves them."""
        self._loop = Loop(lambda: self.kernel.note_end())
        asyncio.set_event_loop(self._loop)
        super().init_sockets()  # type: ignore[no-untyped-call]

    def init_path(self) -> None:
        """Import from nowhere but where modules are installed, and what belongs to the notebook."""
        super().init_path()  # type: ignore[no-untyped-call]
        own = json.loads(os.environ.pop(OWN_MODULES, "[]"))
        WrittenModules(Path.cwd(), self.packages, own).install()
        # Python itself was started without its module `site`, which would look in more places.
        site.sethelper()
        site.setcopyright()

    def init_control(self, context: Any) -> None:
        """Do without subshells, which would put a thread between each request and its reply."""
        super().init_control(context)  # type: ignore[no-untyped-call]
        self.shell_channel_thread = _NoThread()

    def init_signal(self) -> None:
        """Let signals wake the event loop, or a cell that waits would not hear an interrupt."""
        super().init_signal()  # type: ignore[no-untyped-call]
        if sys.platform != "win32":
            # The loop listens to all signals when it is to handle one; nobody sends this one.
            self._loop.add_signal_handler(signal.SIGWINCH, lambda: None)

    def start(self) -> None:
        """Serve until the process is ended; who stops the event loop is not obeyed."""
        self.kernel.leftovers = Leftovers(self._loop, alone=self.alone)
        serve = super().start
        while True:
            try:
                serve()  # type: ignore[no-untyped-call]
            except (SystemExit, KeyboardInterrupt):  # of a callback, which the loop passes on
                self.kernel.note_end(by_anyone=True)
            serve = self.io_loop.start


def main(arguments: list[str], *, packages: Sequence[str], probes: str) -> None:
    """Start the kernel and serve until it is told to stop."""
    sys.argv = [""]
    GradedKernelApp.launch_instance(argv=arguments, packages=list(packages), probes=probes)
