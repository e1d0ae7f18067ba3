"""The judge: run a test cell as ordinary Python, in another process than the answer that it tests.

The names that a test uses but does not define are bound to values from the student's kernel: plain
data, or stand-ins for objects that stay there. The verdict follows from how the test ran here.
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
        The exercise's number, as students see it; it seeds the random inputs.
    source : str
    points : float
        The points of the cell.
    before : str
        The course's statements that it needs: imports, helpers, definitions of earlier tests.
    allowed, shares_generators, learns, learns_names
        As in `TestPlan`.
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
        """The text that runs: the statements that the test needs, and the test."""
        return f"{self.before}\n{self.source}" if self.before else self.source

    #: Not a class of tests, whatever its name says.
    __test__ = False


@dataclass(frozen=True)
class Verdict:
    """The result of a test.

    Parameters
    ----------
    mark : float
        Points won, from 0 to those of the test.
    reason : str
        Why points were lost, for the student; empty if none were.
    printed : str
        The test's output: the checks that passed.
    fault : str
        What is wrong with the test itself, for the instructor; then the mark means nothing.
    lost : bool
        Whether the kernel was lost during the test.
    seconds : float
        How long the test took.
    did : tuple of str
        The operations that were recorded, if the test's plan says `learns`.
    mistake, sentence : str
        The name of the known mistake that the answer behaves like, and the sentence for its
        student; empty if it is like none.
    behaviour : str
        If marks were lost, a digest of the answer's results on inputs that are the same for every
        student: equal digests mean equal behaviour. Empty if it is not known.
    stopped_at : int
        The line of the test cell at which it stopped; 0 if it did not stop, or not in its own code.
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
    """A known wrong answer."""

    @property
    def name(self) -> str:
        """The course's name for it."""

    @property
    def sentence(self) -> str:
        """The explanation for a student who made it."""


#: Takes an exercise and its answers by name; returns the known mistake that they behave like.
Diagnose = Callable[[str, Mapping[str, Any]], Mistake | None]


class Causes(Protocol):
    """Explanations from the cells that failed before a test, such as `Failures`."""

    def explain(self, exercise: str, names: Sequence[str]) -> str:
        """Return why names that the test needs are not defined; empty if not known."""

    def mention(self, exercise: str, reason: str) -> str:
        """Return a further explanation to follow a reason; often empty."""


