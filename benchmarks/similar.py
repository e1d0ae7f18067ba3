"""Measure which copies `course similar` finds, and which honest pairs it lists with them.

    nice python benchmarks/similar.py [--assignment NAME ...] [--honest 150] [--copies 10]
                                      [--seed N ...] [--json FILE]

A made-up class: each honest student draws, for each exercise, one of the course's right answers or
known mistakes, and writes it down by habits of their own. Then copies of some are planted, each
with another disguise; of the last two kinds only half of the exercises, or the longest one, are
copied, and the rest is the copier's own. All hand in notebooks, which the command's own function
compares. Figures are how many planted pairs are listed, how many honest ones, and the time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from disguise import DISGUISES, in_own_words
from rich.console import Console
from rich.table import Table

from course_utils.reference.known_answers import mistakes, styles
from nbjudge.course.course import CONFIG_NAME, Course
from nbjudge.release import source
from nbjudge.release.release import generate
from nbjudge.similar.find import compare_class

HALF, LONGEST = "half of them, all of these", "the longest one, names changed"
#: How many answers are wrong, and how the course's own answer weighs beside the styles.
WRONG, REFERENCE = 0.25, 4.0

Texts = dict[str, str]


@dataclass(frozen=True)
class Measured:
    """What came of one class.

    Parameters
    ----------
    assignment : str
    seed, students : int
    found : mapping of str to (int, int)
        By disguise, how many planted pairs were listed, and how many there were.
    honest : int
        How many other pairs were listed.
    honest_pairs : int
        How many there are.
    nearest : float
        The highest score that is not listed.
    seconds : float
    """

    assignment: str
    seed: int
    students: int
    found: dict[str, tuple[int, int]]
    honest: int
    honest_pairs: int
    nearest: float
    seconds: float


def copy_of(course: Course, root: Path, assignment: str) -> Course:
    """Make a course with one assignment, released, and nobody in it."""
    root.mkdir()
    shutil.copy(course.root / CONFIG_NAME, root)
    shutil.copytree(course.root / "source" / assignment, root / "source" / assignment)
    shutil.copy(course.root / course.plug.readme, root / course.plug.readme)
    made = Course(root)
    generate(made, assignment)
    return made


class MadeUpClass:
    """Students, and what each answered to the exercises in code of an assignment."""

    def __init__(self, course: Course, assignment: str, seed: int) -> None:
        self.course, self.assignment, self.seed = course, assignment, seed
        folder = course.root / "source" / assignment
        notebooks = [source.read_source(path) for path in sorted(folder.glob("*.ipynb"))]
        self.solved = {
            grade_id: source.solution(cell)
            for notebook in notebooks
            for grade_id, cell in source.by_grade_id(notebook).items()
            if cell.cell_type == "code" and cell.metadata.nbgrader.solution
        }
        self.students: dict[str, Texts] = {}
        #: The planted pairs, each with its disguise.
        self.planted: dict[frozenset[str], str] = {}

    def honest(self, name: str) -> Texts:
        """Return the answers of somebody who works alone."""
        random = Random(f"{self.seed} {name}")
        return {
            grade_id: in_own_words(self._idea(grade_id, random), random) for grade_id in self.solved
        }

    def _idea(self, grade_id: str, random: Random) -> str:
        if random.random() < WRONG and (wrong := mistakes(grade_id)):
            return random.choice(wrong).source
        right = [self.solved[grade_id], *(known.source for known in styles(grade_id))]
        likely = [REFERENCE, *(1 / (rank + 1) for rank in range(1, len(right)))]
        return random.choices(right, likely)[0]

    def fill(self, honest: int, copies: int, disguises: Iterable[str]) -> None:
        """Let so many work alone, and plant so many copies of each kind."""
        for number in range(honest):
            name = f"student-{number:03}"
            self.students[name] = self.honest(name)
        originals = iter(sorted(self.students))
        for kind in disguises:
            for number in range(copies):
                self._plant(kind, f"{kind} {number}".replace(",", ""), next(originals))

    def _plant(self, kind: str, name: str, original: str) -> None:
        random = Random(f"{self.seed} {name}")
        chosen = list(self.solved)
        if kind == HALF:
            chosen = random.sample(chosen, len(chosen) // 2)
        elif kind == LONGEST:
            chosen = sorted(chosen, key=lambda grade_id: len(self.solved[grade_id]))[-1:]
        disguise = DISGUISES[kind.rpartition(", ")[2]]
        texts = self.honest(name)
        for grade_id in chosen:
            texts[grade_id] = disguise(self.students[original][grade_id], random)
        self.students[name] = texts
        self.planted[frozenset((original, name))] = kind

    def hand_in(self) -> None:
        """Write everybody's notebooks to `submitted/`."""
        for path in sorted((self.course.root / "release" / self.assignment).glob("*.ipynb")):
            notebook = source.read_source(path)
            cells = source.by_grade_id(notebook)
            for name, texts in self.students.items():
                for grade_id in texts.keys() & cells.keys():
                    cells[grade_id].source = texts[grade_id]
                folder = self.course.root / "submitted" / name / self.assignment
                folder.mkdir(parents=True, exist_ok=True)
                (folder / path.name).write_text(source.notebook_text(notebook), encoding="utf-8")


