"""What each operator and function of Python's asks of the kernel where it meets a stand-in."""

from __future__ import annotations

import asyncio
import copy
import inspect
import operator
import os
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nbjudge.exceptions import CourseError
from nbjudge.kernel.wire import Reference, decode, encode
from nbjudge.remote import AnswerError
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.stand_in import Unable

VECTOR = Reference(0, "Vector")


class Everything:
    """Lets a test do all there is."""

    def allows(self, _: str) -> bool:
        return True


class Kernel:
    """Answers each request with the next of some values, and remembers what was asked."""

    def __init__(self, *replies: Any, reference: Reference = VECTOR) -> None:
        self._replies = iter([reference, *replies])
        self.requests: list[dict[str, Any]] = []
        self.line = KernelChannel(self._answer, Limits())

    def stand_in(self, permissions: Any = None) -> Any:
        self.line.permissions = permissions or self.line.permissions
        return self.line.ask("attribute")

    def _answer(self, content: bytes, _: float) -> bytes:
        self.requests.append(decode(content, Limits().bounds, resolve=lambda found: found))
        return encode({"value": next(self._replies)}, refer=lambda found: found)

    @property
    def operations(self) -> list[tuple[Any, ...]]:
        """The operations that were asked for, each with what it was asked of."""
        told = [{**request} for request in self.requests if request.pop("do") == "operate"]
        return [(request["name"], request["arguments"]) for request in told]


def set_item(value: Any) -> None:
    value[0] = 1


def delete_item(value: Any) -> None:
    del value[0]


def add_in_place(value: Any) -> Any:
    value += 1
    return value


Use = Callable[[Any], Any]
#: What is done, what of the kernel's table it is with what arguments, what a test is told where it
#: may not do it, and what comes back.
OPERATIONS: list[tuple[Use, str, tuple[Any, ...], str, Any]] = [
    (lambda v: v == 1, "eq", (VECTOR, 1), "uses `==` on", True),
    (lambda v: v != 1, "ne", (VECTOR, 1), "uses `!=` on", False),
    (lambda v: v < 1, "lt", (VECTOR, 1), "uses `<` on", True),
    (lambda v: v >= 1, "ge", (VECTOR, 1), "uses `>=` on", True),
    (lambda v: v + 1, "add", (VECTOR, 1), "uses `+` on", 2),
    (lambda v: 1 + v, "add", (1, VECTOR), "uses `+` on", 2),
    (lambda v: v @ 1, "matmul", (VECTOR, 1), "uses `@` on", 2),
    (lambda v: 2 // v, "floordiv", (2, VECTOR), "uses `//` on", 2),
    (lambda v: v**2, "pow", (VECTOR, 2), "uses `**` on", 4),
    (lambda v: pow(v, 2, 5), "pow", (VECTOR, 2, 5), "uses `**` on", 4),
    (lambda v: divmod(v, 2), "divmod", (VECTOR, 2), "uses `divmod` on", (0, 1)),
    (lambda v: divmod(7, v), "divmod", (7, VECTOR), "uses `divmod` on", (0, 1)),
    (add_in_place, "iadd", (VECTOR, 1), "uses `+` on", 2),
    (operator.neg, "neg", (VECTOR,), "uses `-` on", -1),
    (abs, "abs", (VECTOR,), "uses `abs` on", 1),
    (lambda v: round(v, 2), "round", (VECTOR, 2), "uses `round` on", 1),
    (hash, "hash", (VECTOR,), "takes the hash of", 3),
    (str, "str", (VECTOR,), "uses `str` of", "v"),
    (lambda v: f"{v:>5}", "format", (VECTOR, ">5"), "uses `str` of", "    v"),
    (int, "int", (VECTOR,), "uses `int` of", 3),
    (operator.index, "index", (VECTOR,), "uses as an index", 3),
    (complex, "complex", (VECTOR,), "uses `complex` of", 1j),
    (dir, "dir", (VECTOR,), "uses `dir` of", ["x"]),
    (os.fspath, "fspath", (VECTOR,), "uses as a path", "a.txt"),
    (next, "next", (VECTOR,), "uses `next` on", 1),
    (reversed, "reversed", (VECTOR,), "reverses", [1]),
    (set_item, "setitem", (VECTOR, 0, 1), "sets an item of", None),
    (delete_item, "delitem", (VECTOR, 0), "deletes an item of", None),
    (lambda v: setattr(v, "x", 4), "setattr", (VECTOR, "x", 4), "sets the attribute `x` of", None),
    (lambda v: delattr(v, "x"), "delattr", (VECTOR, "x"), "deletes the attribute `x` of", None),
    (copy.copy, "copy", (VECTOR,), "copies", 1),
    (copy.deepcopy, "deepcopy", (VECTOR,), "copies", 1),
    (lambda v: isinstance(1, v), "instancecheck", (VECTOR, 1), "uses `isinstance` with", True),
]


@pytest.mark.parametrize(("use", "name", "arguments", "told", "result"), OPERATIONS)
def test_an_operation_is_the_kernels_where_the_test_may_do_it(
    use: Use, name: str, arguments: tuple[Any, ...], told: str, result: Any
) -> None:
    kernel = Kernel(result)

    assert use(kernel.stand_in(Everything())) == result
    assert kernel.operations == [(name, arguments)]


@pytest.mark.parametrize(("use", "name", "arguments", "told", "result"), OPERATIONS)
def test_an_operation_that_a_test_may_not_do_is_its_fault_in_words(
    use: Use, name: str, arguments: tuple[Any, ...], told: str, result: Any
) -> None:
    kernel = Kernel()
    expected = f"it {told} what stays in the student's kernel, an object of type 'Vector'"

    with pytest.raises(Unable) as refused:
        use(kernel.stand_in())

    assert str(refused.value) == kernel.line.fault == expected
    assert kernel.operations == []


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda v: types.new_class("Mine", (v,)), "makes a subclass of"),
        (lambda v: v.__reduce_ex__(2), "copies"),
    ],
)
def test_what_no_stand_in_can_do_is_told(use: Use, told: str) -> None:
    kernel = Kernel()

    with pytest.raises(Unable, match=f"^it {told} what stays in the student's kernel, an object"):
        use(kernel.stand_in(Everything()))


