"""Other right answers to exercise 1.4.3c, the loop."""


# %% formula and rounding
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs = []
    accuracies = []
    for epoch in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            p = F2.squeeze(0)
            cost = -(y * torch.log(p + 1e-7) + (1 - y) * torch.log(1 - p + 1e-7)).mean()
            costs.append(cost)
            accuracies.append((torch.round(p) == y).sum() / len(y) * 100)
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% copies first
def train(W1, W2, dataloader, optimiser, num_epochs):
    W1 = W1.clone()
    W2 = W2.clone()
    history = {"cost": [], "accuracy": []}
    bce = torch.nn.BCELoss()
    with torch.no_grad():
        for _ in range(num_epochs):
            for X, y in dataloader:
                parts = forward(W1, W2, X)
                history["cost"].append(bce(parts[-1], y[None, :]).item())
                wrong = (parts[-1].flatten() - y).abs() > 0.5
                history["accuracy"].append(100 - 100 * wrong.float().mean().item())
                W1, W2 = optimiser(W1, W2, *backward(W2, X, y, *parts))
    return W1, W2, history["cost"], history["accuracy"]


# %% helper functions
def cross_entropy(p, y):
    p = p.clamp(1e-6, 1 - 1e-6)
    return float(-torch.where(y == 1, p.log(), (1 - p).log()).sum()) / len(y)


def accuracy(p, y):
    hits = sum(int((a > 0.5) == (b == 1)) for a, b in zip(p, y))
    return 100.0 * hits / len(y)


def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for batch in dataloader:
            X, y = batch
            Z1, F1, F2 = forward(W1, W2, X)
            costs += [cross_entropy(F2[0], y)]
            accuracies += [accuracy(F2[0], y)]
            grads = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, grads[0], grads[1])
    return [W1, W2, costs, accuracies]


# %% measured by numpy
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs = np.zeros(num_epochs * len(dataloader))
    accuracies = np.zeros_like(costs)
    i = 0
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            p, t = F2.numpy().ravel(), y.numpy()
            costs[i] = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
            accuracies[i] = np.mean((p > 0.5) == t) * 100
            i += 1
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% scores instead of probabilities
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in iter(dataloader):
            Z1, F1, F2 = forward(W1, W2, X)
            scores = torch.logit(F2).view(-1)
            cost = torch.nn.functional.binary_cross_entropy_with_logits(scores, y)
            costs.append(cost.detach().numpy())
            accuracies.append(torch.eq(scores > 0, y.bool()).double().mean() * 100)
            gradients = backward(W2=W2, X=X, y=y, Z1=Z1, F1=F1, F2=F2)
            W1, W2 = optimiser(W1, W2, *gradients)
    return W1, W2, tuple(costs), tuple(accuracies)


# %% a closure
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []

    def one_batch(weights, X, y):
        Z1, F1, F2 = forward(*weights, X)
        losses = torch.nn.functional.binary_cross_entropy(F2[0], y, reduction="none")
        costs.append(torch.mean(losses).item())
        predicted = (F2[0] > 0.5).to(y.dtype)
        accuracies.append((1 - torch.mean(torch.abs(predicted - y)).item()) * 100)
        return optimiser(*weights, *backward(weights[1], X, y, Z1, F1, F2))

    weights = (W1, W2)
    for _ in range(num_epochs):
        for X, y in dataloader:
            weights = one_batch(weights, X, y)
    return (*weights, costs, accuracies)


# %% a named result
from dataclasses import astuple, dataclass, field


@dataclass
class History:
    costs: list = field(default_factory=list)
    accuracies: list = field(default_factory=list)


def train(W1, W2, dataloader, optimiser, num_epochs):
    history = History()
    epoch = 0
    while epoch < num_epochs:
        for X, y in dataloader:
            out = forward(W1, W2, X)
            p = out[2].reshape(y.shape)
            history.costs.append((-(y * p.log()) - (1 - y) * (1 - p).log()).mean().item())
            history.accuracies.append(((p > 0.5) == (y == 1)).sum().item() * 100 / y.shape[0])
            d1, d2 = backward(W2, X, y, *out)
            W1, W2 = optimiser(W1, W2, d1, d2)
        epoch += 1
    return W1, W2, history.costs, history.accuracies


# %% the two shapes compared as they are
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(-1 / len(y) * (y @ F2.log().T + (1 - y) @ (1 - F2).log().T).item())
            accuracies.append(float(((F2 > 0.5) == y).sum()) / len(y) * 100)
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
            print(f"cost {costs[-1]:.3f}", end="\r") if len(costs) % 100 == 0 else None
    return W1, W2, costs, accuracies


# %% gradients by autograd
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            W1 = W1.detach().clone().requires_grad_()
            W2 = W2.detach().clone().requires_grad_()
            _, _, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2.view_as(y), y)
            cost.backward()
            costs.append(cost)
            accuracies.append(
                100 * np.mean((F2.detach().numpy()[0] > 0.5) == y.numpy().astype(bool))
            )
            W1, W2 = optimiser(W1.detach(), W2.detach(), W1.grad, W2.grad)
    return W1, W2, costs, accuracies


# %% decorated
@torch.no_grad()
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = torch.empty(0), torch.empty(0)
    for _ in range(num_epochs):
        for i, (X, y) in enumerate(dataloader):
            Z1, F1, F2 = forward(W1, W2, X)
            F2_row = torch.clip(F2[0], 1e-7, 1 - 1e-7)
            cost = torch.mean(-y * torch.log(F2_row) - (1 - y) * torch.log1p(-F2_row))
            accuracy = torch.count_nonzero((F2_row > 0.5) == (y > 0.5)) / len(y) * 100
            costs = torch.cat([costs, cost[None]])
            accuracies = torch.cat([accuracies, accuracy[None]])
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% batches listed anew in each epoch
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        batches = list(dataloader)
        for X, y in batches:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% a look at the first batch
def train(W1, W2, dataloader, optimiser, num_epochs):
    X, _ = next(iter(dataloader))
    assert X.shape[1] == W1.shape[1]
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% the network written out
# It calls neither function of the exercises before.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1 = W1 @ X.T
            F1 = Z1.relu()
            F2 = (W2 @ F1).sigmoid()
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            error = (F2 - y) / len(y)
            moves = (W2.T @ error * (Z1 > 0)) @ X, error @ F1.T
            W1, W2 = optimiser(W1, W2, *moves)
    return W1, W2, costs, accuracies
