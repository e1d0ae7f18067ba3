"""Mistakes that students make in exercise 1.4.3b, the backward pass."""


# %% sum instead of mean
# This is the gradient of the sum over the batch: the cost is a mean, so a factor 1/N is missing.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = F2 - y
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% divided by the hidden units
# The gradients are divided by the number of hidden units: N is the number of samples in the batch.
def backward(W2, X, y, Z1, F1, F2):
    N = len(Z1)
    dJ_dZ2 = (F2 - y) / N
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% divided by the features
# The gradients are divided by the number of features: N is the number of samples, the rows of X.
def backward(W2, X, y, Z1, F1, F2):
    N = X.shape[1]
    dJ_dZ2 = (F2 - y) / N
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% divided by all babies
# The gradients are divided by the size of the whole data set: N is the size of this batch.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / 101
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% divided twice
# The factor 1/N comes in twice: once it is in the first step, all that follow have it.
def backward(W2, X, y, Z1, F1, F2):
    N = X.shape[0]
    dJ_dZ2 = (F2 - y) / N
    dJ_dW2 = dJ_dZ2 @ F1.T / N
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X / N
    return dJ_dW1, dJ_dW2


# %% mean in the second layer only
# The factor 1/N reaches only the gradient for W2: the one for W1 needs it as well.
def backward(W2, X, y, Z1, F1, F2):
    N = len(y)
    dJ_dW2 = (F2 - y) @ F1.T / N
    dJ_dZ1 = (W2.T @ (F2 - y)) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% mean in the first layer only
# The factor 1/N reaches only the gradient for W1: the one for W2 needs it as well.
def backward(W2, X, y, Z1, F1, F2):
    N = len(y)
    dJ_dW2 = (F2 - y) @ F1.T
    dJ_dZ1 = (W2.T @ (F2 - y)) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X / N
    return dJ_dW1, dJ_dW2


# %% sign turned
# Both gradients point the other way: it is the prediction minus the truth.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (y - F2) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% relu forgotten
# The gradient for W1 passes the ReLU as if it were not there: step 4 blocks it where a unit was
# silent.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dF1 = W2.T @ dJ_dZ2
    dJ_dW1 = dJ_dF1 @ X
    return dJ_dW1, dJ_dW2


# %% slope of one at zero
# Where Z1 is exactly 0 the slope of the ReLU counts as 0 in this course, and yours is 1.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dF1 = W2.T @ dJ_dZ2
    dJ_dZ1 = dJ_dF1 * (Z1 >= 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% relu of the gradient
# The ReLU is applied to the gradient: what is wanted is its slope, which depends on the sign of Z1.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = torch.relu(W2.T @ dJ_dZ2)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% value of the relu for its slope
# The gradient is multiplied by F1, the value of the ReLU: step 4 needs its slope.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * F1
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% sigmoid slope in the hidden layer
# The hidden layer is treated as if it had a sigmoid: its function is the ReLU.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * F1 * (1 - F1)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% slope of the sigmoid twice
# The slope of the sigmoid comes in twice: in step 1 it has already cancelled against the cost.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) * F2 * (1 - F2) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% slope of the sigmoid left out
# Step 1 stops at the derivative by the prediction: the slope of the sigmoid is still to be
# multiplied.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dF2 = (-y / F2 + (1 - y) / (1 - F2)) / len(y)
    dJ_dW2 = dJ_dF2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dF2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% squared error
# These are the gradients of the mean squared error: the cost here is the cross-entropy.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = 2 * (F2 - y) * F2 * (1 - F2) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% predictions rounded
# The prediction is rounded to a class before it is compared: the gradient needs the probability.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = ((F2 > 0.5).float() - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% score before the relu
# The gradient for W2 uses Z1: the second layer got F1, so that is what its weights collect.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ Z1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% second layer left out of the chain
# On the way back to the hidden layer W2 is missing: see step 3.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = dJ_dZ2 * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% gradient of the weights passed back
# W2's gradient is passed back instead of W2 itself: see step 3.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (dJ_dW2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% exchanged
# The two gradients come back in the wrong order: the one for W1 is first.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW2, dJ_dW1


# %% transposed
# Both gradients are transposed: each has the shape of the weights that it belongs to.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = F1 @ dJ_dZ2.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = X.T @ dJ_dZ1.T
    return dJ_dW1, dJ_dW2


# %% second gradient squeezed
# The gradient for W2 has lost an axis: its shape is that of W2, one row.
def backward(W2, X, y, Z1, F1, F2):
    error = (F2[0] - y) / len(y)
    dJ_dW2 = F1 @ error
    dJ_dZ1 = torch.outer(W2[0], error) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% batch transposed once more
# In step 5 the batch is transposed, and it should not be: the samples that step 4 leaves in columns
# meet the rows of X.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X.T
    return dJ_dW1, dJ_dW2


# %% labels in a column
# The labels were made a column, so that every prediction met every label: F2 and y need the same
# last axis.
def backward(W2, X, y, Z1, F1, F2):
    y = y.reshape(-1, 1)
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% changes the predictions
# The gradients are right, but F2 is changed in place on the way: make a new tensor for the
# difference.
def backward(W2, X, y, Z1, F1, F2):
    F2 -= y
    F2 /= len(y)
    dJ_dW2 = F2 @ F1.T
    dJ_dZ1 = (W2.T @ F2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1, dJ_dW2


# %% changes the hidden units
# The mask of step 4 is written into Z1 itself, which belongs to the caller: make a new tensor.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dW2 = dJ_dZ2 @ F1.T
    slope = Z1
    slope[slope <= 0] = 0
    slope[slope > 0] = 1
    dJ_dW1 = ((W2.T @ dJ_dZ2) * slope) @ X
    return dJ_dW1, dJ_dW2


# %% only the first weights
# One gradient comes back where two are wanted: first the one for W1, then the one for W2.
def backward(W2, X, y, Z1, F1, F2):
    dJ_dZ2 = (F2 - y) / len(y)
    dJ_dZ1 = (W2.T @ dJ_dZ2) * (Z1 > 0)
    dJ_dW1 = dJ_dZ1 @ X
    return dJ_dW1
