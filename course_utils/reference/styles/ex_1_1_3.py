"""Right answers to exercise 1.1.3, the minimum, in other styles."""

# %% whole numbers
w1_min, w2_min, loss_min = 0, -2, -40

# %% computed step by step
w1_min = 0 / 80
w2_min = -40 / 20
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% linear system
hessian = np.array([[80.0, 0.0], [0.0, 20.0]])
w1_min, w2_min = np.linalg.solve(hessian, [0.0, -40.0])
loss_min = 0.5 * np.array([w1_min, w2_min]) @ hessian @ np.array([w1_min, w2_min]) + 40 * w2_min

# %% own cost function
# It relies on an earlier exercise, which the notebook advises against.
w1_min, w2_min = 0.0, -2.0
loss_min = loss(w1_min, w2_min)

# %% vertex of a parabola
a, b = 10, 40
w1_min = np.float64(0)
w2_min = np.float64(-b / (2 * a))
loss_min = np.float64(-(b**2) / (4 * a))

# %% zero-dimensional tensors
w1_min = torch.tensor(0.0)
w2_min = torch.tensor(-2.0)
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% descent to the end
w = np.array([-4.0, 4.0])
for _ in range(2000):
    w = w - 0.01 * np.array([80 * w[0], 20 * w[1] + 40])
w1_min, w2_min = w
loss_min = 40 * w1_min**2 + 10 * w2_min**2 + 40 * w2_min

# %% roots of polynomials
w1_min = float(np.roots([80, 0])[0])
w2_min = float(np.roots([20, 40])[0])
loss_min = float(np.polyval([10, 40, 0], w2_min))

# %% fractions
from fractions import Fraction

w2_exact = Fraction(-40, 20)
w1_min, w2_min = 0.0, float(w2_exact)
loss_min = float(10 * w2_exact**2 + 40 * w2_exact)
