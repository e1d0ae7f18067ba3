"""A test finds the files and modules that lie beside its notebook, and those that answers write."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbjudge.confinement import test_folder
from nbjudge.confinement.test_folder import FilesBeside, hold_folder, touches_files
from nbjudge.judge.judge import Test, Verdict, judge
from nbjudge.kernel.service import Service
from nbjudge.release import source
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel

# Tests of courses are written so: nobody closes a file.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
HELPER = b"""
count = 0
def double(x):
    return 2 * x
def words():
    return open("a.txt").read().split()
"""
FILES = {"helper.py": HELPER, "a.txt": b"x y", "theirs.csv": b"1"}
OWN = ("helper.py", "a.txt")
COURSE = Path(__file__).parents[3]


class Answers:
    """What is defined in a kernel's folder, and the judge that asks there."""

    def __init__(self, code: str, place: Path) -> None:
        place.mkdir()
        for name, content in FILES.items():
            (place / name).write_bytes(content)
        self.place = place
        self.beside = FilesBeside(FILES, OWN)
        self.kernel = 1
        self.asked: list[str] = []
        self.namespace: dict[str, Any] = {"HERE": place}
        self.start()
        exec(code, self.namespace)

    def start(self) -> None:
        """Let there be a new kernel, in a folder as it was at first."""
        for path in self.place.iterdir():
            if path.name not in FILES:
                path.unlink()
        self.service = Service(self.namespace, folder=self.place)

    def exchange(self, content: bytes, _: float) -> bytes:
        before = Path.cwd()
        os.chdir(self.place)
        try:
            return self.service.answer(content)
        finally:
            os.chdir(before)

    def judge(self, test: str, points: float = 1) -> Verdict:
        line = KernelChannel(self.exchange, Limits())
        line.folder = hold_folder(self.beside.place_for(test, self.kernel))
        return judge(Test("1.1", test, points), line)


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Any]:
    made: list[Answers] = []

    def make(code: str) -> Answers:
        made.append(Answers(code, tmp_path / f"kernel-{len(made)}"))
        return made[-1]

    before = Path.cwd(), list(sys.path), tempfile.tempdir, sys.dont_write_bytecode
    yield make
    for each in made:
        each.beside.remove()
    assert (Path.cwd(), list(sys.path), tempfile.tempdir, sys.dont_write_bytecode) == before


SAVE = "def save(name, text='hi'):\n    with open(name, 'w') as file:\n        file.write(text)"


@pytest.mark.parametrize(
    "test",
    [
        "save('out.txt')\nassert open('out.txt').read() == 'hi'",
        "import os\nsave('out.txt')\nassert os.path.exists('out.txt')",
        "from pathlib import Path\nsave('out.txt')\nassert Path('out.txt').read_text() == 'hi'",
        "import os\nsave('out.txt')\nos.remove('out.txt')\nassert not os.path.exists('out.txt')",
        "for text in ('ab', 'cd', 'ef') * 5:\n"
        "    save('out.txt', text)\n    assert open('out.txt').read() == text",
        "import sqlite3\nsave('a.db', '')\nassert sqlite3.connect('a.db').execute('select 1')",
        "import json\nsave('a.json', '[1]')\nassert json.load(open('a.json')) == [1]",
        "import numpy as np\nsave('a', '1 2')\nassert np.loadtxt('a').sum() == 3",
        "import os\nos.makedirs('out')\nsave('out/a.txt')\nassert os.listdir('out') == ['a.txt']",
        "assert open('theirs.csv').read() == '1'",
        "save('a.txt', 'new')\nassert open('a.txt').read() == 'new'",
        "import tempfile\nwith tempfile.NamedTemporaryFile('w') as file:\n    file.write('x')",
    ],
)
def test_a_test_reads_what_an_answer_writes(answers: Any, test: str) -> None:
    verdict = answers(SAVE).judge(test)

    assert verdict.mark == 1, verdict


def test_an_answer_reads_what_a_test_writes(answers: Any) -> None:
    found = answers("def words(name):\n    return open(name).read().split()")

    for text in ("a b", "c d"):
        test = f"with open('in.txt', 'w') as f:\n    f.write('{text}')\n"
        assert found.judge(f"{test}assert words('in.txt') == {text.split()}").mark == 1


def test_an_answer_that_writes_nothing_loses_the_mark(answers: Any) -> None:
    found = answers("def save(name):\n    pass")

    assert found.judge("save('out.txt')\nassert open('out.txt').read() == 'hi'").mark == 0
    assert found.judge("import os\nsave('a')\nassert os.path.exists('out.txt')").mark == 0


def test_what_cells_wrote_before_a_test_is_there(answers: Any) -> None:
    found = answers("(HERE / 'out.txt').write_text('hi')")

    assert found.judge("assert open('out.txt').read() == 'hi'").mark == 1


def test_later_tests_and_cells_find_what_a_test_wrote_also_in_a_new_kernel(answers: Any) -> None:
    found = answers("def size(name):\n    import os\n    return os.path.getsize(name)")
    assert found.judge("size_ = open('in.txt', 'w').write('four')").mark == 1
    assert (found.place / "in.txt").read_text() == "four"
    found.start()
    found.kernel += 1

    assert found.judge("assert size('in.txt') == 4 and open('in.txt').read() == 'four'").mark == 1


