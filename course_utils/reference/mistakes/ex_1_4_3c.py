"""Mistakes that students make in exercise 1.4.3c, the loop."""


# %% measured after the update
# Cost and accuracy are those after the update: measure them before the weights change.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
    return W1, W2, costs, accuracies


# %% one entry an epoch
# Cost and accuracy are noted once an epoch, for the last batch only: append them for every batch.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
        costs.append(cost.item())
        accuracies.append(100 * correct.float().mean().item())
    return W1, W2, costs, accuracies


# %% mean of the epoch
# The lists hold one mean per epoch: they should get one entry a batch.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        epoch_costs, epoch_accuracies = [], []
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            epoch_costs.append(cost.item())
            epoch_accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
        costs.append(np.mean(epoch_costs))
        accuracies.append(np.mean(epoch_accuracies))
    return W1, W2, costs, accuracies


# %% one update an epoch
# The optimiser is called once an epoch, after the loop over the batches: call it for every batch.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
        dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
        W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% returns after a batch
# The result is returned within the loop over the batches, so only one of them is seen: look at the
# indentation of the last line.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
            return W1, W2, costs, accuracies


# %% first batch only
# Each epoch uses the first batch of the loader alone: go through all of them.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        X, y = next(iter(dataloader))
        Z1, F1, F2 = forward(W1, W2, X)
        cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
        correct = (F2[0] > 0.5) == (y > 0.5)
        costs.append(cost.item())
        accuracies.append(100 * correct.float().mean().item())
        dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
        W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% a single epoch
# Only one epoch happens whatever `num_epochs` says: is the loop over the epochs there, and the
# return behind it?
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for X, y in dataloader:
        Z1, F1, F2 = forward(W1, W2, X)
        cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
        correct = (F2[0] > 0.5) == (y > 0.5)
        costs.append(cost.item())
        accuracies.append(100 * correct.float().mean().item())
        dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
        W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% one epoch too few
# One epoch is missing: count how often your outer loop runs.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(1, num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% one epoch too many
# There is one epoch too many: count how often your outer loop runs.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs + 1):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% epochs fixed
# The number of epochs is written into the loop: `num_epochs` says how many are wanted.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(10):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% lists emptied each epoch
# The lists are made anew in every epoch, so only the last one is left: start them before the loops.
def train(W1, W2, dataloader, optimiser, num_epochs):
    for _ in range(num_epochs):
        costs, accuracies = [], []
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% a fraction for per cent
# The accuracy is a fraction: it should be in per cent.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% right ones counted
# The accuracy is the number of right predictions: it should be their share of the batch, in per
# cent.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(correct.float().sum().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% share of the whole data
# The right predictions are divided by the size of the whole data set: divide by the size of the
# batch.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().sum().item() / len(dataloader.dataset))
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% whole per cents
# The accuracy loses what stands behind the point: divide without cutting to whole numbers.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.sum().item() // len(y))
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% rounded per cents
# The accuracy is rounded to whole per cents: keep what stands behind the point.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(round(100 * correct.float().mean().item()))
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% wrong ones in per cent
# This is the share of wrong predictions: the accuracy is that of right ones.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) != (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% share of predicted preterm
# The accuracy never meets the labels: it is the share of babies predicted to be preterm.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = F2[0] > 0.5
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% threshold of zero
# A probability is always above 0, so everybody counts as preterm: the threshold is one half.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0) == (y > 0)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% probability beside label
# The probability itself is compared with the label, and hardly ever equals it: compare the class
# that it stands for.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = F2[0] == y
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% squeezed to nothing
# Dropping all axes of length 1 also drops the samples' own when a batch holds a single one: name
# the axis that shall go.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2.squeeze(), y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% every prediction with every label
# A column of predictions meets a row of labels, so all are compared with all: give both the same
# shape.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2.T > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% cost summed
# The cost is the sum over the batch: it should be the mean.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y, reduction="sum")
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% cost shared among the whole data
# The cost is divided by the size of the whole data set: divide by the size of the batch.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y, reduction="sum")
            cost = cost / len(dataloader.dataset)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% minus forgotten
