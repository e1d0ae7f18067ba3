"""Right answers to exercise 2.5 in other styles."""


# %% norm
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
    return (out0 - out1).norm(dim=1)


# %% inference mode
@torch.inference_mode()
def pair_distance(model, image0, image1):
    out0, out1 = model.eval()(image0, image1)
    return torch.linalg.norm(out0 - out1, dim=-1)


# %% detached at the end
def pair_distance(model, image0, image1):
    model.train(False)
    a, b = model(image0, image1)
    return (a - b).pow(2).sum(1).sqrt().detach()


# %% pairwise distance of PyTorch
# Its ε is far below the tolerance.
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        return F.pairwise_distance(*model(image0, image1))


# %% mode put back
def pair_distance(model, image0, image1):
    mode = model.training
    model.eval()
    with torch.no_grad():
        out0, out1 = model(image0, image1)
        distances = torch.sqrt(torch.einsum("nd,nd->n", out0 - out1, out0 - out1))
    model.train(mode)
    return distances


# %% pair by pair
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        points = zip(*model(image0, image1))
        return torch.stack([torch.dist(a, b) for a, b in points])


# %% by way of NumPy
def pair_distance(model, image0, image1):
    model.eval()
    with torch.no_grad():
        out0, out1 = (out.numpy() for out in model(image0, image1))
    return torch.from_numpy(np.hypot(*(out0 - out1).T))


# %% another name for the model
def pair_distance(model, image0, image1):
    network = model.eval()
    with torch.no_grad():
        out0, out1 = network.forward(image0, image1)
    return torch.linalg.vector_norm(out0.clone() - out1.clone(), dim=1)


# %% pair by pair through the model
def pair_distance(model, image0, image1):
    model.eval()
    distances = []
    for one, other in zip(image0, image1):
        with torch.no_grad():
            a, b = model(one[None], other[None])
        distances.append(((a - b) ** 2).sum() ** 0.5)
    return torch.stack(distances)
