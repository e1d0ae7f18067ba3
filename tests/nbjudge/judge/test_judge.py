"""The judge: a test runs here, its answer there, and only what the test found counts."""

from __future__ import annotations

import builtins
import collections
import enum
import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from judging import line_to, verdict_on

from nbjudge import seeds
from nbjudge.judge import judge as judge_module
from nbjudge.judge.judge import Test, Verdict, judge
from nbjudge.kernel.service import Service
from nbjudge.kernel.wire import Reference, encode
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.names import free_names

Judged = Callable[..., Verdict]


MOMENTUM = """
class Momentum:
    name = "momentum"

    def __init__(self, rate, beta=0.5):
        self.rate, self.beta, self.z = rate, beta, 0.0

    def __call__(self, w, grad):
        self.z = self.beta * self.z + self.rate * grad
        return w - self.z

    def __len__(self):
        return 7

    def __getitem__(self, key):
        return key * 2

    def __iter__(self):
        return iter(range(100))
"""


@pytest.mark.parametrize(
    "test",
    [
        "step = Momentum(0.5)\nassert step(1.0, 1.0) == 0.5 and step(0.5, 1.0) == -0.25",
        "step = Momentum(rate=0.5, beta=0.0)\nassert step(grad=1.0, w=1.0) == 0.5",
        "assert Momentum.name == 'momentum' and Momentum(0.25).rate == 0.25",
        "assert len(Momentum(1)) == 7 and Momentum(1)[4] == 8 and Momentum(1)[(1,)] == (1, 1)",
        "assert list(Momentum(1)) == list(range(100))",
        "assert [a + b for a, b in zip(Momentum(1), Momentum(2))][:3] == [0, 2, 4]",
        "one, two = Momentum(1), Momentum(2)\none(0, 1)\nassert (one.z, two.z) == (1, 0)",
        "make = lambda rate: Momentum(rate)\nassert make(3).rate == 3",
        "def check():\n    assert Momentum(0.5)(1.0, 1.0) == 0.5\ncheck()",
        "import functools\nassert functools.partial(Momentum, 0.5)().beta == 0.5",
        "assert bool(Momentum(1)) and 5 in Momentum(1)",
    ],
)
def test_a_remote_is_used_like_the_object_it_stands_for(test: str) -> None:
    verdict = verdict_on(MOMENTUM, test)

    assert (verdict.mark, verdict.reason, verdict.fault) == (3.0, "", "")


def test_a_remote_is_given_to_another_as_an_argument() -> None:
    answer = f"{MOMENTUM}\ndef walk(step, w, updates):\n    for _ in range(updates):\n"
    answer += "        w = step(w, w)\n    return w\n"

    verdict = verdict_on(answer, "assert walk(Momentum(0.5, 0.0), 8.0, 3) == 1.0")

    assert verdict.mark == 3


@pytest.mark.parametrize(
    ("answer", "expression"),
    [
        ("x = 3", "type(x) is int and x == 3"),
        ("import numpy as np\nx = np.arange(6.0).reshape(2, 3)", "type(x).__name__ == 'ndarray'"),
        ("import torch\nx = torch.ones(2, requires_grad=True)", "x.requires_grad and x.sum() == 2"),
        ("x = {'a': [1, (2.5, None)], 'b': b'c'}", "x == {'a': [1, (2.5, None)], 'b': b'c'}"),
        ("x = float('nan')", "x != x"),
    ],
)
def test_plain_values_come_by_value(answer: str, expression: str) -> None:
    assert verdict_on(answer, f"assert {expression}").mark == 3


@pytest.mark.parametrize(
    "liar",
    [
        "class Liar:\n    __eq__ = __ne__ = lambda s, o: True\n    __hash__ = None\nx = Liar()",
        "class Liar(float):\n    __eq__ = lambda s, o: True\n    __hash__ = None\nx = Liar(1)",
        "class Liar(tuple):\n    __eq__ = lambda s, o: True\n    __hash__ = None\nx = Liar()",
        "class Liar:\n    @property\n    def __class__(self):\n        return float\nx = Liar()",
        "class Liar:\n    def __float__(self):\n        return 2.0\nx = Liar()",
        "import numpy as np\nclass Liar(np.ndarray):\n    __eq__ = lambda s, o: True\n"
        "x = np.zeros(1).view(Liar)",
    ],
)
def test_no_object_says_itself_that_it_is_equal(liar: str) -> None:
    verdict = verdict_on(liar, "assert x == 2.0, 'they differ'")

    assert verdict.mark == 0
    assert "it uses `==` on what stays in the student's kernel" in verdict.fault


