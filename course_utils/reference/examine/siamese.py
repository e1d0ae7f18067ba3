"""Examinations of parts 2.1 to 2.5."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils import probes
from course_utils.reference import siamese as reference
from course_utils.reference.examine.examination import (
    check_unchanged,
    close,
    examination,
    normal,
    true,
)
from nbjudge import checks as check
from nbjudge.remote import kind, plain

__all__ = [
    "contrastive_loss",
    "contrastive_loss_dissimilar",
    "contrastive_loss_similar",
    "image_pairs",
    "pair_distance",
    "points_in_pairs",
    "siamese_network",
    "train_epoch",
]

#: The objects that `train_epoch` is given, and the probe's count of how often each is used.
COLLABORATORS = {"model": "model_calls", "loss": "loss_calls", "loader": "loader_passes"}
WEIGHTS = 3  # the seed of the weights that a network of exercise 2.2 is given
DRAWS = 50  # of each item in exercise 2.3
MARGINS: tuple[dict[str, float], ...] = ({}, {"margin": 1.5}, {"margin": 8.0})
# The relative tolerance of losses in 2.1: with the distance of `torch.nn.functional`, which has an
# ε of its own, an answer is right to about 1e-5.
VALUES = 4e-5


def points_in_pairs(
    rng: np.random.Generator,
    number: int,
    *,
    dimensions: int = 2,
    nearest: float = 0.0,
    farthest: float = 9.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw points, partners at evenly increasing distances, and labels (N, 1).

    The labels begin with two similar pairs, then two dissimilar ones, and so on.
    """
    a = normal(rng, number, dimensions)
    direction = normal(rng, number, dimensions)
    direction /= direction.norm(dim=1, keepdim=True)
    distance = torch.linspace(nearest, farthest, number).unsqueeze(1)
    label = torch.tensor([[float(i // 2 % 2)] for i in range(number)])
    return a, a + distance * direction, label


@examination("2.1")
def contrastive_loss(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `ContrastiveLoss`: its values and its gradients."""
    true(
        probes.is_a(answer, nn.Module),
        what="the class",
        problem="ContrastiveLoss is no subclass of torch.nn.Module",
    )
    for settings in MARGINS:
        ours, theirs = reference.ContrastiveLoss(**settings), answer(**settings)
        margin = f"margin {ours.margin}"
        for number in (24, 1):
            a, b, label = points_in_pairs(rng, number)
            pairs = {
                f"{number} similar pairs": (a, b, torch.zeros_like(label)),
                f"{number} dissimilar pairs": (a, b, torch.ones_like(label)),
                f"{number} pairs of both kinds": (a, b, label),
            }
            if number > 1:
                pairs["8 pairs in five dimensions"] = points_in_pairs(rng, 8, dimensions=5)
            losses, _ = probes.call_many(theirs, [*pairs.values()])
            for (meaning, given), found in zip(pairs.items(), losses, strict=True):
                what = f"{meaning}, {margin}"
                close(found, ours(*given), what=what, rtol=VALUES)
            _, after = probes.call(theirs, a, b, label)
            both = f"{number} pairs of both kinds, {margin}"
            check_unchanged(after, (a, b, label), what=both)
        # Right answers may differ in their gradient at D = 0, but it must exist.
        far = 1.5 * ours.margin
        a, b, label = points_in_pairs(rng, 12, nearest=0.05 * far, farthest=far)
        _, slopes = probes.gradient(theirs, a, b, label, wrt=(0, 1))
        _, right = probes.gradient(ours, a, b, label, wrt=(0, 1))
        true(
            all(part is not None for part in slopes),
            what="training with the loss",
            problem="no gradient arrives at the embeddings",
        )
        close(slopes, right, what=f"the gradient, {margin}", rtol=1e-3)
    _, slopes = probes.gradient(theirs, a, a.clone(), label, wrt=(0, 1))
    true(
        all(part is None or bool(part.isfinite().all()) for part in slopes),
        what="the gradient where two points are the same",
        problem="it is not finite",
    )


@examination("2.1")
def contrastive_loss_similar(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine the values of `ContrastiveLoss` for similar pairs only."""
    _examine_pairs_of_one_kind(rng, answer, 0.0, "similar pairs")


@examination("2.1")
def contrastive_loss_dissimilar(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine the values of `ContrastiveLoss` for dissimilar pairs only."""
    _examine_pairs_of_one_kind(rng, answer, 1.0, "dissimilar pairs")


def _examine_pairs_of_one_kind(
    rng: np.random.Generator, answer: Callable[..., Any], label: float, meaning: str
) -> None:
    for settings in MARGINS:
        ours, theirs = reference.ContrastiveLoss(**settings), answer(**settings)
        pairs = [points_in_pairs(rng, number) for number in (24, 1)]
        batches = [(a, b, torch.full_like(labels, label)) for a, b, labels in pairs]
        found, _ = probes.call_many(theirs, batches)
        for batch, losses in zip(batches, found, strict=True):
            what = f"{len(batch[0])} {meaning}, margin {ours.margin}"
            close(losses, ours(*batch), what=what, rtol=VALUES)


@examination("2.2")
def siamese_network(rng: np.random.Generator, answer: Callable[..., nn.Module]) -> None:
    """Examine `SiameseNetwork`: the sizes of its parameters, and its outputs for known ones."""
    true(
        probes.is_a(answer, nn.Module),
        what="the class",
        problem="SiameseNetwork is no subclass of torch.nn.Module",
    )
    images = torch.tensor(rng.random((2, 1, 105, 105)), dtype=torch.float32)
    images[1] /= 2  # unlike the first
    pixels = images.numpy().tobytes()
    right0, wanted_sizes = _embed(pixels)
    right = (right0, right0.flip(0))  # of each image beside the other
    theirs = answer().eval()
    with torch.no_grad():  # lazy layers get their parameters in this call
        first = plain(theirs(images[:1], images[1:]))
    true(len(first) == 2, what="what forward returns", problem="it is no pair (out0, out1)")
    for found, name in zip(first, ("out0", "out1"), strict=True):
        shape = tuple(found.shape)
        true(
            shape == (1, 2),
            what=f"{name} for one pair, of shape {shape}",
            problem="shape (1, 2) was expected",
        )
    sizes = probes.fill_parameters(theirs, WEIGHTS)
    true(
        sizes == wanted_sizes,
        what="the parameters",
        problem=f"the network has {sum(sizes):,} of them in {len(sizes)} arrays, "
        f"and {sum(wanted_sizes):,} in {len(wanted_sizes)} were expected",
    )
    close(sizes, wanted_sizes, what="the sizes of the parameters")
    if sizes != wanted_sizes:
        return  # with other layers, its outputs cannot be compared
    with torch.no_grad():
        found = theirs(images, images.flip(0))
    close(found, right, what="the embeddings, for known weights", names=("out0", "out1"), rtol=1e-3)
    theirs.train()
    with torch.no_grad():
        again = theirs(images[:1], images[1:])
    alike = check.difference(again, (right0[:1], right0[1:]), rtol=1e-3) is None
    true(
        alike,
        what="a pair in training mode",
        problem="its embeddings are not the same as in evaluation mode",
    )
    if not alike:
        return  # its gradients may be random as well
    branches = probes.branch_gradients(theirs, images, images.flip(0))
    for name, slopes, wanted in zip(("out0", "out1"), branches, _branches(pixels), strict=True):
        what = f"training the network by {name}"
        true(
            any(bool(slope.any()) for slope in slopes["images"]),
            what=what,
            problem="no gradient passes through it",
        )
        close(slopes["images"], wanted["images"], what=f"{what}: by the images", rtol=1e-3)
        close(slopes["weights"], wanted["weights"], what=f"{what}: by the weights", rtol=1e-3)


@functools.cache
def _network_of_known_weights() -> tuple[nn.Module, list[int]]:
    """Return the reference network, and the sizes of its parameters; cached, as it is slow."""
    network = reference.SiameseNetwork()
    return network, probes.fill_parameters(network, WEIGHTS)


@functools.lru_cache(maxsize=1)  # a diagnosis needs the same one for each known mistake
def _embed(images: bytes) -> tuple[Tensor, list[int]]:
    """Return the embeddings of images (float32, 105 × 105), and the sizes of the parameters."""
    network, sizes = _network_of_known_weights()
    with torch.no_grad():
        return network(*_pair(images))[0], sizes


@functools.lru_cache(maxsize=1)
def _branches(images: bytes) -> list[dict[str, Any]]:
    """Return the gradients of the reference network, each image paired with the other."""
    network, _ = _network_of_known_weights()
    return probes.branch_gradients(network, *_pair(images))


def _pair(images: bytes) -> tuple[Tensor, Tensor]:
    pixels = torch.from_numpy(np.frombuffer(images, np.float32).copy()).reshape(-1, 1, 105, 105)
    return pixels, pixels.flip(0)


@examination("2.3")
def image_pairs(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `ImagePairs`: single items, and statistics of over a thousand draws.

    Right answers draw different pairs, so only properties of all draws together are checked.
    """
    labels = np.repeat(range(7), (2, 3, 5, 4, 3, 3, 4))
    rng.shuffle(labels)
    # Without the values 0 and 255, so that any other scaling gives other pixels.
    images = rng.integers(10, 240, size=(len(labels), 4, 6), dtype=np.uint8)
    true(
        probes.is_a(answer, torch.utils.data.Dataset),
        what="the class",
        problem="ImagePairs is no subclass of torch.utils.data.Dataset",
    )
    dataset, after = probes.call(answer, images, labels)
    check_unchanged(after, (images, labels), what="making the data set")
    close(len(dataset), len(images), what="the length")
    item = dataset[3]
    true(len(item) == 3, what="an item", problem="it is not image0, image1, label")
    for name, part, shape in zip(
        ("image0", "image1", "label"), item, ((1, 4, 6), (1, 4, 6), (1,)), strict=True
    ):
        found, wanted = _tensor_in_words(plain(part)), f"a float32 tensor of shape {shape}"
        true(
            found == wanted,
            what=f"{name} of an item, {found}",
            problem=f"it should be {wanted}",
        )
    _examine_draws(_draw_often(answer, images, labels), images, labels)


def _tensor_in_words(part: Any) -> str:
    if not isinstance(part, Tensor):
        return f"of type {kind(part)}"
    return f"a {str(part.dtype).removeprefix('torch.')} tensor of shape {tuple(part.shape)}"


def _draw_often(answer: Callable[..., Any], images: Any, labels: Any) -> Any:
    """Draw every item many times, from new data sets, as one may draw all partners when it is made.

    If they all have the same partners, each uses a generator with the same seed; then draw
    repeatedly from a single one.
    """
    drawn = probes.draw_pairs(answer, images, labels, instances=DRAWS, passes=1)
    partners = drawn["image1"]
    apart = partners.reshape(DRAWS, len(partners) // DRAWS, -1)
    if (apart == apart[0]).all():
        return probes.draw_pairs(answer, images, labels, instances=1, passes=DRAWS)
    return drawn


def _examine_draws(drawn: Any, images: Any, labels: Any) -> None:
    for name in ("image0", "image1"):
        true(
            drawn[name].shape == (DRAWS * len(images), *images.shape[1:]),
            what="the pairs drawn",
            problem="their number or their shape is not that of the images",
        )
    known = (images / 255).astype(np.float32)
    pixels = np.concatenate([drawn["image0"], drawn["image1"]])
    hint = "Divide the images by 255, and leave them as they are otherwise."
    close(pixels.min(), known.min(), what="the smallest pixel of all", hint=hint)
    close(pixels.max(), known.max(), what="the largest pixel of all", hint=hint)
    first, second = (_recognise(drawn[name], known) for name in ("image0", "image1"))
    true(
        bool((np.abs(drawn["image0"] - known[first]) <= 1e-6).all())
        and bool((np.abs(drawn["image1"] - known[second]) <= 1e-6).all()),
        what="the images of a pair",
        problem="they are not images of the data set, divided by 255",
    )
    same = labels[first] == labels[second]
    for meaning, where, label in (("one class", same, 0), ("two classes", ~same, 1)):
        true(
            bool((drawn["label"][where] == label).all()),
            what=f"the labels of pairs of {meaning}",
            problem=f"one of them is not {label}",
        )
    true(bool((first != second).all()), what="the pairs", problem="an image is paired with itself")
    share = same.mean()
    bounds = ((share >= 0.4, "at least 40%"), (share <= 0.75, "at most 75%"))
    for fits, bound in bounds:
        true(
            fits,
            what=f"the share of pairs of one class, {bound}",
            problem=f"it is {share:.0%}, and should be about half or a little more",
        )
    # If there are few pairs of one kind, it is chance which images are among them.
    most = 0 if all(fits for fits, _ in bounds) else len(images) - 1
    for name, chosen in (("image0", first), ("image1", second)):
        for meaning, where in (("similar", same), ("different", ~same)):
            missing = len(images) - len(set(chosen[where].tolist()))
            true(
                missing <= most,
                what=f"{name} of {meaning} pairs",
                problem=f"{missing} of {len(images)} images never appear there",
            )


def _recognise(drawn: Any, known: Any) -> Any:
    """Return the index of the known image most like each drawn one, whatever its scale and sign."""

    def standardise(images: Any) -> Any:
        flat = images.reshape(len(images), -1).astype(np.float64)
        flat = flat - flat.mean(axis=1, keepdims=True)
        size = np.linalg.norm(flat, axis=1, keepdims=True)
        return flat / np.where(size > 0, size, 1)

    return np.abs(standardise(drawn) @ standardise(known).T).argmax(axis=1)


@examination("2.4")
def train_epoch(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `train_epoch` with batches of equal and of unequal size, and with two networks."""
    for pairs, batch_size, turns, passes in (
        (12, 4, (0,), "one pass"),
        (11, 4, (0,), "one pass"),
        (11, 4, (0, 1, 0, 0), "passes of two networks in turn"),
        (6, 6, (0, 0), "two passes"),
    ):
        image0, image1 = normal(rng, pairs, 1, 3, 3), normal(rng, pairs, 1, 3, 3)
        label = torch.tensor(rng.integers(0, 2, size=(pairs, 1)), dtype=torch.float32)
        settings: dict[str, Any] = {"batch_size": batch_size, "turns": turns}
        run = probes.siamese_epoch(answer, image0, image1, label, **settings)
        right = probes.siamese_epoch(reference.train_epoch, image0, image1, label, **settings)
        what = f"{passes} over {pairs} pairs in batches of {batch_size}"
        close(run["steps"], right["steps"], what=f"{what}: optimiser steps")
        true(run["training"], what=what, problem="the model is not left in training mode")
        for part, count in COLLABORATORS.items():
            true(
                run[count] >= right[count],
                what=f"{what}: the {part} that is handed in",
                problem="it is not used for all of the batches",
            )
        close(run["weights"], right["weights"], what=f"{what}: the weights", rtol=1e-3)
        true(
            all(isinstance(value, float) for value in run["losses"]),
            what=what,
            problem="what it returns is not a float",
        )
        close(run["losses"], right["losses"], what=f"{what}: the mean loss", rtol=1e-3)


@examination("2.5")
def pair_distance(rng: np.random.Generator, answer: Callable[..., Any]) -> None:
    """Examine `pair_distance` with networks that were left in training mode."""
    for pairs, seed in ((5, 7), (1, 8)):
        image0, image1 = normal(rng, pairs, 1, 3, 3), normal(rng, pairs, 1, 3, 3)
        image1[0] = image0[0]  # a distance of exactly 0
        if pairs == 1:
            image1 = image1 + 1
        run = probes.pair_distances(answer, image0, image1, seed=seed)
        right = probes.pair_distances(reference.pair_distance, image0, image1, seed=seed)
        what = f"the distances of {pairs} pairs"
        close(run["distances"], right["distances"], what=what, rtol=1e-4, atol=1e-4)
        true(not run["distances"].requires_grad, what=what, problem="they carry a gradient")
        true(
            run["model_calls"] > 0,
            what=f"{what}: the model that is handed in",
            problem="it is not asked for them",
        )
