"""Right answers to exercise 1.1.4, gradient descent, in other styles."""


# %% list of two
class GradientDescent:
    def __init__(self, learning_rate):
        self.eta = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return [w - self.eta * g for w, g in zip((w1, w2), (w1_grad, w2_grad))]


# %% dataclass
from dataclasses import dataclass


@dataclass
class GradientDescent:
    learning_rate: float

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * w1_grad
        w2 = w2 - self.learning_rate * w2_grad
        return w1, w2


# %% closure
# A function that returns a function makes an optimiser too.
def GradientDescent(learning_rate):
    def step(w1, w2, w1_grad, w2_grad):
        return w1 - learning_rate * w1_grad, w2 - learning_rate * w2_grad

    return step


# %% helper method
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def _move(self, w, g):
        step = self.learning_rate * g
        return w - step

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return self._move(w1, w1_grad), self._move(w2, w2_grad)


# %% named tuple
from typing import NamedTuple


class Weights(NamedTuple):
    w1: object
    w2: object


class GradientDescent(object):
    def __init__(self, learning_rate=0.01):
        self.lr = float(learning_rate)

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return Weights(w1 + -self.lr * w1_grad, w2 + -self.lr * w2_grad)


# %% copies changed in place
import copy


class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1, w2 = copy.deepcopy(w1), copy.deepcopy(w2)
        w1 -= self.learning_rate * w1_grad
        w2 -= self.learning_rate * w2_grad
        return w1, w2


# %% optimiser of PyTorch inside
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def _step(self, w, g):
        p = torch.nn.Parameter(torch.tensor(w) if not torch.is_tensor(w) else w.clone())
        if isinstance(w, float):
            p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float64))
        p.grad = torch.as_tensor(g, dtype=p.dtype)
        torch.optim.SGD([p], lr=self.learning_rate).step()
        new = p.detach()
        if isinstance(w, float):
            return new.item()
        return new.numpy() if isinstance(w, np.ndarray) else new

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return self._step(w1, w1_grad), self._step(w2, w2_grad)
