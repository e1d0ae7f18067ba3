"""Right answers to parts 2.1 to 2.5: contrastive loss, a Siamese network, pairs, and training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

__all__ = ["ContrastiveLoss", "ImagePairs", "SiameseNetwork", "pair_distance", "train_epoch"]


class ContrastiveLoss(nn.Module):
    """Pull similar pairs together, push dissimilar ones apart up to a margin (exercise 2.1).

    Parameters
    ----------
    margin : float
        m, the distance beyond which a dissimilar pair costs nothing.

    Notes
    -----
    Hadsell, Chopra and LeCun, 2006, equation 4, with √(D² + 1e-4) for the distance of the second
    term, which keeps its gradient finite at D = 0.
    """

    def __init__(self, margin: float = 6.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, output1: Tensor, output2: Tensor, label: Tensor) -> Tensor:
        """Return the loss of each pair.

        Parameters
        ----------
        output1, output2 : Tensor (N, dimensions)
        label : Tensor (N, 1)
            0 for a similar pair, 1 for a dissimilar one.

        Returns
        -------
        Tensor (N, 1)
        """
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), min=0.0, max=self.margin)
        return 0.5 * ((1 - label) * squared + label * gap**2)


class SiameseNetwork(nn.Module):
    """One convolutional network for both images of a pair (exercise 2.2; Bromley et al., 1993)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0: Tensor, input1: Tensor) -> tuple[Tensor, Tensor]:
        """Return the embeddings, (N, 2) each, of two batches of images (N, 1, 105, 105)."""
        return self.embed(input0), self.embed(input1)


class ImagePairs(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Each image once, with a partner that is drawn again each time (exercise 2.3).

    Parameters
    ----------
    images : uint8 ndarray (N, H, W)
        Ink 255 on paper 0.
    labels : integer ndarray (N,)
        Each image's class; every class has at least two images.
    """

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.integer[Any]]) -> None:
        self.images = images
        self.labels = labels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return two images, float32 (1, H, W) in [0, 1], and 0 for the same class or else 1."""
        same = bool(torch.rand(()) < 0.5)
        candidates = (self.labels == self.labels[index]) == same
        candidates[index] = False
        partners = np.flatnonzero(candidates)
        partner = partners[torch.randint(len(partners), ())]
        label = torch.tensor([0.0 if same else 1.0])
        return self._image(index), self._image(int(partner)), label

    def _image(self, index: int) -> Tensor:
        return torch.from_numpy(self.images[index] / np.float32(255)).unsqueeze(0)


def train_epoch(
    model: nn.Module,
    loss_function: nn.Module,
    optimiser: torch.optim.Optimizer,
    dataloader: Iterable[tuple[Tensor, Tensor, Tensor]],
) -> float:
    """Go through the data once, one optimiser step per batch (exercise 2.4).

    Parameters
    ----------
    model : Module
        ``(image0, image1) -> (out0, out1)``; in training mode afterwards.
    loss_function : Module
        ``(out0, out1, label) -> (N, 1)``.
    optimiser : torch.optim.Optimizer
        An optimiser of the model's parameters.
    dataloader : iterable of (image0, image1, label)

    Returns
    -------
    float
        The mean loss over all pairs, each taken before its batch's update.
    """
    model.train()
    total, pairs = 0.0, 0
    for image0, image1, label in dataloader:
        losses = loss_function(*model(image0, image1), label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        pairs += len(label)
    return total / pairs


def pair_distance(model: nn.Module, image0: Tensor, image1: Tensor) -> Tensor:
    """Return the Euclidean distance between the embeddings of each pair (exercise 2.5).

    Parameters
    ----------
    model : Module
        ``(image0, image1) -> (out0, out1)``; used in evaluation mode, and then put back in its own.
    image0, image1 : Tensor (N, 1, H, W)

    Returns
    -------
    Tensor (N,), without gradient
    """
    was_training = model.training
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
    model.train(was_training)
    distances: Tensor = torch.linalg.vector_norm(out0 - out1, dim=1)
    return distances
