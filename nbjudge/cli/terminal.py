"""Terminal output of the `course` command: a class's marks, the progress of grading, and times."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import UnsupportedOperation
from statistics import median
from typing import TYPE_CHECKING, Any, TextIO

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nbjudge.cli.row_choice import Only
from nbjudge.grading.batch import Watcher
from nbjudge.grading.rows import Row, Status
from nbjudge.grading.solution_proof import Proof
from nbjudge.intake.submission import name_with_id, printable

if TYPE_CHECKING:  # slow to import, and only some commands write feedback
    from nbjudge.feedback.write import Progress as ProgressCallback

__all__ = [
    "print_class",
    "print_trial",
    "progress_bar",
    "select_rows",
    "show_progress",
    "summary_of",
    "took",
]

STATUS_COLOURS = {
    Status.GRADED: "green",
    Status.NEEDS_A_PERSON: "yellow",
    Status.FAILED: "red",
    Status.NOT_HANDED_IN: "dim",
}
#: The width of a table's column of names, in characters.
WIDEST_NAME = 30


def select_rows(rows: Iterable[Row], only: Only | None) -> list[Row]:
    """Return the chosen rows.

    Parameters
    ----------
    rows : iterable of Row
    only : Only, optional
        By default, all rows.
    """
    wanted: dict[Only | None, Callable[[Row], bool]] = {
        None: lambda row: True,
        Only.ATTENTION: lambda row: row.needs_attention,
        Only.WAITING: lambda row: bool(row.waiting),
        Only.LATE: lambda row: bool(row.lateness),
        Only.MISSING: lambda row: row.status is Status.NOT_HANDED_IN,
    }
    return list(filter(wanted[only], rows))


def print_class(
    console: Console,
    rows: Sequence[Row],
    *,
    described: Mapping[str, str] | None = None,
    only: Only | None = None,
    wide: bool = False,
) -> None:
    """Print a summary, a row for each student, the summary again, and what is left to do.

    Parameters
    ----------
    console : Console
        A terminal gets tables; anything else gets plain lines, one per student, never wrapped.
    rows : sequence of Row
    described : mapping of str to str, optional
        A description of each submission, by student, for a column of its own.
    only : Only, optional
        Print only these rows; the summary is about all of them nevertheless.
    wide : bool
        Whether a terminal shows remarks in full, over several lines.
    """
    shown = select_rows(rows, only)
    summary = summary_of(rows)
    if only is not None:
        summary = f"{summary} Shown: {len(shown)} ({only})."
    _print_line(console, summary)
    if console.is_terminal:
        if shown:
            console.print(_class_table(shown, described, wide=wide or bool(described)))
        if to_look_at := [row for row in shown if row.needs_attention]:
            console.print()
            console.print(_reasons_table(to_look_at))
        if len(shown) > 1:
            _print_line(console, f"\n{summary}")
    else:
        if shown:
            _print_line(
                console, "\n".join(_lines_of_class(shown, described))
            )  # in one call, as each call is slow
        if len(shown) > 1:
            _print_line(console, summary)
    for line in _left_to_do(rows):
        _print_line(console, line)


def _print_line(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def summary_of(rows: Sequence[Row]) -> str:
    """Return a line about a class: number graded, median, and what is left to do."""
    marks = [row.points for row in rows if row.points is not None]
    students = "student" if len(rows) == 1 else "students"
    told = [f"{len(marks)} of {len(rows)} {students} graded"]
    if marks:
        most = max(row.max_score for row in rows)
        told.append(f"median {median(marks):g} of {most:g}")
    counts = {
        "answers to read": sum(len(row.waiting) for row in rows),
        "to look at": sum(row.needs_attention for row in rows),
        "late": sum(bool(row.lateness) for row in rows),
        "not handed in": sum(row.status is Status.NOT_HANDED_IN for row in rows),
    }
    told += [f"{count} {what}" for what, count in counts.items() if count]
    return f"{', '.join(told)}.".replace(" 1 answers to read", " 1 answer to read")


def print_trial(console: Console, proof: Proof) -> None:
    """Print how many tests are judged outside and inside, and the reasons for inside and faults."""
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


def _who(row: Row) -> Text:
    """Return a student's name and, dimmed, the id; the id alone if no name is known."""
    if not row.name:
        return Text(printable(row.student))
    return Text.assemble(printable(row.name), (f" {printable(row.student)}", "dim"))


