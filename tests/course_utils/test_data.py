"""The data sets: where they are looked for, what is trusted, and what stands in for them."""

import functools
import hashlib
import http.server
import io
import os
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import data
from course_utils.data import DataError

REAL_DATA = os.environ.get("COURSE_DATA_DIR")
needs_real_data = pytest.mark.skipif(
    not REAL_DATA, reason="the real data sets: set COURSE_DATA_DIR to the folder that holds them"
)
CSV = "prem_vs_termwrois.csv"
TABLE = b",left,right,session,is_prem\n38,1.5,2.0,7702,0.0\n39,1.0,2.5,8300,1.0\n"


class Server(http.server.ThreadingHTTPServer):
    """Serves what `answers` says, in turn and then the last for ever, and counts the requests."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = [(200, TABLE)]
        self.requests = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answers = self.server.answers
        status, body = answers[min(self.server.requests, len(answers) - 1)]
        self.server.requests += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch, tmp_path):
    """Forget what the process remembers; no test finds the user's files or reaches the internet."""
    for variable in ("COURSE_DATA_DIR", "COURSE_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(data, "_failures", {})
    monkeypatch.setattr(data, "_announced", set())
    monkeypatch.setattr(data, "RETRIES", 0)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setattr(data, "URLS", {name: f"{nowhere}/{name}" for name in data.URLS})


@pytest.fixture
def server(monkeypatch):
    """A server that has the table of preterm babies, in short, for its URL and checksum."""
    with Server() as running:
        threading.Thread(target=functools.partial(running.serve_forever, 0.01)).start()
        monkeypatch.setitem(data.URLS, CSV, running.url)
        expect(monkeypatch, CSV, TABLE)
        yield running
        running.shutdown()


@pytest.fixture
def data_dir(monkeypatch, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def real_data(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(REAL_DATA))
    monkeypatch.setenv("COURSE_OFFLINE", "1")


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")


def expect(monkeypatch, name, content):
    monkeypatch.setitem(data.CHECKSUMS, name, f"sha256:{hashlib.sha256(content).hexdigest()}")


def put(folder, name, content):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def png(*, ink_at=(0, 0), size=(105, 105)):
    image = Image.new("1", size, 1)
    image.putpixel(ink_at, 0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )


# Where the files are looked for


def test_a_download_is_kept_and_not_repeated(server):
    first, second = data.load_preterm(), data.load_preterm()

    assert server.requests == 1
    assert (data.cache_dir() / CSV).read_bytes() == TABLE
    assert first.features.equals(second.features)


def test_the_row_numbers_session_and_label_are_no_features(server):
    features, labels = data.load_preterm()

    assert list(features) == ["left", "right"]
    assert features.to_numpy().tolist() == [[1.5, 2.0], [1.0, 2.5]]
    assert labels.tolist() == [0, 1]
    assert labels.dtype == np.int64


def test_the_data_dir_comes_before_cache_and_network(server, data_dir):
    put(data.cache_dir(), CSV, TABLE)
    put(data_dir, CSV, TABLE)

    assert data.fetch_all()[0] == ("preterm", "COURSE_DATA_DIR", data_dir / CSV, "")
    assert server.requests == 0


def test_a_data_dir_without_the_file_falls_through_to_the_cache(server, data_dir):
    put(data.cache_dir(), CSV, TABLE)

    assert data.fetch_all()[0].origin == "cache"
    assert server.requests == 0


def test_a_data_dir_that_is_no_folder_is_named_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "absent"))

    with pytest.raises(DataError, match=r"COURSE_DATA_DIR.*absent.*not a folder.*unset it"):
        data.load_slice()


def test_the_cache_folder_is_the_users_own_unless_it_is_set(monkeypatch):
    monkeypatch.delenv("COURSE_CACHE_DIR")

    assert "course-data" in data.cache_dir().parts


def test_offline_leaves_the_network_alone(server, offline, capsys):
    data.load_preterm()

    assert server.requests == 0
    assert "COURSE_OFFLINE is set" in capsys.readouterr().out


