"""The reference answers, each against something that nobody here wrote.

The oracles are autograd, `torch.optim`, `torch.nn`, SciPy, MONAI and pytorch-metric-learning.
"""

import functools
import inspect
import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import check_grad, minimize
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from course_utils import data
from course_utils import reference as right
from course_utils.reference.optimisers import momentum_step, rmsprop_step

law = settings(derandomize=True, deadline=None, database=None, max_examples=50)
tenths = st.integers(-50, 50).map(lambda number: number / 10)


@pytest.fixture(autouse=True)
def offline_and_seeded(monkeypatch):
    if not os.environ.get("COURSE_DATA_DIR"):
        monkeypatch.setenv("COURSE_OFFLINE", "1")
    torch.manual_seed(0)


def normal(*shape, dtype=torch.float64):
    return torch.randn(shape, dtype=dtype)


def labels(*shape, dtype=torch.float64):
    """Zeros and ones in turn."""
    return (torch.arange(int(np.prod(shape))) % 2).reshape(shape).to(dtype)


def assert_close(actual, expected, rtol=1e-10):
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=rtol)


# 1.1 to 1.3: the surface and its optimisers

ONES = {
    "GradientDescent": functools.partial(right.GradientDescent, 0.003),
    "Momentum": functools.partial(right.Momentum, 0.003, 0.9),
    "RMSProp": functools.partial(right.RMSProp, 0.5, 0.9),
}
every_optimiser = pytest.mark.parametrize("make", ONES.values(), ids=ONES)


def test_the_loss_and_its_gradient_agree_with_autograd():
    w1, w2 = (normal(5, 4).requires_grad_() for _ in "12")
    right.loss(w1, w2).sum().backward()
    for found, wanted in zip(right.calculate_gradient(w1, w2), (w1.grad, w2.grad), strict=True):
        assert_close(found, wanted)


@law
@given(tenths, tenths)
def test_the_gradient_agrees_with_finite_differences(w1, w2):
    error = check_grad(
        lambda w: right.loss(*w), lambda w: np.array(right.calculate_gradient(*w)), [w1, w2]
    )
    assert error < 1e-4


def test_the_minimum_is_the_one_that_scipy_finds():
    found = minimize(lambda w: right.loss(*w), x0=[-4.0, 4.0], tol=1e-10)
    np.testing.assert_allclose(found.x, [right.w1_min, right.w2_min], atol=1e-6)
    np.testing.assert_allclose(found.fun, right.loss_min, rtol=1e-9)


def walk(step, gradients, start):
    """Take a step along each gradient; return the weights after each."""
    path = [start]
    for gradient in gradients:
        path.append(step(*path[-1], *gradient))
    return path[1:]


def torch_walk(make, gradients, start):
    """The same by an optimiser of PyTorch; also return its state after each step."""
    weights = [w.clone() for w in start]
    optimiser = make(weights)
    path, states = [], []
    for gradient in gradients:
        for weight, part in zip(weights, gradient, strict=True):
            weight.grad = part.clone()
        optimiser.step()
        path.append(tuple(w.clone() for w in weights))
        states.append([{k: v.clone() for k, v in optimiser.state[w].items()} for w in weights])
    return path, states


@pytest.fixture
def start():
    return normal(3, 4), normal(1, 3)


@pytest.fixture
def gradients():
    return [(normal(3, 4), normal(1, 3)) for _ in range(100)]


def test_gradient_descent_is_sgd(start, gradients):
    path, _ = torch_walk(functools.partial(torch.optim.SGD, lr=0.05), gradients, start)
    assert_close(walk(right.GradientDescent(0.05), gradients, start), path)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_momentum_is_sgd_with_momentum_at_a_constant_rate(beta, start, gradients):
    make = functools.partial(torch.optim.SGD, lr=0.05, momentum=beta)
    path, _ = torch_walk(make, gradients, start)
    assert_close(walk(right.Momentum(0.05, beta), gradients, start), path)


def test_adam_is_that_of_torch(start, gradients):
    path, _ = torch_walk(functools.partial(torch.optim.Adam, lr=0.05), gradients, start)
    assert_close(walk(right.Adam(0.05), gradients, start), path)


def test_momentum_scales_a_gradient_by_the_rate_of_its_own_step():
    """SGD rescales its whole memory when the rate changes; the course's formula does not."""
    w, z = momentum_step(0.0, 0.0, 1.0, learning_rate=0.1, beta=0.5)
    w, z = momentum_step(w, z, 0.0, learning_rate=100.0, beta=0.5)
    assert (w, z) == pytest.approx((-0.15, 0.05))


