"""The process that judges: whatever a test does there costs one exercise, and nothing else."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbjudge import seeds
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.judge import judge_process
from nbjudge.judge.judge import Test, Verdict, judge
from nbjudge.judge.judge_process import JudgedTest, JudgeProcess, lend_judge
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")

LIMITS = Limits(judge_megabytes=100, exercise_bytes=2**20, requests=50)
GOOD = Test("1.1", "assert double(2) == 4", 2.0)

Exchange = Callable[[list[bytes], float], list[bytes]]


def answers(**namespace: Any) -> Exchange:
    """Return the line to a kernel that has these names; it is in this process."""
    service = Service({"double": lambda x: 2 * x, **namespace})
    return lambda request, seconds: service.answer(request)


@pytest.fixture
def process() -> Iterator[JudgeProcess]:
    with closing(JudgeProcess(LIMITS, Plug())) as process:
        yield process


def judged(process: JudgeProcess, source: str, **namespace: Any) -> JudgedTest:
    return process.judge(Test("1.1", source, 2.0), answers(**namespace))


def without_time(verdict: Verdict) -> Verdict:
    return replace(verdict, seconds=0.0)


@pytest.mark.parametrize(
    "source",
    [
        GOOD.source,
        "assert double(2) == 5, 'no double'",
        "print('held')\n0.5",
        "undefined(1)",
        "import nothing_of_this_name",
        "double(1 / 0)",
    ],
)
def test_the_verdict_is_that_of_the_judge(process: JudgeProcess, source: str) -> None:
    test = Test("1.1", source, 2.0)

    found = process.judge(test, answers())

    own = judge(test, KernelChannel(answers(), LIMITS))
    assert (without_time(found.verdict), found.stopped) == (without_time(own), "")


def test_inputs_depend_on_the_ingredients(process: JudgeProcess) -> None:
    draws = Test("1.1", "from nbjudge import seeds\nprint(seeds.number('1.1'))", 1.0)

    found = [process.judge(draws, answers(), seed_parts=(name,)) for name in ("a", "b", "a")]

    with seeds.seed_within("a"):
        assert found[0].verdict.printed == f"{seeds.number('1.1')}\n"
    assert found[0].verdict.printed == found[2].verdict.printed != found[1].verdict.printed


@pytest.mark.parametrize(
    ("hostile", "why"),
    [
        ("while double(1):\n    pass", "the test made more than"),
        ("[0] * 10 ** double(4)", "takes more memory than a test may"),
        ("import numpy\nnumpy.ones(10 ** double(4))", "takes more memory than a test may"),
        ("import torch\ntorch.ones(10 ** double(4))", "takes more memory than a test may"),
        ("for _ in range(40):\n    double(bytes(2**14))", "exchanged more than 1 MB"),
    ],
)
def test_what_a_test_cannot_stand_costs_its_exercise(
    process: JudgeProcess, hostile: str, why: str
) -> None:
    before = process.judge(GOOD, answers())

    found = judged(process, hostile)

    after = process.judge(GOOD, answers())
    assert (before.verdict.mark, found.verdict.mark, after.verdict.mark) == (2, 0, 2)
    assert why in found.stopped
    assert found.stopped in found.verdict.reason


@pytest.mark.parametrize(
    "endless", ["while True:\n    pass", "import time\ntime.sleep(60)", "sum(iter(int, 1))"]
)
def test_a_test_that_computes_without_end_is_stopped(
    endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_process, "LENIENCE", 2)
    with closing(JudgeProcess(replace(LIMITS, judge_seconds=1), Plug())) as process:
        found = judged(process, endless)

        assert found.verdict.mark == 0
        assert found.stopped == "examining what it gave took longer than 1 s"
        assert found.stopped in found.verdict.reason
        assert process._line is None  # so that the next test gets another process


def test_waiting_for_the_kernel_is_not_computing() -> None:
    clock = SimpleNamespace(now=0.0)
    exchange = answers()

    def slow(request: bytes, seconds: float) -> bytes:
        clock.now += 1000
        return exchange(request, seconds)

    with pytest.MonkeyPatch.context() as patch, closing(JudgeProcess(LIMITS, Plug())) as process:
        patch.setattr(judge_process, "time", SimpleNamespace(monotonic=lambda: clock.now))

        assert process.judge(Test("1.1", "double(1), double(2)", 1.0), slow).verdict.mark == 1


def test_a_lost_kernel_is_told_to_the_test(process: JudgeProcess) -> None:
    def lost(request: bytes, seconds: float) -> bytes:
        raise CourseError("the kernel died")

    found = process.judge(GOOD, lost)

    assert found.stopped == "the kernel died"
    assert found.verdict.lost
    assert found.verdict.reason == "✗ Exercise 1.1: the kernel died."


def test_a_process_that_ends_leaves_its_exercise_to_a_person(process: JudgeProcess) -> None:
    found = judged(process, "import os\nos._exit(0)")

    assert found.verdict.fault == "the process in which it ran ended"
    assert process.judge(GOOD, answers()).verdict.mark == 2


def test_a_process_that_ended_between_two_tests_is_replaced(process: JudgeProcess) -> None:
    process.judge(GOOD, answers())
    os.kill(process._process, 9)
    os.waitid(os.P_PID, process._process, os.WEXITED | os.WNOWAIT)

    assert process.judge(GOOD, answers()).verdict.mark == 2


def test_the_time_of_the_notebook_ends_a_test(process: JudgeProcess) -> None:
    found = process.judge(Test("1.1", "while True:\n    pass", 1.0), answers(), until=0.0)

    assert "the notebook ran longer than" in found.stopped


def test_nothing_of_the_graders_is_open_in_the_process(process: JudgeProcess) -> None:
    read, write = os.pipe()
    looks = f"import os\nfor fd in {read, write}:\n    os.fstat(fd)"

    found = judged(process, looks)

    assert "Bad file descriptor" in found.verdict.reason
    os.close(read)
    os.close(write)


def test_the_next_notebook_is_judged_by_the_same_process() -> None:
    with lend_judge(LIMITS, Plug()) as first:
        first.judge(GOOD, answers())
    with lend_judge(LIMITS, Plug()) as second:
        assert second is first
    with lend_judge(replace(LIMITS, judge_seconds=2), Plug()) as third:
        assert third is not first
    assert first._line is None  # who waits with other settings has ended


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells what computes")
def test_a_judge_that_waits_for_a_processor_is_not_stopped() -> None:
    """It is stopped while it judges, which a machine does to it that has more to do."""
    answer = answers()
    with closing(JudgeProcess(replace(LIMITS, judge_seconds=1), Plug())) as process:
        process.judge(GOOD, answer)  # so that there is a process
        resumed = threading.Thread(target=resume_later, args=(process._process,))

        def stop_and_answer(content: bytes, seconds: float) -> bytes | memoryview:
            if not resumed.ident:  # the first time
                os.kill(process._process, signal.SIGSTOP)
                resumed.start()
            return answer(content, seconds)

        found = process.judge(GOOD, stop_and_answer)
        resumed.join()

    assert (found.verdict.mark, found.stopped) == (2, "")


@pytest.mark.parametrize("how", [{}, {"compared": True}])
def test_the_time_of_the_notebook_is_told_by_the_graders_clock(
    process: JudgeProcess, how: dict[str, bool]
) -> None:
    now = time.monotonic()

    late, in_time = (
        process.judge(GOOD, answers(), until=now - 100 + left, clock=lambda: now - 100, **how)
        for left in (0, 50)
    )

    assert late.stopped == f"the notebook ran longer than {LIMITS.notebook_seconds} s"
    assert in_time.stopped == ""


def test_the_graders_clock_may_stand_while_the_answer_waits_for_a_processor(
    process: JudgeProcess,
) -> None:
    """Here it leaps instead, which shows as surely that the judge hears of it with each reply."""
    answer, now = answers(), time.monotonic()
    has_just_answered = False

    def exchange(content: bytes, seconds: float) -> bytes:
        nonlocal has_just_answered
        has_just_answered = True
        return answer(content, seconds)

    def clock() -> float:
        nonlocal has_just_answered
        ahead = 1000 if has_just_answered else 0
        has_just_answered = False
        return now + ahead

    found = process.judge(GOOD, exchange, clock=clock)

    assert found.stopped == f"it took more than {LIMITS.exercise_seconds:.0f} s altogether"


def resume_later(process: int) -> None:
    """Let a process go on that has stood still for longer than it may compute."""
    state = Path(f"/proc/{process}/stat")
    while state.read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.01)
    time.sleep(1.5)
    os.kill(process, signal.SIGCONT)
