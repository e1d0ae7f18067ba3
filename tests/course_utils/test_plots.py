"""The pictures: what they contain, and what they say about what they cannot draw."""

import subprocess
import sys
import warnings

import matplotlib

matplotlib.use("Agg")

import nbformat
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from nbclient import NotebookClient

from course_utils import plots, walk_plots

MINIMUM = (0.0, -2.0, -40.0)
NAMES = ("Background", "CSF", "White matter", "Cerebellum")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def loss(w1, w2):
    return 40 * w1**2 + 10 * w2**2 + 40 * w2


def descent(rate, steps=30):
    weights = np.array([-4.0, 4.0])
    path = [weights]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            weights = weights - rate * np.array([80 * weights[0], 20 * weights[1] + 40])
            path.append(weights)
    return np.array(path)


def legend(figure):
    legends = [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]
    return [text.get_text() for each in legends for text in each.get_texts()]


def line(axes, label):
    return next(line for line in axes.lines if str(line.get_label()).startswith(label))


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(plt.Text))


def character(count=3, size=12):
    images = np.zeros((count, size, size), np.uint8)
    images[:, 2:-2, size // 2] = 255
    return images


ONE_HOT = np.stack([np.ones((4, 6)), np.zeros((4, 6)), np.eye(4, 6), np.zeros((4, 6))])
SLICE = np.arange(24.0).reshape(4, 6)
LABELS = np.array([[0, 0, 1, 1, 2, 2]] * 4)
EVERY_PICTURE = {
    "surface": lambda: plots.surface(loss, MINIMUM),
    "paths": lambda: plots.paths(loss, descent(0.003), minimum=MINIMUM),
    "costs": lambda: plots.costs({"a": [3.0, 2.0, 1.0], "b": [3.0, 1.0]}, log=True),
    "training": lambda: plots.training([3.0, 2.0, 1.0], [50, 60, 90], batches_per_epoch=2),
    "compare_training": lambda: plots.compare_training({"a": ([3.0, 2.0], 1), "b": ([3, 1], 2)}),
    "batch_surfaces": lambda: plots.batch_surfaces(loss, [loss, lambda a, b: a**2 + b**2]),
    "network": lambda: plots.network(),
    "batches": lambda: plots.batches({"in file order": [[0, 0], [1, 1]], "shuffled": [[0, 1]]}),
    "segmentation": lambda: plots.segmentation(SLICE, LABELS, LABELS, NAMES),
    "spoiled_slice": lambda: plots.spoiled_slice(LABELS, LABELS[::-1], np.ones(4), NAMES),
    "masks": lambda: plots.masks(ONE_HOT, NAMES),
    "class_bars": lambda: plots.class_bars([1.0, 2.0, 0.0, 3.0], NAMES, log=True, reference=1.5),
    "drawings": lambda: plots.drawings(character(), ["a", "b", "c"]),
    "pairs": lambda: plots.pairs(character(), character(), [0, 1, 0], [0.5, 4.0, 1.0]),
    "loss_against_distance": lambda: plots.loss_against_distance(lambda d, y: d * y, margin=2),
    "embedding": lambda: plots.embedding([[0, 1], [2, 3], [4, 4]], ["a", "b", "b"], character()),
    "distances": lambda: plots.distances([0.1, 0.4, 2.0, 3.0], [0, 0, 1, 1]),
    "roc": lambda: plots.roc([0, 0, 1], [0, 1, 1], 1.0),
}


@pytest.mark.parametrize("name", EVERY_PICTURE)
def test_every_picture_is_a_pyplot_figure_that_draws_and_leaves_the_settings_alone(name, capsys):
    before = matplotlib.rcParams.copy()

    figure = EVERY_PICTURE[name]()
    figure.canvas.draw()

    assert isinstance(figure, Figure)
    assert plt.get_fignums() == [figure.number]
    assert matplotlib.rcParams == before
    assert capsys.readouterr() == ("", "")


def test_every_public_name_but_the_sliders_is_tried_here():
    assert {*EVERY_PICTURE, "explore", "side_by_side"} == set(plots.__all__)


@pytest.mark.parametrize("name", EVERY_PICTURE)
def test_every_picture_says_in_words_what_there_is_to_see(name):
    figure = EVERY_PICTURE[name]()

    data, metadata = figure._repr_mimebundle_()

    assert data["image/png"].startswith(b"\x89PNG")
    assert len(metadata["image/png"]["alt"].split()) >= 3
    assert "$" not in metadata["image/png"]["alt"]


def test_many_open_figures_bring_no_warning():
    for _ in range(25):
        plots.roc([0, 1], [0, 1], 0.5)


def test_the_module_is_imported_without_torch_seaborn_or_widgets():
    code = (
        "import sys, course_utils.plots; print({'torch', 'seaborn', 'ipywidgets', 'pandas'} & "
        "set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


# ------------------------------------------------------------ cost surfaces


def test_the_surface_marks_the_minimum_in_space_and_from_above():
    figure = plots.surface(loss, MINIMUM)

    space, above = figure.axes[:2]
    assert space.name == "3d"
    assert [float(c[0]) for c in space.lines[0].get_data_3d()] == list(MINIMUM)
    assert above.lines[0].get_xydata().tolist() == [[0.0, -2.0]]
    assert legend(figure) == ["minimum: $J$(0, −2) = −40"]
    assert (above.get_xlabel(), above.get_ylabel()) == ("weight $w_1$", "weight $w_2$")


def test_a_loss_for_single_numbers_is_drawn_like_one_for_arrays():
    def scalar_loss(w1, w2):
        return loss(w1, w2) if w1 > -100 else 0.0

    by_points, by_arrays = plots.surface(scalar_loss), plots.surface(loss)

    heights = [figure.axes[0].collections[0].get_array() for figure in (by_points, by_arrays)]
    np.testing.assert_allclose(*heights)


def test_a_loss_that_changes_its_arguments_does_not_bend_the_map():
    def careless(w1, w2):
        w1 **= 2
        w2 += 1
        return w1 + w2

    limits = plots.surface(careless).axes[1].get_xlim()

    assert limits == (-5.0, 5.0)


def test_a_loss_that_is_nowhere_finite_is_refused():
    with pytest.raises(ValueError, match="not a finite number anywhere"):
        plots.surface(lambda w1, w2: w1 * np.nan)


def test_a_stub_says_itself_that_it_is_not_written_yet():
    def stub(w1, w2):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        plots.surface(stub)


def test_each_path_is_named_and_goes_from_start_to_end():
    walks = {"descent": descent(0.003), "fast": descent(0.02, steps=1)}

    figure = plots.paths(loss, walks, minimum=MINIMUM)

    named = legend(figure)
    assert named[:3] == ["descent (30 updates)", "fast (1 update)", "minimum"]
    axes = figure.axes[0]
    np.testing.assert_array_equal(line(axes, "descent").get_xydata(), walks["descent"])
    np.testing.assert_array_equal(line(axes, "start").get_xydata(), [[-4, 4], [-4, 4]])
    assert line(axes, "descent").get_marker() != line(axes, "fast").get_marker()


def test_a_path_that_leaves_the_map_is_cut_there_and_says_when():
    figure = plots.paths(loss, descent(0.2, steps=400))
    figure.canvas.draw()

    assert "path (leaves the map after 1 update)" in legend(figure)
    assert len(line(figure.axes[0], "path").get_xydata()) == 2
    assert figure.axes[0].get_xlim() == (-5.0, 5.0)


def test_a_path_that_comes_back_to_the_map_is_drawn_whole():
    figure = plots.paths(loss, [[0, 0], [9, 0], [1, 0]])

    assert "path (2 updates)" in legend(figure)
    assert len(line(figure.axes[0], "path").get_xydata()) == 3


def test_a_path_that_is_never_on_the_map_is_refused():
    with pytest.raises(ValueError, match=r"begins at \[90.0, 0.0\].*w1_range"):
        plots.paths(loss, [[90.0, 0.0]])


@pytest.mark.parametrize("path", [np.empty((0, 2)), np.zeros((2, 5)), [1.0, 2.0], [[1], [1, 2]]])
def test_a_path_of_another_shape_is_refused_with_the_shape_that_is_needed(path):
    with pytest.raises(ValueError, match=r"The path 'mine' should .*\(n, 2\)"):
        plots.paths(loss, {"mine": path})


def test_paths_may_be_tensors_and_are_not_changed():
    path = torch.tensor(descent(0.003), requires_grad=True)
    rows = [torch.tensor([-4.0, 4.0]), torch.tensor([0.0, 0.0], requires_grad=True)]
    before = path.detach().clone()

    figure = plots.paths(loss, {"one tensor": path, "a list of tensors": rows})

    assert torch.equal(path, before)
    assert line(figure.axes[0], "a list").get_xydata().tolist() == [[-4, 4], [0, 0]]


def paths_side_by_side(**settings):
    walks = {"descent": descent(0.003, 60), "too fast": descent(0.026, 60)}
    return plots.side_by_side(loss, walks, minimum=MINIMUM, **settings)


def test_paths_side_by_side_are_one_picture_that_says_how_each_went():
    picture = paths_side_by_side(notes={"descent": "arrives after 152"}, title="η = 0.003")

    data, metadata = picture._repr_mimebundle_()

    assert data["image/png"].startswith(b"\x89PNG")
    alt = metadata["image/png"]["alt"]
    assert "η = 0.003. descent: arrives after 152; too fast: leaves the map" in alt
    assert not plt.get_fignums()


def test_a_picture_that_follows_a_slider_draws_its_frames_once(monkeypatch):
    walk_plots._stage.cache_clear()
    drawn = []
    draw = matplotlib.axis.Axis.draw
    monkeypatch.setattr(
        matplotlib.axis.Axis, "draw", lambda *given, **how: drawn.append(1) or draw(*given, **how)
    )

    first = paths_side_by_side(title="a")
    frames = len(drawn)
    second = paths_side_by_side(title="b")

    assert frames == len(drawn) == 6  # two axes of each of three panels
    assert first.png != second.png
    walk_plots._stage.cache_clear()


def test_the_film_has_a_frame_a_moment_is_small_and_needs_no_network():
    film = plots.paths(loss, descent(0.003, steps=300), animate=True).data

    assert (
        film.count("data:image/png") == walk_plots.MAX_ANIMATION_FRAMES + 2
    )  # the map, and the last at first
    assert len(film) < 2_000_000
    assert "http" not in film
    assert not plt.get_fignums()


def test_batches_have_their_own_minima_beside_that_of_all_data():
    batches = {
        "left": lambda a, b: (a + 2) ** 2 + b**2,
        "away": lambda a, b: (a - 50) ** 2 + b**2,
    }

    figure = plots.batch_surfaces(loss, batches, [[-4, 4], [0, 0]])

    right = figure.axes[1]
    np.testing.assert_allclose(line(right, "left").get_xydata(), [[-2, 0]], atol=0.1)
    assert {"left", "away (minimum off the map)", "path (1 update)"} <= set(legend(figure))


# ------------------------------------------------------------ training


def test_costs_on_a_logarithmic_axis_are_the_excess_over_the_minimum():
    figure = plots.costs({"descent": [60.0, -30.0, -40.0]}, log=True, minimum=-40)

    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [100, 10, np.nan])
    assert axes.get_ylabel() == "cost J − minimum (−40)"


@pytest.mark.parametrize("log", [False, True])
def test_a_cost_that_diverges_is_cut_off_so_that_the_other_can_be_read(log):
    calm, wild = loss(*descent(0.003).T), [*loss(*descent(0.2, 100).T), np.inf, np.nan]

    figure = plots.costs({"calm": calm, "wild": wild}, log=log, minimum=-40 if log else 0)
    figure.canvas.draw()

    assert legend(figure) == ["calm", "wild (diverges)"]
    assert 1000 < figure.axes[0].get_ylim()[1] < 50_000


def test_noise_is_not_taken_for_divergence():
    noise = np.random.default_rng(0).exponential(size=400)

    assert legend(plots.costs({"noise": noise})) == ["noise"]


@pytest.mark.parametrize("costs", [[np.nan, np.inf], []])
def test_costs_without_a_finite_number_are_refused(costs):
    with pytest.raises(ValueError, match=r"nothing to draw|should have the shape"):
        plots.costs(costs)


def test_training_shows_cost_above_accuracy_with_the_mean_of_each_epoch():
    costs = [torch.tensor(4.0, requires_grad=True), torch.tensor(2.0), torch.tensor(1.0)]

    figure = plots.training(costs, [40, 60, 90], batches_per_epoch=2)

    upper, lower = figure.axes
    assert line(upper, "mean").get_xydata().tolist() == [[2, 3], [3, 1]]
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("cost J", "accuracy (per cent)")
    assert lower.get_xlabel() == "batch"


def test_costs_and_accuracies_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match=r"cost J has 2, accuracy .* has 1"):
        plots.training([1.0, 2.0], [50.0])