@pytest.mark.parametrize("name", data.DATA_SETS["omniglot"])
@pytest.mark.parametrize("place", ["data_dir", "cache"])
def test_either_archive_of_drawings_serves(name, place, monkeypatch, data_dir):
    archive = zipped({"images_background/Tifinagh/character01/0910_01.png": png()})
    expect(monkeypatch, name, archive)
    put(data_dir if place == "data_dir" else data.cache_dir(), name, archive)

    assert len(data.load_omniglot("Tifinagh").images) == 1


# What is trusted


def test_a_wrong_file_in_the_data_dir_is_named_with_the_remedy(data_dir):
    put(data_dir, CSV, b"something else")

    with pytest.raises(DataError, match=rf"{CSV} is not the file.*Delete it"):
        data.load_preterm()


def test_a_damaged_cached_file_is_fetched_anew(server):
    cached = put(data.cache_dir(), CSV, TABLE[:-5])

    data.load_preterm()

    assert cached.read_bytes() == TABLE


def test_a_damaged_cached_file_without_a_network_says_so():
    put(data.cache_dir(), CSV, TABLE[:-5])

    with pytest.raises(DataError, match=rf"{CSV} is damaged.*no network.*delete the file"):
        data.load_preterm()


def test_a_damaged_download_is_refused_and_not_kept(server):
    server.answers = [(200, b"<html>Please log in</html>")]

    with pytest.raises(DataError, match=rf"{CSV} arrived damaged from http.*Try again.*log in"):
        data.load_preterm()
    assert not (data.cache_dir() / CSV).exists()


def test_a_download_that_fails_once_is_tried_again(server, monkeypatch):
    monkeypatch.setattr(data, "RETRIES", 2)
    server.answers = [(503, b""), (200, TABLE[:-5]), (200, TABLE)]

    assert data.fetch_all()[0].origin == "network"
    assert server.requests == 3


