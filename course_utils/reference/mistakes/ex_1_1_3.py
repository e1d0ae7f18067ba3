"""Mistakes that students make in exercise 1.1.3, the minimum."""

# %% sign of w2
# w₂ has the wrong sign: when the constant goes to the other side of the equation, its sign turns.
w1_min = 0.0
w2_min = 2.0
loss_min = 10 * w2_min**2 - 40 * w2_min

# %% sign of w2, and the cost there
# The cost fits your point, but w₂ has the wrong sign: solve the second slope's equation once more.
w1_min = 0.0
w2_min = 2.0
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% factor of the derivative
# Your w₂ is too far out: the square's derivative lost the factor that comes from its exponent.
w1_min = 0.0
w2_min = -4.0
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% fraction upside down
# The fraction for w₂ stands upside down: to solve a w + b = 0, b is divided by a.
w1_min = 0.0
w2_min = -20 / 40
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% factor two counted twice
# Your w₂ is only half way: the factor from the exponent has been counted twice.
w1_min = 0.0
w2_min = -1.0
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% linear term without its slope
# You set both weights to 0, but the linear term still has a slope there: solve for w₂ with it.
w1_min = 0.0
w2_min = 0.0
loss_min = 0.0

# %% weights exchanged
# The values of w₁ and w₂ are exchanged: the linear term belongs to w₂.
w1_min = -2.0
w2_min = 0.0
loss_min = -40.0

# %% lowest cost taken for zero
# The point is right, but a cost may be below 0: put your point into J.
w1_min = 0
w2_min = -2
loss_min = 0

# %% sign of the cost
# The point is right, but the cost has the wrong sign: compare the sizes of the two terms in w₂.
w1_min = 0.0
w2_min = -2.0
loss_min = 40.0

# %% square term of the cost left out
# The point is right, but the cost lacks a term: w₂ also enters with its square.
w1_min = 0.0
w2_min = -2.0
loss_min = 40 * w1_min**2 + 40 * w2_min

# %% minus squared
# Python squares before it takes the minus: bracket a negative number before you square it.
w1_min = 0
w2_min = -2
loss_min = 40 * 0**2 + 10 * -(2**2) + 40 * -2

# %% weight for the cost
# The point is right, but its w₂ stands for the cost too: the cost is J at that point.
w1_min = 0.0
w2_min = -2.0
loss_min = w2_min

# %% cost with a positive w2
# The point is right, but the cost was computed with the sign of w₂ turned round.
w1_min = 0.0
w2_min = -2.0
loss_min = 40 * 0 + 10 * 4 + 40 * 2

# %% lowest point of a grid
# Your point is near the minimum but not on it: a search finds a neighbour, algebra the point itself.
w1_grid, w2_grid = np.meshgrid(np.linspace(-5, 5, 100), np.linspace(-5, 5, 100))
costs = 40 * w1_grid**2 + 10 * w2_grid**2 + 40 * w2_grid
lowest = np.unravel_index(costs.argmin(), costs.shape)
w1_min = w1_grid[lowest]
w2_min = w2_grid[lowest]
loss_min = costs[lowest]

# %% texts
# The numbers stand in quotation marks, which makes them texts: write them without.
w1_min = "0"
w2_min = "-2"
loss_min = "-40"

# %% arrays
# Each of the three should be a plain number, and yours stand in arrays or lists: take off the brackets.
w1_min = np.array([0.0])
w2_min = np.array([-2.0])
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% trailing commas
# A comma at the end of a line makes a tuple of the number before it: take the commas off.
w1_min = (0.0,)
w2_min = (-2.0,)
loss_min = (-40.0,)

# %% function for the cost
# Your loss_min is a function: write down the number that it would return.
w1_min = 0.0
w2_min = -2.0


def loss_min():
    return 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min
