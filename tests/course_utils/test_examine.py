"""The examinations: the reference answers pass, and each exercise's typical slips do not.

Each is done twice: with the answers at hand, as in a notebook, and with what a judge holds in their
place, to which nothing but plain data can be passed.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader
from traitlets.config import Config

from course_utils import reference as right
from course_utils.reference import examine
from course_utils.reference.examine.examination import examination
from nbjudge import seeds
from nbjudge.exceptions import CheckFailed, CourseError
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel


def send_away(*answers: Any) -> tuple[list[Any], list[Any]]:
    """Return what stands for answers elsewhere, and a list that grows with every request."""
    namespace = {f"answer_{i}": answer for i, answer in enumerate(answers)}
    service, requests = Service(namespace, probes="course_utils.probes"), []

    def exchange(request: bytes, _: float) -> bytes:
        requests.append(request)
        return service.answer(request)

    values = KernelChannel(exchange, Limits()).ask("begin", names=list(namespace), seed=0)
    requests.clear()
    return [values[name] for name in namespace], requests


@pytest.fixture(params=["here", "away"])
def placed(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Put answers where they are examined from."""
    if request.param == "here":
        return lambda *answers: answers
    return lambda *answers: send_away(*answers)[0]


ANSWERS = {
    "loss": (right.loss,),
    "calculate_gradient": (right.calculate_gradient,),
    "minimum": (right.w1_min, right.w2_min, right.loss_min),
    "gradient_descent": (right.GradientDescent,),
    "momentum": (right.Momentum,),
    "rmsprop": (right.RMSProp,),
    "preterm_dataset": (right.PretermDataset,),
    "forward": (right.forward,),
    "backward": (right.backward,),
    "train": (right.train,),
    "one_hot_encode": (right.one_hot_encode,),
    "generalised_dice_loss": (right.generalised_dice_loss,),
    "contrastive_loss": (right.ContrastiveLoss,),
    "siamese_network": (right.SiameseNetwork,),
    "image_pairs": (right.ImagePairs,),
    "train_epoch": (right.train_epoch,),
    "pair_distance": (right.pair_distance,),
    "binary_loss": (right.binary_loss,),
    "safe_distance": (right.safe_distance,),
    "pairwise_margin": (right.pairwise_margin,),
    "soft_dice_loss": (right.soft_dice_loss,),
}

# Each takes some milliseconds.
REQUESTS = {
    "loss": 3,
    "gradient_descent": 15,
    "momentum": 19,
    "rmsprop": 19,
    "forward": 3,
    "train": 4,
    "one_hot_encode": 8,
    "contrastive_loss": 20,
    "image_pairs": 10,
    "pairwise_margin": 7,
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_reference_passes(name: str, placed: Callable[..., Any]) -> None:
    getattr(examine, name)(*placed(*ANSWERS[name]))


@pytest.mark.parametrize(("name", "most"), REQUESTS.items())
def test_an_examination_makes_few_requests(name: str, most: int) -> None:
    answers, requests = send_away(*ANSWERS[name])
    getattr(examine, name)(*answers)
    assert 0 < len(requests) <= most


def test_every_exercise_has_an_examination() -> None:
    assert set(examine.__all__) >= {*ANSWERS, "dataloader"}


class SharedState(right.Momentum):
    memory: tuple[Any, Any] = (0.0, 0.0)

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z1, self.z2 = SharedState.memory
        result = super().__call__(w1, w2, w1_grad, w2_grad)
        SharedState.memory = (self.z1, self.z2)
        return result


class SharedByTwo(SharedState):
    def __init__(self, learning_rate, beta):
        super().__init__(learning_rate, beta)
        SharedState.memory = (0.0, 0.0)


class InPlace(right.GradientDescent):
    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1 -= self.learning_rate * w1_grad
        w2 -= self.learning_rate * w2_grad
        return w1, w2


class ReturnsItsOwnArrays(right.GradientDescent):
    def __call__(self, w1, w2, w1_grad, w2_grad):
        stepped = super().__call__(w1, w2, w1_grad, w2_grad)
        if isinstance(w1, float):
            return stepped
        if not hasattr(self, "own"):
            self.own = stepped
        for mine, part in zip(self.own, stepped, strict=True):
            mine[:] = part
        return self.own


class ChangesItsSecondStep(right.Momentum):
    def __call__(self, w1, w2, w1_grad, w2_grad):
        w1, w2 = super().__call__(w1, w2, w1_grad, w2_grad)
        if hasattr(self, "started"):
            w1_grad *= 1.01
        self.started = True
        return w1, w2


class EpsilonOutside(right.RMSProp):
    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1**0.5 + self.epsilon)
        w2 = w2 - self.learning_rate * w2_grad / (self.v2**0.5 + self.epsilon)
        return w1, w2


