"""Grading a notebook with real kernels: what a cell or an answer can do to the rest."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from classroom import answered, released_course
from nbformat import NotebookNode
from processes import PATIENCE

from nbjudge.confinement.test_folder import FilesBeside
from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.course.gradebook import versions
from nbjudge.course.plug import Plug
from nbjudge.exceptions import SubmissionError
from nbjudge.fork_server import waiting_time
from nbjudge.intake.sanitise import sanitise_notebook
from nbjudge.judge import notebook_run
from nbjudge.judge.failures import NOT_RUN
from nbjudge.judge.judge_process import JudgeProcess
from nbjudge.judge.notebook_run import NotebookRun
from nbjudge.judge.notebooks import (
    RECORD,
    Graded,
    GradedNotebook,
    grade_notebook,
    handed_in,
    record,
)
from nbjudge.judge.notebooks import (
    grade as grade_file,
)
from nbjudge.release import source
from nbjudge.sandbox import bubblewrap
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import (
    CellRun,
    KernelDied,
    KernelHung,
    KernelLost,
    KernelStartError,
    Session,
)
from nbjudge.sandbox.workspace import environment

pytestmark = pytest.mark.slow

LIMITS = Limits(cell_seconds=PATIENCE, call_seconds=PATIENCE, output_bytes=2**20)
#: For what ends by no other limit.
HASTE = replace(LIMITS, cell_seconds=3, call_seconds=3)

#: What this course tells of itself, where modules of its own have to be in a kernel.
THE_COURSES = Plug(
    packages=("course_utils",), probes="course_utils.probes", variables=("COURSE_QUICK",)
)


def notebook(*sources: str) -> NotebookNode:
    """Return a notebook; a source that starts with `# test 1.1` is the test of that exercise."""
    cells = []
    for text in sources:
        cell = nbformat.v4.new_code_cell(text)  # type: ignore[no-untyped-call]
        if text.startswith("# test"):
            name = f"test_ex_{text.split()[2].replace('.', '_')}"
            cell.metadata.nbgrader = {"grade": True, "solution": False, "points": 2.0}
            cell.metadata.nbgrader["grade_id"] = name
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call, no-any-return]


def grade(*sources: str, limits: Limits = LIMITS, **settings: Any) -> Graded:
    return grade_notebook(notebook(*sources), limits=limits, **settings)


def marks(graded: Graded) -> dict[str, float]:
    return {name.removeprefix("test_ex_"): v.mark for name, v in graded.verdicts.items()}


def shown(cell: NotebookNode) -> str:
    """Return all text of a cell's outputs."""
    return " ".join(
        out.get("text") or out.get("evalue") or out.get("data", {}).get("text/plain", "")
        for out in cell.outputs
    )


FIRST = ("def double(x):\n    return 2 * x", "# test 1.1\nassert double(4) == 8, 'no double'")
LAST = ("def half(x):\n    return x / 2", "# test 1.2\nassert half(double(3)) == 3")
NEXT = ("def half(x):\n    return x / 2", "# test 1.3\nassert half(3) == 1.5")


def test_cells_run_in_the_kernel_and_tests_do_not() -> None:
    look = "import sys\nprint('In' in dir(), 'no ' 'double' in str(In), 'pytest' in sys.modules)"

    graded = grade(*FIRST, *LAST, look)

    assert marks(graded) == {"1_1": 2, "1_2": 2}
    assert shown(graded.notebook.cells[-1]) == "True False False\n"
    assert [cell.execution_count for cell in graded.notebook.cells] == [1, 2, 3, 4, 5]


def test_a_wrong_answer_gets_the_message_of_its_test() -> None:
    graded = grade("def double(x):\n    return x", FIRST[1])

    assert marks(graded) == {"1_1": 0}
    (output,) = graded.notebook.cells[1].outputs
    assert (output.output_type, output.evalue) == ("error", "✗ Exercise 1.1: no double.")
    assert output.traceback == [output.evalue]


def test_a_part_of_the_marks_is_told_as_nbgrader_reads_it() -> None:
    graded = grade("x = 1", "# test 1.1\nx * 0.5")

    kinds = [out.output_type for out in graded.notebook.cells[1].outputs]
    assert kinds == ["stream", "execute_result"]
    assert "0.5 of 2 points" in shown(graded.notebook.cells[1])
    assert graded.notebook.cells[1].outputs[1].data["text/plain"] == "0.5"


def test_switches_cost_no_right_answer_its_marks_and_stay_where_they_were() -> None:
    layer = "def layer(x):\n    return torch.nn.Linear(2, 1)(x)"
    graded = grade(
        "import random, signal, numpy as np, torch\nrandom.seed(3)\n"
        "torch.set_default_dtype(torch.float64)\n"
        "torch.set_grad_enabled(False)\n"
        f"{layer}",
        "# test 1.1\nimport torch\nassert layer(torch.ones(3, 2)).shape == (3, 1)",
        # Right in Jupyter thanks to a switch.
        "def plain(x):\n    return x * torch.ones(1, requires_grad=True)",
        "# test 1.2\nimport torch\nassert not plain(torch.ones(1)).requires_grad",
        # Wrong either way.
        "def one():\n    return torch.zeros(1)",
        "# test 1.3\nassert one() == 1, 'no one'",
        "def spoils():\n    torch.set_default_device('meta')\n    random.seed(0)\n"
        "    signal.alarm(1)\n    np.seterr(all='raise')\n    return 1",
        "# test 1.4\nassert spoils() == 1",
        "print(torch.get_default_dtype(), torch.is_grad_enabled(), torch.ones(1).device)\n"
        "print(random.random() == random.Random(3).random())\n"
        "print(signal.alarm(0), np.geterr()['over'])",
    )

    assert marks(graded) == {"1_1": 2, "1_2": 2, "1_3": 0, "1_4": 2}
    assert shown(graded.notebook.cells[-1]) == "torch.float64 False cpu\nTrue\n0 warn\n"


