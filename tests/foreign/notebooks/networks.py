# %% [markdown]
# PyTorch: modules, parameters, gradients, a training loop of the test.
# %% given
import torch
from torch import nn
# %% answer net
class Net(nn.Module):
    ### BEGIN SOLUTION
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)
    def forward(self, x):
        return self.layer(x)
    ### END SOLUTION
# %% mutant net
        self.layer = nn.Linear(2, 1)
# ->
        self.layer = nn.Linear(2, 1, bias=False)
# %% mutant net
        return self.layer(x)
# ->
        return self.layer(x).detach()
# %% mutant net
        self.layer = nn.Linear(2, 1)
# ->
        self.layer = nn.Linear(2, 3)
# %% test forward 1
import torch
assert Net()(torch.zeros(3, 2)).shape == (3, 1)
# %% test parameters 1
assert sum(p.numel() for p in Net().parameters()) == 3
# %% test layer_kind 1
from torch import nn
assert isinstance(Net().layer, nn.Linear)
# %% test trained 1
import torch
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
loss = net(torch.ones(3, 2)).pow(2).mean()
loss.backward()
opt.step()
assert net(torch.ones(3, 2)).pow(2).mean() < loss
# %% test state_dict 1
assert set(Net().state_dict()) == {"layer.weight", "layer.bias"}
# %% test seeded_weights 1
import torch
torch.manual_seed(1)
first = Net().layer.weight.clone()
torch.manual_seed(1)
assert torch.equal(first, Net().layer.weight)
# %% test loaded_weights 1
import torch
net = Net()
with torch.no_grad():
    net.layer.weight.fill_(1.0)
    net.layer.bias.zero_()
assert net(torch.tensor([[2.0, 3.0]])).item() == 5.0
# %% answer loss
def mse(prediction, target):
    ### BEGIN SOLUTION
    return ((prediction - target) ** 2).mean()
    ### END SOLUTION

def train(model, x, y, steps=200, lr=0.1):
    ### BEGIN SOLUTION
    optimiser = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = mse(model(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION
# %% mutant loss
((prediction - target) ** 2).mean()
# ->
((prediction - target) ** 2).sum()
# %% mutant loss
        optimiser.zero_grad()
# ->

# %% mutant loss
((prediction - target) ** 2).mean()
# ->
torch.tensor(((prediction - target) ** 2).mean().item(), requires_grad=True)
# %% test loss_value 1
import torch
assert torch.isclose(mse(torch.tensor([1.0, 3.0]), torch.zeros(2)), torch.tensor(5.0))
# %% test loss_gradient 1
import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
mse(w, torch.zeros(2)).backward()
assert torch.allclose(w.grad, torch.tensor([1.0, 2.0]))
# %% test trains_given_model 2
import torch
torch.manual_seed(0)
model = torch.nn.Linear(1, 1)
x = torch.linspace(-1, 1, 20).unsqueeze(1)
losses = train(model, x, 3 * x + 1)
assert losses[-1] < 1e-3 and len(losses) == 200
assert abs(model.weight.item() - 3) < 0.1
# %% test trains_own_model 2
import torch
torch.manual_seed(0)
net = Net()
x = torch.randn(30, 2)
losses = train(net, x, x.sum(dim=1, keepdim=True), steps=300)
assert losses[-1] < 0.01 * losses[0]
# %% answer average
class Average:
    def __init__(self, start):
        ### BEGIN SOLUTION
        self.value = start.clone()
        ### END SOLUTION

    def update(self, x):
        ### BEGIN SOLUTION
        self.value.mul_(0.5).add_(0.5 * x)
        ### END SOLUTION
# %% mutant average
        self.value = start.clone()
# ->
        self.value = start
# %% mutant average
        self.value.mul_(0.5).add_(0.5 * x)
# ->
        self.value = 0.5 * self.value + x
# %% test leaves_the_tensor_alone 1
start = torch.zeros(2)
average = Average(start)
average.update(torch.ones(2))
assert start.sum() == 0
# %% test keeps_its_own_tensor 1
start = torch.zeros(2)
average = Average(start)
start += 1
assert average.value.sum() == 0
# %% test updates_in_place 1
average = Average(torch.zeros(2))
value = average.value
average.update(torch.ones(2))
assert value.sum() == 1
