"""Other right answers to exercise 1.4.2, a loader."""

# %% in one go
dataloader = DataLoader(dataset, len(dataset), True)
batch_size = dataloader.batch_size

# %% a batch sampler
from torch.utils.data import BatchSampler, RandomSampler

batch_size = len(dataset)
batches = BatchSampler(RandomSampler(dataset), batch_size=batch_size, drop_last=False)
dataloader = DataLoader(dataset, batch_sampler=batches)

# %% a sampler
batch_size = len(dataset)
dataloader = DataLoader(
    dataset, batch_size=batch_size, sampler=torch.utils.data.RandomSampler(dataset)
)

# %% a subset sampler
batch_size = len(dataset)
everybody = torch.utils.data.SubsetRandomSampler(range(batch_size))
dataloader = DataLoader(dataset, batch_size=batch_size, sampler=everybody)

# %% a generator of its own
# The generator is seeded once, and goes on from epoch to epoch.
torch.manual_seed(0)
batch_size = len(dataset)
dataloader = DataLoader(
    dataset,
    batch_size=batch_size,
    shuffle=True,
    generator=torch.Generator().manual_seed(42),
    drop_last=True,
)

# %% samples counted
batch_size = 0
for _ in dataset:
    batch_size += 1
settings = dict(batch_size=batch_size, shuffle=True, num_workers=0)
dataloader = DataLoader(dataset, **settings)


# %% batches put together by hand
def collate(samples):
    features, labels = zip(*samples)
    return torch.stack(features), torch.stack(labels)


batch_size = len(dataset[:][1])
dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True, collate_fn=collate)


# %% a function that makes loaders
def make_loader(samples, size=None):
    size = size or len(samples)
    return size, DataLoader(samples, batch_size=size, shuffle=True)


batch_size, dataloader = make_loader(dataset)


# %% a sampler written by hand
class EveryOrder(torch.utils.data.Sampler):
    def __init__(self, number):
        self.number = number

    def __len__(self):
        return self.number

    def __iter__(self):
        return iter(np.random.permutation(self.number).tolist())


batch_size = len(dataset)
dataloader = DataLoader(dataset, batch_size=batch_size, sampler=EveryOrder(batch_size))
