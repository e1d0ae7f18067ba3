"""Mistakes that students make in exercise 2.6d, a gradient of exactly zero."""


# %% still rounded
# The probabilities are still rounded: a step is flat, so its gradient is zero everywhere.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits).round()
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% threshold
# A comparison makes zeros and ones as rounding does, and ends the gradient altogether.
def soft_dice_loss(logits, target):
    p = (torch.sigmoid(logits) > 0.5).float()
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% detached
# The value is right, but it is cut from PyTorch's graph (detach, item or NumPy): no gradient
# reaches the scores.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits).detach()
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% rounded forwards only
# The gradient flows past the rounding, but the value is still that of rounded probabilities.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    p = p + (p.round() - p).detach()
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% rounded above only
# One of the two sums still takes rounded probabilities.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - 2 * (p.round() * target).sum() / (p + target).sum()


# %% sigmoid left out
# The sigmoid went away with the rounding: the sums need probabilities, not raw scores.
def soft_dice_loss(logits, target):
    p = logits
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% sigmoid twice
# The sigmoid is applied twice.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(torch.sigmoid(logits))
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% softmax
# A softmax makes the scores compete: each of them has a probability of its own, by a sigmoid.
def soft_dice_loss(logits, target):
    p = torch.softmax(logits, dim=-1)
    return 1 - 2 * (p * target).sum() / (p + target).sum()


# %% factor two left out
# The factor in front of the overlap is missing: a perfect match would not reach a loss of zero.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - (p * target).sum() / (p + target).sum()


# %% overlap instead of loss
# This is the overlap itself, which grows as the match gets better: a loss should fall.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 2 * (p * target).sum() / (p + target).sum()


# %% negative overlap
# The loss is the negative overlap: it has the right gradient, but is lower by a constant.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return -2 * (p * target).sum() / (p + target).sum()


# %% squares below
# The sums below the line have squares, as in another version of the loss: here they are plain.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * target).sum() / (p**2 + target**2).sum()


# %% union below
# The overlap is divided by the union: that is the Jaccard index, a relative of the dice overlap.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    overlap = (p * target).sum()
    return 1 - overlap / (p.sum() + target.sum() - overlap)


# %% parentheses left out
# Only the first of the two sums stands below the line: the second needs parentheses.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * target).sum() / p.sum() + target.sum()


# %% smoothed by one
# A large smoothing term stands above and below the line: the definition here has none.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * target).sum() + 1) / ((p + target).sum() + 1)


# %% one loss for each row
# The sums run over the last dimension only: one number for all scores is wanted.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * target).sum(dim=-1) / (p + target).sum(dim=-1)


# %% mean of ratios
# The ratio is taken score by score and then averaged: sum above and below first, then divide once.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return (1 - 2 * (p * target) / (p + target)).mean()


# %% sum below cut
# The value is right, but the sum below the line is cut from the graph, and its slope is missing.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * target).sum() / (p.detach() + target).sum()


# %% overlap cut
# The value is right, but the overlap above the line is cut from the graph, and its slope is missing.
def soft_dice_loss(logits, target):
    p = torch.sigmoid(logits)
    overlap = (p * target).sum().item()
    return 1 - 2 * overlap / (p + target).sum()
