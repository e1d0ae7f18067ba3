"""What a kernel's service does when it is asked: each operation, and each thing that goes wrong."""

from __future__ import annotations

import collections
import importlib.util
import linecache
import sys
import types
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nbjudge import seeds
from nbjudge.kernel import switches
from nbjudge.kernel.references import FUNCTION_NUMBERS, ITERATORS
from nbjudge.kernel.service import Service
from nbjudge.kernel.wire import Reference, ValueBounds, decode, encode
from nbjudge.kernel.working_folder import NO_CHANGES


class Talk:
    """A service, asked in plain values; an object that stays there comes as its reference."""

    def __init__(
        self, bounds: ValueBounds | None = None, probes: str = "", **namespace: Any
    ) -> None:
        self.namespace = namespace
        self.service = Service(namespace, bounds, probes=probes)

    def ask(self, do: str, **details: Any) -> Any:
        return self._read(self.service.answer(self._write({"do": do, **details})))

    def give_back(self, *resumed: dict[str, Any]) -> list[Any]:
        """Answer what the service asks meanwhile, and return the list of what that is."""
        asked: list[Any] = []
        waiting = iter(resumed)

        def converse(reply: bytes) -> bytes:
            asked.append(self._read(reply))
            return self._write({"do": "resume", **next(waiting)})

        self.service.converse = converse
        return asked

    def _write(self, request: dict[str, Any]) -> bytes:
        bounds = ValueBounds(depth=50)
        return encode(request, bounds, refer=lambda reference: reference, handed=True)

    def _read(self, reply: bytes) -> Any:
        return decode(reply, ValueBounds(), resolve=lambda reference: reference)

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
        ("contains", {"item": 4}, True),
        ("contains", {"item": 5}, False),
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


@pytest.mark.parametrize("own", [{}, {"probes": ""}, {"probes": "math"}])
def test_a_probe_of_the_judges_runs_here_whatever_the_courses_are(own: dict[str, str]) -> None:
    talk = Talk()
    talk.service = Service({}, **own)

    found = talk.ask("probe", name="kinds", arguments=(True,), keywords={})

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
    long = type("N" * 1000, (type("B" * 1000, (Exception,), {}),), {})

    def answer() -> None:
        raise long

    talk = Talk(answer=answer)
    target = talk.begin("answer")["answer"]

    asked = talk.ask("call", target=target, arguments=(), keywords={})
    assert asked["raised"]["name"] == "N" * 100
    assert asked["raised"]["bases"][0] == "B" * 100


def test_what_is_too_much_for_the_bounds_is_refused_in_words() -> None:
    talk = Talk(ValueBounds(), values=list(range(200_000)))

    assert talk.ask("begin", names=["values"], seed=1) == {
        "refused": "it holds more than 100000 values"
    }


@pytest.mark.parametrize("request_", [{"do": "no_such_thing"}, {"do": "call"}, {"done": 1}, [1]])
def test_what_is_no_request_is_answered_with_an_error(request_: Any) -> None:
    reply = decode(Service({}).answer(encode(request_)), ValueBounds())

    assert reply.keys() == {"raised"}


@pytest.mark.parametrize("number", [0, 1])
def test_a_reference_to_nothing_is_an_error_that_says_so(number: int) -> None:
    found = Talk().ask("length", target=Reference(number, "Bag"))["raised"]

    assert found["name"] == "WireError"
    assert found["said"] == f"there is no object number {number}"


@pytest.mark.parametrize(("most", "length"), [(30, 1), (20, None)])
def test_a_request_may_hold_what_the_courses_limits_allow_and_no_more(
    most: int, length: int | None
) -> None:
    nested: list[Any] = [0]
    for _ in range(23):
        nested = [nested]
    talk = Talk(ValueBounds(depth=most), count=len, ask=lambda function: len(function()))
    talk.give_back({"value": nested})
    found = talk.begin("count", "ask")
    function = Reference(FUNCTION_NUMBERS, "function")

    handed = talk.ask("call", target=found["count"], arguments=(nested,), keywords={})
    given = talk.ask("call", target=found["ask"], arguments=(function,), keywords={})

    assert handed.get("value") == given.get("value") == length


def test_a_function_of_the_tests_may_give_a_path() -> None:
    talk = Talk(suffix=lambda gives: gives().suffix)
    talk.give_back({"value": Path("a/b.txt")})
    target = talk.begin("suffix")["suffix"]

    found = talk.ask(
        "call", target=target, arguments=(Reference(FUNCTION_NUMBERS, "f"),), keywords={}
    )

    assert found == {"value": ".txt"}


