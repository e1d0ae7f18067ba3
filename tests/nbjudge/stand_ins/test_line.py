"""The judge's line to a kernel: what it sends, what it believes of a reply, and when it stops."""

from __future__ import annotations

import builtins
import contextlib
import io
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nbjudge.exceptions import CourseError
from nbjudge.kernel import switches
from nbjudge.kernel.references import FUNCTION_NUMBERS, ITERATORS, NAME_NUMBERS
from nbjudge.kernel.service import MAX_ERROR_MESSAGE, Service
from nbjudge.kernel.wire import Reference, decode, encode
from nbjudge.remote import AnswerError, Remote
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins import answer_errors
from nbjudge.stand_ins import channel as channel_module
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.permissions import Permissions
from nbjudge.stand_ins.stand_in import Unable


class Kernel:
    """Answers each request with the next of some values, and remembers what was asked."""

    def __init__(self, *replies: Any) -> None:
        self._replies = iter(replies)
        self.requests: list[dict[str, Any]] = []
        self.seconds: list[float] = []

    def __call__(self, request: bytes, seconds: float) -> bytes:
        self.requests.append(decode(request, Limits().bounds, resolve=lambda reference: reference))
        self.seconds.append(seconds)
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        return encode(reply)

    @property
    def asked(self) -> list[str]:
        return [request["do"] for request in self.requests]


def line_to(
    kernel: Kernel, *, until: float = math.inf, times: Sequence[float] = (), **limits: Any
) -> KernelChannel:
    """Return a line to a kernel, by a clock that tells these times if there are any."""
    clock = iter(times).__next__ if times else time.monotonic
    return KernelChannel(kernel, replace(Limits(), **limits), until, clock=clock)


def value(of: Any) -> dict[str, Any]:
    return {"value": of}


def object_in(kernel: Kernel, **limits: Any) -> Any:
    """Return the judge's stand-in for an object of a kernel, whose first reply names it."""
    return line_to(kernel, **limits).ask("attribute")


REFERENCE = value(Reference(0, "Momentum"))


def test_nothing_is_asked_over_a_broken_line() -> None:
    kernel = Kernel(REFERENCE, CourseError("the kernel died"), value(1))
    found = object_in(kernel)

    for _ in range(3):
        with pytest.raises(CourseError, match="the kernel died"):
            found(1)

    assert kernel.asked == ["attribute", "call"]


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"value": 1, "raised": {}},
        {"value": 1, "more": 2},
        {"worth": 1},
        {"refused": 7},
        {"raised": "ValueError"},
        [1],
        None,
    ],
)
def test_a_reply_of_another_form_breaks_the_line(reply: Any) -> None:
    kernel = Kernel(reply, value(1))
    line = line_to(kernel)

    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        line.ask("attribute")
    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        line.ask("attribute")

    assert len(kernel.requests) == 1


def test_what_cannot_be_used_is_told_and_breaks_nothing() -> None:
    line = line_to(Kernel({"refused": "more than 100000 values"}, value(1)))

    with pytest.raises(CourseError) as told:
        line.ask("attribute")

    expected = "what your code returned cannot be used: more than 100000 values"
    assert str(told.value) == expected
    assert line.ask("attribute") == 1


def test_a_call_may_take_what_is_left_of_the_exercises_time() -> None:
    kernel = Kernel(value(1), value(2))
    times = [0.0, 10.0, 50.0, 95.0]
    line = line_to(kernel, times=times, call_seconds=30, exercise_seconds=50)

    line.ask("attribute")
    line.ask("attribute")
    with pytest.raises(CourseError, match="it took more than 50 s altogether"):
        line.ask("attribute")

    assert kernel.seconds == [30, 30]


def test_the_last_call_is_cut_to_the_time_that_is_left() -> None:
    kernel = Kernel(value(1), value(2))
    times = [0.0, 45.0, 45.0, 46.0]
    line = line_to(kernel, times=times, call_seconds=30, exercise_seconds=50)

    line.ask("attribute")
    line.ask("attribute")

    assert kernel.seconds == [30, 5]


def test_no_call_goes_on_after_the_notebooks_time_or_begins_then() -> None:
    kernel = Kernel(value(1), value(2))
    times = [99.0, 99.5, 100.0]
    line = line_to(kernel, until=100.0, times=times, call_seconds=30, notebook_seconds=70)

    line.ask("attribute")
    with pytest.raises(CourseError) as told:
        line.ask("attribute")

    assert str(told.value) == "the notebook ran longer than 70 s"
    assert kernel.seconds == [1]


