"""What all pictures of this course share: colours and style, alternative texts, checks of arrays.

The alternative text of a picture is for people who cannot see it; the notebook stores it with the
picture. Data may be lists, arrays or tensors; an error message says what was expected.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

# Okabe and Ito (2008): distinct for any colour vision. Yellow is too pale for lines on white.
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

# A notebook's backend turns interactive drawing on when it is first used. Inside `rc_context` this
# would be undone afterwards, and only the first picture would be shown; so activate it here.
plt.switch_backend(mpl.get_backend())

PairFunction = Callable[[Any, Any], Any]
"""A cost of two weights, or the loss of a distance and a label."""

P = ParamSpec("P")
R = TypeVar("R")


def with_style(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function draw in the course's style, without changing the student's settings."""

    @functools.wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(STYLE):
            drawn = function(*args, **kwargs)
        if isinstance(drawn, Figure):
            _attach_alt_text(drawn)
        return drawn

    return draw


def _attach_alt_text(figure: Figure) -> None:
    """Make a notebook store an alternative text with a figure."""
    alt = getattr(figure, "alt", "") or _words_in_figure(figure)

    def show(**_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        png = io.BytesIO()
        figure.savefig(png, format="png", bbox_inches="tight")
        return {"image/png": png.getvalue(), "text/plain": alt}, {"image/png": {"alt": alt}}

    figure.__dict__.update(_repr_mimebundle_=show, alt=alt)


def _words_in_figure(figure: Figure) -> str:
    """Return the texts in a figure: titles, names of axes, and legends."""
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


def set_alt_text(figure: Figure, alt: str) -> None:
    """Set a figure's alternative text, if its titles and legends would say too little."""
    figure.__dict__["alt"] = alt.replace("_", "")


def number_aloud(value: float) -> str:
    """Return a number to be read aloud: to three digits, or whole from a thousand on."""
    value += 0.0  # no minus before 0
    return (f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}").replace("-", "−")


def short_number(number: float) -> str:
    """Return a number to four digits, with a true minus sign."""
    return f"{number:.4g}".replace("-", "−")


def amount(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: "1 update", "1,200 updates"."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {nouns or noun + 's'}"


def series_aloud(values: NDArray[Any]) -> str:
    """Return text with a series' first and last value, and its lowest if that is another."""
    known = values[np.isfinite(values)]
    if not len(known):
        return "no finite number"
    first, last, lowest = map(number_aloud, (known[0], known[-1], known.min()))
    between = "" if lowest in (first, last) else f" (lowest: {lowest})"
    return f"from {first} to {last}{between}"


def to_numpy(values: Any) -> NDArray[Any]:
    """Return lists, arrays or tensors (also lists of tensors) as an array, without a gradient."""
    if hasattr(values, "detach"):
        return np.asarray(values.detach().cpu().numpy())
    if isinstance(values, (list, tuple)):
        values = [to_numpy(value) if hasattr(value, "detach") else value for value in values]
    return np.asarray(values)


def array_of_shape(values: Any, what: str, shape: tuple[int | str, ...]) -> NDArray[Any]:
    """Return `values` as an array of the `shape`, in which a letter means any length but 0."""
    wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    try:
        array = to_numpy(values)
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


def drop_non_finite(values: NDArray[Any]) -> NDArray[Any]:
    """Replace values that are not finite by NaN, which is not drawn."""
    return np.where(np.isfinite(values), values, np.nan)


def named_series(values: Any, default: str) -> dict[str, Any]:
    """Return a dict of series as it is, or a single series under the label `default`."""
    if not isinstance(values, Mapping):
        return {default: values}
    if not values:
        raise ValueError("There is nothing to draw: give at least one series.")
    return {str(label): value for label, value in values.items()}


def same_length(**arrays: NDArray[Any]) -> None:
    """Raise ValueError, with each name and length, unless arrays are equally long."""
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(array)}" for name, array in arrays.items())
        raise ValueError(f"These should be equally long: {lengths}.")


def class_numbers(values: Any, what: str, shape: tuple[int | str, ...]) -> NDArray[np.int64]:
    """Return class numbers, whole and from 0, as an integer array of the `shape`."""
    array = array_of_shape(values, what, shape)
    if (array < 0).any() or (array != np.floor(array)).any():
        raise ValueError(f"{what} should hold class numbers: whole numbers from 0.")
    return array.astype(np.int64)


def class_names(names: Sequence[str] | None, classes: int) -> list[str]:
    """Return names for at least `classes` classes: those given, or "class 0", "class 1", …."""
    if names is None:
        return [f"class {number}" for number in range(classes)]
    if len(names) < classes:
        raise ValueError(f"There are {classes} classes, and only {len(names)} names for them.")
    return [str(name) for name in names]
