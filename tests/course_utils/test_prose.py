"""The numbers that the notebooks tell in words are those that their code gives."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader

from course_utils import data, landscapes
from course_utils import reference as right

SOURCE = Path(__file__).parents[2] / "source"
OPTIMISERS = "optimisers/optimisers"
DICE = "loss_functions/generalised_dice"
PAIRS = "loss_functions/contrastive_loss"
needs_real_data = pytest.mark.skipif(
    not os.environ.get("COURSE_DATA_DIR"),
    reason="the real data sets: set COURSE_DATA_DIR to the folder that holds them",
)


def notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(SOURCE / f"{name}.ipynb", as_version=4)


def words(name: str) -> str:
    """Return all that a notebook says in words, each run of white space as one space."""
    texts = [cell.source for cell in notebook(name).cells if cell.cell_type == "markdown"]
    return " ".join(" ".join(texts).split())


def run_cells(name: str, *ids: str, **given: Any) -> dict[str, Any]:
    """Run some of a notebook's cells, beside right answers to its exercises."""
    found = {cell.id: cell.source for cell in notebook(name).cells}
    answers = {symbol: getattr(right, symbol) for symbol in right.__all__ if hasattr(right, symbol)}
    tools = {"np": np, "torch": torch, "F": functional, "data": data, "landscapes": landscapes}
    namespace = {**tools, **answers, "DataLoader": DataLoader, "QUICK": False, **given}
    for cell in ids:
        exec(compile(found[cell], cell, "exec"), namespace)
    return namespace


# Optimisers.


def test_the_settings_with_goals_arrive_as_the_text_says() -> None:
    needed = run_cells(OPTIMISERS, "walk")["updates_needed"]
    rates = [needed(right.GradientDescent(rate / 1000)) for rate in range(1, 28)]
    memories = [needed(right.Momentum(0.003, beta / 20)) for beta in range(20)]
    both = needed(right.Momentum(0.021, 0.15))

    assert f"({min(n for n in rates if n)} can be reached)" in words(OPTIMISERS)
    assert f"get down to {min(n for n in memories if n)} updates" in words(OPTIMISERS)
    assert both < 15


def test_the_best_rate_of_descent_is_the_one_that_the_model_answer_compares_with() -> None:
    needed = run_cells(OPTIMISERS, "walk")["updates_needed"]
    best = min(n for rate in range(1, 28) if (n := needed(right.GradientDescent(rate / 1000))))

    assert f"against {best} for the best descent" in words(OPTIMISERS)


def test_rmsprop_can_arrive_in_ten_updates_and_never_settles_beyond() -> None:
    needed = run_cells(OPTIMISERS, "walk")["updates_needed"]

    assert "**Goal.** At most 10 updates." in words(OPTIMISERS)
    assert needed(right.RMSProp(1.25, 0.9)) <= 10
    assert needed(right.RMSProp(2.0, 0.9)) is needed(right.RMSProp(0.5, 0.5)) is None


def test_descent_comes_to_need_four_times_as_many_updates_as_momentum_on_the_slider() -> None:
    quiet = {"plots": NoPlots(), "explore": lambda *_, **__: None}
    settings = run_cells(OPTIMISERS, "explore_ratio", **quiet)["best_settings"]

    def times(ratio: int) -> float:
        bowl, both = landscapes.bowl(ratio), settings(ratio)
        descent, momentum = (
            landscapes.arrival(bowl, landscapes.walk(bowl, both[name], 250))
            for name in ("gradient descent", "momentum")
        )
        assert descent and momentum
        return descent / momentum

    assert "needs four times as many updates as momentum" in words(OPTIMISERS)
    assert times(40) < 4 < times(80)


def test_all_three_can_arrive_in_the_bent_valley() -> None:
    valley = landscapes.valley()
    three = (right.GradientDescent(0.02), right.Momentum(0.02, 0.9), right.RMSProp(0.02, 0.9))

    arrived = [landscapes.arrival(valley, landscapes.walk(valley, one, 400)) for one in three]

    assert all(arrived)
    assert r"find an $\eta$ and a $\beta$ with which all three arrive" in words(OPTIMISERS)


def test_the_table_of_memory_and_the_model_answer_agree() -> None:
    needed = run_cells(OPTIMISERS, "walk")["updates_needed"]
    told = words(OPTIMISERS)

    for beta, digits in ((0.9, "194"), (0.99, "2,065"), (0.6, "40")):
        assert f"{needed(right.Momentum(0.003, beta)):,}" == digits
        assert digits in told
    assert "(0.9: 194, 0.99: 2,065;" in told


