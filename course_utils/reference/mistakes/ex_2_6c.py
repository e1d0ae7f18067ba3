"""Mistakes that students make in exercise 2.6c, the loss that falls while nothing is learned."""


# %% dimension lost
# The sum over a row still loses its dimension: (N,) beside labels of shape (N, 1) broadcasts to (N,
# N).
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% table averaged
# The shape is right, but the table is averaged away: every pair still meets the labels of all
# others.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    losses = 0.5 * ((1 - label) * squared + label * gap**2)
    return losses.mean(dim=1, keepdim=True)


# %% table cut
# The shape is right, but one column is cut out of the table: in it, the distance of one pair meets
# all labels.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    losses = 0.5 * ((1 - label) * squared + label * gap**2)
    return losses[:, :1]


# %% flat losses
# The numbers are right, but flat: keep the dimension of the distances instead of removing that of
# the labels.
def pairwise_margin(a, b, label, margin):
    label = label.squeeze(1)
    squared = ((a - b) ** 2).sum(dim=1)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% row of losses
# The losses stand in a row: the labels are turned where the distances should keep their dimension.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label.T) * squared + label.T * gap**2)


# %% mean over the pairs
# The losses are averaged: one loss for each pair is wanted.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return (0.5 * ((1 - label) * squared + label * gap**2)).mean()


# %% one distance for the whole batch
# The squares are summed over the whole batch: each pair has a distance of its own.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum()
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% sum over the pairs
# The dimension is kept, but the sum runs over the pairs instead of over the coordinates.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=0, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% coordinates not summed
# Nothing is summed, so each coordinate has a loss of its own: the distance of a pair is one number.
def pairwise_margin(a, b, label, margin):
    squared = (a - b) ** 2
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% labels exchanged
# The labels are exchanged: zero means a similar pair, and one a dissimilar one.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * (label * squared + (1 - label) * gap**2)


# %% gap not clipped
# The gap is no longer clipped at zero, so dissimilar pairs beyond the margin pay again.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = margin - torch.sqrt(squared + 1e-4)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% gap not squared
# The gap between margin and distance has lost its square.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap)


# %% half left out
# The factor ½ has been lost.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return (1 - label) * squared + label * gap**2


# %% small number in both terms
# The small number has got into the first term: it stands under the root only.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True) + 1e-4
    gap = torch.clamp(margin - torch.sqrt(squared), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% small number left out
# The small number under the root is gone: two equal points then have no usable gradient.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% root left out
# The margin is compared with the squared distance: the root is missing.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - squared, min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% second side cut
# The losses are right, but no gradient reaches the second argument: both sides of a pair are to move.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b.detach()) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% first side cut
# The losses are right, but no gradient reaches the first argument: both sides of a pair are to move.
def pairwise_margin(a, b, label, margin):
    squared = ((a.data - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% cut from the graph
# The losses are right, but they are put into a new tensor, which no gradient passes.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return torch.tensor((0.5 * ((1 - label) * squared + label * gap**2)).tolist())


# %% similar pairs cut
# The losses are right, but similar pairs give no gradient: the first term is cut from the graph.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared.detach() + label * gap**2)


# %% dissimilar pairs cut
# The losses are right, but dissimilar pairs give no gradient: the second term is cut from the graph.
def pairwise_margin(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1, keepdim=True)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0).detach()
    return 0.5 * ((1 - label) * squared + label * gap**2)


# %% root before the square
# Where two points are the same the gradient is not a number: a root without the small number is on
# the way to the squared distance.
def pairwise_margin(a, b, label, margin):
    distance = torch.sqrt(((a - b) ** 2).sum(dim=1, keepdim=True))
    gap = torch.clamp(margin - torch.sqrt(distance**2 + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * distance**2 + label * gap**2)