class DoubleLabels(right.PretermDataset):
    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return x, y.double()


class FixedLength(right.PretermDataset):
    def __len__(self):
        return 101


class InvertedLabels(right.ContrastiveLoss):
    def forward(self, output1, output2, label):
        return super().forward(output1, output2, 1 - label)


class MeanLoss(right.ContrastiveLoss):
    def forward(self, output1, output2, label):
        return super().forward(output1, output2, label).mean()


class NoEpsilon(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = torch.linalg.vector_norm(output1 - output2, dim=1, keepdim=True)
        gap = torch.clamp(self.margin - distance, min=0)
        return 0.5 * ((1 - label) * distance**2 + label * gap**2)


class TwoNetworks(right.SiameseNetwork):
    def __init__(self):
        super().__init__()
        self.other = right.SiameseNetwork().embed

    def forward(self, input0, input1):
        return self.embed(input0), self.other(input1)


class NoFirstReLU(right.SiameseNetwork):
    def __init__(self):
        super().__init__()
        self.embed[1] = nn.Identity()


class MeanPool(right.SiameseNetwork):
    def __init__(self):
        super().__init__()
        self.embed[2] = nn.AvgPool2d(2)


class UnscaledPairs(right.ImagePairs):
    def _image(self, index):
        return super()._image(index) * 255


class SelfPairs(right.ImagePairs):
    def __getitem__(self, index):
        image0, image1, label = super().__getitem__(index)
        return (image0, image0, label) if label == 0 else (image0, image1, label)


class OnlySamePairs(right.ImagePairs):
    def __getitem__(self, index):
        while (item := super().__getitem__(index))[2] != 0:
            pass
        return item


def last_batch_loss(model, loss_function, optimiser, dataloader):
    model.train()
    for image0, image1, label in dataloader:
        optimiser.zero_grad()
        mean = loss_function(*model(image0, image1), label).mean()
        mean.backward()
        optimiser.step()
    return mean.item()


def keeps_gradients(model, loss_function, optimiser, dataloader):
    model.train()
    total, pairs = 0.0, 0
    for image0, image1, label in dataloader:
        losses = loss_function(*model(image0, image1), label)
        losses.mean().backward()
        optimiser.step()
        total, pairs = total + losses.sum().item(), pairs + len(label)
    return total / pairs


def distance_in_training_mode(model, image0, image1):
    with torch.no_grad():
        out0, out1 = model(image0, image1)
    return (out0 - out1).norm(dim=1)


def distance_with_gradient(model, image0, image1):
    model.eval()
    out0, out1 = model(image0, image1)
    return (out0 - out1).norm(dim=1)


def sum_instead_of_mean(W2, X, y, Z1, F1, F2):
    return tuple(part * len(y) for part in right.backward(W2, X, y, Z1, F1, F2))


def train_after_update(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = right.forward(W1, W2, X)
            W1, W2 = optimiser(W1, W2, *right.backward(W2, X, y, Z1, F1, F2))
            F2 = right.forward(W1, W2, X)[2]
            costs.append(functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
    return W1, W2, costs, accuracies


def dice_with_zero_weight_for_absent(truth, prediction, epsilon=1e-5):
    return right.generalised_dice_loss(truth, prediction, 0.0)


def dice_without_squares(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    w = np.where(sizes > 0, 1 / np.maximum(sizes, 1), epsilon)
    overlap, total = (truth * prediction).sum(axis=(1, 2)), (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (w * overlap).sum() / (w * total).sum()


def boolean_masks(mask, num_classes):
    return right.one_hot_encode(mask, num_classes).astype(bool)


def sigmoid_twice(logits, target):
    return functional.binary_cross_entropy_with_logits(torch.sigmoid(logits), target)


def root_of_zero(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1))


def missing_keepdim(a, b, label, margin):
    squared = ((a - b) ** 2).sum(dim=1)
    gap = torch.clamp(margin - torch.sqrt(squared + 1e-4), min=0.0)
    return 0.5 * ((1 - label) * squared + label * gap**2)


def rounded(logits, target):
    p = torch.sigmoid(logits).round()
    return 1 - 2 * (p * target).sum() / (p + target).sum()


def cut_off(value, most):
    return value.clip(-most, most) if hasattr(value, "clip") else max(-most, min(most, value))


class CutsGradients(right.GradientDescent):
    def __call__(self, w1, w2, w1_grad, w2_grad):
        return super().__call__(w1, w2, cut_off(w1_grad, 300), cut_off(w2_grad, 300))


class CutsWeights(right.GradientDescent):
    def __call__(self, *arguments):
        return tuple(cut_off(weights, 10) for weights in super().__call__(*arguments))


class CutsItsRate(right.GradientDescent):
    def __init__(self, learning_rate):
        super().__init__(min(learning_rate, 1.0))


class CutsSlopesOfMomentum(right.Momentum):
    def __call__(self, w1, w2, w1_grad, w2_grad):
        return super().__call__(w1, w2, cut_off(w1_grad, 300), cut_off(w2_grad, 300))


class CutsSlopesOfRMSProp(right.RMSProp):
    def __call__(self, w1, w2, w1_grad, w2_grad):
        return super().__call__(w1, w2, cut_off(w1_grad, 300), cut_off(w2_grad, 300))


class BeginsAnew(right.Momentum):
    def __init__(self, learning_rate, beta):
        super().__init__(learning_rate, beta)
        self.settings, self.steps = (learning_rate, beta), 0

    def __call__(self, *arguments):
        self.steps += 1
        if self.steps % 10 == 0:
            super().__init__(*self.settings)
        return super().__call__(*arguments)


def scores_cut_off(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = torch.relu(Z1)
    return Z1, F1, torch.sigmoid((W2 @ F1).clamp(-5, 5))


def hidden_values_cut_off(W1, W2, X):
    Z1 = W1 @ X.T
    F1 = functional.relu6(Z1)
    return Z1, F1, torch.sigmoid(W2 @ F1)


def errors_cut_off(W2, X, y, Z1, F1, F2):
    error = (F2 - y).clamp(-0.9, 0.9) / len(y)
    return (W2.T @ error * (Z1 > 0)) @ X, error @ F1.T


def ten_hidden_units_at_most(W2, X, y, Z1, F1, F2):
    dJ_dW1, dJ_dW2 = right.backward(W2, X, y, Z1, F1, F2)
    return dJ_dW1[:10], dJ_dW2[:, :10]


def stops_when_it_is_good_enough(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = right.forward(W1, W2, X)
            costs.append(functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            if costs[-1] < 0.2:
                return W1, W2, costs, accuracies
            W1, W2 = optimiser(W1, W2, *right.backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies


def classes_counted_in_bytes(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2), dtype=np.uint8).astype(float)
    weights = np.where(sizes == 0, epsilon, 1 / np.maximum(sizes, 1) ** 2)
    shared = (weights * (truth * prediction).sum(axis=(1, 2))).sum()
    return 1 - 2 * shared / (weights * (truth + prediction).sum(axis=(1, 2))).sum()


class PlaneOnly(right.ContrastiveLoss):
    def forward(self, output1, output2, label):
        return super().forward(output1[:, :2], output2[:, :2], label)


WRONG = [
    ("loss", (lambda w1, w2: 40 * w1**2 + 10 * w2**2 - 40 * w2,)),
    ("loss", (lambda w1, w2: 40 * math.pow(w1, 2) + 10 * math.pow(w2, 2) + 40 * w2,)),
    ("calculate_gradient", (lambda w1, w2: (20 * w2 + 40, 80 * w1),)),
    ("minimum", (0.0, 2.0, -40.0)),
    ("minimum", (0.0, -2.0, "-40")),
    ("gradient_descent", (InPlace,)),
    ("gradient_descent", (ReturnsItsOwnArrays,)),
    ("gradient_descent", (CutsGradients,)),
    ("gradient_descent", (CutsWeights,)),
    ("gradient_descent", (CutsItsRate,)),
    ("momentum", (CutsSlopesOfMomentum,)),
    ("momentum", (BeginsAnew,)),
    ("rmsprop", (CutsSlopesOfRMSProp,)),
    ("momentum", (SharedState,)),
    ("momentum", (SharedByTwo,)),
    ("momentum", (ChangesItsSecondStep,)),
    ("rmsprop", (EpsilonOutside,)),
    ("preterm_dataset", (DoubleLabels,)),
    ("preterm_dataset", (FixedLength,)),
    ("forward", (lambda W1, W2, X: right.forward(W1, W2, X)[:2],)),
    ("forward", (lambda W1, W2, X: tuple(p.T for p in right.forward(W1, W2, X)),)),
    ("forward", (scores_cut_off,)),
    ("forward", (hidden_values_cut_off,)),
    ("backward", (sum_instead_of_mean,)),
    ("backward", (errors_cut_off,)),
    ("backward", (ten_hidden_units_at_most,)),
    ("train", (train_after_update,)),
    ("train", (stops_when_it_is_good_enough,)),
    ("one_hot_encode", (boolean_masks,)),
    ("generalised_dice_loss", (dice_with_zero_weight_for_absent,)),
    ("generalised_dice_loss", (dice_without_squares,)),
    ("generalised_dice_loss", (classes_counted_in_bytes,)),
    ("contrastive_loss", (InvertedLabels,)),
    ("contrastive_loss", (PlaneOnly,)),
    ("contrastive_loss", (MeanLoss,)),
    ("contrastive_loss", (NoEpsilon,)),
    ("siamese_network", (TwoNetworks,)),
    ("siamese_network", (NoFirstReLU,)),
    ("siamese_network", (MeanPool,)),
    ("image_pairs", (UnscaledPairs,)),
    ("image_pairs", (SelfPairs,)),
    ("image_pairs", (OnlySamePairs,)),
    ("train_epoch", (last_batch_loss,)),
    ("train_epoch", (keeps_gradients,)),
    ("pair_distance", (distance_in_training_mode,)),
    ("pair_distance", (distance_with_gradient,)),
    ("binary_loss", (sigmoid_twice,)),
    ("safe_distance", (root_of_zero,)),
    ("pairwise_margin", (missing_keepdim,)),
    ("soft_dice_loss", (rounded,)),
]


@pytest.mark.parametrize(
    ("name", "answer"), WRONG, ids=[f"{n}-{getattr(a[0], '__name__', a[0])}" for n, a in WRONG]
)
def test_a_wrong_answer_fails_in_words(
    name: str, answer: tuple[Any, ...], placed: Callable[..., Any]
) -> None:
    with pytest.raises(CheckFailed, match=r"^✗ ") as failure:
        getattr(examine, name)(*placed(*answer))
    assert str(failure.value).endswith(".")


def kept_from_the_first_call() -> Callable[[Any], Any]:
    kept: list[Any] = []

    def first(given: Any) -> Any:
        kept.append(given)
        return kept[0]

    return first


def copied_at_each_call(optimiser: Any) -> Callable[..., Any]:
    return lambda *arguments: deepcopy(optimiser)(*arguments)


def of_the_same_kind(optimiser: Any) -> Any:
    return type(optimiser)(optimiser.learning_rate)


def with_its_settings(optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    return type(optimiser)(parameters, **optimiser.defaults)


def with_its_state(optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
    made = with_its_settings(optimiser)
    made.load_state_dict(optimiser.state_dict())
    return made


def loader_like(**settings: Any) -> Callable[[Any], Any]:
    def rebuilt(loader: Any) -> Any:
        return DataLoader(loader.dataset, **{"batch_size": loader.batch_size, **settings})

    return rebuilt


# What becomes of an argument before it is used, by its position.
INSTEAD: list[tuple[str, int, Callable[[], Callable[[Any], Any]]]] = [
    *(("train", 3, lambda how=how: how) for how in (copy, deepcopy, of_the_same_kind)),
    ("train", 3, lambda: copied_at_each_call),
    ("train", 3, kept_from_the_first_call),
    *(("train", 2, lambda how=how: how) for how in (list, deepcopy)),
    *(("train", 2, lambda how=how: how) for how in (loader_like(), loader_like(shuffle=True))),
    ("train", 2, lambda: loader_like(batch_size=2)),
    ("train", 2, kept_from_the_first_call),
    *(("train_epoch", at, lambda: deepcopy) for at in range(4)),
    *(("train_epoch", at, kept_from_the_first_call) for at in (0, 2, 3)),
    *(("train_epoch", 2, lambda how=how: how) for how in (with_its_settings, with_its_state)),
    *(
        ("train_epoch", 3, lambda how=how: how)
        for how in (loader_like(), loader_like(shuffle=True))
    ),
    ("train_epoch", 3, lambda: loader_like(batch_size=2)),
    *(("pair_distance", 0, lambda how=how: how) for how in (copy, deepcopy)),
    ("pair_distance", 0, kept_from_the_first_call),
]


@pytest.mark.parametrize(("name", "position", "make"), INSTEAD)
def test_whoever_is_handed_in_is_used_and_not_what_is_made_of_them(
    name: str, position: int, make: Callable[[], Callable[[Any], Any]]
) -> None:
    instead = make()

    def answer(*arguments: Any) -> Any:
        given = list(arguments)
        given[position] = instead(given[position])
        return getattr(right, name)(*given)

    with pytest.raises(CheckFailed):
        getattr(examine, name)(answer)


def cut(function: Callable[..., Any], position: int) -> Callable[..., Any]:
    """Return a function of which one argument is cut from the graph."""

    def computed(*arguments: Any) -> Any:
        given = list(arguments)
        given[position] = given[position].detach()
        return function(*given)

    return computed


class HalfCut(nn.Module):
    """What a right module computes, with one argument cut from the graph."""

    def __init__(self, of: type[nn.Module], position: int, **settings: Any) -> None:
        super().__init__()
        self.whole = of(**settings)
        self.position = position

    def forward(self, *arguments: Any) -> Any:
        return cut(self.whole, self.position)(*arguments)


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("name", ["safe_distance", "pairwise_margin"])
def test_a_function_that_trains_one_side_only_fails(name: str, position: int) -> None:
    with pytest.raises(CheckFailed):
        getattr(examine, name)(cut(getattr(right, name), position))


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize(
    ("name", "of"),
    [("contrastive_loss", right.ContrastiveLoss), ("siamese_network", right.SiameseNetwork)],
)
def test_a_module_that_trains_one_side_only_fails(
    name: str, of: type[nn.Module], position: int
) -> None:
    class Answer(HalfCut):
        def __init__(self, **settings: Any) -> None:
            super().__init__(of, position, **settings)

    with pytest.raises(CheckFailed):
        getattr(examine, name)(Answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (InPlace, "step 1 with arrays: it changes the arrays that it is given"),
        (ReturnsItsOwnArrays, "step 1 with arrays: a later step changes the weights that it retu"),
    ],
)
def test_what_an_optimiser_does_to_arrays_is_named(
    answer: Any, said: str, placed: Callable[..., Any]
) -> None:
    with pytest.raises(CheckFailed, match=f"^✗ {said}"):
        examine.gradient_descent(*placed(answer))


def test_a_memory_that_two_optimisers_share_is_named(placed: Callable[..., Any]) -> None:
    with pytest.raises(CheckFailed, match="first step of the second of two optimisers"):
        examine.momentum(*placed(SharedByTwo))


def test_an_exception_of_the_answer_becomes_a_sentence(placed: Callable[..., Any]) -> None:
    def broken(w1, w2):
        return 1 / 0

    with pytest.raises(CheckFailed, match="ZeroDivisionError: division by zero"):
        examine.loss(*placed(broken))


def test_a_missing_answer_is_said_to_be_missing(placed: Callable[..., Any]) -> None:
    def stub(w1, w2):
        raise NotImplementedError

    with pytest.raises(CheckFailed, match=r"Exercise 1\.1\.1 has no answer yet"):
        examine.loss(*placed(stub))


def test_a_dtype_that_torch_does_not_implement_is_no_missing_answer() -> None:
    def with_integers(w1, w2):
        return functional.softplus(torch.ones(2, dtype=torch.int64))

    with pytest.raises(CheckFailed, match=r'"softplus.*" not implemented for'):
        examine.loss(with_integers)


def test_an_error_of_the_course_itself_is_not_the_answers() -> None:
    error = CourseError("The kernel is gone.")

    @examination("0")
    def fails(_: np.random.Generator) -> None:
        raise error

    with pytest.raises(CourseError) as caught:
        fails()
    assert caught.value is error


def test_an_examination_asks_a_student_the_same_every_time_and_others_something_else() -> None:
    asked: list[list[Any]] = [[], [], []]
    for record, student in zip(asked, ("ada", "ada", "alan"), strict=True):

        def spy(w1, w2, record=record):
            record.append(np.sum(w1))
            return right.loss(w1, w2)

        with seeds.seed_within(student):
            examine.loss(spy)
    assert asked[0] == asked[1]
    assert not set(asked[0]) & set(asked[2])


# Right answers in other styles, which must keep their marks.


def loss_by_completing_the_square(w1, w2):
    return 40 * w1 * w1 + 10 * (w2 + 2) ** 2 - 40


def gradient_as_an_array(w1, w2):
    return np.array([80 * w1, 20 * (w2 + 2)])


class MomentumByLists:
    def __init__(self, learning_rate, beta):
        self.settings = (learning_rate, beta)
        self.z = [0, 0]

    def __call__(self, w1, w2, w1_grad, w2_grad):
        rate, beta = self.settings
        self.z = [beta * z + rate * g for z, g in zip(self.z, (w1_grad, w2_grad), strict=True)]
        return [w - z for w, z in zip((w1, w2), self.z, strict=True)]


Step = namedtuple("Step", "w1 w2")


class NamedSteps(right.GradientDescent):
    def __call__(self, *arguments):
        return Step(*super().__call__(*arguments))


class RMSPropByNumPy:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate, self.beta, self.epsilon = learning_rate, beta, epsilon
        self.v = {}

    def _step(self, name, w, g):
        self.v[name] = self.beta * self.v.get(name, 0) + (1 - self.beta) * g * g
        total = self.v[name] + self.epsilon
        root = torch.sqrt(total) if isinstance(total, torch.Tensor) else np.sqrt(total)
        return w - self.learning_rate * g / root

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return self._step("w1", w1, w1_grad), self._step("w2", w2, w2_grad)


class ParameterSamples(right.PretermDataset):
    def __getitem__(self, index):
        return [nn.Parameter(part) for part in super().__getitem__(index)]


def backward_by_autograd(W2, X, y, Z1, F1, F2):
    Z = Z1.detach().clone().requires_grad_()
    W = W2.detach().clone().requires_grad_()
    cost = functional.binary_cross_entropy(torch.sigmoid(W @ torch.relu(Z))[0], y)
    dZ, dW = torch.autograd.grad(cost, (Z, W))
    return torch.einsum("hn,nf->hf", dZ, X), dW


def train_without_helpers(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            parts = right.forward(W1, W2, X)
            p = parts[2].squeeze(0).clamp(1e-7, 1 - 1e-7)
            costs.append(-(y * p.log() + (1 - y) * (1 - p).log()).mean())
            accuracies.append(((p >= 0.5).float() == y).float().mean() * 100)
            W1, W2 = optimiser(W1, W2, *backward_by_autograd(W2, X, y, *parts))
    return [W1, W2, costs, accuracies]


Trained = namedtuple("Trained", "W1 W2 costs accuracies")


def train_by_name(*arguments):
    W1, W2, costs, accuracies = right.train(*arguments)
    return Trained(nn.Parameter(W1), W2, tuple(costs), np.array(accuracies))


def one_hot_by_eye(mask, num_classes):
    return np.eye(num_classes)[mask].transpose(2, 0, 1)


def dice_by_loop(truth, prediction, epsilon=1e-5):
    above = below = 0.0
    for y, p in zip(truth, prediction, strict=True):
        w = 1 / np.sum(y) ** 2 if np.sum(y) > 0 else epsilon
        above += w * np.sum(y * p)
        below += w * np.sum(y + p)
    return 1 - 2 * above / below


class ContrastiveByPairwiseDistance(nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = functional.pairwise_distance(output1, output2, keepdim=True)
        far = torch.relu(self.margin - torch.sqrt(distance**2 + 1e-4))
        return ((1 - label) * distance**2 + label * far**2) / 2


Embedded = namedtuple("Embedded", "out0 out1")


class NamedOutputs(right.SiameseNetwork):
    def forward(self, input0, input1):
        return Embedded(*super().forward(input0, input1))


class LazyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.LazyLinear(2)
        self.dense = nn.LazyLinear(256)
        self.second = nn.Conv2d(64, 64, 5)
        self.first = nn.Conv2d(1, 64, 5)

    def once(self, x):
        x = functional.max_pool2d(self.first(x), 2).relu()
        x = functional.max_pool2d(self.second(x).relu(), 2)
        return functional.softplus(self.last(self.dense(x.flatten(1)).relu()))

    def forward(self, input0, input1):
        return [self.once(input0), self.once(input1)]


class PairsDrawnAtTheStart(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels
        rng = np.random.default_rng()
        self.partners = []
        for i, label in enumerate(labels):
            same = np.flatnonzero((labels == label) & (np.arange(len(labels)) != i))
            other = np.flatnonzero(labels != label)
            self.partners.append(rng.choice(same if rng.random() < 0.6 else other))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        j = self.partners[i]
        pair = [torch.tensor(self.images[k][None] / 255, dtype=torch.float32) for k in (i, j)]
        return *pair, torch.tensor([float(self.labels[i] != self.labels[j])])


def distance_by_no_grad_decorator(model, image0, image1):
    with torch.inference_mode():
        out0, out1 = model.eval()(image0, image1)
        return ((out0 - out1) ** 2).sum(1).sqrt()


def loss_of_probabilities(logits, target):
    return functional.binary_cross_entropy(torch.sigmoid(logits), target)


def train_epoch_weighting_batches(model, loss_function, optimiser, dataloader):
    model.train()
    means, sizes = [], []
    for first, second, label in dataloader:
        mean = loss_function(*model(first, second), label).mean()
        model.zero_grad()
        mean.backward()
        optimiser.step()
        means.append(mean.item())
        sizes.append(first.shape[0])
    return float(np.average(means, weights=sizes))


OTHER_STYLES = [
    ("loss", loss_by_completing_the_square),
    ("calculate_gradient", gradient_as_an_array),
    ("gradient_descent", NamedSteps),
    ("momentum", MomentumByLists),
    ("rmsprop", RMSPropByNumPy),
    ("preterm_dataset", ParameterSamples),
    ("backward", backward_by_autograd),
    ("train", train_without_helpers),
    ("train", train_by_name),
    ("one_hot_encode", one_hot_by_eye),
    ("generalised_dice_loss", dice_by_loop),
    ("contrastive_loss", ContrastiveByPairwiseDistance),
    ("siamese_network", LazyNetwork),
    ("siamese_network", NamedOutputs),
    ("image_pairs", PairsDrawnAtTheStart),
    ("train_epoch", train_epoch_weighting_batches),
    ("pair_distance", distance_by_no_grad_decorator),
    ("binary_loss", loss_of_probabilities),
]


@pytest.mark.parametrize(
    ("name", "answer"), OTHER_STYLES, ids=[answer.__name__ for _, answer in OTHER_STYLES]
)
def test_a_right_answer_in_another_style_passes(
    name: str, answer: Any, placed: Callable[..., Any]
) -> None:
    getattr(examine, name)(*placed(answer))


# Loaders, which are examined in the notebook whose cell made them.


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    InteractiveShell.clear_instance()


SET_UP = """
import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset
from course_utils import data
dataset = data.preterm_dataset()
"""
SIZE = "batch_size = len(dataset)\n"
LOADER = "dataloader = DataLoader(dataset, batch_size=batch_size, shuffle=True)\n"
RIGHT_LOADERS = {
    "as taught": [SIZE + LOADER],
    "in two cells": [SIZE, LOADER],
    "corrected later": ["batch_size = dataloader = None", SIZE + LOADER],
    "a batch sampler": [
        SIZE
        + "sampler = BatchSampler(RandomSampler(dataset), batch_size, drop_last=False)\n"
        + "dataloader = DataLoader(dataset, batch_sampler=sampler)"
    ],
}
WRONG_LOADERS = {
    "order of the data set": [SIZE + LOADER.replace("shuffle=True", "shuffle=False")],
    "the same in every epoch": [
        SIZE
        + "seeds = type('Seeds', (RandomSampler,), {'__iter__': lambda self: iter(\n"
        + "    torch.randperm(len(dataset), generator=torch.manual_seed(1)).tolist())})\n"
        + "dataloader = DataLoader(dataset, batch_size=batch_size, sampler=seeds(dataset))"
    ],
    "every sample exactly once": [
        SIZE
        + "sampler = RandomSampler(dataset, replacement=True)\n"
        + "dataloader = DataLoader(dataset, batch_size=batch_size, sampler=sampler)"
    ],
    "samples and labels no longer belong together": [
        SIZE + "X, y = dataset.tensors\n" + LOADER.replace("dataset,", "TensorDataset(X, 1 - y),")
    ],
    "the number of batches": [SIZE + LOADER.replace("=batch_size", "=batch_size // 2")],
    "the batch: it has shape": [
        SIZE
        + "X, y = dataset.tensors\n"
        + LOADER.replace("dataset,", "TensorDataset(X[:, :9], y),")
    ],
    "batch_size with a data set of 37 samples": ["batch_size = 101\n" + LOADER],
    "batch_size and dataloader: they are not set in your answer cell": [
        "globals()['batch_size'] = len(dataset)\n" + LOADER
    ],
}


def examine_loader(shell: InteractiveShell, cells: list[str], placed: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    for cell in (SET_UP, *cells):
        shell.run_cell(cell, store_history=True).raise_error()
    examine.dataloader(*placed(shell.user_ns["batch_size"], shell.user_ns["dataloader"]))


@pytest.mark.parametrize("cells", RIGHT_LOADERS.values(), ids=RIGHT_LOADERS)
def test_a_right_loader_passes(
    shell: InteractiveShell, cells: list[str], placed: Callable[..., Any]
) -> None:
    examine_loader(shell, cells, placed)


@pytest.mark.parametrize(("said", "cells"), WRONG_LOADERS.items(), ids=WRONG_LOADERS)
def test_a_wrong_loader_fails_in_words(
    shell: InteractiveShell, said: str, cells: list[str], placed: Callable[..., Any]
) -> None:
    with pytest.raises(CheckFailed, match=rf"^✗ .*{said}"):
        examine_loader(shell, cells, placed)


def test_a_loader_of_no_notebook_fails(placed: Callable[..., Any]) -> None:
    from course_utils import data

    with pytest.raises(CheckFailed, match="not set in your answer cell"):
        examine.dataloader(*placed(*right.full_batches(data.preterm_dataset())))
