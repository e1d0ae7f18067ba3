"""Cost functions of two weights to try optimisers on: a bowl, a valley, and two basins.

Each landscape has a cost with its gradient, a starting point, and the region to draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Landscape", "arrival", "bowl", "two_basins", "valley", "walk"]

Optimiser = Callable[[Any, Any, Any, Any], tuple[Any, Any]]
Range = tuple[float, float]

FAR = 1e6
"""A walk is ended when a weight is larger than this: it will not come back."""


@dataclass(frozen=True)
class Landscape:
    """A cost of two weights, and how to look at it.

    Attributes
    ----------
    cost : callable
        ``cost(w1, w2)``, elementwise.
    gradient : callable
        ``gradient(w1, w2) -> (grad_w1, grad_w2)``, elementwise.
    start, minimum : (float, float)
        Where walks begin, and the lowest point.
    w1_range, w2_range : (float, float)
        The region to draw.
    """

    cost: Callable[[Any, Any], Any]
    gradient: Callable[[Any, Any], tuple[Any, Any]]
    start: tuple[float, float]
    minimum: tuple[float, float]
    w1_range: Range
    w2_range: Range


def bowl(ratio: float) -> Landscape:
    """Return ½ (ratio · w1² + w2²), whose curvatures are `ratio` along w1, and 1 along w2."""
    return Landscape(
        cost=lambda w1, w2: (ratio * w1**2 + w2**2) / 2,
        gradient=lambda w1, w2: (ratio * w1, w2),
        start=(-4.0, 4.0),
        minimum=(0.0, 0.0),
        w1_range=(-5.0, 5.0),
        w2_range=(-5.0, 5.0),
    )


def valley() -> Landscape:
    """Return Rosenbrock's bent valley, (1 − w1)² + 5 (w2 − w1²)²: steep across, flat along."""
    return Landscape(
        cost=lambda w1, w2: (1 - w1) ** 2 + 5 * (w2 - w1**2) ** 2,
        gradient=lambda w1, w2: (
            -2 * (1 - w1) - 20 * w1 * (w2 - w1**2),
            10 * (w2 - w1**2),
        ),
        start=(-1.5, 0.5),
        minimum=(1.0, 1.0),
        w1_range=(-2.0, 2.0),
        w2_range=(-1.0, 3.0),
    )


def two_basins() -> Landscape:
    """Return (w1² − 4)² / 8 + w1 / 2 + w2²: a poor basin near w1 = 2, the deep one near −2."""
    return Landscape(
        cost=lambda w1, w2: (w1**2 - 4) ** 2 / 8 + w1 / 2 + w2**2,
        gradient=lambda w1, w2: (w1 * (w1**2 - 4) / 2 + 0.5, 2 * w2),
        start=(3.5, 2.5),
        minimum=(-2.1149, 0.0),
        w1_range=(-4.0, 4.0),
        w2_range=(-4.0, 4.0),
    )


def walk(
    landscape: Landscape,
    optimiser: Optimiser,
    updates: int,
    *,
    noise: float = 0.0,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Run an optimiser from the landscape's start, and return its path.

    Parameters
    ----------
    landscape : Landscape
    optimiser : callable
        ``(w1, w2, w1_grad, w2_grad) -> (w1, w2)``, which has taken no step yet.
    updates : int
    noise : float
        The standard deviation of the noise that is added to each part of the gradient, like that of
        a small random batch. 0 is the exact gradient.
    seed : int
        The seed of that noise.

    Returns
    -------
    float64 ndarray (updates + 1, 2)
        The weights before the first update and after each; fewer if the walk runs away.
    """
    shakes = noise * np.random.default_rng(seed).normal(size=(updates, 2))
    w1, w2 = landscape.start
    path = [(w1, w2)]
    for shake in shakes.tolist():
        slopes = landscape.gradient(w1, w2)
        w1, w2 = optimiser(w1, w2, slopes[0] + shake[0], slopes[1] + shake[1])
        path.append((w1, w2))
        if not max(abs(w1), abs(w2)) < FAR:
            break
    return np.array(path, dtype=np.float64)


def arrival(landscape: Landscape, path: NDArray[np.float64], share: float = 1e-4) -> int | None:
    """Return the number of updates after which a walk has arrived; None if it has not.

    It has arrived when the cost above the minimum is at most `share` of what it was at the start,
    and stays so for the next ten updates.
    """
    heights = landscape.cost(*path.T) - landscape.cost(*landscape.minimum)
    low = heights <= share * heights[0]
    stays = (n for n in range(len(low) - 10) if low[n : n + 11].all())
    return next(stays, None)