def test_a_cell_that_stopped_tells_why_its_answer_is_not_there() -> None:
    stops = {
        "import no_such_module": (
            "line 2",
            "ModuleNotFoundError: No module named 'no_such_module'",
        ),
        "import torch; torch.ones(1).cuda()": ("line 2", "CUDA"),
        "input('rate: ')": ("line 2", "nobody is there to type"),
        "y\u00a0= 2": ("line 2, `y\u00a0= 2`", "U+00A0"),
        "x = (1,": ("line 2", "SyntaxError"),
        "open('gone.csv')": ("line 2", "FileNotFoundError"),
        "%no_such_magic": ("cell stopped", "UsageError"),
        "y = double_of_nothing(1)": ("line 2", "name 'double_of_nothing' is not defined"),
    }
    sources = []
    for number, line in enumerate(stops):
        answer = f"x = {number}\n{line}\ndef answer_{number}():\n    return 1"
        sources += [answer, f"# test 1.{number}\nassert answer_{number}() == 1"]

    graded = grade(*sources)

    for (place, error), verdict in zip(stops.values(), graded.verdicts.values(), strict=True):
        assert verdict.mark == 0
        assert place.replace("\u00a0", " ") in verdict.reason
        assert error in verdict.reason
        assert "is not defined" in verdict.reason


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("import os\ndef double(x):\n    os._exit(3)", "the kernel died"),
        ("import os\ndef double(x):\n    os.kill(os.getpid(), 9)", "the kernel died"),
        ("def double(x):\n    while True:\n        pass", "no result came within 3 s"),
        ("import ctypes\ndef double(x):\n    ctypes.string_at(0)", "the kernel died"),
        (
            "def double(x):\n    while True:\n        print('x' * 100_000, flush=True)",
            "it wrote more than 1 MB",
        ),
    ],
)
def test_a_fatal_answer_costs_its_exercise_and_no_other(answer: str, why: str) -> None:
    limits = HASTE if "no result" in why else LIMITS

    graded = grade("base = 10", answer, FIRST[1], *NEXT, "print(base)", limits=limits)

    assert marks(graded) == {"1_1": 0, "1_3": 2}
    assert shown(graded.notebook.cells[-1]) == "10\n"
    assert graded.remarks == (f"1.1 was stopped in its test: {why}.",)
    assert why in graded.verdicts["test_ex_1_1"].reason


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("import os\nos._exit(0)", "the kernel died"),
        ("while True:\n    pass", "it ran longer than 3 s"),
        (
            "while True:\n    try:\n        while True:\n            pass\n"
            "    except KeyboardInterrupt:\n        pass",
            "could not be stopped",
        ),
        ("while True:\n    print('x' * 10_000)", "it wrote more than 10 MB"),
    ],
)
def test_a_fatal_cell_is_left_out_and_the_rest_is_graded(cell: str, why: str) -> None:
    limits = HASTE if "s" in why.split() or "stopped" in why else LIMITS

    graded = grade(*FIRST, cell, *LAST, limits=limits)

    assert marks(graded) == {"1_1": 2, "1_2": 2}
    (remark,) = graded.remarks
    assert why in remark
    assert why in shown(graded.notebook.cells[2])


ASKING = (
    "exit()",
    "quit()",
    "get_ipython().kernel.do_shutdown(True)",
    "get_ipython().ask_exit()",
    "import asyncio\nloop = asyncio.get_event_loop()\nx = loop.call_later(0.05, loop.stop)",
    "import sys\nx = loop.call_later(0.05, sys.exit)",
    "x = loop.call_later(0.05, exit)",
    "get_ipython().kernel.io_loop.stop()",
)


def test_a_cell_that_asks_the_kernel_to_end_is_named_and_nothing_is_lost() -> None:
    last = "def half(x):\n    return x / 2\nexit()"
    sources = (FIRST[0], *ASKING, FIRST[1], last, LAST[1], "raise SystemExit", "print(half(4))")

    graded, again = (grade(*sources) for _ in "12")

    asked = [*range(2, 2 + len(ASKING)), 3 + len(ASKING)]
    what = "asked the kernel to end, which was left out; all else in it counts."
    assert marks(graded) == {"1_1": 2, "1_2": 2}
    assert graded.remarks == tuple(f"Cell {number} {what}" for number in asked)
    assert [cell.execution_count for cell in graded.notebook.cells if what in shown(cell)] == asked
    assert shown(graded.notebook.cells[-1]) == "2.0\n"
    assert again.remarks == graded.remarks
    assert marks(again) == marks(graded)


