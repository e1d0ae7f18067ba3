"""Measure what grading a class costs, beside nbgrader alone and beside the bare computation.

    python benchmarks/batch.py [--only PART ...] [--submissions 100] [--stock 4] [--rounds 3]
                               [--large 1000] [--small 50] [--graded 10000] [--reported 500]
                               [--pages 20] [--json FILE]

Parts: `optimisers` and `loss_functions` grade an honest class, in which everybody has the right
answers; `large` compares a large class with a small one; `regrade` runs again over a class that is
graded already, `report` reports on one, `feedback` writes its pages, and `release` releases what
has not changed. Everything is the real command in a process of its own, from its start to its end.
What misses its target is told at the end.

What is compared takes turns in the same run: `course autograde` with as many workers as there are
processors, with one, with one that has but one processor for itself, its kernels and the
coordinator, `nbgrader autograde` alone (its own `Execute`, which runs every cell, beside
the tests), two of those at once with a gradebook each, and all cells but display cells in one warm
process, which is the least that the computation can cost. A ratio is the median of the rounds'
ratios. The marks of nbgrader and of the course have to be the same, else there is no result.

Seconds depend on how fast the machine is that day, so a target in seconds is held against what was
measured at the pace of the machine that it was set on, where nbgrader alone needs 6.9 s for an
`optimisers`. What was measured as such stands above it.

CPU time of a run is what the whole machine computed meanwhile (/proc/stat): nobody waits for the
end of the kernels, so no account of a process tree has them. Nothing else should run beside it; how
busy the machine is before is told. The course is a copy in a temporary folder, deleted afterwards.
The data are those of COURSE_DATA_DIR, or stand-ins. It needs Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from kernels import Measured, table
from rich.console import Console
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SAWarning

from nbjudge.course.course import CONFIG_NAME, Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.course.marks import SubmissionMarks
from nbjudge.grading import batch
from nbjudge.grading.graded import GradedIndex
from nbjudge.grading.jobs import Job, JobOutcome, work
from nbjudge.grading.rows import Status
from nbjudge.grading.workers.pool import processors
from nbjudge.release import source

ROOT = Path(__file__).parents[1]
COURSE = (sys.executable, "-m", "nbjudge.cli.commands")
OURS = (*COURSE, "autograde")
STOCK = (sys.executable, "-m", "nbgrader", "autograde")
#: nbgrader as it comes: no step of the course's.
STOCK_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "stock"
c.Execute.timeout = 600
"""
#: Where the student's name goes in everybody's notebook.
SIGNATURE = "<!-- handed in by NOBODY -->"
TICK = 0.05
#: Times that a warm process runs all cells, after the first time, which does not count.
PASSES = 3
#: Seconds after which a second run cannot be one that finds everything graded.
PATIENCE = 600
#: Share of the machine that others may use before it is told.
QUIET = 0.05
#: Settings of threads: each command is to run as it would for anybody.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
#: Seconds of an `optimisers` by nbgrader alone on the machine that targets in seconds are for.
PACE = 6.9
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Targets:
    """What a class's figures are held against; None is held against nothing."""

    stock: float
    two_stock: float | None = None
    first: float | None = None
    workers: float | None = None
    processors: float | None = None
    cpu: float | None = None
    coordinator: float | None = None


TARGETS = {
    "optimisers": Targets(
        60, two_stock=30, first=3.5, workers=1.8, processors=1.8, cpu=1.8, coordinator=8
    ),
    "loss_functions": Targets(40, cpu=1.8),
}


