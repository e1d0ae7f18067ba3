"""One examination per autograded exercise: what the hidden tests call.

Each takes the student's answer, compares it with the reference on inputs that the student has not
seen, and raises `CheckFailed` at the first difference, in words that show no expected value.
"""

from course_utils.reference.examine.mlp import (
    backward,
    dataloader,
    forward,
    preterm_dataset,
    train,
)
from course_utils.reference.examine.optimisers import (
    calculate_gradient,
    gradient_descent,
    loss,
    minimum,
    momentum,
    rmsprop,
)
from course_utils.reference.examine.pitfalls import (
    binary_loss,
    pairwise_margin,
    safe_distance,
    soft_dice_loss,
)
from course_utils.reference.examine.segmentation import generalised_dice_loss, one_hot_encode
from course_utils.reference.examine.siamese import (
    contrastive_loss,
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
    "dataloader",
    "forward",
    "generalised_dice_loss",
    "gradient_descent",
    "image_pairs",
    "loss",
    "minimum",
    "momentum",
    "one_hot_encode",
    "pair_distance",
    "pairwise_margin",
    "preterm_dataset",
    "rmsprop",
    "safe_distance",
    "siamese_network",
    "soft_dice_loss",
    "train",
    "train_epoch",
]
