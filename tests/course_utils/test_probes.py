"""The probes: what they supply, what they measure, and that they leave no trace."""

import functools
import inspect
import random
import sys
from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset
from traitlets.config import Config

from course_utils import probes
from course_utils import reference as right
from course_utils.reference import examine
from nbjudge.exceptions import CheckFailed
from nbjudge.probes import is_same
from nbjudge.remote import Remote

law = settings(derandomize=True, deadline=None, database=None, max_examples=50)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_every_public_name_is_a_function_with_a_docstring():
    for name in probes.__all__:
        assert inspect.isfunction(getattr(probes, name))
        assert inspect.getdoc(getattr(probes, name))


@pytest.mark.parametrize(
    ("answer", "holds"),
    [(nn.ReLU, True), (nn.ReLU(), True), (Dataset, False), (nn.ReLU.forward, False), (None, False)],
)
def test_classes_and_instances_alike_are_asked_what_they_are(answer, holds):
    assert probes.is_a(answer, nn.Module) is holds


@pytest.mark.parametrize("answer", [nn.ReLU, nn.ReLU()])
def test_the_kinds_of_an_answer_are_named_from_the_most_special_on(answer):
    named = ["torch.nn.modules.activation.ReLU", "torch.nn.modules.module.Module"]
    assert probes.kinds(answer) == [*named, "builtins.object"]


# Answers that live elsewhere


class Elsewhere(Remote):
    """Remembers what it was asked, and gives one reply."""

    def __init__(self, reply=None):
        self.reply, self.asked = reply, []

    def _probe_(self, *asked):
        self.asked.append(asked)
        return self.reply

    def _plain_(self):
        return self

    def _kind_(self):
        return "function"


@pytest.mark.parametrize("name", sorted(set(probes.__all__) - {"is_a"}))
def test_a_probe_runs_where_its_answer_lives(name):
    answer = Elsewhere("reply")
    assert getattr(probes, name)(answer, 1, setting=2) == "reply"
    assert getattr(probes, name)(1, setting=answer) == "reply"
    assert answer.asked == [(name, (answer, 1), {"setting": 2}), (name, (1,), {"setting": answer})]


@pytest.mark.parametrize(
    ("answer", "base", "holds"),
    [
        (nn.ReLU, nn.Module, True),
        (nn.ReLU(), nn.Module, True),
        (nn.ReLU, nn.ReLU, True),
        (nn.Parameter(), torch.Tensor, True),
        (right.ImagePairs, Dataset, True),
        (Dataset, nn.Module, False),
        (None, nn.Module, False),
    ],
)
def test_an_answer_elsewhere_is_known_by_the_names_of_its_classes(answer, base, holds):
    assert probes.is_a(Elsewhere(probes.kinds(answer)), base) is holds


# Calls


def test_a_call_gets_copies_and_shows_what_became_of_them():
    def spoil(array, tensor, nested):
        array += 1
        tensor.zero_()
        nested[0].append(2)
        return "result"

    arguments = np.ones(2), torch.ones(2), ([1],)
    result, after = probes.call(spoil, *arguments)
    assert result == "result"
    np.testing.assert_array_equal(arguments[0], 1)
    assert arguments[1].tolist() == [1, 1]
    assert arguments[2] == ([1],)
    np.testing.assert_array_equal(after[0], 2)
    assert after[1].tolist() == [0, 0]
    assert after[2] == ([1, 2],)


def test_a_call_passes_names_on():
    result, after = probes.call(lambda a, *, factor: factor * a, 3, factor=2)
    assert result == 6
    assert after == (3,)


def test_a_tensor_with_a_history_is_copied_without_it():
    weight = torch.ones(2, requires_grad=True)
    (result, (after,)) = probes.call(lambda a: a.requires_grad and a.is_leaf, 2 * weight)
    assert result is True
    assert after.tolist() == [2, 2]
    results, later = probes.call_many(lambda: (2 * weight, [3 * weight]), [()])
    assert results[0][0].is_leaf
    assert results[0][1][0].tolist() == later[0][1][0].tolist() == [3, 3]


