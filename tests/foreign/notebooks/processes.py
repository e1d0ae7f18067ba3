# %% [markdown]
# What a test sets or measures of the process that it shares with an answer.
# %% answer fact
def fact(n):
    ### BEGIN SOLUTION
    product = 1
    for factor in range(2, n + 1):
        product *= factor
    return product
    ### END SOLUTION
# %% mutant fact
    product = 1
    for factor in range(2, n + 1):
        product *= factor
    return product
# ->
    return 1 if n < 2 else n * fact(n - 1)
# %% mutant fact
    return product
# ->
    return float(product)
# %% test goes_round 1
import sys
usual = sys.getrecursionlimit()
sys.setrecursionlimit(200)
try:
    assert fact(500) % 501 == 0
finally:
    sys.setrecursionlimit(usual)
# %% test small 1
assert fact(5) == 120 and isinstance(fact(5), int)
# %% answer halve
import warnings
import numpy as np
def halve(x):
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION
# %% mutant halve
    return x / 2
# ->
    np.log(np.zeros(1))
    return x / 2
# %% mutant halve
    return x / 2
# ->
    warnings.warn("use a shift", DeprecationWarning)
    return x / 2
# %% test without_a_warning 1
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("error")
    assert halve(4) == 2
# %% test warns_of_nothing 1
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    halve(4)
assert not caught
# %% test without_a_zero 1
with np.errstate(divide="raise"):
    assert halve(4) == 2
# %% test silently 1
with np.errstate(all="ignore"), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    assert halve(8) == 4
# %% answer third
from decimal import Decimal
def third():
    ### BEGIN SOLUTION
    return Decimal(1) / 3
    ### END SOLUTION
# %% mutant third
    return Decimal(1) / 3
# ->
    return Decimal("0.3333333333333333333333333333")
# %% test precise 1
from decimal import localcontext
with localcontext() as context:
    context.prec = 5
    assert str(third()) == "0.33333"
# %% answer home
import os
def home():
    ### BEGIN SOLUTION
    return "/home"
    ### END SOLUTION
# %% mutant home
    return "/home"
# ->
    return os.environ.get("PLACE", "/home")
# %% test same_everywhere 1
import os
os.environ["PLACE"] = "/elsewhere"
try:
    assert home() == "/home"
finally:
    del os.environ["PLACE"]
# %% answer total
def total(n):
    ### BEGIN SOLUTION
    return sum(range(n))
    ### END SOLUTION
# %% mutant total
    return sum(range(n))
# ->
    return sum(list(range(n)))
# %% test small_in_memory 1
import tracemalloc
tracemalloc.start()
try:
    assert total(10**6) == 499999500000
    assert tracemalloc.get_traced_memory()[1] < 10**6
finally:
    tracemalloc.stop()