def test_data_of_an_extended_type_are_compared_as_data() -> None:
    answer = (
        "import collections, torch\n"
        "pair = collections.namedtuple('Pair', 'a b')(1.0, 2.0)\n"
        "weight = torch.nn.Parameter(torch.ones(2))\n"
    )
    test = (
        "import torch\nfrom nbjudge import checks\n"
        "checks.close(pair, (1.0, 2.0), what='the pair')\n"
        "checks.close(weight, torch.ones(2), what='the weight')\n"
    )

    verdict = verdict_on(answer, test)

    assert (verdict.mark, verdict.reason) == (3, "")
    assert verdict.printed == "✓ the pair\n✓ the weight\n"


def test_a_type_that_cannot_cross_is_named_with_what_was_expected() -> None:
    answer = "import pandas\nx = pandas.Series([1.0])"
    test = (
        "import numpy as np\nfrom nbjudge import checks\n"
        "checks.close(x, np.ones(1), what='the cost')\n"
    )

    verdict = verdict_on(answer, test)

    assert verdict.mark == 0
    assert verdict.reason == "✗ the cost: it is a Series, and a NumPy array was expected."


def test_a_name_that_is_not_defined_is_named() -> None:
    verdict = verdict_on("momentum = 1", "step = Momentum(0.5)")

    assert verdict.mark == 0
    expected = "✗ `Momentum` is not defined: run your answer cell, or check its name."
    assert verdict.reason == expected


def test_a_stub_is_no_answer_yet() -> None:
    verdict = verdict_on("def loss(w):\n    raise NotImplementedError()", "loss(1)")

    assert verdict.reason == "✗ Exercise 1.2.1 has no answer yet."


def test_a_students_exception_is_told_and_can_be_caught_as_what_it_is() -> None:
    answer = "def loss(w):\n    raise KeyError('no such weight')"
    caught = "try:\n    loss(1)\nexcept KeyError:\n    pass"

    assert "your answer could not be used: KeyError: 'no such weight'" in (
        verdict_on(answer, "loss(1)").reason
    )
    assert verdict_on(answer, caught).mark == 3


@pytest.mark.parametrize("leaves", ["raise SystemExit(0)", "raise KeyboardInterrupt", "exit()"])
def test_leaving_costs_the_exercise(leaves: str) -> None:
    verdict = verdict_on(f"def loss(w):\n    {leaves}", "loss(1)")

    assert verdict.mark == 0
    assert not verdict.fault


@pytest.mark.parametrize(
    ("last", "mark"),
    [("1.5", 1.5), ("0.0", 0), ("3", 3), ("x * 0.5", 1), ("None", 3), ("True", 3), ("'ok'", 3)],
)
def test_a_test_that_ends_on_a_number_gives_that_mark(last: str, mark: float) -> None:
    verdict = verdict_on("x = 2", f"{last}")

    assert (verdict.mark, verdict.fault) == (mark, "")
    assert bool(verdict.reason) == (mark < 3)


@pytest.mark.parametrize("last", ["-1", "3.5", "float('nan')", "float('inf')", "10 ** 400"])
def test_a_mark_out_of_range_is_the_tests_fault(last: str) -> None:
    verdict = verdict_on("x = 2", last)

    assert verdict.fault == "it gives a mark that is not from 0 to 3"
    assert not verdict.reason


@pytest.mark.parametrize(
    "test",
    [
        "def (:",
        "helper(1)",
        "import no_such_module",
        "raise SystemExit",
        "answer(object())",
        "del x; x",
    ],
)
def test_a_test_that_cannot_work_says_so_and_takes_no_mark(
    test: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtins, "_", None, raising=False)  # as in a process at a prompt
    verdict = verdict_on(
        "def answer(f):\n    return 1", test.replace("helper(1)", "print(_)\n_ = 1")
    )

    assert verdict.fault
    assert not verdict.reason