def measured(made_up: MadeUpClass) -> Measured:
    """Compare a class that has handed in."""
    start = time.perf_counter()
    found = compare_class(made_up.course, made_up.assignment)
    seconds = time.perf_counter() - start
    listed = {
        frozenset((found.students[pair.one].id, found.students[pair.other].id))
        for group in found.findings.groups
        for pair in group.pairs
    }
    planted = made_up.planted
    kinds = dict.fromkeys(planted.values())
    return Measured(
        assignment=made_up.assignment,
        seed=made_up.seed,
        students=len(made_up.students),
        found={
            kind: (
                sum(planted[pair] == kind for pair in listed & planted.keys()),
                sum(each == kind for each in planted.values()),
            )
            for kind in kinds
        },
        honest=len(listed - planted.keys()),
        honest_pairs=found.findings.pairs - len(planted),
        nearest=found.findings.nearest,
        seconds=seconds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--assignment", action="append", help="by default all of the course's")
    parser.add_argument("--honest", type=int, default=150, help="students who work alone")
    parser.add_argument("--copies", type=int, default=10, help="of each kind")
    parser.add_argument("--seed", type=int, action="append", help="of the class; may be repeated")
    parser.add_argument("--json", type=Path, help="also write what was found to this file")
    options = parser.parse_args()
    kinds = (*DISGUISES, HALF, LONGEST)
    if options.honest < options.copies * len(kinds):
        raise SystemExit(f"{options.copies} copies of {len(kinds)} kinds need as many originals.")
    course = Course.find(Path(__file__).parent)
    rows = []
    for assignment in options.assignment or course.assignments:
        for seed in options.seed or [0]:
            with TemporaryDirectory() as folder:
                made = copy_of(course, Path(folder, "course"), course.require(assignment))
                made_up = MadeUpClass(made, assignment, seed)
                made_up.fill(options.honest, options.copies, kinds if options.copies else ())
                made_up.hand_in()
                rows.append(measured(made_up))
    if options.json:
        text = json.dumps([asdict(row) for row in rows], indent=1)
        options.json.write_text(text + "\n", encoding="utf-8", newline="\n")
    report(rows)


def report(rows: Iterable[Measured]) -> None:
    table = Table("Assignment", "Seed", "Students", "What", "Listed", "Of", box=None)
    for row in rows:
        about = (row.assignment, str(row.seed), str(row.students))
        for kind, (found, planted) in row.found.items():
            table.add_row(*about, f"copies: {kind}", str(found), str(planted))
        table.add_row(*about, "honest pairs", str(row.honest), f"{row.honest_pairs:,}")
        table.add_row(*about, "highest score not listed", f"{row.nearest:.2f}", "")
        table.add_row(*about, "seconds", f"{row.seconds:.1f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
