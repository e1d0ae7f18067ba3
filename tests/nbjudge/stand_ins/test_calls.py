"""What a call in the kernel shares with its test: functions, arguments, streams and generators."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from nbjudge.judge.judge import Test, Verdict, judge
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel


class Kernel:
    """A kernel's service in a thread of its own, so that it can ask while it is asked."""

    def __init__(self, answer: str) -> None:
        namespace: dict[str, Any] = {}
        exec(answer, namespace)
        self._requests: queue.Queue[bytes | None] = queue.Queue()
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._service = Service(namespace)
        self._service.converse = self._converse
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _converse(self, reply: bytes) -> bytes:
        self._replies.put(reply)
        request = self._requests.get()
        assert request is not None
        return request

    def _serve(self) -> None:
        while (request := self._requests.get()) is not None:
            self._replies.put(self._service.answer(request))
        self._service.end()

    def exchange(self, content: bytes, _: float, /) -> bytes:
        self._requests.put(content)
        return self._replies.get()

    def end(self) -> None:
        self._requests.put(None)
        self._requests.put(None)  # the first ends what is being answered
        self._thread.join(60)


def verdict_on(answer: str, test: str, *, shares: bool = False, **limits: Any) -> Verdict:
    kernel = Kernel(answer)
    line = KernelChannel(kernel.exchange, Limits(**limits))
    try:
        return judge(Test("1", test, 3.0, shares_generators=shares), line)
    finally:
        kernel.end()


ANSWER = """
import random
import sys
import numpy as np

def twice(f, x):
    return f(f(x))

def compose(f, g):
    return lambda x: f(g(x))

def same(x):
    return x

def careful(f):
    try:
        return f()
    except ValueError as error:
        return f"caught {error}"

def sort_in_place(items):
    items.sort()

def add_key(mapping, key):
    mapping[key] = len(mapping)

def double(array):
    array *= 2
    return array

def hello():
    print("hello")
    print("oh", file=sys.stderr)

def ask():
    return int(input("n? ")) + 1

def draw():
    return random.randint(1, 10**6), int(np.random.randint(10**6))

def kinds():
    return int, str
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert twice(lambda x: x + 1, 0) == 2",
        "assert twice(str.upper, 'a') == 'A' and twice(abs, -3) == 3",
        "import math\nassert twice(math.sqrt, 16.0) == 2.0",
        "import functools\nassert twice(functools.partial(max, 3), 1) == 3",
        "assert compose(lambda x: x * 2, lambda x: x + 1)(3) == 8",
        "calls = []\ntwice(lambda x: calls.append(x) or x + 1, 0)\nassert calls == [0, 1]",
        "f = lambda x: x\nassert same(f) is f",
        "assert same(twice) is twice",
        "assert twice(lambda x: twice(lambda y: y + 1, x), 0) == 4",
        "from unittest.mock import Mock\nm = Mock(return_value=5)\ntwice(m, 1)\n"
        "assert m.call_count == 2",
        "def fail():\n    raise ValueError('mine')\nassert careful(fail) == 'caught mine'",
        "def fail():\n    raise KeyError('k')\n"
        "try:\n    careful(fail)\nexcept KeyError:\n    pass\nelse:\n    1 / 0",
        "items = [3, 1, 2]\nsort_in_place(items)\nassert items == [1, 2, 3]",
        "items = [3, 1, 2]\nalias = items\nsort_in_place(items=alias)\nassert items == [1, 2, 3]",
        "m = {'a': 0}\nadd_key(m, 'b')\nassert m == {'a': 0, 'b': 1}",
        "import numpy as np\na = np.ones(3)\nb = double(a)\nassert b is a and a.sum() == 6",
        "import torch\na = torch.ones(3)\nb = double(a)\nassert b is a and a.sum() == 6",
        "inner = [1]\nouter = [inner, 2]\nassert same(outer) is outer and outer[0] is inner",
        "import io, contextlib\nout = io.StringIO()\n"
        "with contextlib.redirect_stdout(out):\n    hello()\n"
        "assert out.getvalue() == 'hello\\n'",
        "import io, contextlib\nout = io.StringIO()\n"
        "with contextlib.redirect_stderr(out):\n    hello()\n"
        "assert out.getvalue() == 'oh\\n'",
        "from unittest.mock import patch\nwith patch('builtins.input', return_value='41'):\n"
        "    assert ask() == 42",
        "from unittest.mock import patch\nwith patch('builtins.print') as p:\n    hello()\n"
        "assert p.call_args_list[0].args == ('hello',)",
        "import io, sys\nsys.stdin = io.StringIO('41\\n')\nassert ask() == 42",
        "assert kinds() == (int, str) and kinds()[0] is int",
    ],
)
def test_a_call_does_what_it_would_in_one_process(test: str) -> None:
    exec(f"{ANSWER}\n{test}", {"__name__": "own"})  # which is Python's own view

    verdict = verdict_on(ANSWER, test)

    assert (verdict.fault, verdict.reason, verdict.mark) == ("", "", 3)


@pytest.fixture(autouse=True)
def streams() -> Iterator[None]:
    import sys

    usual = sys.stdin
    yield
    sys.stdin = usual


def test_a_test_that_seeds_foresees_what_the_answer_draws_if_it_is_planned_so() -> None:
    test = """
