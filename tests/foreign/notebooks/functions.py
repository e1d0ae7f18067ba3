# %% [markdown]
# Functions that take and give functions, change their arguments, count, raise and remember.
# %% answer twice
def twice(f, x):
    ### BEGIN SOLUTION
    return f(f(x))
    ### END SOLUTION
# %% mutant twice
return f(f(x))
# ->
return f(x)
# %% test function_argument 1
assert twice(lambda x: x + 1, 0) == 2
assert twice(str.upper, "a") == "A"
# %% test recorded_calls 1
seen = []
def spy(x):
    seen.append(x)
    return x * 2
assert twice(spy, 3) == 12
assert seen == [3, 6]
# %% answer compose
def compose(*functions):
    ### BEGIN SOLUTION
    def composed(x):
        for function in reversed(functions):
            x = function(x)
        return x
    return composed
    ### END SOLUTION
# %% mutant compose
reversed(functions)
# ->
functions
# %% test returns_function 1
inc = lambda x: x + 1
double = lambda x: 2 * x
assert compose(inc, double)(5) == 11
assert compose()(4) == 4
assert callable(compose(inc))
# %% answer counter
def make_counter():
    ### BEGIN SOLUTION
    count = 0
    def step():
        nonlocal count
        count += 1
        return count
    return step
    ### END SOLUTION
# %% mutant counter
        nonlocal count
        count += 1
        return count
# ->
        return count + 1
# %% test closure 2
a, b = make_counter(), make_counter()
assert [a(), a(), b(), a()] == [1, 2, 1, 3]
# %% answer sort
def sort_in_place(items):
    ### BEGIN SOLUTION
    items.sort()
    ### END SOLUTION
# %% mutant sort
items.sort()
# ->
items = sorted(items)
# %% mutant sort
items.sort()
# ->
items.sort()
    return items
# %% test in_place 1
items = [3, 1, 2]
sort_in_place(items)
assert items == [1, 2, 3]
# %% test returns_none 1
assert sort_in_place([2, 1]) is None
# %% answer appended
def appended(items, item):
    ### BEGIN SOLUTION
    return items + [item]
    ### END SOLUTION
# %% mutant appended
return items + [item]
# ->
items.append(item)
    return items
# %% test leaves_argument 1
given = [1, 2]
result = appended(given, 3)
assert result == [1, 2, 3]
assert given == [1, 2]
assert result is not given
# %% answer same_list
def push(stack, item):
    ### BEGIN SOLUTION
    stack.append(item)
    return stack
    ### END SOLUTION
# %% test aliasing 1
stack = []
assert push(push(stack, 1), 2) is stack
assert stack == [1, 2]
# %% answer nested
def put(table, key, value):
    ### BEGIN SOLUTION
    table.setdefault(key, []).append(value)
    ### END SOLUTION
# %% mutant nested
table.setdefault(key, []).append(value)
# ->
table[key] = [value]
# %% test nested_in_place 1
table = {"a": [1]}
inner = table["a"]
put(table, "a", 2)
put(table, "b", 3)
assert table == {"a": [1, 2], "b": [3]}
assert inner == [1, 2]
# %% answer fact
def factorial(n):
    ### BEGIN SOLUTION
    if n < 0:
        raise ValueError("n must not be negative")
    return 1 if n == 0 else n * factorial(n - 1)
    ### END SOLUTION
# %% mutant fact
"n must not be negative"
# ->
"oops"
# %% mutant fact
        raise ValueError("n must not be negative")
# ->
        raise SystemExit("n must not be negative")
# %% mutant fact
        raise ValueError("n must not be negative")
# ->
        raise type("Own", (BaseException,), {})("n must not be negative")
# %% mutant fact
    if n < 0:
        raise ValueError("n must not be negative")
    return 1 if n == 0 else n * factorial(n - 1)
# ->
    result = 1
    for k in range(2, n + 1):
        result *= k
    return result
# %% test recursion_counted 1
calls = 0
original = factorial
def factorial(n):
    global calls
    calls += 1
    return original(n)
assert factorial(5) == 120
assert calls > 1, "factorial has to call itself"
factorial = original
# %% test raises_try 1
try:
    factorial(-1)
    assert False, "no error"
except ValueError as error:
    assert "negative" in str(error)
# %% test raises_pytest 1
import pytest
with pytest.raises(ValueError, match="negative"):
    factorial(-3)
# %% test raises_whatever 1
with pytest.raises(Exception, match="negative"):
    factorial(-4)
# %% test caught_whatever 1
try:
    factorial(-5)
except Exception as error:
    assert "negative" in str(error)
else:
    assert False, "no error"
# %% test suppressed 1
import contextlib
with contextlib.suppress(Exception):
    factorial(-6)
