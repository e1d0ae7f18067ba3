"""Right answers to exercise 2.6d in other styles."""


# %% means instead of sums
# Their numbers of terms cancel.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * target).mean() / (p + target).mean()


# %% two sums below
def soft_dice_loss(logits, target):
    p = logits.sigmoid()
    overlap = torch.sum(p * target)
    return 1.0 - 2.0 * overlap / (p.sum() + target.sum())


# %% flattened first
def soft_dice_loss(logits, target):
    p, y = torch.sigmoid(logits).flatten(), target.flatten()
    return 1 - 2 * torch.dot(p, y) / (p.sum() + y.sum())


# %% guarded against nothing
# The small number is far below the tolerance.
def soft_dice_loss(logits, target, epsilon=1e-7):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * target).sum() + epsilon) / ((p + target).sum() + epsilon)


# %% sigmoid by hand
def soft_dice_loss(logits, target):
    p = 1 / (1 + torch.exp(-logits))
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% what does not overlap
def soft_dice_loss(logits, target):
    p = torch.special.expit(logits)
    below = (p + target).sum()
    return (below - 2 * (p * target).sum()) / below


# %% in double precision
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits.double())
    y = target.double()
    return (1 - 2 * (p * y).sum() / (p + y).sum()).float()
