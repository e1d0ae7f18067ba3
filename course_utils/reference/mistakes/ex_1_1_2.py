"""Mistakes that students make in exercise 1.1.2, the gradient."""


# %% slopes exchanged
# Both slopes are right, but in the wrong order: the one by w₁ comes first.
def calculate_gradient(w1, w2):
    return 20 * w2 + 40, 80 * w1


# %% constant left out
# The linear term of J has a slope too: it is missing from your second derivative.
def calculate_gradient(w1, w2):
    return 80 * w1, 20 * w2


# %% sign of the constant
# The slope of the linear term has the wrong sign in your second derivative.
def calculate_gradient(w1, w2):
    return 80 * w1, 20 * w2 - 40


# %% constant with the wrong weight
# The linear term holds w₂: its slope belongs to the second derivative, and you added it to the first.
def calculate_gradient(w1, w2):
    return 80 * w1 + 40, 20 * w2


# %% factor of the first power
# When w₁² is differentiated its exponent comes down as a factor: your first slope lacks it.
def calculate_gradient(w1, w2):
    return 40 * w1, 20 * w2 + 40


# %% factor of the second power
# When w₂² is differentiated its exponent comes down as a factor: your second slope lacks it.
def calculate_gradient(w1, w2):
    return 80 * w1, 10 * w2 + 40


# %% factor of both powers
# Both squares lost the factor that their exponents leave when they are differentiated.
def calculate_gradient(w1, w2):
    return 40 * w1, 10 * w2 + 40


# %% powers not lowered
# The exponents came down as factors, but the powers stayed: a square's slope is linear.
def calculate_gradient(w1, w2):
    return 80 * w1**2, 20 * w2**2 + 40


# %% linear term not differentiated
# The linear term is still there with its w₂: its slope is a constant.
def calculate_gradient(w1, w2):
    return 80 * w1, 20 * w2 + 40 * w2


# %% other weight's terms kept
# While you differentiate by one weight the other is a constant, and the slope of a constant is 0.
def calculate_gradient(w1, w2):
    grad_w1 = 80 * w1 + 10 * w2**2 + 40 * w2
    grad_w2 = 40 * w1**2 + 20 * w2 + 40
    return grad_w1, grad_w2


# %% downhill
# This points downhill: the gradient itself points uphill, and only the optimiser turns it round.
def calculate_gradient(w1, w2):
    return -80 * w1, -(20 * w2 + 40)


# %% added up
# The slopes are added up: return the two of them side by side.
def calculate_gradient(w1, w2):
    return 80 * w1 + 20 * w2 + 40


# %% first slope only
# One slope comes back, and two are asked for: return both, the one by w₁ first.
def calculate_gradient(w1, w2):
    grad_w1 = 80 * w1
    grad_w2 = 20 * w2 + 40
    return grad_w1


# %% unit length
# The gradient is scaled to length 1: how steep it is counts as well as where it points.
def calculate_gradient(w1, w2):
    grad_w1, grad_w2 = 80 * w1, 20 * w2 + 40
    length = np.sqrt(grad_w1**2 + grad_w2**2)
    return grad_w1 / length, grad_w2 / length


# %% coarse difference
# A difference over a finite step is only near the slope: work out the derivative on paper.
def calculate_gradient(w1, w2):
    h = 0.001

    def J(a, b):
        return 40 * a**2 + 10 * b**2 + 40 * b

    return (J(w1 + h, w2) - J(w1, w2)) / h, (J(w1, w2 + h) - J(w1, w2)) / h


# %% pairs in rows
# For arrays you return one row per point: what is asked for is all slopes by w₁, then all by w₂.
def calculate_gradient(w1, w2):
    return np.stack([80 * w1, 20 * w2 + 40], axis=-1)


# %% numbers only
# Your function turns the slopes into single numbers, so arrays cannot pass: leave out the conversion.
def calculate_gradient(w1, w2):
    return float(80 * w1), float(20 * w2 + 40)


# %% averaged over the points
# For arrays you average the slopes over all points: each point has slopes of its own.
def calculate_gradient(w1, w2):
    return np.mean(80 * w1), np.mean(20 * w2 + 40)


# %% in place
# Your function changes the arrays of its caller: `*=` and `+=` work in place, so make new values.
def calculate_gradient(w1, w2):
    w1 *= 80
    w2 *= 20
    w2 += 40
    return w1, w2


# %% NumPy's gradient
# `np.gradient` takes differences between neighbours in an array: derive J on paper instead.
def calculate_gradient(w1, w2):
    J = 40 * w1**2 + 10 * w2**2 + 40 * w2
    return np.gradient(J, w1), np.gradient(J, w2)


# %% nothing returned
# Both slopes are computed but never handed back: a function without a return gives None.
def calculate_gradient(w1, w2):
    grad_w1 = 80 * w1
    grad_w2 = 20 * w2 + 40
