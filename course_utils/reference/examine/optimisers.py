"""Examinations of parts 1.1 to 1.3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from course_utils import probes
from course_utils.landscapes import Optimiser
from course_utils.reference import optimisers as reference
from course_utils.reference.examine.examination import (
    check_unchanged,
    close,
    copy_or_kind,
    examination,
    true,
)
from nbjudge import checks as check
from nbjudge.remote import Remote

__all__ = [
    "calculate_gradient",
    "gradient_descent",
    "loss",
    "minimum",
    "momentum",
    "momentum_first_step",
    "rmsprop",
    "rmsprop_first_step",
]

#: The weights and gradients of each step, and the index of the optimiser that takes it.
StepInputs = tuple[Sequence[Any], Sequence[int]]

MOMENTUM_SETTINGS = [
    {"learning_rate": rate, "beta": beta} for rate, beta in ((0.003, 0.9), (0.5, 0.25), (0.1, 0.0))
]
RMSPROP_SETTINGS: list[dict[str, float]] = [
    {"learning_rate": 0.5, "beta": 0.9},
    {"learning_rate": 0.05, "beta": 0.3, "epsilon": 0.25},
    {"learning_rate": 0.05, "beta": 0.99, "epsilon": 1e-8},
]
#: The kinds of weights and gradients that optimisers get, each made from an array.
AS_KIND: dict[str, Callable[[Any], Any]] = {
    "with numbers": lambda values: float(values.flat[0]),
    "with arrays": lambda values: values,
    "with float32 tensors": lambda values: torch.tensor(values, dtype=torch.float32),
    "with float64 tensors": torch.tensor,
}
SHAPES = ((3, 4), (1, 3)) * 2  # shapes of the weights and their gradients
#: The sizes of gradients in consecutive steps, which real descents meet as well.
SIZES = np.geomspace(1e-2, 3e3, 12)


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
        # Roughly right values come from a numerical search; how far off they are does not matter.
        close(given[name], value, what=f"{name}, roughly", atol=0.3, rtol=0.0)
    for name, value in right.items():
        exact = check.difference(given[name], value, atol=1e-6, rtol=1e-6) is None
        true(exact, what=name, problem="it is near the right value, but not within 1e-6 of it")


@examination("1.1.4")
def gradient_descent(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine `GradientDescent` over many steps."""
    cases = [{"learning_rate": rate} for rate in (0.003, 1.7)]
    _examine_optimisers(rng, answer, reference.GradientDescent, cases)