# %% answer kinds
class Mine(Exception):
    pass

def fail(kind):
    ### BEGIN SOLUTION
    raise {"value": ValueError, "file": FileNotFoundError, "mine": Mine, "unicode": UnicodeError}[kind]("no")
    ### END SOLUTION
# %% mutant kinds
    raise {"value": ValueError, "file": FileNotFoundError, "mine": Mine, "unicode": UnicodeError}[kind]("no")
# ->
    raise ValueError("no")
# %% mutant kinds
    raise {"value": ValueError, "file": FileNotFoundError, "mine": Mine, "unicode": UnicodeError}[kind]("no")
# ->
    return None
# %% test numpy_raises 1
import numpy as np
np.testing.assert_raises(ValueError, fail, "value")
# %% test file_error 1
try:
    fail("file")
except FileNotFoundError:
    pass
else:
    assert False
# %% test own_error 1
try:
    fail("mine")
except Mine:
    pass
else:
    assert False
# %% test unittest_raises 1
import unittest
unittest.TestCase().assertRaises(ValueError, fail, "value")
# %% answer memo
def memoise(function):
    ### BEGIN SOLUTION
    known = {}
    def inner(*arguments):
        if arguments not in known:
            known[arguments] = function(*arguments)
        return known[arguments]
    return inner
    ### END SOLUTION
# %% mutant memo
        if arguments not in known:
# ->
        if True:
# %% test decorator 2
calls = []

@memoise
def slow(x, y):
    calls.append((x, y))
    return x + y

assert slow(1, 2) == 3 and slow(1, 2) == 3 and slow(2, 2) == 4
assert calls == [(1, 2), (2, 2)]
# %% answer by_key
def ranked(people, key):
    ### BEGIN SOLUTION
    return sorted(people, key=key, reverse=True)
    ### END SOLUTION
# %% mutant by_key
, reverse=True
# ->

# %% test key_function 1
people = [("ada", 36), ("bob", 20), ("eve", 50)]
assert ranked(people, key=lambda p: p[1])[0] == ("eve", 50)
assert ranked(people, len) == people
# %% answer signature
def power(base: float, exponent: int = 2) -> float:
    """Return a power.

    >>> power(3)
    9
    >>> power(2, 5)
    32
    """
    ### BEGIN SOLUTION
    return base ** exponent
    ### END SOLUTION
# %% mutant signature
base ** exponent
# ->
base * exponent
# %% test name 1
assert power.__name__ == "power" and power(1) == 1
# %% test doc 1
assert power.__doc__.startswith("Return a power.") and power(0) == 0
# %% test signature_parameters 1
import inspect
assert list(inspect.signature(power).parameters) == ["base", "exponent"]
assert inspect.signature(power).parameters["exponent"].default == 2
assert power(2) == 4 and power(3, 3) == 27
# %% test annotations 1
assert power.__annotations__["exponent"] is int
assert power(5, 1) == 5
# %% test source_text 1
import inspect
assert "for" not in inspect.getsource(power)
assert "**" in inspect.getsource(power)
# %% test ast_of_source 1
import ast, inspect
tree = ast.parse(inspect.getsource(power))
assert any(isinstance(node, ast.Pow) for node in ast.walk(tree))
# %% test docstring_examples 1
import doctest
runner = doctest.DocTestRunner()
for found in doctest.DocTestFinder().find(power, "power", globs={"power": power}):
    runner.run(found)
assert runner.summarize().failed == 0
# %% test run_docstring_examples 1
import contextlib, doctest, io
said = io.StringIO()
with contextlib.redirect_stdout(said):
    doctest.run_docstring_examples(power, globals())
assert said.getvalue() == ""
# %% test testmod 1
import doctest
assert doctest.testmod().failed == 0
# %% answer variadic
def mean(*numbers, default=0):
    ### BEGIN SOLUTION
    return sum(numbers) / len(numbers) if numbers else default
    ### END SOLUTION
# %% mutant variadic
if numbers else default
# ->
if numbers else 0
# %% test keywords 1
assert mean(1, 2, 3) == 2
assert mean(default=None) is None
assert mean(*[4, 6]) == 5
# %% answer property_based
def flip(text):
    ### BEGIN SOLUTION
    return text[::-1]
    ### END SOLUTION
# %% mutant property_based
text[::-1]
# ->
text
# %% mutant property_based
text[::-1]
# ->
text[::-1].strip()
# %% test hypothesis 2
from hypothesis import given, settings, strategies as st

@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=5))
def law(text):
    assert flip(flip(text)) == text
    assert flip(text) == "".join(reversed(text))

law()
# %% test no_recursion_limit 1
assert flip("ab" * 2000) == "ba" * 2000