def test_a_cache_that_cannot_be_written_names_the_variable(server, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE_DIR", str(put(tmp_path, "a_file", b"")))

    with pytest.raises(DataError, match=r"cannot be kept.*a_file.*COURSE_CACHE_DIR"):
        data.load_preterm()


@pytest.mark.parametrize(
    ("name", "load"),
    [
        (CSV, data.load_preterm),
        ("images.npz", data.load_slice),
        ("images_background.zip", functools.partial(data.load_omniglot, "Tifinagh")),
    ],
)
@pytest.mark.parametrize("content", [b"", b"not,what\nit,should be", zipped({"other.txt": b""})])
def test_unreadable_contents_are_one_sentence_not_a_traceback(
    name, load, content, monkeypatch, data_dir
):
    expect(monkeypatch, name, content)
    put(data_dir, name, content)

    with pytest.raises(DataError, match=rf"{name} cannot be read.*fetch it again"):
        load()


@pytest.mark.parametrize("drawing", [bytes(data.MAX_PNG_BYTES + 1), png(size=(5000, 9))])
def test_a_drawing_larger_than_any_drawing_is_refused(drawing, monkeypatch, data_dir):
    archive = zipped({"images_background/Tifinagh/character01/0910_01.png": drawing})
    expect(monkeypatch, "images_background.zip", archive)
    put(data_dir, "images_background.zip", archive)

    with pytest.raises(DataError, match=r"0910_01\.png is"):
        data.load_omniglot("Tifinagh")


def test_arrays_that_need_pickle_are_refused(monkeypatch, data_dir):
    path = data_dir / "images.npz"
    np.savez(path, arr_0=np.array([{}], dtype=object))
    expect(monkeypatch, "images.npz", path.read_bytes())

    with pytest.raises(DataError, match="allow_pickle=False"):
        data.load_slice()


# Reading ahead


def test_what_was_read_ahead_is_not_decoded_again(monkeypatch, data_dir):
    folder = "images_background/Tifinagh/character01"
    archive = zipped({f"{folder}/0910_0{number}.png": png() for number in (1, 2)})
    for name, content in (("images_background.zip", archive), (CSV, TABLE)):
        expect(monkeypatch, name, content)
        put(data_dir, name, content)
    # This archive has no second alphabet.
    monkeypatch.setattr(data, "ALPHABETS", {"Tifinagh": data.ALPHABETS["Tifinagh"]})

    data.read_ahead()
    for reads in ("zipfile.ZipFile", "pandas.read_csv"):
        monkeypatch.setattr(reads, None)

    assert len(data.load_omniglot("Tifinagh").images) == 2
    assert data.load_preterm().labels.tolist() == [0, 1]


def test_a_file_that_cannot_be_read_ahead_is_told_of_when_it_is_loaded(monkeypatch, data_dir):
    expect(monkeypatch, "images_background.zip", b"no archive")
    put(data_dir, "images_background.zip", b"no archive")

    data.read_ahead()

    with pytest.raises(DataError, match=r"images_background\.zip cannot be read"):
        data.load_omniglot("Tifinagh")


def test_reading_ahead_asks_no_server_and_says_nothing(server, capfd):
    data.read_ahead()

    assert server.requests == 0
    assert capfd.readouterr() == ("", "")


# What the files become


def test_drawings_are_inverted_and_sorted_by_character_then_drawing(monkeypatch, data_dir):
    folder = "images_background/Inuktitut_(Canadian_Aboriginal_Syllabics)"
    archive = zipped(
        {
            f"{folder}/character02/0541_01.png": png(ink_at=(2, 0)),
            f"{folder}/character01/0540_02.png": png(ink_at=(1, 0)),
            f"{folder}/character01/0540_01.png": png(ink_at=(0, 0)),
            "images_background/Tifinagh/character01/0910_01.png": png(),
        }
    )
    expect(monkeypatch, "images_background.zip", archive)
    put(data_dir, "images_background.zip", archive)

    images, labels = data.load_omniglot("Inuktitut")

    assert labels.tolist() == [0, 0, 1]
    assert np.argwhere(images).tolist() == [[0, 0, 0], [1, 0, 1], [2, 0, 2]]
    assert images.max() == 255


def test_an_unknown_alphabet_names_the_two():
    with pytest.raises(DataError, match=r"'Klingon'.*'Tifinagh' or 'Inuktitut'"):
        data.load_omniglot("Klingon")


def test_the_training_set_is_a_bias_then_standardised_regions(offline):
    dataset = data.preterm_dataset()
    X, y = dataset.tensors
    varying = X[:, 1:].numpy().std(axis=0) > 0

    assert [tensor.shape for tensor in dataset[3]] == [(301,), ()]
    assert {str(tensor.dtype) for tensor in dataset[3]} == {"torch.float32"}
    assert (X[:, 0] == 1).all()
    assert np.allclose(X[:, 1:].mean(dim=0), 0, atol=1e-5)
    assert np.allclose(X[:, 1:].numpy()[:, varying].std(axis=0), 1, atol=1e-5)
    assert y.sum() == 51


def test_a_region_that_never_varies_becomes_zero_not_nan(offline):
    features, _ = data.load_preterm()
    constant = 1 + int(np.flatnonzero(features.std() == 0)[0])

    X, _ = data.preterm_dataset().tensors

    assert (X[:, constant] == 0).all()


# Stand-ins


@pytest.mark.parametrize(
    "failure",
    ["refused", (404, b"")],
    ids=["a refused connection", "a missing file"],
)
def test_without_the_file_a_stand_in_is_announced_once_on_stdout(failure, server, capfd):
    if failure == "refused":
        server.server_close()
    else:
        server.answers = [failure]

    data.load_preterm()
    data.load_preterm()

    output, errors = capfd.readouterr()
    assert output.count(f"Note: {CSV} could not be fetched") == 1
    assert "COURSE_DATA_DIR" in output
    assert errors == ""


def test_two_alphabets_are_one_note(offline, capsys):
    data.load_omniglot("Tifinagh")
    data.load_omniglot("Inuktitut")

    assert capsys.readouterr().out.count("Note:") == 1


def test_a_room_without_internet_waits_once(monkeypatch):
    attempts = []

    def time_out(url, **kwargs):
        import requests

        attempts.append(kwargs["timeout"])
        raise requests.ConnectTimeout

    monkeypatch.setattr(data, "RETRIES", 2)
    monkeypatch.setattr("requests.get", time_out)

    data.load_preterm()
    data.load_slice()
    data.load_omniglot("Inuktitut")

    assert attempts == [data.TIMEOUT]


def test_a_missing_file_does_not_stop_the_other_downloads(server, monkeypatch):
    server.answers = [(404, b""), (200, TABLE)]
    monkeypatch.setitem(data.URLS, "images.npz", server.url)
    expect(monkeypatch, "images.npz", TABLE)

    assert [found.origin for found in data.fetch_all()[:2]] == ["stand-in", "network"]


def test_fetching_ahead_tries_a_network_that_failed_before(server):
    server.answers = [(404, b""), (200, TABLE)]
    data.load_preterm()

    assert data.fetch_all()[0].origin == "network"
    assert list(data.load_preterm().features) == ["left", "right"]


def test_the_stand_in_for_the_measurements_has_their_form(offline):
    features, labels = data.load_preterm()

    assert features.shape == (101, 300)
    assert set(features.dtypes) == {np.dtype(np.float64)}
    assert labels.tolist() == [0] * 50 + [1] * 51
    assert 0.6 < features.to_numpy().mean() < 0.9


@pytest.mark.parametrize("origin", ["offline", pytest.param("real_data", marks=needs_real_data)])
def test_nine_of_ten_unseen_babies_can_be_told(origin, request):
    request.getfixturevalue(origin)
    X, y = (tensor.numpy().astype(float) for tensor in data.preterm_dataset().tensors)

    # Ridge regression on ±1, each baby left out in turn by the closed form.
    kernel = X @ X.T
    hat = kernel @ np.linalg.inv(kernel + 1000 * np.eye(len(y)))
    target = 2 * y - 1
    left_out = target - (target - hat @ target) / (1 - np.diag(hat))
    accuracy = (np.sign(left_out) == target).mean()

    assert 0.86 < accuracy < 0.96


def test_the_stand_in_for_the_slice_has_its_form(offline):
    image, truth, prediction = data.load_slice()

    assert [(a.shape, a.dtype) for a in (image, truth, prediction)] == [
        ((100, 142), np.float32),
        ((100, 142), np.int64),
        ((100, 142), np.int64),
    ]
    assert set(np.unique(truth)) == {0, 1, 2, 3, 6}
    assert set(np.unique(prediction)) == {0, 1, 2, 3, 5, 6}
    assert 700 < (prediction == 5).sum() < 1000
    assert -0.6 < image.min() < np.median(image) < -0.4
    assert 3.5 < image.max() < 4.5
    grey, white = (image[truth == tissue].mean() for tissue in (3, 6))
    assert image[truth == 1].mean() < grey < white


@pytest.mark.parametrize(("alphabet", "characters"), [("Tifinagh", 55), ("Inuktitut", 16)])
def test_the_stand_in_for_an_alphabet_has_its_form(alphabet, characters, offline):
    images, labels = data.load_omniglot(alphabet)

    assert images.shape == (20 * characters, 105, 105)
    assert images.dtype == np.uint8
    assert set(np.unique(images)) == {0, 255}
    assert labels.tolist() == np.repeat(range(characters), 20).tolist()
    assert labels.dtype == np.int64
    ink = (images > 0).mean(axis=(1, 2))
    assert ink.min() > 0.005
    assert 0.03 < np.median(ink) < 0.1


def test_generated_drawings_of_one_character_resemble_each_other(offline):
    images, labels = data.load_omniglot("Inuktitut")
    coarse = images.reshape(-1, 7, 15, 7, 15).mean(axis=(2, 4)).reshape(len(images), -1)
    distance = np.linalg.norm(coarse[:, None] - coarse, axis=2)
    np.fill_diagonal(distance, np.inf)

    nearest_is_alike = labels[distance.argmin(axis=1)] == labels

    assert nearest_is_alike.mean() > 0.7


def test_no_two_generated_drawings_are_the_same(offline):
    images, _ = data.load_omniglot("Tifinagh")

    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_stand_ins_are_the_same_in_every_process():
    code = """if True:
        import hashlib
        from course_utils import data
        measured = data.load_preterm().features.to_numpy()
        arrays = [measured, *data.load_slice(), *data.load_omniglot("Inuktitut")]
        print(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
    """
    runs = [run_python(code, COURSE_OFFLINE="1", PYTHONHASHSEED=seed).stdout for seed in "12"]

    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    "load", [data.load_preterm, data.load_slice, functools.partial(data.load_omniglot, "Inuktitut")]
)
def test_one_callers_changes_do_not_reach_the_next(load, offline):
    first = load()[0]
    before = np.array(first)
    first[:] = 7

    assert np.array_equal(load()[0], before)


