"""Draw a cost of two weights: as a surface, as a map, and with the walks of optimisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from course_utils.landscapes import Range
from course_utils.plot_basics import (
    LINE_COLOURS,
    LINE_STYLES,
    MARKERS,
    YELLOW,
    PairFunction,
    amount,
    array_of_shape,
    drop_non_finite,
    named_series,
    number_aloud,
    set_alt_text,
    short_number,
    to_numpy,
    with_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

__all__ = ["CostMap", "Walk", "batch_surfaces", "draw_walks", "surface"]

MAP_W1 = (-5.0, 5.0)
MAP_W2 = (-8.0, 5.0)
POINTS = 121
"""A cost is evaluated at this many points along each axis, and drawn with PIXELS pixels."""
PIXELS = 601

# Pale, so that paths in strong colours stand out: white in the valley, darker uphill.
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#cfdfec", "#86a8c5"])


@dataclass(frozen=True)
class CostMap:
    """A cost over a rectangle of weights: three (n, n) arrays."""

    w1: NDArray[Any]
    w2: NDArray[Any]
    cost: NDArray[Any]

    @classmethod
    def of(cls, loss: PairFunction, w1_range: Range, w2_range: Range) -> CostMap:
        """Evaluate a cost on a grid; raise ValueError if it is nowhere finite."""
        w1, w2 = np.meshgrid(np.linspace(*w1_range, POINTS), np.linspace(*w2_range, POINTS))
        try:
            cost = to_numpy(loss(w1.copy(), w2.copy()))
        except (TypeError, ValueError):
            cost = np.empty(0)
        if cost.shape != w1.shape:
            cost = np.vectorize(lambda a, b: float(loss(float(a), float(b))), [float])(w1, w2)
        cost = drop_non_finite(cost.astype(float))
        if np.isnan(cost).all():
            raise ValueError("The cost is not a finite number anywhere on this map.")
        return cls(w1, w2, cost)

    def levels(self, count: int) -> NDArray[Any]:
        """Return heights for contour lines, closer together near the bottom, where descents end."""
        low, high = np.nanmin(self.cost), np.nanmax(self.cost)
        return np.asarray(low + max(high - low, 1e-9) * np.linspace(0, 1, count) ** 2)

    def lowest(self) -> tuple[float, float] | None:
        """Return the lowest point; None if it is at the edge, so that the minimum is outside."""
        row, column = np.unravel_index(np.nanargmin(self.cost), self.cost.shape)
        last = len(self.cost) - 1
        if {int(row), int(column)} & {0, last}:
            return None
        return float(self.w1[row, column]), float(self.w2[row, column])

    def draw(self, axes: Axes, colours: Colormap = HEIGHTS) -> Any:
        """Draw the heights as bands of colour with lines between them, on axes of equal scale.

        Matplotlib's own contours take ten times as long, which is too slow for a slider.
        """
        extent = (self.w1.min(), self.w1.max(), self.w2.min(), self.w2.max())
        axes.imshow(
            self.picture(PIXELS, PIXELS, colours), extent=extent, origin="lower", aspect="equal"
        )
        self.frame(axes)
        return mpl.cm.ScalarMappable(mpl.colors.BoundaryNorm(self.levels(16), 256), colours)

    def picture(self, rows: int, columns: int, colours: Colormap) -> NDArray[np.uint8]:
        """Return the bands and the lines between them as pixels, (rows, columns, 4)."""
        levels = self.levels(16)
        band = np.digitize(_enlarge(self.cost, rows, columns), levels[1:-1])
        shade = (255 * colours(np.arange(len(levels) - 1) / (len(levels) - 2))).astype(np.uint8)
        picture = shade[band]
        line = np.zeros(band.shape, dtype=bool)
        line[:-1] |= band[1:] != band[:-1]
        line[:, :-1] |= band[:, 1:] != band[:, :-1]
        picture[line] = (93, 120, 145, 255) if colours is HEIGHTS else (255, 255, 255, 255)
        return np.asarray(picture)

    def frame(self, axes: Axes) -> None:
        """Label the axes, and limit them to the map."""
        axes.set_aspect("equal")
        axes.set(
            xlabel="weight $w_1$",
            ylabel="weight $w_2$",
            xlim=(self.w1.min(), self.w1.max()),
            ylim=(self.w2.min(), self.w2.max()),
        )
        axes.grid(False)


def _enlarge(values: NDArray[Any], rows: int, columns: int) -> NDArray[np.float32]:
    """Interpolate values linearly to a grid of rows × columns."""
    for length in (rows, columns):
        place = np.linspace(0, len(values) - 1, length)
        before = np.minimum(place.astype(int), len(values) - 2)
        rest = (place - before)[:, None].astype(np.float32)
        values = (values[before] * (1 - rest) + values[before + 1] * rest).T
    return values.astype(np.float32)


def add_colourbar(
    figure: Figure, heights: Any, axes: Axes, label: str, cax: Axes | None = None
) -> None:
    """Add a colour bar for the heights of a map."""
    ticks = heights.norm.boundaries[::3]
    figure.colorbar(heights, ax=axes, cax=cax, label=label, ticks=ticks, format="%.0f")


def mark_minimum(axes: Axes, minimum: Sequence[float], label: str = "minimum") -> None:
    """Mark the lowest point, (w1, w2), with a star."""
    axes.plot(
        [float(minimum[0])],
        [float(minimum[1])],
        linestyle="none",
        marker="*",
        markersize=26,
        color=YELLOW,
        markeredgecolor="black",
        label=label,
        zorder=5,
    )


def place_aloud(place: Sequence[float]) -> str:
    """Return the weights (w1, w2) to be read aloud, to two decimals."""
    w1, w2 = (number_aloud(round(float(weight), 2)) for weight in place)
    return f"({w1}, {w2})"


@with_style
def surface(
    loss: PairFunction,
    minimum: Sequence[float] | None = None,
    *,
    w1_range: Range = MAP_W1,
    w2_range: Range = MAP_W2,
) -> Figure:
    """Draw a cost J(w1, w2) as a surface and, beside it, as a map.

    Parameters
    ----------
    loss : callable
        `loss(w1, w2)`, for arrays or, failing that, for single numbers.
    minimum : (w1, w2, J), optional
        Marked with a star.
    w1_range, w2_range : (float, float)
        The rectangle to draw.

    Raises
    ------
    ValueError
        If the cost is nowhere finite, or `minimum` is not three numbers.
    """
    grid = CostMap.of(loss, w1_range, w2_range)
    figure = plt.figure(figsize=(12, 5.2))
    space: Any = figure.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)
    above = figure.add_subplot(1, 2, 2)

    space.plot_surface(grid.w1, grid.w2, grid.cost, cmap="viridis", rcount=60, ccount=60)
    space.set_title("In space")
    space.set_xlabel("weight $w_1$", labelpad=6)
    space.set_ylabel("weight $w_2$", labelpad=10)
    space.set_zlabel("cost $J$", labelpad=10)
    space.view_init(elev=28, azim=-60)
    space.set_box_aspect((10, 13, 9), zoom=0.95)

    heights = grid.draw(above, mpl.colormaps["viridis"])
    above.set_title("From above")
    add_colourbar(figure, heights, above, "cost $J$")
    if minimum is not None:
        w1, w2, height = array_of_shape(minimum, "minimum", (3,)).astype(float)
        label = f"minimum: $J$({short_number(w1)}, {short_number(w2)}) = {short_number(height)}"
        mark_minimum(above, (w1, w2), label)
        space.plot([w1], [w2], [height], "*", color=YELLOW, mec="black", markersize=17, zorder=9)
        above.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12))
    lowest = grid.lowest()
    where = f" at {place_aloud(lowest)}" if lowest else ""
    set_alt_text(
        figure,
        "The cost J over the weights w1 and w2, in space and from above, with lines of equal cost: "
        f"from {number_aloud(np.nanmin(grid.cost))}{where} up to "
        f"{number_aloud(np.nanmax(grid.cost))}.",
    )
    return figure


@dataclass(frozen=True)
class Walk:
    """The part of an optimiser's path that is on the map."""

    label: str
    points: NDArray[Any]
    steps: int
    ends_on_map: bool

    @classmethod
    def of(cls, label: str, path: Any, w1_range: Range, w2_range: Range) -> Walk:
        """Return the part of a path (n, 2) on the map; raise ValueError if it is never on it."""
        points = array_of_shape(path, f"The path '{label}'", ("n", 2)).astype(float)
        low, high = np.array([w1_range, w2_range], dtype=float).T
        inside = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
        if not len(inside):
            raise ValueError(
                f"The path '{label}' has no point on the map: it begins at {points[0].tolist()}. "
                "Check the path, or widen w1_range and w2_range."
            )
        left_after = int(inside[-1]) + 1
        # Keep one point outside the map, to show the direction; a step to infinity has none.
        shown = points[: left_after + 1]
        shown = shown[np.isfinite(shown).all(axis=1)]
        far = 1e4 * (high - low)
        return cls(
            label, np.clip(shown, low - far, high + far), left_after, left_after == len(points)
        )

    def length(self) -> str:
        """Return as text the walk's number of updates, or after how many it leaves the map."""
        if self.ends_on_map:
            return amount(self.steps - 1, "update")
        return f"leaves the map after {amount(self.steps, 'update')}"

    def describe(self) -> str:
        """Return the walk's label and length."""
        return f"{self.label} ({self.length()})"

    def every(self) -> int:
        """Return n such that marking every n-th point marks at most a hundred."""
        return 1 + len(self.points) // 100


