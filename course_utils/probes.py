"""Measure what needs the answer's own objects: a gradient, a training run, the pairs that it draws.

A check that needs the student's objects (their autograd graph, their class, their loop over a data
loader) calls a probe with such an object and plain data, and gets plain data back. Whatever else is
needed, such as a network for `train` to train, the probe makes itself, so that a mistake in one
exercise has no effect on the next. A probe runs in the process where the answer lives.
"""

from __future__ import annotations

import ast
import functools
import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Sampler, TensorDataset

from nbjudge.probes import call, call_many, copy_of, is_a, is_same, kinds
from nbjudge.remote import in_place

__all__ = [
    "branch_gradients",
    "call",
    "call_many",
    "dataset_with",
    "draw_pairs",
    "fill_parameters",
    "gradient",
    "is_a",
    "kinds",
    "loader_with",
    "optimiser_runs",
    "optimiser_steps",
    "pair_distances",
    "siamese_epoch",
    "training",
]

_OWN_SCOPE = (
    ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.ClassDef
    | ast.Lambda
    | ast.ListComp
    | ast.SetComp
    | ast.DictComp
    | ast.GeneratorExp
)


@in_place
def optimiser_steps(
    optimiser: Callable[..., Any],
    settings: dict[str, float],
    argument_lists: Sequence[Sequence[Any]],
    turns: Sequence[int],
) -> dict[str, Any]:
    """Make optimisers with the same settings, and let them take steps in turn.

    Parameters
    ----------
    optimiser : callable
        Makes an optimiser from `settings`, like the classes of exercises 1.1.4 to 1.3.1.
    settings : dict
    argument_lists : sequence
        The weights and gradients of each step, which are copied.
    turns : sequence of int
        The index of the optimiser that takes each step: ``(0, 1, 0)`` makes two.

    Returns
    -------
    dict
        `results`, a list of what each step returned. `after`, the arguments after each step that
        changed them, and `later`, what became of each result that a later step changed: two dicts,
        whose keys are the indices of the steps.
    """
    made = [optimiser(**settings) for _ in range(max(turns) + 1)]
    steps = iter(turns)

    def step(*arguments: Any) -> tuple[Any, Any]:
        return made[next(steps)](*arguments), arguments

    then, later = call_many(step, argument_lists)
    results = [result for result, _ in then]
    given = map(tuple, argument_lists)
    return {
        "results": results,
        "after": {
            number: arguments
            for number, ((_, arguments), before) in enumerate(zip(then, given, strict=True))
            if not is_same(arguments, before)
        },
        "later": {
            number: now
            for number, (now, _) in enumerate(later)
            if not is_same(now, results[number])
        },
    }


@in_place
def optimiser_runs(
    optimiser: Callable[..., Any],
    settings: dict[str, float],
    jobs: Sequence[tuple[Sequence[Sequence[Any]], Sequence[int]]],
) -> list[dict[str, Any]]:
    """Call `optimiser_steps` for several jobs, each with new optimisers.

    Parameters
    ----------
    optimiser, settings
        As for `optimiser_steps`.
    jobs : sequence of tuple
        The `argument_lists` and `turns` of each job.

    Returns
    -------
    list of dict
        The result of each job, up to the first one that raises an exception.
    """
    runs = []
    with suppress(Exception):
        for job in jobs:
            runs.append(optimiser_steps(optimiser, settings, *job))
    return runs


