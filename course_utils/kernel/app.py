"""The kernel in which a submission is graded: IPython's own, and one more message type."""

from __future__ import annotations

import sys
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import Type

from course_utils.kernel.service import Service
from course_utils.kernel.wire import pack, unpack

__all__ = ["REPLY", "REQUEST", "GradedKernel", "GradedKernelApp", "main"]

REQUEST, REPLY = "judge_request", "judge_reply"


class GradedKernel(IPythonKernel):
    """IPython's kernel, which also answers requests about the objects of the notebook.

    Requests come on the shell channel, in turn with the cells; request and reply are the binary
    buffers of their messages.
    """

    msg_types = [*IPythonKernel.msg_types, REQUEST]  # noqa: RUF012 (a list in the base class)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        assert self.shell is not None
        self._service = Service(self.shell.user_ns)

    def judge_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Answer one request of the judge."""
        assert self.session is not None
        reply = self._service.answer(unpack(parent["buffers"][0]))
        self.session.send(stream, REPLY, {}, parent, ident=ident, buffers=[pack(reply)])


class GradedKernelApp(IPKernelApp):
    """What starts a `GradedKernel`."""

    kernel_class = Type(GradedKernel)

    def init_control(self, context: Any) -> None:
        """Do without subshells, which would put a thread between each request and its reply."""
        super().init_control(context)  # type: ignore[no-untyped-call]
        self.shell_channel_thread = None


def main(arguments: list[str]) -> None:
    """Start the kernel and serve until it is told to stop."""
    sys.argv = [""]
    GradedKernelApp.launch_instance(argv=arguments)
