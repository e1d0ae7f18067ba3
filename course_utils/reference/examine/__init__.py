"""One examination for each autograded exercise; the hidden tests call them.

Each compares the student's answer with the reference, on inputs that the student has not seen, and
raises `CheckFailed` at the first difference, with a message that shows no expected value.

If an exercise has parts, all but the last have an examination of their own; the last part is
examined by that of the whole exercise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from course_utils.reference.examine.mlp import (
    backward,
    dataloader,
    forward,
    forward_shapes,
    preterm_dataset,
    train,
)
from course_utils.reference.examine.optimisers import (
    calculate_gradient,
    gradient_descent,
    loss,
    minimum,
    momentum,
    momentum_first_step,
    rmsprop,
    rmsprop_first_step,
)
from course_utils.reference.examine.pitfalls import (
    binary_loss,
    pairwise_margin,
    safe_distance,
    soft_dice_loss,
)
from course_utils.reference.examine.segmentation import (
    generalised_dice_loss,
    generalised_dice_present,
    one_hot_encode,
)
from course_utils.reference.examine.siamese import (
    contrastive_loss,
    contrastive_loss_dissimilar,
    contrastive_loss_similar,
    image_pairs,
    pair_distance,
    siamese_network,
    train_epoch,
)

__all__ = [
    "backward",
    "binary_loss",
    "calculate_gradient",
    "contrastive_loss",
    "contrastive_loss_dissimilar",
    "contrastive_loss_similar",
    "dataloader",
    "forward",
    "forward_shapes",
    "generalised_dice_loss",
    "generalised_dice_present",
    "gradient_descent",
    "image_pairs",
    "loss",
    "minimum",
    "momentum",
    "momentum_first_step",
    "one_hot_encode",
    "pair_distance",
    "pairwise_margin",
    "preterm_dataset",
    "rmsprop",
    "rmsprop_first_step",
    "safe_distance",
    "siamese_network",
    "soft_dice_loss",
    "train",
    "train_epoch",
]


@dataclass(frozen=True)
class Exercise:
    """An autograded exercise.

    Parameters
    ----------
    examination : callable
    symbols : tuple of str
        The names in the student's cell that the examination takes as arguments, in order.
    """

    examination: Callable[..., None]
    symbols: tuple[str, ...]


#: The exercises by grade_id of the answer cell, in the order of the notebooks.
EXERCISES: dict[str, Exercise] = {
    "ex_1_1_1": Exercise(loss, ("loss",)),
    "ex_1_1_2": Exercise(calculate_gradient, ("calculate_gradient",)),
    "ex_1_1_3": Exercise(minimum, ("w1_min", "w2_min", "loss_min")),
    "ex_1_1_4": Exercise(gradient_descent, ("GradientDescent",)),
    "ex_1_2_1": Exercise(momentum, ("Momentum",)),
    "ex_1_3_1": Exercise(rmsprop, ("RMSProp",)),
    "ex_1_4_1": Exercise(preterm_dataset, ("PretermDataset",)),
    "ex_1_4_2": Exercise(dataloader, ("batch_size", "dataloader")),
    "ex_1_4_3a": Exercise(forward, ("forward",)),
    "ex_1_4_3b": Exercise(backward, ("backward",)),
    "ex_1_4_3c": Exercise(train, ("train",)),
    "ex_1_5_1": Exercise(one_hot_encode, ("one_hot_encode",)),
    "ex_1_5_2": Exercise(generalised_dice_loss, ("generalised_dice_loss",)),
    "ex_2_1": Exercise(contrastive_loss, ("ContrastiveLoss",)),
    "ex_2_2": Exercise(siamese_network, ("SiameseNetwork",)),
    "ex_2_3": Exercise(image_pairs, ("ImagePairs",)),
    "ex_2_4": Exercise(train_epoch, ("train_epoch",)),
    "ex_2_5": Exercise(pair_distance, ("pair_distance",)),
    "ex_2_6a": Exercise(binary_loss, ("binary_loss",)),
    "ex_2_6b": Exercise(safe_distance, ("safe_distance",)),
    "ex_2_6c": Exercise(pairwise_margin, ("pairwise_margin",)),
    "ex_2_6d": Exercise(soft_dice_loss, ("soft_dice_loss",)),
}