def _reasons_table(rows: Iterable[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("For a person's eye", overflow="fold", max_width=WIDEST_NAME)
    table.add_column("Why", overflow="fold")
    for row in rows:
        who = _who(row)
        who.stylize(STATUS_COLOURS[row.status])
        table.add_row(who, Text("\n".join(row.remarks)))
    return table


def _class_table(rows: Sequence[Row], described: Mapping[str, str] | None, *, wide: bool) -> Table:
    """Return the class's table: one line for each student or, if `wide`, as many as needed."""
    how: dict[str, Any] = (
        {"overflow": "fold"} if wide else {"no_wrap": True, "overflow": "ellipsis"}
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Student", max_width=WIDEST_NAME, **how)
    if described:
        table.add_column("What was handed in", overflow="fold")
    table.add_column("Mark", justify="right", no_wrap=True)
    table.add_column("To read", justify="right", no_wrap=True)
    is_late = any(row.lateness for row in rows)
    if is_late:
        table.add_column("Late", justify="right", no_wrap=True)
    table.add_column("Remarks", **how)
    for row in rows:
        cells = [_who(row), Text(_mark_of_row(row)), Text(_to_read(row))]
        if is_late:
            cells.append(Text(_lateness(row), style="yellow" if row.penalty else ""))
        if described:
            cells.insert(1, Text(described.get(row.student, "")))
        table.add_row(*cells, _remarks_of_row(row, wide=wide))
    return table


def _lines_of_class(rows: Sequence[Row], described: Mapping[str, str] | None) -> Iterable[str]:
    called = [name_with_id(row.name, row.student) for row in rows]
    width = max(map(len, called), default=0)
    for row, who in zip(rows, called, strict=True):
        told = [described[row.student]] if described and row.student in described else []
        parts = [f"{who:<{width}}", f"{row.status:<14}", f"{_mark_of_row(row):>7}"]
        if row.waiting:
            told.append(f"to read: {', '.join(row.waiting)}")
        told += [*_lost_marks(row), *filter(None, [row.lateness]), *row.remarks]
        yield "  ".join([*parts, "; ".join(told)]).rstrip()


def _mark_of_row(row: Row) -> str:
    return f"{'–' if row.score is None else f'{row.score:g}'}/{row.max_score:g}"


def _to_read(row: Row) -> str:
    return str(len(row.waiting) or "")


def _lateness(row: Row) -> str:
    """Return how late a submission was, in the largest unit, and the penalty."""
    if not row.lateness:
        return ""
    units = ((86_400, "d"), (3_600, "h"), (60, "min"))
    size, unit = next((each for each in units if row.seconds_late >= each[0]), units[-1])
    late = f"{max(1, round(row.seconds_late / size))} {unit}"
    return f"{late} −{row.penalty:g}" if row.penalty else late


def _remarks_of_row(row: Row, *, wide: bool) -> Text:
    # Rows that need a person's attention are listed with their remarks in another table.
    told = _lost_marks(row, in_full=wide)
    if not row.needs_attention:
        told += row.remarks
    text = Text(("\n" if wide else "; ").join(told))
    if row.status is not Status.GRADED:
        between = ("\n" if wide else ": ") if told else ""
        text = Text.assemble((row.status, STATUS_COLOURS[row.status]), between, text)
    return text


def _lost_marks(row: Row, *, in_full: bool = True) -> list[str]:
    lost = [mark for mark in row.exercises if mark.points < mark.max_points and not mark.waiting]
    if len(lost) > 1 and not row.score and not row.waiting:
        return ["Nothing is answered, or nothing is right."]
    if not in_full:
        return [f"Lost: {', '.join(mark.exercise for mark in lost)}"] if lost else []
    told = [f"{printable(mark.label)} ({mark.points:g}/{mark.max_points:g})" for mark in lost]
    return [f"Lost: {', '.join(told)}"] if told else []


def _left_to_do(rows: Sequence[Row]) -> Iterable[str]:
    if any(row.waiting for row in rows):
        yield "To mark what waits to be read: course formgrader"


@contextmanager
def show_progress(doing: str) -> Iterator[Watcher]:
    """Yield a watcher that shows the progress of grading on stderr.

    A terminal gets a live table; anything else gets a line for each tenth of the class.
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
    """Yield a duplicate of stderr, as the original is redirected to the log while workers run."""
    try:
        number = os.dup(sys.stderr.fileno())
    except (OSError, UnsupportedOperation):  # stderr is no file
        yield sys.stderr
        return
    with os.fdopen(number, "w", encoding="utf-8", errors="replace") as stream:
        yield stream


class _Account(Watcher):
    """A watcher that shows the progress of grading as a live table."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.students = self.to_grade = self.workers = self.failed = 0
        self.points: list[float] = []
        self._begun = time.monotonic()
        self._first = 0.0

    def on_plan(self, students: int, to_grade: int) -> None:
        self.students, self.to_grade = students, to_grade

    def on_workers(self, workers: int) -> None:
        self.workers = workers

    def on_graded(self, student: str, points: float | None, failed: bool) -> None:
        if not self.done:
            self._first = time.monotonic()
        self.failed += failed
        if points is not None:
            self.points.append(points)
        else:
            self.nothing += 1

    #: The number of submissions that could not be graded at all.
    nothing = 0

    @property
    def done(self) -> int:
        """The number of submissions that were graded, or could not be."""
        return len(self.points) + self.nothing

    @property
    def left(self) -> str:
        """An estimate of the remaining time, as text."""
        if self.done < 2:
            return "–"
        each = (time.monotonic() - self._first) / (self.done - 1)
        return time_in_words(each * (self.to_grade - self.done))

    @property
    def mean(self) -> str:
        """The mean of the marks so far, as text."""
        return f"{sum(self.points) / len(self.points):.1f}" if self.points else "–"

    def table(self) -> Group:
        """Return the present content of the live table."""
        if not self.to_grade:
            return Group()
        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        running = min(self.workers, self.to_grade - self.done)
        cells = {
            "Done": f"{self.done} of {self.to_grade}",
            "Running": str(running) if self.workers else "starting",
            "To look at": str(self.failed),
            "Mean mark of tests": self.mean,
            "Time": time_in_words(time.monotonic() - self._begun),
            "Left": self.left,
        }
        for heading in cells:
            shown.add_column(heading, justify="right")
        shown.add_row(*cells.values())
        bar = Table.grid()  # adds the line end that the bar itself lacks
        bar.add_row(ProgressBar(total=self.to_grade, completed=self.done, width=60))
        return Group(Text(self.doing, style="bold"), bar, shown)


class _Lines(_Account):
    """A watcher that prints the progress as lines, one for each tenth of the class."""

    def __init__(self, console: Console, doing: str) -> None:
        super().__init__(doing)
        self._console = console

    def on_plan(self, students: int, to_grade: int) -> None:
        super().on_plan(students, to_grade)
        if to_grade:
            self._say(f"{to_grade} of {students} to grade")

    def on_graded(self, student: str, points: float | None, failed: bool) -> None:
        super().on_graded(student, points, failed)
        if self.done * 10 // self.to_grade > (self.done - 1) * 10 // self.to_grade:
            told = f"{self.done} of {self.to_grade} done, {self.failed} to look at"
            self._say(f"{told}, mean mark of tests {self.mean}, {self.left} left")

    def _say(self, told: str) -> None:
        self._console.print(f"{self.doing}: {told}", markup=False, soft_wrap=True)


@contextmanager
def progress_bar(doing: str) -> Iterator[ProgressCallback]:
    """Yield a callback that moves a progress bar on stderr, if that is a terminal."""
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
    """Return as text the time since `start`, a value of `time.monotonic()`."""
    return time_in_words(time.monotonic() - start)


def time_in_words(seconds: float) -> str:
    """Return a time as text.

    >>> time_in_words(75.2)
    '1 min 15 s'
    """
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