@pytest.mark.parametrize("beta", [0.3, 0.9, 0.99])
def test_rmsprop_is_that_of_torch_where_epsilon_vanishes(beta, start, gradients):
    make = functools.partial(torch.optim.RMSprop, lr=0.01, alpha=beta, eps=1e-30)
    path, _ = torch_walk(make, gradients, start)
    assert_close(walk(right.RMSProp(0.01, beta, 1e-30), gradients, start), path)


@pytest.mark.parametrize("epsilon", [1e-5, 0.25])
def test_rmsprop_adds_epsilon_to_the_mean_square_that_torch_keeps(epsilon, start, gradients):
    make = functools.partial(torch.optim.RMSprop, lr=0.01, alpha=0.9, eps=epsilon)
    torch_path, states = torch_walk(make, gradients, start)
    weights, by_hand = start, []
    for gradient, state in zip(gradients, states, strict=True):
        weights = tuple(
            w - 0.01 * g / torch.sqrt(kept["square_avg"] + epsilon)
            for w, g, kept in zip(weights, gradient, state, strict=True)
        )
        by_hand.append(weights)
    path = walk(right.RMSProp(0.01, 0.9, epsilon), gradients, start)
    assert_close(path, by_hand)
    assert not torch.allclose(path[-1][0], torch_path[-1][0], rtol=1e-6)  # torch adds it outside


@pytest.mark.parametrize(
    ("answer", "parameter", "value"),
    [
        (right.RMSProp, "epsilon", 1e-5),
        (rmsprop_step, "epsilon", 1e-5),
        (right.generalised_dice_loss, "epsilon", 1e-5),
        (right.ContrastiveLoss, "margin", 6.0),
    ],
)
def test_the_defaults_are_those_of_the_exercises(answer, parameter, value):
    assert inspect.signature(answer).parameters[parameter].default == value


def test_the_first_step_of_rmsprop_shows_where_epsilon_stands():
    w, v = rmsprop_step(0.0, 0.0, 1.0, learning_rate=1.0, beta=0.5, epsilon=1.75)
    assert (w, v) == pytest.approx((-1 / 1.5, 0.5))


@every_optimiser
@law
@given(hnp.arrays(np.float64, (4, 4, 3), elements=tenths))
def test_an_optimiser_treats_every_element_alone(make, steps):
    together, alone = make(), [make() for _ in range(3)]
    for arguments in steps:
        found = together(*arguments)
        single = [one(*column) for one, column in zip(alone, arguments.T.tolist(), strict=True)]
        np.testing.assert_allclose(found, np.transpose(single), rtol=1e-12)


KINDS = {
    "float": lambda values: float(values[0]),
    "float32 array": lambda values: values.astype(np.float32),
    "float64 array": lambda values: values,
    "float32 tensor": lambda values: torch.tensor(values, dtype=torch.float32),
    "float64 tensor": torch.tensor,
}


@every_optimiser
@pytest.mark.parametrize("convert", KINDS.values(), ids=KINDS)
def test_an_optimiser_keeps_kinds_and_dtypes_and_changes_no_argument(make, convert):
    arguments = [convert(np.array(values)) for values in ([1.0, 2.0], [3.0, 4.0])] * 2
    before = [part + 0 for part in arguments]
    step = make()
    for _ in range(3):
        for found in step(*arguments):
            assert type(found) is type(arguments[0])
            assert getattr(found, "dtype", None) == getattr(arguments[0], "dtype", None)
    for part, copy in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(part, copy)


