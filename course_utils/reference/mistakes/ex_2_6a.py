"""Mistakes that students make in exercise 2.6a, the loss that stalls."""


# %% sigmoid twice
# The sigmoid is still applied twice: the loss with logits in its name applies one itself.
def binary_loss(logits, target):
    probability = torch.sigmoid(logits)
    return F.binary_cross_entropy_with_logits(probability, target)


# %% no sigmoid
# No sigmoid is left: a cross-entropy of probabilities is given raw scores.
def binary_loss(logits, target):
    return F.binary_cross_entropy(logits, target)


# %% arguments exchanged
# The two arguments are exchanged: PyTorch takes the scores first and the targets second.
def binary_loss(logits, target):
    return F.binary_cross_entropy_with_logits(target, logits)


# %% sum
# The losses are summed: the mean is wanted.
def binary_loss(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target, reduction="sum")


# %% not reduced
# There is one loss for each score: return their mean.
def binary_loss(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none")


# %% sigmoid of the loss
# The sigmoid has moved to the result: it belongs on the scores, and the loss applies it there
# already.
def binary_loss(logits, target):
    return torch.sigmoid(F.binary_cross_entropy_with_logits(logits, target))


# %% squared error
# This is the mean squared error of the probabilities: it flattens out for sure and wrong scores,
# the cross-entropy does not.
def binary_loss(logits, target):
    probability = torch.sigmoid(logits)
    return F.mse_loss(probability, target)


# %% sign left out
# The sign is wrong: a logarithm of a probability is negative, and the cross-entropy is not.
def binary_loss(logits, target):
    p = torch.sigmoid(logits)
    return (target * torch.log(p + 1e-12) + (1 - target) * torch.log(1 - p + 1e-12)).mean()


# %% only the ones
# Only targets of one count: the term for targets of zero is missing.
def binary_loss(logits, target):
    p = torch.sigmoid(logits)
    return -(target * torch.log(p)).mean()


# %% probabilities rounded
# The probabilities are rounded, which removes both the shades of the loss and its gradient.
def binary_loss(logits, target):
    probability = torch.sigmoid(logits).round()
    return F.binary_cross_entropy(probability, target)


# %% softmax
# A softmax makes the scores compete with each other: each of them is a decision of its own.
def binary_loss(logits, target):
    return F.cross_entropy(logits, target)


# %% number returned
# The value is right, but it is cut from PyTorch's graph (item, detach or NumPy): return a tensor
# that still has its gradient.
def binary_loss(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target).item()


# %% probabilities clamped far from the ends
# The probabilities are kept far from 0 and 1, so sure scores have a wrong loss and no gradient.
def binary_loss(logits, target):
    probability = torch.sigmoid(logits).clamp(0.01, 0.99)
    return F.binary_cross_entropy(probability, target)


# %% one half of the slope
# The value is right, but the term that holds the targets is cut from the graph: its slope is missing.
def binary_loss(logits, target):
    return (F.softplus(logits) - logits.detach() * target).mean()
