"""Examinations of part 2.1 to 2.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import probes
from course_utils.reference import siamese as reference
from course_utils.reference.examine.frame import close, examination, normal, true, unchanged
from course_utils.remote import plain

__all__ = [
    "contrastive_loss",
    "image_pairs",
    "pair_distance",
    "siamese_network",
    "train_epoch",
]


def _pairs_of_points(rng: np.random.Generator, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Points at distances from 0 to beyond any margin, every second pair similar."""
    a = normal(rng, number, 2)
    direction = normal(rng, number, 2)
    direction /= direction.norm(dim=1, keepdim=True)
    distance = torch.linspace(0, 9, number).unsqueeze(1)
    label = torch.tensor([[float(i // 2 % 2)] for i in range(number)])
    return a, a + distance * direction, label


@examination("2.1")
def contrastive_loss(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `ContrastiveLoss`: its values, and the gradients that train with them."""
    true(
        probes.is_a(answer, nn.Module),
        what="the class",
        problem="ContrastiveLoss is no subclass of torch.nn.Module",
    )
    for settings in ({}, {"margin": 1.5}, {"margin": 8.0}):
        ours, theirs = reference.ContrastiveLoss(**settings), answer(**settings)
        margin = f"margin {ours.margin}"
        for number in (24, 1):
            a, b, label = _pairs_of_points(rng, number)
            labels = {
                "similar pairs": torch.zeros_like(label),
                "dissimilar pairs": torch.ones_like(label),
                "pairs of both kinds": label,
            }
            losses, _ = probes.call_many(theirs, [(a, b, each) for each in labels.values()])
            for (meaning, each), found in zip(labels.items(), losses, strict=True):
                what = f"{number} {meaning}, {margin}"
                close(found, ours(a, b, each), what=what, rtol=1e-5)
            _, after = probes.call(theirs, a, b, label)
            unchanged(after, (a, b, label), what=what)
        a, b, label = _pairs_of_points(rng, 12)
        a, b, label = a[1:], b[1:], label[1:]  # at D = 0 implementations may differ in slope
        _, slopes = probes.gradient(theirs, a, b, label, wrt=(0, 1))
        _, right = probes.gradient(ours, a, b, label, wrt=(0, 1))
        true(
            all(part is not None for part in slopes),
            what="training with the loss",
            problem="no gradient arrives at the embeddings",
        )
        close(slopes, right, what=f"the gradient, {margin}", rtol=1e-3)


@examination("2.2")
def siamese_network(rng: np.random.Generator, answer: Callable[..., nn.Module]) -> None:
    """Examine `SiameseNetwork` by its parameters' sizes, and by its outputs for known ones."""
    true(
        probes.is_a(answer, nn.Module),
        what="the class",
        problem="SiameseNetwork is no subclass of torch.nn.Module",
    )
    ours, theirs = reference.SiameseNetwork().eval(), answer().eval()
    image0, image1 = (torch.tensor(rng.random((3, 1, 105, 105)), dtype=torch.float32) for _ in "01")
    with torch.no_grad():
        first = theirs(image0, image1)  # lazy layers have no parameters before
    shapes = tuple(torch.zeros(3, 2) for _ in "01")
    for found, wanted, name in zip(first, shapes, ("out0", "out1"), strict=True):
        true(
            tuple(found.shape) == tuple(wanted.shape),
            what=f"{name} for 3 images",
            problem=f"it has shape {tuple(found.shape)}, and (3, 2) was expected",
        )
    sizes, wanted_sizes = probes.fill_parameters(theirs, 3), probes.fill_parameters(ours, 3)
    total, wanted_total = sum(sizes), sum(wanted_sizes)
    true(
        sizes == wanted_sizes,
        what="the parameters",
        problem=f"the network has {total:,} of them in {len(sizes)} arrays, "
        f"and {wanted_total:,} in {len(wanted_sizes)} were expected",
    )
    with torch.no_grad():
        found, right = theirs(image0, image1), ours(image0, image1)
        out1, out0 = theirs(image1, image0)
    close(found, right, what="the embeddings, for known weights", names=("out0", "out1"), rtol=1e-3)
    close((out0, out1), right, what="the pair, swapped", names=("out0", "out1"), rtol=1e-3)
    _, (gradient,) = probes.gradient(theirs, image0, image1)
    true(
        gradient is not None and bool(gradient.abs().sum() > 0),
        what="training the network",
        problem="no gradient passes through it",
    )


@examination("2.3")
def image_pairs(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `ImagePairs`: single items, and what thousands of draws have in common."""
    labels = np.array([0] * 2 + [1] * 3 + [2] * 5 + [3] * 4 + [4] * 3 + [5] * 3)
    rng.shuffle(labels)
    images = rng.integers(0, 256, size=(len(labels), 4, 6), dtype=np.uint8)
    images[:, 0, 0] = np.arange(len(labels))  # no two alike
    dataset = answer(images, labels)
    true(
        probes.is_a(answer, torch.utils.data.Dataset),
        what="the class",
        problem="ImagePairs is no subclass of torch.utils.data.Dataset",
    )
    close(len(dataset), len(images), what="the length")
    item = dataset[3]
    true(len(item) == 3, what="an item", problem="it is not image0, image1, label")
    for name, part, shape in zip(
        ("image0", "image1", "label"), item, ((1, 4, 6), (1, 4, 6), (1,)), strict=True
    ):
        part = plain(part)
        fits = isinstance(part, Tensor) and part.dtype == torch.float32
        true(
            fits and tuple(part.shape) == shape,
            what=f"{name} of an item",
            problem=f"it is no float32 tensor of shape {shape}",
        )
    drawn = probes.draw_pairs(answer, images, labels, instances=60, passes=8)
    for name in ("image0", "image1"):
        true(
            drawn[name].shape == (60 * 8 * len(images), *images.shape[1:]),
            what="the pairs drawn",
            problem="their number or their shape is not that of the images",
        )
    known = (images / 255).astype(np.float32)
    first, second = (_recognise(drawn[name], known) for name in ("image0", "image1"))
    same = labels[first] == labels[second]
    true(
        np.array_equal(drawn["label"], np.where(same, 0, 1)),
        what="the labels",
        problem="a label is not 0 for two images of one class and 1 for two classes",
    )
    true(
        bool((first != second).all()),
        what="the pairs",
        problem="an image is paired with itself",
    )
    share = same.mean()
    true(
        0.4 <= share <= 0.75,
        what="the share of pairs of one class",
        problem=f"it is {share:.0%}, and should be about half or a little more",
    )
    for name, chosen in (("image0", first), ("image1", second)):
        for kind, where in (("similar", same), ("different", ~same)):
            missing = len(images) - len(set(chosen[where].tolist()))
            true(
                missing == 0,
                what=f"{name} of {kind} pairs",
                problem=f"{missing} of {len(images)} images never appear there",
            )


def _recognise(drawn: Any, known: Any) -> Any:
    """Which of the known images each drawn one is."""
    errors = np.abs(drawn[:, None] - known[None]).max(axis=(2, 3))
    best = errors.argmin(axis=1)
    true(
        bool((errors[np.arange(len(best)), best] <= 1e-6).all()),
        what="the images of a pair",
        problem="they are not images of the data set, divided by 255",
    )
    return best


@examination("2.4")
def train_epoch(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `train_epoch` with batches of equal and of unequal size."""
    for pairs, batch_size, epochs in ((12, 4, 1), (11, 4, 1), (11, 4, 3), (6, 6, 2)):
        image0, image1 = normal(rng, pairs, 1, 3, 3), normal(rng, pairs, 1, 3, 3)
        label = torch.tensor(rng.integers(0, 2, size=(pairs, 1)), dtype=torch.float32)
        settings = {"batch_size": batch_size, "epochs": epochs}
        run = probes.siamese_epoch(answer, image0, image1, label, **settings)
        right = probes.siamese_epoch(reference.train_epoch, image0, image1, label, **settings)
        what = f"{epochs} epochs over {pairs} pairs in batches of {batch_size}"
        close(run["steps"], right["steps"], what=f"{what}: optimiser steps")
        true(run["training"], what=what, problem="the model is not left in training mode")
        close(run["weights"], right["weights"], what=f"{what}: the weights", rtol=1e-3)
        true(
            all(isinstance(value, float) for value in run["losses"]),
            what=what,
            problem="what it returns is not a float",
        )
        close(run["losses"], right["losses"], what=f"{what}: the mean loss", rtol=1e-3)


@examination("2.5")
def pair_distance(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `pair_distance` with a network that was left in training mode."""
    for pairs in (5, 1):
        image0, image1 = normal(rng, pairs, 1, 3, 3), normal(rng, pairs, 1, 3, 3)
        image1[0] = image0[0]  # a distance of exactly 0
        if pairs == 1:
            image1 = image1 + 1
        distances = probes.pair_distances(answer, image0, image1)
        right = probes.pair_distances(reference.pair_distance, image0, image1)
        what = f"the distances of {pairs} pairs"
        close(distances, right, what=what, rtol=1e-4, atol=1e-4)
        true(not distances.requires_grad, what=what, problem="they carry a gradient")
