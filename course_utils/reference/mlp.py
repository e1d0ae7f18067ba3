"""Right answers to part 1.4: a data set, its batches, and a two-layer network trained by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from course_utils import data
from course_utils.landscapes import Optimiser

__all__ = ["PretermDataset", "backward", "forward", "full_batches", "train"]


class PretermDataset(Dataset[tuple[Tensor, Tensor]]):
    """101 babies: 300 measurements each, and whether born preterm (exercise 1.4.1).

    Attributes
    ----------
    X : ndarray (301, N), float64
        A row of ones for the bias, then one standardised row per region.
    y : ndarray (N,)
        1 for preterm, 0 for term.
    """

    def __init__(self) -> None:
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])
        self.y = table.labels

    def __len__(self) -> int:
        """Return the number of babies."""
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return one baby's features, float32 of shape (301,), and label, float32 of shape ()."""
        x = torch.tensor(self.X[:, index], dtype=torch.float32)
        y = torch.tensor(self.y[index], dtype=torch.float32)
        return x, y


def full_batches(dataset: Any) -> tuple[int, DataLoader[Any]]:
    """Return the size of a batch that holds all of `dataset`, and its loader (exercise 1.4.2).

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        A data set of N samples.

    Returns
    -------
    batch_size : int
        N.
    dataloader : DataLoader
        One batch per epoch, in a new random order each time.
    """
    batch_size = len(dataset)
    return batch_size, DataLoader(dataset, batch_size=batch_size, shuffle=True)


def forward(W1: Tensor, W2: Tensor, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Run a batch through the network (exercise 1.4.3a).

    Parameters
    ----------
    W1 : Tensor (H, features), float32
    W2 : Tensor (1, H), float32
    X : Tensor (N, features), float32
        One sample per row.

    Returns
    -------
    Z1, F1 : Tensor (H, N)
        Before and after the ReLU.
    F2 : Tensor (1, N)
        The predicted probabilities.
    """
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


def backward(
    W2: Tensor, X: Tensor, y: Tensor, Z1: Tensor, F1: Tensor, F2: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradient of the mean binary cross-entropy over the batch (exercise 1.4.3b).

    Parameters
    ----------
    W2 : Tensor (1, H), float32
    X : Tensor (N, features), float32
    y : Tensor (N,), float32
        The labels, 0 or 1.
    Z1, F1, F2 : Tensor (H, N), (H, N), (1, N)
        What `forward` returned for this batch.

    Returns
    -------
    dJ_dW1 : Tensor (H, features)
    dJ_dW2 : Tensor (1, H)

    Notes
    -----
    With σ and cross-entropy together, ∂J/∂Z2 = (F2 − y) / N. The derivative of the ReLU at 0 is 0.
    """
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


def train(
    W1: Tensor, W2: Tensor, dataloader: DataLoader[Any], optimiser: Optimiser, num_epochs: int
) -> tuple[Tensor, Tensor, list[float], list[float]]:
    """Train the network, one optimiser step per batch (exercise 1.4.3c).

    Parameters
    ----------
    W1, W2 : Tensor (H, features) and (1, H), float32
        The initial weights, which are not changed.
    dataloader : DataLoader
        Yields (X, y) of shapes (N, features) and (N,).
    optimiser : callable
        ``(w1, w2, w1_grad, w2_grad) -> (w1, w2)``.
    num_epochs : int
        How often to go through the data.

    Returns
    -------
    W1, W2 : Tensor
        The trained weights.
    costs : list of float
        One entry per batch: the mean cross-entropy before that batch's update.
    accuracies : list of float
        The same for the accuracy, in per cent.
    """
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies
