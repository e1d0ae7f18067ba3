"""Mistakes that students make in exercise 1.5.1, one-hot coding."""


# %% booleans
# The masks are booleans, for which + means "or": convert them to integers or floats.
def one_hot_encode(mask, num_classes):
    return np.array([mask == label for label in range(num_classes)])


# %% classes last
# The classes are the last axis: they should be the first.
def one_hot_encode(mask, num_classes):
    return np.eye(num_classes)[mask]


# %% rows and columns exchanged
# Turning the axes round exchanges rows and columns as well: only the axis of the classes should move
# to the front.
def one_hot_encode(mask, num_classes):
    return np.eye(num_classes)[mask].T


# %% reshaped for transposed
# The array is reshaped, which keeps the numbers in their old order and scrambles the picture: move
# the axis instead.
def one_hot_encode(mask, num_classes):
    return np.eye(num_classes)[mask].reshape(num_classes, *mask.shape)


# %% pixels in one line
# Each mask has become one long line: keep the two axes of the picture.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, mask.size))
    for label in range(num_classes):
        masks[label] = mask.flatten() == label
    return masks


# %% class 0 skipped
# The mask of class 0 stays empty: labels begin at 0, and the background is a class like any other.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(1, num_classes):
        masks[label] = mask == label
    return masks


# %% last class forgotten
# The last class is never filled in: check where your loop ends.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes - 1):
        masks[label] = mask == label
    return masks


# %% counted from 1
# Labels are counted from 1, so every mask holds the class after its own.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(1, num_classes + 1):
        masks[label - 1] = mask == label
    return masks


# %% no mask for class 0
# There is one mask too few: the background, class 0, gets one, too.
def one_hot_encode(mask, num_classes):
    return np.stack([(mask == label).astype(int) for label in range(1, num_classes)])


# %% one mask too many
# There is one mask too many: the labels end one before `num_classes`.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes + 1, *mask.shape))
    for label in range(num_classes + 1):
        masks[label] = mask == label
    return masks


# %% only the classes that occur
# There are masks only for labels that occur: an absent class gets a mask of zeros.
def one_hot_encode(mask, num_classes):
    return np.stack([(mask == label).astype(float) for label in np.unique(mask)])


# %% classes up to the largest label
# The number of masks is taken from the largest label: the classes above it are missing, and
# `num_classes` says how many there are.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((mask.max() + 1, *mask.shape))
    for label in range(mask.max() + 1):
        masks[label] = mask == label
    return masks


# %% seven classes always
# There are seven masks whatever is asked for: `num_classes` says how many.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((7, *mask.shape))
    for label in range(7):
        masks[label] = mask == label
    return masks


# %% labels kept as values
# The masks hold the label instead of 1: a mask only says yes or no.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label] = np.where(mask == label, label, 0)
    return masks


# %% 255 for 1
# The masks are pictures with white pixels: they should hold zeros and ones.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label][mask == label] = 255
    return masks


# %% zeros and ones exchanged
# Zeros and ones are exchanged: a pixel is 1 in the mask of its own class.
def one_hot_encode(mask, num_classes):
    masks = np.ones((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label][mask == label] = 0
    return masks


# %% all lower labels too
# A pixel is 1 in the masks of several classes: it belongs to the one that equals its label.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label] = mask >= label
    return masks


# %% anything but zero
# Every mask shows where the label is not 0: compare with the class that the mask is for.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label] = mask != 0
    return masks


# %% returns after one class
# Only the first class is filled in, because the result is returned within the loop: look at the
# indentation.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label] = mask == label
        return masks


# %% labels overwritten
# The labels themselves are overwritten on the way, and the later classes read what is left: leave
# `mask` as it is.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        mask[mask == label] = 1
        mask[mask != label] = 0
        masks[label] = mask
    return masks


# %% caller's labels moved
# The masks are right, but the caller's labels change: work on a copy or on a comparison.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label] = mask == 0
        mask -= 1
    return masks


# %% one array for all
# All masks are one and the same array, which the last class has filled: make one for each.
def one_hot_encode(mask, num_classes):
    masks = [np.zeros(mask.shape)] * num_classes
    for label in range(num_classes):
        masks[label][:] = mask == label
    return np.array(masks)


# %% a list of masks
# The masks come back as a list: stack them to one array.
def one_hot_encode(mask, num_classes):
    return [(mask == label).astype(int) for label in range(num_classes)]


# %% a tensor
# A PyTorch tensor comes back: a NumPy array is wanted.
def one_hot_encode(mask, num_classes):
    import torch

    labels = torch.tensor(mask.astype(np.int64))
    return torch.nn.functional.one_hot(labels, num_classes).permute(2, 0, 1)


# %% square pictures only
# The masks are made square, which fits only some pictures: take both sides from `mask`.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, len(mask), len(mask)))
    for label in range(num_classes):
        masks[label] = mask == label
    return masks


# %% nothing returned
# Nothing comes back: the masks are made, and a `return` is missing.
def one_hot_encode(mask, num_classes):
    masks = np.zeros((num_classes, *mask.shape))
    for label in range(num_classes):
        masks[label] = mask == label