def test_a_judge_that_is_new_finds_what_the_last_one_knew(
    answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = answers(SAVE)
    assert found.judge("save('out.txt')\nopen('in.txt', 'w').close()").mark == 1
    monkeypatch.setattr(test_folder, "_folder_of_test", None)

    test = "import os\nassert os.path.exists('in.txt') and open('out.txt').read() == 'hi'"
    assert found.judge(test).mark == 1


def test_the_courses_modules_can_be_imported_and_each_notebook_imports_its_own(
    answers: Any,
) -> None:
    test = (
        "import helper\nhelper.count += 1\n"
        "assert helper.double(2) == 4 and helper.words() == ['x', 'y']\n"
        "assert helper.count == {}"
    )
    first = answers("")
    assert first.judge(test.format(1)).mark == 1
    assert first.judge(test.format(2)).mark == 1  # as in one kernel

    assert answers("").judge(test.format(1)).mark == 1
    assert "helper" not in sys.path


@pytest.mark.parametrize("how", ["import theirs", "from theirs import x"])
def test_no_file_of_an_answer_can_be_imported(answers: Any, how: str) -> None:
    found = answers("(HERE / 'theirs.py').write_text('x = 1')")

    verdict = found.judge(f"open('theirs.py').close()\n{how}")

    assert verdict.mark == 0


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os\nos.truncate(os.open('big', os.O_CREAT | os.O_RDWR), 2**30)", "50 MB"),
        ("for n in range(6000):\n    open(f'{n}', 'w').close()", "5000 files"),
    ],
)
def test_too_much_in_the_folder_costs_the_exercise_and_says_why(
    answers: Any, code: str, why: str
) -> None:
    lines = code.replace("\n", "\n    ")
    found = answers(f"def f():\n    {lines}")

    verdict = found.judge("f()\nopen('big')")

    assert verdict.mark == 0
    assert not verdict.fault
    assert "what your code leaves in its folder cannot be used" in verdict.reason
    assert why in verdict.reason


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x"])
def test_a_kernel_that_tells_of_files_elsewhere_is_not_believed(answers: Any, name: str) -> None:
    found = answers(SAVE)
    lie = {"gone": [], "folders": [], "files": {name: b"x"}}
    found.service._do_folder_changes = lambda since_start: lie

    verdict = found.judge("assert open('a.txt')")

    assert verdict.mark == 0
    assert verdict.lost
    assert not (found.place.parent / "x").exists()


def test_requests_about_files_count_toward_no_bound(answers: Any) -> None:
    found = answers(SAVE)
    line = KernelChannel(found.exchange, Limits(requests=4))
    test = "for name in ('a', 'b', 'c'):\n    save(name)\n    assert open(name).read() == 'hi'"
    line.folder = hold_folder(found.beside.place_for(test))

    assert judge(Test("1.1", test, 1), line).mark == 1


def test_what_a_killed_grader_has_left_is_deleted_by_the_next() -> None:
    left = test_folder.short_folder() / f"{test_folder.TEST_FOLDER_PREFIX}{2**22 + 1}-x"
    left.mkdir()
    beside = FilesBeside(FILES, OWN)

    beside.place_for("open('a.txt')")
    beside.remove()

    assert not left.exists()


def test_what_is_written_for_tests_is_deleted_with_the_notebook() -> None:
    beside = FilesBeside(FILES, OWN)
    place = Path(beside.place_for("open('a.txt')").folder)
    assert place.is_dir()

    beside.remove()

    assert not place.exists()


@pytest.mark.parametrize(
    "test",
    [
        *("open(name)", "df = pd.read_csv(x)", "np.load(f)", "Path(x)", "save('a')", "img.save(b)"),
        *("import os", "import sqlite3 as s", "from pathlib import Path", "from zipfile import Z"),
        *("plt.savefig(f)", "f('out.txt')", "f('data/a.dat')", "f('table')", "x.to_csv(f)"),
        *("from helper import double", "import helper", "%run x.py", "assert isdir(x)"),
    ],
)
def test_a_test_that_may_have_to_do_with_files_is_known(test: str) -> None:
    assert touches_files(test, frozenset({"helper.py", "table"}))


@pytest.mark.parametrize(
    "test",
    [
        "assert total([1, 2]) == 3, 'Sums are wrong.'",
        "import numpy as np\nnp.testing.assert_allclose(f(1).tolist(), 2.5)",
        "import torch\nx = torch.tensor(1.0).to('cpu')\nassert top == x",
        "import pandas as pd\nassert df.to_numpy().sum() == 3 and today == '2026-01-01'",
    ],
)
def test_a_test_without_files_is_known(test: str) -> None:
    assert not touches_files(test, frozenset({"helper.py", "table"}))


def test_no_test_of_the_course_beside_the_judge_pays_for_files() -> None:
    cells = [
        cell.source
        for path in COURSE.glob("source/*/*.ipynb")
        for cell in nbformat.read(path, 4).cells
        if (source.grade_id(cell) or "").startswith("test_")
    ]

    assert len(cells) > 20
    assert not any(map(touches_files, cells))


def test_a_fault_is_the_tests_if_it_leaves_too_much(
    answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = answers("")

    verdict = found.judge("for n in range(6000):\n    open(str(n), 'w').close()")

    assert "it leaves too much in its folder" in verdict.fault


def test_a_channel_without_a_folder_asks_for_none() -> None:
    service = Service({"f": lambda: 1})
    asked: list[bytes] = []

    def exchange(content: bytes, _: float) -> bytes:
        asked.append(content)
        return service.answer(content)

    assert judge(Test("1", "assert f() == 1", 1), KernelChannel(exchange, Limits())).mark == 1
    assert not any(b"folder" in content for content in asked)
