"""Right answers to parts 1.1 to 1.3: the cost surface, its gradient, and four optimisers."""

from __future__ import annotations

from typing import Any

__all__ = [
    "Adam",
    "GradientDescent",
    "Momentum",
    "RMSProp",
    "calculate_gradient",
    "loss",
    "loss_min",
    "momentum_step",
    "rmsprop_step",
    "w1_min",
    "w2_min",
]


def loss(w1: Any, w2: Any) -> Any:
    """Return the cost J(w1, w2) = 40 w1² + 10 w2² + 40 w2 (exercise 1.1.1).

    Parameters
    ----------
    w1, w2 : float, ndarray or Tensor
        Of one shape, or shapes that broadcast.

    Returns
    -------
    same type, elementwise
    """
    return 40 * w1**2 + 10 * w2**2 + 40 * w2


def calculate_gradient(w1: Any, w2: Any) -> tuple[Any, Any]:
    """Return ∂J/∂w1 = 80 w1 and ∂J/∂w2 = 20 w2 + 40 (exercise 1.1.2).

    Parameters
    ----------
    w1, w2 : float, ndarray or Tensor

    Returns
    -------
    grad_w1, grad_w2 : same types and shapes as given
    """
    return 80 * w1, 20 * w2 + 40


# Exercise 1.1.3: both derivatives vanish at one point, and J curves upwards along both axes.
w1_min = 0.0
w2_min = -2.0
loss_min = loss(w1_min, w2_min)


class GradientDescent:
    """Walk straight down the gradient: w ← w − η g (exercise 1.1.4; Cauchy, 1847).

    Parameters
    ----------
    learning_rate : float
        η, in units of weight per unit of gradient.
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def __call__(self, w1: Any, w2: Any, w1_grad: Any, w2_grad: Any) -> tuple[Any, Any]:
        """Return both weights after one step; nothing is modified in place."""
        return w1 - self.learning_rate * w1_grad, w2 - self.learning_rate * w2_grad


def momentum_step(
    weight: Any, velocity: Any, gradient: Any, *, learning_rate: float, beta: float
) -> tuple[Any, Any]:
    """Move one step along a decaying sum of gradients.

    Parameters
    ----------
    weight, velocity, gradient : float, ndarray or Tensor
        Of one shape; nothing is modified in place.
    learning_rate : float
        η, in units of weight per unit of gradient.
    beta : float
        β in [0, 1): how much of the last step is kept.

    Returns
    -------
    weight, velocity : same type and shape as given

    Notes
    -----
    z ← β z + η g;  w ← w − z  (Polyak, 1964; Sutskever et al., 2013). η scales the gradient before
    it is summed: `torch.optim.SGD` scales after, which is the same while η is constant.
    """
    velocity = beta * velocity + learning_rate * gradient
    return weight - velocity, velocity


class Momentum:
    """Gradient descent with memory (exercise 1.2.1).

    Parameters
    ----------
    learning_rate : float
        η, in units of weight per unit of gradient.
    beta : float
        β in [0, 1): how much of the last step is kept.
    """

    def __init__(self, learning_rate: float, beta: float) -> None:
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1: Any = 0.0
        self.z2: Any = 0.0

    def __call__(self, w1: Any, w2: Any, w1_grad: Any, w2_grad: Any) -> tuple[Any, Any]:
        """Return both weights after one step, and remember the steps taken."""
        settings = {"learning_rate": self.learning_rate, "beta": self.beta}
        w1, self.z1 = momentum_step(w1, self.z1, w1_grad, **settings)
        w2, self.z2 = momentum_step(w2, self.z2, w2_grad, **settings)
        return w1, w2


def rmsprop_step(
    weight: Any,
    square: Any,
    gradient: Any,
    *,
    learning_rate: float,
    beta: float,
    epsilon: float = 1e-5,
) -> tuple[Any, Any]:
    """Move one step along the gradient, divided by its running root mean square.

    Parameters
    ----------
    weight, square, gradient : float, ndarray or Tensor
        Of one shape; `square` is v, the running mean of g². Nothing is modified in place.
    learning_rate : float
        η, in units of weight: the size of a step when g is at its usual size.
    beta : float
        β in [0, 1): how much of the running mean is kept.
    epsilon : float
        ε, in units of gradient squared, inside the root: it keeps the first steps finite.

    Returns
    -------
    weight, square : same type and shape as given

    Notes
    -----
    v ← β v + (1 − β) g²;  w ← w − η g / √(v + ε)  (Hinton, 2012, lecture 6e). `torch.optim.RMSprop`
    adds ε after the root instead.
    """
    square = beta * square + (1 - beta) * gradient**2
    return weight - learning_rate * gradient / (square + epsilon) ** 0.5, square


class RMSProp:
    """Gradient descent with a step size of its own for each weight (exercise 1.3.1).

    Parameters
    ----------
    learning_rate : float
        η, in units of weight.
    beta : float
        β in [0, 1): how much of the running mean of squares is kept.
    epsilon : float
        ε, in units of gradient squared.
    """

    def __init__(self, learning_rate: float, beta: float, epsilon: float = 1e-5) -> None:
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1: Any = 0.0
        self.v2: Any = 0.0

    def __call__(self, w1: Any, w2: Any, w1_grad: Any, w2_grad: Any) -> tuple[Any, Any]:
        """Return both weights after one step, and remember how large the gradients were."""
        settings = {
            "learning_rate": self.learning_rate,
            "beta": self.beta,
            "epsilon": self.epsilon,
        }
        w1, self.v1 = rmsprop_step(w1, self.v1, w1_grad, **settings)
        w2, self.v2 = rmsprop_step(w2, self.v2, w2_grad, **settings)
        return w1, w2


class Adam:
    """Momentum over RMSProp, both corrected for their start from 0 (a bonus; Kingma and Ba, 2015).

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : float
        η, in units of weight; β₁ and β₂, how much of the two running means is kept; ε, outside the
        root.
    """

    def __init__(
        self,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.settings = learning_rate, beta1, beta2, epsilon
        self.t = 0
        self.m: list[Any] = [0.0, 0.0]
        self.v: list[Any] = [0.0, 0.0]

    def __call__(self, w1: Any, w2: Any, w1_grad: Any, w2_grad: Any) -> tuple[Any, Any]:
        """Return both weights after one step."""
        eta, beta1, beta2, epsilon = self.settings
        self.t += 1
        steps = []
        for i, g in enumerate((w1_grad, w2_grad)):
            self.m[i] = beta1 * self.m[i] + (1 - beta1) * g
            self.v[i] = beta2 * self.v[i] + (1 - beta2) * g**2
            usual = (self.v[i] / (1 - beta2**self.t)) ** 0.5
            steps.append(eta * self.m[i] / (1 - beta1**self.t) / (usual + epsilon))
        return w1 - steps[0], w2 - steps[1]
