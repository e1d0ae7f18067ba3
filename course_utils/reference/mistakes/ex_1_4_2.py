"""Mistakes that students make in exercise 1.4.2, a loader."""

# %% not shuffled
# The samples come in the order of the table: ask the loader for a new random order each epoch.
batch_size = len(dataset)
dataloader = DataLoader(dataset, batch_size=batch_size)

# %% size of this table
# The batch size is written as a number, and fits this table only: compute it from `dataset`.
batch_size = 101
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

# %% loader with a number of its own
# `batch_size` is computed, but the loader was given a number that fits this table only: hand it
# `batch_size`.
batch_size = len(dataset)
dataloader = DataLoader(dataset, batch_size=101, shuffle=True)

# %% size never passed on
# The loader was not told the batch size, and makes batches of a single sample.
batch_size = len(dataset)
dataloader = DataLoader(dataset, shuffle=True)

# %% batches of one
# One batch is wanted, which holds everybody; this makes batches of one sample each.
batch_size = 1
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

# %% small batches
# These are small batches, as they are used later: at first the whole training set is one batch.
batch_size = 32
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

# %% two halves
# The batch holds half of the samples: it should be the whole training set.
batch_size = len(dataset) // 2
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

# %% rest dropped
# The samples that do not fill a batch are dropped: none should be left out of an epoch.
batch_size = len(dataset) // 2
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=True)

# %% one too few
# The batch is one sample short, so the last one makes a batch of its own: lengths count from 1.
batch_size = len(dataset) - 1
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

# %% number of features
# `batch_size` is the number of features of a sample: it should be the number of samples.
batch_size = len(dataset[0][0])
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

# %% drawn with replacement
# The samples are drawn with replacement: some come twice, and others are left out of the epoch.
from torch.utils.data import RandomSampler

batch_size = len(dataset)
sampler = RandomSampler(dataset, replacement=True)
dataloader = DataLoader(dataset, batch_size=batch_size, sampler=sampler)

# %% shuffled once
# The samples are shuffled once, before the loader is made, so every epoch has the same order: let
# the loader draw it anew.
batch_size = len(dataset)
order = torch.randperm(len(dataset)).tolist()
dataloader = DataLoader(torch.utils.data.Subset(dataset, order), batch_size=batch_size)

# %% labels in another order
# Features and labels are shuffled apart, so the labels belong to other samples: shuffle the pairs.
batch_size = len(dataset)
X, y = dataset[:]
shuffled = torch.utils.data.TensorDataset(
    X[torch.randperm(batch_size)], y[torch.randperm(batch_size)]
)
dataloader = DataLoader(shuffled, batch_size=batch_size, shuffle=True)

# %% some held back
# A part of the samples is held back for a test: here the loader should give the full training set.
batch_size = int(0.8 * len(dataset))
train_set, test_set = torch.utils.data.random_split(
    dataset, [batch_size, len(dataset) - batch_size]
)
dataloader = DataLoader(train_set, batch_size=batch_size, shuffle=True)

# %% used up after an epoch
# The loader was turned into an iterator, which is empty after one epoch: keep the DataLoader itself.
batch_size = len(dataset)
dataloader = iter(DataLoader(dataset, batch_size=batch_size, shuffle=True))

# %% a single batch
# `dataloader` is one batch that was taken out of a loader: it should be the loader.
batch_size = len(dataset)
dataloader = next(iter(DataLoader(dataset, batch_size=batch_size, shuffle=True)))

# %% labels left behind
# The loader gives the features without the labels: make it from `dataset`, whose samples are pairs.
batch_size = len(dataset)
features = torch.stack([x for x, y in dataset])
dataloader = DataLoader(features, batch_size=batch_size, shuffle=True)

# %% bias column removed
# The first feature is left out of the batch: the ones belong to it, as the input of the bias.
batch_size = len(dataset)
X, y = dataset[:]
without = torch.utils.data.TensorDataset(X[:, 1:], y)
dataloader = DataLoader(without, batch_size=batch_size, shuffle=True)

# %% no batches at all
# With its own batching switched off the loader gives single samples: tell it the batch size.
batch_size = len(dataset)
dataloader = DataLoader(dataset, batch_size=None, shuffle=True)

# %% data set made anew
# The cell makes a data set of its own: use the `dataset` of the cell above, whatever it holds.
dataset = data.preterm_dataset()
batch_size = len(dataset)
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)

# %% size as a text
# `batch_size` is a text that shows the number: it should be the number itself.
dataloader = DataLoader(dataset, batch_size=len(dataset), shuffle=True)
batch_size = f"{len(dataset)}"
