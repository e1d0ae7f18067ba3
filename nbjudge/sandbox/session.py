"""A session with a kernel that runs a student's code: start, cells, requests, end.

Whatever a kernel does, a session raises only the errors that this module defines.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from nbformat import NotebookNode, from_dict

from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.server import HOME
from nbjudge.fork_server.usage import Budget, Usage
from nbjudge.fork_server.waiting_time import excused_seconds
from nbjudge.sandbox import bubblewrap, workspace
from nbjudge.sandbox.cold_kernels import ColdKernel
from nbjudge.sandbox.kernel_line import Closed, Garbled, KernelLine, Silence
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.outputs import CellOutputs, OutputBudget
from nbjudge.sandbox.warm_kernels import SANDBOX_ENDED, WarmKernel, running_fork_server
from nbjudge.sandbox.workspace import Workspace
from nbjudge.shell.line import (
    ASK,
    ASKED_TO_END,
    CELL,
    DONE,
    HEAD,
    LEFT,
    OUTPUTS,
    REPLY,
    RUNNING,
)

__all__ = ["CellRun", "KernelDied", "KernelHung", "KernelLost", "KernelStartError", "Session"]

#: How many times the notebook's output limit one cell may write before it is stopped.
FLOOD = 10
#: Seconds between two checks whether anything still runs beside the cells.
REST = 0.3
#: Seconds that a cell has to end once it was interrupted.
GRACE = 4
#: Seconds to wait for a kernel that has closed its socket, to learn how it ended.
FAREWELL = 2
#: Bytes of a kernel's message about why it did not start.
MAX_WHY = 1000


class KernelLost(CourseError):
    """A kernel died, hung or sent nonsense, and cannot be used any more."""


class KernelDied(KernelLost):
    """A kernel's process ended, and the grader did not end it."""


class KernelHung(KernelLost):
    """A kernel lives, but does not answer."""


class KernelStartError(CourseError):
    """A kernel did not start, which no notebook can cause."""


@dataclass(frozen=True)
class CellRun:
    """How a cell ended, by the report of its kernel, which is not trusted.

    Parameters
    ----------
    stopped : str
        Why it was stopped, to complete a sentence; empty if it was not.
    asked_to_end : bool
        Whether it asked the kernel to end. Kernels ignore that.
    left : bool
        Whether it started something that still ran a while after it.
    running : bool
        Whether anything runs beside the cells, whichever cell has started it.
    """

    stopped: str = ""
    asked_to_end: bool = False
    left: bool = False
    running: bool = False