def test_many_calls_are_made_in_order_on_copies():
    seen = []

    def spoil(array, number):
        seen.append(array.tolist())
        array += number
        return array

    ones = np.ones(2)
    results, later = probes.call_many(spoil, [(ones, 1), [ones, 2]])
    assert seen == [[1, 1], [1, 1]]
    assert ones.tolist() == [1, 1]
    assert [array.tolist() for array in results] == [[2, 2], [3, 3]]
    assert [array.tolist() for array in later] == [[2, 2], [3, 3]]


@pytest.mark.parametrize(
    "buffer", [np.zeros(1), torch.zeros(1), [torch.zeros(1)], (np.zeros(1),), [[0.0]]]
)
def test_a_result_that_a_later_call_changes_shows(buffer):
    def fill(value):
        target = buffer[0] if isinstance(buffer, list | tuple) else buffer
        target[0] = value
        return buffer

    results, later = probes.call_many(fill, [(1.0,), (2.0,)])
    first, second = np.ravel(results)
    assert (first, second) == (1, 2)
    assert np.ravel(later).tolist() == [2, 2]


def test_a_result_that_cannot_be_copied_is_given_as_it_is():
    results, later = probes.call_many(lambda n: (i for i in range(n)), [(3,)])
    assert results[0] is later[0]
    assert list(results[0]) == [0, 1, 2]


@pytest.mark.parametrize("probe", [probes.call, lambda f, n: probes.call_many(f, [(n,)])])
def test_an_exception_of_the_answer_comes_through_as_itself(probe):
    with pytest.raises(ZeroDivisionError):
        probe(lambda n: 1 / n, 0)


class Counting:
    """Adds how often it was called, in an array that it returns each time."""

    def __init__(self, start):
        self.count = np.array([float(start)])

    def __call__(self, weights):
        weights *= 2
        self.count += 1
        return self.count


ONES = np.ones(2)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1.5, 1.5, True),
        (1, 1.0, False),
        (True, 1, False),
        ((1.0, [2]), (1.0, [2]), True),
        ((1.0, [2]), (1.0, [2, 3]), False),
        (ONES, np.ones(2), True),
        (ONES, np.ones(2, dtype=np.float32), False),
        (ONES, np.ones((2, 1)), False),
        (ONES, np.array([1, np.nan]), False),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.ones((2, 3)).T, np.ones((3, 2)), True),
        (np.array([[]], dtype=object), np.array([[]], dtype=object), False),
        (torch.ones(2), torch.ones(2), True),
        (torch.ones(2), torch.zeros(2), False),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), False),
        (torch.ones(2), torch.ones(2, requires_grad=True), False),
        (torch.ones(2), torch.ones(2).to_sparse(), False),
        ({1}, {1}, False),
    ],
)
def test_values_are_the_same_if_nobody_could_tell_them_apart(one, other, same):
    assert is_same(one, other) is same


def test_a_value_that_compares_by_a_method_of_its_own_is_never_known_to_be_the_same():
    class Agreeable(np.ndarray):
        def __eq__(self, other):
            return True

    value = np.ones(2).view(Agreeable)

    assert not is_same(value, value)


def test_optimisers_made_alike_step_in_turn_each_with_a_memory_of_its_own():
    weights = np.ones(1)
    run = probes.optimiser_steps(Counting, {"start": 10}, [(weights,)] * 4, (0, 0, 1, 0))
    assert [float(result[0]) for result in run["results"]] == [11, 12, 11, 13]
    assert {step: float(result[0]) for step, result in run["later"].items()} == {0: 13, 1: 13}
    assert {step: after[0].tolist() for step, after in run["after"].items()} == {
        **{0: [2], 1: [2]},
        **{2: [2], 3: [2]},
    }
    assert weights.tolist() == [1]


def test_runs_are_those_of_optimisers_of_their_own():
    weights = np.ones(1)
    jobs = [([(weights,)] * 2, (0, 0)), ([(weights,)], (0,))]
    runs = probes.optimiser_runs(Counting, {"start": 10}, jobs)
    assert [[float(result[0]) for result in run["results"]] for run in runs] == [[11, 12], [11]]


