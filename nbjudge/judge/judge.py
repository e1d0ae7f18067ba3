"""The judge: runs a test cell as ordinary Python, away from the answer that it tests.

The names that a test uses and does not define itself stand for objects in the student's kernel.
What comes from there is plain data or a stand-in for an object that stayed; the verdict is made
here, from what the test did with them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import symtable
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from nbjudge import checks as check
from nbjudge import seeds
from nbjudge.exceptions import CheckFailed, CourseError
from nbjudge.judge.guard import builtin_names, builtins_for, compile_test
from nbjudge.judge.stand_ins import StandIn, Unable
from nbjudge.kernel import switches
from nbjudge.kernel.wire import NotPlain, Reference, decode, encode
from nbjudge.remote import AnswerError, explain_to_student, is_tests_own, is_unanswered
from nbjudge.sandbox.limits import Limits

__all__ = [
    "Causes",
    "Diagnose",
    "KernelChannel",
    "Mistake",
    "Test",
    "Verdict",
    "free_names",
    "judge",
    "readable",
]

#: Characters of a message that are shown to the student.
MAX_SHOWN = 2000


@dataclass(frozen=True)
class Test:
    """A test cell as the course wrote it.

    Parameters
    ----------
    exercise : str
        Its number, as students see it; it seeds the random inputs.
    source : str
    points : float
        What it is worth.
    """

    exercise: str
    source: str
    points: float

    #: Not a class of tests, whatever its name says.
    __test__ = False


@dataclass(frozen=True)
class Verdict:
    """What a test found.

    Parameters
    ----------
    mark : float
        Points won, from 0 to those of the test.
    reason : str
        Why points were lost, for the student; empty if none were.
    printed : str
        What the test printed: the checks that held.
    fault : str
        What is wrong with the test itself, for the instructor; then the mark means nothing.
    lost : bool
        Whether the kernel was lost on the way.
    seconds : float
    mistake, sentence : str
        The name of the known mistake that the answer behaves like, and what helps its student;
        empty if it is like none.
    behaviour : str
        A digest of what the test got on inputs that are the same for everybody, if marks were lost:
        wrong answers with the same one behave alike. Empty if that is not known.
    """

    mark: float
    reason: str = ""
    printed: str = ""
    fault: str = ""
    lost: bool = False
    seconds: float = 0.0
    mistake: str = ""
    sentence: str = ""
    behaviour: str = ""


class Mistake(Protocol):
    """A wrong answer that is known."""

    @property
    def name(self) -> str:
        """What the course calls it."""

    @property
    def sentence(self) -> str:
        """What helps who made it."""


#: Finds the known mistake of an exercise that behaves as the answers do, given by their names.
Diagnose = Callable[[str, Mapping[str, Any]], Mistake | None]


class Causes(Protocol):
    """Knows what failed in the notebook before a test."""

    def explain(self, exercise: str, names: Sequence[str]) -> str:
        """Return why names that its test needs are not defined; empty if nobody knows."""

    def mention(self, exercise: str, reason: str) -> str:
        """Return what a student should know besides a reason; empty if it is nothing."""


class Exchange(Protocol):
    """Sends a request to a kernel, as `Session.request` does."""

    def __call__(self, content: bytes, seconds: float, /) -> bytes | memoryview:
        """Return the reply; raise a CourseError if none comes."""


class KernelChannel:
    """The judge's line to one kernel, for one exercise: counts, limits, and remembers a break.

    Parameters
    ----------
    exchange : callable
    limits : Limits
    until : float
        When the whole notebook's time is over, by `time.monotonic`.
    """

    def __init__(self, exchange: Exchange, limits: Limits, until: float = math.inf) -> None:
        self._exchange = exchange
        self.limits = limits
        self._until = until
        self._requests = 0
        self._bytes = 0
        self._seconds = 0.0
        #: What ended it: after that, a test that goes on regardless gets no further.
        self.broken: CourseError | None = None
        #: What is wrong with the test, whatever it makes of that itself.
        self.fault = ""
        #: Whether the words of a failed assertion are being found, which no mark depends on.
        self.is_lenient = False

    def ask(self, do: str, **details: Any) -> Any:
        """Let the kernel's service do something, and return what it found.

        Raises
        ------
        AnswerError
            If the student's code raised an exception.
        CourseError
            If the kernel gave no usable reply, or a limit is reached.
        """
        if self.broken is not None:
            raise self.broken
        try:
            content = encode({"do": do, **details}, self.limits.bounds, refer=_referred)
            reply = self._sent(content)
        except NotPlain as error:  # the test's own mistake, and no harm done
            self.blame(f"NotPlain: {error}")
            raise
        except CourseError as error:
            self.broken = error
            raise
        return self._outcome(reply)

    def _sent(self, content: bytes) -> Any:
        limits = self.limits
        self._requests += 1
        if self._requests > limits.requests:
            raise CourseError(f"the test asked more than {limits.requests} times")
        left = limits.exercise_seconds - self._seconds
        if left <= 0:
            raise CourseError(f"it took more than {limits.exercise_seconds:.0f} s altogether")
        start = time.monotonic()
        if start >= self._until:
            raise CourseError(f"the notebook ran longer than {limits.notebook_seconds} s")
        try:
            reply = self._exchange(content, min(limits.call_seconds, left, self._until - start))
        finally:
            self._seconds += time.monotonic() - start
        self._bytes += len(content) + len(reply)
        if self._bytes > limits.exercise_bytes:
            most = limits.exercise_bytes / 2**20
            raise CourseError(f"its test and it exchanged more than {most:g} MB")
        return decode(reply, limits.bounds, resolve=self._standing_for)

    def _outcome(self, reply: Any) -> Any:
        if type(reply) is dict and len(reply) == 1:
            if "value" in reply:
                return reply["value"]
            if type(reply.get("refused")) is str:
                raise CourseError(f"what your code returned cannot be used: {reply['refused']}")
            if type(raised := reply.get("raised")) is dict:
                raise _raised(raised)
        raise self.nonsense()

    def has_switched(self) -> bool:
        """Say whether the notebook has switched what can change the results of right answers."""
        try:
            return bool(self.ask("changed"))
        except (AnswerError, CourseError):
            return False

    def again(self) -> KernelChannel:
        """Return a new line to the same kernel."""
        return KernelChannel(self._exchange, self.limits, self._until)

    def nonsense(self) -> CourseError:
        """Break the line because of a reply that no honest kernel gives."""
        self.broken = CourseError("the kernel sent what nobody can read")
        return self.broken

    @property
    def most_items(self) -> int:
        """How many values a test may take from one object."""
        return self.limits.items

    def blame(self, what: str) -> Unable:
        """Note the first thing that is wrong with the test, and return it as an exception."""
        if self.broken is None:
            self.fault = self.fault or what
        return Unable(what)

    def _standing_for(self, reference: Reference) -> StandIn:
        return StandIn(self, reference)


def _referred(value: object) -> Reference:
    if isinstance(value, StandIn):
        return value._reference
    raise NotPlain(type(value).__name__)


def _raised(details: Mapping[Any, Any]) -> AnswerError:
    """Return the exception of a student's code; tests may catch it as what it is."""
    name, said, source = (
        str(details.get(part) or "")[:MAX_SHOWN] for part in ("name", "said", "source")
    )
    line = details.get("line")
    kind = _KINDS.get(name, AnswerError)
    return kind(name, said, line if type(line) is int else None, source)