@in_place
def gradient(
    function: Callable[..., Any], *arguments: Any, wrt: Sequence[int] = (0,)
) -> tuple[Any, tuple[Tensor | None, ...]]:
    """Differentiate the sum of a function's values.

    Parameters
    ----------
    function : callable
        It takes `arguments`, and returns one or several tensors.
    *arguments : Tensor or plain values
    wrt : sequence of int
        Positions of the (floating-point) tensors to differentiate with respect to.

    Returns
    -------
    value : Tensor, or tuple of these
        The function's value, detached.
    gradients : tuple of (Tensor or None)
        With the shapes of those arguments; None for one that no gradient reaches.
    """
    with torch.enable_grad():
        values = [a.clone() if isinstance(a, Tensor) else a for a in arguments]
        leaves = [values[i].requires_grad_() for i in wrt]
        value = function(*values)
        parts = value if isinstance(value, tuple | list) else (value,)
        sums = [p.sum() for p in parts if isinstance(p, Tensor) and p.requires_grad]
        gradients = (
            torch.autograd.grad(sums, leaves, allow_unused=True) if sums else (None,) * len(leaves)
        )
    detached = tuple(p.detach() if isinstance(p, Tensor) else p for p in parts)
    return detached if parts is value else detached[0], tuple(gradients)


@in_place
def branch_gradients(network: nn.Module, image0: Tensor, image1: Tensor) -> list[dict[str, Any]]:
    """Differentiate the sum of each of a Siamese network's two outputs.

    Parameters
    ----------
    network : Module
        ``(image0, image1) -> (out0, out1)``, as in exercise 2.2.
    image0, image1 : Tensor (N, 1, H, W), float32

    Returns
    -------
    list of dict
        One for each output: `images`, its gradients with respect to the two inputs, and `weights`,
        the norms of its gradients with respect to the parameters, sorted by the parameter's size
        and then by norm. A gradient that does not arrive is 0.
    """
    with torch.enable_grad():
        images = [image.clone().requires_grad_() for image in (image0, image1)]
        leaves = [*images, *(p for p in network.parameters() if p.requires_grad)]
        frozen = [(p.numel(), 0.0) for p in network.parameters() if not p.requires_grad]
        found = []
        for out in network(*images):
            arriving: Sequence[Tensor | None] = [None] * len(leaves)
            if out.requires_grad:
                arriving = torch.autograd.grad(
                    out.sum(), leaves, retain_graph=True, allow_unused=True
                )
            norms = [
                (leaf.numel(), 0.0 if slope is None else float(slope.norm()))
                for leaf, slope in zip(leaves[2:], arriving[2:], strict=True)
            ]
            slopes = zip(images, arriving, strict=False)
            found.append(
                {
                    "images": [torch.zeros_like(i) if s is None else s for i, s in slopes],
                    "weights": [norm for _, norm in sorted(norms + frozen)],
                }
            )
    return found


@in_place
def training(
    train: Callable[..., Any],
    W1: Tensor,
    W2: Tensor,
    X: Tensor,
    y: Tensor,
    *,
    batch_size: int,
    learning_rate: float,
    num_epochs: int,
    turns: Sequence[int] = (0,),
) -> dict[str, Any]:
    """Run a `train` of exercise 1.4.3c, with `forward` and `backward` supplied.

    Parameters
    ----------
    train : callable
    W1, W2, X, y : Tensor
        The initial weights and the data, float32, with the shapes of exercise 1.4.3. No hidden unit
        may be negative: the supplied network has no ReLU, which makes no difference then.
    batch_size, num_epochs : int
        The data come in a new order in each epoch; the last batch may be smaller.
    learning_rate : float
        The learning rate of the first step; for an optimiser's n-th step it is divided by n.
    turns : sequence of int
        The index of the optimiser for each training run: ``(0, 1, 0)`` makes two. Every run starts
        from the same weights.

    Returns
    -------
    dict
        With one entry per training run: `results` (what `train` returned), `starts` (the tensors W1
        and W2 after it), `optimiser_calls` and `loader_passes` (how often its optimiser and its
        loader were used).
    """
    optimisers = [_SlowingDescent(learning_rate) for _ in range(max(turns) + 1)]
    run: dict[str, Any] = {
        name: [] for name in ("results", "starts", "optimiser_calls", "loader_passes")
    }
    forward, backward = _network_without_relu()
    with _supply(train, forward=forward, backward=backward):
        for turn in turns:
            optimiser, start = optimisers[turn], (W1.clone(), W2.clone())
            before = optimiser.calls
            loader = _Batches(TensorDataset(X, y), batch_size)
            run["results"].append(train(*start, loader, optimiser, num_epochs))
            run["starts"].append(start)
            run["optimiser_calls"].append(optimiser.calls - before)
            run["loader_passes"].append(loader.passes)
    return run


