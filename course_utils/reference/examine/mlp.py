"""Examinations of part 1.4."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from course_utils import data, probes
from course_utils.reference import mlp as reference
from course_utils.reference.examine.examination import (
    check_unchanged,
    close,
    examination,
    normal,
    true,
)
from nbjudge.remote import kind, plain

__all__ = ["backward", "dataloader", "forward", "forward_shapes", "preterm_dataset", "train"]

#: W1, W2, X and y, with the shapes of exercise 1.4.3.
Network = tuple[Tensor, Tensor, Tensor, Tensor]

# Samples, features, hidden units. The first three are equal, so that factors in a wrong order give
# wrong values instead of an error.
SIZES = ((4, 4, 4), (5, 6, 4), (1, 6, 3))
#: The same for a network with confident predictions.
SURE = (5, 6, 13)
RATE = 0.1  # the learning rate of the first step in exercise 1.4.3c
LEARNING_RATE = 0.5  # the same for a network that learns all its samples


@examination("1.4.1")
def preterm_dataset(rng: np.random.Generator, answer: type[Any]) -> None:
    """Examine `PretermDataset` with other data in the place of the course's."""
    true(
        probes.is_a(answer, torch.utils.data.Dataset),
        what="the class",
        problem="PretermDataset is no subclass of torch.utils.data.Dataset",
    )
    first = int(rng.integers(2))
    for labels in (rng.integers(0, 2, size=7), rng.integers(0, 2, size=7).astype(np.float64)):
        labels[0], labels[6] = first, 1 - first
        X = rng.normal(size=(5, 7))
        dataset = probes.dataset_with(answer, X=X, y=labels)
        close(len(dataset), 7, what="the length, with 7 samples in self.y")
        for index in (0, 6, 3, 3):
            right = (
                torch.tensor(X[:, index], dtype=torch.float32),
                torch.tensor(labels[index], dtype=torch.float32),
            )
            item = plain(dataset[index])
            close(item, right, what=f"sample {index}", names=("x", "y"))
            if isinstance(item, tuple | list):
                _examine_item(item)
        close(dataset.X, X, what="self.X after reading samples", rtol=0.0)
    close(
        len(probes.dataset_with(answer, X=np.ones((4, 2)), y=np.ones(2))),
        2,
        what="the length, with 2 samples in self.y",
    )


def _examine_item(item: tuple[Any, ...] | list[Any]) -> None:
    for name, part, shape in zip(("x", "y"), item, ((5,), ()), strict=False):
        part = plain(part)
        fits = isinstance(part, Tensor) and part.dtype == torch.float32 and part.shape == shape
        # `what` says what it is instead, by which a diagnosis tells mistakes apart.
        true(
            fits,
            what=f"{name} of a sample, which is {_tensor_form(part)}",
            problem=f"it should be a float32 tensor of shape {shape}",
        )


def _tensor_form(part: Any) -> str:
    if not isinstance(part, Tensor):
        return f"of type {kind(part)}"
    return f"a tensor of dtype {str(part.dtype).removeprefix('torch.')} and shape {(*part.shape,)}"


@examination("1.4.2")
def dataloader(rng: np.random.Generator, batch_size: Any, dataloader: Any) -> None:
    """Examine `batch_size` and `dataloader`, and the same cell run with other data sets."""
    everybody = data.preterm_dataset()
    _examine_loader(batch_size, dataloader, everybody)
    fewer = TensorDataset(*(column[20:57] for column in everybody.tensors))
    # Only a larger data set reveals a batch size that is fixed at 101, the size of the course's.
    labels = torch.tensor(rng.integers(0, 2, size=130), dtype=torch.float32)
    more = TensorDataset(normal(rng, 130, everybody.tensors[0].shape[1]), labels)
    for dataset in (fewer, more):
        size, loader = probes.loader_with(dataloader, *dataset.tensors) or (None, None)
        true(
            loader is not None,
            what="batch_size and dataloader",
            problem="they are not set in your answer cell",
        )
        if loader is not None:
            _examine_loader(size, loader, dataset)


def _examine_loader(batch_size: Any, dataloader: Any, dataset: TensorDataset) -> None:
    number = len(dataset)
    close(batch_size, number, what=f"batch_size with a data set of {number} samples")
    epochs = [list(dataloader) for _ in range(3)]
    # Only whether any epoch is empty counts: which one depends on how often the loader was used.
    full = all(epochs)
    true(full, what="every epoch", problem="one has no batches, as if the loader were used up")
    if not full:
        return
    close(
        [len(batches) for batches in epochs], [1, 1, 1], what="the number of batches in each epoch"
    )
    orders = [_examine_batch(batches[0], dataset) for batches in epochs]
    true(
        tuple(range(number)) not in orders,
        what="the order of an epoch",
        problem="the samples come in the order of the data set",
    )
    true(len(set(orders)) == 3, what="the order", problem="it is the same in every epoch")


