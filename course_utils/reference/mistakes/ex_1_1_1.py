"""Mistakes that students make in exercise 1.1.1, the cost."""


# %% sign of the last term
# The last term is subtracted, and the equation adds it: check the signs one by one.
def loss(w1, w2):
    return 40 * w1**2 + 10 * w2**2 - 40 * w2


# %% w1 not squared
# w₁ enters without its square: compare your first term with the equation.
def loss(w1, w2):
    return 40 * w1 + 10 * w2**2 + 40 * w2


# %% w2 not squared
# w₂ stands in two terms, and in one of them it is squared: in yours it never is.
def loss(w1, w2):
    return 40 * w1**2 + 10 * w2 + 40 * w2


# %% linear term left out
# J has three terms: the one that is linear in w₂ is missing.
def loss(w1, w2):
    return 40 * w1**2 + 10 * w2**2


# %% last term without w2
# The last term is a constant in your code, and in the equation it grows with w₂.
def loss(w1, w2):
    return 40 * w1**2 + 10 * w2**2 + 40


# %% last term with w1
# The last term holds w₁ in your code: look which weight the equation has there.
def loss(w1, w2):
    return 40 * w1**2 + 10 * w2**2 + 40 * w1


# %% coefficients exchanged
# The factors of the two squares are exchanged: look which weight makes the steep direction.
def loss(w1, w2):
    return 10 * w1**2 + 40 * w2**2 + 40 * w2


# %% one factor for all
# One bracket with a common factor does not give J: the terms have different factors.
def loss(w1, w2):
    return 40 * (w1**2 + w2**2 + w2)


# %% factors squared too
# The square belongs to the weight alone; your brackets square its factor too.
def loss(w1, w2):
    return (40 * w1) ** 2 + (10 * w2) ** 2 + 40 * w2


# %% square completed without its constant
# When you complete the square in w₂, a constant is left over, and it belongs to J too.
def loss(w1, w2):
    return 40 * w1**2 + 10 * (w2 + 2) ** 2


# %% caret for a power
# In Python ^ is no power but works on the bits of whole numbers: a power needs another operator.
def loss(w1, w2):
    return 40 * w1 ^ 2 + 10 * w2 ^ 2 + 40 * w2


# %% math works on numbers only
# The functions of the module math, and float(), take single numbers only: use operators, which work on arrays too.
import math


def loss(w1, w2):
    return 40 * math.pow(w1, 2) + 10 * math.pow(w2, 2) + 40 * w2


# %% sum over the points
# For arrays you return one number, the sum over all points: each point has a cost of its own.
def loss(w1, w2):
    return np.sum(40 * w1**2 + 10 * w2**2 + 40 * w2)


# %% mean over the points
# For arrays you return one number, the mean over all points: each point has a cost of its own.
def loss(w1, w2):
    J = 40 * np.power(w1, 2) + 10 * np.power(w2, 2) + 40 * w2
    return np.mean(J)


# %% dot product for a square
# A dot product multiplies and sums, so the points get mixed up: the square is meant point by point.
def loss(w1, w2):
    return 40 * np.dot(w1, w1) + 10 * np.dot(w2, w2) + 40 * w2


# %% a list for arrays
# For arrays you return a list: keep the calculation in NumPy, and an array comes out by itself.
def loss(w1, w2):
    if isinstance(w1, np.ndarray):
        return [loss(a, b) for a, b in zip(w1, w2)]
    return 40 * w1**2 + 10 * w2**2 + 40 * w2


# %% squared in place
# Your function changes the arrays of its caller in place: make new values, and leave the arguments alone.
def loss(w1, w2):
    J = 40 * w2
    w1 *= w1
    w2 *= w2
    J = J + 40 * w1 + 10 * w2
    return J


# %% rounded
# You round the cost: return it as it is, and leave rounding to whoever prints it.
def loss(w1, w2):
    return np.round(40 * w1**2 + 10 * w2**2 + 40 * w2, 2)


# %% cut to a whole number
# The cost is turned into a whole number: it may have digits after the point.
def loss(w1, w2):
    return int(40 * w1**2 + 10 * w2**2 + 40 * w2)


# %% slopes added up
# These are the slopes, added up: this exercise asks for the cost itself, and the gradient comes next.
def loss(w1, w2):
    return 80 * w1 + 20 * w2 + 40


# %% nothing returned
# The cost is computed but never handed back: a function without a return gives None.
def loss(w1, w2):
    J = 40 * w1**2 + 10 * w2**2 + 40 * w2
