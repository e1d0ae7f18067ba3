"""Examinations of part 1.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import probes
from course_utils.reference import segmentation as reference
from course_utils.reference.examine.examination import check_unchanged, close, examination

__all__ = ["generalised_dice_loss", "generalised_dice_present", "one_hot_encode"]


@examination("1.5.1")
def one_hot_encode(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `one_hot_encode` on masks of several shapes, with classes present and absent."""
    for shape, present, classes in (
        ((6, 9), (0, 1, 2, 3), 4),
        ((5, 3), (0, 2, 3), 7),  # one label is missing between others, and some are above them
        ((1, 8), (0, 1), 3),
        ((4, 4), (0,), 4),
    ):
        mask = rng.choice(present, size=shape)
        for labels in (mask, mask.astype(np.uint8)):
            what = f"a mask of shape {shape} and {labels.dtype} with {classes} classes"
            masks, after = probes.call(answer, labels, classes)
            close(masks, reference.one_hot_encode(labels, classes), what=what, dtype="number")
            check_unchanged(after, (labels, classes), what=what)


@examination("1.5.2")
def generalised_dice_loss(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `generalised_dice_loss` on hard and soft predictions, with absent classes."""
    half = {"epsilon": 0.5}
    for what, truth, prediction, settings in (
        ("all classes present", _masks(rng, 0, 1, 2), _masks(rng, 0, 1, 2), {}),
        ("a soft prediction", _masks(rng, 0, 1, 2), _soft(rng, 3), {}),
        (
            "floats",
            _masks(rng, 0, 1, 2, 3).astype(float),
            _masks(rng, 3, 2, 1, 0).astype(float),
            {},
        ),
        ("a class absent from both", _masks(rng, 0, 1, 3), _masks(rng, 0, 3, 1), half),
        ("a class only predicted", _masks(rng, 0, 2, 3), _masks(rng, 0, 1, 2, 3), {}),
        ("a class never predicted", _masks(rng, 0, 1, 2, 3), _masks(rng, 0, 1, 3), {}),
        ("absent classes, soft", _masks(rng, 0, 3, classes=5), _soft(rng, 5), {}),
        ("another epsilon", _masks(rng, 0, 2, 3), _masks(rng, 0, 1, 2, 3), half),
        ("two classes", _masks(rng, 1, 0), _masks(rng, 0, 1), {}),
        ("classes of many pixels", _large(_masks(rng, 0, 1, 2)), _large(_soft(rng, 3)), {}),
    ):
        _compare_losses(answer, truth, prediction, settings, what=what)
    truth = _masks(rng, 0, 2, 3)
    _compare_losses(answer, truth, truth, {}, what="a perfect match")
    _compare_losses(answer, truth, 0 * truth, {}, what="a prediction of nothing")


@examination("1.5.2")
def generalised_dice_present(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine the values of `generalised_dice_loss` if no class is absent from the truth."""
    cases = {
        "all classes present": (_masks(rng, 0, 1, 2), _masks(rng, 0, 1, 2)),
        "a soft prediction": (_masks(rng, 0, 1, 2), _soft(rng, 3)),
        "a class never predicted": (_masks(rng, 0, 1, 2, 3), _masks(rng, 0, 1, 3)),
        "two classes": (_masks(rng, 1, 0), _masks(rng, 0, 1)),
    }
    values, _ = probes.call_many(answer, list(cases.values()))
    for (what, arguments), value in zip(cases.items(), values, strict=True):
        _examine_value(value, reference.generalised_dice_loss(*arguments), what=what)
    # A large epsilon reveals an answer that adds it to the sizes of all classes.
    large = {"epsilon": 40.0}
    for what, prediction in (("hard", _masks(rng, 0, 1, 2)), ("soft", _soft(rng, 3))):
        truth = _masks(rng, 2, 1, 0)
        value, _ = probes.call(answer, truth, prediction, **large)
        right = reference.generalised_dice_loss(truth, prediction)
        _examine_value(value, right, what=f"a {what} prediction, a large epsilon")


def _compare_losses(
    answer: Callable[..., Any],
    truth: NDArray[Any],
    prediction: NDArray[Any],
    settings: dict[str, float],
    *,
    what: str,
) -> None:
    right = reference.generalised_dice_loss(truth, prediction, **settings)
    value, after = probes.call(answer, truth, prediction, **settings)
    _examine_value(value, right, what=what)
    check_unchanged(after, (truth, prediction), what=what)


def _examine_value(value: Any, right: float, *, what: str) -> None:
    # Wide enough for an answer that computes in single precision.
    close(value, right, what=what, rtol=1e-5, atol=1e-6)


def _masks(rng: np.random.Generator, *present: int, classes: int = 0) -> NDArray[np.int64]:
    """Draw masks (classes, 7, 10) in which each class present gets two thirds of the pixels left.

    The sizes of the classes differ so much because the weights depend on them.
    """
    ends = np.rint(70 * (1 - 3.0 ** -np.arange(1, len(present))))
    ranks = np.searchsorted(ends, np.arange(70), side="right")
    labels = rng.permutation(np.array(present)[ranks]).reshape(7, 10)
    return reference.one_hot_encode(labels, classes or max(present) + 1)


def _large(classes: NDArray[Any]) -> NDArray[Any]:
    """Repeat an image ten times in both directions."""
    return np.tile(classes, (1, 10, 10))


def _soft(rng: np.random.Generator, classes: int) -> NDArray[np.float64]:
    scores = np.exp(rng.normal(size=(classes, 7, 10)))
    return np.asarray(scores / scores.sum(axis=0))