import random
import numpy as np
random.seed(3)
np.random.seed(3)
expected = random.randint(1, 10**6), int(np.random.randint(10**6))
random.seed(3)
np.random.seed(3)
assert draw() == expected
assert (random.random(), float(np.random.rand())) != (0, 0)
"""
    assert verdict_on(ANSWER, test, shares=True).mark == 3


def test_a_test_can_put_a_function_of_its_own_in_the_place_of_one_that_the_answer_uses() -> None:
    answer = "def one(n):\n    return n * n\n\ndef two(n):\n    return one(n) + one(n)"
    test = """
calls = []
def one(n):
    calls.append(n)
    return 1
assert two(3) == 2
assert calls == [3, 3]
"""
    kernel = Kernel(answer)
    line = KernelChannel(kernel.exchange, Limits())

    verdict = judge(Test("1", test, 3.0, allowed=("share one",)), line)
    kernel.end()

    assert (verdict.mark, verdict.fault, verdict.reason) == (3, "", "")


def test_calling_back_counts_like_asking() -> None:
    answer = "def f(g):\n    while True:\n        g()"

    verdict = verdict_on(answer, "f(lambda: 1)", requests=50)

    assert (verdict.mark, verdict.lost) == (0, True)
    assert "made more than 50 requests" in verdict.reason


def test_a_fault_within_a_function_that_is_called_back_is_a_fault_of_the_test() -> None:
    answer = "class C: pass\ndef f(g):\n  try:\n    g(C())\n  except Exception:\n    pass"

    assert "uses `==` on" in verdict_on(answer, "f(lambda x: x == 1)").fault


def test_an_answer_cannot_look_into_a_function_of_the_tests() -> None:
    answer = """
def f(g):
    found = []
    for name in dir(g):
        found.append(repr(getattr(g, name, None)))
    return "".join(found)
"""
    secret = "the expected value"

    test = f"expected = {secret!r}\nassert expected not in f(lambda x: x == expected)"

    assert verdict_on(answer, test).mark == 3


@pytest.mark.parametrize(
    "answer",
    [
        "def f(x):\n    x.resize((4, 4), refcheck=False)",
        "def f(x):\n    x.dtype = 'int64'",
    ],
)
def test_a_change_that_cannot_be_made_here_is_told(answer: str) -> None:
    verdict = verdict_on(answer, "import numpy as np\na = np.ones(4)\nf(a)\nassert a.shape == (4,)")

    assert verdict.fault == (
        "the answer changes what it is given in a way that cannot be seen from outside"
    )


ASKED_FOR_BIT_BY_BIT = """
import asyncio

given = []

def doubled(items):
    for item in items:
        given.append(item)
        yield 2 * item

def given_so_far():
    return len(given)

def first(items):
    return next(items)

def greedy(items):
    return [item for item in items]

async def later(x):
    await asyncio.sleep(0)
    return x + 1