def _examine_batch(batch: Any, dataset: TensorDataset) -> tuple[int, ...]:
    """Examine an epoch's only batch, and return the index of each sample in the data set."""
    batch = plain(batch)
    is_pair = (
        isinstance(batch, tuple | list)
        and len(batch) == 2
        and all(isinstance(part, Tensor) for part in batch)
    )
    true(is_pair, what="the batch", problem="it is no pair of features and labels")
    if not is_pair:
        return ()
    X, y = dataset.tensors
    batch_X, batch_y = batch
    close(len(batch_X), len(X), what="the number of samples in the batch")
    fits = batch_X.shape == X.shape
    true(
        fits,
        what="the batch",
        problem=f"it has shape {tuple(batch_X.shape)}, and {tuple(X.shape)} was expected",
    )
    if not fits:
        return ()
    places = {row.tobytes(): place for place, row in enumerate(X.numpy())}
    order = [places.get(row.tobytes(), 0) for row in batch_X.detach().to(X.dtype).numpy()]
    complete = len(set(order)) == len(X) and torch.equal(batch_X, X[order])
    true(complete, what="an epoch", problem="it does not hold every sample exactly once")
    true(
        torch.equal(batch_y, y[order]),
        what="the labels of an epoch",
        problem="samples and labels no longer belong together",
    )
    return tuple(order)


def _network(rng: np.random.Generator, samples: int, features: int = 6, hidden: int = 4) -> Network:
    # Small weights keep predictions away from 0 and 1, where rounding errors dominate gradients.
    W1 = 0.5 * normal(rng, hidden, features)
    W2 = 0.25 * normal(rng, 1, hidden)
    X = normal(rng, samples, features)
    y = torch.tensor(rng.integers(0, 2, size=samples), dtype=torch.float32)
    return W1, W2, X, y


def _telling_network(rng: np.random.Generator, samples: int, features: int, hidden: int) -> Network:
    """Draw a network in which leaving out or replacing any function changes the result.

    Some hidden units are negative, and some are above 1. If there are several samples, scores have
    both signs, and both labels occur.
    """
    while True:
        W1, W2, X, y = network = _network(rng, samples, features, hidden)
        Z1, F1, _ = reference.forward(W1, W2, X)
        scores = W2 @ F1
        hidden_tells = Z1.min() < -0.1 and Z1.max() > 1.2
        both = samples == 1 or (scores.min() < -0.05 and scores.max() > 0.05 and 0 < y.mean() < 1)
        if hidden_tells and both:
            return network


def _sure_network(rng: np.random.Generator, *, scores: float) -> Network:
    """Draw a network with large hidden values, whose largest score is as given, and is wrong."""
    W1, W2, X, y = _telling_network(rng, *SURE)
    W1 = 10 * W1
    found = (W2 @ torch.relu(W1 @ X.T))[0]
    surest = int(found.abs().argmax())
    y[surest] = float(found[surest] < 0)
    return W1, W2 * scores / found.abs().max(), X, y


