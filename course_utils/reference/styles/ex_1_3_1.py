"""Right answers to exercise 1.3.1, RMSProp, in other styles."""


# %% one memory by name
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate, self.beta, self.epsilon = learning_rate, beta, epsilon
        self.v = {}

    def _step(self, name, w, g):
        self.v[name] = self.beta * self.v.get(name, 0) + (1 - self.beta) * g * g
        return w - self.learning_rate * g * (self.v[name] + self.epsilon) ** -0.5

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return self._step("w1", w1, w1_grad), self._step("w2", w2, w2_grad)


# %% roots by library
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1, self.v2 = 0.0, 0.0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        sqrt = torch.sqrt if isinstance(w1, torch.Tensor) else np.sqrt
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        new_w1 = w1 - self.learning_rate * w1_grad / sqrt(self.v1 + self.epsilon)
        new_w2 = w2 - self.learning_rate * w2_grad / sqrt(self.v2 + self.epsilon)
        return new_w1, new_w2


# %% average moved towards the square
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v = [0, 0]

    def __call__(self, w1, w2, w1_grad, w2_grad):
        weights = []
        for i, (w, g) in enumerate(((w1, w1_grad), (w2, w2_grad))):
            self.v[i] = self.v[i] + (1 - self.beta) * (g**2 - self.v[i])
            weights.append(w - self.learning_rate / (self.v[i] + self.epsilon) ** 0.5 * g)
        return weights


# %% epsilon kept in the memory from the start
# v + ε in one, which fades towards ε.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.u1 = self.u2 = self.epsilon = epsilon

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.u1 = self.beta * self.u1 + (1 - self.beta) * (w1_grad**2 + self.epsilon)
        self.u2 = self.beta * self.u2 + (1 - self.beta) * (w2_grad**2 + self.epsilon)
        w1 = w1 - self.learning_rate * w1_grad / self.u1**0.5
        w2 = w2 - self.learning_rate * w2_grad / self.u2**0.5
        return w1, w2


# %% closure
def RMSProp(learning_rate, beta, epsilon=1e-5):
    v = [0.0, 0.0]

    def step(*arguments):
        w, g = arguments[:2], arguments[2:]
        for i in range(2):
            v[i] = beta * v[i] + (1 - beta) * g[i] ** 2
        return tuple(w[i] - learning_rate * g[i] / (v[i] + epsilon) ** 0.5 for i in range(2))

    return step


# %% dataclass and helper class
from dataclasses import dataclass


class RunningMean:
    def __init__(self, beta):
        self.beta = beta
        self.value = 0.0

    def update(self, x):
        self.value = self.beta * self.value + (1 - self.beta) * x
        return self.value


@dataclass
class RMSProp:
    learning_rate: float
    beta: float
    epsilon: float = 1e-5

    def __post_init__(self):
        self.means = RunningMean(self.beta), RunningMean(self.beta)

    def __call__(self, w1, w2, w1_grad, w2_grad):
        root1, root2 = (
            (mean.update(g**2) + self.epsilon) ** (1 / 2)
            for mean, g in zip(self.means, (w1_grad, w2_grad))
        )
        return w1 - self.learning_rate * w1_grad / root1, w2 - self.learning_rate * w2_grad / root2


# %% memory changed in place
# It is the class's own, so nobody else sees it change.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = None
        self.v2 = None

    def __call__(self, w1, w2, w1_grad, w2_grad):
        if self.v1 is None:
            self.v1 = 0 * w1_grad
            self.v2 = 0 * w2_grad
        self.v1 *= self.beta
        self.v1 += (1 - self.beta) * w1_grad**2
        self.v2 *= self.beta
        self.v2 += (1 - self.beta) * w2_grad**2
        scaled1 = w1_grad / (self.v1 + self.epsilon) ** 0.5
        scaled2 = w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1 - self.learning_rate * scaled1, w2 - self.learning_rate * scaled2


# %% all squares kept
# Slow, but right: the average is made anew from all squares so far.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.squares = []

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.squares.insert(0, (w1_grad**2, w2_grad**2))
        ages = range(len(self.squares))
        v1 = sum((1 - self.beta) * self.beta**age * self.squares[age][0] for age in ages)
        v2 = sum((1 - self.beta) * self.beta**age * self.squares[age][1] for age in ages)
        new_w1 = w1 - self.learning_rate * w1_grad / (v1 + self.epsilon) ** 0.5
        new_w2 = w2 - self.learning_rate * w2_grad / (v2 + self.epsilon) ** 0.5
        return new_w1, new_w2
