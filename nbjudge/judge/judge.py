"""The judge: runs a test cell as ordinary Python, away from the answer that it tests.

The names that a test uses and does not define itself stand for objects in the student's kernel.
What comes from there is plain data or a stand-in for an object that stayed; the verdict is made
here, from what the test did with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import CodeType, ModuleType
from typing import Any, Protocol

from nbjudge import checks as check
from nbjudge import seeds
from nbjudge.confinement.test_folder import confine
from nbjudge.exceptions import CheckFailed, CourseError
from nbjudge.kernel import switches
from nbjudge.remote import AnswerError, explain_to_student, is_tests_own, is_unanswered
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.guard import builtins_for, compile_statements, compile_test
from nbjudge.stand_ins.names import AT_A_PROMPT, early_names, free_names, names_changed
from nbjudge.stand_ins.permissions import (
    BEFORE_PREFIX,
    TEST_PREFIX,
    Permissions,
    line_of_test,
)

__all__ = [
    "Causes",
    "Diagnose",
    "Mistake",
    "Test",
    "Verdict",
    "judge",
    "readable",
]

#: Characters of a message that are shown to the student.
MAX_PRINT_OUT = 2000


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
    before : str
        The course's statements on which it stands: imports, helpers, what earlier tests define.
    allowed : tuple of str
        What it may do with objects that stay in the kernel: see `permissions`.
    shares_generators : bool
        Whether it and the answer draw from the same random generators.
    learns : bool
        Whether it may do all that can be done, which is noted.
    learns_names : bool
        Whether that includes to change the notebook's variables.
    """

    exercise: str
    source: str
    points: float
    before: str = ""
    allowed: tuple[str, ...] = ()
    shares_generators: bool = False
    learns: bool = False
    learns_names: bool = False

    @property
    def text(self) -> str:
        """All that runs: what it stands on, and itself."""
        return f"{self.before}\n{self.source}" if self.before else self.source

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
    did : tuple of str
        What the test did with objects that stay in the kernel, if it was to learn that.
    mistake, sentence : str
        The name of the known mistake that the answer behaves like, and what helps its student;
        empty if it is like none.
    behaviour : str
        A digest of what the test got on inputs that are the same for everybody, if marks were lost:
        wrong answers with the same one behave alike. Empty if that is not known.
    stopped_at : int
        The line of the test's cell at which it stopped, away from the answer; 0 if it did not stop,
        or in no line of its own.
    """

    mark: float
    reason: str = ""
    printed: str = ""
    fault: str = ""
    lost: bool = False
    seconds: float = 0.0
    did: tuple[str, ...] = ()
    mistake: str = ""
    sentence: str = ""
    behaviour: str = ""
    stopped_at: int = 0


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
    line.permissions = Permissions(test.allowed, learns=test.learns)
    with switches.keep_switches():
        verdict = _judge_once(test, line, diagnose, causes)
        line.settle()
        if verdict.reason and line.has_switched():
            second = line.again()
            again = _judge_once(test, second, diagnose, causes, own=True)
            second.settle()
            verdict = again if again.mark > verdict.mark else verdict
            line.broken = second.broken
        did = line.permissions.done if test.learns else ()
        return replace(verdict, lost=line.broken is not None, did=did)


def _judge_once(
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
    stopped_at = 0
    answers: dict[str, Any] = {}
    undefined: Sequence[str] = ()
    is_answered = True
    try:
        with _keep_printed(line, printed):
            mark, missing = _run_test(test, line, answers, own)
    except _TestFault as error:
        fault = str(error)
    except (KeyboardInterrupt, GeneratorExit):  # which somebody else means
        raise
    except (
        BaseException
    ) as error:  # what pytest raises where it misses an exception is no Exception
        if _is_out_of_memory(error) and line.broken is None:
            line.broken = CourseError("examining what it gave takes more memory than a test may")
        if is_tests_own(error):
            fault = f"{type(error).__name__}: {error}"
        reason = _reason_of_failure(error, test)
        stopped_at = line_of_test(reversed([*traceback.walk_tb(error.__traceback__)]))
        is_answered = not is_unanswered(error)
        if isinstance(error, _Undefined):
            undefined = error.missing
    if fault := line.fault or fault:
        mark, reason = 0.0, ""
    elif line.broken is not None:
        # Whatever the test made of it: without a kernel there is no mark.
        mark, reason = 0.0, _reason_of_failure(line.broken, test)
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
            except (Exception, AnswerError):
                logging.exception("No diagnosis of %s", test.exercise)
    return Verdict(
        mark=mark,
        reason=readable(reason),
        printed=readable(held, 10 * MAX_PRINT_OUT),
        fault=readable(fault),
        seconds=time.monotonic() - start,
        mistake=mistake.name if mistake is not None else "",
        sentence=mistake.sentence if mistake is not None else "",
        # What it may not do is told where it did it, whatever it made of that itself.
        stopped_at=line.fault_line or stopped_at,
    )


def _is_out_of_memory(error: BaseException) -> bool:
    """Say whether this process, not the answer's, had too little memory; PyTorch has own words."""
    if isinstance(error, AnswerError):
        return False
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _run_test(
    test: Test, line: KernelChannel, answers: dict[str, Any], own: bool
) -> tuple[float, str]:
    """Run a test to its end, and note the answers that it uses.

    Return the mark that it gives and, if it has parts, why the points of some are missing.
    """
    try:
        names = free_names(test.text)
        # What IPython is asked to do it would do in the kernel, with the text of the test.
        asked = sorted({*names, *early_names(test.text)} - AT_A_PROMPT)
        body, last = compile_test(test.source, f"{TEST_PREFIX}{test.exercise}>")
        before = compile_statements(test.before, f"{BEFORE_PREFIX}{test.exercise}>")
    except (SyntaxError, ValueError) as error:
        raise _TestFault(f"it is no Python: {error}") from error
    seeds.reset(seeds.number(test.exercise))
    # The kernel gets a seed of its own, from which the test's inputs do not follow.
    seed = seeds.number(f"{test.exercise} in the kernel")
    values = line.ask("begin", names=asked, seed=seed, own=own)
    if type(values) is not dict or not values.keys() <= set(asked):
        raise line.nonsense()
    answers.update(values)
    line.shares_generators = test.shares_generators
    if shared := _shared_names(test, line):
        body, last = compile_test(test.source, f"{TEST_PREFIX}{test.exercise}>", shared)
    own_code = (before.co_filename, body.co_filename)
    with _main_module({"__builtins__": builtins_for(line), **values}) as namespace:
        try:
            with confine(line, line.folder, own_code, test.text):
                result = _value_of((before, body, *([last] if last else [])), namespace)
        except AnswerError:  # some are a NameError, too
            raise
        except NameError as error:
            if error.name not in {*names, *before.co_names} - AT_A_PROMPT:
                raise
            missing_names = [name for name in names if name not in values]
            raise _Undefined(error.name, missing_names or [error.name]) from None
        except SystemExit as error:
            raise _TestFault("it ends its own process") from error
    missing = result.reason if isinstance(result, check.Points) else ""
    return _mark_meant(result, test.points), missing


