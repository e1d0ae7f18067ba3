"""The pictures of the three notebooks: one function each, which returns the figure it drew.

A function takes what it draws as arguments: lists, arrays or tensors, none of which it changes. In
a notebook, end the call with a semicolon: the figure shows itself when the cell ends.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Circle, Patch
from matplotlib.patheffects import withStroke

from course_utils.explore import explore
from course_utils.landscapes import Range

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "batch_surfaces",
    "batches",
    "class_bars",
    "compare_training",
    "costs",
    "distances",
    "drawings",
    "embedding",
    "explore",
    "loss_against_distance",
    "masks",
    "network",
    "pairs",
    "paths",
    "roc",
    "segmentation",
    "side_by_side",
    "spoiled_slice",
    "surface",
    "training",
]

# Okabe and Ito (2008): told apart with any colour vision. Yellow is too pale for lines on white.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, YELLOW = "#E69F00", "#56B4E9", "#000000", "#F0E442"
LINE_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "--")
TISSUE_COLOURS = (BLACK, SKY, ORANGE, YELLOW, VERMILLION, PURPLE, GREEN, BLUE)
GREY = "#6f6f6f"

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 12,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 13,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.max_open_warning": 0,
    "figure.titlesize": 14,
    "font.size": 11,
    "grid.color": "#dddddd",
    "legend.fontsize": 11,
    "lines.linewidth": 2,
}

MAX_ANIMATION_FRAMES = 60
SMALLEST_SHARE = 1e-9
"""On a logarithmic axis costs are drawn down to this share of the largest."""
# A notebook's backend turns interactive drawing on when it is first used. Inside `rc_context` that
# would be forgotten again, and only the first picture would be shown: so it is used here.
plt.switch_backend(mpl.get_backend())

MAP_W1 = (-5.0, 5.0)
MAP_W2 = (-8.0, 5.0)
POINTS = 121
"""Along each axis, a cost is evaluated at so many points, and drawn in PIXELS pixels."""
PIXELS = 601
# Pale, so that paths in strong colours stand out: white in the valley, darker uphill.
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#ffffff", "#cfdfec", "#86a8c5"])

PairFunction = Callable[[Any, Any], Any]
P = ParamSpec("P")
R = TypeVar("R")


def _with_style(function: Callable[P, R]) -> Callable[P, R]:
    """Draw in the course's style, and leave the student's own settings as they are."""

    @functools.wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(STYLE):
            drawn = function(*args, **kwargs)
        if isinstance(drawn, Figure):
            _set_alt_text(drawn)
        return drawn

    return draw


def _set_alt_text(figure: Figure) -> None:
    """Give a figure a text for who cannot see it, which a notebook keeps beside the picture."""
    alt = getattr(figure, "alt", "") or _words_in_figure(figure)

    def show(**_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        png = io.BytesIO()
        figure.savefig(png, format="png", bbox_inches="tight")
        return {"image/png": png.getvalue(), "text/plain": alt}, {"image/png": {"alt": alt}}

    figure.__dict__.update(_repr_mimebundle_=show, alt=alt)


def _set_own_alt_text(figure: Figure, alt: str) -> None:
    """Give a figure a text of its own, where its titles and legends would say too little."""
    figure.__dict__["alt"] = alt.replace("_", "")


def _number_aloud(value: float) -> str:
    """Return a number as one reads it aloud: to three digits, or whole from a thousand on."""
    value += 0.0  # no minus before 0
    return (f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}").replace("-", "−")


def _course_over_time(values: NDArray[Any]) -> str:
    """Return where a series begins and ends, and its lowest value if that lies in between."""
    known = values[np.isfinite(values)]
    if not len(known):
        return "no finite number"
    first, last, lowest = map(_number_aloud, (known[0], known[-1], known.min()))
    between = "" if lowest in (first, last) else f" (lowest: {lowest})"
    return f"from {first} to {last}{between}"


def _words_in_figure(figure: Figure) -> str:
    """Return what a figure says in words: titles, names of axes, and legends."""
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        names = [axes.get_xlabel(), axes.get_ylabel()]
        found.append(axes.get_title(loc="center") or axes.get_title(loc="left"))
        if all(names):
            found.append(f"{names[1]} against {names[0]}")
        elif axes.get_label() != "<colorbar>":
            found += names
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    entries = [text.get_text() for legend in legends if legend for text in legend.get_texts()]
    found += [f"shown: {', '.join(dict.fromkeys(entries))}"] if entries else []
    words = "; ".join(dict.fromkeys(" ".join(text.split()) for text in found if text.strip()))
    return f"{words.replace('$', '').replace('_', '')[:400]}."


# ---------------------------------------------------------------- what comes in


def _numpy(values: Any) -> NDArray[Any]:
    if hasattr(values, "detach"):
        return np.asarray(values.detach().cpu().numpy())
    if isinstance(values, (list, tuple)):
        values = [_numpy(value) if hasattr(value, "detach") else value for value in values]
    return np.asarray(values)


def _array_of_shape(values: Any, what: str, shape: tuple[int | str, ...]) -> NDArray[Any]:
    """Return `values` as an array of the `shape`, in which a letter stands for any length but 0."""
    wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    try:
        array = _numpy(values)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} should be an array of numbers of shape {wanted}, and is not one.")
    fits = array.ndim == len(shape) and all(
        have == want or (isinstance(want, str) and have > 0)
        for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{what} should have the shape {wanted}, and has {array.shape}.")
    return array


def _name_axes(values: Any, default: str) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        return {default: values}
    if not values:
        raise ValueError("There is nothing to draw: give at least one series.")
    return {str(label): value for label, value in values.items()}


def _same_length(**arrays: NDArray[Any]) -> None:
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(array)}" for name, array in arrays.items())
        raise ValueError(f"These should be equally long: {lengths}.")


def _images(values: Any, what: str) -> NDArray[Any]:
    """Return drawings as (N, height, width), ink 1 on paper 0."""
    array = _numpy(values)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    array = _array_of_shape(array, what, ("N", "height", "width"))
    return array / (255.0 if array.max() > 1 else 1.0)


def _drop_non_finite(values: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.isfinite(values), values, np.nan)


def _per_epoch(values: NDArray[Any], batches_per_epoch: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return at which batch each epoch ends, and the mean over its batches."""
    if batches_per_epoch < 1:
        raise ValueError(f"batches_per_epoch should be 1 or more, and is {batches_per_epoch}.")
    starts = np.arange(0, len(values), batches_per_epoch)
    ends = np.minimum(starts + batches_per_epoch, len(values))
    return ends, np.add.reduceat(values, starts) / (ends - starts)


