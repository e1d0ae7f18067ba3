"""Run tests in a judge process, which limits the memory and time that an answer's values can cost.

The process is forked from the grader. An answer may return a value that makes a test loop forever
or allocate a terabyte: that costs the exercise and nothing else.
"""

from __future__ import annotations

import atexit
import gc
import json
import logging
import math
import os
import select
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nbformat import NotebookNode, from_dict

from nbjudge import seeds
from nbjudge.confinement.test_folder import Place, hold_folder
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.waiting_time import LENIENCE
from nbjudge.judge.behaviour import RecordingChannel, behaviour_of, patient
from nbjudge.judge.failures import Failures
from nbjudge.judge.judge import Diagnose, Test, Verdict, judge
from nbjudge.judge.knowledge import knowledge
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import Exchange, KernelChannel
from nbjudge.stand_ins.property_tests import sparing_hypothesis

if sys.platform == "linux":
    from nbjudge.fork_server import namespaces
if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["JudgeProcess", "JudgedTest", "lend_judge"]

#: The first byte of a message between the two processes, which is its type.
TEST_MESSAGE, ASK_MESSAGE, REPLY_MESSAGE, LOST, CELLS, VERDICT = b"T", b"A", b"R", b"L", b"C", b"V"
_SECONDS = struct.Struct("<d")
#: Seconds; less time than this until a deadline counts as none.
CLOCK_GRAIN = 0.01


@dataclass(frozen=True)
class JudgedTest:
    """A verdict, and why the test was stopped, if it was.

    Parameters
    ----------
    verdict : Verdict
    stopped : str
        The reason, to complete a sentence; empty if the test ran to its end.
    """

    verdict: Verdict
    stopped: str = ""


class _Patience:
    """The processor time that the judge process may use in total before it sends the verdict.

    On a busy machine these seconds take longer by the clock, which is not the answer's fault. A
    second limit, on the time by the clock, ends a process that only sleeps.
    """

    def __init__(self, seconds: float, process: int, line: Connection) -> None:
        self._process = process
        self._computing, self._waiting = seconds, LENIENCE * seconds
        self._poll = select.poll()  # kept, since `line.poll` creates one for each call
        self._poll.register(line, select.POLLIN)

    def hears(self, until: float, clock: Callable[[], float]) -> bool:
        """Wait for a message, at most until a time by a clock; return whether one has come."""
        while True:
            start, computed = time.monotonic(), self._processor_time()
            left = min(self._computing, self._waiting, until - clock())
            has_come = bool(self._poll.poll(1000 * max(0.0, left)))
            self._computing -= self._processor_time() - computed
            self._waiting -= time.monotonic() - start
            if has_come:
                return True
            if min(self._computing, self._waiting, until - clock()) < CLOCK_GRAIN:
                return False

    def _processor_time(self) -> float:
        """Return the process's processor time in seconds; if it cannot be read, the clock's."""
        try:
            # The id of another process's CPU clock on Linux: see clock_gettime(3).
            return time.clock_gettime((~self._process << 3) | 2)
        except (AttributeError, OSError):
            return time.monotonic()