def draw_walks(
    axes: Axes, walks: Sequence[Walk], minimum: Sequence[float] | None, label: str = "minimum"
) -> tuple[list[Line2D], list[Line2D]]:
    """Draw paths with their start and end; return the trails and the marks at their ends."""
    trails, heads = [], []
    outline = [withStroke(linewidth=3.5, foreground="white")]
    for index, walk in enumerate(walks):
        colour, marker = LINE_COLOURS[index % len(LINE_COLOURS)], MARKERS[index % len(MARKERS)]
        w1, w2 = walk.points.T
        (trail,) = axes.plot(
            w1,
            w2,
            color=colour,
            linewidth=2,
            marker=marker,
            markersize=4.5,
            label=walk.describe(),
            path_effects=outline,
            zorder=4,
        )
        (head,) = axes.plot(
            w1[-1:],
            w2[-1:],
            color=colour,
            marker=marker,
            markersize=9,
            markeredgecolor="white",
            markeredgewidth=1.2,
            linestyle="none",
            visible=walk.ends_on_map,
            zorder=7,
        )
        trails.append(trail)
        heads.append(head)
    if minimum is not None:
        mark_minimum(axes, minimum, label)
    ring: dict[str, Any] = {"linestyle": "none", "marker": "o", "mfc": "none", "mec": "black"}
    starts = np.array([walk.points[0] for walk in walks])
    axes.plot(*starts.T, markersize=13, mew=2, label="start", zorder=6, **ring)
    axes.plot([], [], markersize=9, label="end (large mark)", **ring)
    return trails, heads