# ---------------------------------------------------------------- cost surfaces


@dataclass(frozen=True)
class _Map:
    """A cost over a rectangle of weights: three (n, n) arrays."""

    w1: NDArray[Any]
    w2: NDArray[Any]
    cost: NDArray[Any]

    @classmethod
    def of(cls, loss: PairFunction, w1_range: Range, w2_range: Range) -> _Map:
        w1, w2 = np.meshgrid(np.linspace(*w1_range, POINTS), np.linspace(*w2_range, POINTS))
        try:
            cost = _numpy(loss(w1.copy(), w2.copy()))
        except (TypeError, ValueError):
            cost = np.empty(0)
        if cost.shape != w1.shape:
            cost = np.vectorize(lambda a, b: float(loss(float(a), float(b))), [float])(w1, w2)
        cost = _drop_non_finite(cost.astype(float))
        if np.isnan(cost).all():
            raise ValueError("The cost is not a finite number anywhere on this map.")
        return cls(w1, w2, cost)

    def levels(self, count: int) -> NDArray[Any]:
        """Return heights for contour lines, denser near the bottom, where the descent ends."""
        low, high = np.nanmin(self.cost), np.nanmax(self.cost)
        return np.asarray(low + max(high - low, 1e-9) * np.linspace(0, 1, count) ** 2)

    def lowest(self) -> tuple[float, float] | None:
        """Return the lowest point, or None if it is at the edge: the valley is then elsewhere."""
        row, column = np.unravel_index(np.nanargmin(self.cost), self.cost.shape)
        last = len(self.cost) - 1
        if {int(row), int(column)} & {0, last}:
            return None
        return float(self.w1[row, column]), float(self.w2[row, column])

    def draw(self, axes: Axes, colours: Colormap = HEIGHTS) -> Any:
        """Draw the heights in bands, with a line between any two, on axes of equal scale.

        Matplotlib's own contours take ten times as long, too long for a slider.
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
        axes.set_aspect("equal")
        axes.set(
            xlabel="weight $w_1$",
            ylabel="weight $w_2$",
            xlim=(self.w1.min(), self.w1.max()),
            ylim=(self.w2.min(), self.w2.max()),
        )
        axes.grid(False)


def _enlarge(values: NDArray[Any], rows: int, columns: int) -> NDArray[np.float32]:
    """Return values at rows by columns points, linearly in between."""
    for length in (rows, columns):
        place = np.linspace(0, len(values) - 1, length)
        before = np.minimum(place.astype(int), len(values) - 2)
        rest = (place - before)[:, None].astype(np.float32)
        values = (values[before] * (1 - rest) + values[before + 1] * rest).T
    return values.astype(np.float32)


def _colourbar(
    figure: Figure, heights: Any, axes: Axes, label: str, cax: Axes | None = None
) -> None:
    ticks = heights.norm.boundaries[::3]
    figure.colorbar(heights, ax=axes, cax=cax, label=label, ticks=ticks, format="%.0f")


def _with_sign(number: float) -> str:
    return f"{number:.4g}".replace("-", "−")


def _star(axes: Axes, minimum: Sequence[float], label: str = "minimum") -> None:
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


@_with_style
def surface(
    loss: PairFunction,
    minimum: Sequence[float] | None = None,
    *,
    w1_range: Range = MAP_W1,
    w2_range: Range = MAP_W2,
) -> Figure:
    """Draw a cost J(w1, w2) as a surface in space and, beside it, from above.

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
        If the cost is nowhere a finite number, or `minimum` does not hold three numbers.
    """
    grid = _Map.of(loss, w1_range, w2_range)
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
    _colourbar(figure, heights, above, "cost $J$")
    if minimum is not None:
        w1, w2, height = _array_of_shape(minimum, "minimum", (3,)).astype(float)
        label = f"minimum: $J$({_with_sign(w1)}, {_with_sign(w2)}) = {_with_sign(height)}"
        _star(above, (w1, w2), label)
        space.plot([w1], [w2], [height], "*", color=YELLOW, mec="black", markersize=17, zorder=9)
        above.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12))
    _set_own_alt_text(
        figure,
        "The cost J over the weights w1 and w2, in space and from above, with lines of equal cost: "
        f"from {_number_aloud(np.nanmin(grid.cost))}{_where(grid.lowest())} up to "
        f"{_number_aloud(np.nanmax(grid.cost))}.",
    )
    return figure


def _where(place: Sequence[float] | None) -> str:
    """Return " at (w1, w2)" for a text, or nothing."""
    w1, w2 = (0, 0) if place is None else (round(float(weight), 2) + 0.0 for weight in place)
    return "" if place is None else f" at ({_number_aloud(w1)}, {_number_aloud(w2)})"


@dataclass(frozen=True)
class _Walk:
    """An optimiser's path as far as the map shows it."""

    label: str
    points: NDArray[Any]
    steps: int
    ends_on_map: bool

    @classmethod
    def of(cls, label: str, path: Any, w1_range: Range, w2_range: Range) -> _Walk:
        points = _array_of_shape(path, f"The path '{label}'", ("n", 2)).astype(float)
        low, high = np.array([w1_range, w2_range], dtype=float).T
        inside = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
        if not len(inside):
            raise ValueError(
                f"The path '{label}' has no point on the map: it begins at {points[0].tolist()}. "
                "Check the path, or widen w1_range and w2_range."
            )
        left_after = int(inside[-1]) + 1
        # One point outside is kept, to show where to; a step to infinity has no direction to show.
        shown = points[: left_after + 1]
        shown = shown[np.isfinite(shown).all(axis=1)]
        far = 1e4 * (high - low)
        return cls(
            label, np.clip(shown, low - far, high + far), left_after, left_after == len(points)
        )

    def length(self) -> str:
        if self.ends_on_map:
            return _amount(self.steps - 1, "update")
        return f"leaves the map after {_amount(self.steps, 'update')}"

    def describe(self) -> str:
        return f"{self.label} ({self.length()})"

    def every(self) -> int:
        """Return of how many points one is marked, so that at most a hundred are."""
        return 1 + len(self.points) // 100