def test_runs_are_compared_per_update_and_per_epoch():
    figure = plots.compare_training({"whole": ([3.0, 2.0], 1), "small": ([4, 2, 2, 0], 2)})

    left, right = figure.axes
    assert line(left, "small").get_xydata().tolist() == [[2, 3], [4, 1]]
    assert line(right, "small").get_xydata().tolist() == [[1, 3], [2, 1]]
    assert legend(figure) == ["whole", "small"]


def test_batches_are_bars_divided_by_class():
    figure = plots.batches({"in file order": [[0, 0, 0], [0, 1, 1]]}, ["term", "preterm"])

    heights = [[bar.get_height() for bar in bars] for bars in figure.axes[0].containers]
    assert heights == [[3, 1], [0, 2]]
    assert legend(figure) == ["term", "preterm"]


def test_a_class_without_a_name_is_refused():
    with pytest.raises(ValueError, match="3 classes, and only 2 names"):
        plots.batches([[0, 2]], ["term", "preterm"])


def test_the_network_has_a_shape_at_every_stage():
    drawn = texts(plots.network(301, 30))

    for shape in ("(N, 301)", "(30, 301)", "(30, N)", "(1, 30)", "(1, N)"):
        assert shape in drawn


# ------------------------------------------------------------ segmentation


