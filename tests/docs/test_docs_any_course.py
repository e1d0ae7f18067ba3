"""docs/any-course.md, followed to the letter by somebody who has a course on nbgrader."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from doc_pages import ROOT, Block, blocks

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.release import source

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]

BLOCKS = blocks((ROOT / "docs" / "any-course.md").read_text(encoding="utf-8"))
PATIENCE = 600
ASSIGNMENT = "ps1"

SQUARES = """\
def squares(n):
    if n < 1:
        raise ValueError("n has to be at least 1")
    return [i**2 for i in {}]
"""
RIGHT = {
    "squares": SQUARES.format("range(1, n + 1)"),
    "sum_of_squares": "def sum_of_squares(n):\n    return sum(squares(n))",
}
#: Who hands in what to the course that nbgrader's documentation makes.
CLASS = {
    "ada": RIGHT,
    "bea": {**RIGHT, "squares": SQUARES.format("range(n)")},
    "cyd": {**RIGHT, "squares": SQUARES.format("list(range(0, n, 1))")},
    "dan": {
        **RIGHT,
        "sum_of_squares": "def sum_of_squares(n):\n    return n * (n + 1) * (2 * n + 1) / 6",
    },
    "eve": {},
}
TESTS = (
    *("correct_squares", "squares_invalid_input"),
    *("correct_sum_of_squares", "sum_of_squares_uses_squares"),
)


@dataclass
class Follower:
    """Somebody who has a course, and does what the page says; `said` is what came out last."""

    root: Path
    said: str = ""

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
                    self.hand_in()
            case "text" if "pip" not in block.content and not block.title:
                shown = [" ".join(line.split()) for line in self.said.splitlines()]
                told = [" ".join(line.split()) for line in block.content.splitlines()]
                assert not [line for line in told if line and line not in shown], self.said

    def hand_in(self) -> None:
        """Let the class answer."""
        for student, answers in CLASS.items():
            folder = self.root / "submitted" / student / ASSIGNMENT
            shutil.copytree(self.root / "release" / ASSIGNMENT, folder)
            notebook = source.read_source(folder / "problem1.ipynb")
            for name, text in answers.items():
                source.by_grade_id(notebook)[name].source = text
            nbformat.write(notebook, folder / "problem1.ipynb")  # type: ignore[no-untyped-call]


def _place(block: Block) -> str:
    """Return where a block is typed: a new course is made beside the one that is there."""
    if "course init" in block.content:
        return ".."
    return "../my-course" if "course new" in block.content else ""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Follower:
    root = tmp_path_factory.mktemp("courses").resolve() / "physics"
    follower = Follower(root.parent)
    follower.run("nbgrader quickstart physics")
    follower.root = root
    for block in BLOCKS:
        follower.follow(block)
    return follower


def marks_of(course: Path) -> dict[str, list[float]]:
    """Return what each test gave to everybody."""
    return {
        one.student: [one.notebook("problem1").cells[test].points for test in TESTS]
        for one in marks_of_class(Course(course), ASSIGNMENT)
    }


@pytest.mark.thorough
def test_the_class_has_its_marks_and_a_page_each(followed: Follower) -> None:
    assert marks_of(followed.root) == {
        "ada": [1, 1, 0.5, 0.5],
        "bea": [0, 1, 0, 0.5],
        "cyd": [0, 1, 0, 0.5],
        "dan": [1, 1, 0.5, 0],
        "eve": [0, 0, 0, 0],
    }
    pages = followed.root.glob(f"feedback/*/{ASSIGNMENT}/problem1.html")
    assert sorted(page.parts[-3] for page in pages) == sorted(CLASS)


@pytest.mark.thorough
def test_a_mistake_of_the_class_can_be_named(followed: Follower) -> None:
    shown = followed.run(f"course mistakes {ASSIGNMENT}")
    followed.run(f'course mistakes {ASSIGNMENT} --name "You begin with 0, and end too early."')
    followed.run(f"course feedback {ASSIGNMENT}")

    assert "2 answers to correct_squares" in shown
    pages = followed.root.glob(f"feedback/*/{ASSIGNMENT}/problem1.html")
    told = [p.parts[-3] for p in pages if "You begin with 0" in p.read_text(encoding="utf-8")]
    assert sorted(told) == ["bea", "cyd"]


@pytest.mark.thorough
def test_without_the_two_lines_the_course_is_nbgraders_again_with_the_same_marks(
    followed: Follower, tmp_path: Path
) -> None:
    left = Follower(Path(shutil.copytree(followed.root, tmp_path / "left")))
    (added,) = (block for block in BLOCKS if block.title == "nbgrader_config.py")
    path = left.root / "nbgrader_config.py"
    path.write_text(path.read_text(encoding="utf-8").replace(added.content, ""), encoding="utf-8")
    before = marks_of(left.root)
    for name in ("reports", ".course_proofs"):
        shutil.rmtree(left.root / name)
    (left.root / ".course_secret").unlink()

    left.run(f"nbgrader autograde {ASSIGNMENT} --force")
    left.run(f"nbgrader generate_feedback {ASSIGNMENT} --force")

    # So nbgrader alone gives the same marks, too.
    assert marks_of(left.root) == before


@pytest.mark.thorough
def test_the_new_course_has_the_exercises_that_were_added(followed: Follower) -> None:
    path = followed.root.parent / "my-course" / "source" / "warm_up" / "warm_up.ipynb"

    assert {"ex_1_5", "ex_1_6", "ex_1_7", "ex_1_8"} <= source.by_grade_id(
        source.read_source(path)
    ).keys()