class JudgeProcess:
    """Judges tests, one after the other, in a separate process that is forked when needed.

    Where processes cannot be forked, it judges in this process, without limits.

    Parameters
    ----------
    limits : Limits
    plug : Plug
        The course's configuration. Its module of known answers is imported before the fork.
    """

    def __init__(self, limits: Limits, plug: Plug) -> None:
        self._limits = limits
        self._plug = plug
        self._line: Connection | None = None
        self._process = 0

    def judge(
        self,
        test: Test,
        exchange: Exchange,
        *,
        cells: Sequence[NotebookNode] = (),
        seed_parts: tuple[str, ...] = (),
        until: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        compared: bool = False,
        place: Place | None = None,
    ) -> JudgedTest:
        """Run a test and return its verdict.

        Parameters
        ----------
        test : Test
        exchange : callable
            Sends a request to the answer's kernel, and returns the reply.
        cells : sequence of NotebookNode
            The cells before the test, with their outputs, to explain lost marks.
        seed_parts : tuple of str
            What random inputs depend on: see `seeds.seed_within`.
        until : float
            The notebook's deadline, by the clock.
        clock : callable
            Returns the notebook's time in seconds, which may stop while the answer waits for a
            processor.
        compared : bool
            Whether to find out how the answer behaves, instead of marking it: see `behaviour`.
        place : Place, optional
            The test's folder, if it uses files.
        """
        place = place or Place()
        if not hasattr(os, "fork"):
            with seeds.seed_within(*seed_parts):
                kind = RecordingChannel if compared else KernelChannel
                to_kernel = kind(exchange, self._limits, until, clock=clock)
                to_kernel.folder = hold_folder(place)
                return _judge_here(test, to_kernel, knowledge(self._plug).named_mistake, cells)
        told = [asdict(test), seed_parts, until, _lag(clock), compared, asdict(place)]
        line = self._begin(TEST_MESSAGE + json.dumps(told).encode())
        patience = _Patience(self._limits.judge_seconds, self._process, line)
        while True:
            if not patience.hears(until, clock):
                self.close()
                if until - clock() >= CLOCK_GRAIN:
                    why = f"examining what it gave took longer than {self._limits.judge_seconds} s"
                else:
                    why = f"the notebook ran longer than {self._limits.notebook_seconds} s"
                return JudgedTest(Verdict(0.0, reason=f"✗ Exercise {test.exercise}: {why}."), why)
            try:
                said = line.recv_bytes()
            except (EOFError, OSError):
                # It is not known what ended the process, so a person has to mark.
                self.close()
                return JudgedTest(Verdict(0.0, fault="the process in which it ran ended"))
            if said[:1] == VERDICT:
                verdict, stopped = json.loads(said[1:])
                if stopped:  # the process may have little memory left
                    self.close()
                verdict["did"] = tuple(verdict["did"])  # JSON has no tuples
                return JudgedTest(Verdict(**verdict), stopped)
            if said[:1] == CELLS:
                line.send_bytes(json.dumps(cells).encode())
            else:
                line.send_bytes(_exchange(said, exchange, clock))

    def close(self) -> None:
        """Kill the process."""
        if self._line is not None:
            self._line.close()
            self._line = None
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)

    def _begin(self, message: bytes) -> Connection:
        """Send a message to the process, forked first if there is none; return the pipe to it."""
        if self._line is not None:
            with suppress(OSError):  # it has ended since its last use
                self._line.send_bytes(message)
                return self._line
            self.close()
        diagnose = knowledge(self._plug).named_mistake
        ours, theirs = Pipe()
        with warnings.catch_warnings():
            # Newer Pythons warn if a process with threads forks. A thread at work might hold a lock
            # that the child needs, but those of a grader only wait: see `trial.stock_process`.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = os.fork()
        if self._process == 0:
            _serve_tests(theirs, self._limits, diagnose)
        theirs.close()
        self._line = ours
        ours.send_bytes(message)
        return ours


#: Judge processes kept for the next notebook, which needs most of the same imports, by settings.
_idle: dict[tuple[Any, ...], JudgeProcess] = {}


@contextmanager
def lend_judge(limits: Limits, plug: Plug) -> Iterator[JudgeProcess]:
    """Yield a judge process for the tests of a notebook, and keep it for the next notebook.

    Parameters are those of `JudgeProcess`.
    """
    # The process id is part of the key: a forked grader must not use its parent's.
    key = (os.getpid(), limits, plug, *sorted(plug.environment().items()))
    found = _idle.pop(key, None) or JudgeProcess(limits, plug)
    try:
        yield found
    except BaseException:
        found.close()
        raise
    # Only one is kept, since a grader seldom changes its settings.
    for other in [other for other in _idle if other[0] == os.getpid()]:
        _idle.pop(other).close()
    _idle[key] = found


@atexit.register
def _end() -> None:
    for key, idle in _idle.items():
        if key[0] == os.getpid():
            idle.close()


def _lag(clock: Callable[[], float]) -> float:
    """Return by how many seconds a clock is behind the system's."""
    return time.monotonic() - clock()