def test_what_goes_there_and_back_counts_toward_the_bytes_of_an_exercise() -> None:
    reply = value(b"b" * 1000)
    there = encode({"do": "item", "key": b"a" * 500})
    size = len(there) + len(encode(reply))

    line = line_to(Kernel(*[reply] * 3), exercise_bytes=2 * size)
    for _ in range(2):
        line.ask("item", key=b"a" * 500)
    with pytest.raises(CourseError) as told:
        line.ask("item", key=b"a" * 500)

    assert str(told.value) == f"the test and the answer exchanged more than {2 * size / 2**20:g} MB"
    assert line.broken is told.value


def test_the_first_thing_that_is_wrong_with_a_test_is_its_fault() -> None:
    line = line_to(Kernel(CourseError("the kernel died")))

    assert str(line.blame("it copies")) == "it copies"
    line.blame("it awaits")
    assert line.fault == "it copies"


def test_what_a_test_asks_over_a_broken_line_is_not_its_fault() -> None:
    line = line_to(Kernel(CourseError("the kernel died")))
    with pytest.raises(CourseError):
        line.ask("call")

    line.blame("it copies")

    assert line.fault == ""


def test_what_cannot_be_sent_is_the_tests_fault_and_breaks_nothing() -> None:
    line = line_to(Kernel(value(1)))

    with pytest.raises(Exception, match="object"):
        line.ask("call", arguments=(object(),))

    assert line.fault.startswith("NotPlain: an object cannot leave the notebook")
    assert line.ask("attribute") == 1


@pytest.mark.parametrize(
    ("reply", "has_switched"),
    [
        (value(["dtype"]), True),
        (value([]), False),
        ({"raised": {"name": "KeyError"}}, False),
        (CourseError("the kernel died"), False),
    ],
)
def test_a_notebook_has_switched_something_if_its_kernel_says_so(
    reply: Any, has_switched: bool
) -> None:
    kernel = Kernel(reply)

    assert line_to(kernel).has_switched() is has_switched
    assert kernel.asked == ["changed"]


def test_a_line_anew_counts_from_the_beginning_and_keeps_the_notebooks_end() -> None:
    kernel = Kernel(value(1), value(2), value(3))
    line = line_to(kernel, until=5.0, times=[5.0, 6.0], requests=1)
    with pytest.raises(CourseError):
        line.ask("attribute")

    with pytest.raises(CourseError, match="the notebook ran longer"):
        line.again().ask("attribute")

    first = line_to(kernel, requests=1)
    assert [first.ask("attribute"), first.again().ask("attribute")] == [1, 2]


def test_a_test_may_ask_just_so_often() -> None:
    kernel = Kernel(*[value(i) for i in range(9)])
    line = line_to(kernel, requests=3)

    assert [line.ask("attribute") for _ in range(3)] == [0, 1, 2]
    with pytest.raises(CourseError, match="the test made more than 3 requests"):
        line.ask("attribute")

    assert len(kernel.requests) == 3


def test_items_that_come_one_by_one_count_as_if_many_came_at_once() -> None:
    itself = REFERENCE["value"]
    single = value((itself, [0], True))
    most = channel_module.MOST_AT_ONCE
    # One request names the object, one gives the first item, and one is for all others together.
    items = iter(object_in(Kernel(REFERENCE, *[single] * (most + 2)), requests=3))

    assert [next(items) for _ in range(most + 1)] == [0] * (most + 1)
    with pytest.raises(CourseError, match="the test made more than 3 requests"):
        next(items)


def test_items_that_come_together_count_as_one_request() -> None:
    found = object_in(Kernel(REFERENCE, *rounds(2, 4)), requests=3)

    with pytest.raises(CourseError, match="the test made more than 3 requests"):
        items_of(found)


def test_what_keeps_folders_alike_does_not_count() -> None:
    line = line_to(Kernel(*[value(1)] * 4), requests=1)

    for do in ("folder_changes", "folder_apply", "folder_changes"):
        line.ask(do)
    assert line.ask("attribute") == 1