#: Things that end the kernel after their cell has run, some of them while it is still waited for.
DELAYED = {
    "soon": "import os, threading\nthreading.Timer(0.2, os._exit, (1,)).start()",
    "by another process": "import os, subprocess\n"
    "x = subprocess.Popen(['sh', '-c', f'sleep 0.2; kill -9 {os.getpid()}'])",
    "by an alarm": "import signal\nx = signal.setitimer(signal.ITIMER_REAL, 0.2)",
    "late": "import os, threading\nthreading.Timer(2.6, os._exit, (1,)).start()",
    "with the next cell": "import os\n"
    "get_ipython().events.register('pre_run_cell', lambda info: os._exit(1))",
}


@pytest.mark.parametrize("when", DELAYED)
def test_what_ends_the_kernel_later_is_left_out_and_nothing_else(when: str) -> None:
    works = "import time\ntime.sleep(1)"

    graded = grade(*FIRST, DELAYED[when], works, *LAST, *NEXT)

    assert marks(graded) == {"1_1": 2, "1_2": 2, "1_3": 2}
    assert graded.remarks == ("Cell 3 did not end and was left out: the kernel died.",)


def test_an_answer_that_ends_the_kernel_soon_after_its_test_costs_its_exercise_alone() -> None:
    answer = (
        "import os, threading\ndef double(x):\n"
        "    threading.Timer(0.2, os._exit, (1,)).start()\n    return 2 * x"
    )

    graded = grade(answer, FIRST[1], *NEXT)

    assert marks(graded) == {"1_1": 0, "1_3": 2}
    assert graded.remarks == ("1.1 was stopped in its test: the kernel died.",)
    assert graded.verdicts["test_ex_1_1"].reason == "✗ Exercise 1.1: the kernel died."


def test_an_answer_that_ends_the_kernel_much_later_costs_nobody_else() -> None:
    answer = (
        "import os, threading\ndef double(x):\n"
        "    threading.Timer(2.6, os._exit, (1,)).start()\n    return 2 * x"
    )

    graded = grade(answer, FIRST[1], "import time\ntime.sleep(1)", *NEXT)

    assert marks(graded) == {"1_1": 2, "1_3": 2}
    assert graded.remarks == ("1.1 ended the kernel after its test: the kernel died.",)


def test_who_ends_the_kernel_is_blamed_though_something_else_runs() -> None:
    runs = "import threading\nstop = threading.Event()\nthreading.Thread(target=stop.wait).start()"
    ends = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)"

    graded = grade(*FIRST, runs, ends, "stop.set()", *NEXT)

    assert marks(graded) == {"1_1": 2, "1_3": 2}
    assert graded.remarks == ("Cell 4 did not end and was left out: the kernel died.",)


def test_a_kernel_that_ends_between_two_cells_is_replaced_and_nobody_is_blamed() -> None:
    answer, test = notebook(*FIRST).cells
    run = NotebookRun(FilesBeside({}), LIMITS, Plug(), JudgeProcess(LIMITS, Plug()))
    run.execute(answer)

    assert run._session is not None
    assert run._session._kernel is not None
    run._session._kernel.kill()
    verdict = run.judge_test(test, [answer])
    run.end()

    assert verdict.mark == 2
    assert run.remarks == [
        "A kernel ended between two cells (the first was cell 1), for no reason that showed again, "
        "and was replaced: nothing is lost."
    ]


def test_a_notebook_that_loses_every_kernel_ends() -> None:
    dies = "import os\ndef double(x):\n    os._exit(3)"
    tests = [f"# test 1.{n}\nassert double(4) == 8" for n in range(1, 6)]

    graded = grade(dies, *tests, limits=replace(LIMITS, new_kernels=2))

    assert set(marks(graded).values()) == {0}
    assert "lost its kernel 3 times" in graded.verdicts["test_ex_1_5"].reason


def test_a_notebook_that_runs_too_long_ends() -> None:
    graded = grade(*FIRST, *LAST, limits=replace(LIMITS, notebook_seconds=0))

    assert set(marks(graded).values()) == {0}
    assert "ran longer than 0 s" in graded.verdicts["test_ex_1_1"].reason


#: What a kernel has that nothing ends by itself.
LASTING: dict[str, Any] = {
    "is_alive": lambda: True,
    "has_lost_its_sandbox": lambda: False,
    "close": lambda: None,
    "used": None,
    "waiting_seconds": 0.0,
}


class Clock:
    """Time that passes only where something is at work, and kernels that take it."""

    def __init__(self) -> None:
        self.began = self.now = float(round(time.monotonic()))
        #: For how long each cell ran, by its text.
        self.ran: list[tuple[str, float]] = []

    def monotonic(self) -> float:
        return self.now

    def session(self, *_: Any) -> Any:
        """Return a kernel whose cells take as many seconds as they say, as far as they may."""

        def run(cell: NotebookNode, *, seconds: float, **_: Any) -> CellRun:
            takes = min(float(cell.source), seconds)
            self.now += takes
            self.ran.append((cell.source, takes))
            return CellRun("" if takes == float(cell.source) else "it ran longer than it may")

        def request(content: bytes, seconds: float) -> bytes:
            raise KernelLost(f"no result came within {seconds:.0f} s")

        return SimpleNamespace(**LASTING, run=run, request=request)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(notebook_run, "time", clock)
    monkeypatch.setattr(notebook_run, "_start_session", clock.session)
    return clock


