"""What a kernel's service does when it is asked: each operation, and each thing that goes wrong."""

from __future__ import annotations

import collections
import linecache
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nbjudge.kernel.service import Service
from nbjudge.kernel.wire import Bounds, Reference, decode, encode


class Talk:
    """A service, asked in plain values; an object that stays there comes as its reference."""

    def __init__(self, bounds: Bounds | None = None, probes: str = "", **namespace: Any) -> None:
        self._service = Service(namespace, bounds, probes=probes)

    def ask(self, do: str, **details: Any) -> Any:
        request = encode({"do": do, **details}, refer=lambda reference: reference)
        reply = self._service.answer(request)
        return decode(reply, Bounds(), resolve=lambda reference: reference)

    def begin(self, *names: str) -> Any:
        return self.ask("begin", names=list(names), seed=1)["value"]


def test_only_the_names_that_are_asked_for_and_there_come() -> None:
    talk = Talk(loss=1.5, rate=[2], other=3)

    assert talk.begin("loss", "rate", "missing") == {"loss": 1.5, "rate": [2]}


def test_objects_stay_under_numbers_and_are_called_by_them() -> None:
    talk = Talk(double=lambda x, by=2: x * by, half=lambda x: x / 2)
    found = talk.begin("double", "half")

    assert found["double"] == Reference(0, "function")
    called = {"target": found["double"], "arguments": (3,), "keywords": {"by": 4}}
    assert talk.ask("call", **called) == {"value": 12}
    assert talk.ask("call", target=found["half"], arguments=(3,), keywords={}) == {"value": 1.5}


class Bag:
    rate = 0.5

    def __len__(self) -> int:
        return 3

    def __bool__(self) -> bool:
        return False

    def __float__(self) -> float:
        return 2.5

    def __getitem__(self, key: Any) -> Any:
        return [key]

    def __iter__(self) -> Any:
        return iter(range(5))


@pytest.mark.parametrize(
    ("do", "details", "value"),
    [
        ("attribute", {"name": "rate"}, 0.5),
        ("item", {"key": "w"}, ["w"]),
        ("length", {}, 3),
        ("truth", {}, False),
        ("number", {}, 2.5),
    ],
)
def test_an_object_is_asked_what_python_would_ask_it(
    do: str, details: dict[str, Any], value: Any
) -> None:
    talk = Talk(bag=Bag())

    assert talk.ask(do, target=talk.begin("bag")["bag"], **details) == {"value": value}


def test_an_iterator_gives_as_many_as_are_asked_for_and_says_when_it_has_ended() -> None:
    talk = Talk(bag=Bag())
    bag = talk.begin("bag")["bag"]

    iterator, first, more = talk.ask("iterate", target=bag, count=2)["value"]
    assert (first, more) == ([0, 1], True)
    assert talk.ask("next", iterator=iterator, count=2)["value"][1:] == ([2, 3], True)
    assert talk.ask("next", iterator=iterator, count=2)["value"] == (None, [4], False)


def test_a_probe_of_the_courses_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    probes = types.ModuleType("probes_of_a_course")
    vars(probes)["told"] = lambda *a, **k: [*a, k]
    monkeypatch.setitem(sys.modules, probes.__name__, probes)
    asked = {"name": "told", "arguments": (1, 2), "keywords": {"by": 3}}

    told = Talk(probes=probes.__name__).ask("probe", **asked)

    assert told == {"value": [1, 2, {"by": 3}]}