def test_runs_end_before_the_first_that_raises():
    jobs = [([(np.ones(1),)], (0,)), ([("no array", "too many")], (0,)), ([(np.ones(1),)], (0,))]
    runs = probes.optimiser_runs(Counting, {"start": 10}, jobs)
    assert [len(run["results"]) for run in runs] == [1]


# Gradients


def test_a_gradient_is_that_of_the_sum_by_every_argument_asked_for():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    value, gradients = probes.gradient(lambda a, scale, b: scale * a * b, x, 2, y, wrt=(0, 2))
    assert value.tolist() == [6, 16]
    assert not value.requires_grad
    assert [g.tolist() for g in gradients] == [[6, 8], [2, 4]]
    assert not x.requires_grad
    assert x.grad is None


@pytest.mark.parametrize(
    "function",
    [
        lambda a: (a**2).detach(),
        lambda a: torch.tensor(a.tolist()),
        lambda a: a.detach().numpy(),
        lambda a: a.argmax(),
        torch.no_grad()(lambda a: a**2),
    ],
    ids=["detach", "rebuilt", "numpy", "argmax", "no_grad"],
)
def test_where_no_gradient_arrives_there_is_none(function):
    _, gradients = probes.gradient(function, torch.ones(3))
    assert gradients == (None,)


def test_an_argument_that_is_not_used_has_no_gradient():
    _, gradients = probes.gradient(lambda a, b: a**2, torch.ones(2), torch.ones(2), wrt=(0, 1))
    assert gradients[0].tolist() == [2, 2]
    assert gradients[1] is None


@pytest.mark.parametrize("kind", [tuple, list])
def test_several_values_are_summed(kind):
    x = torch.tensor([1.0, 2.0])
    value, (slope,) = probes.gradient(lambda a: kind([a**2, 3 * a, a.detach(), 4]), x)
    assert [part.tolist() for part in value[:2]] == [[1, 4], [3, 6]]
    assert not any(part.requires_grad for part in value[:3])
    assert value[3] == 4
    assert slope.tolist() == [5, 7]


def test_where_no_gradient_arrives_at_several_values_there_is_none():
    assert probes.gradient(lambda a: (a.detach(), 1), torch.ones(1))[1] == (None,)


def test_gradients_switched_off_elsewhere_are_on_again():
    with torch.no_grad():
        _, (gradient,) = probes.gradient(lambda a: a**2, torch.ones(2))
        assert not torch.is_grad_enabled()
    assert gradient.tolist() == [2, 2]


# The network that they supply


@pytest.fixture
def supplied():
    """What a `train` finds under the names of the exercises before."""
    found = {}

    namespace = {"found": found}
    exec("def train(*_):\n    found.update(forward=forward, backward=backward)", namespace)
    run_training(namespace["train"])
    return found


@pytest.mark.parametrize("samples", [1, 4, 9])
@pytest.mark.parametrize("enabled", [True, False])
def test_the_supplied_network_is_that_of_the_reference_where_no_unit_rests(
    supplied, samples, enabled
):
    W1, W2, X = torch.rand(4, 6), torch.randn(1, 4), torch.rand(samples, 6)
    y = (torch.arange(samples) % 2).float()
    with torch.set_grad_enabled(enabled):
        parts = supplied["forward"](W1, W2, X)
        found = supplied["backward"](W2, X, y, *parts)
    torch.testing.assert_close(parts, right.forward(W1, W2, X))
    torch.testing.assert_close(found, right.backward(W2, X, y, *parts))
    assert not any(part.requires_grad for part in (*parts, *found))


def test_who_gets_hold_of_the_supplied_network_has_no_answer(supplied):
    for examination, name in ((examine.forward, "forward"), (examine.backward, "backward")):
        with pytest.raises(CheckFailed):
            examination(supplied[name])


# Training


