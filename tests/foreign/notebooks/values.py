# %% [markdown]
# Values of the standard library: generators, sets, iterators, coroutines, typing, caches, clocks.
# %% answer g
from collections import namedtuple, Counter, OrderedDict, defaultdict, deque
from fractions import Fraction
import datetime
P = namedtuple("P", "x y")
def g():
    ### BEGIN SOLUTION
    yield 1
    yield 2
    ### END SOLUTION
def many():
    ### BEGIN SOLUTION
    return [{1, 2}, range(3), Fraction(1, 2), P(1, 2), Counter("aab"), datetime.date(2020, 1, 1), deque([1])]
    ### END SOLUTION
# %% mutant g
    yield 1
    yield 2
# ->
    return [1, 2]
# %% mutant g
    return [{1, 2}, range(3), Fraction(1, 2), P(1, 2), Counter("aab"), datetime.date(2020, 1, 1), deque([1])]
# ->
    return [[1, 2], [0, 1, 2], 0.25, [1, 2], ["a", "a", "b"], "2020-01-01", [1]]
# %% test listed 1
assert list(g()) == [1, 2]
# %% test next_of 1
it = g()
assert next(it) == 1
assert next(it) == 2
# %% test exhausted 1
it = g()
next(it), next(it)
try:
    next(it)
except StopIteration:
    pass
else:
    assert False
# %% test is_generator 1
import inspect, types
assert isinstance(g(), types.GeneratorType)
assert inspect.isgeneratorfunction(g)
# %% test is_iterator 1
from collections.abc import Iterator
assert isinstance(g(), Iterator) and iter(g()) is not None
# %% test set 1
assert many()[0] == {1, 2}
# %% test range 1
assert many()[1] == range(3)
# %% test fraction 1
from fractions import Fraction
assert many()[2] == Fraction(1, 2)
# %% test fraction_arithmetic 1
assert many()[2] + 1 > 1 and many()[2] * 2 == 1
# %% test named 1
assert many()[3] == (1, 2)
# %% test counter 1
assert many()[4] == {"a": 2, "b": 1}
assert many()[4].most_common(1) == [("a", 2)]
# %% test date 1
import datetime
assert many()[5] == datetime.date(2020, 1, 1)
# %% test deque 1
from collections import deque
assert many()[6] == deque([1])
# %% answer squares
def squares():
    ### BEGIN SOLUTION
    n = 0
    while True:
        yield n * n
        n += 1
    ### END SOLUTION
# %% mutant squares
    n = 0
# ->
    n = 1
# %% test endless 1
from itertools import islice
assert list(islice(squares(), 4)) == [0, 1, 4, 9]
# %% test zipped 1
assert [a for a, _ in zip(squares(), "abc")] == [0, 1, 4]
# %% answer echo
def echo():
    ### BEGIN SOLUTION
    told = yield "ready"
    while told is not None:
        told = yield told * 2
    ### END SOLUTION
# %% mutant echo
told * 2
# ->
told
# %% test sent 1
co = echo()
assert next(co) == "ready"
assert co.send(4) == 8
assert co.send("a") == "aa"
co.close()
# %% answer group
def by_length(words):
    ### BEGIN SOLUTION
    groups = defaultdict(set)
    for word in words:
        groups[len(word)].add(word)
    return groups
    ### END SOLUTION
# %% mutant group
    groups = defaultdict(set)
    for word in words:
        groups[len(word)].add(word)
    return groups
# ->
    groups = {}
    for word in words:
        groups.setdefault(len(word), []).append(word)
    return groups
# %% mutant group
    return groups
# ->
    return dict(groups)
# %% test default_dict 1
assert by_length(["a", "bb", "c"]) == {1: {"a", "c"}, 2: {"bb"}}
# %% test default_dict_missing 1
assert by_length(["a"])[7] == set()
# %% test sets_in_dict 1
found = by_length(["tea", "cup", "milk"])
assert found[3] & {"tea"} and found[3] - {"tea"} == {"cup"} and len(found[3] | found[4]) == 3
# %% answer frozen
def edges(graph):
    ### BEGIN SOLUTION
    return {frozenset((a, b)) for a, others in graph.items() for b in others}
    ### END SOLUTION
# %% mutant frozen
frozenset((a, b))
# ->
(a, b)
# %% test frozensets 1
assert edges({"a": ["b", "c"], "b": ["a"]}) == {frozenset("ab"), frozenset("ac")}
# %% answer fetch
import asyncio

async def fetch(name, seconds=0):
    ### BEGIN SOLUTION
    await asyncio.sleep(seconds)
    return name.upper()
    ### END SOLUTION

async def fetch_all(names):
    ### BEGIN SOLUTION
    return await asyncio.gather(*map(fetch, names))
    ### END SOLUTION
