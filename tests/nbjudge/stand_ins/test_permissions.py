"""What a test does with the solution's objects it may do with an answer's, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from judging import line_to

from nbjudge.judge.judge import Test, Verdict, judge

VECTOR = """
import contextlib

class Mistake(ValueError):
    pass

class Vector:
    "Two numbers."

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    __radd__ = __add__

    def __iadd__(self, other):
        self.x += other.x
        return self

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

    def __lt__(self, other):
        return self.x < other.x

    def __hash__(self):
        return hash((self.x, self.y))

    def __str__(self):
        return f"({self.x}, {self.y})"

    def __repr__(self):
        return f"Vector({self.x}, {self.y})"

    def __format__(self, spec):
        return format(self.x, spec)

    def __index__(self):
        return self.x

    __int__ = __index__

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.x = kind.__name__ if kind else None
        return True

    def __next__(self):
        return self.x

    def __setitem__(self, place, value):
        self.x = value

    def __reversed__(self):
        return iter([self.y, self.x])

def adds(first, second=2):
    "Adds."
    return first + second

def fails():
    raise Mistake("no")

v, w = Vector(1, 2), Vector(3, 4)
"""

TESTS = [
    "assert v == Vector(1, 2) and v != w",
    "assert v + w == Vector(4, 6)",
    "assert sum([v, w], Vector(0, 0)) == Vector(4, 6)",
    "assert (v * 2).y == 4 and (-v).x == -1",
    "v += w\nassert v.x == 4",
    "assert v < w and sorted([w, v])[0].x == 1 and max(v, w).x == 3",
    "assert str(v) == '(1, 2)' and repr(v) == 'Vector(1, 2)'",
    "assert f'{v}|{v!s}|{v!r}|{v:03d}' == '1|(1, 2)|Vector(1, 2)|001'",
    "assert '{}'.format(v) == '1'",
    "assert hash(v) == hash(Vector(1, 2)) and len({v, Vector(1, 2)}) == 1",
    "assert [0, 1, 2][v] == 1 and int(v) == 1",
    "v.x = 5\nassert v.x == 5 and v == Vector(5, 2)",
    "setattr(v, 'y', 6)\nassert getattr(v, 'y') == 6",
    "del v.x\nassert not hasattr(v, 'x')",
    "v[0] = 7\nassert v.x == 7",
    "with v as inner:\n    raise KeyError('a')\nassert v.x == 'KeyError' and inner is v",
    "assert next(v) == 1 and list(reversed(v)) == [2, 1]",
    "assert isinstance(v, Vector) and not isinstance(3, Vector) and isinstance(v, (int, Vector))",
    "assert issubclass(Vector, object) and issubclass(Mistake, ValueError)",
    "assert type(v) is Vector and type(v) == type(w) and type(v).__name__ == 'Vector'",
    "assert v.__class__ is Vector and Vector.__name__ == 'Vector'",
    "assert Vector.__doc__ == 'Two numbers.' and v.__dict__ == {'x': 1, 'y': 2}",
    "assert vars(v) == {'x': 1, 'y': 2} and 'x' in dir(v)",
    "assert not callable(v)",
    "import copy\nc = copy.copy(v)\nc.x = 9\nassert (c.x, v.x) == (9, 1)",
    "import copy\nassert copy.deepcopy([v, w])[1] == w",
    "assert v is not w and v is v",
    "try:\n    fails()\nexcept Mistake as error:\n    assert str(error) == 'no'\nelse:\n    1 / 0",
    "try:\n    fails()\nexcept (KeyError, ValueError) as error:\n    assert error.args == ('no',)",
    "import pytest\nwith pytest.raises(ValueError, match='^no$'):\n    fails()",
    "import inspect\nassert list(inspect.signature(adds).parameters) == ['first', 'second']",
    "import inspect\nassert inspect.signature(adds).parameters['second'].default == 2",
    "import inspect\nassert inspect.isfunction(adds) and not inspect.isclass(adds)",
    "from inspect import getdoc\nassert getdoc(adds) == 'Adds.'",
    "assert adds.__name__ == 'adds' and adds.__defaults__ == (2,)",
    "import unittest\nunittest.TestCase().assertEqual(v + w, Vector(4, 6))",
    "def same(a, b):\n    return a == b\nassert same(v, Vector(1, 2))",
]


def verdict_on(answer: str, test: str, allowed: tuple[str, ...] | None) -> Verdict:
    """Judge an answer by a test that may do something, or whatever can be done."""
    namespace: dict[str, Any] = {}
    exec(answer, namespace)
    given = Test("1", test, 3.0, allowed=allowed or (), learns=allowed is None)
    return judge(given, line_to(namespace))


@pytest.mark.parametrize("test", TESTS)
def test_what_the_solutions_objects_do_those_of_a_right_answer_may_do(test: str) -> None:
    own: dict[str, Any] = {}
    exec(f"{VECTOR}\n{test}", own)  # so it is Python's own view, too

    learned = verdict_on(VECTOR, test, None)
    again = verdict_on(VECTOR, test, learned.did)

    assert (learned.fault, learned.reason, learned.mark) == ("", "", 3)
    assert (again.fault, again.reason, again.mark) == ("", "", 3)
    assert again.did == ()


@pytest.mark.parametrize(
    ("test", "old", "new"),
    [
        ("assert v + w == Vector(4, 6)", "self.y + other.y", "self.y"),
        ("assert str(v) == '(1, 2)'", '"({self.x}, {self.y})"', '"{self.x}"'),
        ("assert hash(v) == hash(Vector(1, 2))", "hash((self.x, self.y))", "id(self) // 16"),
        ("with v:\n    pass\nassert v.x is None", "self.x = kind", "self.y = kind"),
        ("assert issubclass(Mistake, ValueError)", "Mistake(ValueError)", "Mistake(Exception)"),
        ("try:\n    fails()\nexcept Mistake:\n    pass", 'Mistake("no")', 'ValueError("no")'),
    ],
)
def test_a_wrong_answer_loses_what_its_objects_do_wrong(test: str, old: str, new: str) -> None:
    assert old in VECTOR
    learned = verdict_on(VECTOR, test, None)

    found = verdict_on(VECTOR.replace(old, new), test, learned.did)

    assert (learned.mark, found.mark, found.fault) == (3, 0, "")


@pytest.mark.parametrize(
    "test",
    [
        "assert adds(1) == 3",
        "assert 3 == adds(1)",
        "assert adds(1) > 2",
        "assert adds(1) + 1 == 4",
        "assert str(adds(1)) == '3'",
        "assert isinstance(adds(1), int)",
        "assert hash(adds(1)) == 3",
    ],
)
def test_no_object_passes_for_the_data_that_the_solution_gives(test: str) -> None:
    liar = """
