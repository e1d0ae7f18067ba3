"""Load the course's data sets: downloaded once and checked, or generated without a network.

Notebooks call the `load_...` functions. `python -m course_utils.data` downloads everything in
advance, for rooms without internet. Three environment variables change where files come from:

COURSE_DATA_DIR
    A folder that already has the files; it is searched first.
COURSE_CACHE_DIR
    The folder for downloads, instead of the user's cache folder.
COURSE_OFFLINE
    Set it to 1 to never use the network.
"""

from __future__ import annotations

import functools
import io
import os
import platform
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nbjudge.exceptions import CourseError

if TYPE_CHECKING:
    import pandas as pd
    from torch.utils.data import TensorDataset

__all__ = [
    "TISSUES",
    "BrainSlice",
    "DataError",
    "Drawings",
    "Fetched",
    "Preterm",
    "cache_dir",
    "fetch_all",
    "load_omniglot",
    "load_preterm",
    "load_slice",
    "preterm_dataset",
    "read_ahead",
    "say_ready",
]

TISSUES: tuple[str, ...] = (
    "Background",
    "Cerebrospinal fluid",
    "Deep grey matter",
    "Cortical grey matter",
    "Brainstem",
    "Cerebellum",
    "White matter",
)

DATA_SETS = {
    "preterm": ("prem_vs_termwrois.csv",),
    "slice": ("images.npz",),
    "omniglot": ("images_background.zip", "omniglot_two_alphabets.zip"),
}
"""The files that each data set can be read from; the first of them is the one to download."""

WHAT = {"preterm": "babies", "slice": "slice of a brain", "omniglot": "characters"}
"""What messages call the data sets."""

_GITHUB = "https://raw.githubusercontent.com"

URLS = {
    "prem_vs_termwrois.csv": f"{_GITHUB}/IS-pillar-3/datasets/main/prem_vs_termwrois.csv",
    "images.npz": f"{_GITHUB}/IS-pillar-3/datasets/main/images.npz",
    "images_background.zip": (
        f"{_GITHUB}/brendenlake/omniglot/master/python/images_background.zip"
    ),
}

CHECKSUMS = {
    "prem_vs_termwrois.csv": (
        "sha256:d496edfe09bdf291315550f0189c7b3065bee444081cbf7c079bd76312c17ad3"
    ),
    "images.npz": "sha256:0389e07ccd95759194b3d1181aa1f8ac6a86c29b07b3f4a58ead9f45fe2b0e65",
    "images_background.zip": "md5:68d2efa1b9178cc56df9314c21c6e718",
    "omniglot_two_alphabets.zip": (
        "sha256:a6fa199ed7ef787216cfca65888f53f1f0789134fbd5535163c887e56d801688"
    ),
}

TIMEOUT = (5, 15)
"""Seconds to wait for a connection, and for the next bytes."""

RETRIES = 2
"""How many times an interrupted or damaged download is tried again."""

ALPHABETS = {
    "Tifinagh": ("Tifinagh", 55),
    "Inuktitut": ("Inuktitut_(Canadian_Aboriginal_Syllabics)", 16),
}
"""Each alphabet's folder in Omniglot, and how many characters it has."""

DRAWINGS_PER_CHARACTER = 20
DRAWING_SIZE = 105
MAX_PNG_BYTES = 10_000

Origin = Literal["COURSE_DATA_DIR", "cache", "network", "stand-in"]

# In this process: why a data set could not be downloaded, and which notes were printed.
_failures: dict[str, str] = {}
_announced: set[str] = set()


class DataError(CourseError):
    """A data set could not be fetched, read or trusted."""


class Preterm(NamedTuple):
    """Three measurements of each of 100 brain regions, of 101 babies.

    Attributes
    ----------
    features : DataFrame of float64, shape (101, 300)
        One row per baby, one column per region. Region DA_1_roi_41_right is 0 in every baby.
    labels : ndarray of int64, shape (101,)
        1 for a baby born preterm, 0 at term. Sorted: 50 at term, then 51 preterm.
    """

    features: pd.DataFrame
    labels: NDArray[np.int64]