@in_place
def dataset_with(dataset_class: type[Any], **attributes: Any) -> Any:
    """Return a data set of this class with some of its attributes replaced.

    If `__init__` requires arguments, it is not called.
    """
    try:
        dataset = dataset_class()
    except TypeError:
        dataset = object.__new__(dataset_class)
    for name, value in attributes.items():
        setattr(dataset, name, copy_of(value))
    return dataset


@in_place
def loader_with(dataloader: Any, X: Tensor, y: Tensor) -> tuple[Any, Any] | None:
    """Run the notebook's cell of exercise 1.4.2 again, with other samples.

    Parameters
    ----------
    dataloader : object
        The answer; it only determines in which process the probe runs.
    X : Tensor (N, features), float32
    y : Tensor (N,), float32
        The samples of the data set that the cell finds under the name `dataset`.

    Returns
    -------
    tuple or None
        The new `batch_size` and `dataloader`, from the latest cell that assigns both; if no cell
        does, from the latest that assigns each. None outside IPython, or if no cell assigns one of
        the names. The notebook's own variables are not changed.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    if shell is None:
        return None
    # Parse only the relevant cells, as a notebook may be long.
    raw = [
        source
        for source in shell.history_manager.input_hist_raw
        if "batch_size" in source or "dataloader" in source
    ]
    cells = [shell.transform_cell(_without_magic(source)) for source in raw]
    names = [_names_assigned_in(code) for code in cells]
    sizes, loaders = (
        {i for i, found in enumerate(names) if name in found}
        for name in ("batch_size", "dataloader")
    )
    if not (sizes and loaders):
        return None
    both = sizes & loaders
    namespace = {**shell.user_ns, "dataset": TensorDataset(X, y)}
    for i in [max(both)] if both else sorted([max(sizes), max(loaders)]):
        exec(compile(cells[i], "<your cell>", "exec"), namespace)
    return namespace["batch_size"], namespace["dataloader"]


@in_place
def fill_parameters(module: nn.Module, seed: int) -> list[int]:
    """Give a module new parameters that depend only on their shapes and `seed`.

    Two networks with the same layers get the same parameters, however these are named or ordered.

    Parameters
    ----------
    module : Module
    seed : int

    Returns
    -------
    list of int
        The number of elements of each parameter, sorted.
    """
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(_values_for(tuple(parameter.shape), seed))
    return sorted(p.numel() for p in module.parameters())


@in_place
def draw_pairs(
    pairs_class: Callable[..., Any],
    images: NDArray[np.uint8],
    labels: NDArray[np.integer[Any]],
    *,
    instances: int,
    passes: int,
    seed: int = 0,
) -> dict[str, NDArray[np.float32]]:
    """Draw every item of several data sets of pairs, several times.

    Parameters
    ----------
    pairs_class : callable
        ``(images, labels) -> dataset``, as in exercise 2.3.
    images : uint8 ndarray (N, H, W)
    labels : integer ndarray (N,)
    instances, passes : int
        How many data sets to make, and how many times to go through each.
    seed : int
        The seed for the global random generators of Python, NumPy and PyTorch.

    Returns
    -------
    dict
        `image0` and `image1`, float32 (draws, H, W), and `label`, float32 (draws,).
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    items = []
    for _ in range(instances):
        dataset = pairs_class(images.copy(), labels.copy())
        items += [dataset[i] for _ in range(passes) for i in range(len(dataset))]
    columns = list(zip(*items, strict=True))
    return {
        name: np.stack([np.asarray(value, dtype=np.float32) for value in column]).reshape(shape)
        for name, column, shape in zip(
            ("image0", "image1", "label"),
            columns,
            ((-1, *images.shape[1:]), (-1, *images.shape[1:]), (-1,)),
            strict=True,
        )
    }