def test_the_first_gradients_and_the_first_step_of_rmsprop_are_as_told() -> None:
    steep, flat = map(abs, right.calculate_gradient(-4.0, 4.0))
    walk = run_cells(OPTIMISERS, "walk")["walk"](right.RMSProp(0.5, 0.9), 25)
    gradients = np.abs(right.calculate_gradient(*walk.T))
    first_step = np.abs(walk[1] - walk[0])

    assert f"is {steep / flat:.1f} times the one along" in words(OPTIMISERS)
    assert f"({steep:.0f} against {flat:.0f})" in words(OPTIMISERS)
    assert int(np.flatnonzero(gradients[0] < gradients[1])[0]) == 5
    assert "after five updates it is the *smaller* one" in words(OPTIMISERS)
    np.testing.assert_allclose(first_step, 0.5 / np.sqrt(0.1), rtol=1e-3)
    assert r"$0.5/\sqrt{0.1} \approx 1.6$" in words(OPTIMISERS)


def test_rmsprop_leaves_again_after_some_forty_updates() -> None:
    walk = run_cells(OPTIMISERS, "walk")["walk"](right.RMSProp(1.0, 0.9), 60)
    steep = np.abs(right.calculate_gradient(*walk.T)).max(axis=0) > 0.01

    assert 38 <= 20 + int(np.flatnonzero(steep[20:])[0]) <= 42
    assert "after some forty updates" in words(OPTIMISERS)
    assert f"{1 / np.sqrt(1e-5):.0f}$ times the gradient" in words(OPTIMISERS)


def test_a_sigmoid_is_exactly_one_from_the_score_that_is_told() -> None:
    scores = torch.arange(10, 30.0)
    [first, *_] = scores[torch.sigmoid(scores) == 1].tolist()

    assert f"from a score of about {first:.0f} on" in words(OPTIMISERS)


@needs_real_data
def test_the_first_cost_is_eleven_and_below_one_from_smaller_weights() -> None:
    dataset = data.preterm_dataset()
    cells = ("first_training", "xavier")
    given = {"dataset": dataset, "dataloader": [dataset.tensors], "plots": NoPlots()}
    found = run_cells(OPTIMISERS, *cells, **given)
    everybody, labels = dataset.tensors

    def first_cost(draw: Any) -> float:
        predicted = right.forward(*draw(0), everybody)[2][0]
        return functional.binary_cross_entropy(predicted, labels).item()

    assert f"It is {first_cost(found['new_weights']):.0f}." in words(OPTIMISERS)
    assert first_cost(found["smaller_weights"]) < 1


class NoPlots:
    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


@pytest.mark.thorough
@needs_real_data
@pytest.mark.slow
def test_labels_that_mean_nothing_are_learned_and_unseen_babies_are_as_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = data.preterm_dataset()
    given = {"dataset": dataset, "dataloader": [dataset.tensors], "plots": NoPlots()}
    cells = ("first_training", "xavier", "by_heart", "held_out")
    found = run_cells(OPTIMISERS, *cells, **given)
    told = capsys.readouterr().out
    right_of_unseen = dict(re.findall(r"^(.+?) +(\d+) % of unseen", told, re.MULTILINE))

    assert "training accuracy 100 % after 100 epochs" in told
    assert "about 83 per cent of the unseen babies right, and logistic regression 92" in words(
        OPTIMISERS
    )
    assert abs(int(right_of_unseen["network, random weights as they are"]) - 83) <= 1
    assert abs(int(right_of_unseen["logistic regression"]) - 92) <= 1
    assert int(right_of_unseen["network, smaller random weights"]) >= 90
    assert 45 <= int(right_of_unseen["network, shuffled labels"]) <= 55

    def five_units(X: Any, y: Any, others: Any, seed: int) -> Any:
        start = found["new_weights"](seed, hidden=5)
        W1, W2, _, _ = right.train(*start, [(X, y)], right.Momentum(0.01, 0.9), 150)
        return right.forward(W1, W2, others)[2][0]

    accuracy, labels = found["held_out_accuracy"], found["labels"]
    accuracies = [accuracy(five_units, labels, seed) for seed in range(10)]
    assert len(set(accuracies)) > 3  # each run is another one
    assert (
        "(The five hidden units from above do a little worse still, about 80 per cent.)"
        in words(OPTIMISERS)
    )
    assert abs(np.mean(accuracies) - 80) <= 1


# The generalised dice loss.


@pytest.fixture
def dice() -> dict[str, Any]:
    _, truth, prediction = data.load_slice()
    masks = [right.one_hot_encode(labels, 7) for labels in (truth, prediction)]
    given = {"truth": truth, "truth_masks": masks[0], "prediction_masks": masks[1]}
    nothing = {"plots": NoPlots(), "explore": lambda *_, **__: None}
    return run_cells(DICE, "weights", "explore_loss", **given, **nothing)


