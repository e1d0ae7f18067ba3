"""Draw the training of a network: batches, the network itself, cost and accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.patches import Circle

from course_utils.plot_basics import (
    BLUE,
    GREEN,
    GREY,
    HATCHES,
    LINE_COLOURS,
    LINE_STYLES,
    MARKERS,
    ORANGE,
    SKY,
    VERMILLION,
    amount,
    array_of_shape,
    class_names,
    class_numbers,
    drop_non_finite,
    named_series,
    same_length,
    series_aloud,
    set_alt_text,
    short_number,
    to_numpy,
    with_style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

__all__ = ["batches", "compare_training", "costs", "network", "training"]

SMALLEST_SHARE = 1e-9
"""On a logarithmic axis, costs are drawn down to this share of the largest."""


@with_style
def costs(
    costs: ArrayLike | Mapping[str, ArrayLike],
    *,
    xlabel: str = "update",
    ylabel: str = "cost J",
    log: bool = False,
    minimum: float = 0.0,
    title: str = "",
) -> Figure:
    """Draw how one or several costs fall.

    Parameters
    ----------
    costs : array (n,), or dict of label to such an array
        The first value is drawn at 0, before any update. Values that are not finite are left out;
        a cost that explodes leaves the picture at the top, and the legend says so.
    xlabel, ylabel : str
        Names of the axes.
    log : bool
        Draw the excess over `minimum` on a logarithmic axis; values at or below the minimum are
        left out.
    minimum : float
        The lowest possible cost.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If a series is empty or not one-dimensional, or nothing is left to draw.
    """
    series = {
        label: array_of_shape(values, f"costs of '{label}'", ("n",)).astype(float)
        for label, values in named_series(costs, ylabel).items()
    }
    shown = {label: drop_non_finite(values) for label, values in series.items()}
    if log:
        shown = {label: values - minimum for label, values in shown.items()}
        shown = {label: np.where(values > 0, values, np.nan) for label, values in shown.items()}
    ceiling = _ceiling(shown.values()) * (10 if log else 1)
    diverging = {label for label, values in series.items() if _diverges(values)}
    figure, axes = plt.subplots(figsize=(8, 4.8))
    for index, (label, values) in enumerate(shown.items()):
        axes.plot(
            values,
            color=LINE_COLOURS[index % len(LINE_COLOURS)],
            linestyle=LINE_STYLES[index % len(LINE_STYLES)],
            label=f"{label} (diverges)" if label in diverging else label,
        )
    if log:
        axes.set_yscale("log")
        ylabel = f"{ylabel} − minimum ({short_number(minimum)})" if minimum else ylabel
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if np.isfinite(ceiling):
        low = np.nanmin(np.concatenate(list(shown.values())))
        axes.set_ylim(low / 2 if log else low - 0.05 * (ceiling - low), ceiling)
    if log:  # smaller values are only rounding errors
        first = max(np.nanmax(values) for values in shown.values())
        axes.set_ylim(bottom=max(axes.get_ylim()[0], SMALLEST_SHARE * first))
    if isinstance(costs, Mapping) or diverging:
        axes.legend()
    ways = "; ".join(
        f"{label}{' (diverges)' * (label in diverging)} {series_aloud(values)}"
        for label, values in shown.items()
    )
    set_alt_text(figure, f"{f'{title}: ' if title else ''}{ylabel} against {xlabel}. {ways}.")
    return figure


def _diverges(values: NDArray[Any]) -> bool:
    late = values[-(len(values) // 4) - 1 :]
    return not np.isfinite(late).all() or bool(np.median(late) > 100 * abs(np.median(values[:3])))


def _ceiling(series: Iterable[NDArray[Any]]) -> float:
    """Return where to cut off costs that diverge, or infinity if none does."""
    known = [values[~np.isnan(values)] for values in series]
    known = [values for values in known if len(values)]
    if not known:
        raise ValueError("There is nothing to draw: no cost is a finite number above the minimum.")
    low = min(values.min() for values in known)
    first = max(values[0] for values in known)
    cut = first > low and any(_diverges(values) for values in known)
    return float(low + 3 * (first - low)) if cut else np.inf


@with_style
def training(
    costs: ArrayLike,
    accuracies: ArrayLike,
    *,
    batches_per_epoch: int | None = None,
    title: str = "",
) -> Figure:
    """Draw cost and accuracy during training, one point per batch.

    Parameters
    ----------
    costs : array (n,)
        One cost per batch.
    accuracies : array (n,)
        One accuracy per batch, in per cent.
    batches_per_epoch : int, optional
        Add a light line at the end of each epoch, and the mean over each epoch.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the two are not one-dimensional and of one length, or `batches_per_epoch` is below 1.
    """
    series = {
        "cost J": array_of_shape(costs, "costs", ("n",)).astype(float),
        "accuracy (per cent)": array_of_shape(accuracies, "accuracies", ("n",)).astype(float),
    }
    same_length(**series)
    figure, panels = plt.subplots(2, 1, figsize=(8, 6.4), sharex=True)
    for (label, values), axes, colour in zip(
        series.items(), panels, (BLUE, VERMILLION), strict=True
    ):
        values = drop_non_finite(values)
        batch = np.arange(1, len(values) + 1)
        axes.set_ylabel(label)
        if batches_per_epoch is None:
            axes.plot(batch, values, color=colour)
            continue
        ends, means = _per_epoch(values, batches_per_epoch)
        axes.plot(batch, values, color=colour, linewidth=1, alpha=0.45, label="each batch")
        axes.plot(ends, means, "o-", color=colour, markersize=4, label="mean over the epoch")
        axes.grid(False, axis="x")
        for end in ends[:: -(-len(ends) // 50)]:  # at most fifty lines; more would hide the curve
            axes.axvline(end, color="#cccccc", linewidth=0.8, zorder=0)
        axes.legend()
    panels[0].set_title(title)
    panels[1].set(xlabel="batch", ylim=(-3, 103))
    ways = "; ".join(f"{label} {series_aloud(values)}" for label, values in series.items())
    length = amount(len(series["cost J"]), "batch", "batches")
    set_alt_text(figure, f"{f'{title}: ' if title else ''}A training of {length}: {ways}.")
    return figure


def _per_epoch(values: NDArray[Any], batches_per_epoch: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the batch at which each epoch ends, and the mean over its batches."""
    if batches_per_epoch < 1:
        raise ValueError(f"batches_per_epoch should be 1 or more, and is {batches_per_epoch}.")
    starts = np.arange(0, len(values), batches_per_epoch)
    ends = np.minimum(starts + batches_per_epoch, len(values))
    return ends, np.add.reduceat(values, starts) / (ends - starts)


