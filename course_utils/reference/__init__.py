"""The right answers, and the examinations that compare a student's with them. Never released.

Every autograded name of the course is defined here, under the name that it has in the student's
answer. `examine` has one examination for each exercise, which the notebooks' hidden tests call.
"""

from course_utils.reference.mlp import PretermDataset, backward, forward, full_batches, train
from course_utils.reference.optimisers import (
    Adam,
    GradientDescent,
    Momentum,
    RMSProp,
    calculate_gradient,
    loss,
    loss_min,
    w1_min,
    w2_min,
)
from course_utils.reference.pitfalls import (
    binary_loss,
    pairwise_margin,
    safe_distance,
    soft_dice_loss,
)
from course_utils.reference.segmentation import generalised_dice_loss, one_hot_encode
from course_utils.reference.siamese import (
    ContrastiveLoss,
    ImagePairs,
    SiameseNetwork,
    pair_distance,
    train_epoch,
)

__all__ = [
    "Adam",
    "ContrastiveLoss",
    "GradientDescent",
    "ImagePairs",
    "Momentum",
    "PretermDataset",
    "RMSProp",
    "SiameseNetwork",
    "backward",
    "binary_loss",
    "calculate_gradient",
    "forward",
    "full_batches",
    "generalised_dice_loss",
    "loss",
    "loss_min",
    "one_hot_encode",
    "pair_distance",
    "pairwise_margin",
    "safe_distance",
    "soft_dice_loss",
    "train",
    "train_epoch",
    "w1_min",
    "w2_min",
]