@pytest.mark.parametrize(
    ("make", "updates"),
    [
        (functools.partial(right.GradientDescent, 0.001), 465),
        (functools.partial(right.GradientDescent, 0.003), 152),
        (functools.partial(right.GradientDescent, 0.02), 21),
        (functools.partial(right.GradientDescent, 0.019), 20),
        (functools.partial(right.GradientDescent, 0.025), None),
        (functools.partial(right.Momentum, 0.003, 0.6), 40),
        (functools.partial(right.Momentum, 0.003, 0.9), 194),
        (functools.partial(right.Momentum, 0.003, 0.99), 2065),
        (functools.partial(right.Momentum, 0.025, 0.5), 30),
        (functools.partial(right.Momentum, 0.021, 0.15), 11),
        (functools.partial(right.Momentum, 0.02, 0.15), 12),
        (functools.partial(right.RMSProp, 0.05, 0.9), 159),
        (functools.partial(right.RMSProp, 0.5, 0.9), 25),
        (functools.partial(right.RMSProp, 1.0, 0.9), 11),
        (functools.partial(right.RMSProp, 2.0, 0.9), None),
        (functools.partial(right.RMSProp, 0.5, 0.5), None),
        (functools.partial(right.RMSProp, 0.5, 0.99), 8),
    ],
)
def test_both_slopes_stay_below_0_01_after_the_updates_that_the_text_names(make, updates):
    step, w, small = make(), (-4.0, 4.0), []
    while len(small) < 2500 and small[-11:] != [True] * 11:
        small.append(bool(np.max(np.abs(right.calculate_gradient(*w))) <= 0.01))
        w = step(*w, *right.calculate_gradient(*w))
    assert (len(small) - 11 if all(small[-11:]) else None) == updates


def test_a_ball_that_flies_through_the_minimum_has_small_slopes_long_before_it_arrives():
    step, w, small = right.Momentum(0.025, 0.5), (-4.0, 4.0), []
    for _ in range(60):
        small.append(bool(np.max(np.abs(right.calculate_gradient(*w))) <= 0.01))
        w = step(*w, *right.calculate_gradient(*w))

    assert small.index(True) == 2
    assert 60 - small[::-1].index(False) == 30


# 1.4: the data set, the network and its training


def test_the_data_set_holds_a_bias_and_standardised_regions():
    dataset, table = right.PretermDataset(), data.load_preterm()
    assert dataset.X.shape == (301, 101)
    assert dataset.X.dtype == np.float64
    np.testing.assert_array_equal(dataset.X[0], 1)
    features = table.features
    spread = features.std(ddof=0)
    by_pandas = ((features - features.mean()) / spread.where(spread > 0, 1)).to_numpy()
    np.testing.assert_allclose(dataset.X[1:], by_pandas.T, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(dataset.X[1:].mean(axis=1), 0, atol=1e-9)
    assert set(np.round(dataset.X[1:].std(axis=1), 9)) <= {0.0, 1.0}
    np.testing.assert_array_equal(dataset.y, table.labels)


def test_a_loader_collates_the_data_set_to_rows_of_features():
    dataset = right.PretermDataset()
    assert isinstance(dataset, Dataset)
    X, y = next(iter(DataLoader(dataset, batch_size=len(dataset))))
    assert (X.shape, X.dtype) == ((101, 301), torch.float32)
    assert (y.shape, y.dtype) == ((101,), torch.float32)
    np.testing.assert_array_equal(X.numpy(), dataset.X.T.astype(np.float32))
    np.testing.assert_array_equal(y.numpy(), dataset.y)


def test_a_full_batch_holds_every_sample_in_a_new_order_each_epoch():
    size, loader = right.full_batches(TensorDataset(torch.arange(40)))
    epochs = [torch.cat([batch for (batch,) in loader]).tolist() for _ in range(2)]
    assert (size, len(loader)) == (40, 1)
    assert epochs[0] != epochs[1] != list(range(40))
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(40))


def network(W1, W2):
    """The network of part 1.4 from PyTorch's own layers."""
    layers = nn.Sequential(
        nn.Linear(W1.shape[1], W1.shape[0], bias=False),
        nn.ReLU(),
        nn.Linear(W1.shape[0], 1, bias=False),
        nn.Sigmoid(),
    ).to(W1.dtype)
    with torch.no_grad():
        layers[0].weight.copy_(W1)
        layers[2].weight.copy_(W2)
    return layers


@pytest.mark.parametrize("samples", [1, 4, 9])
def test_forward_is_two_linear_layers_with_relu_and_sigmoid(samples):
    W1, W2, X = normal(4, 6), normal(1, 4), normal(samples, 6)
    outputs, value = [], X
    for layer in network(W1, W2):
        value = layer(value)
        outputs.append(value.detach().T)
    Z1, F1, F2 = right.forward(W1, W2, X)
    assert_close((Z1, F1, F2), (outputs[0], outputs[1], outputs[3]))
    assert F2.shape == (1, samples)


