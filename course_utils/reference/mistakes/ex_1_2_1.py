"""Mistakes that students make in exercise 1.2.1, momentum."""


# %% rate left out
# The learning rate does not enter: each step's gradient is multiplied by η before it is added to z.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + w1_grad
        self.z2 = self.beta * self.z2 + w2_grad
        return w1 - self.z1, w2 - self.z2


# %% averaged gradient
# Your z is an average, with 1 − β before the gradient; here it is a fading sum, with η there alone.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + (1 - self.beta) * w1_grad
        self.z2 = self.beta * self.z2 + (1 - self.beta) * w2_grad
        return w1 - self.learning_rate * self.z1, w2 - self.learning_rate * self.z2


# %% beta and its complement exchanged
# z keeps 1 − β of itself: the part that it keeps from step to step is β.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = (1 - self.beta) * self.z1 + self.learning_rate * w1_grad
        self.z2 = (1 - self.beta) * self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% average with the weights exchanged
# β stands before the gradient and 1 − β before z: β belongs to z, and the gradient has η alone.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = (1 - self.beta) * self.z1 + self.beta * w1_grad
        self.z2 = (1 - self.beta) * self.z2 + self.beta * w2_grad
        return w1 - self.learning_rate * self.z1, w2 - self.learning_rate * self.z2


# %% uphill
# The weights move uphill: check the two signs, of the gradient in z and of z in the step.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 + self.z1, w2 + self.z2


# %% memory turned round
# The memory works against itself, because its sign turns in every step: z keeps β of itself, with a plus.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.learning_rate * w1_grad - self.beta * self.z1
        self.z2 = self.learning_rate * w2_grad - self.beta * self.z2
        return w1 - self.z1, w2 - self.z2


# %% memory lost
# Nothing is kept between the calls, so this is plain descent: z belongs in self.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta

    def __call__(self, w1, w2, w1_grad, w2_grad):
        z1, z2 = 0, 0
        z1 = self.beta * z1 + self.learning_rate * w1_grad
        z2 = self.beta * z2 + self.learning_rate * w2_grad
        return w1 - z1, w2 - z2


# %% memory of the gradient only
# z remembers only the last gradient, not the sum before it: β multiplies the whole old z.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.last1 = 0
        self.last2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        z1 = self.beta * self.last1 + self.learning_rate * w1_grad
        z2 = self.beta * self.last2 + self.learning_rate * w2_grad
        self.last1 = self.learning_rate * w1_grad
        self.last2 = self.learning_rate * w2_grad
        return w1 - z1, w2 - z2


# %% memory in the class
# All instances share one memory, as the class, a global name or a default list keeps it: keep z in self.
class Momentum:
    z = [0.0, 0.0]

    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z[0] = self.beta * self.z[0] + self.learning_rate * w1_grad
        self.z[1] = self.beta * self.z[1] + self.learning_rate * w2_grad
        return w1 - self.z[0], w2 - self.z[1]


# %% memory in the class, wiped by each instance
# Two instances share one memory, and making a new one wipes it: keep z in self, not in the class.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        Momentum.z1 = 0
        Momentum.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        Momentum.z1 = self.beta * Momentum.z1 + self.learning_rate * w1_grad
        Momentum.z2 = self.beta * Momentum.z2 + self.learning_rate * w2_grad
        return w1 - Momentum.z1, w2 - Momentum.z2


# %% settings in the class
# The settings are kept in the class or in global names, so the last instance made sets them for all: keep them in self.
class Momentum:
    def __init__(self, learning_rate, beta):
        Momentum.learning_rate = learning_rate
        Momentum.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = Momentum.beta * self.z1 + Momentum.learning_rate * w1_grad
        self.z2 = Momentum.beta * self.z2 + Momentum.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% one memory for both weights
# Both weights share one z, so their gradients mix: remember one z for each.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z = self.beta * self.z + self.learning_rate * w1_grad
        w1 = w1 - self.z
        self.z = self.beta * self.z + self.learning_rate * w2_grad
        w2 = w2 - self.z
        return w1, w2


# %% first memory for both weights
# Both weights move by z₁: the second one has a z of its own.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z1


# %% second memory from the first
# The z of the second weight is made from the first one's old z: check the names on the right.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z1 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% updated too late
# The weights move by the old z, and z is updated after: update z first, then step.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1, w2 = w1 - self.z1, w2 - self.z2
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1, w2