class Fragile(Clock):
    """Kernels that a cell loses a while after it has run: "in 5" does in 5 seconds."""

    def __init__(self, loss: KernelLost) -> None:
        super().__init__()
        self.loss = loss
        self.kernels = 0

    def session(self, *_: Any) -> Any:
        """Return a kernel whose cells take as many seconds as they say, if it lives as long."""
        self.kernels += 1
        end = math.inf

        def run(cell: NotebookNode, **_: Any) -> CellRun:
            nonlocal end
            if is_late := cell.source.startswith("in "):
                end = min(end, self.now + float(cell.source.removeprefix("in ")))
            rest(0 if is_late else float(cell.source))
            self.ran.append((cell.source, self.now))
            return CellRun(left=is_late)

        def rest(seconds: float) -> None:
            self.now = min(self.now + seconds, end)
            if self.now == end:
                raise self.loss

        return SimpleNamespace(**LASTING, run=run, rest=rest)


@pytest.mark.parametrize("loss", [KernelDied("the kernel died"), KernelHung("it hangs")])
@pytest.mark.parametrize("seconds", [3, 20])
def test_only_the_cell_that_loses_a_kernel_later_is_left_out(
    loss: KernelLost, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fragile = Fragile(loss)
    monkeypatch.setattr(notebook_run, "time", fragile)
    monkeypatch.setattr(notebook_run, "_start_session", fragile.session)

    graded = grade("1", f"in {seconds}", "in 1000", "2", "10", "10", limits=Limits())

    assert graded.remarks == (f"Cell 2 did not end and was left out: {loss}.",)
    assert fragile.kernels == 3
    assert [source for source, _ in fragile.ran][-3:] == ["2", "10", "10"] or seconds == 3


def test_what_is_lost_by_itself_is_left_out_though_something_else_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fragile = Fragile(KernelDied("the kernel died"))
    monkeypatch.setattr(notebook_run, "time", fragile)
    monkeypatch.setattr(notebook_run, "_start_session", fragile.session)

    start = fragile.now

    graded = grade("in 1000", "1", "in 0", "2", limits=Limits())

    assert graded.remarks == ("Cell 3 did not end and was left out: the kernel died.",)
    assert fragile.now - start < 10


def test_the_time_of_a_notebook_is_that_of_all_its_kernels(clock: Clock) -> None:
    tests = [f"# test 1.{n}\nwhatever()" for n in range(1, 10)]

    graded = grade("5", tests[0], "3", *tests[1:], "1", limits=replace(LIMITS, notebook_seconds=25))

    assert clock.ran == [("5", 5), ("5", 5), ("3", 3), ("5", 5), ("3", 3), ("5", 4)]
    assert clock.now - clock.began == 25
    assert set(marks(graded).values()) == {0}
    assert graded.remarks[-1] == "1 cell was not run: the notebook ran longer than 25 s."
    assert "ran longer than 25 s" in graded.verdicts["test_ex_1_9"].reason
    assert not any("left out" in remark for remark in graded.remarks)


def test_a_cell_may_run_as_long_as_its_notebook_may(clock: Clock) -> None:
    graded = grade("20", "20", "20", limits=replace(LIMITS, notebook_seconds=25))

    assert clock.ran == [("20", 20), ("20", 5)]
    assert graded.remarks == (
        "Cell 2 did not end and was stopped: the notebook ran longer than 25 s.",
        "1 cell was not run: the notebook ran longer than 25 s.",
    )
    assert "was not run: the notebook ran longer than 25 s" in shown(graded.notebook.cells[2])


class Crowded(Clock):
    """A machine on which a kernel waits for a processor as long as it computes, or longer."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def session(self, *_: Any) -> Any:
        """Return a kernel that a cell "end" ends; the others take so long, and what they wait."""

        def run(cell: NotebookNode, *, seconds: float, **_: Any) -> CellRun:
            if cell.source == "end":
                raise KernelDied("the kernel died")
            takes = min(float(cell.source), seconds)
            self.now += (1 + self.factor) * takes
            kernel.waiting_seconds += self.factor * takes
            self.ran.append((cell.source, takes))
            return CellRun("" if takes == float(cell.source) else "it ran longer than it may")

        kernel = SimpleNamespace(**LASTING, run=run, rest=lambda seconds: None)
        return kernel


@pytest.mark.parametrize(
    ("factor", "last"),
    [
        (1, ("9", 9)),
        # Of the first kernel's 63 seconds 3 count, since 60 are excused in all. The second takes 63
        # for the same cell, so nothing is left for the last one.
        (20, ("3", 3)),
    ],
)
def test_what_kernels_wait_for_a_processor_is_no_time_of_the_notebook(
    monkeypatch: pytest.MonkeyPatch, factor: float, last: tuple[str, float]
) -> None:
    crowded = Crowded(factor)
    monkeypatch.setattr(notebook_run, "time", crowded)
    monkeypatch.setattr(notebook_run, "_start_session", crowded.session)
    monkeypatch.setattr(waiting_time, "LENIENCE", 2)

    grade("3", "end", "9", limits=replace(LIMITS, notebook_seconds=30))

    assert crowded.ran[-1] == last


class Busier(Clock):
    """A machine on which each new kernel takes longer for a cell than the first one did."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.kernels = 0

    def session(self, *_: Any) -> Any:
        """Return a kernel that a cell "end" ends, and whose other cells are stopped in time."""
        self.kernels += 1
        factor = self.factor if self.kernels > 1 else 1.0

        def run(cell: NotebookNode, *, times: float = 1.0, **_: Any) -> CellRun:
            if cell.source == "end":
                raise KernelDied("the kernel died")
            takes, most = factor * float(cell.source), times * LIMITS.cell_seconds
            self.now += min(takes, most)
            self.ran.append((cell.source, min(takes, most)))
            return CellRun(f"it ran longer than {most:.0f} s" if takes > most else "")

        return SimpleNamespace(**LASTING, run=run, rest=lambda seconds: None)


def test_a_machine_that_gets_busier_stops_no_cell_that_has_run_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busier = Busier(3.0)
    monkeypatch.setattr(notebook_run, "time", busier)
    monkeypatch.setattr(notebook_run, "_start_session", busier.session)
    long = str(LIMITS.cell_seconds - 1)

    graded = grade(long, "end", "0", limits=replace(LIMITS, notebook_seconds=1000))

    assert graded.remarks == ("Cell 2 did not end and was left out: the kernel died.",)
    assert busier.ran[-2:] == [(long, 3.0 * (LIMITS.cell_seconds - 1)), ("0", 0.0)]


def test_a_cell_that_is_stopped_when_it_runs_again_is_named_and_leaves_nothing_by_halves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busier = Busier(1000.0)
    monkeypatch.setattr(notebook_run, "time", busier)
    monkeypatch.setattr(notebook_run, "_start_session", busier.session)

    graded = grade("1", "end", "0", limits=replace(LIMITS, notebook_seconds=10_000))

    most = notebook_run.TIMES_LONGER * LIMITS.cell_seconds
    assert graded.remarks == (
        f"Cell 1 did not end and was left out: it ran longer than {most:.0f} s.",
        "Cell 2 did not end and was left out: the kernel died.",
    )
    assert busier.ran == [("1", 1.0), ("1", most), ("0", 0.0)]


def test_outputs_of_many_cells_are_cut_and_cost_no_mark() -> None:
    shows = "print('x' * 300_000)"

    graded = grade(*FIRST, *[shows] * 5, *LAST, "1 / 0")

    assert marks(graded) == {"1_1": 2, "1_2": 2}
    kept = [shown(cell) for cell in graded.notebook.cells if cell.source == shows]
    assert ["The rest is left out" in text for text in kept] == [False] * 3 + [True] * 2
    assert sum(map(len, kept)) < LIMITS.output_bytes
    assert graded.remarks == (
        "Outputs of 2 cells are left out: a notebook may show 1 MB, and 5000 outputs.",
    )


def test_a_display_that_is_updated_everywhere_at_once_is_counted_everywhere() -> None:
    shows = "for _ in range(100):\n    display(1, display_id='one')\n"
    updates = "from IPython.display import update_display\nupdate_display('x' * 200_000, "
    updates += "display_id='one')"

    graded = grade(*FIRST, shows + updates)

    assert marks(graded) == {"1_1": 2}
    assert len(json.dumps(graded.notebook)) < 1.1 * LIMITS.output_bytes
    assert graded.remarks[0].startswith("Outputs of 1 cell are left out")


def test_a_name_that_is_redefined_after_its_test_keeps_its_mark() -> None:
    graded = grade(*FIRST, "def double(x):\n    return 0", *NEXT, "del double")

    assert marks(graded) == {"1_1": 2, "1_3": 2}


def test_regrading_gives_the_same_to_the_last_digit() -> None:
    sources = (
        "import random\nseed = random.random()\ndef draw():\n    return seed, random.random()",
        "# test 1.1\nfrom nbjudge.seeds import generator as g\nprint(draw(), g('').random())",
    )

    first, again = (grade(*sources, seed_parts=("secret", "sums", "ada")) for _ in "12")

    assert shown(first.notebook.cells[1]) == shown(again.notebook.cells[1])
    other = grade(*sources, seed_parts=("secret", "sums", "bob"))
    assert shown(other.notebook.cells[1]) != shown(first.notebook.cells[1])


ASKS = "# test 1.1\nfrom nbjudge.seeds import generator as g\nprint(g('').random(), seen())"


@pytest.mark.parametrize(
    "later",
    [
        {"answer": "def seen():\n    return 1  # 0.1234 was asked last time"},
        {"files": {"seen.csv": b"0.1234"}},
        {"files": {"other.csv": b""}},
    ],
)
def test_another_hand_in_is_asked_other_things(later: dict[str, Any]) -> None:
    answer, files = "def seen():\n    return 1", {"seen.csv": b""}

    first, second, again = (
        grade(change.get("answer", answer), ASKS, files=change.get("files", files))
        for change in ({}, later, {})
    )

    assert shown(second.notebook.cells[1]) != shown(first.notebook.cells[1])
    assert shown(again.notebook.cells[1]) == shown(first.notebook.cells[1])


@pytest.mark.parametrize("cell", [0, 1])
def test_what_no_kernel_sees_of_a_hand_in_changes_nothing(cell: int) -> None:
    given = notebook("def seen():\n    return 1", ASKS)
    first = handed_in(given, {})
    given.cells[cell].outputs = [nbformat.v4.new_output("stream", text="0.1234")]
    given.cells[cell].id = "another"
    given.cells[cell].metadata["tags"] = ["0.1234"]
    given.cells[1].source += "  # mended"

    assert handed_in(given, {}) == first


def test_contents_of_two_hand_ins_do_not_run_into_each_other() -> None:
    a, b = b"1", b"2"
    folders = ({"ab": a + b}, {"a": b"b" + a + b}, {"a": a, "b": b}, {"a": b, "b": a}, {"ab": a})
    cells = (("ab",), ("a", "b"), ("", "ab"), ("ab", ""))

    found = [handed_in(notebook(), files) for files in folders]
    found += [handed_in(notebook(*sources), {}) for sources in cells]

    assert len(set(found)) == len(found)


def test_cells_to_skip_are_not_run_and_say_so_where_a_picture_would_be() -> None:
    graded = grade("print(1)", *FIRST, "print(1)\n", skipped=frozenset({"print(1)"}))

    for cell in (graded.notebook.cells[0], graded.notebook.cells[-1]):
        assert shown(cell) == NOT_RUN
        assert cell.execution_count is None
        assert cell.id not in graded.seconds
    assert marks(graded) == {"1_1": 2}


def test_an_answer_that_reads_like_a_cell_to_skip_is_run() -> None:
    given = notebook(*FIRST)
    given.cells[0].metadata.nbgrader = {"grade": False, "solution": True, "grade_id": "ex_1_1"}

    graded = grade_notebook(given, skipped=frozenset({FIRST[0]}), limits=LIMITS)

    assert marks(graded) == {"1_1": 2}


def test_how_long_each_cell_took_is_told() -> None:
    graded = grade("import time\ntime.sleep(0.2)", "", *FIRST)

    assert list(graded.seconds) == [cell.id for cell in graded.notebook.cells]
    assert graded.seconds[graded.notebook.cells[0].id] >= 0.2


def test_the_notebook_itself_keeps_what_was_found() -> None:
    graded = grade("import os\nos._exit(0)", *FIRST)

    kept = record(graded.notebook, graded).metadata[RECORD]

    assert kept["remarks"] == list(graded.remarks)
    assert kept["verdicts"]["test_ex_1_1"]["mark"] == 2
    assert kept["seconds"].keys() == graded.seconds.keys()


def test_the_notebook_that_was_given_is_not_changed() -> None:
    given = notebook(*FIRST)
    before = nbformat.writes(given)  # type: ignore[no-untyped-call]

    grade_notebook(given, limits=LIMITS)

    assert nbformat.writes(given) == before  # type: ignore[no-untyped-call]


def test_outputs_that_are_none_of_jupyters_are_dropped() -> None:
    forges = (
        "from ipykernel.kernelapp import IPKernelApp\nkernel = get_ipython().kernel\n"
        "def send(kind, content):\n"
        "    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())\n"
        "send('stream', {'name': 'stdout', 'text': {'a': 1}})\n"
        "send('display_data', {'data': 7, 'metadata': []})\n"
        "send('comm_open', {'target_name': 'jupyter.widget', 'data': 3})\n"
        "print('still here')"
    )

    graded = grade(forges, *FIRST)

    assert marks(graded) == {"1_1": 2}
    nbformat.validate(graded.notebook)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    started = Session(Limits(), {"data/points.csv": b"1,2\n"}, THE_COURSES)
    yield started
    started.close()


@pytest.fixture
def says(session: Session) -> Any:
    """Return a function that runs code in the kernel and returns what it prints."""

    def run(code: str) -> str:
        (cell,) = notebook(code).cells
        session.run(cell)
        return shown(cell).strip()

    return run


def test_the_working_folder_holds_the_data_files_and_nothing_else(says: Any) -> None:
    listed = "import os\nprint([os.path.join(f, n) for f, _, ns in os.walk('.') for n in ns])"

    assert says(listed) == "['./data/points.csv']"


@pytest.mark.parametrize(
    "name",
    [
        *("course_utils.reference", "course_utils.reference.mlp", "nbjudge.judge"),
        *(
            "nbjudge.judge.judge",
            "nbjudge.grading",
            "nbjudge.course.secret",
            "nbjudge.cli.commands",
        ),
    ],
)
def test_what_is_the_courses_cannot_be_imported(says: Any, name: str) -> None:
    assert "No module named" in says(f"import {name}")


def test_the_students_modules_can_be_imported(says: Any) -> None:
    code = (
        "from course_utils import data, plots, probes\nfrom nbjudge import checks\n"
        "print(checks.__name__, probes.__name__)"
    )

    assert says(code) == "nbjudge.checks course_utils.probes"


def test_nothing_names_the_course(says: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import course_utils

    root = Path(course_utils.__file__).parents[1]
    named = (
        "import os, sys\n"
        "told = [*os.environ.values(), *sys.argv, os.getcwd(), *sys.path]\n"
        f"print([t for t in told if t.rstrip('/') == {str(root)!r} or 'gradebook' in t])"
    )

    assert says(named) == "[]"
    monkeypatch.setenv("COURSE_SECRET", "top secret")
    given = environment(THE_COURSES, "/home/student")
    assert "top secret" not in given.values()
    assert not given.keys() & {"USER", "PYTHONPATH", "VIRTUAL_ENV", "JPY_API_TOKEN"}


def test_a_file_beside_the_notebook_stands_for_no_module() -> None:
    session = Session(LIMITS, {"numpy.py": b"raise SystemExit"})
    (cell,) = notebook("import numpy\nprint(numpy.__name__, numpy.pi)").cells
    session.run(cell)
    session.close()

    assert "3.14159" in shown(cell)


# ---- The public door: bytes in, bytes out --------------------------------------------------------

INGREDIENTS = ("secret", "sums", "ada")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("grading") / "course")


@pytest.fixture(scope="module")
def version(course: Course) -> NotebookVersion:
    return versions(course, "sums")["sums"]


@pytest.fixture
def right(course: Course) -> NotebookNode:
    """Return the released notebook with all answers right."""
    return answered(course)


def content(of: NotebookNode) -> bytes:
    return nbformat.writes(of).encode()  # type: ignore[no-untyped-call, no-any-return]


def cells_of(result: GradedNotebook) -> dict[str, NotebookNode]:
    found = nbformat.reads(result.notebook.decode(), as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(found)
    return {cell.id: cell for cell in found.cells}


def contents(result: GradedNotebook) -> list[tuple[str, str, object]]:
    """Return what stands in the cells, but for the times at which they ran."""
    return [(name, cell.source, cell.get("outputs")) for name, cell in cells_of(result).items()]


def found_by(result: GradedNotebook) -> dict[str, tuple[float, str, str]]:
    """Return what each test found, but for the time that it took."""
    return {name: (v.mark, v.reason, v.printed) for name, v in result.verdicts.items()}


def test_a_notebook_is_graded_from_its_bytes(right: NotebookNode, version: NotebookVersion) -> None:
    result = grade_file(content(right), version)

    assert result.scores == {"test_ex_1_1_1": 2, "test_ex_1_1_2": 3, "ex_1_1_3": None}
    assert {name: verdict.mark for name, verdict in result.verdicts.items()} == {
        "test_ex_1_1_1": 2,
        "test_ex_1_1_2": 3,
    }
    assert (result.unanswered, result.problems, result.notes, result.remarks) == ((), (), (), ())
    assert not result.is_faulty
    assert cells_of(result)["test_ex_1_1_1"].execution_count


def test_an_untouched_release_gets_nothing_and_its_answers_are_told(
    course: Course, version: NotebookVersion
) -> None:
    released = (course.root / "release" / "sums" / "sums.ipynb").read_bytes()

    result = grade_file(released, version)

    assert result.scores == {"test_ex_1_1_1": 0, "test_ex_1_1_2": 0, "ex_1_1_3": 0}
    assert result.unanswered == ("ex_1_1_1", "ex_1_1_2", "ex_1_1_3")


def test_a_sanitised_or_a_graded_notebook_gets_the_same_marks_again(
    course: Course, version: NotebookVersion
) -> None:
    raw = content(answered(course, ex_1_1_1="def total(numbers):\n    return 6"))
    first = grade_file(raw, version, seed_parts=INGREDIENTS)

    for again in (content(sanitise_notebook(raw, version).notebook), first.notebook):
        result = grade_file(again, version, seed_parts=INGREDIENTS)
        assert (result.scores, found_by(result)) == (first.scores, found_by(first))
        assert contents(result) == contents(first)
    assert first.verdicts["test_ex_1_1_1"].reason == ("✗ Exercise 1.1.1: the sum of nothing is 0.")


def test_the_same_bytes_get_the_same_marks_and_reasons_and_other_inputs_others(
    right: NotebookNode, version: NotebookVersion
) -> None:
    draws = "import random\ndef total(numbers):\n    return random.random()"
    test = (
        "# Check 1.1.1\nfrom nbjudge.seeds import generator\n"
        "print(total([]), generator('').random())\nassert total([]) > 2, str(total([]))"
    )
    random = replace(
        version,
        cells=tuple(
            replace(cell, source=test) if cell.grade_id == "test_ex_1_1_1" else cell
            for cell in version.cells
        ),
    )
    source.by_grade_id(right)["ex_1_1_1"].source = draws

    first, again, other = (
        grade_file(content(right), random, seed_parts=("secret", "sums", student))
        for student in ("ada", "ada", "bob")
    )

    assert (again.scores, found_by(again)) == (first.scores, found_by(first))
    assert first.verdicts["test_ex_1_1_1"].printed != other.verdicts["test_ex_1_1_1"].printed


@pytest.mark.parametrize(
    "path",
    [
        *("../beside.csv", "data/../../beside.csv", "/etc/beside.csv", "..", "data/.."),
        *("..\\beside.csv", "data\\beside.csv", "C:\\beside.csv", "", ".", "a\0b"),
    ],
)
def test_a_data_file_that_would_lie_elsewhere_is_refused(
    right: NotebookNode, version: NotebookVersion, path: str
) -> None:
    with pytest.raises(ValueError, match="has to lie beside its notebook"):
        grade_file(content(right), version, files={path: b"1,2"})


def test_data_files_lie_beside_the_notebook(course: Course, version: NotebookVersion) -> None:
    reads = (
        "from pathlib import Path\n"
        "print(Path('data/a b.csv').read_bytes(), Path('é.csv').read_text())\n"
    )
    files = {"data/a b.csv": b"\xff", "é.csv": b"1,2"}

    result = grade_file(content(answered(course, ex_1_1_1=reads)), version, files=files)

    assert shown(cells_of(result)["ex_1_1_1"]) == "b'\\xff' 1,2\n"


BARS = "3 ###\n5 ##########\n"


@pytest.mark.parametrize(
    ("tags", "text", "run_all", "expected"),
    [
        (["display"], "", False, NOT_RUN),
        ([], "", False, NOT_RUN),  # removing the tag does not run it
        (["display"], "", True, BARS),
        (["display"], "print('of my own')", False, "of my own\n"),
        ([], "print('of my own')", False, "of my own\n"),
    ],
)
def test_a_cell_for_display_is_told_by_the_courses_text_and_never_by_a_tag(
    right: NotebookNode,
    version: NotebookVersion,
    tags: list[str],
    text: str,
    run_all: bool,
    expected: str,
) -> None:
    (bars,) = (cell for cell in right.cells if cell.id == "bars")
    bars.metadata.tags = tags
    bars.source = text or bars.source

    result = grade_file(content(right), version, run_all=run_all)

    assert shown(cells_of(result)["bars"]) == expected
    assert result.scores["test_ex_1_1_1"] == 2


def test_a_students_tag_keeps_no_cell_from_running(
    right: NotebookNode, version: NotebookVersion
) -> None:
    for cell in right.cells:
        cell.metadata.tags = ["display", "skip-execution"]

    result = grade_file(content(right), version)

    found = cells_of(result)
    assert result.scores == {"test_ex_1_1_1": 2, "test_ex_1_1_2": 3, "ex_1_1_3": None}
    assert [name for name, cell in found.items() if shown_as_not_run(cell)] == ["bars"]


def shown_as_not_run(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and shown(cell) == NOT_RUN


def test_how_long_each_cell_took_stands_in_the_notebook(
    right: NotebookNode, version: NotebookVersion
) -> None:
    result = grade_file(content(right), version)

    kept = json.loads(result.notebook)["metadata"][RECORD]["seconds"]
    ran = {name for name, cell in cells_of(result).items() if cell.get("execution_count")}
    assert kept.keys() == result.seconds.keys() == ran
    assert kept == pytest.approx(dict(result.seconds), abs=1e-4)


def test_long_outputs_are_shortened_as_the_limits_say(
    course: Course, version: NotebookVersion
) -> None:
    prints = "for number in range(100):\n    print(number)"

    result = grade_file(
        content(answered(course, ex_1_1_1=prints)), version, limits=Limits(output_lines=10)
    )

    assert len(shown(cells_of(result)["ex_1_1_1"]).splitlines()) < 20


def test_a_test_at_fault_gives_no_mark(right: NotebookNode, version: NotebookVersion) -> None:
    faulty = tuple(
        replace(cell, source="7 * total([1])") if cell.grade_id == "test_ex_1_1_1" else cell
        for cell in version.cells
    )

    result = grade_file(content(right), replace(version, cells=faulty))

    assert result.is_faulty
    assert result.scores["test_ex_1_1_1"] is None
    assert result.scores["test_ex_1_1_2"] == 3


def test_what_is_no_notebook_is_no_result(version: NotebookVersion) -> None:
    with pytest.raises(SubmissionError, match="is empty"):
        grade_file(b"", version)


def test_a_sandbox_that_is_required_and_missing_is_refused(
    right: NotebookNode, version: NotebookVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "problem", lambda: "There are no walls here.")

    with pytest.raises(KernelStartError, match="There are no walls here"):
        grade_file(content(right), version, limits=Limits(require_sandbox=True))


WRONG = "def double(x):\n    return 3 * x"
RANDOM = "# test 1.1\nimport random\nassert double(random.randint(1, 9**9)) == 0, 'no double'"


def behaviours(graded: Graded) -> list[str]:
    return [verdict.behaviour for verdict in graded.verdicts.values()]


def test_answers_that_make_the_same_mistake_are_known_by_what_they_do() -> None:
    one = grade(WRONG, RANDOM, seed_parts=("ada",))
    other = grade("def double(x):\n    return x + x + x", RANDOM, seed_parts=("bea",))
    third = grade("def double(x):\n    return 4 * x", RANDOM, seed_parts=("ada",))

    assert behaviours(one) == behaviours(other) != [""]
    assert behaviours(third) not in ([""], behaviours(one))


def test_what_an_answer_does_is_asked_of_the_answer_that_was_tested() -> None:
    alone = grade(WRONG, FIRST[1])
    redefined = grade(WRONG, FIRST[1], "def double(x):\n    return 'another exercise'")

    assert behaviours(redefined) == behaviours(alone) != [""]


def test_asking_what_an_answer_does_costs_no_mark() -> None:
    # Called more often than by its test it ends its kernel, and spoils what the next test reads.
    fragile = (
        "import os\ncalls = []\ndef double(x):\n    calls.append(x)\n"
        "    if len(calls) > 1:\n        os._exit(1)\n    return x"
    )
    after = ("def half(x):\n    return len(calls)", "# test 1.2\nassert half(1) == 1")

    graded = grade(fragile, FIRST[1], *after)

    assert marks(graded) == {"1_1": 0, "1_2": 2}
    assert graded.remarks == ()
    assert behaviours(graded) == ["", ""]
