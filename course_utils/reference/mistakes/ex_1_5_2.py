"""Mistakes that students make in exercise 1.5.2, the generalised dice loss."""


# %% weights not squared
# The weights are the inverse of the sizes: the sizes should be squared.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    weights = np.array([1 / size if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% weights of the root
# The weights have the square root of the sizes below the line: it should be their square.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    weights = np.array([1 / np.sqrt(size) if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% weights not inverted
# The weights grow with the size of a class: they should be the inverse, so that small classes
# count.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    weights = np.array([float(size) ** 2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% weights from the prediction
# The weights come from the prediction: they depend on the truth alone.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = prediction.sum(axis=(1, 2))
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes.astype(float)])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% weights from both
# The weights count the pixels of truth and prediction together: they depend on the truth alone.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = (truth + prediction).sum(axis=(1, 2))
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes.astype(float)])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * sizes).sum()


# %% no weights
# All classes weigh the same here, so the largest decides: are the weights there, and do your sums
# keep the axis of the classes?
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    return 1 - 2 * (truth * prediction).sum() / (truth + prediction).sum()


# %% weights of shares
# The weights are made from the share of a class in the picture: ε stands beside weights made from
# numbers of pixels.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    shares = truth.mean(axis=(1, 2))
    weights = np.array([1 / share**2 if share > 0 else epsilon for share in shares])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% weights above the line only
# The weights stand above the line only: the sums of sizes below it have them, too.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes.astype(float)])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (truth + prediction).sum()


# %% absent class weighs nothing
# An absent class has the weight 0: it should be ε.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.zeros(len(sizes))
    weights[sizes > 0] = 1 / sizes[sizes > 0] ** 2
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% absent class weighs 1
# An absent class counts as if it had a single pixel: its weight should be ε.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = np.maximum(truth.sum(axis=(1, 2)), 1)
    weights = 1.0 / sizes**2
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% division by zero
# A class that is absent from the truth divides by 0: guard the division before it happens.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    weights = 1 / truth.sum(axis=(1, 2)).astype(float) ** 2
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% infinity made a number
# An absent class divides by 0, and the infinity is then made a huge number: its weight should be ε.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    with np.errstate(divide="ignore"):
        weights = np.nan_to_num(1 / truth.sum(axis=(1, 2)).astype(float) ** 2)
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% epsilon below the line
# ε is added to the squared size, which makes an absent class's weight enormous: ε is that weight
# itself.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    weights = 1 / (sizes**2 + epsilon)
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% epsilon added to the size
# ε is added to the size before it is squared, as if an absent class had a trace of a pixel: ε is
# its weight.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    weights = 1 / (truth.sum(axis=(1, 2)) + epsilon) ** 2
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% epsilon for the size
# An absent class gets ε as its size, and that is squared and inverted: ε should be its weight.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    sizes[sizes == 0] = epsilon
    weights = 1 / sizes**2
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% epsilon added to every weight
# ε is added to the weights of all classes: only a class that is absent from the truth has it.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else 0 for size in sizes]) + epsilon
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% fraction smoothed
# ε is added above and below the line of the fraction as well: it is a weight, and nothing else.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    above, below = (weights * overlaps).sum(), (weights * totals).sum()
    return 1 - (2 * above + epsilon) / (below + epsilon)


# %% epsilon fixed
# The weight of an absent class is written as a number: the argument `epsilon` tells it.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else 1e-5 for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% absent from the prediction
# Classes that are absent from the prediction get ε as well: only the truth decides.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    weights = np.full(len(sizes), float(epsilon))
    both = (sizes > 0) & (prediction.sum(axis=(1, 2)) > 0)
    weights[both] = 1 / sizes[both] ** 2
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% weights as integers
# The weights are stored as integers, which cuts them to 0: look at the dtype of the array that they
# are written to.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    weights = np.zeros_like(sizes)
    for label, size in enumerate(sizes):
        weights[label] = 1 / size**2 if size > 0 else epsilon
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% factor 2 missing
# The factor 2 before the overlap is missing, so that a perfect match does not give 0.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - (weights * overlaps).sum() / (weights * totals).sum()


# %% overlap instead of loss
# This is the overlap itself, 1 for a perfect match: the loss is what is missing to 1.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% minus the overlap
# The 1 in front is missing: a perfect match should give 0.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return -2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% union for the sum of sizes
# Below the line stands the union of the two regions: it should be the sum of their sizes, where the
# common part counts twice.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    unions = (truth + prediction - truth * prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * unions).sum()


# %% jaccard
# This is the overlap by Jaccard, common part over union: Dice takes twice the common part over the
# sum of sizes.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    unions = (truth + prediction - truth * prediction).sum(axis=(1, 2))
    return 1 - (weights * overlaps).sum() / (weights * unions).sum()


# %% mean over the classes
# Each class's overlap is divided by its own sum, and then averaged: add up over the classes first,
# and divide once.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2)).astype(float)
    dice = 2 * overlaps / np.where(totals > 0, totals, 1)
    return 1 - dice.mean()


# %% weighted mean over the classes
# Each class's overlap is divided by its own sum before the weights come in: weigh both sums, and
# divide once.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2)).astype(float)
    dice = 2 * overlaps / np.where(totals > 0, totals, 1)
    return 1 - (weights * dice).sum() / weights.sum()


# %% one loss per class
# One number per class comes back: the sums over the classes are missing.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2)).astype(float)
    return 1 - 2 * weights * overlaps / (weights * np.where(totals > 0, totals, 1))


# %% background left out
# Class 0 is left out: the background is a class like the others.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    truth, prediction = truth[1:], prediction[1:]
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% prediction rounded
# The prediction is rounded to zeros and ones: the formula takes soft predictions as they are.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    prediction = (prediction > 0.5).astype(float)
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% most likely class
# The most likely class takes each pixel whole: the formula takes soft predictions as they are.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    prediction = np.eye(len(truth))[prediction.argmax(axis=0)].transpose(2, 0, 1)
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% squares below the line
# The values are squared below the line: for soft predictions that is not the same as Σ (y + ŷ).
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth * prediction).sum(axis=(1, 2))
    totals = (truth**2 + prediction**2).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% pixels where both are equal
# Pixels where both masks are 0 count as overlap: only those where both are 1 should.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    overlaps = (truth == prediction).sum(axis=(1, 2))
    totals = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% prediction overwritten
# The overlap is written into the prediction, which belongs to the caller: make a new array.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    totals = (truth + prediction).sum(axis=(1, 2))
    prediction *= truth
    overlaps = prediction.sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()


# %% truth overwritten
# Pixels are removed from the truth, which belongs to the caller: make a new array.
def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2)).astype(float)
    weights = np.array([1 / size**2 if size > 0 else epsilon for size in sizes])
    totals = (truth + prediction).sum(axis=(1, 2))
    truth[prediction == 0] = 0
    overlaps = (truth * prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlaps).sum() / (weights * totals).sum()