class Liar:
    __eq__ = __gt__ = lambda self, other: True
    __add__ = lambda self, other: 4
    __hash__ = lambda self: 3
    __str__ = lambda self: "3"

def adds(first, second=2):
    return Liar()
"""
    learned = verdict_on(VECTOR, test, None)

    found = verdict_on(liar, test, learned.did)

    assert (learned.mark, learned.did) == (3, ())
    assert found.mark == 0
    assert found.fault or found.reason


def test_what_one_line_may_do_another_may_not() -> None:
    test = "assert v == w\nassert adds(1) == 3"
    solution = VECTOR.replace("v, w = Vector(1, 2)", "v, w = Vector(3, 4)")
    learned = verdict_on(solution, test, None)
    liar = f"{solution}\ndef adds(first):\n    return v\nVector.__eq__ = lambda *_: True"

    assert learned.did == ("1 eq",)
    assert "uses `==` on" in verdict_on(liar, test, learned.did).fault


UNSEEN = """
import pandas as pd

class Table(pd.DataFrame):
    pass

def table():
    return {kind}({{"a": [print, len]}})
"""
IS_TABLE = "import pandas as pd\nassert isinstance(table(), pd.DataFrame)"


@pytest.mark.parametrize("kind", ["Table", "pd.DataFrame"])
def test_of_what_class_data_is_that_cannot_be_seen_a_test_learns_if_the_solution_has_it(
    kind: str,
) -> None:
    answer = UNSEEN.format(kind=kind)
    learned = verdict_on(answer, IS_TABLE, None)

    assert (learned.mark, learned.fault) == (3, "")
    assert verdict_on(answer, IS_TABLE, learned.did).mark == 3


def test_data_that_cannot_be_seen_is_never_said_to_be_none() -> None:
    solution = "import pandas as pd\ndef table():\n    return pd.DataFrame({'a': [1]})"
    learned = verdict_on(solution, IS_TABLE, None)

    found = verdict_on(UNSEEN.format(kind="Table"), IS_TABLE, learned.did)

    assert (learned.mark, learned.did) == (3, ())
    assert "uses `isinstance` on" in found.fault


def test_an_object_that_is_no_data_is_said_to_be_none_whatever_it_says_of_itself() -> None:
    solution = "import pandas as pd\ndef table():\n    return pd.DataFrame({'a': [1]})"
    liar = """
import pandas as pd

class Liar:
    __class__ = pd.DataFrame

def table():
    return Liar()
"""
    learned = verdict_on(solution, IS_TABLE, None)

    found = verdict_on(liar, IS_TABLE, learned.did)

    assert (found.mark, found.fault) == (0, "")


SQUARES = """
def square(n):
    return n * n

def squares(n):
    return sum(square(i) for i in range(n))

rate = 2

def scaled(x):
    return rate * x
"""


def learned_on(test: str) -> tuple[str, ...]:
    namespace: dict[str, Any] = {}
    exec(SQUARES, namespace)
    verdict = judge(Test("1", test, 3.0, learns=True, learns_names=True), line_to(namespace))
    assert (verdict.mark, verdict.fault, verdict.reason) == (3, "", "")
    return verdict.did


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("kept = square\ndel square\ntry:\n    squares(3)\nexcept NameError:\n    pass\n"
         "else:\n    raise AssertionError\nfinally:\n    square = kept\nassert squares(3) == 5",
         "square"),
        ("rate = 5\nassert scaled(2) == 10", "rate"),
        ("rate += 1\nassert scaled(2) == 6", "rate"),
        ("for rate in (3, 4):\n    pass\nrate = rate\nassert scaled(1) == 4", "rate"),
    ],
)  # fmt: skip
def test_a_variable_that_a_test_changes_changes_for_the_answer_if_the_solution_needs_it(
    test: str, name: str
) -> None:
    did = learned_on(test)
    service_namespace: dict[str, Any] = {}
    exec(SQUARES, service_namespace)
    before = dict(service_namespace)

    line = line_to(service_namespace)
    verdict = judge(Test("1", test, 3.0, allowed=did), line)
    line.again().ask("begin", names=[], seed=1)

    assert f"share {name}" in did
    assert (verdict.mark, verdict.fault) == (3, "")
    assert service_namespace == before


def test_no_other_variable_of_a_test_gets_to_the_kernel() -> None:
    test = "secret = 4\nrate = 2\nassert scaled(2) == secret"
    did = learned_on(test)
    thief = f"{SQUARES}\nsecret = 0\ndef scaled(x):\n    return secret"
    namespace: dict[str, Any] = {}
    exec(thief, namespace)

    verdict = judge(Test("1", test, 3.0, allowed=did), line_to(namespace))

    assert "share secret" not in did
    assert verdict.mark == 0
