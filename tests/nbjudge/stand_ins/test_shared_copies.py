"""A test and an answer that have one object between them: each sees what the other does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from judging import line_to, verdict_on

from nbjudge.exceptions import CourseError
from nbjudge.judge.judge import Test, judge
from nbjudge.kernel import held_objects
from nbjudge.kernel.references import HELD_NUMBERS
from nbjudge.kernel.service import Service
from nbjudge.kernel.wire import Reference, decode, encode
from nbjudge.plain import snapshots
from nbjudge.plain.kinds import ValueBounds
from nbjudge.plain.snapshots import Snapshot
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.shared_copies import SharedCopies

BAG = """
class Bag:
    def __init__(self, items):
        self.items = items
    def all(self):
        return self.items
    def add(self, item):
        self.items.append(item)
    def set(self, place, item):
        self.items[place] = item
    def double(self):
        self.items += self.items
    def grow(self, other):
        other.append(0)
        return len(self.items)
    def has(self, other):
        return self.items is other
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
        "given = [1]; bag = Bag(given); assert bag.grow(given) == 2 and given == [1, 0]",
        "given = [1]; bag = Bag(given); given.append(2); assert bag.grow(other=given) == 3",
        "bag = Bag([1]); assert bag.grow(bag.items) == 2 and bag.has(bag.items)",
        "given = [1]; bag = Bag(given); assert bag.has(given) and not bag.has([1])",
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


@pytest.mark.parametrize("value", ["x = []\n    x.append(x)", "x = []\n    x += [x, x, [x]]"])
def test_a_value_that_contains_itself_has_few_parts(value: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def f():\n    {value}\n    return x", namespace)

    paths = [path for path, _ in held_objects._changeable_parts(namespace["f"]())]

    assert max(map(len, paths)) == ValueBounds.depth
    assert len(paths) <= ValueBounds.items


def test_a_number_that_no_shared_object_has_is_refused() -> None:
    service = Service({"f": len})
    call = {"do": "call", "target": Reference(0, ""), "keywords": {}}
    decode(service.answer(encode({"do": "begin", "names": ["f"], "seed": 1})))

    reply = service.answer(encode({**call, "arguments": (Reference(HELD_NUMBERS + 7, "list"),)}))

    assert decode(reply)["raised"]["said"] == "there is no shared object number 7"


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


@pytest.mark.parametrize(
    "test",
    [
        "given = [0] * 90_000; bag = Bag(given); given.append(1); assert len(bag.all()) == 90_001",
        "given = [0] * 90_000; bag = Bag(given); bag.add(2); assert given[-1] == 2",
        "rows = [[0] for _ in range(5000)]; bag = Bag(rows); rows[-1][0] = 3; "
        "assert bag.all()[-1] == [3]",
        "all = [[0] for _ in range(100)]; bags = [Bag(one) for one in all]; all[-1].append(1); "
        "assert bags[-1].all() == [0, 1]",
        "import numpy as np; x = np.zeros(10**6); bag = Bag(x); x[7] = 1; assert bag.all()[7] == 1",
        "import numpy as np; x = np.zeros(10**6); bag = Bag(x); bag.set(7, 1.0); assert x[7] == 1",
        "import pandas as pd; x = pd.DataFrame({'a': [1]}); bag = Bag(x); bag.set('b', 2); "
        "assert list(x) == ['a', 'b']",
        "import pandas as pd; x = pd.DataFrame({'a': [1]}); bag = Bag(x); x.loc[0, 'a'] = 5; "
        "assert bag.all()['a'].sum() == 5",
        "import pandas as pd; x = pd.DataFrame({'name': [1]}); bag = Bag(x); bag.all(); "
        "x.columns.name = 'c'; assert bag.all().columns.name == 'c' and x.name[0] == 1",
        "import pandas as pd; x = pd.Series([1, 2]); bag = Bag(x); x.name = 'n'; "
        "assert bag.all().name == 'n'",
        "import pandas as pd; x = pd.Series([1, 2]); bag = Bag(x); bag.set(0, 5); assert x[0] == 5",
        "import torch; x = torch.zeros(2); bag = Bag(x); bag.set(0, 5.0); assert x[0] == 5",
        "import torch; x = torch.zeros(2); bag = Bag(x); x += 1; assert bag.all().sum() == 2",
        "import torch; x = torch.zeros(2, dtype=torch.bfloat16); bag = Bag(x); bag.set(0, 5.0); "
        "assert x[0] == 5",
    ],
)
def test_all_that_crosses_by_value_is_followed_whatever_its_size(test: str) -> None:
    assert verdict_on(BAG, test).mark == 3


def test_a_loop_that_is_given_new_objects_without_end_is_no_fault() -> None:
    answer = "kept = []\ndef step():\n    kept.append([0] * 1000)\n    return kept[-1]"

    assert verdict_on(answer, "for _ in range(2000):\n    assert step() == [0] * 1000").mark == 3


#: More than can be followed: what is told of it would take too long, or cannot cross any more.
TOO_LARGE = {
    "the answer's changes": "given = [0] * 90_000; bag = Bag(given)\n"
    "for n in range(40):\n    bag.set(n, 1)\n",
    "the test's changes": "import numpy as np; given = np.zeros(10**6); bag = Bag(given)\n"
    "for n in range(40):\n    given[n] = n; bag.all\n",
    "what it has grown to": "given = [0] * 60_000; bag = Bag(given); bag.double()",
    "what the test lets it grow to": "given = [0] * 60_000; bag = Bag(given); "
    "given += given; bag.all",
    "what cannot cross": "import pandas as pd; given = pd.DataFrame({'a': [1]}); bag = Bag(given); "
    "bag.set('b', [print])",
}


@pytest.mark.parametrize("test", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_change_that_cannot_be_told_is_a_fault_and_no_mark(test: str) -> None:
    verdict = verdict_on(BAG, test)

    assert verdict.fault == "it and the answer change an object that is too large to be followed"


def test_an_object_that_nobody_changes_is_no_fault_whatever_its_size() -> None:
    many = "import numpy as np; x = np.zeros(8 * 10**6); bag = Bag(x)\nfor _ in range(300): bag.all"

    assert verdict_on(BAG, many).mark == 3


def test_a_kernel_that_tells_of_countless_large_objects_gets_no_more_than_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    class CountedSnapshot(Snapshot):
        def __init__(self, value: Any) -> None:
            made.append(value)
            super().__init__(value)

    monkeypatch.setattr(snapshots, "Snapshot", CountedSnapshot)
    copies = SharedCopies()

    same = [(0, (), number) for number in range(30_000)]
    copies.take({"same": same}, {0: [0] * 5000}, None)

    assert 1000 < len(made) < 10_000
    assert copies.has_missed()


def test_a_kernel_that_tells_of_a_change_at_the_end_gains_nothing() -> None:
    replies = {
        "begin": {"value": {"given": [0]}, "sharing": {"same": [(None, ("given",), 0)]}},
        "missed": {"value": True},
    }
    asked = []

    def exchange(request: bytes, _: float) -> bytes:
        asked.append(decode(request)["do"])
        return encode(replies[asked[-1]])

    verdict = judge(Test("1", "assert given == [0]", 1.0), KernelChannel(exchange, Limits()))

    assert (verdict.mark, bool(verdict.fault)) == (0, True)
    assert asked == ["begin", "missed"]


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
        {"same": [(0, (), 2**49)]},
        {"same": [(0, (), -1)]},
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
