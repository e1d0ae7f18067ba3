"""What is known of wrong answers: each loses its marks, and is named; right styles keep theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from sampling import each
from test_examine import SET_UP, send_away
from traitlets.config import Config

from course_utils import reference
from course_utils.reference.diagnosis import diagnose, is_like
from course_utils.reference.examine import EXERCISES
from course_utils.reference.examine.examination import (
    Seen,
    close,
    examination,
    is_recording,
    recording,
    true,
)
from course_utils.reference.known_answers import Known, answers_of, mistakes, solutions, styles
from nbjudge import seeds
from nbjudge.exceptions import CheckFailed, CourseError
from nbjudge.judge.judge import Test, judge
from nbjudge.kernel.service import Service
from nbjudge.release import source
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel

# A known mistake may divide by zero, as its student's does; warnings cost no marks.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")

#: Exercises whose answers train, run networks of full size, or draw thousands of pairs.
COSTLY = {"ex_1_4_3c", "ex_2_2", "ex_2_3", "ex_2_4"}


def params(known: Callable[[str], tuple[Known, ...]]) -> list[Any]:
    return [
        pytest.param(
            grade_id,
            each,
            id=f"{grade_id}-{each.name}",
            marks=[pytest.mark.slow] if grade_id in COSTLY else [],
        )
        for grade_id in EXERCISES
        for each in known(grade_id)
    ]


def diagnosed(grade_id: str, *answers: Any) -> str:
    found = diagnose(grade_id, EXERCISES[grade_id].examination, answers)
    return found.sentence if found else ""


@pytest.fixture(autouse=True)
def student() -> Iterator[None]:
    """Let the inputs be those of one student, and see that no examination is left recorded."""
    with seeds.seed_within("a secret", "an assignment", "ada"):
        yield
    assert not is_recording()


# `test_fairness` tries all of them so; those that are costly are not tried twice.
@pytest.mark.parametrize(
    ("grade_id", "mistake"),
    each(4, [p for p in params(mistakes) if p.values[0] not in COSTLY]),
)
def test_a_known_mistake_loses_its_marks_and_is_named(grade_id: str, mistake: Known) -> None:
    answers = answers_of(mistake, grade_id)

    with pytest.raises(CheckFailed, match=r"^✗ "):
        EXERCISES[grade_id].examination(*answers)
    # The same objects: what a class remembers of the examination must not matter.
    assert diagnosed(grade_id, *answers) == mistake.sentence


@pytest.mark.parametrize(("grade_id", "right"), [*params(solutions), *each(4, params(styles))])
def test_a_right_answer_keeps_its_marks(grade_id: str, right: Known) -> None:
    EXERCISES[grade_id].examination(*answers_of(right, grade_id))


@pytest.mark.parametrize(("grade_id", "style"), params(styles)[::7])
def test_a_right_answer_is_not_diagnosed(grade_id: str, style: Known) -> None:
    assert diagnosed(grade_id, *answers_of(style, grade_id)) == ""


SOURCES = sorted(Path(__file__).parents[2].glob("source/*/*.ipynb"))
CELLS = {source.grade_id(c): c for path in SOURCES for c in source.read_source(path).cells}


# A loader is examined in the notebook that made it, and has a test of its own below.
@pytest.mark.parametrize(
    ("grade_id", "mistake"), each(8, [p for p in params(mistakes) if p.values[0] != "ex_1_4_2"])
)
def test_a_mistake_in_another_process_is_named_after_its_test(
    grade_id: str, mistake: Known
) -> None:
    symbols = EXERCISES[grade_id].symbols
    service = Service(
        dict(zip(symbols, answers_of(mistake, grade_id), strict=True)), probes="course_utils.probes"
    )
    lines = [KernelChannel(lambda request, _: service.answer(request), Limits()) for _ in range(2)]

    cell = CELLS[f"test_{grade_id}"]
    points = float(cell.metadata.nbgrader.points)

    verdict = judge(Test(grade_id, cell.source, points), lines[0])
    values = lines[1].ask("begin", names=list(symbols), seed=0)
    said = diagnosed(grade_id, *(values[symbol] for symbol in symbols))

    assert verdict.fault == ""
    assert verdict.mark < points
    assert said == mistake.sentence


@pytest.fixture
def shell(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("mistake", mistakes("ex_1_4_2"), ids=lambda mistake: mistake.name)
def test_a_loader_of_a_notebook_is_named_too(shell: InteractiveShell, mistake: Known) -> None:
    set_up = SET_UP + "from torch.utils.data import Dataset\nfrom course_utils import probes\n"
    for cell in (set_up, "import numpy as np", mistake.source):
        shell.run_cell(cell, store_history=True).raise_error()
    here = (shell.user_ns["batch_size"], shell.user_ns["dataloader"])
    away, _ = send_away(*here)

    assert diagnosed("ex_1_4_2", *here) == mistake.sentence
    assert diagnosed("ex_1_4_2", *away) == mistake.sentence


def called(grade_id: str, name: str) -> str:
    """Return the sentence of a mistake."""
    (found,) = (mistake for mistake in mistakes(grade_id) if mistake.name == name)
    return found.sentence


# The same slips as students would write them otherwise.
OTHERWISE = {
    "a lambda": (
        "ex_1_1_1",
        "loss = lambda a, b: 40 * a * a + 10 * b * (b - 4)",
        "sign of the last term",
    ),
    "an array of rows": (
        "ex_1_1_2",
        "def calculate_gradient(w1, w2):\n    return np.array([20 * (w2 + 2), 80 * w1])",
        "slopes exchanged",
    ),
    "near the minimum": (
        "ex_1_1_3",
        "w1_min, w2_min, loss_min = 1e-4, -1.9995, -39.9991",
        "lowest point of a grid",
    ),
    "a closure": (
        "ex_1_1_4",
        "def GradientDescent(learning_rate):\n"
        "    return lambda *a: [w + learning_rate * g for w, g in zip(a[:2], a[2:])]",
        "uphill",
    ),
    "a default list": (
        "ex_1_2_1",
        "class Momentum:\n"
        "    def __init__(self, learning_rate, beta, z=[0, 0]):\n"
        "        self.rate, self.beta, self.z = learning_rate, beta, z\n"
        "    def __call__(self, *a):\n"
        "        for i in range(2):\n"
        "            self.z[i] = self.beta * self.z[i] + self.rate * a[2 + i]\n"
        "        return [w - z for w, z in zip(a, self.z)]",
        "memory in the class",
    ),
    "roots of NumPy": (
        "ex_1_3_1",
        "class RMSProp:\n"
        "    def __init__(self, learning_rate, beta, epsilon=1e-5):\n"
        "        self.rate, self.beta, self.eps, self.v = learning_rate, beta, epsilon, {}\n"
        "    def one(self, i, w, g):\n"
        "        self.v[i] = self.beta * self.v.get(i, 0) + (1 - self.beta) * g * g\n"
        "        root = torch.sqrt if torch.is_tensor(g) else np.sqrt\n"
        "        return w - self.rate * (g / (root(self.v[i]) + self.eps))\n"
        "    def __call__(self, w1, w2, g1, g2):\n"
        "        return self.one(1, w1, g1), self.one(2, w2, g2)",
        "epsilon outside the root",
    ),
}


@pytest.mark.parametrize(("grade_id", "cell", "name"), OTHERWISE.values(), ids=OTHERWISE)
def test_a_mistake_is_named_however_it_is_written(grade_id: str, cell: str, name: str) -> None:
    assert diagnosed(grade_id, *answers_of(cell, grade_id)) == called(grade_id, name)


def test_two_slips_at_once_are_not_named() -> None:
    assert diagnosed("ex_1_1_1", lambda w1, w2: 40 * w1 + 10 * w2**2 - 40 * w2) == ""


def test_a_missing_answer_is_not_diagnosed() -> None:
    def stub(w1, w2):
        raise NotImplementedError

    assert diagnosed("ex_1_1_1", stub) == ""


def test_another_exception_of_the_same_type_is_not_named() -> None:
    slip = called("ex_1_1_1", "caret for a power")

    assert diagnosed("ex_1_1_1", lambda w1, w2: 40 * w1 ^ 2 + 10 * w2 ^ 2 + 40 * w2) == slip
    assert diagnosed("ex_1_1_1", lambda w1, w2: w1["2"]) == ""


def test_an_answer_that_cannot_be_reached_is_not_diagnosed() -> None:
    def gone(w1, w2):
        raise CourseError("The kernel is gone.")

    assert diagnosed("ex_1_1_1", gone) == ""


def test_what_a_diagnosis_draws_does_not_depend_on_what_ran_before() -> None:
    answers = answers_of(mistakes("ex_1_4_2")[0], "ex_1_4_2")
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        diagnosed("ex_1_4_2", *answers)
        seeds_after = torch.initial_seed()
        found.append(seeds_after)

    assert found[0] == found[1]


# How a trace comes about.


@examination("0")
def three_checks(_: np.random.Generator, answer: Callable[[int], Any]) -> None:
    close(answer(1), 1.0, what="one")
    true(answer(2), what="two", problem="it does not hold")
    close(answer(3), (3.0, np.arange(2.0)), what="three")


def trace_of(answer: Callable[[int], Any]) -> list[Seen]:
    with recording() as trace:
        three_checks(answer)
    return trace


def test_a_recorded_examination_goes_on_after_a_failed_check() -> None:
    assert trace_of(lambda n: {1: 5.0, 2: False, 3: (3.0, np.arange(2.0))}[n]) == [
        Seen("one", held=False, found=5.0),
        Seen("two", held=False),
        Seen("three", held=True),
    ]


@pytest.mark.parametrize("error", [ValueError("a reason"), ZeroDivisionError()])
def test_an_exception_is_the_end_of_a_trace(error: Exception) -> None:
    def answer(number: int) -> float:
        if number == 2:
            raise error
        return 1.0

    assert trace_of(answer) == [
        Seen("one", held=True),
        Seen("exception", held=False, found=[type(error).__name__, str(error)]),
    ]


def test_an_exception_after_a_failed_check_counts_by_its_type_alone() -> None:
    def answer(number: int) -> float:
        if number == 2:
            raise ValueError("whatever")
        return -1.0

    assert trace_of(answer)[-1].found == ["ValueError", ""]


def test_an_examination_raises_again_after_a_recording() -> None:
    with pytest.raises(KeyError), recording():
        raise KeyError("anything")

    with pytest.raises(CheckFailed, match=r"^✗ one"):
        three_checks(lambda _: 5.0)


def test_a_value_is_kept_as_it_was_when_it_was_seen() -> None:
    values = np.array([1.0, 2.0])
    with recording() as trace:
        close(values, np.zeros(2), what="values")
    values += 1

    assert trace[0].found.tolist() == [1.0, 2.0]


UNLIKE = {
    "other values": (np.ones(2), np.array([1.0, 1.001])),
    "another shape": (np.ones(2), np.ones((1, 2))),
    "another dtype": (np.ones(2), np.ones(2, dtype=np.float32)),
    "an array for a tensor": (torch.ones(2, dtype=torch.float64), np.ones(2)),
    "infinity for NaN": (np.array([np.nan, 1.0]), np.array([np.inf, 1.0])),
    "a number in a list": (1.0, [1.0]),
    "None for a text": (None, "None"),
}
ALIKE = {
    "rounding": (np.ones(2), np.array([1.0, 1.00001])),
    "NaN": (np.array([np.nan, 1.0]), np.array([np.nan, 1.0])),
    "infinity": (np.array([-np.inf, 1.0]), np.array([-np.inf, 1.0])),
    "kinds of numbers": (1.0, torch.tensor(1.0)),
    "a list for a tuple": ((1.0, np.ones(2)), [1.0, np.ones(2)]),
    "functions": (len, abs),
    "complex numbers": (np.ones(2, dtype=complex), 2 * np.ones(2, dtype=complex)),
    "sparse tensors": (torch.eye(2).to_sparse(), torch.eye(2).to_sparse()),
}


def compared(first: Any, second: Any, **how: Any) -> bool:
    """Say whether an answer that gives `first` behaves as a mistake that gives `second`."""

    @examination("0")
    def examine(_: np.random.Generator, loss: Callable[[], Any]) -> None:
        close(loss(), np.zeros(3), what="it", **how)

    with recording() as trace:
        examine(lambda: first)
    mistake = Known("", "", "loss = None")
    # The mistake's source cannot hold any object: the examination hands it over.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("course_utils.reference.diagnosis.answers_of", lambda *_: (lambda: second,))
        return is_like(mistake, "ex_1_1_1", examine, trace)


@pytest.mark.parametrize(("first", "second"), UNLIKE.values(), ids=UNLIKE)
def test_values_that_tell_two_answers_apart(first: Any, second: Any) -> None:
    assert not compared(first, second)
    assert not compared(second, first)


@pytest.mark.parametrize(("first", "second"), ALIKE.values(), ids=ALIKE)
def test_values_that_do_not_tell_two_answers_apart(first: Any, second: Any) -> None:
    assert compared(first, second)
    assert compared(second, first)


def test_a_dtype_that_does_not_count_does_not_tell_two_answers_apart() -> None:
    assert compared(np.ones(2), np.ones(2, dtype=np.uint8), dtype="number")
    assert compared(torch.ones(2), torch.ones(2, dtype=torch.int64), dtype="number")
    assert not compared(np.ones(2), np.ones(2, dtype=bool), dtype="number")


def test_a_mistake_is_examined_no_further_than_where_it_departs() -> None:
    asked: list[int] = []

    def spy(number: int) -> float:
        asked.append(number)
        return -1.0

    trace = trace_of(lambda _: 1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("course_utils.reference.diagnosis.answers_of", lambda *_: (spy,))
        assert not is_like(Known("", "", ""), "ex_1_1_1", three_checks, trace)
    assert asked == [1]


def test_reference_answers_leave_a_trace_that_holds_throughout() -> None:
    for exercise in EXERCISES.values():
        symbols = exercise.symbols
        if exercise is EXERCISES["ex_2_2"] or not all(hasattr(reference, s) for s in symbols):
            continue
        with recording() as trace:
            exercise.examination(*(getattr(reference, symbol) for symbol in symbols))
        assert trace and all(seen.held for seen in trace)
