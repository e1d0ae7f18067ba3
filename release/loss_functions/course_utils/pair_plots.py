"""Draw pairs of characters: the images, their embeddings, distances, loss and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from course_utils.plot_basics import (
    BLUE,
    GREY,
    LINE_COLOURS,
    MARKERS,
    VERMILLION,
    YELLOW,
    PairFunction,
    amount,
    array_of_shape,
    number_aloud,
    same_length,
    series_aloud,
    set_alt_text,
    to_numpy,
    with_style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

__all__ = ["distances", "drawings", "embedding", "loss_against_distance", "pairs", "roc"]


@with_style
def drawings(
    images: ArrayLike,
    labels: Sequence[object] | None = None,
    *,
    columns: int = 10,
    title: str = "",
) -> Figure:
    """Draw a grid of characters, dark on light.

    Parameters
    ----------
    images : array (N, height, width) or (N, 1, height, width)
        Ink 255 (or 1) on paper 0.
    labels : sequence of N objects, optional
        Written above the drawings.
    columns : int
        Drawings in a row.
    title : str, optional
        Above the grid.

    Raises
    ------
    ValueError
        If the images have another shape, or the number of labels differs.
    """
    ink = _images(images, "images")
    texts = [""] * len(ink) if labels is None else [str(label) for label in _as_list(labels)]
    same_length(images=ink, labels=np.array(texts))
    size = (1.1, 1.1 if labels is None else 1.35)
    figure = _grid(list(ink), texts, [""] * len(ink), min(columns, len(ink)), size, title)
    set_alt_text(
        figure, f"{title or 'Drawings of characters'}: {len(ink)}, {min(columns, len(ink))} a row."
    )
    return figure


@with_style
def pairs(
    images0: ArrayLike,
    images1: ArrayLike,
    labels: ArrayLike,
    distances: ArrayLike | None = None,
    *,
    columns: int = 8,
    title: str = "",
) -> Figure:
    """Draw pairs of characters, one above the other.

    Parameters
    ----------
    images0, images1 : array (N, height, width) or (N, 1, height, width)
        Ink 255 (or 1) on paper 0.
    labels : array (N,) or (N, 1)
        0 if the two are of the same class, 1 if not.
    distances : array (N,), optional
        Written below each pair.
    columns : int
        Pairs in a row.
    title : str, optional
        Above the pairs.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or a label is neither 0 nor 1.
    """
    upper, lower = _images(images0, "images0"), _images(images1, "images1")
    different = _is_different(labels)
    same_length(images0=upper, images1=lower, labels=different)
    beneath = [""] * len(upper)
    if distances is not None:
        numbers = array_of_shape(to_numpy(distances).ravel(), "distances", (len(upper),))
        beneath = [f"{number:.2f}" for number in numbers]
    edge = np.full((len(upper), 3, upper.shape[2]), 0.35)
    stacked = np.concatenate([upper, edge, lower], axis=1)
    above = ["different" if other else "same" for other in different]
    title = title or ("Distances beneath the pairs" if distances is not None else "")
    figure = _grid(list(stacked), above, beneath, min(columns, len(upper)), (1.3, 3.1), title)
    told = ", ".join(
        f"{kind} {number}".strip() for kind, number in zip(above, beneath, strict=True)
    )
    set_alt_text(figure, f"{title or 'Pairs of drawings, one above the other'}: {told}.")
    return figure


def _images(values: Any, what: str) -> NDArray[Any]:
    """Return drawings as (N, height, width), ink 1 on paper 0."""
    array = to_numpy(values)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    array = array_of_shape(array, what, ("N", "height", "width"))
    return array / (255.0 if array.max() > 1 else 1.0)


def _as_list(labels: Any) -> list[Any]:
    return list(to_numpy(labels)) if hasattr(labels, "detach") else list(labels)


def _is_different(labels: Any) -> NDArray[np.bool_]:
    flags = array_of_shape(to_numpy(labels).ravel(), "labels", ("N",))
    if not np.isin(flags, (0, 1)).all():
        raise ValueError("Labels of pairs should be 0 (same) or 1 (different).")
    return flags.astype(bool)


def _grid(
    images: Sequence[NDArray[Any]],
    above: Sequence[str],
    beneath: Sequence[str],
    columns: int,
    size: tuple[float, float],
    title: str,
) -> Figure:
    rows = -(-len(images) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(size[0] * columns, size[1] * rows + 0.4), squeeze=False
    )
    for axes in panels.flat[len(images) :]:
        axes.axis("off")
    for axes, image, top, bottom in zip(panels.flat, images, above, beneath, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[], xlabel=bottom)
        axes.set_title(top, fontsize=11)
        axes.spines[:].set(visible=True, color="#b5b5b5")
    figure.suptitle(title)
    return figure


@with_style
def loss_against_distance(
    loss: PairFunction,
    *,
    margin: float,
    distances: ArrayLike | None = None,
) -> Figure:
    """Draw the loss of similar and of dissimilar pairs against their distance, and its slope.

    Parameters
    ----------
    loss : callable
        `loss(distance, label)` for an array of distances and the label 0 (similar) or 1
        (dissimilar); returns an array of the same shape, or two of them, the losses and their
        slopes. Without slopes, these are read from the losses.
    margin : float
        Marked by a vertical line.
    distances : array (n,), optional
        The distances at which to evaluate, increasing; by default from 0 to 1.5 margins.

    Raises
    ------
    ValueError
        If `distances` has fewer than two values, or the loss returns another shape.
    """
    if distances is None:
        distances = np.linspace(0, 1.5 * margin, 601)
    distance = array_of_shape(distances, "distances", ("n",)).astype(float)
    if len(distance) < 2:
        raise ValueError("distances should hold at least two values, to draw a line.")
    figure = plt.figure(figsize=(8, 6.6), layout="none")
    upper, lower = figure.subplots(2, 1, sharex=True)
    figure.subplots_adjust(left=0.1, right=0.98, top=0.97, bottom=0.09, hspace=0.08)
    ways = []
    for label, name, colour, line in (
        (0, "similar (label 0)", BLUE, "-"),
        (1, "dissimilar (label 1)", VERMILLION, "--"),
    ):
        given = loss(distance.copy(), label)
        values, slopes = given if isinstance(given, tuple) else (given, None)
        values = array_of_shape(values, "the loss", distance.shape).astype(float)
        if slopes is None:
            slopes = np.gradient(values, distance)
        slopes = array_of_shape(slopes, "the slope", distance.shape).astype(float)
        ways.append(f"{name} {series_aloud(values)}, its slope {series_aloud(slopes)}")
        upper.plot(distance, values, color=colour, linestyle=line, label=name)
        lower.plot(distance, slopes, color=colour, linestyle=line)
    for axes in (upper, lower):
        axes.axvline(margin, color="black", linestyle=":", label=f"margin = {margin:g}")
    lower.axhline(0, color=GREY, linewidth=0.8)
    upper.set(ylabel="loss of a pair")
    lower.set(xlabel="distance of the two embeddings", ylabel="slope: loss per distance")
    upper.legend()
    across = f"distances {series_aloud(distance)}"
    set_alt_text(figure, f"The loss of a pair, margin {margin:g}, at {across}: {'; '.join(ways)}.")
    return figure


@with_style
def embedding(
    points: ArrayLike,
    labels: Sequence[object],
    images: ArrayLike | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw a two-dimensional embedding, with a colour and a marker for each class.

    Parameters
    ----------
    points : array (N, 2)
        The embedding of each drawing.
    labels : sequence of N numbers or strings
        The class of each, at most sixteen different ones.
    images : array (N, height, width) or (N, 1, height, width), optional
        The drawings, ink 255 (or 1) on paper 0: the first of each class is shown in a key, and pale
        behind the centre of its points.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the lengths differ, a point is not finite, or there are more than sixteen classes.
    """
    places = array_of_shape(points, "points", ("N", 2)).astype(float)
    kinds = np.array(_as_list(labels)).ravel()
    same_length(points=places, labels=kinds)
    if not np.isfinite(places).all():
        raise ValueError("Some points are not finite numbers: the training has diverged.")
    ink = None if images is None else _images(images, "images")
    if ink is not None:
        same_length(points=places, images=ink)
    classes = np.unique(kinds)
    if len(classes) > 16:
        raise ValueError(f"At most 16 classes can be told apart, not {len(classes)}: draw fewer.")
    columns = 1 if ink is None else 2
    figure, panels = plt.subplots(
        1, columns, figsize=(7 + 2.2 * columns, 6.5), width_ratios=(5, 1)[:columns], squeeze=False
    )
    axes = panels[0, 0]
    shapes = (*MARKERS, "<")
    colours = (*LINE_COLOURS, YELLOW)
    for index, kind in enumerate(classes):
        mine = kinds == kind
        look: dict[str, Any] = {
            "linestyle": "none",
            "marker": shapes[(index + 3 * (index // 8)) % 8],
            "markersize": 7,
            "color": colours[index % 8],
            "markeredgecolor": "black",
            "markeredgewidth": 0.6,
            "label": str(kind),
        }
        axes.plot(*places[mine].T, alpha=0.85, zorder=3, **look)
        if ink is None:
            continue
        # Pale behind the points, it shows where the class is; in the key, which class it is.
        shade = np.zeros((*ink.shape[1:], 4))
        shade[..., 3] = 0.4 * ink[mine][0]
        pale = OffsetImage(shade, zoom=56 / ink.shape[1])
        middle = tuple(places[mine].mean(axis=0))
        axes.add_artist(AnnotationBbox(pale, middle, frameon=False, zorder=1))
        row, column = index % 8, index // 8
        key = panels[0, 1]
        key.plot(column, -row, **{**look, "markersize": 10})
        drawing = OffsetImage(ink[mine][0], zoom=34 / ink.shape[1], cmap="gray_r")
        key.add_artist(AnnotationBbox(drawing, (column + 0.45, -row), frameon=False))
    axes.set(xlabel="first output", ylabel="second output", title=title)
    axes.set_aspect("equal", adjustable="datalim")
    if ink is None:
        figure.legend(loc="outside right upper", title="class")
    else:
        panels[0, 1].set(xlim=(-0.2, 1.9), ylim=(-7.6, 0.6), title="key")
        panels[0, 1].axis("off")
    set_alt_text(
        figure,
        f"A map of {amount(len(places), 'drawing')} of {len(classes)} classes, each where the "
        "network puts it: first output across, second output up.",
    )
    return figure


@with_style
def distances(distances: ArrayLike, labels: ArrayLike, *, title: str = "") -> Figure:
    """Draw the distributions of the distances of same and of different pairs.

    Parameters
    ----------
    distances : array (N,) or (N, 1)
        One finite distance per pair.
    labels : array (N,) or (N, 1)
        0 if the two are of the same class, 1 if not.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the lengths differ, a distance is not finite, or a label is neither 0 nor 1.
    """
    import seaborn  # imported here, as it takes longer than all other imports together

    numbers = array_of_shape(to_numpy(distances).ravel(), "distances", ("N",)).astype(float)
    different = _is_different(labels)
    same_length(distances=numbers, labels=different)
    if not np.isfinite(numbers).all():
        raise ValueError("Some distances are not finite numbers: the training has diverged.")
    edges = np.histogram_bin_edges(numbers, bins=30)
    figure, axes = plt.subplots(figsize=(8, 4.6))
    for chosen, name, colour, line in (
        (numbers[~different], "same", BLUE, "-"),
        (numbers[different], "different", VERMILLION, "--"),
    ):
        seaborn.histplot(
            x=chosen,
            bins=edges,
            stat="density",
            element="step",
            color=colour,
            linestyle=line,
            linewidth=2,
            alpha=0.25,
            label=f"{name} ({amount(len(chosen), 'pair')})",
            ax=axes,
        )
    axes.set(xlabel="distance of the two embeddings", ylabel="share of pairs per distance")
    axes.set_title(title)
    axes.legend()
    spread = "; ".join(
        f"{name} ({amount(len(chosen), 'pair')}): half of them from {number_aloud(low)} to "
        f"{number_aloud(high)}, median {number_aloud(middle)}"
        for name, chosen in (("same", numbers[~different]), ("different", numbers[different]))
        if len(chosen)
        for low, middle, high in [np.quantile(chosen, (0.25, 0.5, 0.75))]
    )
    set_alt_text(figure, f"{title or 'Histograms of distances'}. {spread}.")
    return figure


@with_style
def roc(
    false_alarms: ArrayLike,
    hits: ArrayLike,
    area: float,
    *,
    title: str = "",
) -> Figure:
    """Draw a receiver operating characteristic, and the diagonal of chance.

    Parameters
    ----------
    false_alarms, hits : array (n,)
        The shares of similar and of different pairs that are classified as different, one value of
        each per threshold, in order.
    area : float
        The area under the curve, for the legend.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the two rates are not one-dimensional and of one length.
    """
    x = array_of_shape(false_alarms, "false_alarms", ("n",))
    y = array_of_shape(hits, "hits", ("n",))
    same_length(false_alarms=x, hits=y)
    figure, axes = plt.subplots(figsize=(6, 6))
    axes.plot(x, y, color=BLUE, label=f"this network, area {float(area):.2f}")
    axes.fill_between(x, y, color=BLUE, alpha=0.12, linewidth=0)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="chance, area 0.50")
    axes.set(
        xlabel="false alarms: share of similar pairs called different",
        ylabel="hits: share of different pairs called different",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        aspect="equal",
        title=title,
    )
    axes.legend(loc="lower right")
    halfway = number_aloud(float(np.interp(0.25, x, y)))
    set_alt_text(
        figure,
        f"{f'{title}: ' if title else ''}ROC curve, hits against false alarms. The area is "
        f"{float(area):.2f}, that of chance 0.50; at 0.25 false alarms there are {halfway} hits.",
    )
    return figure