@pytest.mark.parametrize("over", [{"value_bytes": 500}, {}])
def test_no_value_is_sent_or_believed_that_is_larger_than_the_limit(over: dict[str, int]) -> None:
    sent = line_to(Kernel(value(None)), **over)
    fetched = line_to(Kernel(value(b"b" * 1000)), **over)
    refuses = pytest.raises(CourseError, match="it takes more than") if over else None

    with refuses or contextlib.nullcontext():
        sent.ask("item", key=b"a" * 1000)
    with refuses or contextlib.nullcontext():
        fetched.ask("item")

    assert [bool(line.broken) for line in (sent, fetched)] == [bool(over)] * 2


def test_a_function_has_one_number_and_an_iterator_another_kind() -> None:
    kernel = Kernel(value(1), value(2))
    line = line_to(kernel)
    one, two = (lambda: 1), (lambda: 2)

    line.ask("call", arguments=(one, two, one))
    line.ask("call", arguments=(two, iter([1])))

    first, second = (
        Reference(FUNCTION_NUMBERS, "function"),
        Reference(FUNCTION_NUMBERS + 1, "function"),
    )
    assert [request["arguments"] for request in kernel.requests] == [
        (first, second, first),
        (second, Reference(ITERATORS + 2, "list_iterator")),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        7,
        (0, ()),
        [0, (), {}],
        (True, (), {}),
        (0, [], {}),
        (0, (), []),
        (-1, (), {}),
        (1, (), {}),
        (0, (), {1: 2}),
    ],
)
def test_what_calls_none_of_the_tests_functions_breaks_the_line(asked: Any) -> None:
    called: list[Any] = []
    line = line_to(Kernel({"callback": asked}, value(1)))

    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        line.ask("call", arguments=(lambda *_, **__: called.append(1),))

    assert (line.broken is None, called) == (False, [])


class _OwnError(AnswerError):
    def __init__(self) -> None:
        super().__init__("KeyError", "theirs")


def fails(error: Exception) -> Callable[[], Any]:
    def function() -> Any:
        raise error

    return function


@pytest.mark.parametrize(
    ("function", "asked", "resumed"),
    [
        (lambda x, by: x * by, ((2,), {"by": 3}), {"value": 6}),
        (iter([5]), ((), {}), {"value": 5}),
        (iter([]), ((), {}), {"raised": ["StopIteration", ""]}),
        (fails(ValueError("mine")), ((), {}), {"raised": ["ValueError", "mine"]}),
        (fails(_OwnError()), ((), {}), {"raised": ["KeyError", "theirs"]}),
    ],
    ids=["value", "item", "end", "error", "theirs"],
)
def test_the_kernel_is_told_what_a_function_of_the_tests_gives(
    function: Any, asked: Any, resumed: dict[str, Any]
) -> None:
    kernel = Kernel({"callback": (0, *asked)}, value(1))
    line = line_to(kernel)

    assert line.ask("call", arguments=(function,)) == 1
    assert kernel.requests[1:] == [{"do": "resume", **resumed}]
    assert line.fault == ""


def test_a_function_that_gives_what_cannot_be_sent_is_the_tests_fault() -> None:
    kernel = Kernel({"callback": (0, (), {})}, value(1))
    line = line_to(kernel)

    assert line.ask("call", arguments=(lambda: object(),)) == 1
    assert line.fault.startswith("NotPlain: an object cannot leave the notebook")
    name, said = kernel.requests[1].pop("raised")
    assert (name, said) == ("TypeError", line.fault.removeprefix("NotPlain: "))
    assert kernel.requests[1] == {"do": "resume"}


def told_of_a_call(kernel: Kernel, line: KernelChannel) -> dict[str, Any]:
    """Call something, and return what of the test's circumstances the kernel heard."""
    line.call(line.ask("attribute"), (), {})
    request = kernel.requests[-1]
    return {name: request[name] for name in request.keys() - CALL.keys()}


CALL = {"do": "call", "target": None, "arguments": (), "keywords": {}}


@pytest.mark.parametrize(
    ("redirect", "captured"),
    [
        (contextlib.redirect_stdout, [True, False]),
        (contextlib.redirect_stderr, [False, True]),
        (contextlib.nullcontext, None),
    ],
)
def test_a_call_is_told_which_streams_the_test_reads(redirect: Any, captured: Any) -> None:
    kernel = Kernel(REFERENCE, value(1))
    line = line_to(kernel)
    line.streams = sys.stdout, sys.stderr

    with redirect(io.StringIO()):
        found = told_of_a_call(kernel, line)

    assert found == ({} if captured is None else {"captured": captured})