@pytest.mark.parametrize("own", ["", "math"])
def test_a_probe_of_the_judges_runs_here_whatever_the_courses_are(own: str) -> None:
    asked = {"name": "kinds", "arguments": (True,), "keywords": {}}

    found = Talk(probes=own).ask("probe", **asked)

    assert found == {"value": ["builtins.bool", "builtins.int", "builtins.object"]}


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("held", "data"),
    [
        (Pair(1, 2.5), (1, 2.5)),
        (type("Named", (dict,), {})(a=1), {"a": 1}),
        (type("Tally", (collections.Counter,), {})("aab"), collections.Counter("aab")),
        (type("Bag", (set,), {})([1]), {1}),
        (type("Words", (str,), {})("w"), "w"),
        (type("Count", (int,), {})(7), 7),
        (type("Rate", (float,), {})(0.5), 0.5),
        (type("Wave", (complex,), {})(1j), 1j),
        (type("Raw", (bytes,), {})(b"r"), b"r"),
        (type("Row", (list,), {})([1]), [1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_data_of_an_extended_type_come_as_the_plain_type(held: Any, data: Any) -> None:
    talk = Talk(held=held)
    found = talk.begin("held")["held"]
    assert isinstance(found, Reference)

    assert talk.ask("plain", target=found) == {"value": data}


def test_a_table_of_an_extended_type_comes_as_a_table() -> None:
    talk = Talk(held=type("Table", (pd.DataFrame,), {})({"a": [1]}))

    (value,) = talk.ask("plain", target=talk.begin("held")["held"]).values()

    pd.testing.assert_frame_equal(value, pd.DataFrame({"a": [1]}))


def test_arrays_of_an_extended_type_come_as_arrays() -> None:
    talk = Talk(held=np.array([1.0, 2.0]).view(type("Own", (np.ndarray,), {})))

    (value,) = talk.ask("plain", target=talk.begin("held")["held"]).values()

    assert type(value) is np.ndarray
    np.testing.assert_array_equal(value, [1.0, 2.0])


@pytest.mark.parametrize("requires_grad", [True, False])
def test_tensors_of_an_extended_type_come_as_tensors(requires_grad: bool) -> None:
    talk = Talk(held=torch.nn.Parameter(torch.ones(2), requires_grad=requires_grad))

    (value,) = talk.ask("plain", target=talk.begin("held")["held"]).values()

    assert type(value) is torch.Tensor
    assert value.requires_grad is requires_grad
    assert value.tolist() == [1, 1]


def test_what_extends_nothing_plain_stays() -> None:
    talk = Talk(held=Bag())
    found = talk.begin("held")["held"]

    assert talk.ask("plain", target=found) == {"value": Reference(0, "Bag")}


def test_an_exception_is_told_with_the_line_of_the_cell_that_raised_it() -> None:
    long = "half / 0" + " " * 300 + "+ 1"
    source = f"def answer(w):\n    half = w / 2\n    return {long}\n"
    cell = "<ipython-input-1>"
    linecache.cache[cell] = (len(source), None, source.splitlines(keepends=True), cell)
    namespace: dict[str, Any] = {}
    exec(compile(source, cell, "exec"), namespace)
    talk = Talk(answer=namespace["answer"])
    target = talk.begin("answer")["answer"]

    found = talk.ask("call", target=target, arguments=(1.0,), keywords={})

    del linecache.cache[cell]
    assert found == {
        "raised": {
            "name": "ZeroDivisionError",
            "said": "float division by zero",
            "line": 3,
            "source": f"return {long}"[:200],
            "bases": ["ArithmeticError", "Exception", "BaseException", "object"],
            "object": Reference(1, "ZeroDivisionError"),
        }
    }


@pytest.mark.parametrize("left", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_an_answer_raises_is_a_reply(left: type[BaseException]) -> None:
    def answer() -> None:
        raise left

    talk = Talk(answer=answer)
    target = talk.begin("answer")["answer"]

    assert talk.ask("call", target=target, arguments=(), keywords={})["raised"]["name"] == (
        left.__name__
    )


def test_an_exceptions_own_name_is_not_long() -> None:
    long = type("N" * 1000, (Exception,), {})

    def answer() -> None:
        raise long

    talk = Talk(answer=answer)
    target = talk.begin("answer")["answer"]

    asked = talk.ask("call", target=target, arguments=(), keywords={})
    assert asked["raised"]["name"] == "N" * 100


def test_what_is_too_much_for_the_bounds_is_refused_in_words() -> None:
    talk = Talk(Bounds(), values=list(range(200_000)))

    assert talk.ask("begin", names=["values"], seed=1) == {
        "refused": "it holds more than 100000 values"
    }


@pytest.mark.parametrize("request_", [{"do": "no_such_thing"}, {"do": "call"}, {"done": 1}, [1]])
def test_what_is_no_request_is_answered_with_an_error(request_: Any) -> None:
    reply = decode(Service({}).answer(encode(request_)), Bounds())

    assert reply.keys() == {"raised"}


def test_a_reference_to_nothing_is_an_error() -> None:
    assert "raised" in Talk().ask("length", target=Reference(0, "Bag"))