# Ahead of a lesson, and at import


def test_fetching_ahead_prints_a_line_per_data_set_and_fails_if_one_is_missing(server, capsys):
    status = data.main()

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["preterm", "network"],
        ["slice", "stand-in"],
        ["omniglot", "stand-in"],
    ]
    assert str(data.cache_dir() / CSV) in lines[0]
    assert status == 1


def test_fetching_ahead_shows_an_error_as_its_message(data_dir, capsys):
    put(data_dir, CSV, b"something else")

    assert data.main() == 1
    assert "Delete it" in capsys.readouterr().out


def test_a_download_writes_nothing_to_stderr(server):
    code = f"""if True:
        from course_utils import data
        data.URLS[{CSV!r}] = {server.url!r}
        data.CHECKSUMS[{CSV!r}] = {data.CHECKSUMS[CSV]!r}
        data.load_preterm()
    """

    done = run_python(code)

    assert server.requests == 1
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("course_utils", {"numpy", "torch", "pandas", "matplotlib"}),
        ("course_utils.data", {"torch", "pandas", "matplotlib", "pooch", "requests", "PIL"}),
    ],
)
def test_import_brings_nothing_heavy(module, heavy):
    loaded = run_python(f"import sys, {module}; print(*sys.modules)").stdout.split()

    assert heavy.isdisjoint(loaded)


