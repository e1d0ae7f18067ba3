"""Right answers to exercise 2.6a in other styles."""


# %% cross-entropy of probabilities
def binary_loss(logits, target):
    probability = torch.sigmoid(logits)
    return F.binary_cross_entropy(probability, target)


# %% a loss object
def binary_loss(logits, target):
    return nn.BCEWithLogitsLoss()(logits, target)


# %% softplus
def binary_loss(logits, target):
    return (F.softplus(logits) - logits * target).mean()


# %% sigmoids of logarithms
def binary_loss(logits, target):
    ones = target * F.logsigmoid(logits)
    zeros = (1 - target) * F.logsigmoid(-logits)
    return -(ones + zeros).mean()


# %% averaged by hand
def binary_loss(logits, target):
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return losses.sum() / losses.numel()


# %% chosen by the target
def binary_loss(logits, target):
    p = torch.sigmoid(logits)
    return -torch.log(torch.where(target == 1, p, 1 - p)).mean()


# %% two classes
def binary_loss(logits, target):
    scores = torch.stack([torch.zeros_like(logits), logits], dim=-1).reshape(-1, 2)
    return F.cross_entropy(scores, target.reshape(-1).long())