def _amount(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {nouns or noun + 's'}"


def _draw_walks(
    axes: Axes, walks: Sequence[_Walk], minimum: Sequence[float] | None, label: str = "minimum"
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
        _star(axes, minimum, label)
    ring: dict[str, Any] = {"linestyle": "none", "marker": "o", "mfc": "none", "mec": "black"}
    starts = np.array([walk.points[0] for walk in walks])
    axes.plot(*starts.T, markersize=13, mew=2, label="start", zorder=6, **ring)
    axes.plot([], [], markersize=9, label="end (large mark)", **ring)
    return trails, heads


@_with_style
def paths(
    loss: PairFunction,
    paths: ArrayLike | Mapping[str, ArrayLike],
    *,
    minimum: Sequence[float] | None = None,
    w1_range: Range = MAP_W1,
    w2_range: Range = MAP_W2,
    title: str = "",
    animate: bool = False,
) -> Figure | HTML:
    """Draw one or several optimisers' paths on the map of the cost.

    Parameters
    ----------
    loss : callable
        `loss(w1, w2)`, for arrays or, failing that, for single numbers.
    paths : array (n, 2), or dict of label to such an array
        The weights (w1, w2) before the first step and after each. A path that diverges is drawn to
        the edge of the map, and the legend says when it leaves.
    minimum : (w1, w2) or (w1, w2, J), optional
        Marked with a star.
    w1_range, w2_range : (float, float)
        The rectangle to draw.
    title : str, optional
        Above the map.
    animate : bool
        Return a film with controls instead of the figure (and leave out the semicolon after the
        call).

    Returns
    -------
    Figure or IPython.display.HTML

    Raises
    ------
    ValueError
        If a path is empty, not of shape (n, 2), or never on the map.
    """
    walks = [_Walk.of(*item, w1_range, w2_range) for item in _name_axes(paths, "path").items()]
    grid = _Map.of(loss, w1_range, w2_range)
    # A layout of its own, which need not be worked out: a slider waits for this picture.
    figure = plt.figure(figsize=(8.6, 6), layout="none")
    axes, bar = figure.add_axes((0.08, 0.1, 0.42, 0.82)), figure.add_axes((0.53, 0.1, 0.02, 0.4))
    _colourbar(figure, grid.draw(axes), axes, "cost $J$", cax=bar)
    trails, heads = _draw_walks(axes, walks, minimum)
    axes.set_title(title, loc="left")
    figure.legend(loc="upper left", bbox_to_anchor=(0.52, 0.93))
    ways = "; ".join(
        f"{walk.describe()}, from{_where(walk.points[0])[3:]} to{_where(walk.points[-1])[3:]}"
        for walk in walks
    )
    goal = "" if minimum is None else f" The minimum is{_where(_numpy(minimum)[:2].tolist())}."
    _set_own_alt_text(
        figure, f"Paths on the map of the cost. {f'{title}. ' if title else ''}{ways}.{goal}"
    )
    return _film(figure, axes, walks, trails, heads) if animate else figure


PLAYER = """
<figure id="{name}" style="margin: 0">
<div style="position: relative">
<img src="{background}" alt="The map of the cost, and on it the paths, step by step">
<img src="{last}" alt="" style="position: absolute; left: 0; top: 0"></div>
<div><button type="button">Play</button>
<input type="range" min="0" max="{end}" value="{end}" aria-label="frame" style="width: 22em"></div>
</figure>
<script>
(() => {{
  const frames = {frames}, end = {end}, film = document.getElementById("{name}");
  const [, paths] = film.querySelectorAll("img");
  const button = film.querySelector("button"), slider = film.querySelector("input");
  let timer = null;
  const show = frame => {{ slider.value = frame; paths.src = frames[frame]; }};
  const pause = () => {{ clearInterval(timer); timer = null; button.textContent = "Play"; }};
  const play = () => {{
    let frame = slider.value >= end ? 0 : +slider.value;
    button.textContent = "Pause";
    timer = setInterval(() => frame > end ? pause() : show(frame++), 150);
  }};
  slider.oninput = () => {{ pause(); show(+slider.value); }};
  button.onclick = () => timer ? pause() : play();
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
}})();
</script>
"""


def _film(
    figure: Figure,
    axes: Axes,
    walks: Sequence[_Walk],
    trails: Sequence[Line2D],
    heads: Sequence[Line2D],
) -> HTML:
    """Play the walks over one picture of the map.

    Matplotlib's own player draws the map anew for each frame, which is twenty times the size, and
    fetches its icons from the internet.
    """
    from IPython.display import HTML

    canvas: Any = FigureCanvasAgg(figure)
    figure.set_dpi(80)
    step = axes.text(0.02, 0.02, "", transform=axes.transAxes, weight="bold")
    moving = (*trails, *heads, step)
    for artist in moving:
        artist.set(animated=True, visible=True, path_effects=None)
    background = io.BytesIO()
    canvas.print_png(background)

    frames = []
    renderer = canvas.get_renderer()
    longest = max(len(walk.points) for walk in walks)
    for moment in np.unique(np.linspace(0, longest - 1, MAX_ANIMATION_FRAMES).round().astype(int)):
        step.set_text(f"step {moment}")
        for walk, trail, head in zip(walks, trails, heads, strict=True):
            trail.set_data(*walk.points[: moment + 1].T)
            head.set_data(*walk.points[: moment + 1][-1:].T)
        renderer.clear()
        for artist in moving:
            artist.draw(renderer)
        frame = io.BytesIO()
        plt.imsave(frame, np.asarray(canvas.buffer_rgba()))
        frames.append(_data_uri(frame))
    plt.close(figure)  # or the notebook would show it beneath the film
    page = PLAYER.format(
        name=f"film-{uuid.uuid4().hex}",
        background=_data_uri(background),
        last=frames[-1],
        end=len(frames) - 1,
        frames=json.dumps(frames),
    )
    return HTML(page)  # type: ignore[no-untyped-call]


class Picture:
    """A finished picture, which a notebook shows, with a text for who cannot see it.

    Attributes
    ----------
    png : bytes
    alt : str
        What there is to see.
    """

    def __init__(self, png: bytes, alt: str) -> None:
        self.png = png
        self.alt = alt

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self.png, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


class _Stage:
    """A row of maps and a panel for costs, whose frames, ticks and names are drawn only once.

    To draw these takes Matplotlib ten times as long as all that moves on them.
    """

    HEIGHT, MARGIN, GAP, COSTS = 3.6, 0.75, 0.45, 3.1  # inches

    def __init__(
        self, maps: int, w1_range: Range, w2_range: Range, updates: int, *, titled: bool
    ) -> None:
        wide = self.HEIGHT * (w1_range[1] - w1_range[0]) / (w2_range[1] - w2_range[0])
        across = self.MARGIN + maps * (wide + self.GAP) + self.GAP + self.COSTS + 0.2
        up = self.HEIGHT + (1.5 if titled else 1.2)
        self.figure = Figure(figsize=(across, up))
        self.figure.set_layout_engine("none")
        self.canvas: Any = FigureCanvasAgg(self.figure)
        self.maps = []
        for number in range(maps):
            left = self.MARGIN + number * (wide + self.GAP)
            axes = self.figure.add_axes((left / across, 0.62 / up, wide / across, self.HEIGHT / up))
            axes.set(xlim=w1_range, ylim=w2_range, xlabel="weight $w_1$")
            axes.grid(False)
            if number:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("weight $w_2$", labelpad=2)
            self.maps.append(axes)
        left = across - self.COSTS - 0.2
        self.costs = self.figure.add_axes(
            (left / across, 0.62 / up, self.COSTS / across, self.HEIGHT / up)
        )
        self.costs.set(
            xlim=(0, updates),
            ylim=(1e-6, 3),
            yscale="log",
            xlabel="update",
            title="Cost left (start = 1)",
        )
        self.costs.minorticks_off()
        canvas: Any = self.canvas
        canvas.draw()
        self.frames = canvas.copy_from_bbox(self.figure.bbox)

    def draw(self, grid: _Map, walks: Sequence[_Walk], left: Sequence[Any], **words: Any) -> bytes:
        """Return a picture of walks on the map, and of which share of their first cost is left."""
        self.canvas.restore_region(self.frames)
        renderer, pixels = self.canvas.get_renderer(), np.asarray(self.canvas.buffer_rgba())
        left_edge, low, right_edge, high = np.rint(self.maps[0].bbox.extents).astype(int)
        picture = grid.picture(high - low, right_edge - left_edge, HEIGHTS)[::-1]
        minimum, title, notes = words["minimum"], words["title"], words["notes"]
        moving: list[Any] = []
        for index, (axes, walk, note) in enumerate(zip(self.maps, walks, notes, strict=True)):
            colour = LINE_COLOURS[index]
            look: dict[str, Any] = {"color": colour, "marker": MARKERS[index], "markersize": 4}
            x, y = round(axes.bbox.x0), len(pixels) - high
            pixels[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
            outline = axes.plot(*walk.points.T, color="white", linewidth=4)
            trail = axes.plot(*walk.points.T, linewidth=1.8, markevery=walk.every(), **look)
            star = [] if minimum is None else axes.plot(*minimum, "*", ms=22, mfc=YELLOW, mec="k")
            start = axes.plot(*walk.points[0], "o", ms=11, mfc="none", mec="black", mew=1.8)
            end = axes.plot(
                *walk.points[-1], MARKERS[index], ms=8, color=colour, mec="white", mew=1
            )
            name = axes.text(
                0, 1.03, f"{walk.label}\n{note}", transform=axes.transAxes, fontsize=11
            )
            moving += [(axes, part) for part in (*outline, *trail, *star, *start, *end, name)]
            (curve,) = self.costs.plot(left[index], color=colour, linestyle=LINE_STYLES[index])
            moving.append((self.costs, curve))
        words_above = self.figure.text(0.01, 0.945, title, fontsize=13)
        for axes, part in moving:
            axes.draw_artist(part)
        words_above.draw(renderer)
        for part in (*(part for _, part in moving), words_above):
            part.remove()
        return _png(self.canvas)


_stage = functools.lru_cache(maxsize=8)(_Stage)


@_with_style
def side_by_side(
    loss: PairFunction,
    paths: Mapping[str, ArrayLike],
    *,
    minimum: Sequence[float] | None = None,
    w1_range: Range = MAP_W1,
    w2_range: Range = MAP_W2,
    notes: Mapping[str, str] | None = None,
    updates: int | None = None,
    title: str = "",
) -> Picture:
    """Draw optimisers' paths, each on a map of its own, and how fast their costs fall.

    It takes some hundredths of a second, so that the picture follows a slider.

    Parameters
    ----------
    loss : callable
        `loss(w1, w2)`, for arrays or, failing that, for single numbers.
    paths : dict of label to array (n, 2)
        As `paths` takes them; at most seven.
    minimum : (w1, w2) or (w1, w2, J), optional
        Marked with a star. Costs are measured from it, or else from the lowest one on the map.
    w1_range, w2_range : (float, float)
        The rectangle to draw.
    notes : dict of label to str, optional
        Written beneath the labels; by default the number of updates.
    updates : int, optional
        Where the axis of the costs ends; by default with the longest path.
    title : str, optional
        Above the panels.

    Raises
    ------
    ValueError
        If a path is empty, not of shape (n, 2), or never on the map.
    """
    named = _name_axes(paths, "path")
    walks = [_Walk.of(*item, w1_range, w2_range) for item in named.items()]
    grid = _Map.of(loss, w1_range, w2_range)
    lowest = np.nanmin(grid.cost) if minimum is None else float(loss(*map(float, minimum[:2])))
    left = []
    for path in map(_numpy, named.values()):
        with np.errstate(all="ignore"):
            heights = _drop_non_finite(np.array([float(loss(a, b)) for a, b in path]) - lowest)
            left.append(np.where(heights > 0, heights, 0) / heights[0])
    words = [(notes or {}).get(walk.label, walk.length()) for walk in walks]
    longest = updates or max(len(_numpy(path)) for path in named.values()) - 1
    stage = _stage(
        len(walks), tuple(w1_range), tuple(w2_range), max(longest, 1), titled=bool(title)
    )
    place = None if minimum is None else [float(value) for value in minimum[:2]]
    png = stage.draw(grid, walks, left, minimum=place, title=title, notes=words)
    told = "; ".join(f"{walk.label}: {note}" for walk, note in zip(walks, words, strict=True))
    above = f"{title}. " if title else ""
    return Picture(png, f"Maps of the cost with a path each, and the costs. {above}{told}.")


def _png(canvas: Any) -> bytes:
    """Return what a canvas shows, in few colours and hardly compressed: somebody waits for it."""
    from PIL import Image

    png = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    picture = picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    colours = np.array(picture.getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) > 250] = 255  # else the paper would not be quite as white as a page
    picture.putpalette(colours.ravel().tolist())
    picture.save(png, "png", compress_level=1)
    return png.getvalue()


def _data_uri(png: io.BytesIO) -> str:
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


@_with_style
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
        The costs of single batches, called alike. Two contour lines of each are drawn, at the same
        heights above its own minimum, and the minimum if it is on the map.
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
        label: _Map.of(loss, w1_range, w2_range)
        for label, loss in _name_axes(named, "batch").items()
    }
    whole = _Map.of(full, w1_range, w2_range)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 6.6), sharex=True, sharey=True)
    _colourbar(figure, whole.draw(left), left, "cost of all data")
    left.set_title("All data")
    walks = {} if paths is None else _name_axes(paths, "path")
    lowest_of_all, label_of_all = whole.lowest(), "minimum of all data"
    if walks:
        shown = [_Walk.of(*item, w1_range, w2_range) for item in walks.items()]
        _draw_walks(left, shown, lowest_of_all, label_of_all)
    elif lowest_of_all:
        _star(left, lowest_of_all, label_of_all)
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
        _star(right, lowest_of_all, label_of_all)
    right.set_title("Single batches, over all data in grey")
    whole.frame(right)
    right.set_ylabel("")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
    minima = "; ".join(
        f"{label}{_where(grid.lowest())}" if grid.lowest() else f"{label} off the map"
        for label, grid in {"all data": whole, **grids}.items()
    )
    _set_own_alt_text(
        figure, f"Lines of equal cost, of all data and of single batches. Minima: {minima}."
    )
    return figure


