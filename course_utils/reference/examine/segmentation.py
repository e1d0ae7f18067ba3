"""Examinations of part 1.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils import probes
from course_utils.reference import segmentation as reference
from course_utils.reference.examine.frame import close, examination, true, unchanged

__all__ = ["generalised_dice_loss", "one_hot_encode"]


@examination("1.5.1")
def one_hot_encode(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `one_hot_encode` on masks of several shapes, with classes present and absent."""
    for shape, present, classes in (((6, 9), 4, 4), ((5, 3), 3, 7), ((1, 8), 2, 3), ((4, 4), 1, 4)):
        mask = rng.integers(0, present, size=shape)
        what = f"a mask of shape {shape} with {classes} classes"
        for labels in (mask, mask.astype(np.uint8)):
            masks, after = probes.call(answer, labels, classes)
            close(masks, reference.one_hot_encode(labels, classes), what=what, dtype="number")
            unchanged(after, (labels, classes), what=what)


@examination("1.5.2")
def generalised_dice_loss(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `generalised_dice_loss` on hard and soft predictions, with absent classes."""

    def masks(present: int, classes: int, shape: tuple[int, int]) -> Any:
        return reference.one_hot_encode(rng.integers(0, present, size=shape), classes)

    def soft(classes: int, shape: tuple[int, int]) -> Any:
        scores = np.exp(rng.normal(size=(classes, *shape)))
        return scores / scores.sum(axis=0)

    shape = (7, 10)
    cases: tuple[tuple[str, Any, Any, dict[str, float]], ...] = (
        ("all classes present", masks(3, 3, shape), masks(3, 3, shape), {}),
        ("a soft prediction", masks(3, 3, shape), soft(3, shape), {}),
        ("floats", masks(4, 4, shape).astype(float), masks(4, 4, shape).astype(float), {}),
        ("a class absent from both", masks(3, 4, shape), masks(3, 4, shape), {}),
        ("a class only predicted", masks(3, 5, shape), masks(5, 5, shape), {}),
        ("absent classes, soft", masks(2, 5, shape), soft(5, shape), {}),
        ("another epsilon", masks(3, 5, shape), masks(5, 5, shape), {"epsilon": 0.05}),
        ("two classes", masks(2, 2, (3, 4)), masks(2, 2, (3, 4)), {}),
    )
    for what, truth, prediction, settings in cases:
        right = reference.generalised_dice_loss(truth, prediction, **settings)
        value, after = probes.call(answer, truth, prediction, **settings)
        close(value, right, what=what, rtol=1e-6)
        unchanged(after, (truth, prediction), what=what)
    truth = masks(3, 4, shape)
    close(answer(truth, truth), 0.0, what="a perfect match", atol=1e-6)
    true(
        np.isfinite(float(answer(truth, 0 * truth))),
        what="a prediction of nothing",
        problem="the loss is not finite",
    )