class Session:
    """A running kernel in a new folder; creating the session starts it.

    Parameters
    ----------
    limits : Limits
    files : mapping of str to bytes, optional
        The files beside the notebook, by their relative path.
    plug : Plug
        The course's configuration, which says what a kernel can import.
    own : collection of str
        Those of the files that are the course's own and can be imported, too.
    ahead : sequence of str
        Modules that the fork server, if there is one, imports for the kernels after this one.

    Raises
    ------
    KernelStartError
        If it does not start, or if `limits` require a sandbox and there is none.
    """

    _kernel: WarmKernel | ColdKernel | None = None
    _line: KernelLine | None = None

    def __init__(
        self,
        limits: Limits,
        files: Mapping[str, bytes] | None = None,
        plug: Plug | None = None,
        *,
        own: Collection[str] = (),
        ahead: Sequence[str] = (),
    ) -> None:
        if limits.require_sandbox and (problem := bubblewrap.problem()):
            raise KernelStartError(f"There is no sandbox to grade in: {problem}")
        self._limits = limits
        self._plug = plug or Plug()
        self._own = own
        self._ahead = ahead
        self._place: Workspace | None = None
        try:
            start = self._cold if bubblewrap.problem() else self._warm
            self._kernel = start(files or {})
            self._line = KernelLine(self._kernel.end, self._kernel.is_alive, self.clock)
            self._await_start()
        except KernelStartError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise _not_started(f"{type(error).__name__}: {error}") from error

    def _warm(self, files: Mapping[str, bytes]) -> WarmKernel:
        """Have the warm parent fork a kernel."""
        fork_server = running_fork_server(self._plug)
        self._place = place = Workspace(files, within=fork_server.rooms)
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
        return WarmKernel(fork_server, request, self._ahead)

    def _cold(self, files: Mapping[str, bytes]) -> ColdKernel:
        """Start a kernel in a new, unconfined process."""
        self._place = place = Workspace(files)
        place.copy_fonts()
        library = place.root / "library"
        library.mkdir()
        data = place.root / "data"
        data.mkdir()
        workspace.stage_library(self._plug, library)
        workspace.copy_data(self._plug, data)
        environment = workspace.environment(
            self._plug, str(place.home), data=str(data), own=self._own
        )
        return ColdKernel(library / "start.py", place.cwd, environment)

    def _await_start(self) -> None:
        """Wait until the kernel reports that it has started.

        Raises
        ------
        KernelStartError
            If it reports a failure, ends, or reports nothing in time.
        """
        assert self._kernel is not None
        assert self._line is not None

        def wants(kind: int, number: int, size: int) -> bool:
            return (kind, number) == (DONE, 0) and size <= MAX_WHY

        try:
            end = self.clock() + self._limits.start_seconds
            _, _, why = self._line.receive(end, wants)
        except Silence:
            raise _not_started("it did not answer") from None
        except Closed:
            self._kernel.await_end(FAREWELL)
            raise _not_started(self._kernel.ended or "it ended") from None
        if why:
            raise _not_started(why.decode(errors="replace"))

    @property
    def used(self) -> Usage | None:
        """What the kernel used in total; None before it has ended, or if nothing measured it."""
        return self._kernel.used if self._kernel is not None else None

    @property
    def waiting_seconds(self) -> float:
        """Seconds in which the kernel was ready to run but had no processor, up to a limit."""
        if self._kernel is None:
            return 0.0
        return excused_seconds(self._kernel.waiting_seconds(), self._limits.notebook_seconds)

    def clock(self) -> float:
        """Return the time in seconds for deadlines, which stops while the kernel has to wait."""
        return time.monotonic() - self.waiting_seconds

    def is_alive(self) -> bool:
        """Return whether the kernel's process still runs."""
        return self._kernel is not None and self._kernel.is_alive()

    def probe(self) -> CellRun:
        """Run an empty cell, to learn whether something from earlier cells still runs."""
        cell: NotebookNode = from_dict({"source": "pass"})  # type: ignore[no-untyped-call]
        return self.run(cell, budget=OutputBudget(0), store_history=False, is_brief=True)

    def rest(self, seconds: float) -> None:
        """Wait until nothing runs beside the cells any more, for at most so many seconds.

        Raises
        ------
        KernelDied
            If the kernel ends meanwhile.
        """
        running = self.probe().running  # the kernel itself waits a while before it replies
        end = time.monotonic() + seconds
        while running and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, REST))
            running = self.probe().running

    def has_lost_its_sandbox(self) -> bool:
        """Return whether the whole sandbox ended, which no student's code can cause."""
        is_alive = self.is_alive()  # this also reads how the kernel ended
        return not is_alive and self._kernel is not None and self._kernel.ended == SANDBOX_ENDED

    def run(
        self,
        cell: NotebookNode,
        *,
        seconds: float | None = None,
        times: float = 1.0,
        budget: OutputBudget | None = None,
        store_history: bool = True,
        is_brief: bool = False,
    ) -> CellRun:
        """Run a code cell, and store its outputs in it.

        Parameters
        ----------
        cell : NotebookNode
        seconds : float, optional
            The longest time that it may run, if less than `times` the limit of a cell.
        times : float
            A factor for the limit of a cell.
        budget : OutputBudget, optional
            The outputs that the notebook may still keep; by default, all that one may.
        store_history : bool
            Whether IPython numbers the cell and keeps it in its history.
        is_brief : bool
            Whether to leave out the lines of its traceback, because nobody will read them.

        Raises
        ------
        KernelDied
            If the kernel's process ended.
        KernelLost
            If the kernel cannot be used afterwards. The cell keeps the outputs until then.
        """
        budget = budget or OutputBudget(self._limits.output_bytes)
        most = FLOOD * self._limits.output_bytes
        shown, received = CellOutputs(budget.bytes), 0

        def wants(kind: int, number: int, size: int) -> bool:
            nonlocal received
            received += HEAD.size + size
            if received > most:
                raise self._flood_error(most)
            if number != asked:
                return False
            if kind == DONE and size != 1:
                raise Garbled
            return kind == DONE or (kind in OUTPUTS and shown.has_room(OUTPUTS[kind], size))

        seconds = min(math.inf if seconds is None else seconds, times * self._limits.cell_seconds)
        stopped = ""
        try:
            line = self._connection()
            told = {"code": cell.source, "store_history": store_history}
            if is_brief:
                told["is_brief"] = True
            asked = line.send(CELL, json.dumps(told).encode())
            until = self.clock() + seconds
            while True:
                try:
                    kind, _, content = line.receive(until, wants)
                except Silence:
                    if stopped:
                        raise KernelHung(f"{stopped}, and could not be stopped") from None
                    stopped = f"it ran longer than {seconds:.0f} s"
                    self._interrupt()
                    until = self.clock() + GRACE
                    continue
                if kind == DONE:
                    break
                shown.take(OUTPUTS[kind], content)
        except Closed:
            raise self._how_it_died() from None
        except Garbled:
            raise _unreadable() from None
        finally:
            # If the cell was stopped because of its outputs, the error says so.
            budget.keep(cell, shown.outputs, is_cut=shown.is_cut and received <= most)
        if stopped:
            return CellRun(stopped)
        (bits,) = content
        return CellRun("", bool(bits & ASKED_TO_END), bool(bits & LEFT), bool(bits & RUNNING))

    def _connection(self) -> KernelLine:
        """Return the connection to the kernel.

        Raises
        ------
        KernelDied
            If the session was closed.
        """
        if self._line is None:
            raise KernelDied("the kernel was ended")
        return self._line

    def _interrupt(self) -> None:
        if self._kernel is not None:
            self._kernel.interrupt()

    def _how_it_died(self) -> KernelDied:
        """Return an error that says how the kernel ended, as far as it is known."""
        if self._kernel is not None:
            self._kernel.await_end(FAREWELL)
            if self._kernel.ended.startswith("it "):
                return KernelDied(self._kernel.ended)
        return KernelDied("the kernel died")

    def _flood_error(self, most: int) -> KernelLost:
        return KernelLost(f"it wrote more than {most / 2**20:g} MB")

    def request(self, content: bytes, seconds: float) -> bytes:
        """Send a request to the kernel's service, and return its reply.

        Raises
        ------
        KernelLost
            If none comes in time: it has died, hangs, or sends what is no reply.
        """
        written = 0

        def wants(kind: int, number: int, size: int) -> bool:
            nonlocal written
            if (kind, number) == (REPLY, asked):
                return True
            # What the answer prints meanwhile belongs to no cell, but has to be read: otherwise it
            # would fill the socket's buffer.
            written += HEAD.size + size
            if written > self._limits.output_bytes:
                raise self._flood_error(self._limits.output_bytes)
            return False

        try:
            line = self._connection()
            asked = line.send(ASK, content)
            _, _, reply = line.receive(self.clock() + seconds, wants)
            return reply
        except Silence:
            raise KernelHung(f"no result came within {seconds:.0f} s") from None
        except Closed:
            raise self._how_it_died() from None
        except Garbled:
            raise _unreadable() from None

    def close(self) -> None:
        """End the kernel and all that it started, and remove its folder."""
        if self._kernel is not None:
            self._kernel.kill()
            self._kernel.end.close()
            self._line = None
        if self._place is not None:
            self._place.remove()


def _not_started(why: str) -> KernelStartError:
    return KernelStartError(f"A kernel for grading did not start: {why}")


def _unreadable() -> KernelLost:
    return KernelLost("the kernel sent something that cannot be read")