def define(source, **names):
    """Run a cell in a namespace of its own, as a notebook does."""
    namespace = {"torch": torch, "functional": functional, "functools": functools, **names}
    exec(source, namespace)
    return namespace


TRAIN = """
def train(W1, W2, dataloader, optimiser, num_epochs):
    costs, accuracies = [], []
    for _ in range(num_epochs):
        for X, y in dataloader:
            Z1, F1, F2 = forward(W1, W2, X)
            costs.append(functional.binary_cross_entropy(F2[0], y).item())
            accuracies.append(100 * ((F2[0] > 0.5) == (y > 0.5)).float().mean().item())
            W1, W2 = optimiser(W1, W2, *backward(W2, X, y, Z1, F1, F2))
    return W1, W2, costs, accuracies

class Trainer:
    def method(self, *arguments):
        return train(*arguments)

    @staticmethod
    def static(*arguments):
        return train(*arguments)

    def __call__(self, *arguments):
        return train(*arguments)

    @torch.no_grad()
    def careful(self, *arguments):
        return train(*arguments)

class Careful(Trainer):
    @torch.no_grad()
    def __call__(self, *arguments):
        return train(*arguments)

def with_a_flag(flag, *arguments):
    return train(*arguments)
"""

FORMS = {
    "function": "train",
    "lambda": "lambda *arguments: train(*arguments)",
    "partial": "functools.partial(with_a_flag, True)",
    "partial of a partial": "functools.partial(functools.partial(with_a_flag), True)",
    "method": "Trainer().method",
    "static method": "Trainer.static",
    "callable object": "Trainer()",
    "partial of a method": "functools.partial(Trainer().method)",
    "decorated function": "torch.no_grad()(train)",
    "decorated method": "Trainer().careful",
    "decorated callable object": "Careful()",
    "cached": "functools.lru_cache(train)",
}


def run_training(train, **more):
    torch.manual_seed(0)
    W1, W2, X = torch.rand(4, 6), torch.randn(1, 4), torch.rand(11, 6)
    y = (torch.arange(11) % 2).float()
    settings = {"batch_size": 4, "learning_rate": 0.3, "num_epochs": 2}
    return probes.training(train, W1, W2, X, y, **settings | more), (W1, W2)


def wrong(*_):
    raise AssertionError("the student's own was called")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("before", [{}, {"forward": wrong, "backward": wrong}], ids=["none", "own"])
def test_a_train_of_any_form_is_supplied_and_its_names_are_put_back(form, before):
    namespace = define(TRAIN, **before)
    wanted, _ = run_training(right.train)
    run, _ = run_training(eval(form, namespace))
    torch.testing.assert_close(run["results"], wanted["results"], rtol=1e-5, atol=1e-6)
    left = {name: namespace[name] for name in ("forward", "backward") if name in namespace}
    assert left == before


@pytest.mark.parametrize("before", [{}, {"forward": wrong, "backward": wrong}], ids=["none", "own"])
def test_the_names_are_put_back_when_train_raises(before):
    namespace = define("def train(*_):\n    return forward.missing", **before)
    with pytest.raises(AttributeError, match="missing"):
        run_training(namespace["train"])
    left = {name: namespace[name] for name in ("forward", "backward") if name in namespace}
    assert left == before


def test_names_that_train_replaces_itself_are_put_back():
    namespace = define("def train(*_):\n    global forward\n    forward = None", forward=wrong)
    run_training(namespace["train"])
    assert namespace["forward"] is wrong
    assert "backward" not in namespace


def test_a_train_without_globals_runs():
    run, _ = run_training(print)
    assert run["optimiser_calls"] == [0]


