"""docs/any-course.md, followed to the letter by somebody who has a course on nbgrader."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from doc_pages import ROOT, Block, blocks
from nbformat import NotebookNode

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks
from nbjudge.release import source

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

BLOCKS = blocks((ROOT / "docs" / "any-course.md").read_text(encoding="utf-8"))
PATIENCE = 600
ASSIGNMENT = "ps1"

#: The course that is there: its cells have names of their own, and it tests as such courses do.
CELLS = (
    ("squares", "answer", "def squares(n):\n    {}\n", "return [i**2 for i in range(1, n + 1)]"),
    (
        "check_squares",
        "test",
        "import numpy as np\nassert squares(3) == [1, 4, 9]\n### BEGIN HIDDEN TESTS\n"
        "np.testing.assert_allclose(squares(10), np.arange(1, 11) ** 2)\n### END HIDDEN TESTS",
        2,
    ),
    ("total", "answer", "def total(n):\n    {}\n", "return sum(squares(n))"),
    ("check_total", "test", "assert total(3) == 14\nassert total(1) == 1", 1),
    (
        "check_total_asks",
        "test",
        "before, asked = squares, []\ndef squares(n):\n    asked.append(n)\n"
        "    return before(n)\ntry:\n    total(2)\n    assert asked, 'total() has to ask squares()'\n"
        "finally:\n    squares = before",
        1,
    ),
)
RIGHT = {name: text.format(body) for name, kind, text, body in CELLS if kind == "answer"}
#: Who hands in what.
CLASS = {
    "ada": RIGHT,
    "bea": {**RIGHT, "squares": "def squares(n):\n    return [i**2 for i in range(n)]"},
    "cyd": {**RIGHT, "squares": "def squares(n):\n    return [k * k for k in range(0, n)]"},
    "dan": {**RIGHT, "total": "def total(n):\n    return n * (n + 1) * (2 * n + 1) // 6"},
    "eve": {},
}


def notebook() -> NotebookNode:
    """Return the source notebook of the course."""
    cells = []
    for name, kind, text, told in CELLS:
        is_test = kind == "test"
        if not is_test:
            hidden = f"### BEGIN SOLUTION\n    {told}\n    ### END SOLUTION"
            text = text.format(hidden)
        cell = nbformat.v4.new_code_cell(text)  # type: ignore[no-untyped-call]
        cell.metadata["nbgrader"] = {
            "grade_id": name,
            "grade": is_test,
            "solution": not is_test,
            "locked": is_test,
            "task": False,
            "schema_version": 3,
            **({"points": told} if is_test else {}),
        }
        cells.append(cell)
    made: NotebookNode = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    return made


@dataclass
class Follower:
    """Somebody who has a course, and does what the page says; `said` is what came out last."""

    root: Path
    said: str = ""
    released: str = ""

    def run(self, commands: str, where: str = "") -> str:
        """Type commands, and return what they say; each must succeed."""
        programs = str(Path(sys.executable).parent)
        environment = {name: value for name, value in os.environ.items() if "COURSE" not in name}
        environment |= {
            "COLUMNS": "100",
            "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
        }
        done = subprocess.run(
            ["bash", "-euc", commands],
            cwd=self.root / where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        match block.language:
            case "python":
                with (self.root / block.title).open("a", encoding="utf-8") as file:
                    file.write(f"\n{block.content}")
            case "bash":
                self.said = self.run(block.content, _place(block))
                if "course release" in block.content:
                    self.released = self.said
                    self.hand_in()
            case "text" if "pip" not in block.content:
                shown = [" ".join(line.split()) for line in self.said.splitlines()]
                told = [" ".join(line.split()) for line in block.content.splitlines()]
                assert not [line for line in told if line and line not in shown], self.said

    def hand_in(self) -> None:
        """Let the class answer."""
        for student, answers in CLASS.items():
            released = source.read(self.root / "release" / ASSIGNMENT / "problem.ipynb")
            for name, text in answers.items():
                source.by_grade_id(released)[name].source = text
            folder = self.root / "submitted" / student / ASSIGNMENT
            folder.mkdir(parents=True)
            nbformat.write(released, folder / "problem.ipynb")  # type: ignore[no-untyped-call]


def _place(block: Block) -> str:
    """Return where a block is typed: a new course is made beside the one that is there."""
    if "course init" in block.content:
        return ".."
    return "../my-course" if "course new" in block.content else ""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Follower:
    root = tmp_path_factory.mktemp("courses").resolve() / "physics"
    (root / "source" / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(notebook(), root / "source" / ASSIGNMENT / "problem.ipynb")  # type: ignore[no-untyped-call]
    settings = "c = get_config()\nc.CourseDirectory.course_id = 'physics'\n"
    (root / "nbgrader_config.py").write_text(settings, encoding="utf-8")
    follower = Follower(root)
    for block in BLOCKS:
        follower.follow(block)
    return follower


def test_the_course_is_graded_as_nbgrader_alone_grades_it(followed: Follower) -> None:
    found = {
        one.student: [mark.points for mark in one.marks]
        for one in marks(Course(followed.root), ASSIGNMENT)
    }

    assert found == {
        "ada": [2, 1, 1],
        "bea": [0, 0, 1],
        "cyd": [0, 0, 1],
        "dan": [2, 1, 0],
        "eve": [0, 0, 0],
    }


def test_the_release_told_which_test_runs_inside(followed: Follower) -> None:
    assert re.search(r"problem +3 +2 +1 +0", followed.released)
    assert "check_total_asks" in followed.released


def test_a_mistake_of_the_class_can_be_named(followed: Follower) -> None:
    shown = followed.run(f"course mistakes {ASSIGNMENT}")
    followed.run(f'course mistakes {ASSIGNMENT} --name "You begin with 0, and end too early."')
    followed.run(f"course feedback {ASSIGNMENT}")

    assert "2 answers to check_squares" in shown
    pages = followed.root.glob(f"feedback/*/{ASSIGNMENT}/problem.html")
    told = [p.parts[-3] for p in pages if "You begin with 0" in p.read_text(encoding="utf-8")]
    assert sorted(told) == ["bea", "cyd"]


def test_the_course_can_be_left_again(followed: Follower, tmp_path: Path) -> None:
    left = Follower(Path(shutil.copytree(followed.root, tmp_path / "left")))
    (added,) = (block for block in BLOCKS if block.title == "nbgrader_config.py")
    path = left.root / "nbgrader_config.py"
    path.write_text(path.read_text(encoding="utf-8").replace(added.content, ""), encoding="utf-8")
    before = marks(Course(left.root), ASSIGNMENT)
    for name in ("reports", ".course_proofs"):
        shutil.rmtree(left.root / name)
    (left.root / ".course_secret").unlink()

    left.run(f"nbgrader autograde {ASSIGNMENT} --force")
    left.run(f"nbgrader generate_feedback {ASSIGNMENT}")

    after = marks(Course(left.root), ASSIGNMENT)
    assert [one.won for one in after] == [one.won for one in before]


def test_the_new_course_has_the_exercises_that_were_added(followed: Follower) -> None:
    path = followed.root.parent / "my-course" / "source" / "warm_up" / "warm_up.ipynb"

    assert {"ex_1_5", "ex_1_6", "ex_1_7", "ex_1_8"} <= source.by_grade_id(source.read(path)).keys()
