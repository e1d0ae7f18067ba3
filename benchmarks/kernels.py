"""Measure what a kernel for grading costs: time until it is ready, walls, memory, a submission.

    python benchmarks/kernels.py [--json FILE]

A kernel that the warm parent forks is compared with a cold one, a process of its own without walls,
in the same run and in turn, because only their ratio means anything on a busy machine. All times
are medians. The submission is `optimisers` with the right answers, in its quick form; its data are
those of COURSE_DATA_DIR, or stand-ins.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest.mock import patch

import nbformat
from nbformat import NotebookNode
from rich.console import Console
from rich.table import Table

from nbjudge.course.course import Course
from nbjudge.course.plug import Plug
from nbjudge.judge.notebooks import grade_notebook
from nbjudge.release import source
from nbjudge.sandbox import bubblewrap, warm_kernels
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import Session
from nbjudge.sandbox.warm_kernels import ForkServer, running_fork_server
from nbjudge.sandbox.workspace import stage_library

PARENTS, STARTS, COLD_STARTS, ROUNDS = 3, 20, 3, 3
#: Whether a run has every cell, by what is said of it.
RUNS = {"without display cells": False, "with every cell": True}
LEAST_RATIOS = {"without display cells": 8.0, "with every cell": 3.0}

#: Appended to the parent that is measured: it notes when a child's steps begin and end.
NOTES = """
import functools
import time

