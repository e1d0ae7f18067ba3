"""docs/add-an-exercise.md, followed to the letter in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from doc_pages import ROOT, Block, blocks

from nbjudge.release import source

PAGE = ROOT / "docs" / "add-an-exercise.md"
BLOCKS = blocks(PAGE.read_text(encoding="utf-8"))
COPIED = ("course_utils", "nbgrader_config.py", "nbjudge", "pyproject.toml", "source", "tests")
PATIENCE = 600
#: The environment's editable installation leads to this repository: there it leads to the copy.
ELSEWHERE = """\
import sys

for name, module in list(sys.modules.items()):
    if name.startswith("__editable__"):
        for package in {packages!r}.keys() & getattr(module, "MAPPING", {{}}):
            module.MAPPING[package] = {packages!r}[package]
"""


@dataclass
class Follower:
    """Somebody who does what the page says, in a folder of their own, and keeps what came out.

    Parameters
    ----------
    root : Path
        The copy of the repository.
    site : Path
        What makes Python import the copy's modules.
    """

    root: Path
    site: Path
    said: str = ""

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        match block.language:
            case "bash":
                self.said = self.run(block.content)
            case "text":
                self.compare(block.content)
            case "diff" if not block.title.endswith(".diff"):
                self.insert(self.root / block.title, block.content)
            case _ if ".ipynb: " in block.title:
                name, _, cell = block.title.partition(": ")
                self.fill(self.root / name, cell, block.content)
            case _:
                assert block.title, f"nobody knows where this goes:\n{block.content}"
                path = self.root / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.content, encoding="utf-8")

    def run(self, commands: str) -> str:
        """Type commands, and return what they say; each must succeed."""
        programs = str(Path(sys.executable).parent)
        environment = {
            **os.environ,
            "COLUMNS": "100",
            "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
            "PYTHONPATH": str(self.site),
        }
        commands = commands.replace(". .venv/bin/activate", "")
        done = subprocess.run(
            ["bash", "-euc", commands],
            cwd=self.root,
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

    def compare(self, told: str) -> None:
        """Find each line that the page shows in what the last commands said; times may differ."""
        said = [_timeless(line) for line in self.said.splitlines()]
        missing = [line for line in told.splitlines() if line and _timeless(line) not in said]
        assert missing == [], self.said

    def insert(self, path: Path, change: str) -> None:
        """Add the lines with a plus where those without one stand."""
        lines = change.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in lines)
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{path} has not, or not once:\n{before}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def fill(self, path: Path, name: str, content: str) -> None:
        """Write a cell, as one would in JupyterLab."""
        notebook = source.read_source(path)
        (cell,) = (cell for cell in notebook.cells if cell.id == name)
        cell.source = content.rstrip("\n")
        path.write_text(source.notebook_text(notebook), encoding="utf-8")


def _timeless(line: str) -> str:
    """Return a line without times and the space that a terminal fills up."""
    return " ".join(re.sub(r"\d+(\.\d+)? m?s\b", "some time", line).split())


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Follower:
    root = tmp_path_factory.mktemp("repository").resolve()
    site = tmp_path_factory.mktemp("site")
    ignored = shutil.ignore_patterns("__pycache__", ".*", "hostile", "bad_input")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name, **({"ignore": ignored} if (ROOT / name).is_dir() else {}))
    packages = {name: str(root / name) for name in ("course_utils", "nbjudge")}
    hook = ELSEWHERE.format(packages=packages)
    (site / "sitecustomize.py").write_text(hook, encoding="utf-8")
    follower = Follower(root, site)
    for name, folder in packages.items():
        where = follower.run(f"python -c 'import {name}; print({name}.__file__)'")
        assert where.strip() == str(Path(folder, "__init__.py"))
    for block in BLOCKS:
        follower.follow(block)
    return follower


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.sandbox
def test_the_page_followed_to_the_letter_releases_the_exercise(followed: Follower) -> None:
    released = source.read_source(followed.root / "release" / "warm_up" / "huber.ipynb")
    cells = source.by_grade_id(released)

    assert "raise NotImplementedError()" in cells["ex_0_1"].source
    assert "examine" not in cells["test_ex_0_1"].source
    assert cells["test_ex_0_1"].metadata.nbgrader.points == 3


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.sandbox
def test_the_wrong_submission_of_the_page_gets_the_sentence_of_the_page(followed: Follower) -> None:
    feedback = followed.root / "feedback" / "ada" / "warm_up" / "huber.html"
    (sentence,) = re.findall(r"^> (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    text = feedback.read_text(encoding="utf-8")
    assert "What probably happened" in text
    assert sentence in text


def test_every_part_that_the_page_lists_is_shown() -> None:
    shown = {block.title.partition(":")[0] for block in BLOCKS if block.title}

    listed = re.findall(r"\| `(\S+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == 5
    for place in listed:
        wanted = place.replace("<assignment>/<notebook>", "warm_up/huber")
        assert any(name.startswith(wanted) for name in shown), place
