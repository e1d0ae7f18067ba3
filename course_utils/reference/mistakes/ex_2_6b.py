"""Mistakes that students make in exercise 2.6b, NaN after the first step."""


# %% plain root
# The sum of squares still stands alone under the root: where two rows are equal, the slope of the
# root is infinite.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1))


# %% outside the root
# The small number is added after the root: the slope at zero stays infinite, because it belongs
# under the root.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1)) + 1e-4


# %% added to the difference
# The small number is added to the differences before they are squared: add it to their sum of
# squares.
def safe_distance(a, b):
    return torch.sqrt(((a - b + 1e-4) ** 2).sum(dim=1))


# %% once for each coordinate
# The small number is added to each square, so it counts once for each coordinate: add it once, to
# the sum.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2 + 1e-4).sum(dim=1))


# %% another small number
# The gradient is finite, but the number under the root is much smaller than the one asked for.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-8)


# %% root of the small number
# The small number under the root is too large: take it as it is given, the root is taken of it
# later.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-2)


# %% no root
# The root is gone: without it the gradient is finite, but this is a squared distance.
def safe_distance(a, b):
    return ((a - b) ** 2).sum(dim=1) + 1e-4


# %% clamped from below
# The sum is cut off from below: the small number should be added everywhere, not only near zero.
def safe_distance(a, b):
    return torch.sqrt(torch.clamp(((a - b) ** 2).sum(dim=1), min=1e-4))


# %% dimension kept
# The distances come as a column: the shape should be flat, one number for each row.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1, keepdim=True) + 1e-4)


# %% one distance for all rows
# The squares are summed over all rows: each row has a distance of its own.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum() + 1e-4)


# %% sum over the rows
# The sum runs over the rows instead of over their coordinates.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=0) + 1e-4)


# %% mean over the coordinates
# The squares are averaged over the coordinates: the distance sums them.
def safe_distance(a, b):
    return torch.sqrt(((a - b) ** 2).mean(dim=1) + 1e-4)


# %% absolute differences
# The absolute differences are summed: that is another distance, although its gradient is finite.
def safe_distance(a, b):
    return (a - b).abs().sum(dim=1) + 1e-4


# %% root of each square
# The root is taken of each square before they are summed: sum first, then one root.
def safe_distance(a, b):
    return torch.sqrt((a - b) ** 2 + 1e-4).sum(dim=1)


# %% no gradient
# The values are right, but no gradient is kept: then nothing can be trained with this distance.
def safe_distance(a, b):
    with torch.no_grad():
        return torch.sqrt(((a - b) ** 2).sum(dim=1) + 1e-4)


# %% table of distances
# A table of all distances is returned: each row of a is compared with its own partner only.
def safe_distance(a, b):
    return torch.sqrt(torch.cdist(a, b) ** 2 + 1e-4)


# %% second rows cut
# The distances are right, but no gradient reaches the second argument: both sides are to move.
def safe_distance(a, b):
    return torch.sqrt(((a - b.detach()) ** 2).sum(dim=1) + 1e-4)


# %% first rows cut
# The distances are right, but no gradient reaches the first argument: both sides are to move.
def safe_distance(a, b):
    return torch.sqrt(((a.data - b) ** 2).sum(dim=1) + 1e-4)


# %% root without a slope
# The root is cut from the graph and divided out again: the gradients are twice what they should be.
def safe_distance(a, b):
    squared = ((a - b) ** 2).sum(dim=1) + 1e-4
    return squared / torch.sqrt(squared).detach()