# %% mutant fetch
name.upper()
# ->
name
# %% mutant fetch
async def fetch_all(names):
# ->
def fetch_all(names):
    return [name.upper() for name in names]

async def not_asked(names):
# %% test awaited 1
assert await fetch("a") == "A"
# %% test gathered 1
assert await fetch_all(["a", "b"]) == ["A", "B"]
# %% test is_coroutine 1
import inspect
assert inspect.iscoroutinefunction(fetch_all)
# %% test run_in_thread 1
import asyncio, threading
results = []
def work():
    results.append(asyncio.run(fetch("z")))
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert results == ["Z"]
# %% answer typed
from typing import Optional

def half(number: int) -> Optional[float]:
    ### BEGIN SOLUTION
    return None if number % 2 else number / 2
    ### END SOLUTION
# %% mutant typed
-> Optional[float]
# ->
-> float
# %% mutant typed
number / 2
# ->
number // 2
# %% test type_hints 1
import typing
assert typing.get_type_hints(half) == {"number": int, "return": typing.Optional[float]}
# %% test optional 1
assert half(3) is None and half(4) == 2.0 and isinstance(half(4), float)
# %% answer cached
from functools import lru_cache

### BEGIN SOLUTION
@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
### END SOLUTION
# %% mutant cached
@lru_cache(maxsize=None)
# ->

# %% test cache_info 1
assert fib(30) == 832040
assert fib.cache_info().currsize >= 30
# %% test fast_enough 1
import time
start = time.perf_counter()
assert fib(25) == 75025
assert time.perf_counter() - start < 60
# %% answer managed
from contextlib import contextmanager

log = []

### BEGIN SOLUTION
@contextmanager
def logged(name):
    log.append(f"in {name}")
    try:
        yield name.upper()
    finally:
        log.append(f"out {name}")
### END SOLUTION
# %% mutant managed
    try:
        yield name.upper()
    finally:
        log.append(f"out {name}")
# ->
    yield name.upper()
    log.append(f"out {name}")
# %% test context_manager 1
log.clear()
with logged("a") as found:
    assert found == "A"
assert log == ["in a", "out a"]
# %% test context_manager_fails 1
log.clear()
try:
    with logged("b"):
        raise KeyError
except KeyError:
    pass
assert log == ["in b", "out b"]
# %% answer warns
import warnings

def old(x):
    ### BEGIN SOLUTION
    warnings.warn("use new", DeprecationWarning)
    return x
    ### END SOLUTION
# %% mutant warns
    warnings.warn("use new", DeprecationWarning)
# ->
    pass
# %% test warning_caught 1
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert old(1) == 1
assert len(caught) == 1 and issubclass(caught[0].category, DeprecationWarning)
# %% test warning_expected 1
import pytest
with pytest.warns(DeprecationWarning, match="new"):
    old(2)
# %% answer helper
import math
import random

def distance(a, b):
    ### BEGIN SOLUTION
    return math.sqrt(square_sum(a, b))
    ### END SOLUTION

def square_sum(a, b):
    ### BEGIN SOLUTION
    return sum((x - y) ** 2 for x, y in zip(a, b))
    ### END SOLUTION

def roll(n):
    ### BEGIN SOLUTION
    return [random.randint(1, 6) for _ in range(n)]
    ### END SOLUTION
# %% mutant helper
math.sqrt(square_sum(a, b))
# ->
math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)))
# %% mutant helper
random.randint(1, 6)
# ->
random.randint(1, 5)
# %% mutant helper
random.randint(1, 6)
# ->
random.choice([1, 2, 3, 4, 5, 6])
# %% test close 1
import math
assert math.isclose(distance((0, 0), (3, 4)), 5.0)
assert abs(distance((1,), (3,)) - 2) < 1e-9
# %% test helper_patched 1
from unittest.mock import patch
with patch("__main__.square_sum", return_value=81.0) as mocked:
    assert distance((0, 0), (1, 1)) == 9.0
mocked.assert_called_once()
# %% test module_patched 1
from unittest.mock import patch
with patch("random.randint", side_effect=[1, 2, 3]):
    assert roll(3) == [1, 2, 3]
# %% test mock_argument 1
from unittest.mock import MagicMock
words = MagicMock()
words.__iter__.return_value = iter(["a", "bb"])
assert by_length(words)[2] == {"bb"}
# %% test seeded 1
import random
random.seed(0)
expected = [random.randint(1, 6) for _ in range(5)]
random.seed(0)
assert roll(5) == expected
# %% test in_range 1
rolled = roll(500)
assert len(rolled) == 500 and set(rolled) == {1, 2, 3, 4, 5, 6}
# %% test loaded_names 1
import sys
assert "math" in sys.modules and math.floor(distance((0,), (2,))) == 2
# %% test sliced_bytes 1
assert bytes(roll(3)).__len__() == 3 and bytearray(b"ab")[0] == 97