def _exchange(said: bytes, exchange: Exchange, clock: Callable[[], float]) -> bytes:
    """Pass a judge process's request on to the kernel; return the reply and the clock's lag."""
    (seconds,) = _SECONDS.unpack_from(said, 1)
    try:
        reply = exchange(said[1 + _SECONDS.size :], seconds)
        return REPLY_MESSAGE + _SECONDS.pack(_lag(clock)) + reply
    except CourseError as error:
        return LOST + str(error).encode(errors="replace")


# ---- In the judge process ------------------------------------------------------------------------


def _serve_tests(line: Connection, limits: Limits, diagnose: Diagnose | None) -> NoReturn:
    """Judge each test that the grader sends; never return."""
    try:
        _settle(line.fileno())
        _limit_memory(limits.judge_megabytes)

        lag = 0.0

        def clock() -> float:
            return time.monotonic() - lag

        def exchange(content: bytes, seconds: float, /) -> memoryview:
            nonlocal lag
            line.send_bytes(ASK_MESSAGE + _SECONDS.pack(seconds) + content)
            said = line.recv_bytes()
            if said[:1] == LOST:
                raise CourseError(said[1:].decode(errors="replace"))
            (lag,) = _SECONDS.unpack_from(said, 1)
            return memoryview(said)[1 + _SECONDS.size :]

        while True:
            test, seed_parts, until, lag, compared, place = json.loads(line.recv_bytes()[1:])
            with seeds.seed_within(*seed_parts):
                kind = RecordingChannel if compared else KernelChannel
                to_kernel = kind(exchange, limits, until, clock=clock)
                to_kernel.folder = hold_folder(Place(**place))
                judged = _judge_here(Test(**test), to_kernel, diagnose, _Cells(line))
            said = json.dumps([asdict(judged.verdict), judged.stopped]).encode()
            line.send_bytes(VERDICT + said)
    finally:  # without clean-up, which would end what belongs to the grader
        os._exit(0)


class _Cells:
    """The cells before a test, which are requested from the grader only if marks were lost."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    def __iter__(self) -> Iterator[NotebookNode]:
        self._line.send_bytes(CELLS)
        for cell in json.loads(self._line.recv_bytes()):
            yield from_dict(cell)  # type: ignore[no-untyped-call]


def _judge_here(
    test: Test, line: KernelChannel, diagnose: Diagnose | None, cells: Iterable[NotebookNode]
) -> JudgedTest:
    if isinstance(line, RecordingChannel):
        return _observe_behaviour(test, line)
    with sparing_hypothesis(test.text):
        verdict = judge(test, line, diagnose, Failures(cells))
    return JudgedTest(verdict, str(line.broken) if line.broken is not None else "")


def _observe_behaviour(test: Test, line: RecordingChannel) -> JudgedTest:
    """Return how an answer behaves, in a verdict without a mark."""
    try:
        with sparing_hypothesis(test.text, simplifies=False):
            found = judge(patient(test), line)
    except (SyntaxError, ValueError):  # it may contain magics, which `patient` cannot parse
        return JudgedTest(Verdict(0.0))
    verdict = Verdict(0.0, behaviour=behaviour_of(line, found, test.points))
    return JudgedTest(verdict, str(line.broken) if line.broken is not None else "")


def _settle(kept: int) -> None:
    """Detach from what this process inherited from the grader, except for one open file."""
    # An interrupt is for the grader, with which this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        namespaces.die_with_parent()
    logging.disable()  # log files are closed below, and their descriptors may be reused
    for path in list(Path("/dev/fd").iterdir()):
        if (number := int(path.name)) > 2 and number != kept:
            with suppress(OSError):  # the descriptor of the listing itself is closed already
                os.close(number)
    # The collector must never run the destructors of the grader's objects.
    gc.freeze()
    if torch := sys.modules.get("torch"):
        # The threads of its pool do not exist after a fork, and it would wait for them.
        torch.set_num_threads(1)


def _limit_memory(megabytes: int) -> None:
    """Limit this process's memory to so much more than it has now, where the system allows it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return
    import resource  # missing on Windows

    has = next(line for line in status.read_text().splitlines() if line.startswith("VmData:"))
    most = int(has.split()[1]) * 1024 + megabytes * 2**20
    _, highest = resource.getrlimit(resource.RLIMIT_DATA)
    if highest != resource.RLIM_INFINITY:
        most = min(most, highest)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