@pytest.mark.parametrize("samples", [1, 4, 9])
@pytest.mark.parametrize("resting", [False, True])
def test_backward_is_autograd_of_the_mean_cross_entropy(samples, resting):
    W1, W2, X, y = normal(4, 6), normal(1, 4), normal(samples, 6), labels(samples)
    if resting:
        W1[0] = 0  # the ReLU stands at exactly 0
    layers = network(W1, W2)
    functional.binary_cross_entropy(layers(X)[:, 0], y, reduction="mean").backward()
    found = right.backward(W2, X, y, *right.forward(W1, W2, X))
    assert_close(found, (layers[0].weight.grad, layers[2].weight.grad))


def test_train_is_a_loop_with_sgd():
    W1, W2, X, y = normal(4, 6), normal(1, 4), normal(11, 6), labels(11)
    loader = DataLoader(TensorDataset(X, y), batch_size=4)
    layers = network(W1, W2)
    sgd = torch.optim.SGD(layers.parameters(), lr=0.3)
    costs, accuracies = [], []
    for _ in range(5):
        for batch, target in loader:
            p = layers(batch)[:, 0]
            cost = functional.binary_cross_entropy(p, target)
            sgd.zero_grad()
            cost.backward()
            sgd.step()
            costs.append(cost.item())
            accuracies.append(100 * np.mean((p.detach().numpy() > 0.5) == target.numpy()))
    before = W1.clone(), W2.clone()
    V1, V2, found_costs, found_accuracies = right.train(
        W1, W2, loader, right.GradientDescent(0.3), 5
    )
    assert_close((V1, V2), (layers[0].weight.detach(), layers[2].weight.detach()))
    assert found_costs == pytest.approx(costs)
    assert found_accuracies == pytest.approx(accuracies, rel=1e-6)
    assert_close((W1, W2), before)


def test_train_lowers_the_cost_on_the_brains():
    W1, W2 = 0.1 * normal(5, 301, dtype=torch.float32), normal(1, 5, dtype=torch.float32)
    _, loader = right.full_batches(right.PretermDataset())
    _, _, costs, accuracies = right.train(W1, W2, loader, right.Momentum(0.01, 0.9), 60)
    assert len(costs) == len(accuracies) == 60
    assert costs[-1] < 0.7 * costs[0]
    assert accuracies[-1] > 80


# 1.5: segmentation


@law
@given(hnp.arrays(np.int64, (5, 3), elements=st.integers(0, 3)), st.integers(4, 7))
def test_one_hot_is_that_of_torch_with_the_classes_first(mask, classes):
    found = right.one_hot_encode(mask, classes)
    wanted = functional.one_hot(torch.tensor(mask), classes).permute(2, 0, 1).numpy()
    np.testing.assert_array_equal(found, wanted, strict=True)
    np.testing.assert_array_equal(found.sum(axis=0), 1)
    np.testing.assert_array_equal(found.argmax(axis=0), mask)


def soft(scores):
    parts = np.exp(scores)
    return parts / parts.sum(axis=0)


def maps(present, classes=None):
    """Masks in which each class that is present has a pixel at least."""
    fill = st.integers(0, present - 1)
    grid = st.lists(fill, min_size=20 - present, max_size=20 - present)
    shuffled = grid.flatmap(lambda rest: st.permutations([*range(present), *rest]))
    return shuffled.map(
        lambda pixels: right.one_hot_encode(np.reshape(pixels, (4, 5)), classes or present)
    )


@law
@given(maps(3), hnp.arrays(np.float64, (3, 4, 5), elements=tenths))
def test_the_dice_loss_is_monai_s_where_every_class_is_present(truth, scores):
    from monai.losses import GeneralizedDiceLoss

    prediction = soft(scores)
    monai = GeneralizedDiceLoss(
        include_background=True, w_type="square", smooth_nr=0, smooth_dr=0, reduction="mean"
    )
    # MONAI weighs in single precision.
    wanted = monai(torch.tensor(prediction)[None], torch.tensor(truth)[None].double())
    assert right.generalised_dice_loss(truth, prediction) == pytest.approx(wanted.item(), rel=1e-6)


@law
@given(maps(3, 5), maps(4, 5), st.permutations(range(5)), st.permutations(range(20)))
def test_the_dice_loss_ignores_the_names_of_classes_and_the_places_of_pixels(
    truth, prediction, classes, pixels
):
    def rearranged(part):
        return part[classes].reshape(5, 20)[:, pixels].reshape(5, 4, 5)

    loss = right.generalised_dice_loss(truth, prediction)
    again = right.generalised_dice_loss(rearranged(truth), rearranged(prediction))
    assert again == pytest.approx(loss, abs=1e-12)


