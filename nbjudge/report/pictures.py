"""The charts of a report, each with a text alternative.

They are narrow enough for a phone; on wider screens they stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from nbjudge.basics.text import clean_characters
from nbjudge.pages.charts import CHART_SETTINGS, DIVERGING, ROLES, inline
from nbjudge.pages.frame import count_of, points
from nbjudge.report.findings import interval, list_of, run_time, with_sign
from nbjudge.report.statistics import ExerciseNumbers, Numbers

__all__ = ["difficulty", "discrimination", "draw_marks", "draw_together", "on_map", "run_times"]

#: Width of a chart, and height of a row, in inches; the page shows an inch as 72 pixels.
WIDTH_INCHES = 5.2
ROW = 0.3
#: The largest side, in inches, of the map of correlations, and of one of its cells.
MOST_OF_SIDE = 4.4
MOST_OF_CELL = 0.5
#: The most characters of an exercise's label.
MOST_OF_LABEL = 18
#: The most exercises for which the map has numbers written in its cells.
MOST_ANNOTATED = 16

PARTS_OF_POINTS = (
    ("full", "all points"),
    ("part", "some"),
    ("none", "no point"),
    ("empty", "left empty"),
    ("waits", "to be read"),
)


def _label(text: str) -> str:
    text = " ".join(clean_characters(text).split())
    return text if len(text) <= MOST_OF_LABEL else f"…{text[1 - MOST_OF_LABEL :]}"


def _draw_chart(
    height: float,
    draw: Callable[[Axes], None],
    name: str,
    title: str,
    told: str,
    width: float = WIDTH_INCHES,
) -> Markup:
    with mpl.rc_context(CHART_SETTINGS):
        figure = Figure(figsize=(width, height))
        draw(figure.subplots())
        return inline(figure, name, title, told)


def _exercises_as_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Label the rows of a chart with exercises, the first one at the top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_ylabel("")


def on_map(r: float) -> str:
    """Return the colour role for a number written on the colour of its correlation.

    On the two strongest colours at each end of the scale, only the page's own colour is legible.
    """
    return "page" if abs(r) > 1 - 2 * 2 / len(DIVERGING) else "ink"


def _height(rows: int, around: float) -> float:
    return around + ROW * rows


def draw_marks(found: Numbers) -> Markup | None:
    """Return a histogram of the marks; None if nobody has any."""
    own = found.marks
    if not own.scores or not own.bins:
        return None
    edges = [own.bins[0].low, *(each.high for each in own.bins)]

    def draw(axes: Axes) -> None:
        axes.hist(own.scores, edges, color=ROLES["accent"], edgecolor=ROLES["page"], linewidth=1.2)
        if own.median is not None and len(own.scores) > 1:
            axes.axvline(own.median, color=ROLES["ink"], linestyle="--", linewidth=1.4)
            left = own.median > edges[-1] * 0.75
            axes.annotate(
                f"median {points(own.median)}",
                (own.median, 1),
                xycoords=("data", "axes fraction"),
                xytext=(-5 if left else 5, 4),
                textcoords="offset points",
                ha="right" if left else "left",
            )
        axes.set(xlabel=f"points, of {points(own.points)}", ylabel="students", xlim=(0, edges[-1]))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.grid(axis="y")

    told = "; ".join(
        f"{points(each.low)} to {'' if each is own.bins[-1] else 'below '}{points(each.high)}: "
        f"{each.students}"
        for each in own.bins
        if each.students
    )
    title = f"The marks of {count_of(found.graded, 'student', 'students')}, as bars"
    return _draw_chart(2.9, draw, "marks", title, f"Students by points. {told}.")


def difficulty(found: Numbers) -> Markup | None:
    """Return a bar for each exercise with the results of all answers; None if there are none."""
    exercises = [each for each in found.exercises if each.marked + each.waiting]
    if not exercises:
        return None
    counts = [(each.full, each.part, each.none, each.empty, each.waiting) for each in exercises]

    def draw(axes: Axes) -> None:
        parts = np.array(counts) / np.sum(counts, axis=1, keepdims=True)
        left = np.zeros(len(counts))
        for (role, said), width in zip(PARTS_OF_POINTS, parts.T, strict=True):
            if not width.any():
                continue
            axes.barh(
                range(len(counts)),
                width,
                left=left,
                height=0.72,
                color=ROLES[role],
                edgecolor=ROLES["soft"],
                linewidth=0.7,
                label=said,
            )
            left += width
        _exercises_as_rows(axes, [_label(each.exercise.label) for each in exercises])
        axes.set(xlim=(0, 1), xlabel="part of the class")
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.figure.legend(loc="outside upper center", ncols=5, handlelength=1, columnspacing=1)

    told = "; ".join(
        f"{each.exercise.label}: "
        + ", ".join(
            f"{count} {said}"
            for count, (_, said) in zip(row, PARTS_OF_POINTS, strict=True)
            if count
        )
        for each, row in zip(exercises, counts, strict=True)
    )
    title = "What became of the answers to each exercise, as bars"
    return _draw_chart(_height(len(counts), 1.3), draw, "difficulty", title, f"Students. {told}.")


def discrimination(found: Numbers) -> Markup | None:
    """Return a chart of each exercise's discrimination with its interval; None if none is known."""
    exercises = [each for each in found.exercises if each.marked + each.waiting]
    known = [
        (row, each.discrimination)
        for row, each in enumerate(exercises)
        if each.discrimination.r is not None
    ]
    if not known:
        return None

    def draw(axes: Axes) -> None:
        axes.axvline(0, color=ROLES["soft"], linewidth=1)
        r = np.array([own.r for _, own in known], dtype=float)
        low = np.array([own.low for _, own in known], dtype=float)
        high = np.array([own.high for _, own in known], dtype=float)
        axes.errorbar(
            r,
            [row for row, _ in known],
            xerr=[r - low, high - r],
            fmt="o",
            color=ROLES["accent"],
            ecolor=ROLES["accent"],
            markersize=6.5,
            elinewidth=2,
        )
        _exercises_as_rows(axes, [_label(each.exercise.label) for each in exercises])
        for row, each in enumerate(exercises):
            if each.discrimination.r is None:
                axes.text(0.02, row, "not enough to say", va="center", color=ROLES["soft"])
        axes.set(
            xlim=(min(-0.4, float(low.min()) - 0.05), 1), xlabel="discrimination, with its interval"
        )
        axes.grid(axis="x")

    told = "; ".join(
        f"{each.exercise.label}: "
        + (
            f"{with_sign(own.r)}, interval {interval(own)}"
            if (own := each.discrimination).r is not None
            else "not enough to say"
        )
        for each in exercises
    )
    title = "The discrimination of each exercise, as points with intervals"
    height = _height(len(exercises), 1.3)
    return _draw_chart(height, draw, "discrimination", title, f"{told}.")


