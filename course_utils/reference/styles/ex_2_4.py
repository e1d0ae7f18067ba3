"""Right answers to exercise 2.4 in other styles."""


# %% mean weighted by the batch size
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    running_loss = 0.0
    for image0, image1, label in dataloader:
        optimiser.zero_grad()
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).mean()
        loss.backward()
        optimiser.step()
        running_loss += loss.item() * image0.size(0)
    return running_loss / len(dataloader.dataset)


# %% all losses gathered
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train(True)
    gathered = []
    for first, second, label in dataloader:
        losses = loss_function(*model(first, second), label)
        model.zero_grad()
        torch.mean(losses).backward()
        optimiser.step()
        gathered.append(losses.detach())
    return torch.cat(gathered).mean().item()


# %% average of NumPy
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    means, sizes = [], []
    for image0, image1, label in dataloader:
        out0, out1 = model(image0, image1)
        loss = loss_function(out0, out1, label).mean()
        for parameter in model.parameters():
            parameter.grad = None
        loss.backward()
        optimiser.step()
        means.append(loss.item())
        sizes.append(len(label))
    return float(np.average(means, weights=sizes))


# %% closure
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    history = []
    for image0, image1, label in dataloader:

        def closure():
            optimiser.zero_grad()
            losses = loss_function(*model(image0, image1), label)
            losses.mean().backward()
            history.extend(losses.flatten().tolist())
            return losses.mean()

        optimiser.step(closure)
    return sum(history) / len(history)


# %% one step in a helper
def one_step(model, loss_function, optimiser, batch):
    image0, image1, label = batch
    losses = loss_function(*model(image0, image1), label)
    optimiser.zero_grad(set_to_none=False)
    losses.sum().div(len(label)).backward()
    optimiser.step()
    return losses.sum().item(), losses.numel()


def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    sums, numbers = zip(*(one_step(model, loss_function, optimiser, batch) for batch in dataloader))
    return sum(sums) / sum(numbers)


# %% gradients by autograd
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    parameters = list(model.parameters())
    total = torch.zeros(())
    count = 0
    for batch in dataloader:
        out0, out1 = model(batch[0], batch[1])
        losses = loss_function(out0, out1, batch[2])
        for parameter, gradient in zip(parameters, torch.autograd.grad(losses.mean(), parameters)):
            parameter.grad = gradient
        optimiser.step()
        total += losses.detach().sum()
        count += batch[2].shape[0]
    return float(total / count)


# %% measured by a pass of its own
def train_epoch(model, loss_function, optimiser, dataloader):
    model.train()
    total, count = 0.0, 0
    for image0, image1, label in dataloader:
        with torch.no_grad():
            total += float(loss_function(*model(image0, image1), label).sum())
        optimiser.zero_grad()
        loss_function(*model(image0, image1), label).mean().backward()
        optimiser.step()
        count += len(label)
    return total / count


# %% batches listed and counted first
def train_epoch(model, loss_function, optimiser, dataloader):
    batches = list(dataloader)
    number = sum(len(label) for _, _, label in batches)
    model.train()
    total = 0.0
    for image0, image1, label in batches:
        optimiser.zero_grad()
        losses = loss_function(*model(image0, image1), label)
        losses.backward(torch.full_like(losses, 1 / len(losses)))
        optimiser.step()
        total += losses.detach().sum().item()
    return total / number


# %% a first batch to look at
def train_epoch(model, loss_function, optimiser, dataloader):
    first, _, _ = next(iter(dataloader))
    assert first.dim() == 4
    model.train()
    losses_of_all = []
    with torch.set_grad_enabled(True):
        for pairs in dataloader:
            image0, image1, label = (part.clone() for part in pairs)
            loss = loss_function(*model(image0, image1), label)
            optimiser.zero_grad()
            loss.mean().backward()
            optimiser.step()
            losses_of_all += loss.flatten().tolist()
    return sum(losses_of_all) / len(losses_of_all)