@examination("1.4.3a")
def forward(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `forward` for several batch sizes, once with confident predictions."""
    for W1, W2, X, _ in (
        _telling_network(rng, *SIZES[0]),
        _sure_network(rng, scores=12.0),
        _telling_network(rng, *SIZES[2]),
    ):
        samples, features = X.shape
        what = f"a batch of {samples} with {features} features through {len(W1)} hidden units"
        names = ("Z1", "F1", "F2")
        parts, after = probes.call(answer, W1, W2, X)
        close(parts, reference.forward(W1, W2, X), what=what, names=names)
        check_unchanged(after, (W1, W2, X), what=what)


@examination("1.4.3a")
def forward_shapes(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine the types and shapes of what `forward` returns; of its values, only NaN fails."""
    networks = [_network(rng, *sizes)[:3] for sizes in SIZES]
    found, _ = probes.call_many(answer, networks)
    for network, parts, (samples, _, hidden) in zip(networks, found, SIZES, strict=True):
        what = f"the shapes for a batch of {samples} and {hidden} hidden units"
        names = ("Z1", "F1", "F2")
        close(parts, reference.forward(*network), what=what, names=names, atol=math.inf)


@examination("1.4.3b")
def backward(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `backward` for several batch sizes, once with a hidden unit that is 0."""
    for samples, features, hidden, resting in (
        (4, 4, 4, False),
        (5, 6, 4, False),
        (1, 6, 3, False),
        (9, 6, 4, True),
    ):
        W1, W2, X, y = _telling_network(rng, samples, features, hidden)
        if resting:
            W1[0], W2[0, 0] = 0, 0.5
        arguments = (W2, X, y, *reference.forward(W1, W2, X))
        what = f"the gradient of a batch of {samples}, with {hidden} hidden units"
        names = ("dJ_dW1", "dJ_dW2")
        gradients, after = probes.call(answer, *arguments)
        close(gradients, reference.backward(*arguments), what=what, names=names)
        check_unchanged(after, arguments, what=what)
    # With larger scores, a right answer with quotients such as y / F2 would lose too many digits.
    W1, W2, X, y = _sure_network(rng, scores=3.0)
    arguments = (W2, X, y, *reference.forward(W1, W2, X))
    gradients, _ = probes.call(answer, *arguments)
    right = reference.backward(*arguments)
    what = "the gradient of a network that is sure of itself"
    close(gradients, right, what=what, names=names, rtol=1e-3)


@examination("1.4.3c")
def train(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `train` with several batch sizes, with two optimisers, and until all is learned."""
    for start, batch_size, epochs, rate, turns in _trainings(rng):
        samples = len(start[-1])
        settings: dict[str, Any] = {
            "batch_size": batch_size,
            "learning_rate": rate,
            "num_epochs": epochs,
            "turns": turns,
        }
        run = probes.training(answer, *start, **settings)
        right = probes.training(reference.train, *start, **settings)
        what = f"training on {samples} samples in batches of {batch_size}, {epochs} epochs"
        given = f"{what}: the tensors that train was given"
        close(run["starts"], right["starts"], what=given, rtol=0.0)
        close(run["optimiser_calls"], right["optimiser_calls"], what=f"{what}: optimiser calls")
        true(
            min(run["loader_passes"]) >= epochs,
            what=f"{what}: the batches",
            problem="they do not come from the loader anew in each epoch",
        )
        for found, wanted in zip(run["results"], right["results"], strict=True):
            _examine_result(plain(found), wanted, what=what)


def _trainings(
    rng: np.random.Generator,
) -> Iterator[tuple[Network, int, int, float, tuple[int, ...]]]:
    """Yield a network with its data, batch size, epochs, learning rate, and turns of optimisers."""
    yield _trainable_network(rng, 9), 9, 3, RATE, (0,)
    yield _trainable_network(rng, 11), 4, 2, RATE, (0, 1, 0)
    yield _trainable_network(rng, 3), 1, 1, RATE, (0,)
    updates = 6  # until all samples are classified correctly, and some more
    yield _learnable_network(rng, updates), 3, updates, LEARNING_RATE, (0,)


def _trainable_network(rng: np.random.Generator, samples: int) -> Network:
    """Draw a network and labels for which typical wrong accuracies differ from the right one.

    No hidden unit is ever negative, as the network that `probes.training` supplies has no ReLU. The
    first hidden unit is the same for all samples, with a weight that makes scores have both signs.
    """
    while True:
        W1, W2, X, y = network = _network(rng, samples)
        for positive in (W1, X):
            positive.abs_()
        X[:, 0], W1[0] = 1, 0
        W1[0, 0] = 1
        W2[0, 0] = 0
        W2[0, 0] = -(W2 @ W1 @ X.T).mean()
        Z1, _, F2 = reference.forward(W1, W2, X)
        predicted, preterm = F2[0] > 0.5, y > 0.5
        right = predicted == preterm
        everybody_with_everybody = predicted[:, None] == preterm
        shares = [part.float().mean() for part in (right, ~right, predicted, preterm)]
        different = {float(share) for share in (*shares, everybody_with_everybody.float().mean())}
        telling = len(different) == 5 and not different & {0.0, 1.0}
        # With more than half of nine samples right, rounding the percentage to a whole number
        # differs from cutting off its decimals.
        if Z1.min() > 0.5 and (samples < 9 or (telling and shares[0] > 0.5)):
            return network


def _learnable_network(rng: np.random.Generator, updates: int) -> Network:
    """Draw three samples, and a network that has learned them after so many updates.

    Meanwhile no hidden unit becomes negative, and no score extreme.
    """
    while True:
        W1, W2, X, y = network = _trainable_network(rng, 3)
        for update in range(1, updates + 2):
            Z1, F1, F2 = reference.forward(W1, W2, X)
            if Z1.min() < 0.05 or (W2 @ F1).abs().max() > 8:
                break
            dJ_dW1, dJ_dW2 = reference.backward(W2, X, y, Z1, F1, F2)
            rate = LEARNING_RATE / update  # as in `probes.training`
            W1, W2 = W1 - rate * dJ_dW1, W2 - rate * dJ_dW2
        else:
            if torch.nn.functional.binary_cross_entropy(F2[0], y) < 0.15:
                return network


def _examine_result(found: Any, right: Any, *, what: str) -> None:
    four = isinstance(found, tuple | list) and len(found) == 4
    true(four, what=what, problem="train does not return W1, W2, costs and accuracies")
    if not four:
        return
    close(found[:2], right[:2], what=what, names=("W1", "W2"))
    for name, values, wanted in zip(("costs", "accuracies"), found[2:], right[2:], strict=True):
        numbers = _as_numbers(values)
        true(numbers is not None, what=f"{what}: {name}", problem="they are no list of numbers")
        if numbers is not None:
            close(len(numbers), len(wanted), what=f"{what}: entries in {name}")
            # An ε in the logarithm shows for confident predictions, but is no mistake.
            close(numbers, wanted, what=f"{what}: {name}", rtol=1e-3, atol=1e-4)


def _as_numbers(values: Any) -> list[float] | None:
    try:
        return [float(plain(value)) for value in plain(values)]
    except (TypeError, ValueError, RuntimeError):
        return None