def test_a_test_that_ends_its_process_is_told_so() -> None:
    assert verdict_on("", "raise SystemExit").fault == "it ends its own process"


def test_no_line_of_a_hidden_test_is_in_its_verdict() -> None:
    verdict = verdict_on("def loss(w):\n    return None", "expected = 42.125\nloss(1) + expected")

    shown = verdict.reason + verdict.printed
    assert "unsupported operand" in shown
    assert "42.125" not in shown
    assert "expected" not in shown
    assert "File" not in shown


@pytest.mark.parametrize(
    ("test", "line"),
    [
        ("x = 1\nassert f() == 1\nassert f() == 2", 3),
        ("def check(x):\n    assert x == 2\n\ncheck(f())", 2),
        ("x = 1\nf().missing", 2),
        # What it asks of an object that it may not, it is told of where it has asked.
        ("x = 1\ntry:\n    thing + 1\nexcept Exception:\n    pass\nassert False", 3),
        ("assert f() == 1", 0),
        ("assert f() ==", 0),
    ],
)
def test_the_line_of_its_cell_at_which_a_test_stops_is_known(test: str, line: int) -> None:
    answer = "class Thing:\n    pass\nthing = Thing()\ndef f():\n    return 1"

    assert verdict_on(answer, test).stopped_at == line


def test_control_characters_of_an_answer_are_not_shown() -> None:
    verdict = verdict_on(
        "def loss(w):\n    raise ValueError('\\x1b[2J\\x07' + 'a' * 9999)", "loss(1)"
    )

    assert "\x1b" not in verdict.reason
    assert len(verdict.reason) < 2100


@pytest.mark.parametrize(
    ("answer", "limits", "message"),
    [
        ("def f():\n    return list(range(200_000))", {}, "more than 100000 values"),
        ("def f():\n    x = []\n    x.append(x)\n    return x", {}, "nested"),
        ("import numpy as np\ndef f():\n    return np.zeros(9_000_000)", {}, "MB"),
        ("def f():\n    while True:\n        yield 1", {"items": 50}, "more than 50 values"),
        ("def f():\n    while True:\n        yield 1", {"requests": 5}, "more than 5 requests"),
    ],
)
def test_what_is_too_much_is_told(answer: str, limits: dict[str, Any], message: str) -> None:
    verdict = verdict_on(answer, "list(f())", **limits)

    assert verdict.mark == 0
    assert message in verdict.reason
    assert not verdict.fault


def test_a_test_that_swallows_a_broken_line_gives_no_mark() -> None:
    verdict = verdict_on(
        "def f():\n    while True:\n        yield 1",
        "try:\n    list(f())\nexcept Exception:\n    pass",
        requests=5,
    )

    assert verdict.mark == 0
    assert verdict.lost


REPLIES: list[Any] = [
    b"",
    b"NN",
    b"null",
    b"{" * 100_000,
    b"\xff",
    encode(None),
    encode({"value": 1, "raised": {}}),
    encode({"raised": "no"}),
    encode({"raised": {"name": 7, "line": "x"}}),
    encode({"refused": 7}),
    encode({"value": Reference(10, "x" * 100)}),
    encode({"value": ([], True)}),
    encode({"value": (None, [], True)}),
    encode({"value": -1}),
    encode({"value": 2**70}),
]


@pytest.mark.parametrize("reply", REPLIES)
@pytest.mark.parametrize("use", ["x(1)", "list(x)", "len(x)", "bool(x)", "float(x)", "x.a", "x[0]"])
def test_no_reply_makes_more_of_a_test_than_a_lost_exercise(reply: Any, use: str) -> None:
    replies = iter([encode({"value": {"x": Reference(1, "Liar")}})])
    line = KernelChannel(lambda *_: next(replies, reply), Limits())

    verdict = judge(Test("1.2.1", f"assert {use} == 'right'", 3.0), line)

    assert verdict.mark == 0
    is_an_object = reply == REPLIES[10] and use in ("x(1)", "x.a", "x[0]")
    assert bool(verdict.fault) == is_an_object


