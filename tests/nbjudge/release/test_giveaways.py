"""That nothing which students get with a release wins points in the place of an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from nbjudge.course.plug import Plug
from nbjudge.exceptions import ReleaseError
from nbjudge.release import giveaways as module
from nbjudge.release import source
from nbjudge.release.giveaways import _Examination, _examinations, _Given, _winners

DOUBLE = _Examination("1.1", "double", "assert double(4) == 8 and double(-1) == -2", 2)
COUNTER = _Examination("1.2", "Counter", "c = Counter()\nassert (c.up(), c.up()) == (1, 2)", 2)
PARTS = """\
from nbjudge import checks as check

parts = check.Parts()
with parts(1, "positive"):
    check.close(double(4), 8, what="four")
with parts(1, "negative"):
    check.close(double(-1), -2, what="minus one")
parts.points()
"""


def winners(*texts: str, name: str = "nbjudge/tools.py", test: Any = DOUBLE) -> list[str]:
    """Return what wins points in a test, of what a file defines."""
    (found,) = _winners(_Given(name, texts), [test], "")
    return found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def twice(x):\n    return 2 * x", ["twice"]),
        ("def _twice(x):\n    return 2 * x", ["_twice"]),
        ("twice = lambda x: 2 * x", ["twice"]),
        ("def twice(x):\n    return 2 * x\n\ndouble = also = twice", ["twice"]),
        (
            "from functools import partial\nfrom operator import mul\ntwice = partial(mul, 2)",
            ["twice"],
        ),
        ("def times(n):\n    return lambda x: n * x\n\ntwice = times(2)", ["twice"]),
        ("class Double:\n    def __new__(cls, x):\n        return 2 * x", ["Double"]),
        ("class A:\n    @staticmethod\n    def twice(x):\n        return 2 * x", ["A.twice"]),
        ("class A:\n    @classmethod\n    def twice(cls, x):\n        return 2 * x", ["A.twice"]),
        ("class A:\n    def twice(self, x):\n        return 2 * x", ["A().twice"]),
        ("class A:\n    def __call__(self, x):\n        return 2 * x\n\na = A()", ["a"]),
        ("if True:\n    def twice(x):\n        return 2 * x", ["twice"]),
        ("from missing import x\n\ndef twice(x):\n    return 2 * x", ["twice"]),
        ("def f(x):\n    return x + 1\n\ndef g():\n    return 8\n\nh, i = abs, 8", []),
        ("def f(x):\n    while True:\n        x += 1", []),
        ("from os.path import join\nimport os, math\nfrom math import sqrt", []),
    ],
)
def test_whatever_is_called_like_an_answer_and_works_like_it_is_found(
    text: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_FOR_GUESS", 1)
    module.signal.signal(module.signal.SIGALRM, module._stop)

    assert {name.split("`")[1] for name in winners(text)} >= set(names)
    assert bool(winners(text)) == bool(names)


def test_a_class_is_an_answer_where_a_class_is_wanted() -> None:
    counts = (
        "class Counts:\n    n = 0\n    def up(self):\n        self.n += 1\n        return self.n"
    )

    assert winners(counts, test=COUNTER) == ["`Counts` (nbjudge/tools.py)"]


def test_a_part_of_the_points_is_a_win_too() -> None:
    test = _Examination("1.1", "double", PARTS, 2)

    assert winners("def size(x):\n    return 2 * abs(x)", test=test)
    assert not winners("def size(x):\n    return 3 * abs(x)", test=test)


def test_the_cells_of_a_notebook_share_their_names_and_what_fails_is_left_out() -> None:
    cells = ("factor = 2", "missing()\nplot = answer(3)", "def twice(x):\n    return factor * x")

    assert winners(*cells, name="sums.ipynb") == ["`twice` (sums.ipynb)"]


def test_what_needs_an_answer_is_none() -> None:
    assert not winners("def shown(x):\n    return double(x)", name="sums.ipynb")


def notebook(*cells: tuple[str, str, str]) -> NotebookNode:
    """Return a notebook of cells given by kind ("answer", "test", ""), grade_id and source."""
    made = []
    for kind, name, text in cells:
        cell = nbformat.v4.new_code_cell(text)  # type: ignore[no-untyped-call]
        if kind:
            meta = {"grade_id": name, "solution": kind == "answer", "grade": kind == "test"}
            cell.metadata.nbgrader = {**meta, "locked": kind == "test", "points": 2.0}
        made.append(cell)
    return nbformat.v4.new_notebook(cells=made)  # type: ignore[no-untyped-call, no-any-return]


ANSWER = ("answer", "ex_1_1", "def double(x):\n    return 2 * x")
TEST = ("test", "test_ex_1_1", DOUBLE.source)


def test_tests_that_take_one_answer_are_tried() -> None:
    both = ("test", "test_ex_1_2", "assert double(half) == 1")
    half = ("answer", "ex_1_2", "half = 0.5")

    assert list(_examinations(notebook(ANSWER, TEST, half, both))) == [DOUBLE]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release with nothing in it, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "release" / "nbjudge").mkdir(parents=True)
    return tmp_path / "release"


def test_what_was_found_is_kept_until_something_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = folder / "nbjudge" / "tools.py"
    tools.write_text("def twice(x):\n    return 2 * x\n", encoding="utf-8")
    cells = notebook(("", "", "def thrice(x):\n    return 3 * x"), ANSWER, TEST)
    (folder / "sums.ipynb").write_text(source.notebook_text(cells), encoding="utf-8")
    (told,) = module.giveaways(folder, {"sums.ipynb": cells}, Plug())
    assert told.told.startswith("`twice` (nbjudge/tools.py) is an answer to 1.1")
    monkeypatch.setattr(module, "ProcessPoolExecutor", NoWorkers)

    assert module.giveaways(folder, {"sums.ipynb": cells}, Plug()) == [told]
    tools.write_text("def thrice(x):\n    return 3 * x\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="asked"):
        module.giveaways(folder, {"sums.ipynb": cells}, Plug())


class NoWorkers:
    """Takes the place of a pool of workers, of which nothing is to be asked."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> NoWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, *_: Any) -> None:
        raise AssertionError("asked")


def test_files_that_tests_write_are_left_nowhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    tools = "def twice(x):\n    return 2 * x"
    (folder / "nbjudge" / "tools.py").write_text(tools, encoding="utf-8")
    writes = f"open('given.txt', 'w').write('1')\n{DOUBLE.source}"

    found = module.giveaways(folder, {"sums.ipynb": notebook(ANSWER, (*TEST[:2], writes))}, Plug())

    assert len(found) == 1
    assert list(Path.cwd().iterdir()) == []


def test_a_callable_that_ends_the_process_is_told(folder: Path) -> None:
    ends = "import os\n\ndef end(x):\n    os._exit(3)\n"
    (folder / "nbjudge" / "tools.py").write_text(ends, encoding="utf-8")

    with pytest.raises(ReleaseError, match=r"nbjudge/tools\.py ended the process"):
        module.giveaways(folder, {"sums.ipynb": notebook(ANSWER, TEST)}, Plug())


@pytest.mark.parametrize(
    "test",
    [
        "assert callable(double)",
        "try:\n    double()\nexcept TypeError:\n    pass\nelse:\n    raise AssertionError",
    ],
    ids=["anything", "what is called otherwise"],
)
def test_a_test_that_nearly_everything_passes_says_nothing_of_an_answer(test: str) -> None:
    loose = _Examination("1.3", "double", test, 2)

    assert winners("class Tests:\n    def test_it(self):\n        pass", test=loose) == []