def draw_together(found: Numbers) -> Markup | None:
    """Return a map of the correlations between exercises; None if none is known."""
    known = [pair for pair in found.pairs if pair.correlation.r is not None]
    if not known:
        return None
    involved = {exercise.key for pair in known for exercise in (pair.one, pair.other)}
    exercises = [each.exercise for each in found.exercises if each.exercise.key in involved]
    place = {exercise.key: i for i, exercise in enumerate(exercises)}
    size = len(exercises)
    values = np.full((size, size), np.nan)
    for pair in known:
        if pair.correlation.r is not None:
            values[place[pair.other.key], place[pair.one.key]] = pair.correlation.r
    labels = [_label(exercise.label) for exercise in exercises]
    # Only the lower triangle is filled, so leave out the empty first row and last column.
    table = np.ma.masked_invalid(values[1:, :-1])

    def draw(axes: Axes) -> None:
        drawn = axes.pcolormesh(
            table,
            cmap=ListedColormap([ROLES[step] for step in DIVERGING]),
            vmin=-1,
            vmax=1,
            linewidth=1.5,
            edgecolor=ROLES["page"],
        )
        axes.set(xlim=(0, size - 1), ylim=(size - 1, 0), aspect="equal")
        axes.set_xticks(np.arange(size - 1) + 0.5, labels[:-1])
        axes.set_yticks(np.arange(size - 1) + 0.5, labels[1:], va="center")
        bar = axes.figure.colorbar(
            drawn, ax=axes, shrink=0.8, ticks=[-1, -0.5, 0, 0.5, 1], label="correlation"
        )
        bar.outline.set_visible(False)
        if size <= MOST_ANNOTATED:
            for (row, column), value in np.ndenumerate(values[1:, :-1]):
                if np.isfinite(value):
                    axes.text(
                        column + 0.5,
                        row + 0.5,
                        f"{value:.1f}".replace("-", "−").replace("−0.0", "0.0").replace("0.", "."),
                        ha="center",
                        va="center_baseline",
                        fontsize=8.5,
                        color=ROLES[on_map(value)],
                    )
        axes.tick_params(axis="x", rotation=90, length=0)
        axes.tick_params(axis="y", rotation=0)
        axes.spines["bottom"].set_visible(False)
        bar.ax.tick_params(length=3)

    strongest = sorted(known, key=lambda pair: -abs(pair.correlation.r or 0))[:5]
    told = "; ".join(
        f"{pair.one.label} with {pair.other.label}: {with_sign(pair.correlation.r)}"
        for pair in strongest
    )
    title = "How the marks of every two exercises go together, as a map"
    said = f"The strongest correlations are {told}. The table below has all."
    side = min(MOST_OF_SIDE, MOST_OF_CELL * (size - 1))
    return _draw_chart(side + 0.75, draw, "together", title, said, width=side + 1.6)


