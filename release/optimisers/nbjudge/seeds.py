"""Random numbers for tests: the same for one hand-in every time, and different for another.

A hidden test draws its inputs from `generator`. When a class is graded, the grader seeds it with
the assignment, the student, what was handed in and the course's secret, so that nobody can guess
the inputs or learn them from anybody's feedback. Anywhere else they depend on the exercise alone.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

__all__ = ["generator", "number", "reset", "seed_torch", "seed_within"]

_seed_parts: ContextVar[tuple[str, ...]] = ContextVar("seed_parts", default=())


@contextmanager
def seed_within(*seed_parts: str) -> Iterator[None]:
    """Let all generators made within depend on `seed_parts` (secret, hand-in, and so on)."""
    token = _seed_parts.set(seed_parts)
    try:
        yield
    finally:
        _seed_parts.reset(token)


def generator(exercise: str) -> np.random.Generator:
    """Return the generator of the random inputs of an exercise's tests.

    Parameters
    ----------
    exercise : str
        Its number: "1.2.1".
    """
    return np.random.default_rng(number(exercise))


def number(exercise: str) -> int:
    """Return the seed of an exercise, in [0, 2⁶³)."""
    digest = hashlib.sha256()
    for part in (*_seed_parts.get(), exercise):
        # The length keeps ("a", "bc") and ("ab", "c") apart.
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def reset(seed: int) -> None:
    """Seed the global generators of Python, NumPy and, if it has been imported, PyTorch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    seed_torch(seed)


def seed_torch(seed: int) -> None:
    """Seed PyTorch's global generator, if it has been imported."""
    if torch := sys.modules.get("torch"):
        # `torch.manual_seed` looks for devices of every kind, which takes a hundred times as long.
        torch.default_generator.manual_seed(seed)