@in_place
def siamese_epoch(
    train_epoch: Callable[..., Any],
    image0: Tensor,
    image1: Tensor,
    label: Tensor,
    *,
    batch_size: int,
    turns: Sequence[int] = (0,),
) -> dict[str, Any]:
    """Run a `train_epoch` of exercise 2.4 on small networks with known weights.

    Parameters
    ----------
    train_epoch : callable
    image0, image1 : Tensor (N, 1, H, W), float32
    label : Tensor (N, 1), float32
    batch_size : int
        The pairs come in another order in each epoch; the last batch may be smaller.
    turns : sequence of int
        The index of the network that each epoch trains, with its own optimiser: ``(0, 1, 0)`` makes
        two.

    Returns
    -------
    dict
        `losses`, one per epoch, as returned; `weights`, the parameters afterwards, one flat tensor
        for each network; `training`, whether all networks are in training mode afterwards; and how
        often the given objects were used: `steps` of the optimisers, `model_calls`, `loss_calls`,
        `loader_passes`.
    """
    models = [_small_network(image0, seed=7 + i) for i in range(max(turns) + 1)]
    optimisers = [
        torch.optim.SGD(model.parameters(), lr=0.05 / (i + 1), momentum=0.5)
        for i, model in enumerate(models)
    ]
    steps = 0

    def count(*_: Any) -> None:
        nonlocal steps
        steps += 1

    for model, optimiser in zip(models, optimisers, strict=True):
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)  # as if left over from an earlier pass
        optimiser.register_step_post_hook(count)
        model.eval()
    loss_function = _GapLoss()
    pairs = TensorDataset(image0, image1, label)
    loaders = [_Batches(pairs, batch_size, order=epoch) for epoch, _ in enumerate(turns)]
    with torch.enable_grad():
        losses = [
            train_epoch(models[turn], loss_function, optimisers[turn], loader)
            for turn, loader in zip(turns, loaders, strict=True)
        ]
    return {
        "losses": losses,
        "weights": [torch.cat([p.detach().flatten() for p in m.parameters()]) for m in models],
        "training": all(model.training for model in models),
        "steps": steps,
        "model_calls": sum(model.calls for model in models),
        "loss_calls": loss_function.calls,
        "loader_passes": sum(loader.passes for loader in loaders),
    }


@in_place
def pair_distances(
    pair_distance: Callable[..., Any], image0: Tensor, image1: Tensor, *, seed: int = 7
) -> dict[str, Any]:
    """Run a `pair_distance` of exercise 2.5 on a small network that was left in training mode.

    Parameters
    ----------
    pair_distance : callable
    image0, image1 : Tensor (N, 1, H, W), float32
    seed : int
        The seed of the network's weights.

    Returns
    -------
    dict
        `distances`, as returned, and `model_calls`, how often the network was called.
    """
    model = _small_network(image0, seed).train()
    distances = pair_distance(model, image0, image1)
    return {"distances": distances, "model_calls": model.calls}


class _Twins(nn.Module):
    """A small Siamese network whose batch normalisation makes training and evaluation differ."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 2), nn.BatchNorm1d(2))
        self.calls = 0

    def forward(self, image0: Tensor, image1: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        return self.embed(image0), self.embed(image1)


def _small_network(images: Tensor, seed: int) -> _Twins:
    model = _Twins(images[0].numel())
    fill_parameters(model, seed)
    return model


class _GapLoss(nn.Module):
    """A smooth loss per pair, (N, 1), which is least for similar pairs at 0 and others apart."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, output0: Tensor, output1: Tensor, label: Tensor) -> Tensor:
        self.calls += 1
        squared = ((output0 - output1) ** 2).sum(dim=1, keepdim=True)
        return (torch.sqrt(squared + 1) - 1 - label) ** 2