# %% beta on the gradient too
# β multiplies the new gradient as well: bracket only the old z with it.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * (self.z1 + self.learning_rate * w1_grad)
        self.z2 = self.beta * (self.z2 + self.learning_rate * w2_grad)
        return w1 - self.z1, w2 - self.z2


# %% beta left out
# z never fades: β decides how much of the old z is kept.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.z1 + self.learning_rate * w1_grad
        self.z2 = self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% rate twice
# η is applied twice, when the gradient enters z and again when the weights move: once is enough.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 - self.learning_rate * self.z1, w2 - self.learning_rate * self.z2


# %% starts at the first gradient
# z starts at the first gradient, so that one counts twice: at first z is 0.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = None
        self.z2 = None

    def __call__(self, w1, w2, w1_grad, w2_grad):
        if self.z1 is None:
            self.z1 = w1_grad
            self.z2 = w2_grad
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% starts at one
# z starts at 1, which pushes the weights before any gradient has been seen: at first z is 0.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 1
        self.z2 = 1

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% memory of the weights
# The last step is read off the weights that were passed before: keep z itself, whatever weights come next.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.before = None

    def __call__(self, w1, w2, w1_grad, w2_grad):
        before1, before2 = self.before or (w1, w2)
        new_w1 = w1 - self.learning_rate * w1_grad + self.beta * (w1 - before1)
        new_w2 = w2 - self.learning_rate * w2_grad + self.beta * (w2 - before2)
        self.before = (w1, w2)
        return new_w1, new_w2


# %% looks ahead
# You step by β z + η g with the new z, as Nesterov does, so the newest gradient counts twice: step by z.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        new_w1 = w1 - (self.beta * self.z1 + self.learning_rate * w1_grad)
        new_w2 = w2 - (self.beta * self.z2 + self.learning_rate * w2_grad)
        return new_w1, new_w2


# %% corrected for the start
# z is divided by 1 − βᵗ, as Adam does: here the early steps are not corrected.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0
        self.t = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.t += 1
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        correction = 1 - self.beta**self.t
        return w1 - self.z1 / correction, w2 - self.z2 / correction


# %% weights fade
# β multiplies the weights instead of z: what fades is the memory of the steps.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 = self.beta * w1 - self.learning_rate * w1_grad
        w2 = self.beta * w2 - self.learning_rate * w2_grad
        return w1, w2


# %% settings exchanged
# η and β have changed places: check which of the two is kept under which name.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.beta, self.learning_rate = learning_rate, beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% settings in another order
# The signature has η and β in another order than the notebook: the learning rate comes first.
class Momentum:
    def __init__(self, beta, learning_rate):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        w1 = w1 - self.z1
        w2 = w2 - self.z2
        return w1, w2


# %% weights in place
# `-=` changes the caller's weights, where they are arrays or tensors: compute new ones.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        w1 -= self.z1
        w2 -= self.z2
        return w1, w2


# %% gradients scaled in place
# `*=` changes the caller's gradients, where they are arrays or tensors: multiply into a new value.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1_grad *= self.learning_rate
        w2_grad *= self.learning_rate
        self.z1 = self.beta * self.z1 + w1_grad
        self.z2 = self.beta * self.z2 + w2_grad
        return w1 - self.z1, w2 - self.z2


# %% memory of numbers only
# The memory has room for two single numbers only: let z take the shape of the gradients.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z = np.zeros(2)

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z[0] = self.beta * self.z[0] + self.learning_rate * w1_grad
        self.z[1] = self.beta * self.z[1] + self.learning_rate * w2_grad
        return w1 - self.z[0], w2 - self.z[1]


# %% memory of NumPy zeros
# The memory is a NumPy array of doubles, which does not go with tensors of another dtype: a plain 0 goes with all.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = None
        self.z2 = None

    def __call__(self, w1, w2, w1_grad, w2_grad):
        if self.z1 is None:
            self.z1 = np.zeros(np.shape(w1))
            self.z2 = np.zeros(np.shape(w2))
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2


# %% memory returned
# Your steps come back in place of the weights: subtract them from the weights that were passed.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return self.z1, self.z2


# %% more than the weights returned
# Four values come back, and two are asked for: z stays inside, only the weights are returned.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        return w1 - self.z1, w2 - self.z2, self.z1, self.z2


# %% nothing returned
# The new weights are computed but never handed back: a method without a return gives None.
class Momentum:
    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta
        self.z1 = 0
        self.z2 = 0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1 = self.beta * self.z1 + self.learning_rate * w1_grad
        self.z2 = self.beta * self.z2 + self.learning_rate * w2_grad
        w1, w2 = w1 - self.z1, w2 - self.z2
