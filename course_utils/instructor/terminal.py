"""What the `course` command shows: a class's marks, progress, and how long something took."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from course_utils.autograde.batch import Progress as ProgressCallback
from course_utils.autograde.batch import Row, Status
from course_utils.autograde.submission import shown

__all__ = ["print_class", "progress_bar", "took"]

COLOURS = {
    Status.GRADED: "green",
    Status.NEEDS_A_PERSON: "yellow",
    Status.FAILED: "red",
    Status.NOT_HANDED_IN: "dim",
}


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
    else:
        for line in _lines(rows, described):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    for line in _left_to_do(rows):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(rows: Iterable[Row], described: Mapping[str, str] | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Student", overflow="fold", max_width=20)
    if described:
        table.add_column("What was handed in", overflow="fold")
    table.add_column("Mark", justify="right", no_wrap=True)
    table.add_column("To read", justify="right")
    table.add_column("Remarks", overflow="fold")
    for row in rows:
        cells = [Text(shown(row.student)), Text(_mark(row)), Text(_to_read(row)), _remarks(row)]
        if described:
            cells.insert(1, Text(described.get(row.student, "")))
        table.add_row(*cells)
    return table


def _lines(rows: Sequence[Row], described: Mapping[str, str] | None) -> Iterable[str]:
    width = max((len(shown(row.student)) for row in rows), default=0)
    for row in rows:
        told = [described[row.student]] if described and row.student in described else []
        parts = [f"{shown(row.student):<{width}}", f"{row.status:<14}", f"{_mark(row):>7}"]
        if row.waiting:
            told.append(f"to read: {', '.join(row.waiting)}")
        yield "  ".join([*parts, "; ".join([*told, *_lost(row), *row.remarks])]).rstrip()


def _mark(row: Row) -> str:
    return f"{'–' if row.score is None else f'{row.score:g}'}/{row.max_score:g}"


def _to_read(row: Row) -> str:
    return str(len(row.waiting) or "")


def _remarks(row: Row) -> Text:
    told = [*_lost(row), *row.remarks]
    text = Text("\n".join(told))
    if row.status is not Status.GRADED:
        text = Text.assemble((row.status, COLOURS[row.status]), "\n" if told else "", text)
    return text


def _lost(row: Row) -> list[str]:
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
    # A handle of its own: while kernels run, the usual one leads to the log.
    with (
        os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as terminal,
        Progress(*columns, console=Console(file=terminal), transient=True) as bar,
    ):
        task = bar.add_task(doing, total=None, student="")
        yield lambda done, total, student: bar.update(
            task, completed=done, total=total, student=shown(student)
        )


def took(start: float) -> str:
    """Return how long it is since `start`, a value of `time.monotonic()`."""
    seconds = round(time.monotonic() - start)
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