def test_each_iterator_of_the_tests_is_asked_by_its_own_number() -> None:
    talk = Talk(pairs=lambda one, other: list(zip(one, other)))  # noqa: B905
    asked = talk.give_back({"value": 1}, {"value": 2}, {"raised": ["StopIteration", ""]})
    both = Reference(ITERATORS, "iterator"), Reference(ITERATORS + 1, "iterator")
    target = talk.begin("pairs")["pairs"]

    assert talk.ask("call", target=target, arguments=both, keywords={}) == {"value": [(1, 2)]}
    assert asked == [{"callback": (number, (), {})} for number in (0, 1, 0)]


def test_a_function_of_the_tests_may_give_back_an_object_of_the_notebooks() -> None:
    held = object()
    talk = Talk(held=held, gets=lambda gives: gives() is held)
    found = talk.begin("held", "gets")
    talk.give_back({"value": found["held"]})
    function = Reference(FUNCTION_NUMBERS, "f")

    assert talk.ask("call", target=found["gets"], arguments=(function,), keywords={}) == {
        "value": True
    }


@pytest.mark.parametrize(("own", "dtype"), [(False, "torch.float32"), (True, "torch.float64")])
def test_a_test_begins_with_the_usual_switches_or_with_the_notebooks(own: bool, dtype: str) -> None:
    talk = Talk(dtype=lambda: str(torch.get_default_dtype()))
    with switches.keep_switches():
        talk.ask("start", seed=1)
        torch.set_default_dtype(torch.float64)

        target = talk.ask("begin", names=["dtype"], seed=1, own=own)["value"]["dtype"]
        found = talk.ask("call", target=target, arguments=(), keywords={})
        talk.service.end()

        assert found == {"value": dtype}
        assert torch.get_default_dtype() is torch.float64


def test_a_function_of_the_tests_has_its_name_and_is_asked_by_its_number() -> None:
    talk = Talk(call=lambda f: (f.__name__, f.__qualname__, f(1, by=2)))
    asked = talk.give_back({"value": 3})
    target = talk.begin("call")["call"]

    found = talk.ask(
        "call", target=target, arguments=(Reference(FUNCTION_NUMBERS + 7, "g"),), keywords={}
    )

    assert found == {"value": ("g", "g", 3)}
    assert asked == [{"callback": (7, (1,), {"by": 2})}]


def test_nothing_is_called_where_nobody_listens() -> None:
    talk = Talk(call=lambda f: f())
    target = talk.begin("call")["call"]

    found = talk.ask(
        "call", target=target, arguments=(Reference(FUNCTION_NUMBERS, "f"),), keywords={}
    )

    assert found["raised"]["said"] == "nobody is there to call"


def test_the_variables_that_students_see_are_told() -> None:
    assert Talk(rate=1, _own=2, __name__="n").ask("names") == {"value": ["rate"]}


def test_a_variable_is_set_and_deleted_while_a_test_is_on() -> None:
    talk = Talk(rate=1, loss=2)
    talk.ask("bind", name="rate", value=3)
    talk.ask("bind", name="rate", value=4)
    talk.ask("bind", name="new", value=5)
    talk.ask("unbind", name="loss")
    assert talk.ask("unbind", name="missing") == {"value": None}
    assert talk.namespace == {"rate": 4, "new": 5}

    talk.service.end()

    assert talk.namespace == {"rate": 1, "loss": 2}


def test_names_stand_again_for_what_they_did_at_a_test() -> None:
    talk = Talk(rate=1, other=2)
    talk.ask("keep", test="test_1", names=["rate"])
    talk.namespace.update(rate=3, other=4)

    assert talk.ask("recall", test="test_1", names=["rate"]) == {"value": True}
    assert talk.namespace == {"rate": 1, "other": 4}
    assert talk.ask("recall", test="test_2", names=["rate"]) == {"value": False}


def test_pytorch_begins_with_the_seed_of_the_start_when_it_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Empty:
        def create_module(self, _: ModuleSpec) -> None: ...

        def exec_module(self, _: types.ModuleType) -> None: ...

    seeded: list[int] = []
    monkeypatch.setattr(seeds, "seed_torch", seeded.append)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(PathFinder, "find_spec", lambda *_: ModuleSpec("torch", Empty()))

    Talk().ask("start", seed=3)
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(types.ModuleType("torch"))

    assert seeded == [3, 3]


def test_a_notebook_without_a_folder_changes_nothing_there(tmp_path: Path) -> None:
    talk = Talk()

    assert talk.ask("folder_changes", since_start=True) == {"value": dict(NO_CHANGES)}
    assert talk.ask("folder_apply", changes=dict(NO_CHANGES)) == {"value": None}

    talk.service = Service({}, folder=tmp_path)
    (tmp_path / "a.txt").write_text("x")
    changed = {"value": {**NO_CHANGES, "files": {"a.txt": b"x"}}}
    assert talk.ask("folder_changes", since_start=False) == changed
    assert talk.ask("folder_changes", since_start=False) == {"value": dict(NO_CHANGES)}
    assert talk.ask("folder_changes", since_start=True) == changed