@with_style
def compare_training(
    runs: Mapping[str, tuple[ArrayLike, int]],
    *,
    ylabel: str = "cost J",
    log_updates: bool = True,
    title: str = "",
) -> Figure:
    """Draw several training runs against updates and, beside that, against epochs.

    Parameters
    ----------
    runs : dict of label to (costs, batches_per_epoch)
        The costs are an array (n,), one per batch.
    ylabel : str
        The label of the axis of costs.
    log_updates : bool
        Draw updates on a logarithmic axis: runs of small batches make many more of them.
    title : str, optional
        Above both panels.

    Raises
    ------
    ValueError
        If there is no run, costs are not one-dimensional, or a number of batches is below 1.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.4), sharey=True)
    per_epoch, ways = [], []
    for index, (label, (costs, batches_per_epoch)) in enumerate(named_series(runs, "").items()):
        values = drop_non_finite(array_of_shape(costs, f"costs of '{label}'", ("n",)).astype(float))
        ends, means = _per_epoch(values, batches_per_epoch)
        per_epoch.append(means)
        colour = LINE_COLOURS[index % len(LINE_COLOURS)]
        look: dict[str, Any] = {
            "color": colour,
            "linestyle": LINE_STYLES[index % len(LINE_STYLES)],
            "marker": MARKERS[index % len(MARKERS)],
            "markevery": 0.1,
            "label": f"{label} (diverges)" if _diverges(means) else label,
        }
        left.plot(ends, means, **look)
        right.plot(np.arange(1, len(means) + 1), means, **look)
        ways.append(f"{look['label']} {series_aloud(means)} after {amount(len(values), 'update')}")
    ceiling, means = _ceiling(per_epoch), np.concatenate(per_epoch)
    low, high = np.nanmin(means[means > 0]), min(np.nanmax(means), ceiling)
    left.set(xlabel="update", ylabel=f"{ylabel}, mean over an epoch", title="Per update")
    left.set(yscale="log", ylim=(low / 1.5, high * 1.5))
    if log_updates:
        left.set(xscale="log", xlabel="update (logarithmic)")
    right.set(xlabel="epoch", title="Per epoch")
    # The legend goes below the panels, as inside one it could hide a curve.
    entries = right.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=min(len(per_epoch), 4))
    figure.suptitle(title)
    set_alt_text(
        figure,
        f"{f'{title}: ' if title else ''}{ylabel} per update and per epoch. {'; '.join(ways)}.",
    )
    return figure


@with_style
def batches(
    labels_per_batch: Sequence[ArrayLike] | Mapping[str, Sequence[ArrayLike]],
    names: Sequence[str] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw the content of batches: one bar per batch, divided by class.

    Parameters
    ----------
    labels_per_batch : sequence of arrays (n,), or dict of label to such a sequence
        The class numbers of each batch's samples; a dict gives panels side by side.
    names : sequence of str, optional
        The name of class 0, 1, … (by default "class 0", "class 1", …).
    title : str, optional
        Above the panels.

    Raises
    ------
    ValueError
        If there is no batch, or labels are not whole numbers from 0 (below the number of names).
    """
    orders = {
        order: [
            class_numbers(to_numpy(labels).ravel(), f"a batch {order}", ("n",))
            for labels in sequence
        ]
        for order, sequence in named_series(labels_per_batch, "").items()
    }
    if not all(orders.values()):
        raise ValueError("There is no batch to draw: give one sequence of labels per batch.")
    classes = 1 + max(int(labels.max()) for sequence in orders.values() for labels in sequence)
    names = class_names(names, classes)
    figure, panels = plt.subplots(
        1, len(orders), figsize=(2 + 4.5 * len(orders), 4.4), sharey=True, squeeze=False
    )
    for axes, (order, sequence) in zip(panels.flat, orders.items(), strict=True):
        counts = np.array([np.bincount(labels, minlength=classes) for labels in sequence]).T
        base = np.zeros(len(sequence))
        for index, count in enumerate(counts):
            axes.bar(
                np.arange(1, len(sequence) + 1),
                count,
                bottom=base,
                color=(SKY, ORANGE, *LINE_COLOURS)[index % 9],
                hatch=HATCHES[index % len(HATCHES)],
                edgecolor="black",
                linewidth=0.7,
                label=names[index],
            )
            base += count
        axes.set(xlabel="batch", title=order)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        axes.grid(False, axis="x")
    panels[0, 0].set_ylabel("number of samples")
    handles, texts = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside right upper")
    figure.suptitle(title)
    held = "; ".join(
        f"{order} {', '.join(str(np.bincount(labels, minlength=classes)) for labels in sequence)}"
        for order, sequence in orders.items()
    )
    set_alt_text(
        figure,
        f"{title} What each batch holds, as [{' '.join(names[:classes])}]: {held.strip()}.".strip(),
    )
    return figure


