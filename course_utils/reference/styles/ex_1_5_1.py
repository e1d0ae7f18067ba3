"""Other right answers to exercise 1.5.1, one-hot coding."""


# %% rows of the identity
def one_hot_encode(mask, num_classes):
    return np.eye(num_classes)[mask].transpose(2, 0, 1)


# %% compared by broadcasting
def one_hot_encode(mask, num_classes):
    return (mask[None] == np.arange(num_classes)[:, None, None]).astype(np.uint8)


# %% stacked
def one_hot_encode(mask, num_classes):
    return np.stack([np.where(mask == label, 1.0, 0.0) for label in range(num_classes)], axis=0)


# %% pixel by pixel
def one_hot_encode(mask, num_classes):
    W, H = mask.shape
    result = np.zeros((num_classes, W, H), dtype=int)
    for i in range(W):
        for j in range(H):
            result[mask[i, j], i, j] = 1
    return result


# %% put along an axis
def one_hot_encode(mask, num_classes):
    result = np.zeros((num_classes,) + mask.shape, dtype=np.float32)
    np.put_along_axis(result, mask[np.newaxis].astype(int), 1, axis=0)
    return result


# %% by indices
def one_hot_encode(mask, num_classes):
    result = np.zeros((num_classes, *mask.shape))
    rows, columns = np.indices(mask.shape)
    result[mask, rows, columns] = 1
    return result


# %% by torch and back
import torch


def one_hot_encode(mask, num_classes):
    labels = torch.from_numpy(mask.astype(np.int64))
    return np.moveaxis(torch.nn.functional.one_hot(labels, num_classes).numpy(), -1, 0)


# %% by pandas
import pandas as pd


def one_hot_encode(mask, num_classes):
    table = pd.get_dummies(pd.Categorical(mask.ravel(), categories=range(num_classes)))
    return table.to_numpy().T.reshape(num_classes, *mask.shape).astype(float)


# %% lists of lists
def one_hot_encode(mask, num_classes):
    labels = mask.tolist()
    return np.array([[[int(v == c) for v in row] for row in labels] for c in range(num_classes)])