def test_the_slice_stands_upright_beside_truth_and_prediction():
    prediction = LABELS.copy()
    prediction[0, 0] = 3

    figure = plots.segmentation(SLICE, LABELS, prediction, (*NAMES, "Brainstem"))

    shown = [axes.images[0] for axes in figure.axes]
    for image, given in zip(shown, (SLICE, LABELS, prediction), strict=True):
        np.testing.assert_array_equal(image.get_array(), given.T)
        assert image.origin == "lower"
    assert legend(figure)[2:] == [
        "White matter",
        "Cerebellum (only predicted)",
        "Brainstem (absent)",
    ]


def test_a_spoiled_slice_shows_which_pixels_are_wrong_and_whose_share_that_is():
    spoiled = LABELS.copy()
    spoiled[1, 2] = 3

    figure = plots.spoiled_slice(LABELS, spoiled, [0.0, 0.25, 0.0, 0.5], NAMES, title="a slip")

    brain, wrong, bars = figure.axes
    np.testing.assert_array_equal(brain.images[0].get_array(), spoiled.T)
    assert wrong.images[0].get_array().sum() == 1
    assert wrong.get_title() == "wrong: 1 pixel"
    assert [bar.get_width() for bar in bars.patches] == [0.0, 0.25, 0.0, 0.5]
    assert "Cerebellum 0.500" in figure.alt


