"""Mistakes that students make in exercise 2.4, one pass of training."""


# %% gradients not cleared
# The gradients are never cleared, so each step also takes those of all batches before it.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% gradients cleared once
# The gradients are cleared once, before the loop: clear them for every batch.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    optimiser.zero_grad()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% gradients cleared too late
# The gradients are cleared between the backward pass and the step, so the optimiser finds none.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        losses.mean().backward()
        optimiser.zero_grad()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% no step
# The gradients are computed, but the optimiser never takes a step.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% one step at the end
# The optimiser takes one step after the whole pass: it should take one for every batch.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    optimiser.zero_grad()
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        losses.mean().backward()
        total += losses.sum().item()
        count += len(losses)
    optimiser.step()
    return total / count


# %% gradient of the sum
# The gradient is that of the sum over the batch: take the mean, so that a step does not grow with
# the batch.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
        count += len(label)
    return total / count


# %% loss of the last batch
# Only the last batch's loss is returned: gather the losses of all batches.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item()


# %% mean of the batches
# Every batch counts alike: a smaller last batch has fewer pairs, so count by pairs.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    means = []
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        means.append(loss.item())
    return sum(means) / len(means)


# %% sum over all pairs
# The losses are added up but never divided: return the mean for one pair.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total = 0.0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
    return total


# %% sum of the batch means
# The means of the batches are added up and returned: the result grows with the number of batches.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total = 0.0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total


# %% divided by the batches
# The sum over all pairs is divided by the number of batches: divide by the number of pairs.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total = 0.0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
    return total / len(dataloader)


# %% batch means over pairs
# The means of the batches are divided by the number of pairs: each has been divided by its own size
# already.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total = 0.0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / len(dataloader.dataset)


# %% training mode forgotten
# The model is not put in training mode, so it works as it was left: in evaluation mode, perhaps.
def train_epoch(model, loss_function, optimiser, dataloader):
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% left in evaluation mode
# The training is right, but the model is put in evaluation mode at the end: leave it in training
# mode.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    model.eval()
    return total / count


# %% tensor returned
# The mean is still a tensor, with its whole graph behind it: return a Python float.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum()
        count += len(losses)
    return total / count


# %% list returned
# A list of losses is returned: the mean over all pairs is one float.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    history = []
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    return history


# %% losses after the step
# The losses are computed again after the step: count those that the step was made from.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        optimiser.zero_grad()
        loss_function(*model(image0, image1), label).mean().backward()
        optimiser.step()
        with torch.no_grad():
            losses = loss_function(*model(image0, image1), label)
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% return in the loop
# The return stands inside the loop, so the pass ends after its first batch.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
        return total / count


# %% nothing returned
# The training is right, but nothing is returned.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    mean = total / count


# %% one image at a time
# The model is called with one image: it takes both images of the pairs, and returns both
# embeddings.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0), model(image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% backward on all the losses
# The backward pass starts at a tensor of many losses: it needs a single number, their mean.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% smaller batch left out
# The smaller batch at the end is skipped: its pairs count too.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    batches = iter(dataloader)
    for _ in range(len(dataloader.dataset) // dataloader.batch_size):
        image0, image1, label = next(batches)
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% optimiser of its own
# The function makes an optimiser of its own and forgets the one that it is given.
def train_epoch(model, loss_function, optimiser, dataloader):
    optimiser = torch.optim.Adam(model.parameters())
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(losses)
    return total / count


# %% copy of the model
# A copy of the model is trained, or rather is not: the optimiser moves the weights of the model that
# you were given.
from copy import deepcopy


def train_epoch(model, loss_function, optimiser, dataloader):
    network = deepcopy(model)
    model.train()
    network.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        losses = loss_function(*network(image0, image1), label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(label)
    return total / count


# %% optimiser rebuilt
# A new optimiser of the same kind is made in each call, which forgets what the one that you were
# given remembers.
def train_epoch(model, loss_function, optimiser, dataloader):
    settings = {name: optimiser.param_groups[0][name] for name in ("lr", "momentum")}
    own = type(optimiser)(model.parameters(), **settings)
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        losses = loss_function(*model(image0, image1), label)
        own.zero_grad()
        losses.mean().backward()
        own.step()
        total += losses.sum().item()
        count += len(label)
    return total / count


# %% loader rebuilt
# A new loader is made from the data set, with an order of its own: use the one that you were given.
def train_epoch(model, loss_function, optimiser, dataloader):
    own = DataLoader(dataloader.dataset, batch_size=dataloader.batch_size)
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in own:
        losses = loss_function(*model(image0, image1), label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(label)
    return total / count


# %% all pairs at once
# The whole data set makes one batch: the batches are those of the loader.
def train_epoch(model, loss_function, optimiser, dataloader):
    pairs = [dataloader.dataset[i] for i in range(len(dataloader.dataset))]
    image0, image1, label = (torch.stack(column) for column in zip(*pairs))
    model.train()
    losses = loss_function(*model(image0, image1), label)
    optimiser.zero_grad()
    losses.mean().backward()
    optimiser.step()
    return losses.mean().item()


# %% loss function of its own
# The loss is that of an earlier exercise, whatever loss function is handed over: use the argument.
def train_epoch(model, loss_function, optimiser, dataloader):
    criterion = ContrastiveLoss()
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        losses = criterion(*model(image0, image1), label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(label)
    return total / count


# %% second embeddings cut
# The second embeddings are cut from the graph before the loss, so only the first images train the
# model.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0, out1.detach(), label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(label)
    return total / count


# %% first embeddings cut
# The first embeddings are cut from the graph before the loss, so only the second images train the
# model.
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        losses = loss_function(out0.data, out1, label)
        optimiser.zero_grad()
        losses.mean().backward()
        optimiser.step()
        total += losses.sum().item()
        count += len(label)
    return total / count