def test_names_that_were_not_asked_for_are_not_bound() -> None:
    replies = iter([encode({"value": {"math": 1, "check": 2}})])
    line = KernelChannel(lambda *_: next(replies), Limits())

    assert judge(Test("1", "assert loss", 1.0), line).mark == 0


def test_the_objects_of_one_exercise_are_forgotten_in_the_next() -> None:
    service = Service({"loss": object()})
    first = KernelChannel(lambda request, _: service.answer(request), Limits())
    kept = first.ask("begin", names=["loss"], seed=1)["loss"]
    KernelChannel(lambda request, _: service.answer(request), Limits()).ask(
        "begin", names=[], seed=1
    )

    with pytest.raises(Exception, match="no object number 0"):
        _ = kept.anything


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import math\nx = math.pi", ()),
        ("loss(w1)", ("loss", "w1")),
        ("step = Momentum(1)\nstep(2)", ("Momentum",)),
        ("def f(a):\n    b = a\n    return loss(b)\nf(1)", ("loss",)),
        ("[loss(x) for x in range(3)]", ("loss",)),
        ("class T:\n    y = loss\n    def f(self):\n        return rate", ("loss", "rate")),
        ("lambda a: (a, loss)", ("loss",)),
        ("def f():\n    global g\n    g = 1\nf()\ng", ()),
        ("for x in items:\n    print(len(x))", ("items",)),
        ("with a as b:\n    b", ("a",)),
        ("try:\n    a\nexcept E as e:\n    e", ("E", "a")),
        ("x: int = 1\nx += y", ("y",)),
        ("'loss'  # loss\nprint(f'{cost}')", ("cost",)),
        ("print((z := w))\nz", ("w",)),
    ],
)
def test_free_names_are_those_that_a_cell_uses_and_does_not_define(
    source: str, names: tuple[str, ...]
) -> None:
    assert free_names(source) == names


def test_inputs_depend_on_the_student_and_are_the_same_on_every_regrade() -> None:
    test = Test("1.1.1", "from nbjudge import seeds\nprint(seeds.generator('1.1.1').random())", 1)

    def drawn(student: str) -> str:
        with seeds.seed_within("secret", "optimisers", student):
            return judge(test, line_to({})).printed

    assert drawn("ada") == drawn("ada")
    assert drawn("ada") != drawn("bob")


def test_global_generators_are_seeded_here_and_there() -> None:
    answer = "import random, numpy, torch\n"
    answer += "def draw():\n    return random.random(), numpy.random.rand(), torch.rand(1).item()"
    test = "import random, torch\nprint(draw(), random.random(), torch.rand(1).item())"

    assert verdict_on(answer, test).printed == verdict_on(answer, test).printed


def test_values_of_other_kinds_stay_where_they_are() -> None:
    class Colour(enum.IntEnum):
        RED = 1

    class Own(collections.OrderedDict[str, int]):
        pass

    kinds = [object(), Colour.RED, Own(), np.zeros((1, 1)).view(np.matrix), torch.nn.Linear(1, 1)]
    line = line_to({f"x{i}": value for i, value in enumerate(kinds)})
    found = line.ask("begin", names=[f"x{i}" for i in range(len(kinds))], seed=1)

    names = ["object", "Colour", "Own", "matrix", "Linear"]
    assert [value._kind_() for value in found.values()] == names


def test_a_remote_is_told_from_what_it_stands_for() -> None:
    found = line_to({"x": object()}).ask("begin", names=["x"], seed=1)["x"]

    assert repr(found) == "<object in the student's kernel>"
    with pytest.raises(AttributeError):
        _ = found.__wrapped__
    with pytest.raises(TypeError):
        np.asarray(found)


class Known(NamedTuple):
    name: str = "squared twice"
    sentence: str = "Look at the square."