@law
@given(maps(3, 4), maps(4, 4), hnp.arrays(np.float64, (4, 4, 5), elements=tenths))
def test_the_dice_loss_lies_between_0_for_a_match_and_1(truth, prediction, scores):
    assert right.generalised_dice_loss(truth, truth) == pytest.approx(0, abs=1e-12)
    for guess in (prediction, soft(scores)):
        assert 0 <= right.generalised_dice_loss(truth, guess) <= 1


@law
@given(maps(3), st.permutations(range(20)))
def test_the_dice_loss_is_symmetric_where_the_classes_have_the_same_sizes(truth, pixels):
    other = truth.reshape(3, 20)[:, pixels].reshape(3, 4, 5)
    there = right.generalised_dice_loss(truth, other)
    assert right.generalised_dice_loss(other, truth) == pytest.approx(there, abs=1e-12)


def test_an_absent_class_counts_with_epsilon():
    truth = right.one_hot_encode(np.array([[0, 0, 1, 1]]), 3)
    prediction = right.one_hot_encode(np.array([[0, 0, 1, 2]]), 3)
    above, below = 2 / 4 + 1 / 4, 4 / 4 + 3 / 4
    for epsilon in (0.0, 1e-5, 0.5):
        found = right.generalised_dice_loss(truth, prediction, epsilon)
        assert found == pytest.approx(1 - 2 * above / (below + epsilon))


@pytest.mark.skipif(not os.environ.get("COURSE_DATA_DIR"), reason="needs the real slice")
def test_the_slice_has_the_losses_that_the_text_names():
    brain = data.load_slice()
    truth, prediction = (right.one_hot_encode(part, 7) for part in (brain.truth, brain.prediction))
    assert right.generalised_dice_loss(truth, prediction) == pytest.approx(0.817, abs=5e-4)
    assert right.generalised_dice_loss(truth, prediction, 0) == pytest.approx(0.796, abs=5e-4)


# 2.1 to 2.5: pairs


