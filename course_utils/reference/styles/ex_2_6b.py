"""Right answers to exercise 2.6b in other styles."""


# %% power of one half
def safe_distance(a, b):
    return (torch.sum((a - b) ** 2, dim=-1) + 1e-4) ** 0.5


# %% einsum
def safe_distance(a, b):
    difference = a - b
    return torch.einsum("ij,ij->i", difference, difference).add(1e-4).sqrt()


# %% column and back
def safe_distance(a, b):
    squared = torch.square(a - b).sum(dim=1, keepdim=True)
    return torch.sqrt(squared + 1e-4).squeeze(1)


# %% one coordinate more
# A last coordinate of the root of 1e-4 in all differences.
def safe_distance(a, b):
    difference = a - b
    extra = torch.full((len(a), 1), 0.01, dtype=a.dtype)
    return torch.linalg.vector_norm(torch.cat([difference, extra], dim=1), dim=1)


# %% row by row
def safe_distance(a, b):
    return torch.stack([torch.sqrt(torch.dot(x - y, x - y) + 1e-4) for x, y in zip(a, b)])


# %% epsilon as a setting
def safe_distance(a, b, epsilon=1e-4):
    squared = F.mse_loss(a, b, reduction="none").sum(1)
    return torch.sqrt(squared + epsilon)