@pytest.mark.parametrize("name", ["input", "print"])
def test_a_call_is_told_which_of_pythons_functions_the_test_has_replaced(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(REFERENCE, value(1))
    line = line_to(kernel)
    monkeypatch.setattr(builtins, name, lambda *_: "own")
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\n") if name == "input" else sys.stdin)

    assert told_of_a_call(kernel, line) == {
        "replaced": {name: Reference(FUNCTION_NUMBERS, "function")}
    }


def test_a_call_reads_what_the_test_has_put_for_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = {"callback": (0, ("n? ",), {})}
    kernel = Kernel(REFERENCE, asks, asks, asks, value(1))
    monkeypatch.setattr(sys, "stdin", io.StringIO("a b\nc"))

    told_of_a_call(kernel, line_to(kernel))

    assert kernel.requests[1]["replaced"] == {"input": Reference(FUNCTION_NUMBERS, "function")}
    assert kernel.requests[2:] == [
        {"do": "resume", "value": "a b"},
        {"do": "resume", "value": "c"},
        {"do": "resume", "raised": ["EOFError", "EOF when reading a line"]},
    ]


@pytest.mark.parametrize("shares", [True, False])
def test_a_call_is_told_how_the_generators_stand_if_the_test_seeds_them(shares: bool) -> None:
    kernel = Kernel(REFERENCE, value(1))
    line = line_to(kernel)
    line.shares_generators = shares

    assert told_of_a_call(kernel, line).keys() == ({"generators"} if shares else set())


@pytest.mark.parametrize(
    "effects",
    [
        {"changed": []},
        {"changed": {2: [1]}},
        {"changed": {"other": [1]}},
        {"printed": "ab"},
        {"printed": ["a"]},
        {"printed": ["a", 1]},
        {"same": 2},
        {"generators": [1]},
    ],
)
def test_effects_that_no_call_can_have_break_the_line(effects: dict[str, Any]) -> None:
    kernel = Kernel(REFERENCE, {"value": None, "effects": effects})
    line = line_to(kernel)
    line.shares_generators = True
    given: list[int] = [0]

    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        line.call(line.ask("attribute"), (given, 1), {"by": 2})

    assert line.broken is not None
    assert given == [0]


def test_what_a_call_changes_prints_and_returns_is_the_tests_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    effects = {"changed": {0: [1], "by": {"a": 2}}, "printed": ["out", "err"], "same": "by"}
    line = line_to(Kernel(REFERENCE, {"value": None, "effects": effects}))
    line.shares_generators = True
    items: list[int] = []
    by: dict[str, int] = {}

    assert line.call(line.ask("attribute"), (items,), {"by": by}) is by
    assert (items, by) == ([1], {"a": 2})
    assert capsys.readouterr() == ("out", "err")


def test_the_generators_go_on_here_as_the_call_has_left_them() -> None:
    left = switches.generators()
    drawn = random.random()
    line = line_to(Kernel(REFERENCE, {"value": 1, "effects": {"generators": left}}))
    line.shares_generators = True

    line.call(line.ask("attribute"), (), {})

    assert random.random() == drawn


@pytest.mark.parametrize("do", ["await", "anext"])
def test_what_is_awaited_prints_for_the_test_and_changes_nothing(
    do: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prints, changes = {"printed": ["out", "err"]}, {"changed": {0: [1]}}
    kernel = Kernel(
        REFERENCE, {"value": 2, "effects": prints}, value(3), {"value": 2, "effects": changes}
    )
    line = line_to(kernel)
    found = line.ask("attribute")

    assert [line.wait(do, found), line.wait(do, found)] == [2, 3]
    assert capsys.readouterr() == ("out", "err")
    with pytest.raises(CourseError, match="something that cannot be read"):
        line.wait(do, found)
    assert kernel.requests[1] == {"do": do, "target": Reference(0, "Momentum")}


def test_only_what_a_call_was_handed_is_known_to_be_another_object() -> None:
    line = line_to(Kernel(REFERENCE, value([1]), value(2)))
    target, handed, other = line.ask("attribute"), [1], [1]
    by = {"a": 1}

    result = line.call(target, (handed,), {"by": by})
    number = line.call(target, (handed,), {})

    assert line.is_new(result, handed)
    assert line.is_new(result, by)
    assert not line.is_new(result, other)
    assert not line.is_new(other, handed)
    assert not line.is_new(number, handed)


@pytest.mark.parametrize(
    "reference",
    [
        Reference(FUNCTION_NUMBERS, "function"),
        Reference(FUNCTION_NUMBERS + 7, "function"),
        Reference(ITERATORS, "list_iterator"),
        Reference(NAME_NUMBERS, "no.such.name"),
    ],
)
def test_a_reference_to_nothing_of_the_tests_breaks_the_line(reference: Reference) -> None:
    line = line_to(Kernel(value(reference)))

    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        line.ask("attribute")

    assert line.broken is not None


def test_a_line_anew_lets_the_test_do_the_same_in_the_same_place() -> None:
    permissions, folder = Permissions(), object()
    line: Any = KernelChannel(Kernel(), Limits(), permissions=permissions)
    line.folder = folder

    assert line.again().permissions is permissions
    assert line.again().folder is folder


@pytest.mark.parametrize(
    "name", ["__class_getitem__", "__wrapped__", "__dict_of__", "__array_interface__", "__len"]
)
def test_pythons_own_names_never_reach_the_kernel(name: str) -> None:
    kernel = Kernel(REFERENCE)
    found = object_in(kernel)

    with pytest.raises(AttributeError, match=f"^{name}$"):
        getattr(found, name)

    assert kernel.asked == ["attribute"]


def test_a_name_of_the_students_own_reaches_it_whole() -> None:
    kernel = Kernel(REFERENCE, value(1), value(2))
    found = object_in(kernel)

    assert (found._velocity, found.rate) == (1, 2)
    assert [request["name"] for request in kernel.requests[1:]] == ["_velocity", "rate"]


@pytest.mark.parametrize("length", [-1, 2**31, 2**70, True, 2.0, "7", None])
def test_what_is_no_length_breaks_the_line(length: Any) -> None:
    found = object_in(Kernel(REFERENCE, value(length)))

    with pytest.raises(CourseError, match="something that cannot be read"):
        len(found)


@pytest.mark.parametrize("length", [0, 1, 2**31 - 1])
def test_a_length_comes_as_it_is(length: int) -> None:
    kernel = Kernel(REFERENCE, value(length))
    found = object_in(kernel)

    assert len(found) == length
    assert kernel.requests[1] == {"do": "length", "target": Reference(0, "Momentum")}


@pytest.mark.parametrize(
    ("use", "do", "right", "wrong"),
    [(bool, "truth", True, 1), (float, "number", 2.5, 2), (float, "number", 2.5, "2.5")],
)
def test_truth_and_numbers_are_of_their_own_type(
    use: Callable[[Any], Any], do: str, right: Any, wrong: Any
) -> None:
    kernel = Kernel(REFERENCE, value(right), value(wrong))
    found = object_in(kernel)

    assert use(found) == right
    with pytest.raises(CourseError, match="something that cannot be read"):
        use(found)
    assert kernel.asked[1:] == [do, do]


def items_of(found: Any) -> int:
    """Return how many items an object gives. (`list` would ask for its length as well.)"""
    return sum(1 for _ in found)


def rounds(*sizes: int) -> Iterable[dict[str, Any]]:
    """Yield the replies of an iterator that gives so many items at a time, and then ends."""
    for size in sizes:
        yield value((Reference(1, "iterator"), [0] * size, True))
    yield value((None, [], False))


def test_an_iterator_is_asked_for_ever_more_items_up_to_a_bound() -> None:
    sizes = (2, 4, 8, 16, 32, 64, 64)
    kernel = Kernel(REFERENCE, *rounds(*sizes))
    found = object_in(kernel)

    assert items_of(found) == sum(sizes)
    assert [request["count"] for request in kernel.requests[1:]] == [*sizes, 64]
    assert kernel.asked[1:] == ["iterate", *["next"] * len(sizes)]
    assert kernel.requests[-1]["iterator"] == Reference(1, "iterator")


def test_just_so_many_items_are_taken() -> None:
    found = object_in(Kernel(REFERENCE, *rounds(2, 4)), items=6)
    assert items_of(found) == 6

    found = object_in(Kernel(REFERENCE, *rounds(2, 4)), items=5)
    with pytest.raises(CourseError) as told:
        items_of(found)

    expected = "<Momentum in the student's kernel> gives more than 5 values"
    assert str(told.value) == expected


@pytest.mark.parametrize(
    "reply",
    [
        (None, [], True),
        (None, (1, 2), False),
        (None, [1], 1),
        (None, [1]),
        (None, [1], False, 0),
        [None, [1], False],
        "abc",
    ],
)
def test_what_are_no_items_break_the_line(reply: Any) -> None:
    found = object_in(Kernel(REFERENCE, value(reply)))

    with pytest.raises(CourseError, match="something that cannot be read"):
        items_of(found)


def test_an_array_is_made_of_data_in_the_type_that_was_asked_for() -> None:
    kernel = Kernel(REFERENCE, value([1, 2]), value([1, 2]))
    found = object_in(kernel)

    assert np.asarray(found).dtype == np.array([1, 2]).dtype
    np.testing.assert_array_equal(np.asarray(found, dtype=np.float32), np.float32([1, 2]))
    assert kernel.asked[1:] == ["plain", "plain"]


def test_what_is_no_data_is_no_array() -> None:
    with pytest.raises(Unable, match="it makes an array of what stays in the student's kernel"):
        np.asarray(object_in(Kernel(REFERENCE, REFERENCE)))


def test_a_probe_runs_where_the_object_is() -> None:
    kernel = Kernel(REFERENCE, value(3))
    found: Remote = object_in(kernel)

    assert found._probe_("call_many", (found, [1]), {"times": 2}) == 3
    assert kernel.requests[1] == {
        "do": "probe",
        "name": "call_many",
        "arguments": (Reference(0, "Momentum"), [1]),
        "keywords": {"times": 2},
    }


def raised(**details: Any) -> AnswerError:
    with pytest.raises(AnswerError) as told:
        line_to(Kernel({"raised": details})).ask("call")
    return told.value


def test_an_exception_comes_with_its_name_its_words_and_its_line() -> None:
    error = raised(name="KeyError", said="no weight", line=3, source="w[0]")

    assert isinstance(error, KeyError)
    assert (error.name, error.said, error.line, error.source) == (
        "KeyError",
        "no weight",
        3,
        "w[0]",
    )


def test_an_exception_of_the_students_own_is_no_other() -> None:
    error = raised(name="Unfit", said="", bases=["Exception"])

    assert isinstance(error, Exception)
    assert not isinstance(error, ValueError | SystemExit)
    assert (error.name, error.said, error.line, error.source) == ("Unfit", "", None, "")


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "TheirOwn"])
def test_what_catches_every_exception_catches_no_end_of_a_program(name: str) -> None:
    error = raised(name=name, said="", bases=["BaseException", "object"])

    assert not isinstance(error, Exception)
    assert isinstance(error, SystemExit) is (name == "SystemExit")
    # Whoever meets one of these takes it for Python's own.
    assert not isinstance(error, KeyboardInterrupt | GeneratorExit)


