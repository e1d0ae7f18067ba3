"""The kernel in which a submission is graded: IPython's own, and one more message type."""

from __future__ import annotations

import sys
from typing import Any

import zmq
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import Type
from traitlets.config import Config

from course_utils.kernel.service import Service
from course_utils.kernel.wire import REPLY, REQUEST, pack, unpack

__all__ = ["GradedKernel", "GradedKernelApp", "main"]

SETTINGS = Config(
    {
        "HistoryManager": {"hist_file": ":memory:"},
        "InteractiveShellApp": {"ignore_cwd": True},
        "IPKernelApp": {"log_level": "ERROR"},
    }
)


class GradedKernel(IPythonKernel):
    """IPython's kernel, which also answers requests about the objects of the notebook.

    Requests come on the shell channel, in turn with the cells. The first one and its reply are the
    binary buffers of Jupyter's messages. Those after it come without a message around them, until
    an empty one says that there are no more: a message costs ten times what it asks for.
    """

    msg_types = [*IPythonKernel.msg_types, REQUEST]  # noqa: RUF012 (a list in the base class)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        assert self.shell is not None
        self._service = Service(self.shell.user_ns)

    def judge_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Answer the judge's requests, from this one to the empty one."""
        assert self.session is not None
        socket = stream.socket
        reply = self._answer(parent["buffers"][0])
        self.session.send(socket, REPLY, {}, parent, ident=ident, buffers=[reply])
        while True:
            sender, *parts = socket.recv_multipart()
            if sender != ident[0] or len(parts) != 2:  # the student's code can send here too
                continue
            number, request = parts
            if not request:
                break
            socket.send_multipart([sender, number, self._answer(request)])
        self._service.end()
        # What has come meanwhile, nobody has told the event loop of.
        stream.flush(zmq.POLLIN)

    def _answer(self, request: bytes | memoryview) -> bytes:
        return pack(self._service.answer(unpack(request)))


class GradedKernelApp(IPKernelApp):
    """What starts a `GradedKernel`.

    It is the same wherever it runs: no file of this machine or of its user has a say.
    """

    kernel_class = Type(GradedKernel)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self.update_config(SETTINGS)

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Do nothing: see the class."""

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Read the arguments, if there are any; even none would take their time."""
        if argv:
            super().parse_command_line(argv)

    def init_control(self, context: Any) -> None:
        """Do without subshells, which would put a thread between each request and its reply."""
        super().init_control(context)  # type: ignore[no-untyped-call]
        self.shell_channel_thread = None


def main(arguments: list[str]) -> None:
    """Start the kernel and serve until it is told to stop."""
    sys.argv = [""]
    GradedKernelApp.launch_instance(argv=arguments)
