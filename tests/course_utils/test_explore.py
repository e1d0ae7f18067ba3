"""Sliders: plain calls where nobody can move them, and live pictures in a kernel."""

import base64

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils.explore import explore

LIVE = """
import itertools, sys
from matplotlib import pyplot as plt
from course_utils.plots import explore

# A picture takes as long as somebody says.
seconds = itertools.count(0, 0.01)
sys.modules["course_utils.explore"].perf_counter = seconds.__next__

def draw(eta, steps, margin):
    if margin == 6:
        raise ValueError("too far")
    figure, axes = plt.subplots(figsize=(100 * eta, steps), dpi=100)
    axes.axis("off")
    return figure

explore(draw, eta=(0.001, 0.09, 0.001, 0.02), steps=(1, 3, 1, 1), margin=[1, 2, 6])
"""
MOVE = """
from ipywidgets import Dropdown, FloatSlider, IntSlider
from ipywidgets.widgets.widget import _instances

slider, whole, choice = [
    next(widget for widget in _instances.values() if isinstance(widget, kind))
    for kind in (FloatSlider, IntSlider, Dropdown)
]
print(slider.description, slider.readout_format, slider.continuous_update, whole.description)
"""


def run(monkeypatch, *cells, **environment):
    for name in ("NBGRADER_EXECUTION", "COURSE_QUICK", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def pictures(outputs):
    return [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]


def width(png):
    return int.from_bytes(base64.b64decode(png)[16:20], "big")


def test_outside_a_notebook_it_is_a_plain_call_with_the_start_values():
    result = explore(lambda **values: values, eta=(0.0, 1.0, 0.1, 0.5), margin=[6, 2])

    assert result == {"eta": 0.5, "margin": 6}


def test_a_stub_is_explained_in_one_line(capsys):
    def draw(eta):
        raise NotImplementedError

    assert explore(draw, eta=[1]) is None
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert "still to be written" in out
    assert not err


def test_a_librarys_not_implemented_error_is_no_missing_answer():
    def draw(eta):
        raise NotImplementedError("not implemented for 'Long'")

    with pytest.raises(NotImplementedError, match="Long"):
        explore(draw, eta=[1])


def test_any_other_error_of_the_first_picture_is_the_students_to_see():
    with pytest.raises(ZeroDivisionError):
        explore(lambda eta: 1 / eta, eta=[0])


@pytest.mark.parametrize("choices", [[], (0, 1, 0.1), (0, 1, 0.1, 2), (0, 1, 0, 0), "abc"])
def test_a_range_that_makes_no_slider_is_refused(choices):
    with pytest.raises(ValueError, match="slider for 'eta'"):
        explore(lambda eta: eta, eta=choices)


def test_a_moved_slider_redraws_the_one_picture_in_place(monkeypatch):
    still, _ = run(monkeypatch, LIVE, MOVE)
    moved, named = run(monkeypatch, LIVE, MOVE + "slider.value = 0.05")

    assert named[0].text == "η .3f True steps\n"
    (before,), (after,) = pictures(still), pictures(moved)
    assert width(after) > 2 * width(before)


def test_a_slow_picture_waits_until_the_slider_rests(monkeypatch):
    _, named = run(monkeypatch, LIVE.replace("0.01)\nsys", "2.0)\nsys"), MOVE)

    assert named[0].text == "η .3f False steps\n"


def test_a_picture_that_becomes_slow_no_longer_follows_its_slider(monkeypatch):
    slower = "\nseconds = itertools.count(0, 0.5)\n"
    slower += 'sys.modules["course_utils.explore"].perf_counter = seconds.__next__\n'
    later = "slider.value = 0.05\nprint(slider.continuous_update, whole.continuous_update)"

    _, named = run(monkeypatch, LIVE + slower, MOVE + later)

    assert named[-1].text.endswith("False False\n")


def test_values_without_a_picture_are_explained_in_its_place(monkeypatch):
    moved, _ = run(monkeypatch, LIVE, MOVE + "choice.value = 6")

    assert not pictures(moved)
    assert "ValueError: too far" in moved[-1].data["text/plain"]


@pytest.mark.parametrize("variable", ["NBGRADER_EXECUTION", "COURSE_QUICK"])
def test_where_nobody_can_move_a_slider_the_picture_stands_alone(monkeypatch, variable):
    for outputs in run(monkeypatch, LIVE, LIVE.rstrip() + ";", **{variable: "1"}):
        assert len(outputs) == len(pictures(outputs)) == 1
