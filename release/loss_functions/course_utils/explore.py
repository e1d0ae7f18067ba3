"""Sliders for the Explore sections of the notebooks, or a single picture if there is no widget.

The picture is an ordinary output of the cell, not part of the widget, so it remains when the
notebook is printed, exported or opened without a kernel.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from matplotlib.figure import Figure

__all__ = ["explore"]

QUICK = 0.15
"""If a picture is drawn faster than this, in seconds, it follows a slider while it moves."""

GREEK = {"alpha": "α", "beta": "β", "epsilon": "ε", "eta": "η"}


def explore(draw: Callable[..., Any], /, **ranges: Sequence[Any]) -> Any:
    """Call `draw` with values chosen by sliders, or once with the start values.

    Parameters
    ----------
    draw : callable
        It takes the names in `ranges` as keywords. Its result is shown: a matplotlib figure, or
        anything that a notebook can display.
    **ranges : 4-tuple or list
        A tuple `(lowest, highest, step, start)` makes a slider, of whole numbers if all four are
        `int`; a list makes a choice among its elements, of which the first is the start.

    Returns
    -------
    object or None
        In a notebook, None: sliders and picture are displayed. If nobody can move a slider (without
        ipywidgets, or with `NBGRADER_EXECUTION` or `COURSE_QUICK` in the environment), only the
        picture for the start values is. Elsewhere, what `draw` returns for the start values.

    Raises
    ------
    ValueError
        If a range has neither of the two forms, or its start is outside.

    Notes
    -----
    If `draw` calls a function that is still to be written (`NotImplementedError`), one line says so
    instead of a traceback.

    Examples
    --------
    >>> explore(lambda eta, margin: eta * margin, eta=(0.001, 0.03, 0.001, 0.01), margin=[2, 6])
    0.02
    """
    start = {name: _start(name, choices) for name, choices in ranges.items()}
    began = perf_counter()
    try:
        first = draw(**start)
    except NotImplementedError as error:
        if error.args:  # raised by a library: an unwritten answer raises it without a message
            raise
        print(_explain_in_widget(error))
        return None
    if not _in_a_notebook():
        return first
    if _somebody_can_move_a_slider():
        _show_controls(draw, ranges, first, perf_counter() - began)
    elif first is not None:
        _display(_as_output(first))
    return None


def _start(name: str, choices: Sequence[Any]) -> Any:
    if isinstance(choices, list) and choices:
        return choices[0]
    if isinstance(choices, tuple) and len(choices) == 4:
        lowest, highest, step, start = choices
        if lowest <= start <= highest and step > 0:
            return start
    message = (
        f"explore cannot make a slider for '{name}' of {choices!r}: give a tuple "
        "(lowest, highest, step, start) with the start in between, or a list of choices."
    )
    raise ValueError(message)


def _in_a_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def _somebody_can_move_a_slider() -> bool:
    if os.environ.get("NBGRADER_EXECUTION") or os.environ.get("COURSE_QUICK", "0") != "0":
        return False
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        return False
    return True


def _show_controls(
    draw: Callable[..., Any], ranges: dict[str, Sequence[Any]], first: Any, seconds: float
) -> None:
    from ipywidgets import VBox

    controls = {name: _control(name, choices) for name, choices in ranges.items()}
    _display(VBox(list(controls.values())))
    picture = _display(_as_output(first), display_id=True)

    def redraw(_change: Any) -> None:
        began = perf_counter()
        try:
            result = draw(**{name: control.value for name, control in controls.items()})
        except Exception as error:  # an exception in a slider's callback would not be shown
            picture.update({"text/plain": _explain_in_widget(error)}, raw=True)
        else:
            picture.update(_as_output(result))
        follow(perf_counter() - began)

    def follow(seconds: float) -> None:
        """Redraw while a slider moves if that is fast enough, or else when it stops."""
        for control in controls.values():
            if hasattr(control, "continuous_update"):
                control.continuous_update = seconds < QUICK

    # The first picture takes longer than the following ones, so time another one if it was quick.
    follow(seconds if seconds > 1 else _time_of(draw, controls))

    for control in controls.values():
        control.observe(redraw, names="value")


def _time_of(draw: Callable[..., Any], controls: dict[str, Any]) -> float:
    """Return the time in seconds that a picture takes after the first one."""
    began = perf_counter()
    _as_output(draw(**{name: control.value for name, control in controls.items()}))
    return perf_counter() - began


def _control(name: str, choices: Sequence[Any]) -> Any:
    import ipywidgets

    common: dict[str, Any] = {
        "description": GREEK.get(name, name.replace("_", " ")),
        "style": {"description_width": "9em"},
        "layout": {"width": "32em"},
    }
    if isinstance(choices, list):
        return ipywidgets.Dropdown(options=choices, **common)
    lowest, highest, step, start = choices
    common |= {"min": lowest, "max": highest, "step": step, "value": start}
    if all(isinstance(number, int) for number in choices):
        return ipywidgets.IntSlider(continuous_update=False, **common)
    decimals = len(f"{step:.9f}".rstrip("0").partition(".")[2])
    common["readout_format"] = f".{decimals}f"
    return ipywidgets.FloatSlider(continuous_update=False, **common)


def _display(value: Any, **options: Any) -> Any:
    from IPython.display import display

    return display(value, **options)  # type: ignore[no-untyped-call]


def _as_output(result: Any) -> Any:
    if not isinstance(result, Figure):
        return result
    from IPython.display import Image
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image as Picture

    canvas: Any = FigureCanvasAgg(result)
    canvas.draw()
    png = io.BytesIO()
    # Little compression, for speed: a slider is waiting.
    Picture.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).save(png, "png", compress_level=1)
    pyplot.close(result)  # otherwise the notebook would show it again at the end of the cell
    alt = getattr(result, "alt", None)
    return Image(data=png.getvalue(), alt=alt)  # type: ignore[no-untyped-call]


def _explain_in_widget(error: Exception) -> str:
    if isinstance(error, NotImplementedError) and not error.args:
        return (
            "There is nothing to draw yet: a function that this picture needs is still to be "
            "written. Write it above, then run this cell again."
        )
    return f"There is no picture for these values. {type(error).__name__}: {error}"
