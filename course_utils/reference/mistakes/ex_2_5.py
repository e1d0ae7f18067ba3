"""Mistakes that students make in exercise 2.5, distances between embeddings."""


# %% evaluation mode forgotten
# The model is not put in evaluation mode, so its distances depend on the other images of the batch.
def pair_distance(model, image0, image1):
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.sqrt(((out0 - out1) ** 2).sum(dim=1))


# %% gradients kept
# The distances still carry gradients: we only look here, so no graph is needed.
def pair_distance(model, image0, image1):
    model.eval()
    out0, out1 = model(image0, image1)
    return torch.sqrt(((out0 - out1) ** 2).sum(dim=1))


# %% neither mode nor gradients
# Two things are missing: evaluation mode for the model, and a place where no gradients are kept.
def pair_distance(model, image0, image1):
    out0, out1 = model(image0, image1)
    return torch.sqrt(((out0 - out1) ** 2).sum(dim=1))


# %% root left out
# The squared distances are returned: take the root.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return ((out0 - out1) ** 2).sum(dim=1)


# %% dimension kept
# The distances come as a column: one number for each pair, without a dimension more.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.sqrt(((out0 - out1) ** 2).sum(dim=1, keepdim=True))


# %% small number under the root
# The small number of the loss stands under the root: here equal embeddings have distance zero.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.sqrt(((out0 - out1) ** 2).sum(dim=1) + 1e-4)


# %% one distance for all pairs
# The squares are summed over the whole batch: sum over the coordinates of each pair only.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.norm(out0 - out1)


# %% mean over the pairs
# The mean distance is returned: one distance for each pair is wanted.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.sqrt(((out0 - out1) ** 2).sum(dim=1)).mean()


# %% sum over the pairs
# The sum runs over the pairs instead of over the coordinates: mind which dimension is which.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.sqrt(((out0 - out1) ** 2).sum(dim=0))


# %% absolute differences
# The absolute differences are summed: the Euclidean distance is the root of a sum of squares.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return (out0 - out1).abs().sum(dim=1)


# %% mean over the coordinates
# The squares are averaged over the coordinates: the Euclidean distance sums them.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.sqrt(((out0 - out1) ** 2).mean(dim=1))


# %% array returned
# The distances are returned as a NumPy array: a tensor is wanted.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.sqrt(((out0 - out1) ** 2).sum(dim=1)).numpy()


# %% list returned
# The distances are returned as a list of numbers: a tensor is wanted.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return [torch.dist(a, b).item() for a, b in zip(out0, out1)]


# %% difference of the images
# The distances are those of the images themselves: the model's embeddings are never used.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        return torch.sqrt(((image0 - image1) ** 2).flatten(1).sum(dim=1))


# %% table of distances
# A table of all distances is returned: only the two images of one pair are compared.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        return torch.cdist(out0, out1)


# %% copy of the model
# The distances are right, but they come from a copy of the model: use the one that you were given.
from copy import deepcopy


def pair_distance(model, image0, image1):
    network = deepcopy(model).eval()
    with torch.no_grad():
        out0, out1 = network(image0, image1)
    return (out0 - out1).norm(dim=1)
