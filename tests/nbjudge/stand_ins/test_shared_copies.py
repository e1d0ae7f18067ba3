"""A test and an answer that have one object between them: each sees what the other does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from judging import line_to, verdict_on

from nbjudge.exceptions import CourseError
from nbjudge.judge.judge import Test, judge
from nbjudge.kernel.held_objects import MOST_HELD
from nbjudge.kernel.service import Service
from nbjudge.kernel.wire import Reference, decode, encode
from nbjudge.plain.snapshots import MOST_VALUES
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel

BAG = """
class Bag:
    def __init__(self, items):
        self.items = items
    def all(self):
        return self.items
    def add(self, item):
        self.items.append(item)
noted = []
def note(item):
    noted.append(item)
"""
PARTS = """
import numpy as np
def rows(n):
    return [[0] * n] * 2
def outer(given):
    return list(given)
def view(x):
    return x[1:]
def table(x):
    return x.reshape(2, 2)[::-1, 1:]
def apart(x):
    return x[1:].copy()
"""


@pytest.mark.parametrize(
    "test",
    [
        "given = [1]; bag = Bag(given); given.append(2); assert bag.all() == [1, 2]",
        "given = [1]; bag = Bag(given); bag.add(2); assert given == [1, 2]",
        "bag = Bag([1]); got = bag.all(); got.append(2); assert bag.all() == [1, 2]",
        "bag = Bag([1]); got = bag.all(); bag.add(2); assert got == [1, 2]",
        "bag = Bag([1]); bag.items.append(2); assert bag.all() == [1, 2]",
        "bag = Bag([1]); assert bag.items is bag.all()",
        "given = {'a': [1]}; bag = Bag(given); given['a'].append(2); assert bag.all()['a'][1] == 2",
        "a = Bag([1]); b = Bag(a.items); b.add(2); assert a.all() == [1, 2]",
        "given = {1}; bag = Bag(given); given.add(2); assert bag.all() == {1, 2}",
        "given = bytearray(b'a'); bag = Bag(given); given += b'b'; assert bag.all() == b'ab'",
        "from collections import deque; d = deque([1]); bag = Bag(d); bag.add(2); assert d[1] == 2",
        "noted.append(1); assert note(2) is None and noted == [1, 2]",
        "notes = noted; note(1); note(2); assert notes == [1, 2] and noted is notes",
    ],
)
def test_what_an_answer_keeps_or_gives_away_is_one_object_with_the_tests(test: str) -> None:
    assert verdict_on(BAG, test).mark == 3


@pytest.mark.parametrize(
    "test",
    [
        "r = rows(2); r[0][0] = 1; assert r == [[1, 0], [1, 0]]",
        "g = [[1], [2]]; o = outer(g); o[0].append(3); o.pop(); assert g == [[1, 3], [2]]",
        "import numpy as np; x = np.zeros(3); view(x)[0] = 5; assert x[1] == 5",
        "import numpy as np; x = np.zeros(3); y = view(x); x += 1; assert y.tolist() == [1, 1]",
        "import numpy as np; x = np.arange(4); y = table(x); y[0] = 9; assert x.tolist()[3] == 9",
        "import numpy as np; x = np.zeros(3); apart(x)[0] = 5; assert not x.any()",
    ],
)
def test_parts_that_are_one_object_there_are_one_object_here(test: str) -> None:
    assert verdict_on(PARTS, test).mark == 3


def test_nothing_is_told_of_what_nothing_else_holds() -> None:
    namespace: dict[str, Any] = {}
    exec(PARTS, namespace)
    service = Service(namespace)
    told = []

    def exchange(request: bytes, _: float) -> bytes:
        reply = service.answer(request)
        told.append(decode(reply).get("sharing"))
        return reply

    names = KernelChannel(exchange, Limits()).ask("begin", names=["outer", "apart"], seed=0)

    names["outer"]([1, 2, "a"])
    names["apart"](np.zeros(3))

    assert told == [None, None, None]


def test_what_a_test_did_last_is_met_by_the_next() -> None:
    namespace: dict[str, Any] = {}
    exec(BAG, namespace)

    for test in ("note(1); noted.append(2)", "assert noted == [1, 2]; noted.clear()"):
        assert judge(Test("1", test, 1.0), line_to(namespace)).mark == 1

    assert namespace["noted"] == []


def test_few_and_small_objects_are_followed() -> None:
    many = f"given = [[0] for _ in range({MOST_HELD + 5})]; bags = [Bag(one) for one in given]"
    large = f"given = [0] * {MOST_VALUES + 1}; bag = Bag(given)"
    sees = "given.append(1); assert len(bag.all()) == len(given)"

    assert verdict_on(BAG, f"{many}; given[0].append(1); assert bags[0].all() == [0, 1]").mark == 3
    assert verdict_on(BAG, f"{many}; given[-1].append(1); assert bags[-1].all() == [0]").mark == 3
    assert verdict_on(BAG, f"{large}; {sees}").mark == 0


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"changed": []},
        {"changed": {0: [1]}},
        {"same": [1]},
        {"same": [(5, (), 0)]},
        {"same": [(0, (7,), 0)]},
        {"same": [(0, "a", 0)]},
        {"same": [(0, (), 0)], "views": [((), 0, 0)]},
        {"same": [(1, (), 0)], "views": [((), 0, 10**6, (8,))]},
        {"same": [(1, (), 0)], "views": [((), 0, 0, (10**6,))]},
    ],
)
def test_what_no_kernel_can_tell_breaks_the_line(told: Any) -> None:
    replies = iter(
        [
            encode({"value": Reference(0, "function")}),
            encode({"value": np.zeros(2), "sharing": told}),
        ]
    )
    line = KernelChannel(lambda *_: next(replies), Limits())
    given, array = [0], np.zeros(2)

    with pytest.raises(CourseError, match="the kernel sent something that cannot be read"):
        line.call(line.ask("attribute"), (given, array), {})

    assert line.broken is not None
    assert (given, array.tolist()) == ([0], [0, 0])
