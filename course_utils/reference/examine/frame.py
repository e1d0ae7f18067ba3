"""What every examination has in common: its random inputs, and what becomes of an exception."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils import checks as check
from course_utils import seeds
from course_utils.exceptions import CheckFailed, CourseError
from course_utils.remote import told

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
    the examination stands in the feedback. Those of the course itself pass.
    """

    def decorate(examine: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(examine)
        def run(*answers: Any) -> None:
            __tracebackhide__ = True
            try:
                examine(seeds.generator(exercise), *answers)
            except CourseError:
                raise
            except CheckFailed as failure:
                problem = str(failure)
            except Exception as error:
                problem = told(exercise, error)
            else:
                return
            raise CheckFailed(problem)

        return run

    return decorate


def normal(rng: np.random.Generator, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Draw a tensor of standard normal numbers."""
    return torch.tensor(rng.normal(size=shape), dtype=dtype)


def unchanged(after: Sequence[Any], before: Sequence[Any], *, what: str) -> None:
    """Check that a call has left its arguments as they were."""
    for now, then in zip(after, before, strict=True):
        same = check.difference(now, then, rtol=0.0) is None
        true(same, what=what, problem="it changes the arrays that it is given")
