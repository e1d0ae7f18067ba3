"""Draw optimisers' walks on the map of a cost: as a picture, an animation, or maps side by side."""

from __future__ import annotations

import base64
import functools
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from course_utils.cost_maps import (
    HEIGHTS,
    MAP_W1,
    MAP_W2,
    CostMap,
    Walk,
    add_colourbar,
    draw_walks,
    place_aloud,
)
from course_utils.landscapes import Range
from course_utils.plot_basics import (
    LINE_COLOURS,
    LINE_STYLES,
    MARKERS,
    YELLOW,
    PairFunction,
    drop_non_finite,
    named_series,
    set_alt_text,
    to_numpy,
    with_style,
)

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

__all__ = ["Picture", "paths", "side_by_side"]

MAX_ANIMATION_FRAMES = 60


@with_style
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
    walks = [Walk.of(*item, w1_range, w2_range) for item in named_series(paths, "path").items()]
    grid = CostMap.of(loss, w1_range, w2_range)
    # A fixed layout, which is fast, as a slider may be waiting for this picture.
    figure = plt.figure(figsize=(8.6, 6), layout="none")
    axes, bar = figure.add_axes((0.08, 0.1, 0.42, 0.82)), figure.add_axes((0.53, 0.1, 0.02, 0.4))
    add_colourbar(figure, grid.draw(axes), axes, "cost $J$", cax=bar)
    trails, heads = draw_walks(axes, walks, minimum)
    axes.set_title(title, loc="left")
    figure.legend(loc="upper left", bbox_to_anchor=(0.52, 0.93))
    ways = "; ".join(
        f"{walk.describe()}, from {place_aloud(start)} to {place_aloud(end)}"
        for walk in walks
        for start, end in [walk.points[[0, -1]]]
    )
    goal = ""
    if minimum is not None:
        goal = f" The minimum is at {place_aloud(to_numpy(minimum)[:2].tolist())}."
    set_alt_text(
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
    walks: Sequence[Walk],
    trails: Sequence[Line2D],
    heads: Sequence[Line2D],
) -> HTML:
    """Animate the walks over a single picture of the map.

    Matplotlib's own player stores a picture of the map for each frame, which takes twenty times the
    space, and loads its icons from the internet.
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
    plt.close(figure)  # otherwise the notebook would show it below the animation
    page = PLAYER.format(
        name=f"film-{uuid.uuid4().hex}",
        background=_data_uri(background),
        last=frames[-1],
        end=len(frames) - 1,
        frames=json.dumps(frames),
    )
    return HTML(page)  # type: ignore[no-untyped-call]


def _data_uri(png: io.BytesIO) -> str:
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


@with_style
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

    It takes some hundredths of a second, so the picture can follow a slider.

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
        The end of the axis of updates; by default, that of the longest path.
    title : str, optional
        Above the panels.

    Raises
    ------
    ValueError
        If a path is empty, not of shape (n, 2), or never on the map.
    """
    named = named_series(paths, "path")
    walks = [Walk.of(*item, w1_range, w2_range) for item in named.items()]
    grid = CostMap.of(loss, w1_range, w2_range)
    lowest = np.nanmin(grid.cost) if minimum is None else float(loss(*map(float, minimum[:2])))
    left = []
    for path in map(to_numpy, named.values()):
        with np.errstate(all="ignore"):
            heights = drop_non_finite(np.array([float(loss(a, b)) for a, b in path]) - lowest)
            left.append(np.where(heights > 0, heights, 0) / heights[0])
    words = [(notes or {}).get(walk.label, walk.length()) for walk in walks]
    longest = updates or max(len(to_numpy(path)) for path in named.values()) - 1
    stage = _stage(
        len(walks), tuple(w1_range), tuple(w2_range), max(longest, 1), titled=bool(title)
    )
    place = None if minimum is None else [float(value) for value in minimum[:2]]
    png = stage.draw(grid, walks, left, minimum=place, title=title, notes=words)
    told = "; ".join(f"{walk.label}: {note}" for walk, note in zip(walks, words, strict=True))
    above = f"{title}. " if title else ""
    return Picture(png, f"Maps of the cost with a path each, and the costs. {above}{told}.")


class Picture:
    """A finished picture for a notebook, with its alternative text.

    Attributes
    ----------
    png : bytes
    alt : str
        A description, for people who cannot see the picture.
    """

    def __init__(self, png: bytes, alt: str) -> None:
        self.png = png
        self.alt = alt

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self.png, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


class _Stage:
    """A row of maps and a panel for costs, whose frames, ticks and labels are drawn only once.

    Drawing those takes Matplotlib ten times as long as drawing everything that changes.
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

    def draw(
        self, grid: CostMap, walks: Sequence[Walk], left: Sequence[Any], **words: Any
    ) -> bytes:
        """Return a picture of walks on the maps, and of the share of their cost that is left."""
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


def _png(canvas: Any) -> bytes:
    """Return a canvas as PNG, with few colours and little compression, for speed."""
    from PIL import Image

    png = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    picture = picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    colours = np.array(picture.getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) > 250] = 255  # otherwise the background would not be quite white
    picture.putpalette(colours.ravel().tolist())
    picture.save(png, "png", compress_level=1)
    return png.getvalue()