@needs_real_data
def test_what_a_shift_costs_is_as_told(dice: dict[str, Any]) -> None:
    def shares_of(tissue: str, epsilon: float = 1e-5) -> Any:
        spoiled = dice["spoil"](dice["truth"], data.TISSUES.index(tissue), 0, 1)
        weights = np.where(dice["present"], dice["inverse_squares"], epsilon)
        return dice["shares"](dice["truth_masks"], right.one_hot_encode(spoiled, 7), weights)

    costs = {
        tissue: shares_of(tissue).sum()
        for tissue, here in zip(data.TISSUES[1:], dice["present"][1:], strict=True)
        if here
    }

    assert max(costs, key=costs.__getitem__) == "Deep grey matter"
    assert min(costs, key=costs.__getitem__) == "Cortical grey matter"
    assert f"costs most, {costs['Deep grey matter']:.2f}" in words(DICE)
    assert f"matter least, {costs['Cortical grey matter']:.2f}" in words(DICE)
    white, deep = costs["White matter"], shares_of("White matter")[2]
    assert f"Of the {white:.2f} that white matter costs, {deep:.2f} is the share" in words(DICE)
    assert shares_of("White matter", 0.0).sum() == pytest.approx(white)


@needs_real_data
def test_sizes_weights_and_the_loss_are_as_told(dice: dict[str, Any]) -> None:
    sizes, weights = dice["sizes"], dice["inverse_squares"]
    loss = right.generalised_dice_loss(dice["truth_masks"], dice["prediction_masks"])
    agreed = (dice["truth_masks"][2] * dice["prediction_masks"][2]).sum()
    predicted = dice["prediction_masks"].sum(axis=(1, 2))

    assert f"White matter has {sizes[6]:,.0f} pixels, deep grey matter {sizes[2]:.0f}" in words(
        DICE
    )
    assert f"the loss of {loss:.2f}?" in words(DICE)
    assert f"some {weights[2] / weights[6]:.2g} times".replace("3.5e+02", "350") in words(DICE)
    assert predicted[5] == 851
    assert predicted[2] == 799 > agreed


def test_the_rounded_mean_of_two_labels_is_a_third_one() -> None:
    assert round((3 + 6) / 2) == np.round((3 + 6) / 2) == 4
    assert "go to the even neighbour, 4: brainstem" in words(DICE)


# Contrastive loss.


@pytest.fixture(scope="module")
def unseen() -> dict[str, Any]:
    inuktitut = data.load_omniglot("Inuktitut")
    found = run_cells(PAIRS, "test_pairs", inuktitut=inuktitut)
    code = next(cell.source for cell in notebook(PAIRS).cells if cell.id == "baselines")
    exec(code.split("\nprint(")[0], found)
    return found


@needs_real_data
@pytest.mark.slow
def test_what_comes_without_learning_is_as_told(unseen: dict[str, Any]) -> None:
    images, told = unseen["unseen"], words(PAIRS)
    blurred, centred = unseen["blurred"], unseen["centred"]

    def area(points: Any, number: int = 4000) -> float:
        first, second, different = unseen["draw_test"](unseen["inuktitut"].labels, number)
        apart = torch.cdist(points.flatten(1), points.flatten(1)).numpy()
        return float(unseen["roc"](apart[first, second], different)[2])

    raw_of_few, raw = area(images, 400), area(images)
    assert f"gives {raw_of_few:.2f} for raw pixels where 4,000 give {raw:.2f}" in told
    blur, best = area(blurred(images)), area(blurred(centred(images)))
    assert f"Remember the numbers {blur:.2f} and {best:.2f}." in told
    assert f"centred and blurred drawings {best:.2f}" in told


@needs_real_data
@pytest.mark.slow
def test_an_interval_holds_its_area_and_narrows_with_more_pairs(unseen: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    widths = []
    for number in (400, 4000):
        unseen["different"] = np.arange(number) % 2 == 1
        distances = rng.normal(size=number) + unseen["different"]
        area, low, high = unseen["area_and_interval"](distances)
        assert low < area < high
        widths.append(high - low)

    assert widths[1] < widths[0] / 2


def test_the_slope_of_a_dissimilar_pair_is_nothing_at_zero_and_at_the_margin() -> None:
    points = torch.tensor([[0.0], [0.05], [6.0], [7.0]], requires_grad=True)
    losses = right.ContrastiveLoss(6.0)(torch.zeros(4, 1), points, torch.ones(4, 1))
    (slopes,) = torch.autograd.grad(losses.sum(), points)

    assert slopes[[0, 2, 3]].abs().max() < 1e-4
    assert slopes[1] < -5.5


def test_only_rounding_ends_a_gradient_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    run_cells(PAIRS, "experiment_2_6d", "four_steps")
    _, *lines = capsys.readouterr().out.splitlines()

    silent = [line.split()[0] for line in lines if "says nothing" in line]
    loud = [line.split()[0] for line in lines if "RuntimeError" in line]
    assert silent == ["round"]
    assert loud == ["p", "argmax", "detach"]
