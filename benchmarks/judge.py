"""Measure what it costs to test an answer from outside its process.

    python benchmarks/judge.py

First the time of one call of a scalar function: in this process, and through the wire to a kernel.
Then the time of all test cells of `optimisers`, with the right answers: in the kernel, as stock
nbgrader runs them, and in the judge. Both in one run, because only their ratio and difference mean
anything on a busy machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console
from rich.table import Table

from nbjudge import seeds
from nbjudge.course.cells import exercise_number, is_test
from nbjudge.course.course import Course
from nbjudge.judge.judge import Test, judge
from nbjudge.release import source
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import Session
from nbjudge.stand_ins.channel import KernelChannel

CALLS = 500
ROUNDS = 5
FUNCTION = "def loss(w1, w2):\n    return 40 * w1**2 + 10 * w2**2 + 40 * w2\n"


def main() -> None:
    table = Table("what", "median", "fastest")
    course = Course.find(Path(__file__).parent)
    session = Session(Limits(), plug=course.plug)
    call, direct = calls(session)
    add(table, "a call in this process", direct)
    add(table, "a call through the wire", call)
    inside, outside = tests(session, course)
    add(table, "tests of optimisers, in the kernel", inside)
    add(table, "tests of optimisers, in the judge", outside)
    session.close()
    Console().print(table)
    more = statistics.median(outside) - statistics.median(inside)
    Console().print(f"The judge costs optimisers {more:+.2f} s.")


def add(table: Table, what: str, seconds: list[float]) -> None:
    table.add_row(what, *(f"{1000 * f(seconds):.3f} ms" for f in (statistics.median, min)))


def calls(session: Session) -> tuple[list[float], list[float]]:
    """Return the seconds of calls of a scalar function, through the wire and in this process."""
    session.run(code(FUNCTION))
    remote = KernelChannel(session.request, Limits()).ask("begin", names=["loss"], seed=1)["loss"]
    namespace: dict[str, Callable[..., float]] = {}
    exec(FUNCTION, namespace)
    return timed(lambda: remote(1.0, 2.0)), timed(lambda: namespace["loss"](1.0, 2.0))


def timed(call: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def tests(session: Session, course: Course) -> tuple[list[float], list[float]]:
    """Return the seconds of all tests of `optimisers`, in the kernel and in the judge."""
    notebook = source.read_source(course.root / "source" / "optimisers" / "optimisers.ipynb")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        if not is_test(cell) and "display" not in cell.metadata.get("tags", ()):
            session.run(cell)
    # The kernel may import the references only for the half that stock nbgrader stands for.
    package = str(course.root / "course_utils")
    session.run(code(f"import course_utils\ncourse_utils.__path__.append({package!r})"))
    questions = [cell for cell in cells if is_test(cell)]
    inside, outside = [], []
    for _ in range(ROUNDS):
        inside.append(total(questions, session.run))
        outside.append(total(questions, lambda cell: check(cell, session)))
    return inside, outside


def total(cells: list[NotebookNode], run: Callable[[NotebookNode], object]) -> float:
    start = time.perf_counter()
    for cell in cells:
        run(cell)
    return time.perf_counter() - start


def check(cell: NotebookNode, session: Session) -> None:
    exercise = exercise_number(source.grade_id(cell) or "")
    with seeds.seed_within("benchmark"):
        verdict = judge(Test(exercise, cell.source, 1.0), KernelChannel(session.request, Limits()))
    if verdict.reason or verdict.fault:
        raise SystemExit(f"{exercise}: {verdict.reason}{verdict.fault}")


def code(text: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(text)  # type: ignore[no-untyped-call]
    return cell


if __name__ == "__main__":
    main()