def _by_number(values: Sequence[Any], noun: str) -> dict[str, Any]:
    return {f"{noun} {number}": value for number, value in enumerate(values, start=1)}


# ---------------------------------------------------------------- training


@_with_style
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
        Draw the excess over `minimum` on a logarithmic axis; a value at or below it has no place
        there and is left out.
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
        label: _array_of_shape(values, f"costs of '{label}'", ("n",)).astype(float)
        for label, values in _name_axes(costs, ylabel).items()
    }
    shown = {label: _drop_non_finite(values) for label, values in series.items()}
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
        ylabel = f"{ylabel} − minimum ({_with_sign(minimum)})" if minimum else ylabel
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if np.isfinite(ceiling):
        low = np.nanmin(np.concatenate(list(shown.values())))
        axes.set_ylim(low / 2 if log else low - 0.05 * (ceiling - low), ceiling)
    if log:  # below that there is nothing but rounding
        first = max(np.nanmax(values) for values in shown.values())
        axes.set_ylim(bottom=max(axes.get_ylim()[0], SMALLEST_SHARE * first))
    if isinstance(costs, Mapping) or diverging:
        axes.legend()
    ways = "; ".join(
        f"{label}{' (diverges)' * (label in diverging)} {_course_over_time(values)}"
        for label, values in shown.items()
    )
    _set_own_alt_text(figure, f"{f'{title}: ' if title else ''}{ylabel} against {xlabel}. {ways}.")
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


