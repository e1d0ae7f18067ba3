"""Measure what the judge makes of courses that it was not written for, beside nbgrader alone.

    python benchmarks/other_courses.py [--only NAME ...] [--submissions 30] [--stock 6] [--rounds 3]

The courses are those of `tests/foreign/`, configured by two lines. A class hands in the solution,
the untouched release and wrong answers, in turn. Both commands run in processes of their own, from
their start to their end, and take turns; nbgrader alone grades fewer of the same class. A ratio is
that of seconds a submission, and the median of the rounds. Releasing, and with it the trial of the
tests, is done before: it costs once a version. Nothing else should run beside it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from foreign_courses import (  # noqa: E402
    ASSIGNMENT,
    NOTEBOOKS,
    TWO_LINES,
    read_foreign,
    write_source,
)

OURS = (sys.executable, "-m", "nbjudge.cli.commands")
STOCK = (sys.executable, "-m", "nbgrader")
#: A class of 30 is to be graded so many times as fast as by nbgrader alone, start included.
TARGET = 15
#: Those that are measured by default: of numbers, of functions and of classes.
USUAL = ("arrays", "functions", "classes")


def main() -> None:
    """Measure, and print the table."""
    arguments = _arguments()
    table = Table("Course", "nbgrader, a submission", "judge, a submission", "Times as fast")
    is_reached = True
    for name in arguments.only:
        stock, ours = [], []
        with TemporaryDirectory() as folder:
            courses = [Path(folder, who) for who in ("stock", "judge")]
            _make(name, courses[0], "", arguments.stock)
            _make(name, courses[1], TWO_LINES, arguments.submissions)
            for _ in range(arguments.rounds):
                stock.append(_seconds(courses[0], STOCK) / arguments.stock)
                ours.append(_seconds(courses[1], OURS) / arguments.submissions)
        ratio = statistics.median(a / b for a, b in zip(stock, ours, strict=True))
        is_reached &= ratio >= TARGET
        shown = (statistics.median(stock), statistics.median(ours))
        table.add_row(name, *(f"{seconds:.2f} s" for seconds in shown), f"{ratio:.1f}")
    console = Console()
    console.print(table)
    console.print(f"{TARGET} times as fast: {'reached' if is_reached else 'missed'}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=list(USUAL), metavar="NAME")
    parser.add_argument("--submissions", type=int, default=30)
    parser.add_argument("--stock", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _make(name: str, root: Path, configuration: str, students: int) -> None:
    """Release the course, and hand in for a class."""
    foreign = read_foreign(NOTEBOOKS / f"{name}.py")
    write_source(foreign, root)
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{configuration}", encoding="utf-8")
    release = (*OURS, "release") if configuration else (*STOCK, "generate_assignment", "--create")
    _run(root, [*release, ASSIGNMENT], well=(0,))
    released = nbformat.read(root / "release" / ASSIGNMENT / f"{name}.ipynb", 4)
    variants = itertools.cycle(notebook for _, notebook in foreign.submissions(released))
    for number, notebook in zip(range(students), variants, strict=False):
        folder = root / "submitted" / f"student{number:02}" / ASSIGNMENT
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
        for file, text in foreign.files.items():
            (folder / file).write_text(text, encoding="utf-8")


def _seconds(root: Path, command: Sequence[str]) -> float:
    """Grade the whole class anew, and return how long it took."""
    shutil.rmtree(root / "autograded", ignore_errors=True)
    create = ["--create"] if command is STOCK else []
    start = time.monotonic()
    # A submission of which something waits for a person is graded, too.
    _run(root, [*command, "autograde", ASSIGNMENT, "--force", *create], well=(0, 1, 2))
    return time.monotonic() - start


def _run(root: Path, command: Sequence[str], *, well: Collection[int]) -> None:
    # nbgrader calls alembic by its name alone.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        command, cwd=root, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    if ran.returncode not in well:
        sys.exit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stderr[-3000:]}")


if __name__ == "__main__":
    main()