@pytest.mark.parametrize(
    ("use", "wrong"),
    [
        (hash, True),
        (str, 1),
        (lambda v: f"{v}", None),
        (int, "3"),
        (operator.index, 3.0),
        (complex, 1.0),
        (dir, ("x",)),
        (os.fspath, b"a.txt"),
        (lambda v: isinstance(1, v), 1),
    ],
)
def test_what_python_itself_would_stumble_over_breaks_the_line(use: Use, wrong: Any) -> None:
    kernel = Kernel(wrong)

    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        use(kernel.stand_in(Everything()))

    assert kernel.line.broken is not None


@pytest.mark.parametrize(
    ("use", "asked", "result"),
    [
        (lambda v: v.rate, {"do": "attribute", "name": "rate"}, 0.5),
        (lambda v: v["w"], {"do": "item", "key": "w"}, 0.5),
        (lambda v: 4 in v, {"do": "contains", "item": 4}, True),
        (len, {"do": "length"}, 3),
        (float, {"do": "number"}, 0.5),
        (np.asarray, {"do": "plain"}, 0.5),
    ],
)
def test_what_every_test_may_ask_is_asked_of_the_object(
    use: Use, asked: dict[str, Any], result: Any
) -> None:
    kernel = Kernel(result)

    assert use(kernel.stand_in()) == result
    assert kernel.requests[1:] == [{"target": VECTOR, **asked}]


def test_what_says_neither_yes_nor_no_to_an_item_breaks_the_line() -> None:
    with pytest.raises(CourseError, match="something that cannot be read"):
        _ = 4 in Kernel(1).stand_in()


def test_a_with_block_tells_the_object_how_it_is_left() -> None:
    kernel = Kernel(1, None, 1, True, 1, True)
    found = kernel.stand_in(Everything())

    with found as entered:
        assert entered == 1
    with found:
        raise ValueError("no")
    with found:
        raise AnswerError("OwnError", "theirs")

    assert kernel.operations == [
        ("enter", (VECTOR,)),
        ("exit", (VECTOR, None)),
        ("enter", (VECTOR,)),
        ("exit", (VECTOR, ["ValueError", "no"])),
        ("enter", (VECTOR,)),
        ("exit", (VECTOR, ["OwnError", "theirs"])),
    ]


