"""Mistakes that students make in exercise 2.3, pairs of drawings."""


# %% pixels not scaled
# The pixels still run to the top of uint8: divide them so that ink is one.
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
        image0 = torch.tensor(self.images[i], dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j], dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% integer division
# The pixels are divided as integers, which leaves only zeros and ones: divide as floats, greys
# included.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images // 255
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
        image0 = torch.tensor(self.images[i], dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j], dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% pixels from minus one
# The pixels run from −1 to 1: they should lie between 0, paper, and 1, ink.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = torch.tensor(images, dtype=torch.float32) / 127.5 - 1
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
        return self.images[i][None], self.images[j][None], torch.tensor([0.0 if similar else 1.0])


# %% ink and paper exchanged
# Ink and paper are exchanged: leave the drawings as they are, light ink on dark paper.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = 1 - torch.tensor(images, dtype=torch.float32) / 255
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
        return self.images[i][None], self.images[j][None], torch.tensor([0.0 if similar else 1.0])


# %% scaled by the largest pixel
# Each image is divided by its own largest pixel: one constant, the largest value of uint8, serves
# for all.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def prepare(self, i):
        image = torch.tensor(self.images[i], dtype=torch.float32).unsqueeze(0)
        return image / image.max()

    def __getitem__(self, i):
        similar = np.random.rand() < 0.5
        if similar:
            partners = np.flatnonzero((self.labels == self.labels[i]) & (np.arange(len(self)) != i))
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
        j = np.random.choice(partners)
        return self.prepare(i), self.prepare(j), torch.tensor([0.0 if similar else 1.0])


# %% labels exchanged
# The labels are exchanged: the loss wants 0 for two drawings of one class.
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
        return image0, image1, torch.tensor([1.0 if similar else 0.0])


# %% only similar pairs
# All pairs are similar: look at how often your coin lets a partner of another class through.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        similar = np.random.randint(0, 1) == 0
        if similar:
            partners = np.flatnonzero((self.labels == self.labels[i]) & (np.arange(len(self)) != i))
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
        j = np.random.choice(partners)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% only different pairs
# All pairs are of different classes: look at how often your coin lets a partner of the same class
# through.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        j = np.random.choice(np.flatnonzero(self.labels != self.labels[i]))
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([1.0])


# %% any partner
# The partner is any other drawing, so similar pairs are rare: first decide the kind of the pair,
# then draw a partner of that kind.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        j = i
        while j == i:
            j = np.random.randint(len(self.images))
        label = float(self.labels[i] != self.labels[j])
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([label])


# %% beside itself
# In similar pairs a drawing can meet itself: take it out before you draw its partner.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        similar = np.random.rand() < 0.5
        if similar:
            partners = np.flatnonzero(self.labels == self.labels[i])
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
        j = np.random.choice(partners)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% the same drawing twice
# Both images of every pair are the same drawing: the second should be read at the partner's index.
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
        image1 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% label from the coin
# The label tells what the coin wanted, not what the partner is: pairs called different can be of
# one class.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        others = np.flatnonzero(np.arange(len(self.images)) != i)
        similar = np.random.rand() < 0.5
        if similar:
            others = others[self.labels[others] == self.labels[i]]
        j = np.random.choice(others)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% label without a dimension
# The label is a single number: give it a dimension of its own, so that a batch of labels has shape
# (N, 1).
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
        return image0, image1, torch.tensor(0.0 if similar else 1.0)


# %% integer label
# The label is a tensor of integers: the loss computes with it, so make it float32.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        label = np.random.randint(2)
        if label == 0:
            partners = np.flatnonzero((self.labels == self.labels[i]) & (np.arange(len(self)) != i))
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
        j = np.random.choice(partners)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([label])


# %% label no tensor
# The label is a plain Python number: wrap it in a tensor of one element, float32.
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
        return image0, image1, 0.0 if similar else 1.0


# %% images in double precision
# The images are float64, which is what NumPy's division gives: the network wants float32.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images / 255
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
        image0 = torch.from_numpy(self.images[i]).unsqueeze(0)
        image1 = torch.from_numpy(self.images[j]).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% no channel
# The images have no channel: a grey image has one, and it comes first.
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
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% arrays instead of tensors
# The images are NumPy arrays: return PyTorch tensors.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images.astype(np.float32) / 255
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
        label = np.array([0.0 if similar else 1.0], dtype=np.float32)
        return self.images[i][None], self.images[j][None], label


# %% pair in a pair
# The two images come as a pair inside the item: return three things side by side.
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
        return (image0, image1), torch.tensor([0.0 if similar else 1.0])


# %% kinds in turn
# The kind of a pair follows from whether its number is odd or even, so half of the drawings never
# lead a similar pair: toss a coin.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        similar = i % 2 == 0
        if similar:
            partners = np.flatnonzero((self.labels == self.labels[i]) & (np.arange(len(self)) != i))
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
        j = np.random.choice(partners)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% always the first partner
# The partner is always the first that fits: draw one at random, so that every drawing can be a
# partner.
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
        j = partners[0]
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% last drawing left out
# Some drawings are never drawn as partners: NumPy's integers stop before their upper bound, so do
# not take one off as well.
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
            j = np.random.choice(partners)
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
            j = partners[np.random.randint(0, len(partners) - 1)]
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% the next drawing
# The partner is the drawing that comes next, which fails at the last one: draw a partner at random
# among those that fit.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        j = i + 1
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([float(self.labels[i] != self.labels[j])])


# %% twenty drawings a class
# The classes are read off the positions: the labels tell which drawings belong together, and other
# data come in another order.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.classes = np.arange(len(images)) // 20

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        similar = np.random.rand() < 0.5
        if similar:
            partners = np.flatnonzero(
                (self.classes == self.classes[i]) & (np.arange(len(self)) != i)
            )
        else:
            partners = np.flatnonzero(self.classes != self.classes[i])
        j = np.random.choice(partners)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])


# %% half the length
# The length is half the number of drawings, as if each were used once: every drawing leads one
# pair.
class ImagePairs(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.images) // 2

    def __getitem__(self, i):
        similar = np.random.rand() < 0.5
        number = np.arange(len(self.images))
        if similar:
            partners = np.flatnonzero((self.labels == self.labels[i]) & (number != i))
        else:
            partners = np.flatnonzero(self.labels != self.labels[i])
        j = np.random.choice(partners)
        image0 = torch.tensor(self.images[i] / 255, dtype=torch.float32).unsqueeze(0)
        image1 = torch.tensor(self.images[j] / 255, dtype=torch.float32).unsqueeze(0)
        return image0, image1, torch.tensor([0.0 if similar else 1.0])
