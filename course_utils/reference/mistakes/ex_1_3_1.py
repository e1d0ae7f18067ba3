"""Mistakes that students make in exercise 1.3.1, RMSProp."""


# %% epsilon outside the root
# ε stands outside the root: the equation adds it to v before the root is taken.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1**0.5 + self.epsilon)
        w2 = w2 - self.learning_rate * w2_grad / (self.v2**0.5 + self.epsilon)
        return w1, w2


# %% beta and its complement exchanged
# β and 1 − β have changed places: β is the part of the old v that is kept.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = (1 - self.beta) * self.v1 + self.beta * w1_grad**2
        self.v2 = (1 - self.beta) * self.v2 + self.beta * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% gradient not squared
# v averages the gradients themselves: it should average their squares.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * abs(w1_grad)
        self.v2 = self.beta * self.v2 + (1 - self.beta) * abs(w2_grad)
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% average squared
# You square the average: v is the average of the squares, so each gradient is squared first.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad
        w1 = w1 - self.learning_rate * w1_grad / (self.v1**2 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2**2 + self.epsilon) ** 0.5
        return w1, w2


# %% root left out
# The root is missing: the gradient is divided by √(v + ε).
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon)
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon)
        return w1, w2


# %% epsilon left out
# ε does not enter: add it to v under the root, where it keeps small gradients from blowing up.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / self.v1**0.5
        w2 = w2 - self.learning_rate * w2_grad / self.v2**0.5
        return w1, w2


# %% rate left out
# The learning rate does not enter: the step is the scaled gradient times η.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% gradient left out
# The step lacks the gradient itself: divide η g by the root, not η alone.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% uphill
# The weights move uphill: the scaled gradient is subtracted.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 + self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 + self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% multiplied by the root
# The gradient is multiplied by the root: it should be divided, so that large slopes make no larger steps.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad * (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad * (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% complement left out
# The new square enters v whole: it should be weighted by 1 − β, which makes v an average.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + w1_grad**2
        self.v2 = self.beta * self.v2 + w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% sum of all squares
# v adds up all squares and forgets none, as AdaGrad does: here old ones fade with β.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.v1 + w1_grad**2
        self.v2 = self.v2 + w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% old average not faded
# The old v is kept whole: only β of it should remain.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% memory lost
# v is not kept between the calls, so each step knows only its own gradient: keep v in self.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon

    def __call__(self, w1, w2, w1_grad, w2_grad):
        v1 = 0
        v2 = 0
        v1 = self.beta * v1 + (1 - self.beta) * w1_grad**2
        v2 = self.beta * v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (v2 + self.epsilon) ** 0.5
        return w1, w2


# %% updated too late
# The weights move by the old v, and v is updated after: update v first, then step.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        return w1, w2


# %% one memory for both weights
# Both weights share one v, so their gradients mix: remember one v for each.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v = self.beta * self.v + (1 - self.beta) * w1_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v + self.epsilon) ** 0.5
        self.v = self.beta * self.v + (1 - self.beta) * w2_grad**2
        w2 = w2 - self.learning_rate * w2_grad / (self.v + self.epsilon) ** 0.5
        return w1, w2


# %% first memory for both weights
# Both steps are divided by the root of v₁: the second weight has a v of its own.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v1 + self.epsilon) ** 0.5
        return w1, w2


# %% second memory from the first
# The v of the second weight is made from the first one's: check the names on the right.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v1 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% memory in the class
# All instances share one memory, as the class, a global name or a default list keeps it: keep v in self.
class RMSProp:
    v = [0.0, 0.0]

    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v[0] = self.beta * self.v[0] + (1 - self.beta) * w1_grad**2
        self.v[1] = self.beta * self.v[1] + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v[0] + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v[1] + self.epsilon) ** 0.5
        return w1, w2