@with_style
def batch_surfaces(
    full: PairFunction,
    batches: Sequence[PairFunction] | Mapping[str, PairFunction],
    paths: ArrayLike | Mapping[str, ArrayLike] | None = None,
    *,
    w1_range: Range = MAP_W1,
    w2_range: Range = MAP_W2,
) -> Figure:
    """Draw the cost of all data and, beside it, the costs of a few small batches.

    Parameters
    ----------
    full : callable
        `full(w1, w2)`, the cost of all data.
    batches : sequence of callables, or dict of label to callable
        The costs of single batches, with the same arguments. For each, two contour lines are drawn,
        at the same heights above its own minimum, and the minimum if it is on the map.
    paths : array (n, 2), or dict of label to such an array, optional
        Drawn on the map of all data, as `paths` draws them.
    w1_range, w2_range : (float, float)
        The rectangle to draw.

    Raises
    ------
    ValueError
        If there is no batch, a cost is nowhere finite, or a path is malformed.
    """
    named = batches if isinstance(batches, Mapping) else _by_number(batches, "batch")
    grids = {
        label: CostMap.of(loss, w1_range, w2_range)
        for label, loss in named_series(named, "batch").items()
    }
    whole = CostMap.of(full, w1_range, w2_range)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 6.6), sharex=True, sharey=True)
    add_colourbar(figure, whole.draw(left), left, "cost of all data")
    left.set_title("All data")
    walks = {} if paths is None else named_series(paths, "path")
    lowest_of_all, label_of_all = whole.lowest(), "minimum of all data"
    if walks:
        shown = [Walk.of(*item, w1_range, w2_range) for item in walks.items()]
        draw_walks(left, shown, lowest_of_all, label_of_all)
    elif lowest_of_all:
        mark_minimum(left, lowest_of_all, label_of_all)
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)

    right.contour(whole.w1, whole.w2, whole.cost, whole.levels(16), colors="#cccccc", linewidths=1)
    rise = (np.nanmax(whole.cost) - np.nanmin(whole.cost)) * np.array([0.02, 0.1])
    for index, (label, grid) in enumerate(grids.items()):
        colour, line = (
            LINE_COLOURS[index % len(LINE_COLOURS)],
            LINE_STYLES[index % len(LINE_STYLES)],
        )
        heights = np.nanmin(grid.cost) + rise
        right.contour(grid.w1, grid.w2, grid.cost, heights, colors=colour, linestyles=[line])
        lowest, marker = grid.lowest(), MARKERS[index % len(MARKERS)]
        right.plot(
            *(lowest or (np.nan, np.nan)),
            color=colour,
            linestyle=line,
            marker=marker if lowest else "",
            markersize=10,
            markeredgecolor="black",
            zorder=7,
            label=label if lowest else f"{label} (minimum off the map)",
        )
    if lowest_of_all:
        mark_minimum(right, lowest_of_all, label_of_all)
    right.set_title("Single batches, over all data in grey")
    whole.frame(right)
    right.set_ylabel("")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
    minima = "; ".join(
        f"{label} at {place_aloud(lowest)}" if lowest else f"{label} off the map"
        for label, grid in {"all data": whole, **grids}.items()
        for lowest in [grid.lowest()]
    )
    set_alt_text(
        figure, f"Lines of equal cost, of all data and of single batches. Minima: {minima}."
    )
    return figure


def _by_number(values: Sequence[Any], noun: str) -> dict[str, Any]:
    return {f"{noun} {number}": value for number, value in enumerate(values, start=1)}