@dataclass(frozen=True)
class Run:
    """What one command, or some at the same time, took.

    Parameters
    ----------
    seconds : float
        From the start to the end of the last.
    begun : float
        When, in seconds of the clock that files are stamped with.
    cpu : float
        Seconds that the machine computed meanwhile.
    own_cpu : float
        Of these, seconds of the commands' own first processes: the coordinator.
    own_memory : float
        The most that one of them had in memory, in MB.
    said : str
        What the first one printed.
    """

    seconds: float
    begun: float
    cpu: float
    own_cpu: float
    own_memory: float
    said: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given again")
    parser.add_argument("--submissions", type=int, default=100, help="in an honest class")
    parser.add_argument("--stock", type=int, default=4, help="of these, for nbgrader alone")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--large", type=int, default=1000, help="submissions of a large class")
    parser.add_argument("--small", type=int, default=50, help="of a small one")
    parser.add_argument("--graded", type=int, default=10_000, help="that are graded already")
    parser.add_argument("--reported", type=int, default=500, help="of whom a report is written")
    parser.add_argument("--pages", type=int, default=20, help="of feedback that are written")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    if sys.platform != "linux":
        raise SystemExit("CPU and memory are read from /proc, which needs Linux.")
    os.environ["COURSE_QUICK"] = "1"
    os.environ.setdefault("COURSE_OFFLINE", "1")
    if data := os.environ.get("COURSE_DATA_DIR"):
        os.environ["COURSE_DATA_DIR"] = str(Path(data).resolve())
    console, errors = Console(), Console(stderr=True, highlight=False)
    if (busy := business()) > QUIET:
        errors.print(f"Others use {busy:.0%} of this machine: CPU times will be too high.")
    measured: list[Measured] = []
    for name in options.only or PARTS:
        with TemporaryDirectory(prefix="course-benchmark-") as folder:
            for line in PARTS[name](Path(folder), options):
                measured.append(replace(line, what=f"{name}: {line.what}"))
                errors.print(f"{name}: {line.what}: {line.value:.4g} {line.unit}", markup=False)
    console.print(table(measured))
    for line in measured:
        if not line.is_met:
            wanted = f"{line.target:g} {line.unit} {'at least' if line.at_least else 'at most'}"
            errors.print(f"Missed: {line.what}: {line.value:.3g}, {wanted}", markup=False)
    if options.json:
        text = json.dumps([asdict(line) for line in measured], indent=2)
        options.json.write_text(text + "\n", encoding="utf-8", newline="\n")


# ---- Classes ---------------------------------------------------------------------------------


def released(root: Path, assignment: str) -> Course:
    """Make a copy of the course in which an assignment is released, and nobody has handed in.

    As instructors do it: the solution has been tried, and what that found is kept.
    """
    shutil.copytree(ROOT / "source" / assignment, root / "source" / assignment)
    shutil.copy(ROOT / CONFIG_NAME, root)
    course = Course(root)
    shutil.copy(ROOT / course.plug.readme, root / course.plug.readme)
    run(((*COURSE, "release", assignment), root))
    return course


def hand_in(course: Course, assignment: str, count: int) -> None:
    """Have students hand in the right answers, each with their name in a comment."""
    texts = {}
    for path in sorted((course.root / "release" / assignment).glob("*.ipynb")):
        original = course.root / "source" / assignment / path.name
        notebook = source.answer(source.read_source(path), source.read_source(original))
        prose = next(
            cell
            for cell in notebook.cells
            if cell.cell_type == "markdown" and source.grade_id(cell) is None
        )
        prose.source += f"\n\n{SIGNATURE}"
        texts[path.name] = source.notebook_text(notebook)
    for number in range(count):
        student = f"student-{number:05}"
        folder = course.root / "submitted" / student / assignment
        folder.mkdir(parents=True)
        for name, text in texts.items():
            signed = text.replace(SIGNATURE, SIGNATURE.replace("NOBODY", student))
            folder.joinpath(name).write_text(signed, encoding="utf-8")


def fresh(course: Course, root: Path, config: str = "", students: int | None = None) -> Course:
    """Copy a course that is not graded, with another configuration or fewer students if wanted."""
    if root.exists():
        shutil.rmtree(root)
    submitted = course.root / "submitted"
    shutil.copytree(course.root, root, ignore=lambda at, names: {"submitted"} & {*names})
    for folder in sorted(submitted.iterdir())[:students]:
        shutil.copytree(folder, root / "submitted" / folder.name)
    if config:
        (root / CONFIG_NAME).write_text(config, encoding="utf-8")
    return Course(root)