class _TestFault(Exception):
    """Something is wrong with the test, regardless of the answer."""


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
    line : KernelChannel
        The channel to the answer's kernel. It cannot be used again.
    diagnose : callable, optional
        Is called for an answer that lost marks. The mistake that it finds is explained to the
        student, and changes no mark.
    causes : Causes, optional
        Explains why an answer is not defined, and other losses of marks.

    Notes
    -----
    The test draws its random inputs from `nbjudge.seeds`, which the caller seeds. Switches of this
    process that the test changes are restored.

    The answer runs with the switches of a new process. If it loses marks, and its notebook has
    changed a switch that can be the reason (PyTorch's default dtype, say), it runs again with the
    notebook's own switches, and the better verdict counts. So an answer is right if it works with
    either.
    """
    line.permissions = Permissions(test.allowed, learns=test.learns)
    with switches.keep_switches():
        verdict = _judge_once(test, line, diagnose, causes)
        if verdict.reason and line.has_switched():
            second = line.again()
            again = _judge_once(test, second, diagnose, causes, own=True)
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
    except (KeyboardInterrupt, GeneratorExit):  # meant for the grader, not raised by the test
        raise
    # `pytest.raises` fails with an exception that is no `Exception`.
    except BaseException as error:
        if _is_out_of_memory(error) and line.broken is None:
            line.broken = CourseError("examining what it gave takes more memory than a test may")
        if is_tests_own(error):
            fault = f"{type(error).__name__}: {error}"
        reason = _reason_of_failure(error, test)
        stopped_at = line_of_test(reversed([*traceback.walk_tb(error.__traceback__)]))
        is_answered = not is_unanswered(error)
        if isinstance(error, _Undefined):
            undefined = error.missing
    stopped = line.broken
    line.settle()
    if fault := line.fault or fault:
        mark, reason = 0.0, ""
    elif stopped is not None:
        # Without a kernel there is no mark, even if the test has caught the error.
        mark, reason = 0.0, _reason_of_failure(stopped, test)
    elif mark < test.points and not reason:
        reason = missing or f"✗ Exercise {test.exercise}: {mark:g} of {test.points:g} points."
    if causes and undefined and not fault:
        reason = causes.explain(test.exercise, undefined) or reason
    elif causes and reason and line.broken is None:
        reason += causes.mention(test.exercise, reason)
    held = printed.getvalue()
    if missing:
        held = held.partition(missing)[0]  # the output ends with the reason, which is shown already
    mistake = None
    if diagnose and reason and is_answered and line.broken is None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                mistake = diagnose(test.exercise, answers)
            # A diagnosis changes no mark, so an error in it must not cost one.
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
        # The line of a fault counts even if the test caught the exception and went on.
        stopped_at=line.fault_line or stopped_at,
    )


def _is_out_of_memory(error: BaseException) -> bool:
    """Return whether this process, rather than the answer's, ran out of memory."""
    if isinstance(error, AnswerError):
        return False
    # PyTorch raises a RuntimeError with this message.
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _run_test(
    test: Test, line: KernelChannel, answers: dict[str, Any], own: bool
) -> tuple[float, str]:
    """Run a test to its end, and add the answers that it uses to `answers`.

    Return its mark and, if it has parts, why points of some parts are missing.
    """
    try:
        names = free_names(test.text)
        # IPython's own names are not requested: `get_ipython()` would run in the kernel, and could
        # see the text of the test.
        asked = sorted({*names, *early_names(test.text)} - AT_A_PROMPT)
        body, last = compile_test(test.source, f"{TEST_PREFIX}{test.exercise}>")
        before = compile_statements(test.before, f"{BEFORE_PREFIX}{test.exercise}>")
    except (SyntaxError, ValueError) as error:
        raise _TestFault(f"it is no Python: {error}") from error
    seeds.reset(seeds.number(test.exercise))
    # The kernel gets another seed, so that the test's inputs cannot be computed from it.
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
        except AnswerError:  # raised first, since one can be a NameError, too
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
    """Run codes in turn, in an event loop if one of them awaits; return the last one's value."""
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
    """Return the notebook's variables that the test changes in the kernel, too."""
    if not test.learns_names:
        return line.permissions.shared_names
    told = line.ask("names")
    names = names_changed(test.source).intersection(told if type(told) is list else ())
    line.permissions.share(names)
    return names


@contextlib.contextmanager
def _keep_printed(line: KernelChannel, printed: io.StringIO) -> Iterator[None]:
    """Collect the test's output in `printed`, and tell the channel about its streams."""
    errors = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        line.streams = printed, errors
        yield


@contextlib.contextmanager
def _main_module(names: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the namespace of a temporary `__main__` module, in which a notebook's cells run."""
    module = ModuleType("__main__")
    vars(module).update(names)
    usual = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        yield vars(module)
    finally:
        sys.modules["__main__"] = usual


def _mark_meant(result: Any, points: float) -> float:
    """Return the mark for a test's last value: by nbgrader's rule, a number is a partial mark."""
    if not isinstance(result, int | float) or isinstance(result, bool):
        return points
    try:
        mark = float(repr(result))  # nbgrader reads the repr, which is no number for NumPy's types
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
    """Return a text that is safe to show: cut, and without control characters but line breaks."""
    kept = "".join(c if c.isprintable() or c == "\n" else "�" for c in text[: most + 1])
    return kept if len(kept) <= most else f"{kept[:most]}…"
