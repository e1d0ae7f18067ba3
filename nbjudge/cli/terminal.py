"""What the `course` command shows: a class's marks, how its grading goes, and how long it took."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import UnsupportedOperation
from typing import TextIO

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nbjudge.feedback.write import Progress as ProgressCallback
from nbjudge.grading.batch import Watcher
from nbjudge.grading.rows import Row, Status
from nbjudge.grading.solution_proof import Proof
from nbjudge.intake.submission import printable

__all__ = ["print_class", "print_trial", "progress_bar", "show_progress", "took"]

COLOURS = {
    Status.GRADED: "green",
    Status.NEEDS_A_PERSON: "yellow",
    Status.FAILED: "red",
    Status.NOT_HANDED_IN: "dim",
}
#: What a person has to look at.
EYE = (Status.NEEDS_A_PERSON, Status.FAILED)


def print_class(
    console: Console, rows: Sequence[Row], *, described: Mapping[str, str] | None = None
) -> None:
    """Print one row a student, and below it what there is left to do.

    Parameters
    ----------
    console : Console
        Anything but a terminal gets plain lines, one a student, never wrapped.
    rows : sequence of Row
    described : mapping of str to str, optional
        By student, a sentence for a column of its own.
    """
    if console.is_terminal:
        console.print(_table(rows, described))
        if to_look_at := [row for row in rows if row.status in EYE]:
            console.print()
            console.print(_reasons(to_look_at))
    else:
        for line in _lines(rows, described):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in _left_to_do(rows):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def print_trial(console: Console, proof: Proof) -> None:
    """Print how many tests are judged outside and inside, and which cannot mark, with reasons."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("  Notebook", overflow="fold")
    for head in ("Tests", "Outside", "Inside", "Faults"):
        table.add_column(head, justify="right")
    for name, plans in proof.plans.items():
        held = [len(each.get(name, {})) for each in (proof.inside, proof.faults)]
        counts = (len(plans), len(plans) - sum(held), *held)
        table.add_row(f"  {name}", *map(str, counts))
    console.print(table)
    inside = " It runs in the student's process, where an answer could tamper with it."
    faults = " A person has to mark what it tests."
    for head, told, what in (
        ("Inside", proof.inside, inside),
        ("Fault", proof.faults, faults),
        ("Advice", proof.advice, ""),
    ):
        for name, tests in told.items():
            for test, why in tests.items():
                line = f"  {head}: {name}, {test}: {why}.{what}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)


