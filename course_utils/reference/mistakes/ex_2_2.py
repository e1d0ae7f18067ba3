"""Mistakes that students make in exercise 2.2, the Siamese network."""


# %% two networks
# Each side has a network of its own: a Siamese network is one network, used on both images.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = self.build()
        self.right = self.build()

    def build(self):
        return nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
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


# %% softplus left out
# The last dense layer has no softplus after it, so coordinates can be negative.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% relu at the end
# The last layer ends in a ReLU, which is flat wherever its input is negative: the table says
# softplus.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.ReLU(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% softmax at the end
# The last layer ends in a softmax, which makes the coordinates sum to one: softplus has a similar
# name, but treats each alone.
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
        return F.softmax(self.fc2(x), dim=1)

    def forward(self, input0, input1):
        return self.forward_once(input0), self.forward_once(input1)


# %% sigmoid at the end
# The last layer ends in a sigmoid, which squeezes the map into a small square: the table says
# softplus.
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
        return torch.sigmoid(self.fc2(x))

    def forward(self, input0, input1):
        return self.forward_once(input0), self.forward_once(input1)


# %% no relu after the first convolution
# The first convolution has no ReLU after it.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% no relu after the convolutions
# Neither convolution has a ReLU after it: max-pooling does not replace it.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% no relu between the dense layers
# Nothing bends between the two dense layers: without the ReLU they are together only one linear
# layer.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% mean pooling
# The pooling takes the mean of each square: max-pooling takes the largest.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% padded convolutions
# The convolutions are padded, so their outputs stay as large as their inputs: the table has them
# shrink, without padding.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 26 * 26, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% small filters
# The filters are smaller than the table says: compare their kernel size with it.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 24 * 24, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% fewer filters in the first convolution
# The first convolution has fewer filters than the second: in the table both have as many.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% no bias
# The convolutions have no bias: every layer of the table has one.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5, bias=False),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5, bias=False),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% one dense layer
# One dense layer is missing: the features go through a wide one, with its ReLU, before the one that
# makes the embedding.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% batch normalisation
# There are more layers than in the table: batch normalisation brings weights of its own.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% dropout
# In training mode the two sides drop different values at random: the table has no dropout.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% the first image twice
# Both outputs come from the first image: the second one is never looked at.
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
        out0 = self.forward_once(input0)
        out1 = self.forward_once(input0)
        return out0, out1


# %% a distance instead of two points
# forward returns one tensor, the difference of the embeddings: return both points, the loss takes
# their distance.
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
        return torch.abs(self.forward_once(input0) - self.forward_once(input1))


# %% batch flattened too
# The batch is flattened together with the features: keep the first dimension, the images, apart.
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
        x = F.relu(self.fc1(torch.flatten(x)))
        return F.softplus(self.fc2(x))

    def forward(self, input0, input1):
        return self.forward_once(input0), self.forward_once(input1)


# %% no gradient
# The embeddings are computed without gradients, so the network could never be trained.
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
        with torch.no_grad():
            return self.forward_once(input0), self.forward_once(input1)


# %% second pooling left out
# The second max-pooling is missing, so more features reach the first dense layer than it expects.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% features counted wrongly
# The first dense layer expects more features than arrive: follow the sizes from layer to layer;
# pooling rounds down.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 24 * 24, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% strides instead of pooling
# The convolutions take steps of two instead of being followed by max-pooling: their stride is one.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5, stride=2),
            nn.ReLU(),
            nn.Conv2d(64, 64, kernel_size=5, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 24 * 24, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% second side cut
# The embeddings are right, but the second one is cut from the graph: both sides are to train the
# network.
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
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1).detach()


# %% first side cut
# The embeddings are right, but the first one is made without gradients: both sides are to train the
# network.
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
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        with torch.no_grad():
            out0 = self.embed(input0)
        return out0, self.embed(input1)


# %% a copy for the second side
# The second side runs through a copy of the network, made anew each time: what it learns is lost.
import copy


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
            nn.Linear(64 * 23 * 23, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
            nn.Softplus(),
        )

    def forward(self, input0, input1):
        twin = copy.deepcopy(self.embed)
        return self.embed(input0), twin(input1)


# %% convolutions frozen
# The weights of the convolutions ask for no gradient, so only the dense layers are trained.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.features.requires_grad_(False)
        self.head = nn.Sequential(
            nn.Linear(64 * 23 * 23, 256), nn.ReLU(), nn.Linear(256, 2), nn.Softplus()
        )

    def forward(self, input0, input1):
        return self.head(self.features(input0)), self.head(self.features(input1))


# %% features without gradients
# The convolutions run without gradients, so only the dense layers are trained.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Sequential(
            nn.Linear(64 * 23 * 23, 256), nn.ReLU(), nn.Linear(256, 2), nn.Softplus()
        )

    def embed(self, image):
        with torch.no_grad():
            features = self.features(image)
        return self.head(features).requires_grad_()

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% first layer frozen
# The weights of the first convolution ask for no gradient: all layers are to be trained.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5)
        self.conv2 = nn.Conv2d(64, 64, 5)
        self.fc1 = nn.Linear(64 * 23 * 23, 256)
        self.fc2 = nn.Linear(256, 2)
        for parameter in self.conv1.parameters():
            parameter.requires_grad = False

    def embed(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return F.softplus(self.fc2(x))

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% last layer through its data
# The last layer is applied by its `data`, which stands outside the graph: its weights never learn.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5)
        self.conv2 = nn.Conv2d(64, 64, 5)
        self.fc1 = nn.Linear(64 * 23 * 23, 256)
        self.fc2 = nn.Linear(256, 2)

    def embed(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return F.softplus(F.linear(x, self.fc2.weight.data, self.fc2.bias.data))

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)


# %% first image of a batch only
# Only the first image of a batch gives a gradient, the others are cut from the graph.
class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
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

    def embed(self, images):
        points = self.net(images)
        return torch.cat([points[:1], points[1:].detach()])

    def forward(self, input0, input1):
        return self.embed(input0), self.embed(input1)
