"""Measure whether marks depend on luck, and how much room the tolerances of hidden tests leave.

    nice python benchmarks/luck.py [--seeds N] [--costly N] [--exercise ID ...] [--json FILE]

The random inputs of hidden tests differ from student to student. Here every known mistake and every
right answer is examined with the inputs of many students: each examination that its test cell calls
must come to the same end for all of them. An answer that passes for some and fails for others would
keep or lose marks by chance.

An error divided by its tolerance tells the room: for right answers the largest ratio must be below
1, for wrong ones, of which only values differ, the largest of each answer must be above 1. What
fails by its type, its shape or a fact has no such ratio.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import warnings
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from rich.console import Console
from rich.table import Table

from course_utils.reference import examine
from course_utils.reference.answers import symbols
from course_utils.reference.examine import EXERCISES
from course_utils.reference.examine.examination import recording
from course_utils.reference.known_answers import Known, answers_of, mistakes, styles
from nbjudge import checks, seeds
from nbjudge.course.course import Course
from nbjudge.proof.fairness import TestCell, cells_of, processes

SEEDS, COSTLY_SEEDS = 1000, 50
#: They train, run networks of full size, or draw a thousand pairs: a tenth of a second an answer.
COSTLY = {"ex_1_4_3c", "ex_2_2", "ex_2_3", "ex_2_4"}


@dataclass(frozen=True)
class Examined:
    """What one examination found in one answer, with the inputs of many students.

    Parameters
    ----------
    exercise, examination, answer : str
    right : bool
        Whether the answer is a right one.
    whole : bool
        Whether the examination is that of all points, not of a part.
    seeds, passed : int
        How many students' inputs there were, and with how many the answer passed.
    largest, smallest : float or None
        The largest and the smallest, over the students, of an answer's largest ratio of error to
        tolerance; None where another thing than a value decides.
    """

    exercise: str
    examination: str
    answer: str
    right: bool
    whole: bool
    seeds: int
    passed: int
    largest: float | None
    smallest: float | None

    @property
    def by_chance(self) -> bool:
        """Whether a mark depends on luck, or is simply wrong."""
        if self.whole:
            return self.passed != (self.seeds if self.right else 0)
        return self.passed != self.seeds if self.right else 0 < self.passed < self.seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="for each answer")
    parser.add_argument(
        "--costly", type=int, default=COSTLY_SEEDS, help="the same where one takes long"
    )
    parser.add_argument("--exercise", action="append", help="only this one: 1.2.1; may be repeated")
    parser.add_argument("--json", type=Path, help="also write what was found to this file")
    options = parser.parse_args()
    course = Course.find(Path(__file__).parent)
    cells = [cell for name in course.assignments for cell in cells_of(course, name)]
    known = [cell for cell in cells if cell.is_about(symbols(cell.grade_id))]
    chosen = [cell for cell in known if cell.exercise in (options.exercise or [cell.exercise])]
    if not chosen:
        raise SystemExit("There is no such exercise.")
    found = examined(chosen, options.seeds, min(options.costly, options.seeds))
    if options.json:
        text = json.dumps([asdict(each) for each in found], indent=1)
        options.json.write_text(text + "\n", encoding="utf-8", newline="\n")
    report(found)


def examined(cells: list[TestCell], cheap: int, costly: int) -> list[Examined]:
    """Examine all known answers to some exercises, those that take longest first."""
    order = sorted(cells, key=lambda cell: cell.grade_id not in COSTLY)
    with processes() as pool:
        running: list[Future[list[Examined]]] = [
            pool.submit(examine_answer, cell, known, right, number)
            for cell in order
            for number in [costly if cell.grade_id in COSTLY else cheap]
            for right, those in ((False, mistakes), (True, styles))
            for known in those(cell.grade_id)
        ]
        for done, future in enumerate(as_completed(running), start=1):
            future.result()
            if done % 50 == 0:
                print(f"{done} of {len(running)} answers", flush=True)
    place = {cell.exercise: i for i, cell in enumerate(cells)}
    return sorted((e for f in running for e in f.result()), key=lambda e: place[e.exercise])


def examine_answer(cell: TestCell, known: Known, right: bool, number: int) -> list[Examined]:
    """Let each examination of a test cell examine an answer, with the inputs of many students."""
    whole = EXERCISES[cell.grade_id].examination.__name__
    names = sorted({whole, *re.findall(r"\bexamine\.(\w+)\(", cell.source)})
    return [_examine(cell, known, right, number, name, name == whole) for name in names]


def _examine(
    cell: TestCell, known: Known, right: bool, number: int, name: str, whole: bool
) -> Examined:
    runs = [_run(cell, known, name, str(seed)) for seed in range(number)]
    ratios = [ratio for _, ratio in runs]
    said = all(math.isfinite(ratio) for ratio in ratios)
    return Examined(
        exercise=cell.exercise,
        examination=name,
        answer=known.name,
        right=right,
        whole=whole,
        seeds=number,
        passed=sum(passed for passed, _ in runs),
        largest=max(ratios) if said else None,
        smallest=min(ratios) if said else None,
    )


def _run(cell: TestCell, known: Known, name: str, seed: str) -> tuple[bool, float]:
    """Return whether an answer passed, and its largest ratio of error to tolerance.

    The ratio is infinite if the answer failed by anything but a value.
    """
    ratios: list[float] = []
    with seeds.seed_within(seed), warnings.catch_warnings(), _ratios_noted(ratios):
        warnings.simplefilter("ignore")  # a division by zero may be the mistake itself
        seeds.reset(seeds.number(f"{cell.exercise} in the kernel"))
        answers = answers_of(known, cell.grade_id)
        failed_by_values = 0
        before = 0

        def by_a_value(trace: list[Any]) -> bool:
            nonlocal failed_by_values, before
            failed_by_values += not trace[-1].held and any(r > 1 for r in ratios[before:])
            before = len(ratios)
            return False

        with recording(until=by_a_value) as trace:
            getattr(examine, name)(*answers)
    failed = sum(not seen.held for seen in trace)
    ratio = max(ratios, default=0.0) if failed == failed_by_values else math.inf
    return not failed, ratio


def _ratios_noted(ratios: list[float]) -> Any:
    """Have comparisons of values note the largest ratio of an error to its tolerance."""
    compare = checks._value_difference

    def noted(
        actual: Any, expected: Any, name: str, rtol: float | None, atol: float, reveal: bool
    ) -> str | None:
        a, b = (checks._as_array(value) for value in (actual, expected))
        tolerance = checks._tolerance(a, b) if rtol is None else rtol
        if tolerance or atol:  # what must not change at all has no room
            a, b = a.astype(np.float64), b.astype(np.float64)
            with np.errstate(all="ignore"):
                parts = [checks.relative_error(a, b) / tolerance, checks._distance(a, b) / atol]
            ratio = np.where(checks._same_special(a, b), 0.0, np.fmin(*parts))
            ratios.append(float(np.nan_to_num(ratio, nan=np.inf).max(initial=0.0)))
        return compare(actual, expected, name, rtol, atol, reveal)

    return patch.object(checks, "_value_difference", noted)


def report(found: list[Examined]) -> None:
    console = Console()
    console.print(table(found))
    lucky = [each for each in found if each.by_chance]
    for each in lucky:
        kind = "right answer" if each.right else "mistake"
        console.print(
            f"{each.exercise} {kind} “{each.answer}” passes {each.examination} "
            f"with {each.passed} of {each.seeds}",
            style="red",
            markup=False,
        )
    if lucky:
        raise SystemExit(1)
    console.print("No mark depends on luck.")


def table(found: list[Examined]) -> Table:
    shown = Table(
        "exercise", "answers", "students", "by chance", "right: largest", "wrong: smallest", "of"
    )
    for column in shown.columns[1:-1]:
        column.justify = "right"
    for exercise in dict.fromkeys(each.exercise for each in found):
        rows = [each for each in found if each.exercise == exercise]
        whole = [each for each in rows if each.whole]
        lucky = sum(each.by_chance for each in rows)
        largest = max((e.largest for e in whole if e.right and e.largest is not None), default=None)
        wrong = [e for e in whole if not e.right and e.smallest is not None]
        nearest = min(wrong, key=lambda e: e.smallest or 0.0, default=None)
        shown.add_row(
            exercise,
            str(len(whole)),
            str(rows[0].seeds),
            f"[{'red' if lucky else 'green'}]{lucky}[/]",
            "–" if largest is None else f"{largest:.2g}",
            "–" if nearest is None else f"{nearest.smallest:.3g}",
            "" if nearest is None else nearest.answer,
        )
    return shown


if __name__ == "__main__":
    main()
