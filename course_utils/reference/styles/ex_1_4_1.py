"""Other right answers to exercise 1.4.1, a data set."""


# %% from numpy
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
        x = torch.from_numpy(self.X[:, i]).float()
        y = torch.as_tensor(self.y[i]).float()
        return x, y


# %% float tensors
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
        features = torch.FloatTensor(self.X)
        labels = torch.FloatTensor(self.y)
        return features[:, i], labels[i]


# %% a list
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
        return [torch.tensor(part, dtype=torch.float32) for part in (self.X[:, i], self.y[i])]


# %% transposed first
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
        return self.y.shape[0]

    def __getitem__(self, i):
        row = self.X.T[i]
        label = self.y[i]
        return torch.tensor(row).to(torch.float32), torch.tensor(label).to(torch.float32)


# %% converted by numpy
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
        return self.y.size

    def __getitem__(self, i):
        x = self.X.astype(np.float32)[:, i]
        y = np.float32(self.y[i])
        return torch.tensor(x), torch.tensor(y)


# %% a helper function
def as_float(values):
    return torch.as_tensor(values, dtype=torch.float32)


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
        return as_float(self.X[:, i]), as_float(self.y[i])


# %% a named pair
from collections import namedtuple

Sample = namedtuple("Sample", "x y")


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
        return Sample(torch.Tensor(self.X[:, i]), torch.tensor(float(self.y[i])))


# %% taken and squeezed
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
        x = torch.tensor(self.X[:, [i]], dtype=torch.float32).squeeze(1)
        y = torch.tensor(self.y[[i]], dtype=torch.float32).squeeze()
        return x, y


# %% columns listed
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
        return sum(1 for _ in self.y)

    def __getitem__(self, i):
        x = torch.tensor([float(row[i]) for row in self.X])
        y = torch.tensor(float(self.y[i]))
        return x, y


# %% torch's own base class
class PretermDataset(torch.utils.data.Dataset):
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
        x, y = torch.tensor(self.X[:, i]), torch.tensor(self.y[i])
        return x.type(torch.float32), y.type(torch.float32)