# ---- Commands --------------------------------------------------------------------------------


def run(*commands: tuple[Sequence[str], Path], limit: float | None = None) -> Run:
    """Run commands at the same time, each in a folder, and account for them.

    Raises
    ------
    SystemExit
        If one fails, or takes longer than `limit` seconds.
    """
    environment = {name: text for name, text in os.environ.items() if name not in THREADS}
    with contextlib.ExitStack() as stack:
        outputs = [stack.enter_context((at / ".said").open("w+")) for _, at in commands]
        cpu, begun, start = machine_cpu(), time.time(), time.perf_counter()
        started = [
            subprocess.Popen(
                command,
                cwd=at,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            for (command, at), output in zip(commands, outputs, strict=True)
        ]
        for process in started:
            stack.callback(end, process)
        memory, own_cpu = 0.0, 0.0
        running = {process.pid for process in started}
        while running:
            for pid in tuple(running):
                memory = max(memory, peak_memory(pid))
                # It has ended, and nobody has waited for it: its account is still there.
                if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    own_cpu += process_cpu(pid)
                    running.discard(pid)
            if limit is not None and time.perf_counter() - start > limit:
                raise SystemExit(f"{' '.join(commands[0][0])} took longer than {limit:g} s.")
            time.sleep(TICK)
        seconds = time.perf_counter() - start
        cpu = machine_cpu() - cpu
        said = []
        for process, output, (command, _) in zip(started, outputs, commands, strict=True):
            output.seek(0)
            said.append(output.read())
            if process.wait():
                raise SystemExit(f"{' '.join(command)} failed:\n{said[-1][-2000:]}")
    return Run(seconds, begun, cpu, own_cpu, memory, said[0])


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command, and what it started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def machine_cpu() -> float:
    """Return the seconds that all processors have computed, for whomever."""
    (user, nice, system, _idle, _waiting, *interrupts) = (
        int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / TICKS_PER_SECOND


def business() -> float:
    """Return the share of the machine that is in use."""
    before, seconds = machine_cpu(), 2.0
    time.sleep(seconds)
    return (machine_cpu() - before) / seconds / (os.cpu_count() or 1)


def process_cpu(pid: int) -> float:
    """Return the seconds that a process has computed, without those that it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def peak_memory(pid: int) -> float:
    """Return the most memory that a process has had so far, in MB; 0 when it has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def marked(course: Course, assignment: str) -> list[float]:
    """Return when each submission was done: its entry is written as soon as its marks are."""
    return sorted(GradedIndex(course, assignment).times().values())


# ---- An honest class -------------------------------------------------------------------------


def honest(
    folder: Path, options: argparse.Namespace, *, assignment: str, targets: Targets
) -> Iterator[Measured]:
    """Measure the grading of a class in which all answers are right."""
    count, sample = options.submissions, min(options.stock, options.submissions)
    course = released(folder / "course", assignment)
    hand_in(course, assignment, count)
    place, rounds = folder / "work", []
    # Processes that grade, by what their runs are called.
    crews = {"ours": processors(), "one": 1, "two": 2}
    if crews["ours"] in (1, 2):
        del crews["one" if crews["ours"] == 1 else "two"]
    for _ in range(options.rounds):
        took = _Round()
        took.stock, expected = by_nbgrader(course, folder / "stock0", assignment, sample)
        for name, workers in crews.items():
            ours = fresh(course, place)
            chosen = () if name == "ours" else ("--workers", str(workers))
            took.runs[workers] = run(((*OURS, assignment, *chosen), ours.root))
            if name == "ours":
                took.first = marked(ours, assignment)[0] - took.runs[workers].begun
            require_same(ours, assignment, count, expected)
        confined = ("taskset", "--cpu-list", str(min(os.sched_getaffinity(0))))
        ours = fresh(course, place)
        took.confined = run(((*confined, *OURS, assignment), ours.root)).seconds
        require_same(ours, assignment, count, expected)
        both = [fresh(course, folder / f"stock{i}", STOCK_CONFIG, sample) for i in range(2)]
        commands = [((*STOCK, assignment), each.root) for each in both]
        took.two_stock = run(*commands).seconds / (2 * sample)
        took.least = least_cpu(assignment)
        rounds.append(took)

    def median(value: Callable[[_Round], float]) -> float:
        return float(statistics.median(map(value, rounds)))

    here = processors()

    def each(took: _Round) -> float:
        return took.runs[here].seconds / count

    yield Measured("submissions a minute", 60 / median(each), "")
    yield Measured("  with one worker", 60 * count / median(lambda r: r.runs[1].seconds), "")
    yield Measured("  nbgrader alone", 60 / median(lambda r: r.stock), "")
    yield Measured("  two of nbgrader at once", 60 / median(lambda r: r.two_stock), "")
    ratio = median(lambda r: r.stock / each(r))
    yield Measured("times as fast as nbgrader alone", ratio, "×", targets.stock, True)
    ratio = median(lambda r: r.two_stock / each(r))
    yield Measured("times as fast as two at once", ratio, "×", targets.two_stock, True)
    ratio = median(lambda r: r.runs[1].seconds / r.runs[2].seconds)
    yield Measured("two workers, times as fast as one", ratio, "×", targets.workers, True)
    ratio = median(lambda r: r.confined / r.runs[2].seconds)
    what = "two workers on two processors, as one on one"
    yield Measured(what, ratio, "×", targets.processors, True)
    yield Measured("the first mark, from the start", median(lambda r: r.first), "s")
    seconds = median(lambda r: r.first * PACE / r.stock)
    if targets.first is not None:
        yield Measured("  at the pace of the target", seconds, "s", targets.first)
    yield Measured("CPU of a submission", median(lambda r: r.runs[here].cpu) / count, "s")
    yield Measured("  of its cells in one warm process", median(lambda r: r.least), "s")
    ratio = median(lambda r: r.runs[here].cpu / count / r.least)
    yield Measured("  how many times as much", ratio, "×", targets.cpu)
    own = 1000 * median(lambda r: r.runs[here].own_cpu) / count
    yield Measured("  of the coordinator, its start too", own, "ms")
    own = 1000 * median(lambda r: r.runs[here].own_cpu / count * PACE / r.stock)
    if targets.coordinator is not None:
        yield Measured("    at the pace of the target", own, "ms", targets.coordinator)


@dataclass
class _Round:
    """What everything took once: runs by workers, seconds of nbgrader's submissions, and CPU.

    Of the run with one processor only its seconds are kept.
    """

    runs: dict[int, Run] = field(default_factory=dict)
    confined: float = 0.0
    first: float = 0.0
    stock: float = 0.0
    two_stock: float = 0.0
    least: float = 0.0


def by_nbgrader(
    course: Course, root: Path, assignment: str, count: int
) -> tuple[float, list[SubmissionMarks]]:
    """Grade some of a class by nbgrader alone: return the seconds of each, and the marks."""
    stock = fresh(course, root, STOCK_CONFIG, count)
    seconds = run(((*STOCK, assignment), stock.root)).seconds / count
    return seconds, marks_of_class(stock, assignment)


def require_same(
    ours: Course, assignment: str, count: int, stock: Iterable[SubmissionMarks]
) -> None:
    """Stop unless all of a class are graded, with the marks that nbgrader gave to these students.

    Everybody has the same answers, so all others have to have the same marks, too.
    """
    found = {each.student: each for each in marks_of_class(ours, assignment)}
    if len(found) != count:
        raise SystemExit(f"{len(found)} of {count} submissions were graded.")
    expected: Mapping[str, SubmissionMarks] = {each.student: each for each in stock}
    for student, theirs in expected.items():
        if student not in found or found[student].marks != theirs.marks:
            raise SystemExit(
                f"The marks of {student} differ.\nnbgrader: {theirs}\nours: {found.get(student)}"
            )
    of_one = next(iter(expected.values())).marks
    for each in found.values():
        if each.marks != of_one:
            raise SystemExit(f"The same answers got other marks from {each.student}: {each}")


def least_cpu(assignment: str) -> float:
    """Return the CPU seconds of an assignment's cells, display cells apart, in a warm process."""
    one_thread = dict.fromkeys(THREADS, "1")
    with (
        patch.dict(os.environ, {**one_thread, "MPLBACKEND": "agg"}),
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
    ):
        return executor.submit(_least_cpu, assignment).result()


def _least_cpu(assignment: str) -> float:
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib import pyplot

    torch.set_num_threads(1)
    shell = InteractiveShell.instance()
    notebooks = [
        [
            cell.source
            for cell in source.read_source(path).cells
            if cell.cell_type == "code" and "display" not in cell.metadata.get("tags", ())
        ]
        for path in sorted((ROOT / "source" / assignment).glob("*.ipynb"))
    ]
    taken: list[float] = []
    for _ in range(PASSES + 1):
        before = time.process_time()
        for cells in notebooks:
            shell.reset(new_session=True)
            with contextlib.redirect_stdout(io.StringIO()):
                for cell in cells:
                    shell.run_cell(cell, store_history=True).raise_error()
        taken.append(time.process_time() - before)
        pyplot.close("all")
    return statistics.median(taken[1:])


# ---- A large class, and one that is graded ---------------------------------------------------


def large(folder: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """Compare a large class with a small one, which is graded before it and after it."""
    assignment, sizes = "optimisers", (options.small, options.large)
    course = released(folder / "course", assignment)
    hand_in(course, assignment, max(sizes))
    runs: dict[int, list[Run]] = {size: [] for size in sizes}
    paces: dict[int, list[float]] = {size: [] for size in sizes}
    for size in (options.small, *(options.large, options.small) * options.rounds):
        here = fresh(course, folder / "work", students=size)
        runs[size].append(run(((*OURS, assignment), here.root)))
        done = marked(here, assignment)
        if len(done) != size:
            raise SystemExit(f"{len(done)} of {size} submissions were graded.")
        # The start is no part of it: it would make a small class look slow.
        paces[size].append((done[-1] - done[0]) / max(1, size - 1))
    small, big = (statistics.median(paces[size]) for size in sizes)
    yield Measured(f"a submission of {options.small}, after the first", small, "s")
    yield Measured(f"a submission of {options.large}, after the first", big, "s")
    yield Measured("  how many times as much", big / small, "×", 1.1)
    for size in sizes:
        peak = max(each.own_memory for each in runs[size])
        yield Measured(f"memory of the coordinator, {size}", peak, "MB", 500)
    own = [statistics.median(each.own_cpu for each in runs[size]) for size in sizes]
    further = 1000 * (own[1] - own[0]) / max(1, options.large - options.small)
    yield Measured("CPU of the coordinator for one more", further, "ms", 8)


class Everybody:
    """A crew that grades one submission, and gives its results to all."""

    workers = 1
    _outcome: JobOutcome | None = None

    def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
        """Yield what becomes of each job: the same."""
        for job in jobs:
            self._outcome = self._outcome or work(job)
            yield [replace(self._outcome, student=job.student)]


def graded(root: Path, assignment: str, count: int) -> Course:
    """Make a course with a class that is graded: everybody has the results of one submission."""
    course = released(root, assignment)
    hand_in(course, assignment, count)
    with unhurried_disk(), warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's, about itself
        rows = batch.grade_assignment(course, assignment, get_pool=Everybody)
    if not all(row.status is Status.GRADED for row in rows):
        raise SystemExit("The class that was to be graded is not.")
    return course


def regrade(folder: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure how soon it is clear that there is nothing to do."""
    assignment = "optimisers"
    course = graded(folder / "course", assignment, options.graded)
    ungraded = released(folder / "ungraded", assignment)
    hand_in(ungraded, assignment, options.stock)
    taken, paces = [], []
    for _ in range(options.rounds):
        stock, _marks = by_nbgrader(ungraded, folder / "stock", assignment, options.stock)
        paces.append(PACE / stock)
        again = run(((*OURS, assignment), course.root), limit=PATIENCE)
        if f"{assignment}: 0 graded now" not in again.said:
            raise SystemExit(f"Something was graded again:\n{again.said[-2000:]}")
        taken.append(again)
    seconds = statistics.median(each.seconds for each in taken)
    yield Measured(f"a second run over {options.graded}", seconds, "s")
    seconds = statistics.median(
        each.seconds * pace for each, pace in zip(taken, paces, strict=True)
    )
    yield Measured("  at the pace of the target", seconds, "s", 1.5)
    yield Measured("  its memory", max(each.own_memory for each in taken), "MB")


def report(folder: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure how long the report on a class takes, from the start of the command to its end."""
    assignment = "optimisers"
    course = graded(folder / "course", assignment, options.reported)
    taken = [
        run(((*COURSE, "report", assignment), course.root), limit=PATIENCE)
        for _ in range(options.rounds)
    ]
    if not (course.root / "reports" / f"{assignment}.html").is_file():
        raise SystemExit("No report was written.")
    seconds = statistics.median(each.seconds for each in taken)
    yield Measured(f"the report on {options.reported}", seconds, "s", 4)
    yield Measured("  its memory", max(each.own_memory for each in taken), "MB")


def feedback(folder: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure what another page of feedback costs: the start is no part of it."""
    assignment, few, many = "optimisers", 2, 2 + options.pages
    courses = [graded(folder / f"course{count}", assignment, count) for count in (few, many)]
    taken = []
    for _ in range(options.rounds):
        one, other = (run(((*COURSE, "feedback", assignment), each.root)) for each in courses)
        taken.append((other.seconds - one.seconds) / (many - few))
    yield Measured("a page of feedback", statistics.median(taken), "s", 0.06)


def release(folder: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure how soon it is clear that a release is as it should be; and the start, apart."""
    assignments = ("optimisers", "loss_functions")
    for assignment in assignments:
        shutil.copytree(ROOT / "source" / assignment, folder / "source" / assignment)
    for name in (CONFIG_NAME, Course(ROOT).plug.readme):
        shutil.copy(ROOT / name, folder / name)
    run(((*COURSE, "release"), folder))
    one = [run(((*COURSE, "release", assignments[0]), folder)) for _ in range(options.rounds)]
    both = [run(((*COURSE, "release"), folder)) for _ in range(options.rounds)]
    seconds, of_both = (statistics.median(each.seconds for each in runs) for runs in (one, both))
    yield Measured("a release with nothing changed, the start included", seconds, "s")
    yield Measured("  one more", max(0.0, of_both - seconds), "s", 0.5)


@contextlib.contextmanager
def unhurried_disk() -> Iterator[None]:
    """Let SQLite not wait for the disk: what is made here is not kept."""

    def hurry(connection: object, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]

    event.listen(Engine, "connect", hurry)
    try:
        yield
    finally:
        event.remove(Engine, "connect", hurry)


def optimisers(folder: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure an honest class of `optimisers`."""
    return honest(folder, options, assignment="optimisers", targets=TARGETS["optimisers"])


def loss_functions(folder: Path, options: argparse.Namespace) -> Iterator[Measured]:
    """Measure an honest class of `loss_functions`."""
    return honest(folder, options, assignment="loss_functions", targets=TARGETS["loss_functions"])


PARTS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Measured]]] = {
    "optimisers": optimisers,
    "loss_functions": loss_functions,
    "large": large,
    "regrade": regrade,
    "report": report,
    "feedback": feedback,
    "release": release,
}


if __name__ == "__main__":
    main()
