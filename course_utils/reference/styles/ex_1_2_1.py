"""Right answers to exercise 1.2.1, momentum, in other styles."""


# %% lists
class Momentum:
    def __init__(self, learning_rate, beta):
        self.settings = (learning_rate, beta)
        self.z = [0, 0]

    def __call__(self, *arguments):
        rate, beta = self.settings
        weights, gradients = arguments[:2], arguments[2:]
        self.z = [beta * z + rate * g for z, g in zip(self.z, gradients)]
        return [w - z for w, z in zip(weights, self.z)]


# %% rate after the sum
# While η stays the same it may as well scale the sum.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.sum1, self.sum2 = 0.0, 0.0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.sum1 = w1_grad + self.beta * self.sum1
        self.sum2 = w2_grad + self.beta * self.sum2
        return w1 - self.learning_rate * self.sum1, w2 - self.learning_rate * self.sum2


# %% velocity with a minus
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.v1 = self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 - self.learning_rate * w1_grad
        self.v2 = self.beta * self.v2 - self.learning_rate * w2_grad
        return w1 + self.v1, w2 + self.v2


# %% memory changed in place
# It is the class's own, so nobody else sees it change.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z = {}

    def _step(self, name, w, g):
        if name not in self.z:
            self.z[name] = 0 * g
        self.z[name] *= self.beta
        self.z[name] += self.learning_rate * g
        return w - self.z[name]

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return self._step("w1", w1, w1_grad), self._step("w2", w2, w2_grad)


# %% all gradients kept
# Slow, but right: the sum is made anew from all gradients so far.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.history = []

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.history.append((w1_grad, w2_grad))
        newest = len(self.history) - 1
        for age in range(newest + 1):
            g1, g2 = self.history[newest - age]
            w1 = w1 - self.learning_rate * self.beta**age * g1
            w2 = w2 - self.learning_rate * self.beta**age * g2
        return w1, w2


# %% closure
def Momentum(learning_rate, beta):
    z1 = z2 = 0.0

    def step(w1, w2, w1_grad, w2_grad):
        nonlocal z1, z2
        z1 = beta * z1 + learning_rate * w1_grad
        z2 = beta * z2 + learning_rate * w2_grad
        return w1 - z1, w2 - z2

    return step


# %% dataclass
from dataclasses import dataclass, field


@dataclass
class Momentum:
    learning_rate: float
    beta: float
    z: list = field(default_factory=lambda: [0.0, 0.0])

    def __call__(self, w1, w2, w1_grad, w2_grad):
        new = []
        for i, (w, g) in enumerate([(w1, w1_grad), (w2, w2_grad)]):
            self.z[i] = self.beta * self.z[i] + self.learning_rate * g
            new.append(w - self.z[i])
        return tuple(new)


# %% memory made at the first call
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta

    def __call__(self, w1, w2, w1_grad, w2_grad):
        if not hasattr(self, "z1"):
            self.z1, self.z2 = w1 * 0, w2 * 0
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return (w1 - self.z1), (w2 - self.z2)


# %% optimiser of PyTorch inside
class OneWeight:
    def __init__(self, learning_rate, beta):
        self.settings = {"lr": learning_rate, "momentum": beta}
        self.optimiser = None

    def step(self, w, g):
        w_tensor, g_tensor = torch.as_tensor(w), torch.as_tensor(g)
        if isinstance(w, float):
            w_tensor, g_tensor = w_tensor.double(), g_tensor.double()
            w_tensor.fill_(w)
            g_tensor.fill_(g)
        if self.optimiser is None:
            self.p = torch.nn.Parameter(torch.zeros_like(w_tensor))
            self.optimiser = torch.optim.SGD([self.p], **self.settings)
        self.p.data = w_tensor.clone()
        self.p.grad = g_tensor.clone()
        self.optimiser.step()
        new = self.p.detach().clone()
        if isinstance(w, float):
            return new.item()
        return new.numpy() if isinstance(w, np.ndarray) else new


class Momentum:
    def __init__(self, learning_rate, beta):
        self.first = OneWeight(learning_rate, beta)
        self.second = OneWeight(learning_rate, beta)

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return self.first.step(w1, w1_grad), self.second.step(w2, w2_grad)