def _value_of(codes: Sequence[CodeType], namespace: dict[str, Any]) -> Any:
    """Run codes one after the other, in an event loop as in Jupyter where one of them awaits."""
    value = None
    if not any(code.co_flags & inspect.CO_COROUTINE for code in codes):
        for code in codes:
            value = eval(code, namespace)
        return value

    async def run() -> Any:
        value = None
        for code in codes:
            value = eval(code, namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                value = await value
        return value

    return asyncio.run(run())


def _shared_names(test: Test, line: KernelChannel) -> frozenset[str]:
    """Return the notebook's variables that the test changes for the answer, too."""
    if not test.learns_names:
        return line.permissions.shared_names
    told = line.ask("names")
    names = names_changed(test.source).intersection(told if type(told) is list else ())
    line.permissions.share(names)
    return names


@contextlib.contextmanager
def _keep_printed(line: KernelChannel, printed: io.StringIO) -> Iterator[None]:
    """Keep what a test prints, and let the line know where to."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        line.streams = printed, errors
        yield


@contextlib.contextmanager
def _main_module(names: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Lend the namespace of a module `__main__`, which a test's cell is as in a notebook."""
    module = ModuleType("__main__")
    vars(module).update(names)
    usual = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        yield vars(module)
    finally:
        sys.modules["__main__"] = usual


def _mark_meant(result: Any, points: float) -> float:
    """Return the mark that a test's last value means: as for nbgrader, a number is a part."""
    if not isinstance(result, int | float) or isinstance(result, bool):
        return points
    try:
        mark = float(repr(result))  # which nbgrader reads: NumPy's numbers show as no number
    except ValueError:
        return points
    if not 0 <= mark <= points:  # nor does NaN pass
        raise _TestFault(f"it gives a mark that is not from 0 to {points:g}")
    return mark


def _reason_of_failure(error: BaseException, test: Test) -> str:
    if isinstance(error, CheckFailed):
        return str(error)
    if isinstance(error, CourseError):
        said = str(error)
    elif isinstance(error, AssertionError) and not isinstance(error, AnswerError):
        said = str(error) or "a check does not hold"
    else:
        return explain_to_student(test.exercise, error)
    return f"✗ Exercise {test.exercise}: {said.removesuffix('.')}."


def readable(text: str, most: int = MAX_PRINT_OUT) -> str:
    """Return a text that is safe to show: no control characters but line breaks, not too long."""
    kept = "".join(c if c.isprintable() or c == "\n" else "�" for c in text[: most + 1])
    return kept if len(kept) <= most else f"{kept[:most]}…"
