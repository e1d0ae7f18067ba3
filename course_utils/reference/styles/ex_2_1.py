"""Right answers to exercise 2.1 in other styles."""


# %% pairwise distance of PyTorch
# Its ε is another one, and does not matter at 1e-5.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = F.pairwise_distance(output1, output2, keepdim=True)
        gap = F.relu(self.margin - torch.sqrt(distance.pow(2) + 1e-4))
        return (1 - label) * distance.pow(2) / 2 + label * gap.pow(2) / 2


# %% one of two by the label
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        difference = output1 - output2
        squared = torch.einsum("nd,nd->n", difference, difference)[:, None]
        far = torch.clip(self.margin - (squared + 1e-4).sqrt(), 0, self.margin)
        return torch.where(label == 0, squared, far * far) / 2


# %% margin in a buffer
class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.register_buffer("m", torch.as_tensor(float(margin)))

    def forward(self, output1, output2, label):
        squared = torch.sum(torch.square(output1 - output2), 1, True)
        distance = torch.sqrt(squared + 1e-4)
        zero = torch.zeros_like(distance)
        gap = torch.minimum(torch.maximum(self.m - distance, zero), self.m)
        return torch.lerp(squared, gap**2, label) * 0.5


# %% pair by pair
class ContrastiveLoss(nn.Module):
    def __init__(self, margin: float = 6.0) -> None:
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def one(self, a, b, y):
        squared = sum((p - q) ** 2 for p, q in zip(a, b))
        if y == 0:
            return squared / 2
        gap = self.margin - (squared + 1e-4) ** 0.5
        return gap.clamp(min=0) ** 2 / 2

    def forward(self, output1, output2, label):
        rows = [self.one(a, b, y) for a, b, y in zip(output1, output2, label)]
        return torch.stack(rows).reshape(-1, 1)


# %% two helpers
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    @staticmethod
    def squared_distance(a, b):
        return ((a - b) ** 2).sum(dim=-1).unsqueeze(-1)

    def push(self, squared):
        return F.relu(self.margin - torch.sqrt(squared + 0.0001)) ** 2

    def forward(self, output1, output2, label):
        squared = self.squared_distance(output1, output2)
        similar, dissimilar = 1 - label, label
        return 0.5 * (similar * squared + dissimilar * self.push(squared))


# %% labels flat inside
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        y = label.flatten()
        squared = torch.pow(output1 - output2, 2).sum(axis=1)
        gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), 0, self.margin)
        loss = 0.5 * ((1.0 - y) * squared + y * gap**2)
        return loss.view(-1, 1)


# %% copies of the embeddings
# `clone` keeps the graph, as `detach` would not.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        a, b = output1.clone(), output2.clone()
        squared = (a - b).square().sum(dim=1, keepdim=True)
        gap = F.threshold(self.margin - (squared + 1e-4).sqrt(), 0, 0)
        return ((1 - label) * squared + label * gap.square()) / 2


# %% norm of the difference
# Its gradient at 0 is finite, as that of a root is not.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = torch.linalg.vector_norm(output1 - output2, dim=1, keepdim=True)
        gap = (self.margin - torch.sqrt(distance**2 + 1e-4)).clip(min=0)
        return 0.5 * ((1 - label) * distance**2 + label * gap**2)


# %% pairs of each kind by themselves
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        losses = torch.zeros_like(squared)
        near, far = label == 0, label == 1
        losses[near] = squared[near] / 2
        losses[far] = F.relu(self.margin - torch.sqrt(squared[far] + 1e-4)) ** 2 / 2
        return losses
