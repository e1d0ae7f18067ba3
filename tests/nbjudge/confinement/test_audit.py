"""In the process that judges, nothing runs that a student may have written; that is a fault."""

from __future__ import annotations

import collections
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbjudge.confinement import audit
from nbjudge.confinement.audit import pause_watching, watch_test
from nbjudge.confinement.test_folder import FilesBeside, hold_folder
from nbjudge.exceptions import CourseError
from nbjudge.judge.judge import Test, Verdict, judge
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
#: What a student's text does if it ever runs in this process.
BOMB = "__import__('sys').modules.setdefault('exploded', 1)"


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (BOMB,)


class Row(collections.namedtuple("Row", "a")):
    """What pickles as an object of a class."""


WRITTEN = {
    "bomb.pkl": pickle.dumps(Bomb()),
    "plain.pkl": pickle.dumps({"a": [1, 2.5, "x"]}),
    "answer.py": BOMB.encode(),
    "answer.so": b"\x7fELF",
    "numpy.py": BOMB.encode(),
    "sitecustomize.py": BOMB.encode(),
}


@pytest.fixture(autouse=True)
def unharmed() -> Iterator[None]:
    yield
    assert "exploded" not in sys.modules


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Any]:
    """Return what judges a test by a kernel whose folder is full of a student's files."""
    place = tmp_path / "kernel"
    place.mkdir()
    names = {
        "text": lambda: BOMB,
        "name": lambda: "antigravity",
        "path": lambda *parts: str(tmp_path.joinpath(*parts)),
    }
    service = Service(names, folder=place)
    for name, content in WRITTEN.items():
        (place / name).write_bytes(content)
    beside = FilesBeside({"helper.py": b"def double(x):\n    return 2 * x"}, ["helper.py"])

    def run(test: str) -> Verdict:
        line = KernelChannel(lambda content, _: service.answer(content), Limits())
        line.folder = hold_folder(beside.place_for(test))
        return judge(Test("1.1", test, 1), line)

    yield run
    beside.remove()


UNPICKLES, TEXT = "it unpickles", "it runs code that is not written in it"
PROGRAM, LIBRARY = "it starts a program", "it runs a string as code through"
IMPORT = "it imports a file that a student may have written"
OUTSIDE = "outside its own folder"
FAULTS = [
    ("import pickle\npickle.load(open('bomb.pkl', 'rb'))", UNPICKLES),
    ("import pickle\nopen('a')\npickle._load(open('bomb.pkl', 'rb'))", "FileNotFoundError"),
    ("import pickle\npickle._load(open('bomb.pkl', 'rb'))", UNPICKLES),
    ("import numpy as np\nnp.load('bomb.pkl', allow_pickle=True)", UNPICKLES),
    ("import pandas as pd\npd.read_pickle('bomb.pkl')", UNPICKLES),
    ("eval(text())", TEXT),
    ("exec(text())", TEXT),
    ("exec(compile(text(), '<test of 1.1>', 'exec'))", TEXT),
    ("list(map(exec, [text()]))", TEXT),
    ("import builtins\nbuiltins.exec(text())", TEXT),
    ("exec(open('answer.py').read())", TEXT),
    ("import sympy\nsympy.sympify(text())", LIBRARY),
    ("import sympy\nsympy.parse_expr('__import__(\"os\").getpid()' + text()[:0])", LIBRARY),
    ("import timeit\ntimeit.timeit(text(), number=1)", LIBRARY),
    (
        "import doctest as d\nd.DocTestRunner().run(d.DocTestParser().get_doctest('>>> ' + text(),"
        " {}, 'a', None, 0))",
        LIBRARY,
    ),
    ("import runpy\nrunpy.run_path('answer.py')", LIBRARY),
    ("import os, sys\nsys.path.insert(0, os.getcwd())\nimport answer", IMPORT),
    ("import os, sys\nsys.path.insert(0, '')\nimport answer", IMPORT),
    (
        "import importlib.util as u\ns = u.spec_from_file_location('m', 'answer.py')\n"
        "s.loader.exec_module(u.module_from_spec(s))",
        IMPORT,
    ),
    (
        "import importlib.util as u\ns = u.spec_from_file_location('m', 'answer.so')\n"
        "u.module_from_spec(s)",
        IMPORT,
    ),
    ("import marshal\nmarshal.loads(marshal.dumps(1))", "it reads code"),
    ("__import__(name())", "whose name is not written in it"),
    ("import os\nos.system('true')", PROGRAM),
    ("import subprocess, sys\nsubprocess.run([sys.executable, 'answer.py'])", PROGRAM),
    ("import os\nos.execv('/bin/true', ['true'])", PROGRAM),
    ("import os\nos.posix_spawn('/bin/true', ['true'], {})", PROGRAM),
    ("import os\nos.fork()", "it starts a process"),
    ("import multiprocessing as m\nm.get_context('fork').Process().start()", "it starts a process"),
    ("import os, signal\nos.kill(os.getppid(), 0)", "it ends a process"),
    ("import ctypes\nctypes.CDLL('./answer.so')", "a student may have written"),
    ("import ctypes\nctypes.CDLL('libc.so.6')", "it loads a library with `ctypes`"),
    ("import os\nos.remove(path('course', 'gradebook.db'))", OUTSIDE),
    ("import os\nos.rename('plain.pkl', path('course', 'gradebook.db'))", OUTSIDE),
    ("import os\nos.link('plain.pkl', path('new'))", OUTSIDE),
    ("import os\nos.symlink('plain.pkl', path('new'))", OUTSIDE),
    ("import os\nos.truncate(path('course', 'gradebook.db'), 0)", OUTSIDE),
    ("import os\nos.chmod(path('course'), 0)", OUTSIDE),
    ("import os\nos.symlink(path('course'), 'in')\nopen('in/gradebook.db', 'w')", OUTSIDE),
    ("import shutil\nshutil.rmtree(path('course'))", OUTSIDE),
    ("import shutil\nshutil.copy('plain.pkl', path('course', 'gradebook.db'))", OUTSIDE),
    ("from pathlib import Path\nPath(path('course', 'gradebook.db')).write_text('')", OUTSIDE),
    ("open(path('course', 'gradebook.db'), 'a')", OUTSIDE),
    ("open(path('course', 'gradebook.db'), 'r+')", OUTSIDE),
    ("open(path('course', 'gradebook.db'))", "it reads a file in the course's own folder"),
    ("import sqlite3\nsqlite3.connect(path('course', 'gradebook.db'))", OUTSIDE),
    ("import sqlite3\nsqlite3.connect('file:x', uri=True)", "by a URI instead of a file name"),
    ("import sqlite3\nsqlite3.Connection(':memory:')", "it opens a database without"),
]