class Told:
    """Says why, and what else, and remembers what it was asked."""

    def __init__(self, why: str = "", besides: str = "") -> None:
        self._why, self._besides = why, besides
        self.asked: list[tuple[str, Any]] = []

    def explain(self, exercise: str, names: Sequence[str]) -> str:
        self.asked.append((exercise, list(names)))
        return self._why

    def mention(self, exercise: str, reason: str) -> str:
        self.asked.append((exercise, reason))
        return self._besides


def test_a_known_mistake_is_told_with_the_marks_it_cost() -> None:
    asked = []

    def diagnose(exercise: str, answers: Mapping[str, Any]) -> Known:
        asked.append((exercise, dict(answers)))
        print("nobody reads this")
        sys.stderr.write("nor this")
        return Known()

    verdict = judge(
        Test("1.2.1", "assert x == y", 3.0), line_to({"x": 1, "y": 2, "z": 3}), diagnose
    )

    assert (verdict.mistake, verdict.sentence) == Known()
    assert (verdict.mark, verdict.printed) == (0, "")
    assert asked == [("1.2.1", {"x": 1, "y": 2})]


@pytest.mark.parametrize(
    ("test", "limits"),
    [
        ("assert x == 1", {}),  # right
        ("stub()", {}),  # not answered
        ("f(object())", {}),  # the test's fault
        ("assert f() == 1", {"requests": 1}),  # the line is broken
    ],
)
def test_nobody_is_told_of_a_mistake_who_made_none_or_cannot_be_asked(
    test: str, limits: dict[str, int]
) -> None:
    def stub() -> None:
        raise NotImplementedError

    line = line_to({"x": 1, "f": lambda: 2, "stub": stub}, **limits)

    verdict = judge(Test("1.2.1", test, 3.0), line, lambda *_: Known())

    assert (verdict.mistake, verdict.sentence) == ("", "")


def test_a_diagnosis_that_fails_changes_nothing_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def diagnose(*_: Any) -> None:
        raise RuntimeError("no diagnosis")

    verdict = judge(Test("1.2.1", "1.5", 3.0), line_to({}), diagnose)

    assert (verdict.mark, verdict.reason) == (1.5, "✗ Exercise 1.2.1: 1.5 of 3 points.")
    assert (verdict.mistake, verdict.sentence) == ("", "")
    assert caplog.messages == ["No diagnosis of 1.2.1"]


def test_why_an_answer_is_not_there_is_the_reason_if_somebody_knows() -> None:
    undefined = "✗ `loss` is not defined: run your answer cell, or check its name."
    test = Test("1.2.1", "assert loss(rate)", 3.0)

    for why in ("It stopped at line 2.", ""):
        causes = Told(why)
        verdict = judge(test, line_to({"rate": 1}), causes=causes)

        assert (verdict.mark, verdict.reason) == (0, why or undefined)
        assert causes.asked == [("1.2.1", ["loss"])]


def test_what_else_explains_lost_marks_follows_the_reason() -> None:
    causes = Told(besides=" The cell before it stopped.")

    verdict = judge(
        Test("1.2.1", "assert x == 2, 'It is 1.'", 3.0), line_to({"x": 1}), None, causes
    )

    assert verdict.reason == "✗ Exercise 1.2.1: It is 1. The cell before it stopped."
    assert causes.asked == [("1.2.1", "✗ Exercise 1.2.1: It is 1.")]


def test_nothing_else_is_told_of_full_marks_and_of_a_broken_line() -> None:
    causes = Told("why", "besides")

    assert judge(Test("1", "assert x", 3.0), line_to({"x": 1}), None, causes).reason == ""
    broken = judge(Test("1", "f()", 3.0), line_to({"f": print}, requests=1), None, causes)

    assert broken.reason == "✗ Exercise 1: the test made more than 1 requests."
    assert broken.lost
    assert causes.asked == []


def test_too_little_memory_here_costs_the_exercise_and_ends_the_line() -> None:
    for raised in ("MemoryError", 'RuntimeError("DefaultCPUAllocator: can\'t allocate memory")'):
        verdict = judge(Test("1.2.1", f"raise {raised}", 3.0), line_to({}))

        assert (verdict.mark, verdict.fault, verdict.lost) == (0, "", True)
        assert verdict.reason == (
            "✗ Exercise 1.2.1: examining what it gave takes more memory than a test may."
        )


