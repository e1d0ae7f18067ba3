"""Real processes for tests: started, looked at and ended; and `course`, stopped where a test wants.

Run as a program it is `course` itself, which stops by SIGSTOP at one named point.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from classroom import AtOnce, Together, marked_unseen

from nbjudge.grading.jobs import Job, JobOutcome

#: Far more than anything here takes, on a machine that is busy.
PATIENCE = 120
PAUSE = 0.05
ENVIRONMENT = {**os.environ, "COURSE_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


@dataclass(frozen=True)
class Seen:
    """A process, told from a later one with the same number by when it started."""

    number: int
    started: str

    @property
    def is_alive(self) -> bool:
        state, started = _state(self.number)
        return started == self.started and state not in ("Z", "X", "")


def _state(number: int) -> tuple[str, str]:
    """Return a process's state and the time of its start, both empty if there is none."""
    fields = _fields(number)
    return (fields[0], fields[19]) if fields else ("", "")


def _fields(number: int) -> list[str]:
    with suppress(OSError):
        # The name, which comes before these, may itself hold blanks and brackets.
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return []


def descendants(number: int) -> set[Seen]:
    """Return all processes that a process started, and those that they started."""
    parents = {
        int(entry.name): int(fields[1])
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and (fields := _fields(int(entry.name)))
    }
    found, new = set(), {number}
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found |= new
    return {Seen(child, _state(child)[1]) for child in found}


def waited_for(condition: Callable[[], Any]) -> Any:
    """Return the first value of `condition` that is true; it has to come some day."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(PAUSE)
    return value


def have_ended(processes: Iterable[Seen]) -> bool:
    """Wait until none of the processes is left."""
    return bool(waited_for(lambda: not [process for process in processes if process.is_alive]))


@dataclass(frozen=True)
class Program:
    """A program that runs, and the files that its output goes to."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def output(self) -> str:
        return (self.folder / "stdout").read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return (self.folder / "stderr").read_text(encoding="utf-8")

    @property
    def is_stopped(self) -> bool:
        assert self.process.poll() is None, f"it ended early: {self.output}{self.errors}"
        return _state(self.process.pid)[0] == "T"

    def end(self, by: int = signal.SIGKILL) -> None:
        """End it together with what it started."""
        below = descendants(self.process.pid)
        self.process.send_signal(by)
        self.process.wait(PATIENCE)
        for process in below:
            if process.is_alive:
                with suppress(ProcessLookupError):
                    os.kill(process.number, signal.SIGKILL)


@contextmanager
def running(folder: Path, *command: str, **environment: str) -> Iterator[Program]:
    """Run a Python program, in a process group of its own, until the end of the block.

    Parameters
    ----------
    folder : Path
        A new one, for its output.
    *command : str
        What follows `python` on the command line.
    **environment : str
        Variables of its environment, beside this process's own.
    """
    folder.mkdir(parents=True)
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={**ENVIRONMENT, **environment},
            start_new_session=True,
        )
    program = Program(process, folder)
    try:
        yield program
    finally:
        if process.poll() is None:
            program.end()


def course_command(root: Path, *arguments: str) -> tuple[str, ...]:
    """Return what runs the `course` command, without what Python is started with."""
    return ("-m", "nbjudge.cli.commands", "--course", str(root), *arguments)


@dataclass(frozen=True)
class Point:
    """A moment of a run: before or after the n-th call of a function.

    Parameters
    ----------
    function : str
        As ``module:name``.
    after : bool
    count : int
        From 1.
    student : str
        Only calls while this student's outcome is written count; by default all.
    hot : bool
        Whether SQLite writes pages to its file before it commits, so that it needs its journal.
    together : bool
        Whether all outcomes come at the same time.
    """

    function: str
    after: bool = False
    count: int = 1
    student: str = ""
    hot: bool = False
    together: bool = False

    def __str__(self) -> str:
        who = f" for {self.student}" if self.student else ""
        hot = ", pages written" if self.hot else ""
        when = "after" if self.after else "before"
        together = ", together" if self.together else ""
        return f"{when} {self.function.partition(':')[2]} {self.count}{who}{hot}{together}"


def course_stopped_at(point: Point, root: Path, *, real: bool = False) -> tuple[str, ...]:
    """Return what runs `course autograde sums` up to a point, without what starts Python.

    Parameters
    ----------
    point : Point
    root : Path
        The course's folder.
    real : bool
        Whether real workers grade; by default it is `marked_by_text`, in the same process.
    """
    # Started as a script it would find the folder of the judge's tests before the judge.
    here = Path(__file__).parent
    script = f"import sys; sys.path[:0] = [{str(here.parent)!r}, {str(here)!r}]; "
    script += "import processes; processes.main(*sys.argv[1:])"
    return ("-c", script, json.dumps(asdict(point)), "real" if real else "", str(root))


def marked_by_text(job: Job) -> JobOutcome:
    """Give all points, but for an exercise whose answer returns 0, without any kernel."""
    outcome = marked_unseen(job)
    results = {
        name: replace(result, scores={**result.scores, "test_ex_1_1_1": 0.0})
        if b"return 0" in job.submitted.notebooks[name]
        else result
        for name, result in outcome.results.items()
    }
    return replace(outcome, results=results)


def _stop_at(point: Point) -> None:
    """Have this process stop itself at a point."""
    from importlib import import_module

    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from nbjudge.grading import batch

    module, _, name = point.function.partition(":")
    *path, last = name.split(".")
    owner: Any = import_module(module)
    for part in path:
        owner = getattr(owner, part)
    original, keep = getattr(owner, last), batch._Run._keep
    writing = calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        here = writing or not point.student
        calls += bool(here)
        stops = here and calls == point.count
        if stops and not point.after:
            os.kill(os.getpid(), signal.SIGSTOP)
        result = original(*arguments, **named)
        if stops and point.after:
            os.kill(os.getpid(), signal.SIGSTOP)
        return result

    def watched(run: Any, outcomes: Iterable[JobOutcome], *arguments: Any) -> None:
        nonlocal writing
        writing = any(outcome.student == point.student for outcome in outcomes)
        keep(run, outcomes, *arguments)
        writing = 0

    setattr(owner, last, counted)
    batch._Run._keep = watched  # type: ignore[method-assign]
    if point.hot:

        @event.listens_for(Engine, "connect")
        def spill(connection: Any, _: object) -> None:
            connection.execute("PRAGMA cache_size = 1")


def main(described: str, real: str, root: str) -> None:
    from nbjudge.cli.commands import app
    from nbjudge.grading import batch
    from nbjudge.grading.workers import preload

    point = Point(**json.loads(described))
    _stop_at(point)
    if not real:

        @contextmanager
        def staff(*_: object, **__: object) -> Iterator[AtOnce]:
            yield (Together if point.together else AtOnce)(marked_by_text)

        batch.lend_workers = staff  # type: ignore[assignment]
        preload.start = lambda plug: None  # nobody will be forked
    app(["--course", root, "autograde", "sums"])
