"""The right answers, and how a test examines an answer against them. Never given to students.

Every autograded symbol of the course is here under the name that the student's answer has;
`examine` holds one examination per exercise, which the hidden tests of the notebooks call.
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