@pytest.mark.parametrize("line", ["3", True, 2.0, None])
def test_what_is_no_line_number_is_none(line: Any) -> None:
    assert raised(name="ValueError", line=line).line is None


def test_a_kernel_cannot_make_an_exception_long() -> None:
    error = raised(name="N" * 10_000, said="s" * 10_000, source="l" * 10_000)

    assert {len(error.name), len(error.said), len(error.source)} == {answer_errors.MAX_ERROR_SAID}


def test_an_exceptions_text_of_a_hundred_megabytes_is_cut_where_it_is_raised() -> None:
    def answer() -> None:
        raise ValueError("x" * 100 * 2**20)

    service = Service({"answer": answer})
    sent: list[int] = []

    def exchange(request: bytes, _: float) -> bytes:
        reply = service.answer(request)
        sent.append(len(reply))
        return reply

    found = KernelChannel(exchange, Limits()).ask("begin", names=["answer"], seed=1)["answer"]
    with pytest.raises(AnswerError) as told:
        found()

    assert told.value.said == "x" * MAX_ERROR_MESSAGE
    assert sent[-1] < 2 * MAX_ERROR_MESSAGE


def test_an_exception_that_cannot_be_put_into_words_is_one_all_the_same() -> None:
    class Dumb(ValueError):
        def __str__(self) -> str:
            raise RuntimeError

    def answer() -> None:
        raise Dumb

    service = Service({"answer": answer})
    line = KernelChannel(lambda request, _: service.answer(request), Limits())

    with pytest.raises(AnswerError) as told:
        line.ask("begin", names=["answer"], seed=1)["answer"]()

    assert (told.value.name, told.value.said) == ("Dumb", "")
