"""Right answers to exercise 2.3 in other styles."""


# %% coin and choice of NumPy
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        similar = np.random.rand() < 0.5
        if similar:
            partners = np.flatnonzero((self.labels == self.labels[i]) & (np.arange(len(self)) != i))
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
        j = np.random.choice(partners)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% try again until it fits
import random


class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return self.images.shape[0]

    def __getitem__(self, i):
        similar = random.random() < 0.5
        while True:
            j = random.randrange(len(self.images))
            if j != i and (self.labels[j] == self.labels[i]) == similar:
                break
        first, second = (torch.from_numpy(self.images[k]).float().div(255)[None] for k in (i, j))
        return [first, second, torch.FloatTensor([not similar])]


# %% lists of each class
from collections import defaultdict


class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = torch.from_numpy(images.astype("float32") / 255).unsqueeze(1)
        self.labels = [int(label) for label in labels]
        self.members = defaultdict(list)
        for i, label in enumerate(self.labels):
            self.members[label].append(i)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        mine = self.labels[i]
        rng = np.random.default_rng()
        if rng.integers(2):
            j = rng.choice([k for k in self.members[mine] if k != i])
        else:
            other = rng.choice([label for label in self.members if label != mine])
            j = rng.choice(self.members[other])
        different = torch.ones(1) if self.labels[j] != mine else torch.zeros(1)
        return self.images[i], self.images[j], different


# %% everything in tensors
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = torch.tensor(images).unsqueeze(1).to(torch.float32) / 255.0
        self.labels = torch.tensor(labels)

    def __len__(self):
        return self.labels.numel()

    def __getitem__(self, i):
        same = self.labels == self.labels[i]
        weights = torch.where(same, 0.6 / (same.sum() - 1), 0.4 / (~same).sum())
        weights[i] = 0
        j = torch.multinomial(weights, 1).item()
        return self.images[i], self.images[j], (~same[j]).float().reshape(1)


# %% first image drawn too
# Both images are drawn, whatever the index.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        i = torch.randint(len(self.labels), (1,)).item()
        fits = self.labels == self.labels[i]
        if torch.rand(1).item() < 0.5:
            fits[i] = False
        else:
            fits = ~fits
        j = np.random.choice(np.where(fits)[0])
        pair = np.stack([self.images[i], self.images[j]])[:, None] / np.float32(255)
        image0, image1 = torch.from_numpy(pair)
        label = float(self.labels[i] != self.labels[j])
        return image0, image1, torch.tensor([label], dtype=torch.float32)


# %% partners drawn at the start
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = np.asarray(labels)
        self.partners = [self.draw(i) for i in range(len(images))]

    def draw(self, i):
        fits = (self.labels == self.labels[i]) == (np.random.random() < 0.5)
        fits[i] = False
        return np.random.choice(np.flatnonzero(fits))

    def scaled(self, k):
        return torch.tensor(self.images[k], dtype=torch.float32)[None] / 255

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        j = self.partners[i]
        return (
            self.scaled(i),
            self.scaled(j),
            torch.tensor([self.labels[i] != self.labels[j]]).float(),
        )


# %% sides exchanged at random
class ImagePairs(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.pixels = np.expand_dims(images, 1) / 255
        self.classes = labels
        self.everybody = np.arange(len(labels))

    def __len__(self):
        return len(self.classes)

    def __getitem__(self, i):
        same = self.classes == self.classes[i]
        label = np.random.randint(0, 2)
        pool = self.everybody[same if label == 0 else ~same]
        pair = [i, np.random.choice(pool[pool != i])]
        np.random.shuffle(pair)
        first, second = (torch.as_tensor(self.pixels[k], dtype=torch.float) for k in pair)
        return first, second, torch.tensor([label], dtype=torch.float)


# %% a generator with a seed
# Every data set draws the same pairs, but each pass draws others.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images.astype(np.float32) / 255
        self.labels = labels
        self.rng = np.random.default_rng(seed=42)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        similar = self.rng.random() < 0.5
        fits = (self.labels == self.labels[i]) == similar
        fits[i] = False
        j = self.rng.choice(fits.nonzero()[0])
        image0, image1 = (torch.from_numpy(self.images[k : k + 1]) for k in (i, j))
        return image0, image1, torch.tensor([1.0 - similar])
