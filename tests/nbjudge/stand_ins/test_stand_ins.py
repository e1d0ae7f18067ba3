"""What a test may ask of a stand-in, what it may not, and who is to blame."""

from __future__ import annotations

import pytest
from judging import verdict_on

OBJECT = """
import functools

@functools.total_ordering
class Vector:
    "Two numbers."

    def __init__(self, x=3.0):
        self.x = x

    def __eq__(self, other):
        return self.x == getattr(other, "x", other)

    def __lt__(self, other):
        return self.x < getattr(other, "x", other)

    def __add__(self, other):
        return Vector(self.x + other)

    __radd__ = __mul__ = __matmul__ = __pow__ = __add__

    def __hash__(self):
        return 3

    def __str__(self):
        return "3"

    __repr__ = __str__

    def __index__(self):
        return 3

    def __contains__(self, item):
        return item == self.x

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __next__(self):
        return 3

class Row:
    def __getitem__(self, key):
        return [0, 1, 2, 3][key]

class OfItsOwn(Exception):
    pass

def f():
    raise OfItsOwn

v = Vector()
row = Row()
pair = (1, 2)
"""

PART = "from nbjudge import checks\np = checks.Parts()\nwith p(3, 'a'):\n    "


@pytest.mark.parametrize(
    "test",
    [
        "assert v == 3",
        "assert not (v != 3)",
        "assert 3 == v",
        "assert v < 4",
        "assert 2 <= v",
        "assert (v + 1).x == 4",
        "assert (1 + v).x == 4",
        "assert (v * 1).x == 4 and (v @ 1).x == 4 and (v ** 1).x == 4",
        "v += 1",
        "-v",
        "assert str(v) == '3'",
        "assert f'{v}' == '3' and f'{v!r}' == '3'",
        "assert '{}'.format(v) == '3'",
        "assert repr(v) == '3'",
        "print(v)",
        "assert ''.join([v]) == '3'",
        "assert [1, 2, 3, 4][v] == 4",
        "assert hash(v) == 3",
        "assert len({v, v}) == 1",
        "assert {v: 1}[v] == 1",
        "v.x = 4\nassert v.x == 4",
        "setattr(v, 'x', 4)",
        "del v.x",
        "v[0] = 1",
        "with v as w:\n    pass",
        "assert next(v) == 3",
        "class Mine(Vector):\n    pass",
        "assert isinstance(v, Vector)",
        "assert isinstance(3, Vector)",
        "import numbers\nassert isinstance(v, numbers.Number)",
        "from collections.abc import Hashable\nassert isinstance(v, (int, Hashable))",
        "assert issubclass(Vector, object)",
        "assert issubclass(int, Vector)",
        "assert type(v) is Vector",
        "assert type(v) == Vector",
        "assert type(v) in {Vector}",
        "assert callable(v)",
        "assert hasattr(v, '__enter__')",
        "assert Vector.__name__ == 'Vector'",
        "assert Vector.__doc__ == 'Two numbers.'",
        "assert v.__class__ is Vector",
        "assert vars(v) == {'x': 3.0}",
        "assert 'x' in dir(v)",
        "assert v.__dict__ == {'x': 3.0}",
        "import copy\nassert copy.copy(v).x == 3",
        "import copy\nassert copy.deepcopy([v])[0].x == 3",
        "a, b = Vector(), v\nassert a is not b",
        "first, second = [1], [1]\nassert first is not second",
        "try:\n    f()\nexcept OfItsOwn:\n    pass",
        "match v:\n    case Vector():\n        pass\n    case _:\n        raise AssertionError",
        "import math\nassert math.gcd(v, 6) == 3",
        "import torch\nassert torch.relu(v)",
        "assert sorted([v, Vector(1.0)])[0].x == 1",
        "assert max(v, 1)",
        "assert sum([v, v])",
        "assert v in [1, 2, 3]",
        "import numpy as np\nassert np.allclose(v, 3)",
        "try:\n    assert v == 3\nexcept Exception:\n    pass",
        f"{PART}assert v > 2\np.points()",
        "import nbjudge.checks as e\ne.renamed(v)",
        "from nbjudge.checks import renamed",
        f"{PART}checks.renamed()\np.points()",
        f"{PART}' '.join([v])\np.points()",
        "import unittest\nunittest.TestCase().assertEqual(v, 3)",
    ],
)
def test_what_a_stand_in_cannot_do_is_the_tests_fault_and_costs_nobody_a_mark(test: str) -> None:
    verdict = verdict_on(OBJECT, test)

    assert verdict.fault
    assert (verdict.mark, verdict.reason, verdict.lost) == (0, "", False)


