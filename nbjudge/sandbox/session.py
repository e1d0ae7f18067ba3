"""Where a student's code runs: a kernel, from its start to its end.

Whatever a kernel does to its client, the client raises one of the errors of this module, and no
other.
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

#: How many times what a notebook may show one cell may write before it is stopped.
FLOOD = 10
#: Seconds between two looks at whether a kernel has come to rest.
REST = 0.3
#: Seconds that a cell has to come to an end once it was interrupted.
GRACE = 4
#: Seconds for which a kernel that has let go of its line is waited for, to hear how it ended.
FAREWELL = 2
#: Bytes of a sentence about why a kernel did not come up.
MAX_WHY = 1000


class KernelLost(CourseError):
    """A kernel died, hung, or stopped to make sense; it cannot be used any more."""


class KernelDied(KernelLost):
    """A kernel's process ended, and nobody ended it from outside."""


class KernelHung(KernelLost):
    """A kernel lives, but does not answer."""


class KernelStartError(CourseError):
    """A kernel did not come up, which is nobody's mistake in a notebook."""


@dataclass(frozen=True)
class CellRun:
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
    ahead : sequence of str
        Modules that are imported once for all kernels after this one, where kernels are forked.

    Raises
    ------
    KernelStartError
        If it does not come up, or if `limits` want a sandbox and there is none.
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
        """Have a kernel forked by the warm parent."""
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
        """Start a kernel in a process of its own, which nothing confines."""
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
        """Wait until the kernel says that it is up.

        Raises
        ------
        KernelStartError
            If it says why it is not, ends, or says nothing.
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
        """What the kernel used in all, once it has ended; None if nothing watched over it."""
        return self._kernel.used if self._kernel is not None else None

    @property
    def waiting_seconds(self) -> float:
        """For how long the kernel was ready to run and had no processor, as far as that counts."""
        if self._kernel is None:
            return 0.0
        return excused_seconds(self._kernel.waiting_seconds(), self._limits.notebook_seconds)

    def clock(self) -> float:
        """Return the time by which the kernel is late, in seconds: not what it had to wait."""
        return time.monotonic() - self.waiting_seconds

    def is_alive(self) -> bool:
        """Say whether the kernel's process still runs."""
        return self._kernel is not None and self._kernel.is_alive()

    def probe(self) -> CellRun:
        """Run a cell that does nothing: who has not ended by then what it left lives on."""
        cell: NotebookNode = from_dict({"source": "pass"})  # type: ignore[no-untyped-call]
        return self.run(cell, budget=OutputBudget(0), store_history=False, is_brief=True)

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
        """Run a code cell of the student's; its outputs become those of the cell.

        Parameters
        ----------
        cell : NotebookNode
        seconds : float, optional
            How long it may run, if that is less than any cell may.
        times : float
            How many times as long as any cell it may run otherwise.
        budget : OutputBudget, optional
            What the notebook may still show; by default, all that any may.
        store_history : bool
            Whether it counts as a cell, and is remembered as one.
        is_brief : bool
            Whether nobody reads the lines of its traceback, which then has none.

        Raises
        ------
        KernelDied
            If its process ended.
        KernelLost
            If there is no kernel to talk to afterwards. The cell has what came until then.
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
            # Of a cell that is stopped for what it wrote, that is told.
            budget.keep(cell, shown.outputs, is_cut=shown.is_cut and received <= most)
        if stopped:
            return CellRun(stopped)
        (bits,) = content
        return CellRun("", bool(bits & ASKED_TO_END), bool(bits & LEFT), bool(bits & RUNNING))

    def _connection(self) -> KernelLine:
        """Return the line to the kernel, unless that was closed.

        Raises
        ------
        KernelDied
            If it was.
        """
        if self._line is None:
            raise KernelDied("the kernel was ended")
        return self._line

    def _interrupt(self) -> None:
        if self._kernel is not None:
            self._kernel.interrupt()

    def _how_it_died(self) -> KernelDied:
        """Return how the kernel ended, as far as anybody knows."""
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
            # What the answer prints meanwhile is nobody's output; unread, it fills the line.
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
        """End the kernel and what it started."""
        if self._kernel is not None:
            self._kernel.kill()
            self._kernel.end.close()
            self._line = None
        if self._place is not None:
            self._place.remove()


def _not_started(why: str) -> KernelStartError:
    return KernelStartError(f"A kernel for grading did not start: {why}")


def _unreadable() -> KernelLost:
    return KernelLost("the kernel sent what nobody can read")