def test_a_prediction_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"prediction should have the shape \(4, 6\)"):
        plots.segmentation(SLICE, LABELS, LABELS.T, NAMES)


def test_masks_count_their_pixels_or_are_absent():
    figure = plots.masks(ONE_HOT, NAMES)

    assert [axes.get_title() for axes in figure.axes] == [
        "Background\n24 pixels",
        "CSF\nabsent",
        "White matter\n4 pixels",
        "Cerebellum\nabsent",
    ]


def test_bars_of_two_series_stand_side_by_side_with_their_values():
    figure = plots.class_bars(
        {"with weights": [0.1, 0.2, 0.3, 0.4], "without": [0.4, 0.3, 0.2, 0.0]},
        NAMES,
        reference=0.25,
        reference_label="equal shares",
    )

    assert legend(figure) == ["equal shares", "with weights", "without"]
    assert figure.axes[0].lines[0].get_ydata() == [0.25, 0.25]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == list(NAMES)
    assert "0.4" in texts(figure)


def test_a_bar_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="division by zero"):
        plots.class_bars([1.0, np.inf, 0.0, 0.0], NAMES)


# ------------------------------------------------------------ pairs of drawings


def test_drawings_are_dark_on_light():
    figure = plots.drawings(torch.tensor(character(3))[:, None], columns=2)

    assert len(figure.axes) == 4
    image = figure.axes[0].images[0]
    assert image.to_rgba(image.get_array())[5, 6, :3].tolist() == [0, 0, 0]
    assert image.to_rgba(image.get_array())[0, 0, :3].tolist() == [1, 1, 1]


