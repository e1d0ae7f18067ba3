"""Exceptions of a student's code, raised in the judge as classes that a test can catch."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from nbjudge.remote import AnswerError, Remote

__all__ = ["answer_error"]

#: Characters of each text that a kernel sends about an exception.
MAX_ERROR_SAID = 2000
#: Names of base classes that are looked up.
MAX_ERROR_BASES = 50
#: Exceptions that Python itself raises in the judge; one from an answer could be mistaken for them.
NO_ANSWERS = (KeyboardInterrupt, GeneratorExit)


def _kinds() -> dict[str, type[AnswerError]]:
    """Return for each builtin exception a class that extends both it and `AnswerError`."""
    found: dict[str, type[AnswerError]] = {}
    for name, base in vars(builtins).items():
        if (
            isinstance(base, type)
            and issubclass(base, BaseException)
            and not issubclass(base, NO_ANSWERS)
        ):
            kind = type(base.__name__, (AnswerError, base), {})
            try:
                kind(name)
            except TypeError:  # an exception group, whose constructor takes exceptions
                continue
            found.setdefault(base.__name__, kind)
    return found


_BUILT_IN_ERRORS = _kinds()


def answer_error(details: Mapping[Any, Any]) -> AnswerError:
    """Return the exception that a kernel has reported.

    Parameters
    ----------
    details : mapping
        The kernel's report. It is untrusted, so the type of each part is checked.
    """
    name, said, source = (
        str(details.get(part) or "")[:MAX_ERROR_SAID] for part in ("name", "said", "source")
    )
    line = details.get("line")
    bases = details.get("bases")
    named = [name, *(bases[:MAX_ERROR_BASES] if type(bases) is list else ["Exception"])]
    known = (
        _BUILT_IN_ERRORS[each] for each in named if type(each) is str and each in _BUILT_IN_ERRORS
    )
    kind = next(known, _BUILT_IN_ERRORS["Exception"])
    error = kind(name, said, line if type(line) is int else None, source)
    if isinstance(there := details.get("object"), Remote):
        error.there = there
    return error