_KINDS: dict[str, type[AnswerError]] = {
    base.__name__: type(base.__name__, (AnswerError, base), {})
    for base in (
        *(ArithmeticError, AssertionError, AttributeError, IndexError, KeyError, LookupError),
        *(NotImplementedError, OverflowError, RuntimeError, TypeError, ValueError),
        ZeroDivisionError,
    )
}


def free_names(source: str) -> tuple[str, ...]:
    r"""Return the names that a cell uses and does not define itself, sorted.

    Raises
    ------
    SyntaxError
        If it is no Python.

    Examples
    --------
    >>> free_names("import math\nstep = Walk(rate)\nprint(math.sqrt(step(1)))")
    ('Walk', 'rate')
    """
    module = symtable.symtable(source, "<test>", "exec")
    own = {s.get_name() for s in module.get_symbols() if s.is_assigned() or s.is_imported()}
    used: set[str] = set()
    tables = [module]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is module or symbol.is_global())
        }
        # A function may define a global of the cell.
        own |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_assigned()}
    return tuple(sorted(used - own - builtin_names()))


class _TestFault(Exception):
    """Something is wrong with the test, whatever the answer is."""


class _Undefined(CheckFailed):
    """The answer does not define names that the test needs."""

    def __init__(self, name: str, missing: Sequence[str]) -> None:
        super().__init__(f"✗ `{name}` is not defined: run your answer cell, or check its name.")
        self.missing = missing


def judge(
    test: Test, line: KernelChannel, diagnose: Diagnose | None = None, causes: Causes | None = None
) -> Verdict:
    """Run a test and return its verdict.

    Parameters
    ----------
    test : Test
    line : Line
        To the kernel in which the answer lives. It is used up afterwards.
    diagnose : callable, optional
        Is asked about an answer that lost marks. What it finds is told to the student, and changes
        no mark.
    causes : Causes, optional
        Is asked why an answer is not there, and what else explains lost marks.

    Notes
    -----
    The test draws its random inputs from `nbjudge.seeds`, which the caller seeds. Whatever it
    switches in this process is put back.

    The answer runs as in a process that has just started. If it loses marks and its notebook has
    switched what can change that, PyTorch's default dtype say, it runs once more with the
    notebook's own switches, and the better verdict counts: what is right in Jupyter thanks to a
    switch is right, and so is what is right but for one.
    """
    with switches.keep_switches():
        verdict = _judge(test, line, diagnose, causes)
        if verdict.reason and not verdict.lost and line.has_switched():
            second = line.again()
            again = _judge(test, second, diagnose, causes, own=True)
            verdict = again if again.mark > verdict.mark else verdict
            line.broken = second.broken
        return replace(verdict, lost=line.broken is not None)


