"""Mistakes that students make in exercise 1.4.1, a data set."""


# %% still in double precision
# x keeps the table's float64, which PyTorch will not multiply with float32 weights: say which dtype
# the tensors shall have.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i])
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% label left an integer
# x is float32, but the label keeps the dtype that it has in the table: it needs float32 as well.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor(self.y[i])
        return x, y


# %% both left as they are
# Both tensors keep the dtypes of the arrays that they come from: each of them should be float32.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.tensor(self.X[:, i]), torch.tensor(self.y[i])


# %% label as a class number
# The label is converted to a whole number, as PyTorch's classifiers like it: here it should be
# float32, like x.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i]).float()
        y = torch.tensor(self.y[i], dtype=torch.long)
        return x, y


# %% rows for samples
# A row of self.X holds one measurement of all babies: a sample is a column.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% length of the features
# The length counts the rows of self.X, which are features: self.y tells how many samples there are.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% length of this table
# The length is written as a number and fits this table only: let self.y tell it.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return 101

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% length of everything
# The length counts every number in self.X: it should be the number of samples, which self.y tells.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return self.X.size

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% no tensors
# What comes back are NumPy's arrays and numbers: a sample should be made of PyTorch tensors.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.X[:, i].astype(np.float32), self.y[i].astype(np.float32)


# %% label in a list
# The label has one axis too many: slicing or listing it keeps an axis, and its shape should be ().
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor([self.y[i]], dtype=torch.float32)
        return x, y


# %% label a plain number
# x is a tensor, but the label is a plain number: it should be a float32 tensor too.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = float(self.y[i])
        return x, y


# %% label not converted
# x is a tensor, but the label is still the number out of the array: make a tensor of it as well.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        return x, self.y[i]


# %% x with two axes
# x keeps two axes, as a slice of columns does: one sample has the shape (features,).
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i : i + 1], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% x without its label
# Only x comes back: a sample is the pair of x and its label.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.tensor(self.X[:, i], dtype=torch.float32)


# %% label first
# The label comes first: the pair should be (x, y), in this order.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return y, x


# %% a dictionary
# A sample comes back as a dictionary: return the pair (x, y), so that a loop over the loader can
# unpack it.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {
            "x": torch.tensor(self.X[:, i], dtype=torch.float32),
            "y": torch.tensor(self.y[i], dtype=torch.float32),
        }


# %% one tensor for both
# Features and label are joined into one tensor: return them as two.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor([self.y[i]], dtype=torch.float32)
        return torch.cat([x, y])


# %% bias left out
# The first feature is left out: the row of ones is part of a sample, for its weight plays the bias.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[1:, i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% bias taken for a sample
# x comes from the column beside the one that was asked for: the ones are a row of self.X, so they
# shift no column.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, (i + 1) % len(self)], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% all samples at once
# Every sample comes back whatever the index: self[i] should hold sample i alone.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.tensor(self.X, dtype=torch.float32), torch.tensor(self.y, dtype=torch.float32)


# %% all labels with each sample
# x is one sample's, but the labels of all come with it: pick label i.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor(self.y, dtype=torch.float32)
        return x, y


# %% standardised again
# The features are standardised a second time, across one sample: `__init__` has done it for each
# measurement already.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        x = (x - x.mean()) / x.std()
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% features cut to whole numbers
# The features lose what stands behind the point on their way: do not make integers of them.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.IntTensor(self.X[:, i].astype(int)).float()
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% table turned at every sample
# Taking a sample turns self.X itself, so that the next one reads it the wrong way round: leave the
# arrays as they are.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        self.X = self.X.T
        x = torch.tensor(self.X[i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y


# %% tensors made once
# The tensors are made once, when the data set is: self[i] should read self.X and self.y as they are
# when it is asked.
class PretermDataset(Dataset):
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)
        self.samples = torch.tensor(self.X.T, dtype=torch.float32)
        self.targets = torch.tensor(self.y, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.samples[i], self.targets[i]


# %% no Dataset any more
# The class is no longer one of PyTorch's data sets: keep the name in brackets after
# `PretermDataset`.
class PretermDataset:
    def __init__(self):
        table = data.load_preterm()
        features = table.features.to_numpy()
        spread = features.std(axis=0)
        spread[spread == 0] = 1  # one region has the same value for every baby
        standardised = (features - features.mean(axis=0)) / spread
        self.X = np.vstack([np.ones(len(features)), standardised.T])  # (features, N), float64
        self.y = table.labels  # (N,)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        x = torch.tensor(self.X[:, i], dtype=torch.float32)
        y = torch.tensor(self.y[i], dtype=torch.float32)
        return x, y
