"""Right answers to exercise 1.1.2, the gradient, in other styles."""


# %% array of two rows
def calculate_gradient(w1, w2):
    return np.array([80 * w1, 20 * (w2 + 2)])


# %% list
def calculate_gradient(w1, w2):
    grad_w1 = np.multiply(80, w1)
    grad_w2 = np.multiply(20, w2) + 40
    return [grad_w1, grad_w2]


# %% one function per slope
def slope_1(w1):
    return 2 * 40 * w1


def slope_2(w2):
    return 2 * 10 * w2 + 40


def calculate_gradient(w1, w2):
    return slope_1(w1), slope_2(w2)


# %% named tuple
from collections import namedtuple

Gradient = namedtuple("Gradient", ["grad_w1", "grad_w2"])


def calculate_gradient(w1, w2):
    return Gradient(grad_w1=80 * w1, grad_w2=20 * w2 + 40)


# %% autograd
def calculate_gradient(w1, w2):
    a = torch.tensor(np.asarray(w1), dtype=torch.float64, requires_grad=True)
    b = torch.tensor(np.asarray(w2), dtype=torch.float64, requires_grad=True)
    (40 * a**2 + 10 * b**2 + 40 * b).sum().backward()
    return a.grad.numpy(), b.grad.numpy()


# %% central difference
# Exact for a parabola but for rounding, which a large step keeps small.
def calculate_gradient(w1, w2):
    def J(a, b):
        return 40 * a**2 + 10 * b**2 + 40 * b

    h = 0.5
    return (J(w1 + h, w2) - J(w1 - h, w2)) / (2 * h), (J(w1, w2 + h) - J(w1, w2 - h)) / (2 * h)


# %% polynomials
def calculate_gradient(w1, w2):
    by_w1 = np.polyder(np.poly1d([40, 0, 0]))
    by_w2 = np.polyder(np.poly1d([10, 40, 0]))
    return by_w1(w1), by_w2(w2)


# %% matrix form
def calculate_gradient(w1, w2):
    w = np.stack(np.broadcast_arrays(w1, w2)).astype(float)
    gradient = np.tensordot(np.diag([80.0, 20.0]), w, axes=1)
    gradient[1] += 40
    return gradient


# %% generator
def calculate_gradient(w1, w2):
    yield 80 * w1
    yield 20 * w2 + 40