@pytest.mark.parametrize(
    ("answer", "test", "reason"),
    [
        ("x = 3", "x(1)", "'int' object is not callable"),
        ("x = 3.5", "x[0]", "'float' object is not subscriptable"),
        ("x = None", "a, b = x", "cannot unpack non-iterable NoneType"),
        ("x = None", "x > 3", "not supported between instances of 'NoneType' and 'int'"),
        ("x = [1]", "x.shape", "'list' object has no attribute 'shape'"),
        ("x = object()", "x(1)", "'object' object is not callable"),
        ("x = object()", "x[0]", "'object' object is not subscriptable"),
        ("x = object()", "x.shape", "'object' object has no attribute 'shape'"),
        ("x = object()", "len(x)", "has no len()"),
        ("x = len", "assert x == 3, 'not 3'", "not 3"),
        ("x = (i for i in 'ab')", "assert x != ['a', 'b'] and x == ['a', 'b'], 'no'", "no"),
        ("x = len", "x > 3", "`>` cannot be used on a builtin_function_or_method"),
        ("x = len", "x + 1", "`+` cannot be used on a builtin_function_or_method"),
        ("x = len", "1 + x", "`+` cannot be used on a builtin_function_or_method"),
        ("class x: pass", "assert isinstance(x(), (int, float)), f'a {x()}'", "a <x in the"),
        ("class C: pass\nx = C()", "assert type(x) is list, type(x).__name__", ": C."),
        ("class C: pass\nx = C()", "assert type(x) in (int, float), str(x)", "<C in the"),
        ("class C: pass\nx = C()", "assert x is None, f'{x!r} and {type(x)}'", "<C in the"),
        ("class C: pass\nx = C()", "assert x is True, x", "<C in the"),
    ],
)
def test_what_an_answer_itself_cannot_do_is_its_own_fault(
    answer: str, test: str, reason: str
) -> None:
    verdict = verdict_on(answer, test)

    assert (verdict.mark, verdict.fault) == (0, "")
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "test",
    [
        "assert isinstance(pair, tuple) and type(pair) is tuple and type(pair) == tuple",
        "assert isinstance(named, tuple) and not isinstance(named, (list, int | float))",
        "assert callable(f) and callable(len) and not callable(3)",
        "assert hasattr(v, 'x') and not hasattr(v, 'y') and getattr(v, 'y', 7) == 7",
        "assert v is not None and None is not v and pair is not None",
        "assert 3.0 in v and 4.0 not in v",
        "assert row[1] == 1 and row[1:] == [1, 2, 3] and row[::-1] == [3, 2, 1, 0]",
        "a = b = [1]\nassert a is b and [1].__class__ is list and len.__name__ == 'len'",
        "class A(dict):\n def __init__(self):\n  super().__init__(a=1)\nassert A()['a'] == 1",
        "try:\n {}[1]\nexcept (OSError, KeyError) as e:\n assert repr(e) == 'KeyError(1)'",
        "match pair:\n case (1, b):\n  assert b == 2",
        "x = 1\nassert 'x' in dir() and vars()['x'] == 1 and 'real' in dir(x)",
    ],
)
def test_python_is_python_in_a_test(test: str) -> None:
    answer = f"{OBJECT}\nimport collections\nnamed = collections.namedtuple('N', 'a')(1)\n"

    verdict = verdict_on(answer, test)

    assert (verdict.mark, verdict.fault, verdict.reason) == (3, "", "")