def test_too_little_memory_of_the_answers_own_is_its_exception() -> None:
    verdict = verdict_on('def f():\n    raise MemoryError("can\'t allocate memory")', "f()")

    assert not verdict.lost
    assert "MemoryError" in verdict.reason


def test_what_a_test_printed_is_kept_in_bounds() -> None:
    verdict = verdict_on("x = 1", "print('✓ a\\x1b' + 'b' * 30_000)")

    assert verdict.mark == 3
    assert verdict.printed == "✓ a�" + "b" * 19_996 + "…"


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("assert x == 2", "✗ Exercise 1.2.1: a check does not hold."),
        ("assert x == 2, 'No.'", "✗ Exercise 1.2.1: No."),
        ("0.25", "✗ Exercise 1.2.1: 0.25 of 3 points."),
        (
            "x.shape",
            "✗ Exercise 1.2.1: your answer could not be used: AttributeError: "
            "'int' object has no attribute 'shape'.",
        ),
    ],
)
def test_the_reason_is_one_sentence_with_the_exercise(test: str, reason: str) -> None:
    assert verdict_on("x = 1", test).reason == reason


@pytest.mark.parametrize(
    "test",
    [
        "%matplotlib inline\nassert f() == 3",
        "%config InlineBackend.figure_format = 'svg'\nassert f() == 3",
        "%%time\nassert f() == 3",
        "%%capture out\nassert f() == 3",
        "%time x = f()\nassert x == 3",
    ],
)
def test_a_magic_that_shows_or_times_something_changes_no_test(test: str) -> None:
    verdict = verdict_on("def f():\n    return 3", test)

    assert (verdict.mark, verdict.fault, verdict.reason) == (3, "", "")
    assert verdict_on("def f():\n    return 4", test).mark == 0


@pytest.mark.parametrize("test", ["files = !ls\nassert f() == 3", "%timeit f()\nassert f() == 3"])
def test_no_text_of_a_test_goes_to_the_kernel_by_way_of_a_magic(test: str) -> None:
    answer = "seen = []\nget_ipython = lambda: seen.append(1)\ndef f():\n    return 3"

    assert "get_ipython" in verdict_on(answer, test).fault


@pytest.mark.parametrize("test", ["with pytest.raises(ValueError):\n    f()", "pytest.fail('no')"])
def test_what_pytest_raises_costs_the_mark_and_nothing_else(test: str) -> None:
    verdict = verdict_on("def f(): pass", f"import pytest\nf()\n{test}")

    assert (verdict.mark, verdict.fault, verdict.lost) == (0, "", False)
    assert verdict.reason


def test_a_reason_that_a_test_printed_is_not_printed_twice() -> None:
    test = (
        "from nbjudge import checks\nparts = checks.Parts()\n"
        "with parts(1, 'one'):\n    checks.close(x, 3, what='the first')\n"
        "with parts(2, 'two'):\n    checks.close(x, 4, what='the second')\n"
        "parts.points()"
    )

    for given in (test, test.replace("parts.points()", "parts.points()\nparts.points()")):
        verdict = verdict_on("x = 3", given)

        assert (verdict.mark, verdict.printed) == (1, "✓ the first\n")
        assert verdict.reason.startswith("✗ the second: it is 3, and 4 was expected.")


def test_how_long_a_test_took_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([5.0, 7.5])
    monkeypatch.setattr(judge_module, "time", SimpleNamespace(monotonic=lambda: next(times)))

    assert verdict_on("x = 3", "assert x == 3").seconds == 2.5


def test_marks_beyond_those_of_the_test_are_its_fault_and_a_truth_is_no_mark() -> None:
    assert verdict_on("x = 3", "4").fault == "it gives a mark that is not from 0 to 3"
    assert verdict_on("x = 3", "3").mark == 3
    assert verdict_on("x = 3", "0").mark == 0
    assert verdict_on("x = 3", "x == 4").mark == 3
    assert verdict_on("x = 3", "'2'").mark == 3