@pytest.mark.parametrize("margin", [0.5, 2.0, 6.0])
def test_the_contrastive_loss_is_that_of_pytorch_metric_learning(margin):
    """Halved and squared here; √(D² + 1e-4) is the distance with a third coordinate 0.01 apart."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import ContrastiveLoss
    from pytorch_metric_learning.reducers import DoNothingReducer

    pairs = 10
    a, b, label = 2 * normal(pairs, 2), 2 * normal(pairs, 2), labels(pairs, 1)
    b[:2] = a[:2]
    metric = ContrastiveLoss(
        pos_margin=0,
        neg_margin=margin,
        distance=LpDistance(normalize_embeddings=False, p=2, power=1),
        reducer=DoNothingReducer(),
    )
    first, second = torch.arange(pairs), torch.arange(pairs) + pairs
    similar, other = label[:, 0] == 0, label[:, 0] == 1
    nothing = torch.empty(0, dtype=torch.int64)
    near = metric(
        torch.cat([a, b]), indices_tuple=(first[similar], second[similar], nothing, nothing)
    )
    lifted = [torch.cat([part, torch.full((pairs, 1), z)], 1) for part, z in ((a, 0.0), (b, 0.01))]
    far = metric(torch.cat(lifted), indices_tuple=(nothing, nothing, first[other], second[other]))
    wanted = torch.empty(pairs, 1, dtype=torch.float64)
    wanted[similar, 0] = near["pos_loss"]["losses"] ** 2 / 2
    wanted[other, 0] = far["neg_loss"]["losses"] ** 2 / 2
    found = right.ContrastiveLoss(margin)(a, b, label)
    # pairwise_distance adds 1e-6 to each difference of coordinates.
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-4)
    assert found.shape == (pairs, 1)


def test_a_similar_pair_at_one_place_costs_nothing_and_a_distant_dissimilar_one_neither():
    a, b = torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [9.0, 0.0]])
    assert right.ContrastiveLoss()(a, b, torch.tensor([[0.0], [1.0]])).tolist() == [[0.0], [0.0]]


def test_the_contrastive_loss_has_a_finite_gradient_everywhere():
    a = normal(6, 2)
    b = torch.cat([a[:2], a[2:] + 3]).requires_grad_()
    loss = functools.partial(right.ContrastiveLoss(), a, label=labels(6, 1))
    assert torch.autograd.gradcheck(lambda point: loss(point), (b,), eps=1e-6, atol=1e-4)


@pytest.fixture(scope="module")
def siamese():
    torch.manual_seed(1)
    return right.SiameseNetwork().eval()


def test_the_siamese_network_has_the_parameters_that_its_layers_count():
    convolutions = 64 * (5 * 5 + 1) + 64 * (64 * 5 * 5 + 1)
    dense = 256 * (64 * 23 * 23 + 1) + 2 * (256 + 1)
    count = sum(p.numel() for p in right.SiameseNetwork().parameters())
    assert count == convolutions + dense == 8_772_034


def test_the_siamese_network_embeds_both_images_with_the_same_weights(siamese):
    images = torch.rand(2, 1, 105, 105)
    with torch.no_grad():
        out0, out1 = siamese(images, images)
        swapped0, swapped1 = siamese(images, images.flip(0))
    assert out0.shape == out1.shape == (2, 2)
    assert torch.equal(out0, out1)
    assert_close((swapped0, swapped1), (out0, out0.flip(0)), rtol=1e-5)
    assert bool((out0 > 0).all())  # softplus


def test_the_siamese_network_computes_what_its_layers_say(siamese):
    image = torch.rand(1, 1, 105, 105)
    weights = list(siamese.parameters())
    with torch.no_grad():
        x = functional.max_pool2d(functional.conv2d(image, *weights[:2]).relu(), 2)
        x = functional.max_pool2d(functional.conv2d(x, *weights[2:4]).relu(), 2)
        x = functional.linear(x.flatten(1), *weights[4:6]).relu()
        x = functional.linear(x, *weights[6:]).exp().log1p()
        assert_close(siamese(image, image)[0], x, rtol=1e-5)


@st.composite
def drawings(draw):
    """Images of which no two are alike, and labels of two classes or more, two images each."""
    classes = draw(st.lists(st.integers(2, 4), min_size=2, max_size=4))
    order = draw(st.permutations(np.repeat(np.arange(len(classes)), classes).tolist()))
    noise = np.random.default_rng(draw(st.integers(0, 99)))
    images = noise.integers(0, 256, size=(len(order), 3, 4), dtype=np.uint8)
    images[:, 0, 0] = np.arange(len(order))
    return images, np.array(order)


@law
@given(drawings(), st.integers(0, 99))
def test_a_pair_is_an_image_and_another_with_the_label_that_their_classes_say(drawn, seed):
    images, classes = drawn
    torch.manual_seed(seed)
    pairs = right.ImagePairs(images, classes)
    assert len(pairs) == len(images)
    for index in range(len(pairs)):
        image0, image1, label = pairs[index]
        for image in (image0, image1):
            assert (image.shape, image.dtype) == ((1, 3, 4), torch.float32)
            assert 0 <= image.min() <= image.max() <= 1
        partner = round(255 * image1[0, 0, 0].item())
        np.testing.assert_array_equal((255 * image0[0]).round(), images[index])
        np.testing.assert_array_equal((255 * image1[0]).round(), images[partner])
        assert partner != index
        assert (label.shape, label.dtype) == ((1,), torch.float32)
        assert label.item() == float(classes[partner] != classes[index])


def test_pairs_reach_every_image_and_half_of_them_are_similar():
    classes = np.repeat(np.arange(5), 4)
    images = np.arange(20, dtype=np.uint8).reshape(20, 1, 1)
    pairs = right.ImagePairs(images, classes)
    drawn = [pairs[i] for _ in range(100) for i in range(20)]
    partners = {round(255 * image1.item()) for _, image1, _ in drawn}
    assert partners == set(range(20))
    assert np.mean([label.item() for *_, label in drawn]) == pytest.approx(0.5, abs=0.05)


class Embedding(nn.Module):
    """A small Siamese network that behaves differently in training and in evaluation."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Flatten(), nn.Linear(9, 3), nn.BatchNorm1d(3)).double()

    def forward(self, image0, image1):
        return self.embed(image0), self.embed(image1)


def twins():
    torch.manual_seed(2)
    return Embedding()


