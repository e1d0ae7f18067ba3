"""Examinations of part 1.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from course_utils import data, probes
from course_utils.reference import mlp as reference
from course_utils.reference.examine.frame import close, examination, normal, true, unchanged
from course_utils.remote import plain

__all__ = ["backward", "dataloader", "forward", "preterm_dataset", "train"]


@examination("1.4.1")
def preterm_dataset(rng: np.random.Generator, answer: type[Any]) -> None:
    """Examine `PretermDataset` with the course's data and with other data in their place."""
    true(
        probes.is_a(answer, torch.utils.data.Dataset),
        what="the class",
        problem="PretermDataset is no subclass of torch.utils.data.Dataset",
    )
    for labels in (rng.integers(0, 2, size=7), rng.integers(0, 2, size=7).astype(np.float64)):
        X = rng.normal(size=(5, 7))
        dataset = probes.dataset_with(answer, X=X, y=labels)
        close(len(dataset), 7, what="the length, with 7 samples in self.y")
        for index in (0, 6, 3, 3):
            right = (
                torch.tensor(X[:, index], dtype=torch.float32),
                torch.tensor(labels[index], dtype=torch.float32),
            )
            item = dataset[index]
            close(item, right, what=f"sample {index}", names=("x", "y"))
            _examine_item(item)
        close(dataset.X, X, what="self.X after reading samples", rtol=0.0)
    close(
        len(probes.dataset_with(answer, X=np.ones((4, 2)), y=np.ones(2))),
        2,
        what="the length, with 2 samples in self.y",
    )


def _examine_item(item: Any) -> None:
    for name, part, shape in zip(("x", "y"), item, ((5,), ()), strict=True):
        part = plain(part)
        fits = isinstance(part, Tensor) and part.dtype == torch.float32 and part.shape == shape
        true(fits, what=f"{name} of a sample", problem=f"it is no float32 tensor of shape {shape}")


@examination("1.4.2")
def dataloader(_: np.random.Generator, batch_size: Any, dataloader: Any) -> None:
    """Examine `batch_size` and `dataloader`, here and in the same cell with a smaller data set."""
    _examine_loader(batch_size, dataloader, data.preterm_dataset())
    X, y = (column[20:57] for column in data.preterm_dataset().tensors)
    size, loader = probes.loader_with(dataloader, X, y) or (None, None)
    true(
        loader is not None,
        what="batch_size and dataloader",
        problem="they are not set in your answer cell",
    )
    _examine_loader(size, loader, TensorDataset(X, y))


def _examine_loader(batch_size: Any, dataloader: Any, dataset: TensorDataset) -> None:
    number = len(dataset)
    close(batch_size, number, what=f"batch_size with a data set of {number} samples")
    X, y = dataset.tensors
    orders = []
    for _ in range(3):
        batches = list(dataloader)
        close(len(batches), 1, what="the number of batches in an epoch")
        batch_X, batch_y = batches[0]
        close(len(batch_X), number, what="the number of samples in the batch")
        true(
            batch_X.shape == X.shape,
            what="the batch",
            problem=f"it has shape {tuple(batch_X.shape)}, and {tuple(X.shape)} was expected",
        )
        # Each sample's place in the data set, found by its features.
        order = (batch_X[:, None] == X[None]).all(dim=2).float().argmax(dim=1)
        complete = len(set(order.tolist())) == number and torch.equal(batch_X, X[order])
        true(complete, what="an epoch", problem="it does not hold every sample exactly once")
        true(
            torch.equal(batch_y, y[order]),
            what="an epoch",
            problem="samples and labels no longer belong together",
        )
        orders.append(tuple(order.tolist()))
    true(
        tuple(range(number)) not in orders,
        what="the order of an epoch",
        problem="the samples come in the order of the data set",
    )
    true(len(set(orders)) == 3, what="the order", problem="it is the same in every epoch")


def _network(
    rng: np.random.Generator, samples: int, features: int = 6, hidden: int = 4
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    # Small, which keeps predictions away from 0 and 1: there, rounding decides their slope.
    W1 = 0.5 * normal(rng, hidden, features)
    W2 = 0.25 * normal(rng, 1, hidden)
    X = normal(rng, samples, features)
    y = torch.tensor(rng.integers(0, 2, size=samples), dtype=torch.float32)
    return W1, W2, X, y


@examination("1.4.3a")
def forward(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `forward` for several batch sizes."""
    for samples, hidden in ((5, 4), (1, 3), (4, 4)):
        W1, W2, X, _ = _network(rng, samples, hidden=hidden)
        what = f"a batch of {samples} through {hidden} hidden units"
        names = ("Z1", "F1", "F2")
        parts, after = probes.call(answer, W1, W2, X)
        close(parts, reference.forward(W1, W2, X), what=what, names=names)
        unchanged(after, (W1, W2, X), what=what)


@examination("1.4.3b")
def backward(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `backward` for several batch sizes, one with hidden units that rest at 0."""
    for samples, hidden, resting in ((5, 4, False), (1, 3, False), (9, 4, True)):
        W1, W2, X, y = _network(rng, samples, hidden=hidden)
        if resting:
            W1[0] = 0
        arguments = (W2, X, y, *reference.forward(W1, W2, X))
        what = f"the gradient of a batch of {samples}, with {hidden} hidden units"
        names = ("dJ_dW1", "dJ_dW2")
        gradients, after = probes.call(answer, *arguments)
        close(gradients, reference.backward(*arguments), what=what, names=names)
        unchanged(after, arguments, what=what)


@examination("1.4.3c")
def train(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `train` with batches of equal and of unequal size."""
    for samples, batch_size, epochs in ((12, 12, 3), (11, 4, 2), (3, 1, 1)):
        W1, W2, X, y = _network(rng, samples)
        # One hidden unit never rests: with all at 0 a prediction is exactly 0.5, and whether that
        # counts as preterm is nobody's mistake.
        X[:, 0], W1[0] = 1, 0
        W1[0, 0] = 4
        settings: dict[str, Any] = {
            "batch_size": batch_size,
            "learning_rate": 0.3,
            "num_epochs": epochs,
        }
        run = probes.training(answer, W1, W2, X, y, **settings)
        right = probes.training(reference.train, W1, W2, X, y, **settings)
        what = f"training on {samples} samples in batches of {batch_size}, {epochs} epochs"
        close(run["start"], right["start"], what=f"{what}: the tensors that train was given")
        close(run["optimiser_calls"], right["optimiser_calls"], what=f"{what}: optimiser calls")
        found = plain(run["result"])
        true(
            isinstance(found, tuple | list) and len(found) == 4,
            what=what,
            problem="train does not return W1, W2, costs and accuracies",
        )
        close(found[:2], right["result"][:2], what=what, names=("W1", "W2"))
        for name, values, wanted in zip(
            ("costs", "accuracies"), found[2:], right["result"][2:], strict=True
        ):
            close(len(values), len(wanted), what=f"{what}: entries in {name}")
            close([float(plain(v)) for v in values], wanted, what=f"{what}: {name}", rtol=1e-3)