def run_times(found: Numbers) -> Markup | None:
    """Return a box plot of each exercise's running times; None if there are none."""
    timed: list[ExerciseNumbers] = [each for each in found.exercises if each.times is not None]
    labels = [_label(each.exercise.label) for each in timed]
    # The logarithmic axis has no 0; no time is really below a millisecond.
    taken = [[max(s, 1e-3) for s in each.times.all] for each in timed if each.times is not None]
    if not taken:
        return None

    def draw(axes: Axes) -> None:
        for row, each in enumerate(taken):
            ink, (low, median, high) = ROLES["ink"], np.quantile(each, (0.25, 0.5, 0.75))
            axes.hlines(row, min(each), max(each), color=ink, linewidth=1)
            axes.vlines((min(each), max(each)), row - 0.14, row + 0.14, color=ink, linewidth=1)
            axes.barh(
                row,
                high - low,
                left=low,
                height=0.56,
                color=ROLES["part"],
                edgecolor=ink,
                linewidth=1,
                zorder=3,
            )
            axes.vlines(median, row - 0.28, row + 0.28, color=ink, linewidth=2.2, zorder=4)
        axes.set_xscale("log")
        _exercises_as_rows(axes, labels)
        axes.set_xlabel("seconds, each mark ten times the one before")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        axes.tick_params(axis="x", which="minor", length=0)
        axes.grid(axis="x")

    told = "; ".join(
        f"{each.exercise.label}: {run_time(each.times.least)} to {run_time(each.times.most)}, "
        f"median {run_time(each.times.median)}"
        for each in timed
        if each.times is not None
    )
    title = f"How long the code of {list_of(labels[:1] + labels[-1:])} and those between ran"
    if len(labels) < 3:
        title = f"How long the code of {list_of(labels)} ran"
    return _draw_chart(_height(len(timed), 0.8), draw, "times", title, f"{told}.")