def test_an_epoch_is_a_loop_over_the_batches_with_adam():
    image0, image1, label = normal(11, 1, 3, 3), normal(11, 1, 3, 3), labels(11, 1)
    loader = DataLoader(TensorDataset(image0, image1, label), batch_size=4)
    ours, theirs, loss = twins(), twins().train(), right.ContrastiveLoss(2.0)
    ours.eval()
    optimiser = torch.optim.Adam(ours.parameters(), lr=0.01)
    returned = [right.train_epoch(ours, loss, optimiser, loader) for _ in range(3)]
    adam, means = torch.optim.Adam(theirs.parameters(), lr=0.01), []
    for _ in range(3):
        losses = []
        for first, second, target in loader:
            theirs.zero_grad()
            each = loss(*theirs(first, second), target)
            (each.sum() / len(target)).backward()
            adam.step()
            losses += each.flatten().tolist()
        means.append(np.mean(losses))
    assert returned == pytest.approx(means)
    assert all(isinstance(value, float) for value in returned)
    assert_close(list(ours.parameters()), list(theirs.parameters()))
    assert ours.training


@pytest.mark.parametrize("training", [True, False])
def test_the_distance_of_pairs_is_the_diagonal_of_cdist_in_evaluation_mode(training):
    model, image0, image1 = twins().train(training), normal(5, 1, 3, 3), normal(5, 1, 3, 3)
    image1[0] = image0[0]
    found = right.pair_distance(model, image0, image1)
    assert model.training is training
    assert not found.requires_grad
    with torch.no_grad():
        out0, out1 = model.eval()(image0, image1)
    assert found.shape == (5,)
    assert found[0] == 0
    assert_close(found, torch.cdist(out0, out1).diagonal())
    np.testing.assert_allclose(found, np.linalg.norm(out0 - out1, axis=1))


# 2.6: the repaired snippets


@law
@given(hnp.arrays(np.float64, (6,), elements=tenths))
def test_the_binary_loss_is_the_cross_entropy_by_numpy(scores):
    target = np.array([0.0, 1.0] * 3)
    p = 1 / (1 + np.exp(-scores))
    wanted = -np.mean(target * np.log(p) + (1 - target) * np.log(1 - p))
    found = right.binary_loss(torch.tensor(scores), torch.tensor(target))
    assert found.item() == pytest.approx(wanted)


def test_the_binary_loss_is_finite_where_a_sigmoid_is_not_told_from_1():
    logits = torch.tensor([200.0, -200.0], requires_grad=True)
    loss = right.binary_loss(logits, torch.tensor([0.0, 1.0]))
    loss.backward()
    assert loss.item() == pytest.approx(200)
    assert logits.grad.tolist() == pytest.approx([0.5, -0.5])


def test_the_safe_distance_is_the_root_by_numpy_with_a_finite_gradient():
    a, b = normal(6, 3), normal(6, 3)
    b[:2] = a[:2]
    wanted = np.sqrt(((a - b).numpy() ** 2).sum(axis=1) + 1e-4)
    np.testing.assert_allclose(right.safe_distance(a, b), wanted)
    a.requires_grad_()
    right.safe_distance(a, b).sum().backward()
    assert bool(a.grad.isfinite().all())
    assert bool((a.grad[:2] == 0).all())


@pytest.mark.parametrize("margin", [0.5, 6.0])
def test_the_pairwise_margin_is_the_contrastive_loss(margin):
    a, b, label = 2 * normal(12, 2), 2 * normal(12, 2), labels(12, 1)
    gap = np.clip(margin - np.sqrt(((a - b).numpy() ** 2).sum(axis=1) + 1e-4), 0, None)
    wanted = np.where(label[:, 0] == 1, gap**2, ((a - b).numpy() ** 2).sum(axis=1))[:, None] / 2
    found = right.pairwise_margin(a, b, label, margin)
    np.testing.assert_allclose(found, wanted)
    assert_close(found, right.ContrastiveLoss(margin)(a, b, label))


def test_the_soft_dice_loss_is_monai_s_in_value_and_gradient():
    from monai.losses import DiceLoss

    target, scores = labels(4, 5), normal(4, 5)
    ours, theirs = (scores.clone().requires_grad_() for _ in "12")
    monai = DiceLoss(sigmoid=True, smooth_nr=0, smooth_dr=0)
    found = right.soft_dice_loss(ours, target)
    wanted = monai(theirs[None, None], target[None, None])
    found.backward()
    wanted.backward()
    assert_close(found, wanted)
    assert_close(ours.grad, theirs.grad)
    assert bool((ours.grad != 0).all())
