"""Right answers to exercise 2.2 in other styles."""


# %% layers by name
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5)
        self.conv2 = nn.Conv2d(64, 64, 5)
        self.fc1 = nn.Linear(64 * 23 * 23, 256)
        self.fc2 = nn.Linear(256, 2)

    def forward_once(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.softplus(self.fc2(x))

    def forward(self, input0, input1):
        return self.forward_once(input0), self.forward_once(input1)


# %% lazy layers
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.LazyConv2d(64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.LazyConv2d(64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.LazyLinear(256),
            nn.ReLU(),
            nn.LazyLinear(2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return [self.net(x) for x in (input0, input1)]


# %% both sides in one batch
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, 5),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 5),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Linear(64 * 23 * 23, 256), nn.ReLU(), nn.Linear(256, 2), nn.Softplus()
        )

    def forward(self, input0, input1):
        both = self.features(torch.cat([input0, input1]))
        return self.head(both.flatten(start_dim=1)).chunk(2)


# %% blocks from a function
def block(channels_in, channels_out):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=5),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, 2),
    )


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([block(1, 64), block(64, 64)])
        self.dense = nn.Linear(64 * 23**2, 256)
        self.out = nn.Linear(256, 2)

    def embed(self, x):
        for each in self.blocks:
            x = each(x)
        x = x.view(x.size(0), -1)
        return torch.log1p(torch.exp(self.out(torch.relu(self.dense(x)))))

    def forward(self, input0, input1):
        out0 = self.embed(input0)
        out1 = self.embed(input1)
        return out0, out1


# %% a network inside
class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.second = nn.Linear(256, 2)
        self.first = nn.Linear(64 * 23 * 23, 256)
        self.conv = nn.ModuleDict({"b": nn.Conv2d(64, 64, (5, 5)), "a": nn.Conv2d(1, 64, (5, 5))})
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, x):
        x = self.pool(self.conv["a"](x).relu())
        x = self.pool(self.conv["b"](x).relu())
        return F.softplus(self.second(self.first(x.flatten(1)).relu()))


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = Embedding()

    def forward(self, input0, input1):
        return tuple(map(self.embedding, (input0, input1)))


# %% dense layers as convolutions' relatives
# Weights of its own making, started by a rule of its own.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(33856, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )
        self.apply(self.start)

    @staticmethod
    def start(layer):
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% one network under two names
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = self.right = nn.Sequential(
            nn.Conv2d(1, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.left(input0), self.right(input1)


# %% image by image, with functions
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5)
        self.conv2 = nn.Conv2d(64, 64, 5)
        self.fc1 = nn.Linear(64 * 23 * 23, 256)
        self.fc2 = nn.Linear(256, 2)

    def embed(self, image):
        x = F.conv2d(image.clone(), self.conv1.weight, self.conv1.bias).relu()
        x = F.conv2d(F.max_pool2d(x, 2), self.conv2.weight, self.conv2.bias).relu()
        x = F.max_pool2d(x, 2).reshape(-1) @ self.fc1.weight.T + self.fc1.bias
        return F.softplus(self.fc2(x.relu()))

    def forward(self, input0, input1):
        out0, out1 = (torch.stack([self.embed(x[None]) for x in side]) for side in (input0, input1))
        return out0, out1
