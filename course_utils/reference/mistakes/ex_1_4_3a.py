"""Mistakes that students make in exercise 1.4.3a, the forward pass."""


# %% batch not transposed
# W1 is multiplied with the batch as it comes, with samples in rows: X has to be transposed first.
def forward(W1, W2, X):
    Z1 = W1 @ X
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% factors exchanged
# The factors stand in the wrong order: W1 comes first, so that its rows meet the samples.
def forward(W1, W2, X):
    Z1 = X.T @ W1
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(F1 @ W2.T)
    return Z1, F1, F2


# %% samples in rows
# Samples stand in rows all the way through: the contract wants one column a sample in Z1, F1 and
# F2.
def forward(W1, W2, X):
    Z1 = X @ W1.T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(F1 @ W2.T)
    return Z1, F1, F2


# %% elementwise product
# The second layer multiplies element by element where a product of matrices is needed, which also
# adds up the hidden units.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(W2.T * F1)
    return Z1, F1, F2


# %% output axis squeezed
# F2 has lost its first axis: its shape is (1, N), one row with a prediction for each sample.
def forward(W1, W2, X):
    Z1 = torch.matmul(W1, X.T)
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(torch.matmul(W2, F1)).squeeze(0)
    return Z1, F1, F2


# %% no sigmoid
# F2 holds the raw scores: the sigmoid, which turns them into probabilities, is missing.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = W2 @ F1
    return Z1, F1, F2


# %% no relu
# The hidden layer has no ReLU: without it the two layers together are no more than one.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = Z1
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% sigmoid in the hidden layer
# The hidden layer uses the sigmoid as well: F1 should be the ReLU of Z1.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.sigmoid(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% tanh in the hidden layer
# The hidden layer uses the hyperbolic tangent: F1 should be the ReLU of Z1.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.tanh(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% relu at the output
# The output goes through a ReLU, which gives no probabilities: F2 needs the sigmoid.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.relu(W2 @ F1)
    return Z1, F1, F2


# %% both functions at the output
# The scores pass a ReLU before the sigmoid, so that no prediction can fall below one half.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(torch.relu(W2 @ F1))
    return Z1, F1, F2


# %% activation skipped
# F2 is computed from Z1: the second layer should get F1, what the ReLU has let through.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(W2 @ Z1)
    return Z1, F1, F2


# %% relu in place
# The ReLU overwrites Z1, so Z1 and F1 come back the same: Z1 is needed as it was before.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = Z1
    F1[F1 < 0] = 0
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% sign of the exponent
# The sigmoid's exponent has the wrong sign, so F2 is the probability of the other class.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = 1 / (1 + torch.exp(W2 @ F1))
    return Z1, F1, F2


# %% softmax over the samples
# A softmax shares one probability among all samples of the batch: each sample needs the sigmoid of
# its own score.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.softmax(W2 @ F1, dim=1)
    return Z1, F1, F2


# %% softmax over one output
# A softmax over a single output is 1 whatever the score: one output needs the sigmoid.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.softmax(W2 @ F1, dim=0)
    return Z1, F1, F2


# %% classes instead of probabilities
# F2 is rounded to a class: it should stay the probability, which the cost needs.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = (torch.sigmoid(W2 @ F1) > 0.5).float()
    return Z1, F1, F2


# %% hidden units clipped
# The hidden units are cut off at the top as well: a ReLU has no upper end.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.clamp(Z1, 0, 1)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% leaky relu
# Below 0 the hidden units still let a little through: a plain ReLU is 0 there.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.nn.functional.leaky_relu(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% absolute value
# The hidden units lose their sign, not their negative part: a ReLU is 0 where Z1 is negative.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.abs(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% minimum for maximum
# The ReLU keeps the larger of Z1 and 0, and yours the smaller.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.clamp(Z1, max=0)
    F2 = torch.sigmoid(W2 @ F1)
    return Z1, F1, F2


# %% only the prediction
# Only F2 comes back: `backward` needs all three, Z1, F1 and F2.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return F2


# %% z1 forgotten
# Two things come back instead of three: Z1, F1 and F2 are wanted.
def forward(W1, W2, X):
    F1 = torch.relu(W1 @ X.T)
    F2 = torch.sigmoid(W2 @ F1)
    return F1, F2


# %% order reversed
# The three come back in reverse: Z1 first, F2 last.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(W2 @ F1)
    return F2, F1, Z1


# %% score returned as well
# Four things come back: the score before the last sigmoid is not asked for.
def forward(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    Z2 = W2 @ F1
    F2 = torch.sigmoid(Z2)
    return Z1, F1, Z2, F2


# %% numpy arrays
# NumPy's arrays come back: PyTorch has functions for all that is needed here, and tensors should
# stay tensors.
def forward(W1, W2, X):
    Z1 = W1.numpy() @ X.numpy().T
    F1 = np.maximum(Z1, 0)
    F2 = 1 / (1 + np.exp(-(W2.numpy() @ F1)))
    return Z1, F1, F2


# %% double precision
# The result is in double precision: keep the float32 that came in.
def forward(W1, W2, X):
    Z1 = W1.double() @ X.double().T
    F1 = torch.relu(Z1)
    F2 = torch.sigmoid(W2.double() @ F1)
    return Z1, F1, F2
