"""Support for checks and probes of an answer that lives in another process.

When a class is graded, a test runs in one process and the answer in another, and the test holds a
`Remote` in place of the answer. In a student's notebook nothing is remote, and these functions just
use the answer itself.
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
    """A proxy for an object in another process.

    A subclass can be called, indexed and iterated, and has the object's length and attributes.
    """

    @abstractmethod
    def _probe_(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Run a probe in the object's process, and return its result."""

    @abstractmethod
    def _plain_(self) -> Any:
        """Return the object's data if its type extends a plain one; otherwise this proxy."""

    @abstractmethod
    def _kind_(self) -> str:
        """Return the name of the object's type."""


class AnswerError(BaseException):
    """An exception that an answer raised in another process.

    The class that is raised also extends the nearest builtin base of the original exception. So
    `except Exception` catches it, unless the original is none, as that of `sys.exit()` is not.

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
        # The base class's constructor is not called: that of some exceptions needs other arguments.
        self.args = (said,) if said else ()
        self.name = name
        self.said = said
        self.line = line
        self.source = source
        #: A proxy for the exception in the answer's process.
        self.there: Remote | None = None

    @property
    def in_full(self) -> str:
        """The exception's type and message, as in the last line of a traceback."""
        return f"{self.name}: {self.said}" if self.said else self.name

    def __str__(self) -> str:  # that of KeyError would add quotation marks
        return self.said

    def __getattr__(self, name: str) -> Any:
        there = self.__dict__.get("there")
        if there is None or name.startswith("_"):
            raise AttributeError(name)
        return getattr(there, name)


def in_place(probe: Callable[P, R]) -> Callable[P, R]:
    """Decorate a probe to run in the process of the answer that it is given."""

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
    """Return the name of the type of `value`, which may be remote."""
    return value._kind_() if isinstance(value, Remote) else type(value).__name__


def is_unanswered(error: BaseException) -> bool:
    """Return whether an exception means that there is no answer yet.

    A stub raises `NotImplementedError` without a message. PyTorch raises it with one, for example
    about a dtype.
    """
    if isinstance(error, AnswerError):
        return error.name == "NotImplementedError" and not error.said
    return isinstance(error, NotImplementedError) and not error.args


def is_tests_own(error: BaseException) -> bool:
    """Return whether an exception means that the test itself is broken, whatever the answer is.

    For example, it uses a name that is not defined, an attribute that a module does not have, or a
    `Remote` where Python needs the object itself.
    """
    if isinstance(error, AnswerError) or where(error)[0] is not None:
        return False
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return True
    if isinstance(error, TypeError | AttributeError):
        return any(kind.__name__ in str(error) for kind in Remote.__subclasses__())
    return isinstance(error, NameError | ImportError)


def in_words(error: BaseException) -> str:
    """Return a clause that says what went wrong, and in which line of the student's cell."""
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
    """Return the message to a student about an exception that their answer raised."""
    if is_unanswered(error):
        return f"✗ Exercise {exercise} has no answer yet."
    return f"✗ Exercise {exercise}: {in_words(error).removesuffix('.')}."


def where(error: BaseException) -> tuple[int | None, str]:
    """Return the number and text of the innermost line of a notebook's cell in a traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel_" in frame.filename or frame.filename.startswith("<ipython-input"):
            source = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return frame.lineno, source
    return None, ""