class _SlowingDescent:
    """An optimiser of two weights with memory: the n-th step has the learning rate divided by n."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.calls = 0

    def __call__(self, w1: Any, w2: Any, w1_grad: Any, w2_grad: Any) -> tuple[Any, Any]:
        self.calls += 1
        rate = self.learning_rate / self.calls
        return w1 - rate * w1_grad, w2 - rate * w2_grad


class _Batches(DataLoader[Any]):
    """A data loader with a known order, other than that of the data, which counts its passes.

    Parameters
    ----------
    dataset : Dataset
    batch_size : int
    order : int, optional
        The number of the order; by default, there is a new one after each complete pass.
    """

    def __init__(self, dataset: TensorDataset, batch_size: int, order: int | None = None) -> None:
        super().__init__(dataset, batch_size, sampler=_Orders(len(dataset), order))
        self.passes = 0

    def __iter__(self) -> Any:
        self.passes += 1
        return super().__iter__()


class _Orders(Sampler[int]):
    def __init__(self, length: int, order: int | None) -> None:
        self.length = length
        self.order = order
        self.ended = 0

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        number = self.ended if self.order is None else self.order
        yield from random.Random(number).sample(range(self.length), self.length)
        self.ended += 1


def _network_without_relu() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return `forward` and `backward` of a network without ReLU, with the shapes of exercise 1.4.3.

    They agree with those of the exercise only if no hidden unit is negative, so a student who gets
    hold of them does not have an answer to it.
    """

    def forward(W1: Tensor, W2: Tensor, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = functional.linear(X, W1)
        return hidden.T, hidden.T.clone(), functional.linear(hidden, W2).sigmoid().T

    def backward(
        W2: Tensor, X: Tensor, y: Tensor, Z1: Tensor, F1: Tensor, F2: Tensor
    ) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            hidden = F1.detach().clone().requires_grad_()
            weights = W2.detach().clone().requires_grad_()
            scores = functional.linear(hidden.T, weights)
            cost = functional.binary_cross_entropy_with_logits(scores.flatten(), y)
            by_hidden, by_weights = torch.autograd.grad(cost, (hidden, weights))
        return torch.tensordot(by_hidden, X, dims=1), by_weights

    return forward, backward


@contextmanager
def _supply(function: Any, **values: Any) -> Iterator[None]:
    """Give a function these values for its global names during the block."""
    namespace = _globals(function)
    before = {name: namespace[name] for name in values if name in namespace}
    namespace.update(values)
    try:
        yield
    finally:
        for name in values:
            namespace.pop(name, None)
        namespace.update(before)


def _globals(function: Any) -> dict[str, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    for candidate in (function, type(function).__call__):
        # Unwrap decorators such as `torch.no_grad()`, which have the globals of their own module.
        namespace = getattr(inspect.unwrap(candidate), "__globals__", None)
        if isinstance(namespace, dict):
            return namespace
    return {}


def _without_magic(source: str) -> str:
    """Return a cell without a first line of `%%time` or `%%capture`."""
    first, _, rest = source.lstrip().partition("\n")
    return rest if first.split()[:1] in (["%%time"], ["%%capture"]) else source


def _names_assigned_in(code: str) -> set[str]:
    """Return the names that a cell's top-level statements assign."""
    try:
        return set(_stored_names(ast.parse(code)))
    except SyntaxError:
        return set()


def _stored_names(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        if not isinstance(child, _OWN_SCOPE):
            yield from _stored_names(child)


@functools.lru_cache(maxsize=32)
def _values_for(shape: tuple[int, ...], seed: int) -> Tensor:
    """Return random values of this shape; a matrix and its transpose get the same, transposed."""
    canonical = tuple(sorted(shape)) if len(shape) == 2 else shape
    generator = torch.Generator().manual_seed(seed + sum(canonical))
    fan_in = max(1, int(np.prod(shape[1:]))) if len(shape) > 2 else max(canonical, default=1)
    values: Tensor = torch.randn(canonical, generator=generator) * (2 / fan_in) ** 0.5
    return values.T if canonical != shape else values