def test_training_counts_what_is_asked_of_whom_and_hands_out_copies():
    def train(W1, W2, dataloader, optimiser, num_epochs):
        W1 += 1
        for _ in range(num_epochs + 1):
            sizes = [len(y) for _, y in dataloader]
        moved = [optimiser(1.0, 2.0, 1.0, -1.0) for _ in range(num_epochs)]
        return sizes, moved

    run, (W1, W2) = run_training(train, turns=(0, 1, 0))
    first, later = (pytest.approx((1 - 0.3 / n, 2 + 0.3 / n)) for n in (1, 2))
    third, fourth = (pytest.approx((1 - 0.3 / n, 2 + 0.3 / n)) for n in (3, 4))
    assert run["results"] == [
        ([4, 4, 3], [first, later]),
        ([4, 4, 3], [first, later]),
        ([4, 4, 3], [third, fourth]),
    ]
    assert run["optimiser_calls"] == [2, 2, 2]
    assert run["loader_passes"] == [3, 3, 3]
    torch.testing.assert_close(run["starts"], [(W1 + 1, W2)] * 3)


def test_each_whole_pass_has_an_order_of_its_own_and_a_look_costs_none():
    def train(W1, W2, dataloader, optimiser, num_epochs):
        next(iter(dataloader))
        return [torch.cat([X for X, _ in dataloader])[:, 0] for _ in range(3)]

    (orders,) = run_training(train)[0]["results"]
    again = run_training(train)[0]["results"][0]
    assert len({tuple(order.tolist()) for order in orders}) == 3
    assert len({tuple(sorted(order.tolist())) for order in orders}) == 1
    assert all(torch.equal(*pair) for pair in zip(orders, again, strict=True))


# Data sets


class Numbers(Dataset):
    def __init__(self):
        self.X, self.y = np.zeros((2, 3)), np.zeros(3)

    def __len__(self):
        return len(self.y)


class Files(Numbers):
    def __init__(self, path):
        raise AssertionError("made without its arguments")


@pytest.mark.parametrize("dataset_class", [Numbers, Files])
def test_a_data_set_gets_copies_of_other_data(dataset_class):
    X = np.ones((2, 5))
    dataset = probes.dataset_with(dataset_class, X=X, y=np.ones(5))
    dataset.X[:] = 7
    assert isinstance(dataset, dataset_class)
    assert len(dataset) == 5
    np.testing.assert_array_equal(X, 1)


# Running a cell again


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))

    def run(source):
        result = shell.run_cell(source, store_history=True)
        result.raise_error()
        return result.result

    run("import torch\nfrom course_utils import probes\ndataset = [(0, 1.0), (0, 2.0), (0, 3.0)]")
    yield run
    InteractiveShell.clear_instance()


CELL = "batch_size = len(dataset)\ndataloader = [float(y) for _, y in dataset]"
OTHER = "batch_size = dataloader = None"
AGAIN = "probes.loader_with(dataloader, torch.zeros(2, 1), torch.tensor([7.0, 8.0]))"


def test_a_cell_runs_again_with_other_data_and_the_notebook_stays_as_it_was(shell):
    shell(CELL)
    assert shell(AGAIN) == (2, [7, 8])
    assert shell("batch_size, dataloader, len(dataset)") == (3, [1, 2, 3], 3)


def test_the_latest_of_several_cells_runs(shell):
    shell(OTHER)
    shell(CELL)
    shell("batch_size")
    assert shell(AGAIN) == (2, [7, 8])


@pytest.mark.parametrize(
    "later",
    [
        "def compare():\n    batch_size = dataloader = 0",
        "compare = lambda: (batch_size := 0) + (dataloader := 0)",
        "rows = [batch_size for batch_size in dataset for dataloader in dataset]",
        "unique = {(batch_size, dataloader) for batch_size in 'ab' for dataloader in 'ab'}",
        "table = {batch_size: dataloader for batch_size in 'ab' for dataloader in 'ab'}",
        "text = ''.join(batch_size + dataloader for batch_size in 'ab' for dataloader in 'ab')",
        "class Settings:\n    batch_size = dataloader = 0",
        "batch_size == dataloader",
        "'''batch_size = dataloader = 0'''",
    ],
)
def test_a_cell_that_uses_the_names_elsewhere_is_not_the_one(shell, later):
    shell(CELL)
    shell(later)
    assert shell(AGAIN) == (2, [7, 8])