class BrainSlice(NamedTuple):
    """A slice of a T1-weighted brain image and two segmentations of it, all of shape (100, 142).

    Attributes
    ----------
    image : ndarray of float32
        Intensities, standardised.
    truth, prediction : ndarray of int64
        For each pixel an index into `TISSUES`.
    """

    image: NDArray[np.float32]
    truth: NDArray[np.int64]
    prediction: NDArray[np.int64]


class Drawings(NamedTuple):
    """Handwritten characters of one alphabet, 20 drawings of each.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, 105, 105)
        Ink is 255, paper 0.
    labels : ndarray of int64, shape (N,)
        Which character each drawing shows, 0 to C − 1, in ascending order.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


class Fetched(NamedTuple):
    """Where a data set was found.

    Attributes
    ----------
    name : str
        The data set: preterm, slice or omniglot.
    origin : str
        COURSE_DATA_DIR, cache, network or stand-in.
    path : Path or None
        The file; None for a stand-in, which is generated when it is loaded.
    reason : str
        Why there is only a stand-in; empty otherwise.
    """

    name: str
    origin: Origin
    path: Path | None
    reason: str = ""


def load_preterm() -> Preterm:
    """Load 300 brain measurements of 101 babies, born at term or preterm.

    Returns
    -------
    Preterm
        `features` (101 × 300 DataFrame, float64) and `labels` ((101,), int64), new at each call.

    Raises
    ------
    DataError
        If the file is damaged or cannot be stored.
    """
    path = _path_or_announce("preterm")
    if path is None:
        return _generate_preterm()
    features, labels = _read_preterm(path, path.stat().st_mtime_ns)
    return Preterm(features.copy(), labels.copy())


def preterm_dataset() -> TensorDataset:
    """Return the data set of brain measurements that the course's exercises train on.

    Returns
    -------
    torch.utils.data.TensorDataset
        Item i is `(x, y)`, float32 of shapes (301,) and (): a bias of 1, then the 300 regions, each
        with mean 0 and population standard deviation 1 (a region that never varies is 0).

    Raises
    ------
    DataError
        If the file is damaged or cannot be stored.
    """
    import torch
    from torch.utils.data import TensorDataset

    features, labels = load_preterm()
    measured = features.to_numpy()
    spread = measured.std(axis=0)
    standardised = (measured - measured.mean(axis=0)) / np.where(spread > 0, spread, 1)
    with_bias = np.insert(standardised, 0, 1, axis=1)
    return TensorDataset(
        torch.tensor(with_bias, dtype=torch.float32), torch.tensor(labels, dtype=torch.float32)
    )


def load_slice() -> BrainSlice:
    """Load a slice of a brain, its true segmentation and a predicted one.

    Returns
    -------
    BrainSlice
        `image` (float32), `truth` and `prediction` (int64), each (100, 142), new at each call.
        Tissues 4 and 5 are absent from `truth`; 5 occurs in `prediction`.

    Raises
    ------
    DataError
        If the file is damaged or cannot be stored.
    """
    path = _path_or_announce("slice")
    return _read_slice(path) if path else _generate_slice()


def load_omniglot(alphabet: str) -> Drawings:
    """Load the handwritten characters of one alphabet of Omniglot (Lake et al., 2015).

    Parameters
    ----------
    alphabet : str
        "Tifinagh" (55 characters, to train on) or "Inuktitut" (16, to test on).

    Returns
    -------
    Drawings
        `images` (N × 105 × 105, uint8, ink 255 on 0) and `labels` ((N,), int64), sorted by
        character, then by drawing; new at each call.

    Raises
    ------
    DataError
        If there is no such alphabet, or the file is damaged or cannot be stored.
    """
    if alphabet not in ALPHABETS:
        choices = " or ".join(f"'{name}'" for name in ALPHABETS)
        raise DataError(f"There is no alphabet {alphabet!r} in this course: choose {choices}.")
    images, labels = _drawings(alphabet, _path_or_announce("omniglot"))
    return Drawings(images.copy(), labels.copy())


def cache_dir() -> Path:
    """Return the folder for downloads; it may not exist yet."""
    if chosen := os.environ.get("COURSE_CACHE_DIR"):
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("course-data"))


def fetch_all() -> list[Fetched]:
    """Download all data sets that are not here yet, so that the notebooks work without a network.

    If the network failed earlier in this process, it is tried once more.

    Returns
    -------
    list of Fetched
        One entry per data set. The origin "stand-in" means that it could not be downloaded.

    Raises
    ------
    DataError
        If a file is damaged or cannot be stored.
    """
    _failures.clear()
    return [_find_data(data_set) for data_set in DATA_SETS]


def say_ready() -> None:
    """Print that the course's tools were found, their versions, and where each data set comes from.

    No data set is downloaded, loaded or checked; the `load_...` functions do that.
    """
    print(f"Ready. Python {platform.python_version()}, {_versions()}.")
    places: dict[str, list[str]] = {}
    for data_set, what in WHAT.items():
        places.setdefault(_origin_of(data_set), []).append(what)
    for place, data_sets in places.items():
        print(f"{', '.join(data_sets).capitalize()}: {place}.")


@functools.cache
def _versions() -> str:
    """Return the versions of the main libraries, as text."""
    return ", ".join(
        f"{shown} {version(name)}"
        for shown, name in (("NumPy", "numpy"), ("PyTorch", "torch"), ("Matplotlib", "matplotlib"))
    )


def _origin_of(data_set: str) -> str:
    """Return where a data set would be loaded from, as text."""
    with suppress(DataError):
        for folder in (_data_dir(), cache_dir()):
            if (file := _first_file(data_set, folder)) is not None:
                return f"real data, in {file.parent}"
    if _is_offline():
        return "stand-ins, as COURSE_OFFLINE is set"
    return "not here yet, fetched when first needed"


def read_ahead() -> None:
    """Load the slow data sets into memory, so that this process and its forks only copy them.

    Only COURSE_DATA_DIR is searched, and nothing is downloaded; what is not there is generated. A
    file that cannot be read raises an error only when it is loaded.
    """
    _versions()
    with suppress(DataError):
        folder = _data_dir()
        if (table := _first_file("preterm", folder)) is not None:
            _read_preterm(table, table.stat().st_mtime_ns)
        archive = _first_file("omniglot", folder)
        for alphabet in ALPHABETS:
            _drawings(alphabet, archive)


# Finding the files


def _path_or_announce(data_set: str) -> Path | None:
    found = _find_data(data_set)
    if found.path is None and data_set not in _announced:
        _announced.add(data_set)
        # On stdout, as nbgrader takes marks away from a cell that writes to stderr.
        print(
            f"Note: {DATA_SETS[data_set][0]} could not be fetched ({found.reason}), so generated "
            "stand-in data is used. Results will differ from the text.\n"
            "To use the real data: connect to the internet and restart the kernel, or put the file "
            "in a folder and name that folder in the environment variable COURSE_DATA_DIR."
        )
    return found.path


def _find_data(data_set: str) -> Fetched:
    if (here := _first_file(data_set, _data_dir())) is not None:
        if not _is_intact(here):
            message = (
                f"{here} is not the file that the course expects (its checksum differs). "
                "Delete it and put a fresh copy there, or unset COURSE_DATA_DIR to download it."
            )
            raise DataError(message)
        return Fetched(data_set, "COURSE_DATA_DIR", here)

    cached = _first_file(data_set, cache_dir())
    if cached is not None and _is_intact(cached):
        return Fetched(data_set, "cache", cached)

    if _is_offline():
        reason = "COURSE_OFFLINE is set"
    else:
        if data_set not in _failures and (path := _download(data_set)) is not None:
            return Fetched(data_set, "network", path)
        reason = _failures[data_set]
    if cached is not None:
        message = (
            f"{cached} is damaged (its checksum differs) and was not fetched again ({reason}). "
            "Connect to the internet and restart the kernel, or delete the file to work with "
            "generated data until then."
        )
        raise DataError(message)
    return Fetched(data_set, "stand-in", None, reason)


def _data_dir() -> Path | None:
    chosen = os.environ.get("COURSE_DATA_DIR")
    if not chosen:
        return None
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        message = (
            f"COURSE_DATA_DIR is set to {folder}, which is not a folder. "
            "Set it to the folder that holds the data files, or unset it."
        )
        raise DataError(message)
    return folder


def _first_file(data_set: str, folder: Path | None) -> Path | None:
    if folder is None:
        return None
    with _readable(folder):
        return next((folder / n for n in DATA_SETS[data_set] if (folder / n).is_file()), None)


def _is_offline() -> bool:
    return os.environ.get("COURSE_OFFLINE", "0") not in ("", "0")


def _is_intact(path: Path) -> bool:
    import pooch

    algorithm, _, expected = CHECKSUMS[path.name].partition(":")
    with _readable(path):
        return bool(pooch.file_hash(str(path), alg=algorithm) == expected)


class _NoConnectionError(Exception):
    """The server could not be reached; unlike for other errors, a retry would not help."""


def _download(data_set: str) -> Path | None:
    import pooch
    import requests

    def downloader(url: str, output_file: Any, pup: Any) -> None:
        try:
            pooch.HTTPDownloader(timeout=TIMEOUT)(url, output_file, pup)
        except requests.ConnectionError as error:
            raise _NoConnectionError(type(error).__name__) from error

    name = DATA_SETS[data_set][0]
    folder = cache_dir()
    pooch.get_logger().setLevel("WARNING")  # pooch writes its progress to stderr
    registry = pooch.create(
        path=folder,
        base_url="",
        registry={name: CHECKSUMS[name]},
        urls={name: URLS[name]},
        retry_if_failed=RETRIES,
    )
    try:
        return Path(registry.fetch(name, downloader=downloader))
    except requests.HTTPError as error:
        _failures[data_set] = f"the server answered {error.response.status_code}"
    except _NoConnectionError as error:
        # Record it for all data sets, so that nobody waits for the same network again.
        _failures.update(dict.fromkeys(DATA_SETS, f"no network: {error}"))
    except requests.RequestException as error:
        _failures.update(dict.fromkeys(DATA_SETS, f"no network: {type(error).__name__}"))
    except OSError as error:
        message = (
            f"{name} cannot be kept in the cache folder {folder} ({error.strerror or error}). "
            "Set the environment variable COURSE_CACHE_DIR to a folder where you may write."
        )
        raise DataError(message) from error
    except ValueError as error:
        message = (
            f"{name} arrived damaged from {URLS[name]} (its checksum differs), so it was not kept. "
            "Try again; if you are asked to log in to this network, do that first."
        )
        raise DataError(message) from error
    return None


# Reading them


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each library has its own errors for unreadable files
        message = (
            f"{path} cannot be read ({error}). "
            "Check that you may read it, or delete it and fetch it again."
        )
        raise DataError(message) from error


@functools.lru_cache(maxsize=1)
def _read_preterm(path: Path, written: int) -> Preterm:
    """Read the table; cached until the file is written again."""
    import pandas as pd

    with _readable(path):
        # The first column is a row number from an older table.
        table = pd.read_csv(path, index_col=0).reset_index(drop=True)
        labels = table["is_prem"].to_numpy(np.int64)
        regions = table.columns.drop(["session", "is_prem"])
        # One block of memory, which is fast to copy.
        features = pd.DataFrame(table[regions].to_numpy(np.float64), columns=regions)
    return Preterm(features, labels)


def _read_slice(path: Path) -> BrainSlice:
    with _readable(path), np.load(path, allow_pickle=False) as arrays:
        return BrainSlice(
            arrays["arr_0"].astype(np.float32),
            arrays["arr_1"].astype(np.int64),
            arrays["arr_2"].astype(np.int64),
        )


@functools.cache
def _drawings(alphabet: str, path: Path | None) -> Drawings:
    return _read_omniglot(path, alphabet) if path else _generate_drawings(alphabet)


def _read_omniglot(path: Path, alphabet: str) -> Drawings:
    folder = f"images_background/{ALPHABETS[alphabet][0]}/"
    with _readable(path), zipfile.ZipFile(path) as archive:
        members = sorted(
            (info for info in archive.infolist() if info.filename.startswith(folder)),
            key=lambda info: info.filename,
        )
        drawings = [info for info in members if info.filename.endswith(".png")]
        images = np.stack([_read_drawing(archive, info) for info in drawings])
    characters = [info.filename.split("/")[-2] for info in drawings]
    labels = np.unique(characters, return_inverse=True)[1].astype(np.int64)
    return Drawings(images, labels)


def _read_drawing(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[np.uint8]:
    from PIL import Image

    if info.file_size > MAX_PNG_BYTES:
        raise ValueError(f"{info.filename} is larger than a drawing can be")
    with Image.open(io.BytesIO(archive.read(info)), formats=["PNG"]) as image:
        if image.size != (DRAWING_SIZE, DRAWING_SIZE):
            raise ValueError(f"{info.filename} is not {DRAWING_SIZE} × {DRAWING_SIZE}")
        return 255 - np.asarray(image.convert("L"), dtype=np.uint8)


# Generating stand-ins; the numbers are the same in every run


def _generate_preterm() -> Preterm:
    """Draw measurements like the real ones.

    As in the real table there are three blocks of 100 regions: sizes near 1, sizes near 1.1 that
    vary together and are smaller in preterm babies, and differences near 0. Two shared factors
    account for some 40 per cent of the variance. How preterm a brain looks varies from baby to
    baby, so that the classes overlap: logistic regression classifies about nine of ten unseen
    babies correctly, on these measurements as on the real ones.
    """
    import pandas as pd

    rng = np.random.default_rng(101)
    labels = np.repeat([0, 1], [50, 51]).astype(np.int64)
    block = np.repeat([0, 1, 2], 100)
    looks_preterm = labels - 0.5 + rng.normal(0, 0.22, size=101)
    shift = rng.normal(np.array([0.4, -1.0, 0.0])[block], np.array([0.3, 0.15, 0.4])[block])
    together = rng.normal(np.array([0.1, 0.6, 0.1])[block], 0.15)
    apart = rng.normal(np.array([0.6, 0.2, 0.2])[block], 0.3)
    brains = (
        np.outer(looks_preterm, shift)
        + np.outer(rng.normal(size=101), together)
        + np.outer(rng.normal(size=101), apart)
        + 0.7 * rng.normal(size=(101, 300))
    )
    centre = rng.normal(np.array([1.05, 1.15, 0.03])[block], np.array([0.12, 0.15, 0.05])[block])
    measured = centre + np.array([0.075, 0.115, 0.025])[block] * brains

    regions = sorted(f"DA_{b}_roi_{region}_right" for b in range(3) for region in range(1, 101))
    features = pd.DataFrame(measured, columns=regions)
    features["DA_1_roi_41_right"] = 0.0
    return Preterm(features, labels)


def _generate_slice() -> BrainSlice:
    """Draw a brain of nested ellipses, and a prediction with errors along borders."""
    rng = np.random.default_rng(142)
    row, column = np.mgrid[:100, :142]
    y, x = row - 50.0, column - 67.0

    def radius(y0: float, x0: float, height: float, width: float) -> NDArray[np.float64]:
        distance: NDArray[np.float64] = np.hypot((y - y0) / height, (x - x0) / width)
        return distance

    head, brain = radius(0, 0, 40, 50), radius(0, 0, 34, 42.5)
    angle = np.arctan2(y / 34, x / 42.5)
    folds = np.cos(28 * angle) + 0.6 * np.cos(47 * angle + 1)
    ventricles = (radius(0, 0, 14, 19) < 1) & (np.abs(y) < 4 + 0.03 * x**2)
    deep_grey = np.minimum(radius(-6, 0, 3.5, 11), radius(6, 0, 3.5, 11)) < 1

    truth = np.zeros((100, 142), dtype=np.int64)
    truth[brain < 1] = 1
    truth[brain < 0.94 - 0.06 * folds] = 3
    truth[brain < 0.77 + 0.16 * folds] = 6
    truth[deep_grey] = 2
    truth[ventricles] = 1

    prediction = truth.copy()
    prediction[(truth == 6) & _touches(truth != 6)] = 5
    prediction[(truth == 3) & _touches(_touches((truth == 0) | (truth == 1)))] = 2
    wrong = rng.random(truth.shape) < 0.03
    prediction[wrong] = np.roll(truth, (1, 1), axis=(0, 1))[wrong]

    tissue = np.array([-0.54, 0.1, 1.7, 1.0, 0.0, 0.0, 2.5])[truth]
    tissue[(head < 1) & (truth == 0)] = 0.0
    tissue[(head > 0.93) & (head < 1)] = 3.4
    noise = np.where(head < 1, 0.25, 0.004) * rng.normal(size=truth.shape)
    image = (_blur(tissue) + noise).clip(-0.5422, 4.4134)
    return BrainSlice(image.astype(np.float32), truth, prediction)


def _neighbours(grid: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for axis in (0, 1):
        for step in (-1, 1):
            yield np.roll(grid, step, axis)


def _touches(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    touches: NDArray[np.bool_] = np.any(list(_neighbours(mask)), axis=0)
    return touches


def _blur(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.6 * grid + 0.1 * sum(_neighbours(grid))


def _generate_drawings(alphabet: str) -> Drawings:
    """Draw invented characters of one to three smooth strokes, each twenty times, unsteadily."""
    characters = ALPHABETS[alphabet][1]
    rng = np.random.default_rng(characters)
    images = [
        _draw_strokes(_unsteady(strokes, rng))
        for strokes in (_invent_character(rng) for _ in range(characters))
        for _ in range(DRAWINGS_PER_CHARACTER)
    ]
    labels = np.repeat(np.arange(characters, dtype=np.int64), DRAWINGS_PER_CHARACTER)
    return Drawings(np.stack(images), labels)


def _invent_character(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return strokes of four points each, (strokes, 4, 2), in pixels from the middle."""
    strokes = rng.uniform(-1, 1, size=(rng.integers(1, 4), 4, 2))
    strokes -= strokes.mean(axis=(0, 1))
    strokes *= 30 / np.abs(strokes).max()
    return strokes


