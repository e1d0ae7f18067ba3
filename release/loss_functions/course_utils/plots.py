"""The pictures of the three notebooks: one function each, which returns the figure it drew.

A function takes what it draws as arguments: lists, arrays or tensors, none of which it changes. In
a notebook, end the call with a semicolon: the figure shows itself when the cell ends.

`cost_maps` and `walk_plots` draw costs of two weights and the walks of optimisers on them,
`training_plots` trainings, `slice_plots` segmented slices, and `pair_plots` drawings in pairs.
"""

from course_utils.cost_maps import batch_surfaces, surface
from course_utils.explore import explore
from course_utils.pair_plots import (
    distances,
    drawings,
    embedding,
    loss_against_distance,
    pairs,
    roc,
)
from course_utils.slice_plots import class_bars, masks, segmentation, spoiled_slice
from course_utils.training_plots import batches, compare_training, costs, network, training
from course_utils.walk_plots import paths, side_by_side

__all__ = [
    "batch_surfaces",
    "batches",
    "class_bars",
    "compare_training",
    "costs",
    "distances",
    "drawings",
    "embedding",
    "explore",
    "loss_against_distance",
    "masks",
    "network",
    "pairs",
    "paths",
    "roc",
    "segmentation",
    "side_by_side",
    "spoiled_slice",
    "surface",
    "training",
]