notes = os.open("/rooms/notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def noted(owner, name):
    step = getattr(owner, name)

    @functools.wraps(step)
    def wrapper(*arguments, **keywords):
        def note(what):
            os.write(notes, json.dumps([name, what, time.monotonic()]).encode() + b"\\n")

        note("begin")
        try:
            return step(*arguments, **keywords)
        finally:
            note("end")

    setattr(owner, name, wrapper)

for owner, name in (
    (sys.modules[__name__], "_child"), (sys.modules[__name__], "_furnish"),
    (sys.modules[__name__], "_kernel"), (namespaces, "unshare"), (namespaces, "limit"),
    (namespaces, "give_up_privileges"), (syscalls, "forbid"),
):
    noted(owner, name)
"""


@dataclass(frozen=True)
class Measured:
    """One line of the table.

    Parameters
    ----------
    what, unit : str
    value : float
    target : float, optional
    at_least : bool
        Whether the target is a lower bound.
    """

    what: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the value is as good as its target."""
        if self.target is None:
            return True
        return self.value >= self.target if self.at_least else self.value <= self.target


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    if problem := bubblewrap.problem():
        raise SystemExit(f"There is nothing to compare: {problem}")
    os.environ["COURSE_QUICK"] = "1"
    course = Course.find(Path(__file__).parent)
    plug = course.plug
    measured = [*parents(plug), *starts(plug), *walls(plug), *memory(plug), *submissions(course)]
    Console().print(table(measured))
    if options.json:
        text = json.dumps([asdict(line) for line in measured], indent=2)
        options.json.write_text(text + "\n", encoding="utf-8", newline="\n")


def table(measured: list[Measured]) -> Table:
    shown = Table("what", "median", "target")
    shown.columns[1].justify = shown.columns[2].justify = "right"
    for line in measured:
        bound = "≥" if line.at_least else "≤"
        target = "" if line.target is None else f"{bound} {line.target:g} {line.unit}"
        colour = "green" if line.is_met else "red"
        value = f"{line.value:.3g} {line.unit}"
        shown.add_row(line.what, f"[{colour}]{value}[/]" if target else value, target)
    return shown


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def without_walls() -> AbstractContextManager[object]:
    """Have sessions start cold kernels."""
    return patch.object(bubblewrap, "problem", lambda: "It is left out for comparison.")


def parents(plug: Plug) -> Iterator[Measured]:
    """Measure the start of warm parents."""

    def start() -> None:
        made.append(ForkServer(plug))

    made: list[ForkServer] = []
    taken = [seconds(start) for _ in range(PARENTS)]
    for parent in made:
        parent.close()
    yield Measured("start of a warm parent", statistics.median(taken), "s")


def starts(plug: Plug) -> Iterator[Measured]:
    """Measure the time from the wish for a kernel until it answers, and until it is gone."""
    Session(Limits(), plug=plug).close()
    started, closed = _starts(plug, STARTS)
    yield Measured("warm kernel, request to ready", statistics.median(started), "s", 0.15)
    yield Measured("warm kernel, shutdown", statistics.median(closed), "s", 0.02)
    with without_walls():
        started, closed = _starts(plug, COLD_STARTS)
    yield Measured("cold kernel, request to ready", statistics.median(started), "s")
    yield Measured("cold kernel, shutdown", statistics.median(closed), "s")


def _starts(plug: Plug, count: int) -> tuple[list[float], list[float]]:
    sessions: list[Session] = []
    started, closed = [], []
    for _ in range(count):
        started.append(seconds(lambda: sessions.append(Session(Limits(), plug=plug))))
        closed.append(seconds(sessions.pop().close))
    return started, closed


def walls(plug: Plug) -> Iterator[Measured]:
    """Measure the steps of a child that a fork without walls would not take.

    It would go at once from its fork to the kernel, and skip limits and privileges.
    """

    def stage(plug: Plug, folder: Path, seen_as: str | None = None) -> None:
        stage_library(plug, folder, seen_as)
        with (folder / "nbjudge" / "fork_server" / "server.py").open("a") as server:
            server.write(NOTES)

    steps = []
    with (
        patch.dict(warm_kernels._parents, clear=True),
        patch.object(warm_kernels, "stage_library", stage),
    ):
        parent = running_fork_server(plug)
        notes = parent.rooms / "notes"
        for _ in range(STARTS):
            notes.write_text("")
            session = Session(Limits(), plug=plug)
            steps.append([json.loads(line) for line in notes.read_text().splitlines()])
            session.close()
        parent.close()
    # The first one pays for what the parent has not touched yet.
    taken = [_of_walls({(name, what): at for name, what, at in each}) for each in steps[1:]]
    for what in taken[0]:
        target = 40.0 if what == "the sandbox" else None
        yield Measured(what, statistics.median(each[what] for each in taken), "ms", target)


def _of_walls(at: dict[tuple[str, str], float]) -> dict[str, float]:
    """Return milliseconds, by step, of one child."""

    def between(begin: tuple[str, str], end: tuple[str, str]) -> float:
        return 1000 * (at[end] - at[begin])

    def of(name: str) -> float:
        return between((name, "begin"), (name, "end"))

    room = between(("_child", "begin"), ("_kernel", "begin"))
    rights = of("limit") + of("give_up_privileges") + of("forbid")
    return {
        "the sandbox": room + rights,
        "  its namespaces": of("unshare"),
        "  its mounts and files": of("_furnish"),
        "  its two more forks": room - of("unshare") - of("_furnish"),
        "  its limits and privileges": rights,
    }


def memory(plug: Plug) -> Iterator[Measured]:
    """Measure what the parent has in memory, and what a new kernel has for itself."""
    session = Session(Limits(), plug=plug)
    cell = nbformat.v4.new_code_cell(  # type: ignore[no-untyped-call]
        "print(open('/proc/self/smaps_rollup').read())"
    )
    session.run(cell)
    own = _private(cell.outputs[0].text)
    session.close()
    resident = max(map(_resident, _descendants(running_fork_server(plug)._process.pid)))
    yield Measured("memory of the parent", resident, "MB", 450)
    yield Measured("memory of a new kernel's own", own, "MB", 45)


def _private(rollup: str) -> float:
    lines = (line for line in rollup.splitlines() if line.startswith("Private_"))
    return sum(int(line.split()[1]) for line in lines) / 1024


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _descendants(pid: int) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(child)
        yield from _descendants(int(child))


def submissions(course: Course) -> Iterator[Measured]:
    """Measure the grading of one submission by warm and by cold kernels, in turn."""
    notebook = source.read_source(course.root / "source" / "optimisers" / "optimisers.ipynb")
    display = frozenset(
        cell.source.strip() for cell in notebook.cells if "display" in cell.metadata.get("tags", ())
    )
    for what, runs_all in RUNS.items():
        skipped = frozenset() if runs_all else display
        taken: dict[str, list[float]] = {"warm": [], "cold": []}
        for _ in range(ROUNDS):
            taken["warm"].append(seconds(lambda: _grade(notebook, skipped, course.plug)))  # noqa: B023
            with without_walls():
                taken["cold"].append(seconds(lambda: _grade(notebook, skipped, course.plug)))  # noqa: B023
        quick, slow = (statistics.median(taken[kind]) for kind in ("warm", "cold"))
        target = 0.5 if skipped else None
        yield Measured(f"optimisers {what}, warm", quick, "s", target)
        yield Measured(f"optimisers {what}, cold", slow, "s")
        yield Measured("  how many times faster", slow / quick, "×", LEAST_RATIOS[what], True)


def _grade(notebook: NotebookNode, skipped: frozenset[str], plug: Plug) -> None:
    graded = grade_notebook(notebook, seed_parts=("benchmark",), skipped=skipped, plug=plug)
    wrong = [verdict.reason for verdict in graded.verdicts.values() if verdict.reason]
    if wrong or graded.remarks:
        raise SystemExit(f"The right answers did not get their marks: {wrong} {graded.remarks}")


if __name__ == "__main__":
    main()