def test_an_asynchronous_with_block_does_so_too() -> None:
    waits = Reference(1, "coroutine")
    kernel = Kernel(waits, 1, waits, None, waits, 1, waits, True)
    found = kernel.stand_in(Everything())

    async def block() -> Any:
        async with found as entered:
            pass
        async with found:
            raise ValueError("no")
        return entered

    assert asyncio.run(block()) == 1
    assert kernel.operations == [
        ("aenter", (VECTOR,)),
        ("aexit", (VECTOR, None)),
        ("aenter", (VECTOR,)),
        ("aexit", (VECTOR, ["ValueError", "no"])),
    ]
    assert [request["target"] for request in kernel.requests if "target" in request] == [waits] * 4


@pytest.mark.parametrize(("use", "told"), [("aenter", "async with"), ("enter", "with")])
def test_a_with_block_that_a_test_may_not_enter_is_its_fault(use: str, told: str) -> None:
    found = Kernel().stand_in()

    with pytest.raises(Unable, match=f"it uses `{told}` on what stays"):
        asyncio.run(found.__aenter__()) if use == "aenter" else found.__enter__()
    with pytest.raises(Unable, match=f"it uses `{told}` on what stays"):
        leaves = (None, None, None)
        asyncio.run(found.__aexit__(*leaves)) if use == "aenter" else found.__exit__(*leaves)


def test_items_are_awaited_from_the_objects_own_iterator() -> None:
    kernel = Kernel(Reference(1, "async_generator"), 5, 6)
    found = kernel.stand_in()

    async def two() -> list[Any]:
        iterator = aiter(found)
        return [await anext(iterator), await anext(iterator)]

    assert asyncio.run(two()) == [5, 6]
    asked = [(request["do"], request["target"].number) for request in kernel.requests[1:]]
    assert asked == [("aiter", 0), ("anext", 1), ("anext", 1)]


def test_what_is_no_iterator_breaks_the_line() -> None:
    with pytest.raises(CourseError, match="something that cannot be read"):
        aiter(Kernel(3).stand_in())


FUNCTION = Reference(0, "function")


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda f: f + 1, r"`\+` cannot be used on a function"),
        (lambda f: 1 + f, r"`\+` cannot be used on a function"),
        (lambda f: f < 1, "`<` cannot be used on a function"),
    ],
)
def test_nobody_calculates_with_a_function(use: Use, told: str) -> None:
    kernel = Kernel(reference=FUNCTION)

    with pytest.raises(TypeError, match=told) as error:
        use(kernel.stand_in())

    assert error.value.name == "TypeError"  # type: ignore[attr-defined]
    assert kernel.line.fault == ""


def test_a_function_is_no_data_and_no_array() -> None:
    found = Kernel(FUNCTION, reference=FUNCTION).stand_in()

    assert found != 1
    assert found is not None
    assert not found == [1]  # noqa: SIM201
    with pytest.raises(TypeError, match="<function in the student's kernel> is no array"):
        np.asarray(found)


EMPTY = inspect.Parameter.empty
KEYWORD = inspect.Parameter.KEYWORD_ONLY.value


def test_a_signature_comes_with_defaults_and_annotations() -> None:
    told = [("a", 1, False, None, True, "int"), ("b", KEYWORD, True, 2, False, None)]
    kernel = Kernel(told)

    found = inspect.signature(kernel.stand_in(Everything()))

    assert [(p.name, p.default, p.annotation) for p in found.parameters.values()] == [
        ("a", EMPTY, "int"),
        ("b", 2, EMPTY),
    ]
    assert found.parameters["b"].kind is inspect.Parameter.KEYWORD_ONLY
    assert kernel.operations == [("signature", (VECTOR,))]


@pytest.mark.parametrize(
    "told",
    [
        None,
        (("a", 1, False, None, False, None),),
        [("a", 1, False, None, False)],
        [["a", 1, False, None, False, None]],
        [(1, 1, False, None, False, None)],
        [("a", True, False, None, False, None)],
        [("a", 9, False, None, False, None)],
        [("not a name", 1, False, None, False, None)],
        [("a", 1, False, None, False, None)] * 2,
    ],
)
def test_what_is_no_signature_breaks_the_line(told: Any) -> None:
    kernel = Kernel(told)

    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        _ = kernel.stand_in(Everything()).__signature__

    assert kernel.line.broken is not None
