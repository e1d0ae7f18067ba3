# %% [markdown]
# NumPy: tests by numpy.testing, shapes and dtypes, in-place changes, texts, dates, objects, seeds.
# %% given
import numpy as np
# %% answer arrays
### BEGIN SOLUTION
s = np.array(["a", "b"])
o = np.array([1, "x"], dtype=object)
d = np.array(["2020-01-01"], dtype="datetime64[D]")
p = np.polynomial.Polynomial([1, 2])
pl = np.poly1d([1, 2])
r = np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")])
m = np.ma.masked_less(np.array([1, -1, 3]), 0)
z = np.array([1 + 2j, 3])
### END SOLUTION
# %% mutant arrays
s = np.array(["a", "b"])
# ->
s = ["a", "b"]
# %% mutant arrays
d = np.array(["2020-01-01"], dtype="datetime64[D]")
# ->
d = ["2020-01-01"]
# %% mutant arrays
p = np.polynomial.Polynomial([1, 2])
# ->
p = np.polynomial.Polynomial([2, 1])
# %% mutant arrays
np.ma.masked_less(np.array([1, -1, 3]), 0)
# ->
np.array([1, -1, 3])
# %% test texts 1
assert (s == np.array(["a", "b"])).all()
import numpy as np
# %% test texts_equal 1
import numpy as np
assert np.array_equal(s, ["a", "b"])
assert s.dtype.kind == "U"
# %% test objects 1
assert list(o) == [1, "x"]
# %% test dates 1
import numpy as np
assert d[0] == np.datetime64("2020-01-01")
assert d[0] + np.timedelta64(1, "D") == np.datetime64("2020-01-02")
# %% test polynomial 1
assert p(1) == 3
assert p(2) == 5
# %% test poly1d 1
assert pl(1) == 3
# %% test coefficients 1
import numpy as np
assert np.allclose(p.coef, [1, 2])
# %% test records 1
assert r["x"][0] == 2.5 and r.dtype.names == ("n", "x")
# %% test masked 1
assert m.sum() == 4 and m.mask.tolist() == [False, True, False]
assert m[1] is np.ma.masked
# %% test complex 1
np.testing.assert_allclose(np.abs(z), [5 ** 0.5, 3])
# %% answer standardise
def standardise(x):
    ### BEGIN SOLUTION
    return (x - x.mean(axis=0)) / x.std(axis=0)
    ### END SOLUTION

def clip_in_place(x, low, high):
    ### BEGIN SOLUTION
    x[x < low] = low
    x[x > high] = high
    ### END SOLUTION

def outer(a, b):
    ### BEGIN SOLUTION
    return a[:, None] * b[None, :]
    ### END SOLUTION
# %% mutant standardise
x.mean(axis=0)
# ->
x.mean()
# %% mutant standardise
    x[x < low] = low
    x[x > high] = high
# ->
    x = np.clip(x, low, high)
# %% mutant standardise
a[:, None] * b[None, :]
# ->
a[:, None] * b[None, :] + 1e-4
# %% mutant standardise
    return (x - x.mean(axis=0)) / x.std(axis=0)
# ->
    x -= x.mean(axis=0)
    x /= x.std(axis=0)
    return x