def _reasons(rows: Iterable[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("For a person's eye", overflow="fold", max_width=20)
    table.add_column("Why", overflow="fold")
    for row in rows:
        style = COLOURS[row.status]
        table.add_row(Text(printable(row.student), style=style), Text("\n".join(row.remarks)))
    return table


def _table(rows: Iterable[Row], described: Mapping[str, str] | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Student", overflow="fold", max_width=20)
    if described:
        table.add_column("What was handed in", overflow="fold")
    table.add_column("Mark", justify="right", no_wrap=True)
    table.add_column("To read", justify="right")
    table.add_column("Remarks", overflow="fold")
    for row in rows:
        cells = [Text(printable(row.student)), Text(_mark(row)), Text(_to_read(row)), _remarks(row)]
        if described:
            cells.insert(1, Text(described.get(row.student, "")))
        table.add_row(*cells)
    return table


def _lines(rows: Sequence[Row], described: Mapping[str, str] | None) -> Iterable[str]:
    width = max((len(printable(row.student)) for row in rows), default=0)
    for row in rows:
        told = [described[row.student]] if described and row.student in described else []
        parts = [f"{printable(row.student):<{width}}", f"{row.status:<14}", f"{_mark(row):>7}"]
        if row.waiting:
            told.append(f"to read: {', '.join(row.waiting)}")
        yield "  ".join([*parts, "; ".join([*told, *_lost_marks(row), *row.remarks])]).rstrip()


def _mark(row: Row) -> str:
    return f"{'–' if row.score is None else f'{row.score:g}'}/{row.max_score:g}"


def _to_read(row: Row) -> str:
    return str(len(row.waiting) or "")


def _remarks(row: Row) -> Text:
    # Those that need a person have a table of their own.
    told = [*_lost_marks(row), *(() if row.status in EYE else row.remarks)]
    text = Text("\n".join(told))
    if row.status is not Status.GRADED:
        text = Text.assemble((row.status, COLOURS[row.status]), "\n" if told else "", text)
    return text


def _lost_marks(row: Row) -> list[str]:
    lost = [
        f"{mark.exercise} ({mark.points:g}/{mark.max_points:g})"
        for mark in row.exercises
        if mark.points < mark.max_points and not mark.waiting
    ]
    if len(lost) > 1 and not row.score and not row.waiting:
        return ["Nothing is answered, or nothing is right."]
    return [f"Lost: {', '.join(lost)}"] if lost else []


def _left_to_do(rows: Sequence[Row]) -> Iterable[str]:
    counts = {status: sum(row.status is status for row in rows) for status in Status}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    yield f"{len(rows)} students: {told}." if len(rows) != 1 else f"1 student: {told}."
    if waiting := sum(len(row.waiting) for row in rows):
        answers = "1 answer waits" if waiting == 1 else f"{waiting} answers wait"
        yield f"{answers} to be read: choose Formgrader in the Nbgrader menu of `jupyter lab`."


@contextmanager
def show_progress(doing: str) -> Iterator[Watcher]:
    """Yield a watcher that shows on stderr how a class's grading goes.

    A terminal gets a table that changes; anything else gets a line now and then.
    """
    with _own_stderr() as stream:
        console = Console(file=stream, highlight=False)
        if not console.is_terminal:
            yield _Lines(console, doing)
            return
        account = _Account(doing)
        with Live(get_renderable=account.table, console=console, transient=True):
            yield account


@contextmanager
def _own_stderr() -> Iterator[TextIO]:
    """Yield a handle of our own: while workers run, the usual one leads to the log."""
    try:
        number = os.dup(sys.stderr.fileno())
    except (OSError, UnsupportedOperation):  # there is no file behind it
        yield sys.stderr
        return
    with os.fdopen(number, "w", encoding="utf-8", errors="replace") as stream:
        yield stream


class _Account(Watcher):
    """How the grading of a class goes."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.students = self.to_grade = self.workers = self.failed = 0
        self.points: list[float] = []
        self._begun = time.monotonic()
        self._first = 0.0

    def planned(self, students: int, to_grade: int) -> None:
        self.students, self.to_grade = students, to_grade

    def gathered(self, workers: int) -> None:
        self.workers = workers

    def graded(self, student: str, points: float | None, failed: bool) -> None:
        if not self.done:
            self._first = time.monotonic()
        self.failed += failed
        if points is not None:
            self.points.append(points)
        else:
            self.nothing += 1

    #: Submissions of which nothing could be graded.
    nothing = 0

    @property
    def done(self) -> int:
        """How many have been graded, or could not be."""
        return len(self.points) + self.nothing

    @property
    def left(self) -> str:
        """The time that the rest will take, as far as can be told."""
        if self.done < 2:
            return "–"
        each = (time.monotonic() - self._first) / (self.done - 1)
        return duration(each * (self.to_grade - self.done))

    @property
    def mean(self) -> str:
        """The mean of the marks that tests gave so far."""
        return f"{sum(self.points) / len(self.points):.1f}" if self.points else "–"

    def table(self) -> Group:
        """Return what a terminal shows now."""
        if not self.to_grade:
            return Group()
        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        running = min(self.workers, self.to_grade - self.done)
        cells = {
            "Done": f"{self.done} of {self.to_grade}",
            "Running": str(running) if self.workers else "starting",
            "To look at": str(self.failed),
            "Mean mark of tests": self.mean,
            "Time": duration(time.monotonic() - self._begun),
            "Left": self.left,
        }
        for heading in cells:
            shown.add_column(heading, justify="right")
        shown.add_row(*cells.values())
        bar = Table.grid()  # ends the bar's line, which it does not do itself
        bar.add_row(ProgressBar(total=self.to_grade, completed=self.done, width=60))
        return Group(Text(self.doing, style="bold"), bar, shown)


class _Lines(_Account):
    """The same, in lines for a log: one for each tenth of the class."""

    def __init__(self, console: Console, doing: str) -> None:
        super().__init__(doing)
        self._console = console

    def planned(self, students: int, to_grade: int) -> None:
        super().planned(students, to_grade)
        if to_grade:
            self._say(f"{to_grade} of {students} to grade")

    def graded(self, student: str, points: float | None, failed: bool) -> None:
        super().graded(student, points, failed)
        if self.done * 10 // self.to_grade > (self.done - 1) * 10 // self.to_grade:
            told = f"{self.done} of {self.to_grade} done, {self.failed} to look at"
            self._say(f"{told}, mean mark of tests {self.mean}, {self.left} left")

    def _say(self, told: str) -> None:
        self._console.print(f"{self.doing}: {told}", markup=False, soft_wrap=True)


@contextmanager
def progress_bar(doing: str) -> Iterator[ProgressCallback]:
    """Yield a callback that moves a bar on stderr; where nobody watches there is none."""
    if not sys.stderr.isatty():
        yield lambda done, total, student: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[student]}", markup=False),
    )
    with (
        _own_stderr() as terminal,
        Progress(*columns, console=Console(file=terminal), transient=True) as bar,
    ):
        task = bar.add_task(doing, total=None, student="")
        yield lambda done, total, student: bar.update(
            task, completed=done, total=total, student=printable(student)
        )


def took(start: float) -> str:
    """Return how long it is since `start`, a value of `time.monotonic()`."""
    return duration(time.monotonic() - start)


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(75.2)
    '1 min 15 s'
    """
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
