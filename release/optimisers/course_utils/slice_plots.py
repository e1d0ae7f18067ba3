"""Draw segmented slices: the tissues, the errors of a prediction, and numbers per class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from course_utils.plot_basics import (
    GREY,
    HATCHES,
    LINE_COLOURS,
    ORANGE,
    SKY,
    TISSUE_COLOURS,
    amount,
    array_of_shape,
    class_names,
    class_numbers,
    named_series,
    set_alt_text,
    with_style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

__all__ = ["class_bars", "masks", "segmentation", "spoiled_slice"]


@with_style
def segmentation(
    image: ArrayLike, truth: ArrayLike, prediction: ArrayLike, names: Sequence[str]
) -> Figure:
    """Draw a slice, its true and its predicted tissues, with one legend.

    Parameters
    ----------
    image : array (W, H)
        The slice; drawn upright, with W to the right and H upwards.
    truth, prediction : integer array (W, H)
        The class of every pixel.
    names : sequence of str
        The name of class 0, 1, …, at most eight.

    Raises
    ------
    ValueError
        If shapes differ, a class has no name, or there are more than eight names.
    """
    picture = array_of_shape(image, "image", ("W", "H"))
    shape = picture.shape
    maps = {
        "Truth": class_numbers(truth, "truth", shape),
        "Prediction": class_numbers(prediction, "prediction", shape),
    }
    names = class_names(names, 1 + max(int(labels.max()) for labels in maps.values()))
    if len(names) > len(TISSUE_COLOURS):
        raise ValueError(
            f"At most {len(TISSUE_COLOURS)} classes can be told apart, not {len(names)}."
        )
    figure, (first, *panels) = plt.subplots(1, 3, figsize=(11, 6))
    first.imshow(picture.T, cmap="gray", origin="lower")
    first.set_title("T1 slice")
    for axes, (title, labels) in zip(panels, maps.items(), strict=True):
        axes.imshow(
            labels.T,
            cmap=ListedColormap(TISSUE_COLOURS[: len(names)]),
            vmin=-0.5,
            vmax=len(names) - 0.5,
            origin="lower",
            interpolation="nearest",
        )
        axes.set_title(title)
    for axes in (first, *panels):
        axes.axis("off")
    true, predicted = (set(np.unique(labels).tolist()) for labels in maps.values())
    patches = []
    for number, name in enumerate(names):
        note = "" if number in true else " (only predicted)" if number in predicted else " (absent)"
        note = " (not predicted)" if number in true - predicted else note
        patches.append(
            Patch(facecolor=TISSUE_COLOURS[number], edgecolor=GREY, label=f"{name}{note}")
        )
    figure.legend(handles=patches, loc="outside lower center", ncols=4)
    return figure


@with_style
def spoiled_slice(
    truth: ArrayLike,
    prediction: ArrayLike,
    shares: ArrayLike,
    names: Sequence[str],
    *,
    title: str = "",
) -> Figure:
    """Draw a prediction, where it is wrong, and each class's share of the loss.

    Parameters
    ----------
    truth, prediction : integer array (W, H)
        The class of every pixel; drawn upright, with W to the right and H upwards.
    shares : array (C,)
        One finite number per class.
    names : sequence of str
        The name of class 0, 1, …, at most eight.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If shapes differ, a class has no name, or there are more than eight names.
    """
    numbers = array_of_shape(shares, "shares", (len(names),)).astype(float)
    right = class_numbers(truth, "truth", ("W", "H"))
    told = class_numbers(prediction, "prediction", right.shape)
    names = class_names(names, 1 + int(max(right.max(), told.max())))
    if len(names) > len(TISSUE_COLOURS):
        raise ValueError(
            f"At most {len(TISSUE_COLOURS)} classes can be told apart, not {len(names)}."
        )
    figure = plt.figure(figsize=(11, 4.8), layout="none")
    brain, wrong = (
        figure.add_axes((0.01, 0.02, 0.26, 0.82)),
        figure.add_axes((0.27, 0.02, 0.26, 0.82)),
    )
    bars = figure.add_axes((0.7, 0.11, 0.27, 0.73))
    colours = ListedColormap(TISSUE_COLOURS[: len(names)])
    look: dict[str, Any] = {"origin": "lower", "interpolation": "nearest"}
    brain.imshow(told.T, cmap=colours, vmin=-0.5, vmax=len(names) - 0.5, **look)
    brain.set_title("prediction", fontsize=12)
    amiss = right != told
    wrong.imshow(amiss.T, cmap="gray_r", **look)
    wrong.set_title(f"wrong: {amount(int(amiss.sum()), 'pixel')}", fontsize=12)
    brain.axis("off")
    wrong.set(xticks=[], yticks=[])
    wrong.spines[:].set(visible=True, color="#b5b5b5")
    wrong.grid(False)
    places = np.arange(len(names))
    drawn = bars.barh(
        places, numbers, color=TISSUE_COLOURS[: len(names)], edgecolor="black", linewidth=0.7
    )
    bars.bar_label(drawn, [f"{number:.3f}" for number in numbers], fontsize=10, padding=3)
    bars.set(xlabel="share of the loss", xlim=(0, 1.18 * max(numbers.max(), 0.05)))
    bars.set_yticks(places, names)
    bars.invert_yaxis()
    bars.grid(False, axis="y")
    figure.suptitle(title, fontsize=13)
    shown = ", ".join(f"{name} {number:.3f}" for name, number in zip(names, numbers, strict=True))
    set_alt_text(figure, f"{title}. {amiss.sum()} pixels are wrong. Shares of the loss: {shown}.")
    return figure


@with_style
def masks(one_hot: ArrayLike, names: Sequence[str]) -> Figure:
    """Draw a one-hot mask as one small picture per class, with its number of pixels.

    Parameters
    ----------
    one_hot : array (C, W, H)
        Zeros and ones.
    names : sequence of str
        The name of class 0, 1, …

    Raises
    ------
    ValueError
        If the mask does not have three dimensions, or there are more classes than names.
    """
    stack = array_of_shape(one_hot, "one_hot", ("C", "W", "H"))
    names = class_names(names, len(stack))
    columns = min(len(stack), 4)
    rows = -(-len(stack) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(2.7 * columns, 3.9 * rows), squeeze=False)
    for axes in panels.flat:
        axes.axis("off")
    for axes, mask, name in zip(panels.flat, stack, names, strict=False):
        axes.imshow(mask.T, cmap="cividis", vmin=0, vmax=1, origin="lower", interpolation="nearest")
        pixels = amount(int(np.count_nonzero(mask)), "pixel") if mask.any() else "absent"
        axes.set_title(f"{name}\n{pixels}")
    return figure


@with_style
def class_bars(
    values: ArrayLike | Mapping[str, ArrayLike],
    names: Sequence[str],
    *,
    title: str = "",
    ylabel: str = "",
    reference: float | None = None,
    reference_label: str = "reference",
    log: bool = False,
) -> Figure:
    """Draw one bar per class for each of a few series, with its value above it.

    Parameters
    ----------
    values : array (C,), or dict of label to such an array
        One finite number per class.
    names : sequence of str
        The name of class 0, 1, …
    title, ylabel : str
        Above the picture, and beside its axis.
    reference : float, optional
        Drawn as a dashed line, with `reference_label` in the legend.
    log : bool
        Use a logarithmic axis; a class whose value is 0 or less then has no bar.

    Raises
    ------
    ValueError
        If a series does not have one number per name, or a number is not finite.
    """
    series = {
        label: array_of_shape(numbers, f"values of '{label}'", (len(names),)).astype(float)
        for label, numbers in named_series(values, "").items()
    }
    if not all(np.isfinite(numbers).all() for numbers in series.values()):
        raise ValueError("A value is not a finite number: look for a division by zero.")
    figure, axes = plt.subplots(figsize=(max(8.0, 1.35 * len(names)), 4.8))
    width = 0.8 / len(series)
    places = np.arange(len(names))
    for index, (label, numbers) in enumerate(series.items()):
        bars = axes.bar(
            places + (index - (len(series) - 1) / 2) * width,
            np.where(numbers > 0, numbers, np.nan) if log else numbers,
            width,
            color=(SKY, ORANGE, *LINE_COLOURS)[index % 9],
            hatch=HATCHES[index % len(HATCHES)],
            edgecolor="black",
            linewidth=0.7,
            label=label,
        )
        texts = [f"{number:.2g}" for number in numbers]
        upright = 0 if len(series) == 1 else 90  # side by side, horizontal texts would overlap
        axes.bar_label(bars, texts, fontsize=9, padding=2, rotation=upright)
    if reference is not None:
        axes.axhline(reference, color="black", linestyle="--", label=reference_label)
    if log:
        axes.set_yscale("log")
    axes.set(title=title, ylabel=ylabel)
    axes.set_xticks(places, names, rotation=25, ha="right", rotation_mode="anchor")
    axes.grid(False, axis="x")
    axes.margins(y=0.12)
    if len(series) > 1 or reference is not None:
        axes.legend()
    told = (
        f"{label or ylabel or 'values'}: "
        + ", ".join(f"{name} {number:.2g}" for name, number in zip(names, numbers, strict=True))
        for label, numbers in series.items()
    )
    set_alt_text(figure, f"Bars, {title or ylabel}. {'; '.join(told)}.")
    return figure