# %% memory in the class, wiped by each instance
# Two instances share one memory, and making a new one wipes it: keep v in self, not in the class.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        RMSProp.v1 = 0
        RMSProp.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        RMSProp.v1 = self.beta * RMSProp.v1 + (1 - self.beta) * w1_grad**2
        RMSProp.v2 = self.beta * RMSProp.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (RMSProp.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (RMSProp.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% settings in the class
# The settings are kept in the class or in global names, so the last instance made sets them for all: keep them in self.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        RMSProp.learning_rate = learning_rate
        RMSProp.beta = beta
        RMSProp.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% epsilon of its own
# ε is a fixed number in your code: use the one that the instance was made with.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = 1e-5
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% another default for epsilon
# ε has another value when none is given: look at the default in the signature.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-8):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% epsilon kept in the average
# ε is added to v for good, so it piles up: add it only where the root is taken.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2 + self.epsilon
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2 + self.epsilon
        w1 = w1 - self.learning_rate * w1_grad / self.v1**0.5
        w2 = w2 - self.learning_rate * w2_grad / self.v2**0.5
        return w1, w2


# %% bracket missing
# Powers and divisions come before sums, so only part of v + ε is under the root or the bar: set brackets.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / self.v1 + self.epsilon**0.5
        w2 = w2 - self.learning_rate * w2_grad / self.v2 + self.epsilon**0.5
        return w1, w2


# %% root of epsilon only
# The power binds only ε: bracket the sum v + ε before you take its root.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon**0.5)
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon**0.5)
        return w1, w2


# %% rate inside the average
# η scales the gradient before it is squared, so it cancels out: v averages the bare g².
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * (self.learning_rate * w1_grad) ** 2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * (self.learning_rate * w2_grad) ** 2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% corrected for the start
# v is divided by 1 − βᵗ, as Adam does: here the early steps are not corrected.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0
        self.t = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.t += 1
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        corrected1 = self.v1 / (1 - self.beta**self.t)
        corrected2 = self.v2 / (1 - self.beta**self.t)
        w1 = w1 - self.learning_rate * w1_grad / (corrected1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (corrected2 + self.epsilon) ** 0.5
        return w1, w2


# %% starts at the first square
# v starts at the first gradient's square: at first v is 0.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = None
        self.v2 = None

    def __call__(self, w1, w2, w1_grad, w2_grad):
        if self.v1 is None:
            self.v1, self.v2 = w1_grad**2, w2_grad**2
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% starts at one
# v starts at 1, as if there had been gradients before: at first v is 0.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 1
        self.v2 = 1

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% averaged gradient in the step
# Your step uses an averaged gradient, as Adam does: here only v is averaged, and g is the newest one.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.m1 = 0
        self.m2 = 0
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.m1 = self.beta * self.m1 + (1 - self.beta) * w1_grad
        self.m2 = self.beta * self.m2 + (1 - self.beta) * w2_grad
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * self.m1 / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * self.m2 / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% settings in another order
# The signature has its settings in another order than the notebook: the learning rate comes first, then β.
class RMSProp:
    def __init__(self, beta, learning_rate, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% weights in place
# `-=` changes the caller's weights, where they are arrays or tensors: compute new ones.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 -= self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 -= self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% gradients squared in place
# `**=` changes the caller's gradients, where they are arrays or tensors, and your own step too: square into a new value.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        squared1 = w1_grad
        squared2 = w2_grad
        squared1 **= 2
        squared2 **= 2
        self.v1 = self.beta * self.v1 + (1 - self.beta) * squared1
        self.v2 = self.beta * self.v2 + (1 - self.beta) * squared2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return w1, w2


# %% math works on numbers only
# math.sqrt and float() take single numbers only: take the root with a power, which works on arrays and tensors too.
import math


class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / math.sqrt(self.v1 + self.epsilon)
        w2 = w2 - self.learning_rate * w2_grad / math.sqrt(self.v2 + self.epsilon)
        return w1, w2


# %% torch works on tensors only
# torch.sqrt takes tensors only: take the root with a power, which works on numbers and arrays too.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / torch.sqrt(self.v1 + self.epsilon)
        w2 = w2 - self.learning_rate * w2_grad / torch.sqrt(self.v2 + self.epsilon)
        return w1, w2


# %% steps without the weights
# You return the two scaled steps alone: subtract them from the weights, and return where these are now.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        step1 = self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        step2 = self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
        return step1, step2


# %% nothing returned
# The new weights are computed but never handed back: a method without a return gives None.
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0
        self.v2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1 + self.epsilon) ** 0.5
        w2 = w2 - self.learning_rate * w2_grad / (self.v2 + self.epsilon) ** 0.5