# The costs are negative: a minus is missing before the logarithms.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = (y * torch.log(F2[0]) + (1 - y) * torch.log(1 - F2[0])).mean()
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% half of the cross entropy
# The cost sees the preterm babies only: the term for the label 0 is missing.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = -(y * torch.log(F2[0])).mean()
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% prediction and label exchanged
# In the cross-entropy the labels and the predictions have changed places: the logarithm is taken of
# the predictions.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(y, F2[0])
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% sigmoid twice
# The loss applies a sigmoid of its own to F2, which is a probability already.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy_with_logits(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% squared error
# The cost is the mean squared error: the mean cross-entropy is wanted.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = ((F2[0] - y) ** 2).mean()
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% cost in bits
# The cost takes logarithms to the base 2: the natural ones are meant.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = -(y * torch.log2(F2[0]) + (1 - y) * torch.log2(1 - F2[0])).mean()
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% running sum
# The costs add up from batch to batch: each entry should be the cost of one batch.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    cost = 0
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost += torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% step thrown away
# What the optimiser returns is not kept, so the weights never change: assign it to W1 and W2.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% steps from the start
# Every step starts from the first weights: the next batch should go on where the last one arrived.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            new_W1, new_W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return new_W1, new_W2, costs, accuracies


# %% restart every epoch
# Every epoch starts again from the first weights: go on from where the last one arrived.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    start_W1, start_W2 = W1, W2
    for _ in range(num_epochs):
        W1, W2 = start_W1, start_W2
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% two calls a batch
# The optimiser is called twice a batch, once for each weight: one call moves both.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            new_W1 = optimiser(W1, W2, dJ_dW1, dJ_dW2)[0]
            new_W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)[1]
            W1, W2 = new_W1, new_W2
    return W1, W2, costs, accuracies


# %% a descent of its own
# The step is written into the loop, and the optimiser is never called: leave the step to the
# optimiser.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1 = W1 - 0.01 * dJ_dW1
            W2 = W2 - 0.01 * dJ_dW2
    return W1, W2, costs, accuracies


# %% caller's weights changed
# Training is right, but the caller's W1 and W2 change as well: do not write into them.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1[:], W2[:] = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs, accuracies


# %% gradients exchanged
# The optimiser gets the gradients in the wrong order: W1's is first.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW2, dJ_dW1)
    return W1, W2, costs, accuracies


# %% lists exchanged
# Costs and accuracies come back in the wrong order.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, accuracies, costs


# %% lists before weights
# The weights come back last: the order is W1, W2, costs, accuracies.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return costs, accuracies, W1, W2


# %% weights not returned
# Only the lists come back: return the trained weights before them.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return costs, accuracies


# %% only the last values
# The last cost and accuracy come back instead of the lists of all.
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            cost = torch.nn.functional.binary_cross_entropy(F2[0], y)
            correct = (F2[0] > 0.5) == (y > 0.5)
            costs.append(cost.item())
            accuracies.append(100 * correct.float().mean().item())
            dJ_dW1, dJ_dW2 = backward(W2, X, y, Z1, F1, F2)
            W1, W2 = optimiser(W1, W2, dJ_dW1, dJ_dW2)
    return W1, W2, costs[-1], accuracies[-1]


# %% optimiser copied for each batch
# Each batch gets a fresh copy of the optimiser, which remembers nothing of the batches before: call
# the one that you were given.
from copy import deepcopy


def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            step = deepcopy(optimiser)
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = step(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% optimiser copied for each epoch
# Each epoch gets a fresh copy of the optimiser, which remembers nothing of the epochs before: call
# the one that you were given.
from copy import deepcopy


def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        step = deepcopy(optimiser)
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = step(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% optimiser copied at the start
# A copy of the optimiser takes the steps, so the one that you were given learns nothing of them: use
# it as it is.
from copy import deepcopy


def train(W1, W2, dataloader, optimiser, num_epochs):
    step = deepcopy(optimiser)
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = step(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% batches listed once
# The batches are listed once, before the loop, so all epochs see them in the same order: ask the
# dataloader in each epoch.
def train(W1, W2, dataloader, optimiser, num_epochs):
    batches = list(dataloader)
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in batches:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% loader rebuilt
# A new loader is made from the data set, with an order of its own: use the one that you were given.
def train(W1, W2, dataloader, optimiser, num_epochs):
    own = DataLoader(dataloader.dataset, batch_size=dataloader.batch_size)
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in own:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


# %% data set at once
# The whole data set makes one batch: the batches are those of the dataloader.
def train(W1, W2, dataloader, optimiser, num_epochs):
    X, y = (torch.stack(column) for column in zip(*dataloader.dataset))
    costs, accuracies = [], []
    for _ in range(num_epochs):
        Z1, F1, F2 = forward(W1, W2, X)
        costs.append(torch.nn.functional.binary_cross_entropy(F2[0], y).item())
        accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
        W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies
