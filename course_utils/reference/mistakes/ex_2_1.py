"""Mistakes that students make in exercise 2.1, the contrastive loss."""


# %% labels exchanged
# The two labels are exchanged: Y = 0 means similar here, and only similar pairs pay for their
# squared distance.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * (label * squared + (1 - label) * gap**2)


# %% mean over the pairs
# The losses are averaged over the batch: return one loss for each pair, and leave the mean to the
# training.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        loss = 0.5 * (
            (1 - label) * squared + label * torch.clamp(self.margin - distance, min=0.0) ** 2
        )
        return torch.mean(loss)


# %% half left out
# The factor ½ in front of the bracket is missing.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return (1 - label) * squared + label * gap**2


# %% half on the first term only
# The ½ reaches the first term only: it stands in front of the whole bracket, so mind the
# parentheses.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * (1 - label) * squared + label * gap**2


# %% distance not squared for similar pairs
# A similar pair should cost its squared distance: the first term has the distance itself.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * distance + label * gap**2)


# %% gap not squared
# The second term is not squared: the clipped gap between margin and distance enters with its
# square.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap)


# %% gap not clipped
# The gap m − D̃ is not clipped at 0: squared, it makes dissimilar pairs beyond the margin pay
# again.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        return 0.5 * ((1 - label) * squared + label * (self.margin - distance) ** 2)


# %% clipped after squaring
# The gap is squared before it is clipped: a negative gap is then positive already, and a large one
# is cut at m.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp((self.margin - distance) ** 2, 0.0, self.margin)
        return 0.5 * ((1 - label) * squared + label * gap)


# %% clipped at one
# The gap is clipped at a fixed upper bound that is too low: it may be as large as the margin m.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, 0.0, 1.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% gap turned round
# The gap has the wrong sign: dissimilar pairs should pay while they are closer than the margin,
# yours pay beyond it.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(distance - self.margin, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% margin minus the squared distance
# The squared distance is taken from the margin: the second term needs the distance, with its root.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        gap = torch.clamp(self.margin - squared, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% small number left out
# Under the root of the second term a small number is missing: without it the slope is infinite
# where two points coincide.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% small number outside the root
# The small number is added to the distance after the root: it belongs under the root, where it
# keeps the slope finite.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared) + 1e-4
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% small number in both terms
# The small number has got into the first term too: similar pairs that coincide should cost nothing
# at all.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = torch.sqrt(((output1 - output2) ** 2).sum(dim=1, keepdim=True) + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * distance**2 + label * gap**2)


# %% dimension lost
# The sum over a row has lost its dimension: shape (N,) beside labels of shape (N, 1) broadcasts to
# (N, N).
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% flat losses
# The numbers are right, but flat: the losses should have the shape of the labels, one row for each
# pair.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        label = label.flatten()
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% one distance for the whole batch
# The squares are summed over the whole batch: each pair has its own distance, so sum over the
# coordinates only.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = torch.sum((output1 - output2) ** 2)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% mean over the coordinates
# The squares are averaged over the coordinates: D² is their sum.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).mean(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% absolute differences
# The distance is a sum of absolute differences: D² is a sum of squares (Euclid, not city blocks).
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = (output1 - output2).abs().sum(dim=1, keepdim=True) ** 2
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% margin fixed
# The margin that is given is not used: keep it in the constructor, and use what you kept in
# forward.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = 6.0

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% cut from the graph
# The values are right, but no gradient can flow back: the loss is computed outside PyTorch's graph
# (detach, no_grad or NumPy).
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1.detach() - output2.detach()) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% embeddings changed in place
# The difference is taken in place, which changes the embeddings that were passed: make a new tensor
# instead.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        output1 -= output2
        squared = (output1**2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% nothing returned
# The losses are computed but not returned: forward ends without a `return`.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        distance = torch.sqrt(squared + 1e-4)
        gap = torch.clamp(self.margin - distance, min=0.0)
        loss = 0.5 * ((1 - label) * squared + label * gap**2)


# %% first embeddings cut
# The losses are right, but no gradient reaches the first embeddings: both sides of a pair are to
# move.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1.detach() - output2) ** 2).sum(dim=1, keepdim=True)
        gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% second embeddings cut
# The losses are right, but no gradient reaches the second embeddings: both sides of a pair are to
# move.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2.data) ** 2).sum(dim=1, keepdim=True)
        gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% similar pairs cut
# The losses are right, but similar pairs give no gradient: the first term is cut from the graph.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), min=0.0)
        return 0.5 * ((1 - label) * squared.detach() + label * gap**2)


# %% dissimilar pairs cut
# The losses are right, but dissimilar pairs give no gradient: the second term is cut from the graph.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        with torch.no_grad():
            gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% slope of one factor
# A square is written as a product of which one factor is cut from the graph: the gradients are half
# of what they should be.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        difference = output1 - output2
        squared = (difference.detach() * difference).sum(dim=1, keepdim=True)
        gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), min=0.0)
        return 0.5 * ((1 - label) * squared + label * gap**2)


# %% root before the square
# Where two points are the same the gradient is not a number: a root without the small number is on
# the way to the squared distance.
class ContrastiveLoss(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = torch.sqrt(((output1 - output2) ** 2).sum(dim=1, keepdim=True))
        gap = torch.clamp(self.margin - torch.sqrt(distance**2 + 1e-4), min=0.0)
        return 0.5 * ((1 - label) * distance**2 + label * gap**2)