async def never():
    await asyncio.get_running_loop().create_future()

async def fails():
    raise LookupError("nothing there")

async def counted(most):
    for number in range(most):
        yield number

async def says():
    print("said")

async def saying():
    print("said")
    yield 1

class Pretends:
    def __await__(self):
        return iter([1, 2, 3])
"""


@pytest.mark.parametrize(
    "test",
    [
        "it = iter([1, 2, 3])\nassert first(it) == 1 and list(it) == [2, 3]",
        "from itertools import count, islice\n"
        "assert list(islice(doubled(count(1)), 3)) == [2, 4, 6] and given_so_far() == 3",
        "found = doubled([1, 2, 3])\nfor x in found:\n    break\nassert given_so_far() == 1",
        "assert greedy(n * n for n in range(3)) == [0, 1, 4]",
        "assert greedy(map(len, ['a', 'bc'])) == greedy(zip([1], [2]))[0:0] + [1, 2]",
        "assert await later(1) == 2",
        "import asyncio\nassert asyncio.run(later(1)) == 2",
        "import asyncio\nassert await asyncio.create_task(later(3)) == 4",
        "try:\n    await fails()\nexcept LookupError as error:\n    assert 'nothing' in str(error)",
        "assert [n async for n in counted(3)] == [0, 1, 2]",
        "async def both():\n    return await later(1) + await later(2)\nassert await both() == 5",
        "import io, contextlib\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n"
        "    await says()\nassert out.getvalue() == 'said\\n'",
        "import io, contextlib\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n"
        "    assert [n async for n in saying()] == [1]\nassert out.getvalue() == 'said\\n'",
    ],
)
def test_what_is_asked_for_bit_by_bit_is_given_so(test: str) -> None:
    verdict = verdict_on(ASKED_FOR_BIT_BY_BIT, test)

    assert (verdict.mark, verdict.reason, verdict.fault) == (3.0, "", "")


def test_the_last_value_may_be_awaited() -> None:
    assert verdict_on(ASKED_FOR_BIT_BY_BIT, "await later(1)").mark == 2.0


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("await later(1) == 3\nassert await later(1) == 3", "a check does not hold"),
        ("await Pretends()", "RuntimeError"),
        ("await doubled([1])", "TypeError"),
        ("async for n in doubled([1]):\n    pass", "AttributeError"),
    ],
)
def test_what_cannot_be_awaited_loses_its_mark(test: str, reason: str) -> None:
    verdict = verdict_on(ASKED_FOR_BIT_BY_BIT, test)

    assert verdict.mark == 0
    assert reason in verdict.reason


def test_an_iterator_is_not_asked_for_ever() -> None:
    test = "from itertools import count\ngreedy(count())"

    verdict = verdict_on(ASKED_FOR_BIT_BY_BIT, test, requests=50)

    assert verdict.mark == 0
    assert "made more than 50 requests" in verdict.reason


STREAMS = """
import io

def line(stream):
    return stream.readline()

def write(stream):
    stream.write("more")
    return stream

def close(stream):
    stream.close()

def made():
    return io.StringIO("a\\nb")

def suffix(path):
    return path.suffix
"""


@pytest.mark.parametrize(
    "test",
    [
        "import io\ns = io.StringIO('a\\nb\\n')\nassert line(s) == 'a\\n' and s.read() == 'b\\n'",
        "import io\ns = io.StringIO('a')\nassert write(s) is s and s.getvalue() == 'more'",
        "import io\ns = io.BytesIO(b'ab\\nc')\nassert line(s) == b'ab\\n' and s.tell() == 3",
        "import io\ns = io.StringIO()\nclose(s)\nassert s.closed",
        "import io\nassert isinstance(made(), io.StringIO) and made().read() == 'a\\nb'",
        "from pathlib import Path\nassert suffix(Path('a/b.txt')) == '.txt'",
    ],
)
def test_a_stream_in_memory_and_a_path_are_handed_over(test: str) -> None:
    verdict = verdict_on(STREAMS, test)

    assert (verdict.mark, verdict.reason, verdict.fault) == (3.0, "", "")