# %% mutant standardise
(x - x.mean(axis=0)) / x.std(axis=0)
# ->
((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
# %% test almost_equal 1
x = np.array([[1.0, 2.0], [3.0, 6.0]])
np.testing.assert_almost_equal(standardise(x), [[-1, -1], [1, 1]])
# %% test statistics 1
rng = np.random.default_rng(0)
x = rng.normal(3, 2, size=(50, 3))
found = standardise(x)
assert found.shape == x.shape and found.dtype == np.float64
assert np.allclose(found.mean(axis=0), 0, atol=1e-12) and np.allclose(found.std(axis=0), 1)
# %% test argument_kept 1
x = np.arange(6.0).reshape(3, 2)
before = x.copy()
standardise(x)
np.testing.assert_array_equal(x, before)
# %% test changed_in_place 1
x = np.array([-5, 0, 5])
assert clip_in_place(x, -1, 1) is None
np.testing.assert_array_equal(x, [-1, 0, 1])
# %% test view_changed 1
x = np.zeros((2, 3))
x[0] = 7
row = x[0]
clip_in_place(row, 0, 1)
assert x[0].tolist() == [1, 1, 1]
# %% test broadcast 1
np.testing.assert_allclose(outer(np.arange(2), np.arange(3)), [[0, 0, 0], [0, 1, 2]], rtol=1e-7, atol=0)
# %% test tolerance 1
np.testing.assert_allclose(outer(np.ones(2), np.ones(2)), np.ones((2, 2)), atol=1e-3)
# %% test raises_broadcast 1
try:
    outer(3, 4)
except (TypeError, IndexError):
    pass
else:
    assert False
# %% test scalar_kinds 1
value = standardise(np.array([1.0, 3.0]))[1]
assert isinstance(value, (float, np.floating)) and value == 1
assert isinstance(value, np.float64)
# %% answer draws
def sample(n, seed=None):
    ### BEGIN SOLUTION
    if seed is not None:
        np.random.seed(seed)
    return np.random.randint(0, 10, size=n)
    ### END SOLUTION

def walk(rng, n):
    ### BEGIN SOLUTION
    return np.cumsum(rng.choice([-1, 1], size=n))
    ### END SOLUTION
# %% mutant draws
np.random.randint(0, 10, size=n)
# ->
np.random.randint(0, 11, size=n)
# %% mutant draws
rng.choice([-1, 1], size=n)
# ->
rng.integers(-1, 2, size=n)
# %% mutant draws
        np.random.seed(seed)
# ->
        np.random.seed(seed + 1)
# %% test seed_outside 1
np.random.seed(42)
expected = np.random.randint(0, 10, size=5)
np.random.seed(42)
np.testing.assert_array_equal(sample(5), expected)
# %% test seed_argument 1
assert np.array_equal(sample(20, seed=3), sample(20, seed=3))
assert np.array_equal(sample(4, seed=0), [5, 0, 3, 3])
# %% test generator_argument 2
expected = np.cumsum(np.random.default_rng(5).choice([-1, 1], size=8))
np.testing.assert_array_equal(walk(np.random.default_rng(5), 8), expected)
# %% test generator_moves_on 1
rng = np.random.default_rng(6)
first, second = walk(rng, 30), walk(rng, 30)
assert not np.array_equal(first, second)
# %% answer vectorised
def evens(x):
    ### BEGIN SOLUTION
    return x[x % 2 == 0]
    ### END SOLUTION

def norm(x):
    ### BEGIN SOLUTION
    return np.sqrt(np.dot(x, x))
    ### END SOLUTION
# %% mutant vectorised
x[x % 2 == 0]
# ->
np.array([v for v in x if v % 2 == 0])
# %% mutant vectorised
np.sqrt(np.dot(x, x))
# ->
sum(v * v for v in x) ** 0.5
# %% mutant vectorised
np.sqrt(np.dot(x, x))
# ->
np.linalg.norm(x)
# %% test no_loop 1
import inspect
assert "for" not in inspect.getsource(evens)
assert evens(np.arange(5)).tolist() == [0, 2, 4]
# %% test not_by_library 1
from unittest.mock import patch
with patch("numpy.linalg.norm", side_effect=AssertionError("do it yourself")):
    assert norm(np.array([3.0, 4.0])) == 5
# %% test uses_dot 1
from unittest.mock import patch
with patch.object(np, "dot", wraps=np.dot) as dot:
    assert norm(np.array([3.0, 4.0])) == 5
assert dot.called
# %% test empty_array 1
assert evens(np.array([], dtype=int)).shape == (0,)
# %% test error_state 1
with np.errstate(divide="raise"):
    assert norm(np.zeros(3)) == 0
# %% test printed_array 1
assert str(evens(np.arange(6))) == "[0 2 4]"
assert repr(evens(np.arange(3))) == "array([0, 2])"
# %% answer image
from PIL import Image

def negative(picture):
    ### BEGIN SOLUTION
    return Image.fromarray(255 - np.asarray(picture))
    ### END SOLUTION
# %% mutant image
255 - np.asarray(picture)
# ->
np.asarray(picture)
# %% mutant image
Image.fromarray(255 - np.asarray(picture))
# ->
255 - np.asarray(picture)
# %% test picture 2
from PIL import Image
given = Image.fromarray(np.array([[0, 255], [10, 20]], dtype=np.uint8))
found = negative(given)
assert found.size == (2, 2) and found.mode == "L"
assert found.getpixel((0, 0)) == 255
np.testing.assert_array_equal(np.asarray(found), [[255, 0], [245, 235]])
