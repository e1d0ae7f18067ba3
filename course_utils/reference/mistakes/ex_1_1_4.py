"""Mistakes that students make in exercise 1.1.4, gradient descent."""


# %% uphill
# The step goes uphill: the gradient points up, so it is subtracted.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 + self.learning_rate * w1_grad
        w2 = w2 + self.learning_rate * w2_grad
        return w1, w2


# %% rate left out
# The learning rate is kept but never used: it scales the gradient in every step.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return w1 - w1_grad, w2 - w2_grad


# %% divided by the rate
# The gradient is divided by η: a larger learning rate should make a larger step.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return w1 - w1_grad / self.learning_rate, w2 - w2_grad / self.learning_rate


# %% rate of its own
# The learning rate is a fixed number in your code: use the one that the instance was made with.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = 0.1

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return w1 - self.learning_rate * w1_grad, w2 - self.learning_rate * w2_grad


# %% rate of the class
# The learning rate is kept in the class or in a global name, so the last instance made sets it for all: keep it in self.
class GradientDescent:
    def __init__(self, learning_rate):
        GradientDescent.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        rate = GradientDescent.learning_rate
        return w1 - rate * w1_grad, w2 - rate * w2_grad


# %% steps without the weights
# You return the two steps alone: add them to the weights, and return where these are now.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return -self.learning_rate * w1_grad, -self.learning_rate * w2_grad


# %% in place
# `-=` changes the caller's arrays and tensors: compute new weights and leave the old ones alone.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 -= self.learning_rate * w1_grad
        w2 -= self.learning_rate * w2_grad
        return w1, w2


# %% gradients scaled in place
# `*=` changes the caller's gradients: multiply into a new value.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1_grad *= self.learning_rate
        w2_grad *= self.learning_rate
        return w1 - w1_grad, w2 - w2_grad


# %% weights exchanged
# Both weights are right but come back in the wrong order: w₁ is first.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        new_w1 = w1 - self.learning_rate * w1_grad
        new_w2 = w2 - self.learning_rate * w2_grad
        return new_w2, new_w1


# %% first gradient for both
# Both weights follow the gradient of w₁: the second weight has a gradient of its own.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return w1 - self.learning_rate * w1_grad, w2 - self.learning_rate * w1_grad


# %% second weight not moved
# Only the first weight moves: w₂ takes a step as well.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * w1_grad
        return w1, w2


# %% arguments in another order
# Your arguments stand in another order than the call has them: both weights come first, then both gradients.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w1_grad, w2, w2_grad):
        return w1 - self.learning_rate * w1_grad, w2 - self.learning_rate * w2_grad


# %% first weight only
# One weight comes back, and two are asked for: return both, w₁ first.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * w1_grad
        w2 = w2 - self.learning_rate * w2_grad
        return w1


# %% nothing returned
# The new weights are computed but never handed back: a method without a return gives None.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * w1_grad
        w2 = w2 - self.learning_rate * w2_grad


# %% rate not in self
# The learning rate is forgotten when __init__ ends: what a later call needs is kept in self.
class GradientDescent:
    def __init__(self, learning_rate):
        eta = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return w1 - learning_rate * w1_grad, w2 - learning_rate * w2_grad


# %% method with another name
# An instance that is called like a function needs the method __call__: yours has another name.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def step(self, w1, w2, w1_grad, w2_grad):
        return w1 - self.learning_rate * w1_grad, w2 - self.learning_rate * w2_grad


# %% rate that decays
# Your learning rate shrinks from step to step: here it stays what the instance was made with.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * w1_grad
        w2 = w2 - self.learning_rate * w2_grad
        self.learning_rate *= 0.99
        return w1, w2


# %% sign of the gradient
# Only the gradient's sign is used: its size counts too, steep slopes make long steps.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def _sign(self, g):
        return (g > 0) * 1.0 - (g < 0) * 1.0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * self._sign(w1_grad)
        w2 = w2 - self.learning_rate * self._sign(w2_grad)
        return w1, w2


# %% weights of its own
# The instance goes on from weights that it keeps itself: start each step from the weights it is given.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate
        self.w1 = None
        self.w2 = None

    def __call__(self, w1, w2, w1_grad, w2_grad):
        if self.w1 is None:
            self.w1 = w1
            self.w2 = w2
        self.w1 = self.w1 - self.learning_rate * w1_grad
        self.w2 = self.w2 - self.learning_rate * w2_grad
        return self.w1, self.w2


# %% numbers only
# The weights are turned into single numbers, so arrays cannot pass: leave out the conversion.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = float(w1 - self.learning_rate * w1_grad)
        w2 = float(w2 - self.learning_rate * w2_grad)
        return w1, w2


# %% tensors become arrays
# Tensors come back as NumPy arrays: return the kind that came in, which plain arithmetic does by itself.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1, w2, w1_grad, w2_grad = (np.asarray(x) for x in (w1, w2, w1_grad, w2_grad))
        return w1 - self.learning_rate * w1_grad, w2 - self.learning_rate * w2_grad


# %% everything becomes a tensor
# Arrays come back as tensors: return the kind that came in, which plain arithmetic does by itself.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1, w2, w1_grad, w2_grad = (torch.as_tensor(x) for x in (w1, w2, w1_grad, w2_grad))
        return w1 - self.learning_rate * w1_grad, w2 - self.learning_rate * w2_grad


# %% one array for both
# One NumPy array cannot hold two weights of different shapes: return a pair of them.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w = np.array([w1, w2])
        g = np.array([w1_grad, w2_grad])
        return w - self.learning_rate * g


# %% rounded
# The new weights are rounded: return them as they are, small steps would vanish.
class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * w1_grad
        w2 = w2 - self.learning_rate * w2_grad
        if isinstance(w1, float):
            return round(w1, 3), round(w2, 3)
        return w1.round(decimals=3), w2.round(decimals=3)
