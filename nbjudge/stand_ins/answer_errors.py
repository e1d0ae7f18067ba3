"""The exceptions of a student's code, as a test can catch them: as what they are."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from nbjudge.remote import AnswerError, Remote

__all__ = ["answer_error"]

#: Characters of what a kernel tells of an exception.
MAX_ERROR_SAID = 2000
#: How many bases of an exception's class are looked at.
MAX_ERROR_BASES = 50
#: What Python raises for other reasons than an answer; who sees one takes it for that.
NO_ANSWERS = (KeyboardInterrupt, GeneratorExit)


def _kinds() -> dict[str, type[AnswerError]]:
    """Return, for each exception of Python's, one that is it and an answer's."""
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
            except TypeError:  # one that holds others
                continue
            found.setdefault(base.__name__, kind)
    return found


_BUILT_IN_ERRORS = _kinds()


def answer_error(details: Mapping[Any, Any]) -> AnswerError:
    """Return the exception that a kernel tells of.

    Parameters
    ----------
    details : mapping
        Whatever the kernel sent: each part is looked at.
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
