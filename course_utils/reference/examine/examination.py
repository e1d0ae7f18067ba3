"""What all examinations share: random inputs, checks, and the handling of exceptions.

An examination raises `CheckFailed` at the first difference. While it is being recorded, it
continues to its end instead, and leaves a trace: the result of each check. A diagnosis compares
traces.
"""

from __future__ import annotations

import functools
import itertools
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import course_utils
from nbjudge import checks as check
from nbjudge import seeds
from nbjudge.exceptions import CheckFailed, CourseError
from nbjudge.remote import AnswerError, explain_to_student, is_tests_own, kind, plain

__all__ = [
    "Seen",
    "Trace",
    "check_unchanged",
    "close",
    "copy_or_kind",
    "examination",
    "is_recording",
    "normal",
    "recording",
    "true",
]

#: The folder with the course's own code.
FOLDER_OF_COURSE = str(Path(course_utils.__file__).parent)
#: How many characters of an exception's message are compared.
MAX_ERROR = 200


@dataclass(frozen=True)
class Seen:
    """The result of one check of an examination, or the exception that ended it.

    Parameters
    ----------
    what : str
        The subject of the check, or "exception".
    held : bool
        Whether the check passed.
    found : object
        Plain data: the value that was compared, if the check failed; None for a failed `true`. For
        an exception, its type and its message.
    """

    what: str
    held: bool
    found: Any = None


Trace = list[Seen]


@dataclass
class _Recorder:
    until: Callable[[Trace], bool]
    trace: Trace = field(default_factory=list)

    def note(self, seen: Seen) -> None:
        self.trace.append(seen)
        if self.until(self.trace):
            raise _Enough


class _Enough(Exception):
    """Ends an examination whose trace is complete."""


_recorder: ContextVar[_Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording(until: Callable[[Trace], bool] = lambda _: False) -> Iterator[Trace]:
    """Make examinations in the block record their results instead of raising.

    Parameters
    ----------
    until : callable
        Called with the trace after each entry; the examination ends when it returns True.

    Yields
    ------
    list of Seen
        The trace, which grows with each check. An exception of the answer ends the examination, and
        is its last entry.
    """
    recorder = _Recorder(until)
    token = _recorder.set(recorder)
    try:
        yield recorder.trace
    finally:
        _recorder.reset(token)


def is_recording() -> bool:
    """Return whether examinations are being recorded."""
    return _recorder.get() is not None


def close(actual: Any, expected: Any, *, what: str, **how: Any) -> None:
    """Check like `checks.close`, but never show the expected value, and print nothing."""
    try:
        check.close(actual, expected, what=what, reveal=False, **how)
    except CheckFailed:
        if (recorder := _recorder.get()) is None:
            raise
        any_number = how.get("dtype") == "number"
        recorder.note(Seen(what, held=False, found=copy_or_kind(actual, expected, any_number)))
    else:
        _note_held(what)


def true(condition: object, *, what: str, problem: str, hint: str = "") -> None:
    """Check like `checks.true`, but print nothing."""
    try:
        check.true(condition, what=what, problem=problem, hint=hint, reveal=False)
    except CheckFailed:
        if (recorder := _recorder.get()) is None:
            raise
        recorder.note(Seen(what, held=False))
    else:
        _note_held(what)


def _note_held(what: str) -> None:
    if (recorder := _recorder.get()) is not None:
        recorder.note(Seen(what, held=True))


def copy_or_kind(value: Any, expected: Any = None, any_number: bool = False) -> Any:
    """Return a copy of plain data, or the name of the type of anything else.

    Differences that do not matter are removed. If several values are expected, their container does
    not matter: an array of two rows becomes a list of its rows. If any type of number is accepted,
    the dtype does not matter.

    Parameters
    ----------
    value : object
        The answer's result.
    expected : object
        The right result.
    any_number : bool
        Whether any real number type is accepted.
    """
    value = plain(value)
    wishes = expected if isinstance(expected, tuple | list) else None
    if isinstance(value, tuple | list) or (wishes is not None and _has_rows(value)):
        pairs = itertools.zip_longest(value, (wishes or ())[: len(value)])
        return [copy_or_kind(part, wish, any_number) for part, wish in pairs]
    if isinstance(value, Tensor):
        usual = value.layout == torch.strided and not (
            value.is_complex() or value.is_nested or value.is_quantized or value.is_meta
        )
        if not usual:
            return kind(value)
        copy = value.detach().clone()
        return copy.double() if any_number and copy.dtype != torch.bool else copy
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "biuf":
            return f"{kind(value)} of {value.dtype}"
        return np.array(value, np.float64 if any_number and value.dtype != bool else value.dtype)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return kind(value)


def _has_rows(value: Any) -> bool:
    return isinstance(value, np.ndarray | Tensor) and value.ndim > 0


def examination(exercise: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Turn a function ``(rng, *answers)`` into an examination; use this as a decorator.

    Parameters
    ----------
    exercise : str
        The number of the exercise, which seeds `rng`.

    Notes
    -----
    Exceptions of the student's code become a sentence with the line of their cell, so that feedback
    shows no line of the examination. Exceptions of the course's own code are passed on.
    """

    def decorate(examine: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(examine)
        def run(*answers: Any) -> None:
            __tracebackhide__ = True
            try:
                examine(seeds.generator(exercise), *answers)
            except _Enough:
                return
            except CourseError:
                raise
            except (Exception, AnswerError) as error:
                if is_tests_own(error) and _is_raised_here(error):
                    raise
                if (recorder := _recorder.get()) is not None:
                    recorder.trace.append(_exception(error, recorder.trace))
                    return
                problem = (
                    str(error)
                    if isinstance(error, CheckFailed)
                    else explain_to_student(exercise, error)
                )
            else:
                return
            raise CheckFailed(problem)

        return run

    return decorate


def _is_raised_here(error: BaseException) -> bool:
    """Return whether the course's code raised an exception, and not an answer in this process."""
    *_, (innermost, _) = traceback.walk_tb(error.__traceback__)
    return innermost.f_code.co_filename.startswith(FOLDER_OF_COURSE)


def _exception(error: BaseException, trace: Trace) -> Seen:
    """Return the trace's entry for an exception.

    After a failed check the examination itself may raise, for example because a list is too short.
    The message of that depends on the answer's process, so it is left out.
    """
    if isinstance(error, AnswerError):
        name, said = error.name, error.said
    else:
        name, said = type(error).__name__, str(error)
    told_apart = said[:MAX_ERROR] if all(seen.held for seen in trace) else ""
    return Seen("exception", held=False, found=[name, told_apart])


def normal(rng: np.random.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Draw a tensor of standard normal numbers."""
    return torch.tensor(rng.normal(size=shape), dtype=dtype)


def check_unchanged(after: Sequence[Any], before: Sequence[Any], *, what: str) -> None:
    """Check that a call has left its arguments as they were."""
    for now, then in zip(after, before, strict=True):
        same = check.difference(now, then, rtol=0.0) is None
        true(same, what=what, problem="it changes the arrays that it is given")