@pytest.mark.parametrize(
    "cell",
    [
        "if True:\n    batch_size, *_ = len(dataset), 0\n"
        "    for dataloader in [[float(y) for _, y in dataset]]:\n        pass",
        "with open(__import__('os').devnull) as dataloader:\n    batch_size: int = len(dataset)\n"
        "dataloader = [float(y) for _, y in dataset]",
        "(batch_size := len(dataset)) and (dataloader := [float(y) for _, y in dataset])",
    ],
)
def test_an_assignment_of_any_form_counts(shell, cell):
    shell(cell)
    assert shell(AGAIN) == (2, [7, 8])


@pytest.mark.parametrize("magic", ["%%time", "%%capture output", "\n%%time"])
def test_a_cell_that_is_timed_or_captured_runs_again(shell, magic, capsys):
    shell(OTHER)
    shell(f"{magic}\n{CELL}")
    assert shell(AGAIN) == (2, [7, 8])


def test_other_magics_in_a_cell_and_around_it_do_no_harm(shell, capsys):
    shell(f"%cd -q .\n{CELL}")
    shell(f"%%html\n{OTHER}")
    assert shell(AGAIN) == (2, [7, 8])


def test_names_assigned_in_different_cells_come_from_the_latest_of_each_in_their_order(shell):
    shell("batch_size = None")
    shell("batch_size = len(dataset)")
    shell("dataloader = None")
    shell("dataloader = [batch_size, *(float(y) for _, y in dataset)]")
    assert shell(AGAIN) == (2, [2, 7, 8])
    assert shell("batch_size, dataloader") == (3, [3, 1, 2, 3])


def test_a_cell_that_assigns_both_names_comes_before_later_ones_that_assign_one(shell):
    shell(CELL)
    shell("batch_size = 1")
    assert shell(AGAIN) == (2, [7, 8])


@pytest.mark.parametrize("cell", ["batch_size = 3", "dataloader = []", "size = 3"])
def test_a_name_that_no_cell_assigns_gives_none(shell, cell):
    shell(cell)
    assert shell(AGAIN.replace("(dataloader", "(None")) is None


def test_a_cell_with_an_error_in_its_syntax_is_passed_over(shell):
    shell(CELL)
    with pytest.raises(SyntaxError):
        shell("batch_size = dataloader = = 1")
    assert shell(AGAIN) == (2, [7, 8])


def test_an_exception_of_the_cell_comes_through(shell):
    shell(f"{CELL}\nlast = dataset[2]")
    with pytest.raises(IndexError):
        shell(AGAIN)


def test_outside_ipython_nothing_is_run(monkeypatch):
    samples = torch.zeros(2, 1), torch.zeros(2)
    InteractiveShell.clear_instance()
    assert probes.loader_with(None, *samples) is None
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert probes.loader_with(None, *samples) is None


# Known parameters


class Forwards(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 2), nn.Linear(12, 5)

    def forward(self, x):
        return self.second(self.first(x).flatten(1))