@pytest.mark.parametrize(("test", "why"), FAULTS)
@pytest.mark.parametrize("hides", [False, True])
def test_what_could_run_a_students_text_or_reach_elsewhere_is_a_fault(
    judged: Any, tmp_path: Path, test: str, why: str, hides: bool
) -> None:
    course = tmp_path / "course"
    course.mkdir()
    for name in ("nbgrader_config.py", "gradebook.db"):
        (course / name).write_text("kept")
    if hides and why != "FileNotFoundError":
        lines = test.replace("\n", "\n    ")
        test = f"try:\n    {lines}\nexcept BaseException:\n    pass"

    verdict = judged(test)

    assert verdict.mark == 0
    assert why in verdict.fault + verdict.reason
    assert (why in verdict.fault) == (why != "FileNotFoundError")
    assert (course / "gradebook.db").read_text() == "kept"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "test",
    [
        "import pickle\nassert pickle.load(open('plain.pkl', 'rb'))['a'] == [1, 2.5, 'x']",
        "assert eval('1 + 1') == 2",
        "x = 1\nexec('y = x + 1')\nassert y == 2",
        "import numpy\nassert 'site' in numpy.__file__",
        "from helper import double\nassert double(2) == 4",
        "import colorsys, this\nassert __import__('colorsys') is colorsys",
        "from collections import namedtuple\nassert namedtuple('A', 'x')(1).x == 1",
        "import os\nos.mkdir('a')\nos.rename('a', 'b')\nos.rmdir('b')",
        "import shutil\nshutil.copy('plain.pkl', 'a')\nshutil.move('a', 'b')",
        "import os, shutil\nos.makedirs('a/b')\nshutil.rmtree('a')\nassert not os.path.exists('a')",
        "import tempfile\nwith tempfile.TemporaryDirectory() as d:\n    open(d + '/x', 'w')",
        "import os\nx = open(os.devnull, 'w').write('x')\nassert x",
        "import sqlite3\nassert sqlite3.connect(':memory:').execute('select 1').fetchone() == (1,)",
        "import ctypes.util, uuid, platform\nassert uuid.uuid4()",
    ],
)
def test_what_honest_tests_do_is_none(judged: Any, test: str) -> None:
    verdict = judged(test)

    assert verdict.mark == 1, verdict


def test_no_query_opens_another_file(judged: Any, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "gradebook.db").close()

    verdict = judged(
        "import sqlite3\nsqlite3.connect('a.db').execute(f\"attach '{path('gradebook.db')}' as g\")"
    )

    assert verdict.mark == 0
    assert "not authorized" in verdict.reason


class Ear:
    def blame(self, what: str) -> CourseError:
        return CourseError(what)


def test_nothing_is_heard_but_while_a_test_runs() -> None:
    with watch_test(Ear(), ("<test>",), ""):
        with pause_watching():
            subprocess.run([sys.executable, "-c", ""], check=True)
        with pytest.raises(CourseError, match="starts a program"):
            subprocess.run([sys.executable, "-c", ""], check=True)

    subprocess.run([sys.executable, "-c", ""], check=True)
    assert audit._watch is None
    assert sqlite3.connect is audit._connect_anywhere


@pytest.mark.parametrize("is_data", [True, False])
def test_of_a_course_a_test_may_read_the_data_sets_and_nothing_else(
    is_data: bool, tmp_path: Path
) -> None:
    course, place = tmp_path / "course", tmp_path / "kernel"
    for folder in (course / "data", place):
        folder.mkdir(parents=True)
    (course / "nbgrader_config.py").touch()
    table = course / "data" / "table.csv"
    table.write_text("1", encoding="utf-8")
    service = Service({"path": lambda: str(table)}, folder=place)
    beside = FilesBeside({}, data=str(table.parent) if is_data else "")
    line = KernelChannel(lambda content, _: service.answer(content), Limits())
    test = "assert open(path()).read() == '1'"
    line.folder = hold_folder(beside.place_for(test))

    verdict = judge(Test("1.1", test, 1), line)
    beside.remove()

    assert bool(verdict.fault) is not is_data
    assert verdict.mark == is_data
