"""Right answers to part 1.5: one-hot coding, and the generalised dice loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["class_weights", "generalised_dice_loss", "one_hot_encode"]


def one_hot_encode(mask: NDArray[np.integer[Any]], num_classes: int) -> NDArray[np.int64]:
    """Turn a map of labels into one map of zeros and ones per class (exercise 1.5.1).

    Parameters
    ----------
    mask : integer ndarray (W, H)
        Labels from 0 to `num_classes` − 1.
    num_classes : int
        How many classes there are, those absent from `mask` included.

    Returns
    -------
    int64 ndarray (num_classes, W, H)
    """
    classes = np.arange(num_classes).reshape(num_classes, 1, 1)
    return np.asarray(mask == classes, dtype=np.int64)


def class_weights(truth: NDArray[Any], epsilon: float = 1e-5) -> NDArray[np.float64]:
    """Return each class's weight, 1 / (Σ y)², and `epsilon` for a class without pixels.

    Parameters
    ----------
    truth : ndarray (classes, W, H)
        Zeros and ones.
    epsilon : float
        The weight of an absent class.

    Returns
    -------
    float64 ndarray (classes,)
    """
    sizes = truth.sum(axis=(1, 2)).astype(np.float64)
    present = sizes > 0
    return np.where(present, 1 / np.where(present, sizes, 1) ** 2, epsilon)


def generalised_dice_loss(
    truth: NDArray[Any], prediction: NDArray[Any], epsilon: float = 1e-5
) -> float:
    """Return 1 − 2 Σ w Σ y ŷ / Σ w Σ (y + ŷ) (exercise 1.5.2).

    Parameters
    ----------
    truth : ndarray (classes, W, H)
        Zeros and ones.
    prediction : ndarray (classes, W, H)
        Zeros and ones, or soft predictions between them.
    epsilon : float
        The weight of a class that is absent from `truth`.

    Returns
    -------
    float
        0 for a perfect match, 1 for no overlap at all.

    Notes
    -----
    Sudre et al., 2017, "Generalised dice overlap as a deep learning loss function for highly
    unbalanced segmentations", equation 3, with w = 1 / (Σ y)².
    """
    weights = class_weights(truth, epsilon)
    overlap = (truth * prediction).sum(axis=(1, 2))
    total = (truth + prediction).sum(axis=(1, 2))
    return float(1 - 2 * (weights * overlap).sum() / (weights * total).sum())