@with_style
def network(features: int = 301, hidden: int | str = "H") -> Figure:
    """Draw the two-layer perceptron, with the shape of everything that flows through it.

    Parameters
    ----------
    features : int
        Number of inputs of a sample, including the bias.
    hidden : int or str
        Number of hidden units, or a letter for it.
    """
    figure, axes = plt.subplots(figsize=(12, 5.3))
    axes.set(xlim=(-0.9, 10.9), ylim=(-2.2, 4.1), aspect="equal")
    axes.axis("off")
    heights = {0.0: (3.2, 2.4, 1.6, 0.0), 5.0: (2.8, 2.0, 0.4), 10.0: (1.6,)}
    for (x, column), (next_x, next_column) in zip(
        list(heights.items())[:-1], list(heights.items())[1:], strict=True
    ):
        for y in column:
            for next_y in next_column:
                axes.plot([x, next_x], [y, next_y], color="#b5b5b5", linewidth=1, zorder=1)
    inputs = ("1", "$x_1$", "$x_2$", f"$x_{{{features - 1}}}$")
    colours, texts = (SKY, ORANGE, GREEN), (inputs, ("$f_1$", "$f_2$", "$f_{%s}$"), ("$f$",))
    for (x, column), colour, labels in zip(heights.items(), colours, texts, strict=True):
        for y, label in zip(column, labels, strict=True):
            axes.add_patch(Circle((x, y), 0.32, facecolor=colour, edgecolor="black", zorder=2))
            text = label % hidden if "%s" in label else label
            axes.text(x, y, text, ha="center", va="center", fontsize=12, zorder=3)
    axes.text(0, 0.8, "⋮", ha="center", va="center", fontsize=18)
    axes.text(5, 1.2, "⋮", ha="center", va="center", fontsize=18)
    axes.text(-0.42, 3.2, "bias", ha="right", va="center", color=GREY)
    for x, label in ((0, f"{features} inputs"), (5, f"{hidden} hidden units"), (10, "1 output")):
        axes.text(x, 3.8, label, ha="center", weight="bold")

    boxes = (
        (0.0, "$X$", f"(N, {features})"),
        (3.1, "$Z_1$", f"({hidden}, N)"),
        (5.0, "$F_1$", f"({hidden}, N)"),
        (8.1, "$Z_2$", "(1, N)"),
        (10.0, "$F_2$", "(1, N)"),
    )
    arrows = (
        ("$Z_1 = W_1 X^{\\top}$", f"$W_1$: ({hidden}, {features})"),
        ("relu", ""),
        ("$Z_2 = W_2 F_1$", f"$W_2$: (1, {hidden})"),
        ("sigmoid", ""),
    )
    y = -1.5
    for x, name, shape in boxes:
        axes.text(
            x,
            y,
            f"{name}\n{shape}",
            ha="center",
            va="center",
            linespacing=1.5,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "#f2f2f2", "edgecolor": "black"},
        )
    for (x, *_), (next_x, *_), (operation, weights) in zip(
        boxes[:-1], boxes[1:], arrows, strict=True
    ):
        axes.annotate(
            "",
            (next_x - 0.62, y),
            (x + 0.62, y),
            arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 1.5},
        )
        axes.text((x + next_x) / 2, y + 0.2, operation, ha="center", va="bottom")
        axes.text((x + next_x) / 2, y - 0.25, weights, ha="center", va="top", color=GREY)
    shapes = ", ".join(f"{name.strip('$')} {shape}" for _, name, shape in boxes)
    set_alt_text(
        figure,
        f"A network of {features} inputs, {hidden} hidden units and one output, each joined to all "
        f"of the layer before. Beneath it the way of a batch, with its shapes: {shapes}.",
    )
    return figure