@examination("1.2.1")
def momentum(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine `Momentum` over many steps."""
    _examine_optimisers(rng, answer, reference.Momentum, MOMENTUM_SETTINGS)


@examination("1.2.1")
def momentum_first_step(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine only the weights after the first step of `Momentum`."""
    _examine_first_steps(rng, answer, reference.Momentum, MOMENTUM_SETTINGS)


@examination("1.3.1")
def rmsprop(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine `RMSProp` over many steps, with ε at its default, large, and small."""
    _examine_optimisers(rng, answer, reference.RMSProp, RMSPROP_SETTINGS)


@examination("1.3.1")
def rmsprop_first_step(rng: np.random.Generator, answer: Callable[..., Optimiser]) -> None:
    """Examine only the weights after the first step of `RMSProp`."""
    _examine_first_steps(rng, answer, reference.RMSProp, RMSPROP_SETTINGS)


def _examine_function(
    rng: np.random.Generator,
    answer: Callable[..., Any],
    right: Callable[..., Any],
    what: str,
    names: tuple[str, ...],
) -> None:
    single = rng.normal(scale=3, size=(4, 2)).tolist()
    points = tuple(rng.normal(scale=3, size=(2, 30)))
    grid = tuple(np.meshgrid(rng.normal(size=4), rng.normal(size=3)))
    results, _ = probes.call_many(answer, single)
    for arguments, result in zip(single, results, strict=True):
        close(result, right(*arguments), what=f"{what} at one point", names=names)
    for arrays, place in ((points, "at many points at once"), (grid, "on a grid")):
        result, after = probes.call(answer, *arrays)
        close(result, right(*arrays), what=f"{what} {place}", names=names)
        check_unchanged(after, arrays, what=what)


def _examine_optimisers(
    rng: np.random.Generator,
    answer: Callable[..., Optimiser],
    right: Callable[..., Optimiser],
    cases: Sequence[dict[str, float]],
) -> None:
    """Examine optimisers with several settings, each given in the order of the signature."""
    if not _keeps_to_itself(rng, answer, cases[0]):
        return  # with shared state, further results depend on everything that ran before
    for settings in cases:
        _examine_optimiser(rng, answer, right, settings)
    # Both are made before either takes a step, so each must keep its own settings. Small gradients
    # reveal the place of ε; weights of 0 leave only the step in the result.
    theirs, ours = (
        [make(*settings.values()) for settings in cases[:2]] for make in (answer, right)
    )
    for i, which in enumerate(("first", "second")):
        gradients = rng.uniform(1e-3, 3e-3, size=2).tolist()
        close(
            theirs[i](0.0, 0.0, *gradients),
            ours[i](0.0, 0.0, *gradients),
            what=f"a small step of the {which} of two optimisers with different settings",
            names=("w1", "w2"),
        )


def _examine_first_steps(
    rng: np.random.Generator,
    answer: Callable[..., Optimiser],
    right: Callable[..., Optimiser],
    cases: Sequence[dict[str, float]],
) -> None:
    """Examine the first steps of several optimisers of one class, each with other data types."""
    for settings in cases:
        inputs = [
            [convert(rng.normal(scale=2, size=shape)) for shape in SHAPES]
            for convert in AS_KIND.values()
        ]
        turns = range(len(AS_KIND))
        found = probes.optimiser_steps(answer, settings, inputs, list(turns))["results"]
        wanted = _steps(right, settings, inputs, turns)
        for i, kind in zip(turns, AS_KIND, strict=True):
            close(found[i], wanted[i], what=f"a first step {kind}", names=("w1", "w2"))


def _keeps_to_itself(
    rng: np.random.Generator, answer: Callable[..., Optimiser], settings: dict[str, float]
) -> bool:
    """Check that an optimiser's first step does not depend on others; return whether that holds."""
    first, other = rng.normal(scale=2, size=(2, 4)).tolist()

    runs = _runs_of_optimisers(
        answer, settings, [([other, first], [0, 1]), ([first], [0]), ([first], [0])]
    )
    after_another, alone, again = (copy_or_kind(run["results"][-1]) for run in runs)
    anew = check.difference(again, alone, rtol=1e-9) is None
    true(anew, what="the first step of a new optimiser", problem="it depends on earlier optimisers")
    apart = check.difference(after_another, alone, rtol=1e-9) is None
    true(
        apart,
        what="the first step of the second of two optimisers",
        problem="it depends on what the first one did",
    )
    return anew and apart


def _examine_optimiser(
    rng: np.random.Generator,
    answer: Callable[..., Optimiser],
    right: Callable[..., Optimiser],
    settings: dict[str, float],
) -> None:
    # (step, optimiser): the second of two optimisers takes steps 2 and 4 right after the first.
    in_turn = ((1, 0), (2, 0), (2, 1), (3, 0), (4, 0), (4, 1), (5, 0))
    # By kind of data: the order of steps, and the inputs of each. The weights are unrelated from
    # step to step, as an optimiser's state must not depend on them.
    walks: dict[str, tuple[Sequence[tuple[int, int]], dict[int, list[Any]]]] = {}
    for kind, convert in AS_KIND.items():
        given = {
            number: [convert(rng.normal(scale=2, size=shape)) for shape in SHAPES]
            for number in range(1, 6)
        }
        walks[kind] = (in_turn, given)
    given = {
        number: [rng.normal(scale=size, size=shape) for shape in SHAPES]
        for number, size in enumerate(rng.permutation(SIZES), start=1)
    }
    walks["with arrays of all sizes"] = ([(number, 0) for number in given], given)
    jobs = [
        ([given[number] for number, _ in order], [who for _, who in order])
        for order, given in walks.values()
    ]
    runs = _runs_of_optimisers(answer, settings, jobs)
    for (kind, (order, _)), (inputs, turns), run in zip(walks.items(), jobs, runs, strict=True):
        wanted = _steps(right, settings, inputs, turns)
        for i, (number, other) in enumerate(order):
            what = f"step {number} {kind}"
            if other:
                what += ", by a second optimiser made from the same class"
            close(run["results"][i], wanted[i], what=what, names=("w1", "w2"))
            check_unchanged(run["after"].get(i, inputs[i]), inputs[i], what=what)
            true(
                check.difference(run["later"].get(i, run["results"][i]), wanted[i]) is None,
                what=what,
                problem="a later step changes the weights that it returned",
            )


def _steps(
    right: Callable[..., Optimiser],
    settings: dict[str, float],
    inputs: Sequence[Sequence[Any]],
    turns: Sequence[int],
) -> list[Any]:
    """Return the results of steps that optimisers of the reference take in turn."""
    made = [right(**settings) for _ in range(max(turns) + 1)]
    return [made[who](*arguments) for who, arguments in zip(turns, inputs, strict=True)]


def _runs_of_optimisers(
    answer: Any, settings: dict[str, float], jobs: Sequence[StepInputs]
) -> Iterator[dict[str, Any]]:
    """Yield what `probes.optimiser_steps` returns for each list of inputs.

    An answer in another process gets all lists in one request, and again only the first at which it
    fails.
    """
    is_elsewhere = isinstance(answer, Remote)
    runs = probes.optimiser_runs(answer, settings, jobs) if is_elsewhere else []
    yield from runs
    for inputs, turns in jobs[len(runs) :]:
        yield probes.optimiser_steps(answer, settings, inputs, turns)