# The real data


@needs_real_data
def test_the_real_measurements_have_300_finite_regions_and_no_note(real_data, capsys):
    features, labels = data.load_preterm()

    assert features.shape == (101, 300)
    assert (features.dtypes == np.float64).all()
    assert labels.tolist() == [0] * 50 + [1] * 51
    assert features.iloc[0, 0] == pytest.approx(1.128676, abs=1e-6)
    assert list(features) == list(data._generate_preterm().features)
    assert data.preterm_dataset().tensors[0].isfinite().all()
    assert capsys.readouterr().out == ""


@needs_real_data
def test_the_real_slice_lacks_tissues_4_and_5_and_predicts_5(real_data):
    image, truth, prediction = data.load_slice()

    assert (image.dtype, truth.dtype, prediction.dtype) == (np.float32, np.int64, np.int64)
    assert np.bincount(truth.ravel()).tolist() == [9646, 950, 115, 1341, 0, 0, 2148]
    assert (prediction == 5).sum() == 851


@needs_real_data
@pytest.mark.parametrize(("alphabet", "characters"), [("Tifinagh", 55), ("Inuktitut", 16)])
def test_the_real_drawings_are_20_of_each_character_in_white_on_black(
    alphabet, characters, real_data
):
    images, labels = data.load_omniglot(alphabet)

    assert images.shape == (20 * characters, 105, 105)
    assert images.dtype == np.uint8
    assert set(np.unique(images)) == {0, 255}
    assert labels.tolist() == np.repeat(range(characters), 20).tolist()
    assert (images > 0).mean() < 0.2


@needs_real_data
def test_the_real_files_pass_their_checksums(real_data):
    assert {found.origin for found in data.fetch_all()} == {"COURSE_DATA_DIR"}
    assert all(Path(str(REAL_DATA)) in found.path.parents for found in data.fetch_all())


def test_who_begins_is_told_which_data_are_here(monkeypatch, tmp_path, capsys):
    (tmp_path / "images.npz").touch()
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("COURSE_OFFLINE", "1")

    data.say_ready()

    ready, *places = capsys.readouterr().out.splitlines()
    assert ready.startswith("Ready. Python ")
    assert places == [
        "Babies, characters: stand-ins, as COURSE_OFFLINE is set.",
        f"Slice of a brain: real data, in {tmp_path}.",
    ]


def test_what_is_not_here_yet_is_told_without_a_network(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("COURSE_OFFLINE", "0")
    monkeypatch.setattr(data, "_download", lambda _: pytest.fail("this must not download"))

    data.say_ready()

    assert "Babies, slice of a brain, characters: not here yet, fetched when" in (
        capsys.readouterr().out
    )
