"""Examinations of part 1.1 to 1.3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from course_utils import checks as check
from course_utils import probes
from course_utils.reference import optimisers as reference
from course_utils.reference.examine.frame import close, examination, true, unchanged

__all__ = [
    "calculate_gradient",
    "gradient_descent",
    "loss",
    "minimum",
    "momentum",
    "rmsprop",
]

Optimiser = Callable[[Any, Any, Any, Any], Any]


@examination("1.1.1")
def loss(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `loss` on scalars, arrays and a grid."""
    _examine_function(rng, answer, reference.loss, "the cost", names=())


@examination("1.1.2")
def calculate_gradient(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `calculate_gradient` on scalars, arrays and a grid."""
    names = ("grad_w1", "grad_w2")
    _examine_function(rng, answer, reference.calculate_gradient, "the gradient", names=names)


@examination("1.1.3")
def minimum(_: np.random.Generator, w1_min: Any, w2_min: Any, loss_min: Any) -> None:
    """Examine the three numbers of the analytic minimum."""
    right = {"w1_min": reference.w1_min, "w2_min": reference.w2_min, "loss_min": reference.loss_min}
    given = {"w1_min": w1_min, "w2_min": w2_min, "loss_min": loss_min}
    for name, value in right.items():
        close(given[name], value, what=name, atol=1e-6, rtol=1e-6)


@examination("1.1.4")
def gradient_descent(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine `GradientDescent` over many steps."""
    for rate in (0.003, 0.7):
        _examine_optimiser(rng, answer, reference.GradientDescent, {"learning_rate": rate})


@examination("1.2.1")
def momentum(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine `Momentum` over many steps."""
    for rate, beta in ((0.003, 0.9), (0.5, 0.25), (0.1, 0.0)):
        settings = {"learning_rate": rate, "beta": beta}
        _examine_optimiser(rng, answer, reference.Momentum, settings)


@examination("1.3.1")
def rmsprop(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine `RMSProp` over many steps, with ε as given by default, large, and small."""
    cases: tuple[dict[str, float], ...] = (
        {"learning_rate": 0.5, "beta": 0.9},
        {"learning_rate": 0.05, "beta": 0.3, "epsilon": 0.25},
        {"learning_rate": 0.05, "beta": 0.99, "epsilon": 1e-8},
    )
    for settings in cases:
        _examine_optimiser(rng, answer, reference.RMSProp, settings)
    small = 1e-3  # where the gradient is small, it shows where ε stands
    step, right_step = answer(0.5, 0.9), reference.RMSProp(0.5, 0.9)
    arguments = (1.0, 2.0, small, -2 * small)
    close(
        step(*arguments),
        right_step(*arguments),
        what="one step where the gradient is tiny",
        names=("w1", "w2"),
    )


def _examine_function(
    rng: np.random.Generator,
    answer: Callable[..., Any],
    right: Callable[..., Any],
    what: str,
    names: tuple[str, ...],
) -> None:
    single = rng.normal(scale=3, size=(4, 2)).tolist()
    points = tuple(rng.normal(scale=3, size=(2, 30)))
    grid = np.meshgrid(rng.normal(size=4), rng.normal(size=3))
    places = ["at one point"] * len(single) + ["at many points at once", "on a grid"]
    inputs = [*single, points, grid]
    results, _ = probes.call_many(answer, inputs)
    for arguments, result, place in zip(inputs, results, places, strict=True):
        close(result, right(*arguments), what=f"{what} {place}", names=names)
    _, after = probes.call(answer, *points)
    unchanged(after, points, what=what)


def _examine_optimiser(
    rng: np.random.Generator,
    answer: Callable[..., Optimiser],
    right: Callable[..., Optimiser],
    settings: dict[str, float],
) -> None:
    kinds: dict[str, Callable[[Any], Any]] = {
        "with numbers": lambda values: float(values.flat[0]),
        "with arrays": lambda values: values,
        "with float32 tensors": lambda values: torch.tensor(values, dtype=torch.float32),
        "with float64 tensors": torch.tensor,
    }
    # Of two optimisers made from one class, the second takes steps 2 and 4 right after the first.
    order = ((1, 0), (2, 0), (2, 1), (3, 0), (4, 0), (4, 1), (5, 0))
    turns = [who for _, who in order]
    for kind, convert in kinds.items():
        # Any weights at all: what an optimiser remembers must not depend on them.
        given = {
            number: [convert(rng.normal(scale=2, size=shape)) for shape in ((3, 4), (1, 3)) * 2]
            for number in range(1, 6)
        }
        inputs = [given[number] for number, _ in order]
        run, wanted = (
            probes.optimiser_steps(each, settings, inputs, turns) for each in (answer, right)
        )
        for i, (number, other) in enumerate(order):
            what = f"step {number} {kind}"
            if other:
                what += ", by a second optimiser made from the same class"
            close(run["results"][i], wanted["results"][i], what=what, names=("w1", "w2"))
            unchanged(run["after"][i], inputs[i], what=what)
            true(
                check.difference(run["later"][i], wanted["results"][i]) is None,
                what=what,
                problem="a later step changes the weights that it returned",
            )
