"""How checks and probes deal with an answer that lives in another process.

When a class is graded, a test runs in one process and the answer in another: the test holds a
`Remote` in the answer's place. In a notebook nothing is remote, and all of this stands aside.
"""

from __future__ import annotations

import functools
import linecache
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

__all__ = [
    "AnswerError",
    "Remote",
    "explain_to_student",
    "in_place",
    "in_words",
    "is_tests_own",
    "is_unanswered",
    "kind",
    "plain",
    "where",
]

P = ParamSpec("P")
R = TypeVar("R")


class Remote(ABC):
    """Stands for an object that lives in another process.

    A subclass lets it be called, indexed, iterated, measured with `len` and asked for attributes.
    """

    @abstractmethod
    def _probe_(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Run a probe where the object lives, and return what it returned."""

    @abstractmethod
    def _plain_(self) -> Any:
        """Return the object's data if its type extends a plain one; otherwise itself."""

    @abstractmethod
    def _kind_(self) -> str:
        """Return the name of its type."""


class AnswerError(BaseException):
    """An exception that an answer raised in another process.

    One that an `except Exception` is to catch is an `Exception`, too: `sys.exit()` raises none.

    Parameters
    ----------
    name, said : str
        The exception's type and message.
    line : int, optional
        The line of the student's cell that raised it, counted from 1.
    source : str
        That line.
    """

    def __init__(
        self, name: str, said: str = "", line: int | None = None, source: str = ""
    ) -> None:
        # Without the base class's own constructor: of some exceptions it wants other arguments.
        self.args = (said,) if said else ()
        self.name = name
        self.said = said
        self.line = line
        self.source = source
        #: Stands for the exception itself, where it lives.
        self.there: Remote | None = None

    @property
    def in_full(self) -> str:
        """What it is and says, as a traceback ends."""
        return f"{self.name}: {self.said}" if self.said else self.name

    def __str__(self) -> str:  # the subclass that is a KeyError would show quotation marks
        return self.said

    def __getattr__(self, name: str) -> Any:
        there = self.__dict__.get("there")
        if there is None or name.startswith("_"):
            raise AttributeError(name)
        return getattr(there, name)


def in_place(probe: Callable[P, R]) -> Callable[P, R]:
    """Let a probe run in the process where the answers among its arguments live."""

    @functools.wraps(probe)
    def run(*arguments: P.args, **keywords: P.kwargs) -> R:
        for value in (*arguments, *keywords.values()):
            if isinstance(value, Remote):
                found: R = value._probe_(probe.__name__, arguments, keywords)
                return found
        return probe(*arguments, **keywords)

    return run


def plain(value: Any) -> Any:
    """Return a remote object's data if its type extends a plain one (a named tuple, a parameter).

    Anything else is returned as it is.
    """
    return value._plain_() if isinstance(value, Remote) else value


def kind(value: Any) -> str:
    """Return the name of the type of `value`, wherever it lives."""
    return value._kind_() if isinstance(value, Remote) else type(value).__name__


def is_unanswered(error: BaseException) -> bool:
    """Say whether an exception means that there is no answer yet.

    A stub raises a bare `NotImplementedError`. One with a message is PyTorch's, about a dtype.
    """
    if isinstance(error, AnswerError):
        return error.name == "NotImplementedError" and not error.said
    return isinstance(error, NotImplementedError) and not error.args


def is_tests_own(error: BaseException) -> bool:
    """Say whether an exception means that a test cannot work, whatever the answer is.

    It uses a name that nobody defines, what a module of the course does not have (any more), or a
    `Remote` where Python wants the object itself.
    """
    if isinstance(error, AnswerError) or where(error)[0] is not None:
        return False
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return True
    if isinstance(error, TypeError | AttributeError):
        return any(kind.__name__ in str(error) for kind in Remote.__subclasses__())
    return isinstance(error, NameError | ImportError)


def in_words(error: BaseException) -> str:
    """Return what went wrong, with the line of the student's cell, as the end of a sentence."""
    if isinstance(error, AnswerError):
        said, line, source = error.in_full, error.line, error.source
    else:
        name = type(error).__name__
        said = f"{name}: {error}" if str(error) else name
        line, source = where(error)
    if line is None:
        return f"your answer could not be used: {said}"
    return f"your code stopped with {said}, at line {line} of its cell: `{source}`"


def explain_to_student(exercise: str, error: BaseException) -> str:
    """Return what a student is told of an exception that their answer to an exercise raised."""
    if is_unanswered(error):
        return f"✗ Exercise {exercise} has no answer yet."
    return f"✗ Exercise {exercise}: {in_words(error).removesuffix('.')}."


def where(error: BaseException) -> tuple[int | None, str]:
    """Return the last line of a notebook's cell that an exception passed, and its number."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel_" in frame.filename or frame.filename.startswith("<ipython-input"):
            source = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return frame.lineno, source
    return None, ""