def _unsteady(strokes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Turn, stretch, slant, shift and shake the strokes a little."""
    turn = rng.normal(0, 0.12)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    stretch_and_slant = np.diag(rng.normal(0.9, 0.15, size=2)) + rng.normal(0, 0.08, size=(2, 2))
    shaken = strokes + rng.normal(0, 3.0, size=strokes.shape)
    return shaken @ (rotation @ stretch_and_slant).T + rng.normal(0, 5.0, size=2)


def _draw_strokes(strokes: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Draw a cubic through the points of each stroke, three pixels wide, as white ink on black."""
    cubics = np.linalg.solve(np.vander(np.linspace(0, 1, 4)), strokes)
    curves = np.vander(np.linspace(0, 1, 250), 4) @ cubics
    points = np.rint(curves).astype(int).reshape(-1, 1, 2) + DRAWING_SIZE // 2
    pen = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    inked = (points + pen).clip(0, DRAWING_SIZE - 1).reshape(-1, 2)
    image = np.zeros((DRAWING_SIZE, DRAWING_SIZE), dtype=np.uint8)
    image[inked[:, 0], inked[:, 1]] = 255
    return image


def main() -> int:
    """Download all data sets and print where each one is; return 1 if any is missing."""
    try:
        fetched = fetch_all()
    except DataError as error:
        print(error)
        return 1
    for name, origin, path, reason in fetched:
        print(f"{name:<9} {origin:<16} {path or f'not fetched ({reason})'}")
    return int(any(found.path is None for found in fetched))


if __name__ == "__main__":
    raise SystemExit(main())
