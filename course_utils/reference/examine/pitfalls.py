"""Examinations of part 2.6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils import probes
from course_utils.reference import pitfalls as reference
from course_utils.reference.examine.examination import (
    check_unchanged,
    close,
    examination,
    normal,
    true,
)
from course_utils.reference.examine.siamese import points_in_pairs

__all__ = ["binary_loss", "pairwise_margin", "safe_distance", "soft_dice_loss"]


@examination("2.6a")
def binary_loss(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `binary_loss` on scores within ±10."""
    for shape in ((20,), (6, 1), (3, 4)):
        logits = torch.tensor(rng.uniform(-10, 10, size=shape), dtype=torch.float32)
        arguments = (logits, _zeros_and_ones(rng, *shape))
        # A sigmoid in float32 leaves few digits of 1 − p at a score of 10, so a sigmoid followed by
        # a cross-entropy of probabilities is right to 1e-3 only.
        what = f"scores of shape {shape}"
        _compare_with_gradients(answer, reference.binary_loss, arguments, what, rtol=1e-3)


@examination("2.6b")
def safe_distance(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `safe_distance` on rows that differ a little, a lot, and not at all."""
    for shape in ((7, 2), (3, 5), (1, 2)):
        a = normal(rng, *shape)
        b = a + normal(rng, *shape) * torch.linspace(0.03, 1.5, len(a)).unsqueeze(1)
        _compare_with_gradients(
            answer, reference.safe_distance, (a, b), f"rows of shape {shape}", wrt=(0, 1)
        )
        b = torch.cat([a[:1], b[1:]])
        _compare_with_gradients(
            answer, reference.safe_distance, (a, b), "a row equal to its partner", wrt=(0, 1)
        )


@examination("2.6c")
def pairwise_margin(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `pairwise_margin` on pairs within several margins, and beyond them."""
    for pairs, margin in ((9, 6.0), (5, 1.5)):
        # Right answers may differ in their gradient at D = 0, but it must exist.
        a, b, label = points_in_pairs(rng, pairs, nearest=0.05, farthest=1.5 * margin)
        what = f"{pairs} pairs, margin {margin}"
        _compare_with_gradients(
            answer, reference.pairwise_margin, (a, b, label, margin), what, wrt=(0, 1)
        )
    _, slopes = probes.gradient(answer, a, a.clone(), label, margin, wrt=(0, 1))
    true(
        all(part is None or bool(part.isfinite().all()) for part in slopes),
        what="the gradient where two points are the same",
        problem="it is not finite",
    )
    a, b = normal(rng, 1, 3), normal(rng, 1, 3)
    arguments = (a, b, torch.ones(1, 1), 8.0)
    _compare_with_gradients(
        answer, reference.pairwise_margin, arguments, "one pair in space", wrt=(0, 1)
    )


@examination("2.6d")
def soft_dice_loss(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `soft_dice_loss`: its values and its gradient."""
    for shape in ((5, 8), (30,), (2, 3, 4)):
        arguments = (2 * normal(rng, *shape), _zeros_and_ones(rng, *shape))
        _compare_with_gradients(
            answer, reference.soft_dice_loss, arguments, f"scores of shape {shape}"
        )


def _zeros_and_ones(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.integers(0, 2, size=shape), dtype=torch.float32)


def _compare_with_gradients(
    answer: Callable[..., Any],
    right: Callable[..., Any],
    arguments: tuple[Any, ...],
    what: str,
    *,
    wrt: Sequence[int] = (0,),
    rtol: float = 1e-5,
) -> None:
    """Compare values and gradients; both must be finite."""
    value, gradients = probes.gradient(answer, *arguments, wrt=wrt)
    wanted, wanted_gradients = probes.gradient(right, *arguments, wrt=wrt)
    close(value, wanted, what=what, rtol=rtol)
    true(
        all(part is not None for part in gradients),
        what=f"training with {what}",
        problem="no gradient arrives",
    )
    close(gradients, wanted_gradients, what=f"the gradient for {what}", rtol=1e-3)
    _, after = probes.call(answer, *arguments)
    check_unchanged(after, arguments, what=what)