def test_pairs_say_whether_they_are_the_same_and_how_far_apart():
    figure = plots.pairs(character(2), character(2), torch.tensor([[0.0], [1.0]]), [0.51, 4])

    assert [axes.get_title() for axes in figure.axes] == ["same", "different"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["0.51", "4.00"]


def test_labels_of_pairs_are_0_or_1():
    with pytest.raises(ValueError, match=r"0 \(same\) or 1 \(different\)"):
        plots.pairs(character(2), character(2), [0, 2])


def test_the_loss_against_distance_has_its_margin_and_its_slope():
    figure = plots.loss_against_distance(lambda d, y: (1 - y) * d**2 / 2, margin=6)

    upper, lower = figure.axes
    assert legend(figure) == ["similar (label 0)", "dissimilar (label 1)", "margin = 6"]
    assert line(upper, "margin").get_xdata() == [6, 6]
    distance, slope = lower.lines[0].get_data()
    np.testing.assert_allclose(slope[1:-1], distance[1:-1])
    assert not lower.lines[1].get_ydata().any()


def test_sixteen_classes_of_an_embedding_all_look_different():
    points = np.random.default_rng(0).normal(size=(32, 2))

    figure = plots.embedding(points, np.repeat(np.arange(16), 2), character(32))

    looks = {(item.get_color(), item.get_marker()) for item in figure.axes[0].lines}
    assert len(looks) == 16
    boxes = figure.axes[0].findobj(matplotlib.offsetbox.AnnotationBbox)
    assert len(boxes) == 16
    np.testing.assert_allclose(boxes[0].xy, points[:2].mean(axis=0))


@pytest.mark.parametrize(
    ("points", "reason"), [(np.zeros((17, 2)), "At most 16"), (np.full((2, 2), np.nan), "diverged")]
)
def test_an_embedding_that_cannot_be_read_is_refused(points, reason):
    with pytest.raises(ValueError, match=reason):
        plots.embedding(points, range(len(points)))


def test_distances_are_told_apart_by_label():
    figure = plots.distances(torch.tensor([0.1, 0.2, 3.0]), torch.tensor([[0.0], [0.0], [1.0]]))

    assert legend(figure) == ["same (2 pairs)", "different (1 pair)"]


def test_the_roc_has_its_area_and_the_diagonal_of_chance():
    figure = plots.roc([0, 0.2, 1], [0, 0.9, 1], 0.853)

    assert legend(figure) == ["this network, area 0.85", "chance, area 0.50"]
    assert line(figure.axes[0], "chance").get_xydata().tolist() == [[0, 0], [1, 1]]


def test_a_notebook_shows_the_picture_of_every_cell(monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    sources = ["from course_utils import plots", "plots.network();", "plots.network();"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)

    NotebookClient(notebook, timeout=60).execute()

    shown = [[o for o in cell.outputs if "image/png" in o.get("data", {})] for cell in cells]
    assert [len(pictures) for pictures in shown] == [0, 1, 1]