def _judge(
    test: Test,
    line: KernelChannel,
    diagnose: Diagnose | None,
    causes: Causes | None,
    *,
    own: bool = False,
) -> Verdict:
    start = time.monotonic()
    printed = io.StringIO()
    mark, reason, fault, missing = 0.0, "", "", ""
    answers: dict[str, Any] = {}
    undefined: Sequence[str] = ()
    is_answered = True
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            mark, missing = _run(test, line, answers, own)
    except _TestFault as error:
        fault = str(error)
    except Exception as error:
        if _is_out_of_memory(error) and line.broken is None:
            line.broken = CourseError("examining what it gave takes more memory than a test may")
        if is_tests_own(error):
            fault = f"{type(error).__name__}: {error}"
        reason = _reason(error, test)
        is_answered = not is_unanswered(error)
        if isinstance(error, _Undefined):
            undefined = error.missing
    if fault := line.fault or fault:
        mark, reason = 0.0, ""
    elif line.broken is not None:
        # Whatever the test made of it: without a kernel there is no mark.
        mark, reason = 0.0, _reason(line.broken, test)
    elif mark < test.points and not reason:
        reason = missing or f"✗ Exercise {test.exercise}: {mark:g} of {test.points:g} points."
    if causes and undefined and not fault:
        reason = causes.explain(test.exercise, undefined) or reason
    elif causes and reason and line.broken is None:
        reason += causes.mention(test.exercise, reason)
    held = printed.getvalue()
    if missing:
        held = held.partition(missing)[0]  # a student reads there, too, what is the reason here
    mistake = None
    if diagnose and reason and is_answered and line.broken is None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                mistake = diagnose(test.exercise, answers)
            # It changes no mark, so it may cost none.
            except Exception:
                logging.exception("No diagnosis of %s", test.exercise)
    return Verdict(
        mark=mark,
        reason=readable(reason),
        printed=readable(held, 10 * MAX_SHOWN),
        fault=readable(fault),
        lost=line.broken is not None,
        seconds=time.monotonic() - start,
        mistake=mistake.name if mistake is not None else "",
        sentence=mistake.sentence if mistake is not None else "",
    )


def _is_out_of_memory(error: Exception) -> bool:
    """Say whether this process, not the answer's, had too little memory; PyTorch has own words."""
    if isinstance(error, AnswerError):
        return False
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _run(test: Test, line: KernelChannel, answers: dict[str, Any], own: bool) -> tuple[float, str]:
    """Run a test to its end, and note the answers that it uses.

    Return the mark that it gives and, if it has parts, why the points of some are missing.
    """
    try:
        names = free_names(test.source)
        body, last = compile_test(test.source, f"<test of {test.exercise}>")
    except (SyntaxError, ValueError) as error:
        raise _TestFault(f"it is no Python: {error}") from error
    seeds.reset(seeds.number(test.exercise))
    # The kernel gets a seed of its own, from which the test's inputs do not follow.
    seed = seeds.number(f"{test.exercise} in the kernel")
    values = line.ask("begin", names=list(names), seed=seed, own=own)
    if type(values) is not dict or not values.keys() <= set(names):
        raise line.nonsense()
    answers.update(values)
    namespace = {"__name__": "test", "__builtins__": builtins_for(line), **values}
    try:
        exec(body, namespace)
        result = eval(last, namespace) if last else None
    except NameError as error:
        if error.name not in names:
            raise
        raise _Undefined(error.name, [name for name in names if name not in values]) from None
    except SystemExit as error:
        raise _TestFault("it ends its own process") from error
    missing = result.reason if isinstance(result, check.Points) else ""
    return _mark(result, test.points), missing


def _mark(result: Any, points: float) -> float:
    """Return the mark that a test's last value means: as for nbgrader, a number is a part."""
    if isinstance(result, bool) or not isinstance(result, int | float | np.integer | np.floating):
        return points
    if not 0 <= result <= points:  # nor does NaN pass
        raise _TestFault(f"it gives a mark that is not from 0 to {points:g}")
    return float(result)


def _reason(error: Exception, test: Test) -> str:
    if isinstance(error, CheckFailed):
        return str(error)
    if isinstance(error, CourseError):
        said = str(error)
    elif isinstance(error, AssertionError) and not isinstance(error, AnswerError):
        said = str(error) or "a check does not hold"
    else:
        return explain_to_student(test.exercise, error)
    return f"✗ Exercise {test.exercise}: {said.removesuffix('.')}."


def readable(text: str, most: int = MAX_SHOWN) -> str:
    """Return a text that is safe to show: no control characters but line breaks, not too long."""
    kept = "".join(c if c.isprintable() or c == "\n" else "�" for c in text[: most + 1])
    return kept if len(kept) <= most else f"{kept[:most]}…"