@_with_style
def training(
    costs: ArrayLike,
    accuracies: ArrayLike,
    *,
    batches_per_epoch: int | None = None,
    title: str = "",
) -> Figure:
    """Draw cost and accuracy during training, one point a batch.

    Parameters
    ----------
    costs : array (n,)
        One cost per batch.
    accuracies : array (n,)
        One accuracy per batch, in per cent.
    batches_per_epoch : int, optional
        Add a light line where each epoch ends, and the mean over each epoch.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the two are not one-dimensional and of one length, or `batches_per_epoch` is below 1.
    """
    series = {
        "cost J": _array_of_shape(costs, "costs", ("n",)).astype(float),
        "accuracy (per cent)": _array_of_shape(accuracies, "accuracies", ("n",)).astype(float),
    }
    _same_length(**series)
    figure, panels = plt.subplots(2, 1, figsize=(8, 6.4), sharex=True)
    for (label, values), axes, colour in zip(
        series.items(), panels, (BLUE, VERMILLION), strict=True
    ):
        values = _drop_non_finite(values)
        batch = np.arange(1, len(values) + 1)
        axes.set_ylabel(label)
        if batches_per_epoch is None:
            axes.plot(batch, values, color=colour)
            continue
        ends, means = _per_epoch(values, batches_per_epoch)
        axes.plot(batch, values, color=colour, linewidth=1, alpha=0.45, label="each batch")
        axes.plot(ends, means, "o-", color=colour, markersize=4, label="mean over the epoch")
        axes.grid(False, axis="x")
        for end in ends[:: -(-len(ends) // 50)]:  # at most some fifty lines, or they hide the curve
            axes.axvline(end, color="#cccccc", linewidth=0.8, zorder=0)
        axes.legend()
    panels[0].set_title(title)
    panels[1].set(xlabel="batch", ylim=(-3, 103))
    ways = "; ".join(f"{label} {_course_over_time(values)}" for label, values in series.items())
    length = _amount(len(series["cost J"]), "batch", "batches")
    _set_own_alt_text(figure, f"{f'{title}: ' if title else ''}A training of {length}: {ways}.")
    return figure


@_with_style
def compare_training(
    runs: Mapping[str, tuple[ArrayLike, int]],
    *,
    ylabel: str = "cost J",
    log_updates: bool = True,
    title: str = "",
) -> Figure:
    """Draw several trainings against updates and, beside it, against epochs.

    Parameters
    ----------
    runs : dict of label to (costs, batches_per_epoch)
        The costs are an array (n,), one per batch.
    ylabel : str
        What the costs are.
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
    for index, (label, (costs, batches_per_epoch)) in enumerate(_name_axes(runs, "").items()):
        values = _drop_non_finite(
            _array_of_shape(costs, f"costs of '{label}'", ("n",)).astype(float)
        )
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
        ways.append(
            f"{look['label']} {_course_over_time(means)} after {_amount(len(values), 'update')}"
        )
    ceiling, means = _ceiling(per_epoch), np.concatenate(per_epoch)
    low, high = np.nanmin(means[means > 0]), min(np.nanmax(means), ceiling)
    left.set(xlabel="update", ylabel=f"{ylabel}, mean over an epoch", title="Per update")
    left.set(yscale="log", ylim=(low / 1.5, high * 1.5))
    if log_updates:
        left.set(xscale="log", xlabel="update (logarithmic)")
    right.set(xlabel="epoch", title="Per epoch")
    # Beneath the panels: within one it would hide a curve sooner or later.
    entries = right.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=min(len(per_epoch), 4))
    figure.suptitle(title)
    _set_own_alt_text(
        figure,
        f"{f'{title}: ' if title else ''}{ylabel} per update and per epoch. {'; '.join(ways)}.",
    )
    return figure


@_with_style
def batches(
    labels_per_batch: Sequence[ArrayLike] | Mapping[str, Sequence[ArrayLike]],
    names: Sequence[str] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw what batches contain: one bar a batch, divided by class.

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
        order: [_labels(_numpy(labels).ravel(), f"a batch {order}", ("n",)) for labels in sequence]
        for order, sequence in _name_axes(labels_per_batch, "").items()
    }
    if not all(orders.values()):
        raise ValueError("There is no batch to draw: give one sequence of labels per batch.")
    classes = 1 + max(int(labels.max()) for sequence in orders.values() for labels in sequence)
    names = _class_names(names, classes)
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
    _set_own_alt_text(
        figure,
        f"{title} What each batch holds, as [{' '.join(names[:classes])}]: {held.strip()}.".strip(),
    )
    return figure


def _labels(values: Any, what: str, shape: tuple[int | str, ...]) -> NDArray[np.int64]:
    array = _array_of_shape(values, what, shape)
    if (array < 0).any() or (array != np.floor(array)).any():
        raise ValueError(f"{what} should hold class numbers: whole numbers from 0.")
    return array.astype(np.int64)


def _class_names(names: Sequence[str] | None, classes: int) -> list[str]:
    if names is None:
        return [f"class {number}" for number in range(classes)]
    if len(names) < classes:
        raise ValueError(f"There are {classes} classes, and only {len(names)} names for them.")
    return [str(name) for name in names]


@_with_style
def network(features: int = 301, hidden: int | str = "H") -> Figure:
    """Draw the two-layer perceptron, with the shape of everything that flows through it.

    Parameters
    ----------
    features : int
        Inputs of a sample, the bias among them.
    hidden : int or str
        Number of hidden units, or the letter that stands for it.
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
    _set_own_alt_text(
        figure,
        f"A network of {features} inputs, {hidden} hidden units and one output, each joined to all "
        f"of the layer before. Beneath it the way of a batch, with its shapes: {shapes}.",
    )
    return figure


# ---------------------------------------------------------------- segmentation


@_with_style
def segmentation(
    image: ArrayLike, truth: ArrayLike, prediction: ArrayLike, names: Sequence[str]
) -> Figure:
    """Draw a slice, its true tissues and the predicted ones, with one legend.

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
    picture = _array_of_shape(image, "image", ("W", "H"))
    shape = picture.shape
    maps = {
        "Truth": _labels(truth, "truth", shape),
        "Prediction": _labels(prediction, "prediction", shape),
    }
    names = _class_names(names, 1 + max(int(labels.max()) for labels in maps.values()))
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


@_with_style
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
    numbers = _array_of_shape(shares, "shares", (len(names),)).astype(float)
    right = _labels(truth, "truth", ("W", "H"))
    told = _labels(prediction, "prediction", right.shape)
    names = _class_names(names, 1 + int(max(right.max(), told.max())))
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
    wrong.set_title(f"wrong: {_amount(int(amiss.sum()), 'pixel')}", fontsize=12)
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
    _set_own_alt_text(
        figure, f"{title}. {amiss.sum()} pixels are wrong. Shares of the loss: {shown}."
    )
    return figure


@_with_style
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
        If the mask has not three dimensions, or there are more classes than names.
    """
    stack = _array_of_shape(one_hot, "one_hot", ("C", "W", "H"))
    names = _class_names(names, len(stack))
    columns = min(len(stack), 4)
    rows = -(-len(stack) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(2.7 * columns, 3.9 * rows), squeeze=False)
    for axes in panels.flat:
        axes.axis("off")
    for axes, mask, name in zip(panels.flat, stack, names, strict=False):
        axes.imshow(mask.T, cmap="cividis", vmin=0, vmax=1, origin="lower", interpolation="nearest")
        pixels = _amount(int(np.count_nonzero(mask)), "pixel") if mask.any() else "absent"
        axes.set_title(f"{name}\n{pixels}")
    return figure


@_with_style
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
    """Draw one bar a class for each of a few series, with its value above it.

    Parameters
    ----------
    values : array (C,), or dict of label to such an array
        One finite number per class.
    names : sequence of str
        The name of class 0, 1, …
    title, ylabel : str
        Above the picture, and beside its axis.
    reference : float, optional
        Drawn as a dashed line, called `reference_label` in the legend.
    log : bool
        Use a logarithmic axis; a class whose value is 0 or less then has no bar.

    Raises
    ------
    ValueError
        If a series has not one number per name, or holds one that is not finite.
    """
    series = {
        label: _array_of_shape(numbers, f"values of '{label}'", (len(names),)).astype(float)
        for label, numbers in _name_axes(values, "").items()
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
        upright = 0 if len(series) == 1 else 90  # beside each other they would overlap
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
    _set_own_alt_text(figure, f"Bars, {title or ylabel}. {'; '.join(told)}.")
    return figure


# ---------------------------------------------------------------- pairs of drawings


@_with_style
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
        If the images have another shape, or there are not as many labels.
    """
    ink = _images(images, "images")
    texts = [""] * len(ink) if labels is None else [str(label) for label in _as_list(labels)]
    _same_length(images=ink, labels=np.array(texts))
    size = (1.1, 1.1 if labels is None else 1.35)
    figure = _grid(list(ink), texts, [""] * len(ink), min(columns, len(ink)), size, title)
    _set_own_alt_text(
        figure, f"{title or 'Drawings of characters'}: {len(ink)}, {min(columns, len(ink))} a row."
    )
    return figure


@_with_style
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
        0 where the two are of the same class, 1 where not.
    distances : array (N,), optional
        Written beneath each pair.
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
    _same_length(images0=upper, images1=lower, labels=different)
    beneath = [""] * len(upper)
    if distances is not None:
        numbers = _array_of_shape(_numpy(distances).ravel(), "distances", (len(upper),))
        beneath = [f"{number:.2f}" for number in numbers]
    edge = np.full((len(upper), 3, upper.shape[2]), 0.35)
    stacked = np.concatenate([upper, edge, lower], axis=1)
    above = ["different" if other else "same" for other in different]
    title = title or ("Distances beneath the pairs" if distances is not None else "")
    figure = _grid(list(stacked), above, beneath, min(columns, len(upper)), (1.3, 3.1), title)
    told = ", ".join(
        f"{kind} {number}".strip() for kind, number in zip(above, beneath, strict=True)
    )
    _set_own_alt_text(figure, f"{title or 'Pairs of drawings, one above the other'}: {told}.")
    return figure


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


def _as_list(labels: Any) -> list[Any]:
    return list(_numpy(labels)) if hasattr(labels, "detach") else list(labels)


def _is_different(labels: Any) -> NDArray[np.bool_]:
    flags = _array_of_shape(_numpy(labels).ravel(), "labels", ("N",))
    if not np.isin(flags, (0, 1)).all():
        raise ValueError("Labels of pairs should be 0 (same) or 1 (different).")
    return flags.astype(bool)


@_with_style
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
        Where to evaluate, increasing; by default from 0 to one and a half margins.

    Raises
    ------
    ValueError
        If `distances` has fewer than two values, or the loss returns another shape.
    """
    if distances is None:
        distances = np.linspace(0, 1.5 * margin, 601)
    distance = _array_of_shape(distances, "distances", ("n",)).astype(float)
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
        values = _array_of_shape(values, "the loss", distance.shape).astype(float)
        if slopes is None:
            slopes = np.gradient(values, distance)
        slopes = _array_of_shape(slopes, "the slope", distance.shape).astype(float)
        ways.append(f"{name} {_course_over_time(values)}, its slope {_course_over_time(slopes)}")
        upper.plot(distance, values, color=colour, linestyle=line, label=name)
        lower.plot(distance, slopes, color=colour, linestyle=line)
    for axes in (upper, lower):
        axes.axvline(margin, color="black", linestyle=":", label=f"margin = {margin:g}")
    lower.axhline(0, color=GREY, linewidth=0.8)
    upper.set(ylabel="loss of a pair")
    lower.set(xlabel="distance of the two embeddings", ylabel="slope: loss per distance")
    upper.legend()
    across = f"distances {_course_over_time(distance)}"
    _set_own_alt_text(
        figure, f"The loss of a pair, margin {margin:g}, at {across}: {'; '.join(ways)}."
    )
    return figure


@_with_style
def embedding(
    points: ArrayLike,
    labels: Sequence[object],
    images: ArrayLike | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw a two-dimensional embedding, one colour and marker a class.

    Parameters
    ----------
    points : array (N, 2)
        Where the network puts each drawing.
    labels : sequence of N numbers or strings
        The class of each, at most sixteen different ones.
    images : array (N, height, width) or (N, 1, height, width), optional
        The drawings, ink 255 (or 1) on paper 0: the first of each class is shown in a key, and
        pale behind the middle of its points.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the lengths differ, a point is not finite, or there are more than sixteen classes.
    """
    places = _array_of_shape(points, "points", ("N", 2)).astype(float)
    kinds = np.array(_as_list(labels)).ravel()
    _same_length(points=places, labels=kinds)
    if not np.isfinite(places).all():
        raise ValueError("Some points are not finite numbers: the training has diverged.")
    ink = None if images is None else _images(images, "images")
    if ink is not None:
        _same_length(points=places, images=ink)
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
        # Behind the points, and pale: where the class is. In the key: which class it is.
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
    _set_own_alt_text(
        figure,
        f"A map of {_amount(len(places), 'drawing')} of {len(classes)} classes, each where the "
        "network puts it: first output across, second output up.",
    )
    return figure


@_with_style
def distances(distances: ArrayLike, labels: ArrayLike, *, title: str = "") -> Figure:
    """Draw how the distances of same and of different pairs are spread.

    Parameters
    ----------
    distances : array (N,) or (N, 1)
        One finite distance per pair.
    labels : array (N,) or (N, 1)
        0 where the two are of the same class, 1 where not.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the lengths differ, a distance is not finite, or a label is neither 0 nor 1.
    """
    import seaborn  # here, because it takes longer to import than everything else together

    numbers = _array_of_shape(_numpy(distances).ravel(), "distances", ("N",)).astype(float)
    different = _is_different(labels)
    _same_length(distances=numbers, labels=different)
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
            label=f"{name} ({_amount(len(chosen), 'pair')})",
            ax=axes,
        )
    axes.set(xlabel="distance of the two embeddings", ylabel="share of pairs per distance")
    axes.set_title(title)
    axes.legend()
    spread = "; ".join(
        f"{name} ({_amount(len(chosen), 'pair')}): half of them from {_number_aloud(low)} to "
        f"{_number_aloud(high)}, median {_number_aloud(middle)}"
        for name, chosen in (("same", numbers[~different]), ("different", numbers[different]))
        if len(chosen)
        for low, middle, high in [np.quantile(chosen, (0.25, 0.5, 0.75))]
    )
    _set_own_alt_text(figure, f"{title or 'Histograms of distances'}. {spread}.")
    return figure


@_with_style
def roc(
    false_alarms: ArrayLike,
    hits: ArrayLike,
    area: float,
    *,
    title: str = "",
) -> Figure:
    """Draw a receiver operating characteristic, and the diagonal that chance gives.

    Parameters
    ----------
    false_alarms, hits : array (n,)
        Which shares of similar and of different pairs are called different, one value of each per
        threshold, in order.
    area : float
        The area under the curve, for the legend.
    title : str, optional
        Above the picture.

    Raises
    ------
    ValueError
        If the two rates are not one-dimensional and of one length.
    """
    x = _array_of_shape(false_alarms, "false_alarms", ("n",))
    y = _array_of_shape(hits, "hits", ("n",))
    _same_length(false_alarms=x, hits=y)
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
    halfway = _number_aloud(float(np.interp(0.25, x, y)))
    _set_own_alt_text(
        figure,
        f"{f'{title}: ' if title else ''}ROC curve, hits against false alarms. The area is "
        f"{float(area):.2f}, that of chance 0.50; at 0.25 false alarms there are {halfway} hits.",
    )
    return figure
