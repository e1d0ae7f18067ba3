"""What every examination has in common: its random inputs, and what becomes of an exception."""

from __future__ import annotations

import functools
import hashlib
import linecache
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils import checks as check
from course_utils import probes
from course_utils.exceptions import CheckFailed

__all__ = ["close", "examination", "normal", "true", "unchanged"]

# Hidden tests name no expected value, and print nothing when all is well.
close = functools.partial(check.close, reveal=False)
true = functools.partial(check.true, reveal=False)


def examination(exercise: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make an examination of a function ``(rng, *answers)``.

    Parameters
    ----------
    exercise : str
        The exercise's number, which seeds `rng`.

    Notes
    -----
    The student's own exceptions become a sentence with the line of their cell, so that no line of
    the examination stands in the feedback.
    """

    def decorate(examine: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(examine)
        def run(*answers: Any) -> None:
            __tracebackhide__ = True
            try:
                examine(_generator(exercise), *answers)
            except CheckFailed as failure:
                problem = str(failure)
            except Exception as error:
                # A stub raises it bare; with a message it is PyTorch's, about a wrong dtype.
                if isinstance(error, NotImplementedError) and not error.args:
                    problem = f"✗ Exercise {exercise} has no answer yet."
                else:
                    problem = f"✗ Exercise {exercise}: {_in_words(error)}."
            else:
                return
            raise CheckFailed(problem)

        return run

    return decorate


def normal(rng: np.random.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Draw a tensor of standard normal numbers."""
    return torch.tensor(rng.normal(size=shape), dtype=dtype)


def unchanged(function: Callable[..., Any], *arguments: Any, what: str) -> None:
    """Check that a call leaves its arguments as they were."""
    _, after = probes.call(function, *arguments)
    for before, now in zip(arguments, after, strict=True):
        same = check.difference(now, before, rtol=0.0) is None
        true(same, what=what, problem="it changes the arrays that it is given")


def _generator(exercise: str) -> np.random.Generator:
    digest = hashlib.sha256(exercise.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _in_words(error: Exception) -> str:
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if "ipykernel_" in frame.filename or frame.filename.startswith("<ipython-input"):
            line = linecache.getline(frame.filename, frame.lineno or 0).strip()
            return f"your code stopped with {said}, at line {frame.lineno} of its cell: `{line}`"
    return f"your answer could not be used: {said}"