class Backwards(nn.Module):
    """The same with other names, in another order, and with one matrix on its side."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.empty(5))
        self.matrix = nn.Parameter(torch.empty(12, 5))
        self.kernel = nn.Conv2d(1, 3, 2)

    def forward(self, x):
        return self.kernel(x).flatten(1) @ self.matrix + self.shift


@law
@given(st.integers(0, 1000))
def test_the_same_layers_get_the_same_parameters_whatever_their_names_and_order(seed):
    one, other = Forwards(), Backwards()
    sizes = probes.fill_parameters(one, seed)
    assert sizes == probes.fill_parameters(other, seed) == [3, 5, 12, 60]
    image = torch.rand(2, 1, 3, 3)
    torch.testing.assert_close(one(image), other(image))


def test_parameters_differ_from_seed_to_seed_and_within_an_array():
    module, values = Forwards(), []
    for seed in (1, 2, 1):
        probes.fill_parameters(module, seed)
        values.append(torch.cat([p.detach().flatten() for p in module.parameters()]))
    assert torch.equal(values[0], values[2])
    assert not bool((values[0] == values[1]).any())
    assert all(len(p.unique()) == p.numel() for p in module.parameters())


def test_known_parameters_neither_fade_nor_explode_in_the_network_of_the_course():
    network = right.SiameseNetwork()
    probes.fill_parameters(network, 3)
    image0, image1 = torch.rand(2, 3, 1, 105, 105)
    with torch.no_grad():
        out0, out1 = network(image0, image1)
    assert bool(((out0 > 1e-3) & (out0 < 1e3)).all())
    assert bool(((out0 - out1).abs() > 1e-4).any())


def test_a_parameter_that_is_a_single_number_is_filled():
    module = nn.Module()
    module.scale = nn.Parameter(torch.tensor(0.0))
    assert probes.fill_parameters(module, 1) == [1]
    assert module.scale != 0


def test_shared_parameters_count_once():
    layer = nn.Linear(2, 3)
    assert probes.fill_parameters(nn.Sequential(layer, nn.ReLU(), layer), 1) == [3, 6]


# Pairs


IMAGES = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)
CLASSES = np.array([0, 0, 1, 1, 2, 2])


def test_pairs_are_drawn_from_every_item_of_every_data_set():
    drawn = probes.draw_pairs(right.ImagePairs, IMAGES, CLASSES, instances=2, passes=3)
    shapes = {name: (part.shape, str(part.dtype)) for name, part in drawn.items()}
    assert shapes == {
        "image0": ((36, 2, 3), "float32"),
        "image1": ((36, 2, 3), "float32"),
        "label": ((36,), "float32"),
    }
    in_turn = np.tile(IMAGES / np.float32(255), (6, 1, 1))
    np.testing.assert_array_equal(drawn["image0"], in_turn)


def test_a_seed_gives_the_same_pairs_from_any_generator():
    class FromEveryGenerator(right.ImagePairs):
        def __getitem__(self, index):
            noise = random.random() + np.random.rand() + torch.rand(())
            return self._image(index), self._image(index), torch.tensor([noise])

    settings = {"instances": 1, "passes": 2}
    labels = [
        probes.draw_pairs(FromEveryGenerator, IMAGES, CLASSES, seed=seed, **settings)["label"]
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(labels[0], labels[1])
    assert not (labels[0] == labels[2]).any()


def test_a_data_set_of_pairs_cannot_spoil_the_images_of_the_next():
    class Spoils(right.ImagePairs):
        def __init__(self, images, labels):
            super().__init__(images.copy(), labels.copy())
            images[:] = 0
            labels[:] = 0

    before = IMAGES.copy(), CLASSES.copy()
    drawn = probes.draw_pairs(Spoils, IMAGES, CLASSES, instances=2, passes=1)
    np.testing.assert_array_equal(IMAGES, before[0])
    np.testing.assert_array_equal(CLASSES, before[1])
    np.testing.assert_array_equal(drawn["image0"][:6], drawn["image0"][6:])


# A Siamese epoch


@pytest.fixture
def pairs():
    return torch.randn(11, 1, 3, 3), torch.randn(11, 1, 3, 3), (torch.arange(11) % 2.0)[:, None]


def test_epochs_count_what_is_asked_of_whom_and_return_what_was_returned(pairs):
    run = probes.siamese_epoch(right.train_epoch, *pairs, batch_size=4, turns=(0, 1, 0))
    assert run["steps"] == run["model_calls"] == run["loss_calls"] == 9
    assert run["loader_passes"] == 3
    assert run["training"] is True
    assert len(run["losses"]) == 3
    assert run["losses"][2] < run["losses"][0]
    assert [weights.shape for weights in run["weights"]] == [(9 * 2 + 2 + 2 + 2,)] * 2


def test_what_is_asked_of_copies_does_not_count(pairs):
    def train(*given):
        return right.train_epoch(*deepcopy(given))

    run = probes.siamese_epoch(train, *pairs, batch_size=4)
    assert run["steps"] == run["model_calls"] == run["loss_calls"] == run["loader_passes"] == 0


def test_the_order_of_an_epoch_is_known_and_not_that_of_the_pairs(pairs):
    orders = []

    def train(model, loss_function, optimiser, dataloader):
        for _ in range(2):
            orders.append(torch.cat([image0 for image0, _, _ in dataloader]).flatten().tolist())

    probes.siamese_epoch(train, *pairs, batch_size=4, turns=(0, 0))
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != pairs[0].flatten().tolist()


def test_every_run_starts_alike(pairs):
    runs = [probes.siamese_epoch(right.train_epoch, *pairs, batch_size=4) for _ in range(2)]
    assert runs[0]["losses"] == runs[1]["losses"]
    assert torch.equal(*(run["weights"][0] for run in runs))


def stale(model, loss_function, optimiser, dataloader):
    """Forget to clear what an earlier pass left."""
    model.train()
    for image0, image1, label in dataloader:
        loss_function(*model(image0, image1), label).mean().backward()
        optimiser.step()


def test_stale_gradients_show_in_the_weights_after_a_single_step(pairs):
    run, wanted = (
        probes.siamese_epoch(train, *pairs, batch_size=11) for train in (stale, right.train_epoch)
    )
    assert run["steps"] == wanted["steps"] == 1
    assert not torch.allclose(run["weights"][0], wanted["weights"][0], rtol=1e-3)


def test_the_mode_of_the_network_is_reported_and_starts_in_evaluation(pairs):
    modes = []
    run = probes.siamese_epoch(lambda model, *_: modes.append(model.training), *pairs, batch_size=4)
    assert modes == [False]
    assert run["training"] is False
    assert run["steps"] == 0


def test_an_epoch_trains_where_gradients_were_switched_off_elsewhere(pairs):
    wanted = probes.siamese_epoch(right.train_epoch, *pairs, batch_size=4)
    with torch.no_grad():
        run = probes.siamese_epoch(right.train_epoch, *pairs, batch_size=4)
    assert torch.equal(run["weights"][0], wanted["weights"][0])


def test_distances_are_asked_of_a_network_in_training_mode(pairs):
    image0, image1, _ = pairs
    mode = probes.pair_distances(lambda model, *_: model.training, image0, image1)
    assert mode == {"distances": True, "model_calls": 0}
    in_evaluation = probes.pair_distances(right.pair_distance, image0, image1)
    in_training = probes.pair_distances(
        lambda model, *images: torch.dist(*model(*images)), image0, image1
    )
    assert in_evaluation["distances"].shape == (11,)
    assert in_evaluation["model_calls"] == in_training["model_calls"] == 1
    norm = in_evaluation["distances"].norm()
    assert not torch.isclose(in_training["distances"], norm, rtol=1e-2)


# The two sides of a network


class TwoSides(nn.Module):
    def __init__(self, cut0=False, cut1=False, frozen=False):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.layer.bias.requires_grad_(not frozen)
        self.cuts = cut0, cut1

    def forward(self, *images):
        outs = (self.layer(image) for image in images)
        return tuple(out.detach() if cut else out for out, cut in zip(outs, self.cuts, strict=True))


def test_each_output_is_differentiated_by_images_and_weights():
    images, network = (torch.ones(5, 3), 2 * torch.ones(5, 3)), TwoSides()
    for side, found in enumerate(probes.branch_gradients(network, *images)):
        slope = network.layer.weight.detach().sum(dim=0).expand(5, 3)
        torch.testing.assert_close(found["images"][side], slope)
        assert not found["images"][1 - side].any()
        factor = (side + 1) * 5
        assert found["weights"] == pytest.approx([5 * 2**0.5, factor * 6**0.5])
    assert all(image.grad is None for image in images)


def test_where_no_gradient_passes_it_is_nothing():
    with torch.no_grad():
        left, right = probes.branch_gradients(
            TwoSides(cut1=True, frozen=True), torch.ones(5, 3), torch.ones(5, 3)
        )
    assert left["images"][0].all()
    assert left["weights"] == pytest.approx([0, 5 * 6**0.5])
    assert not any(image.any() for image in right["images"])
    assert right["weights"] == [0, 0]
