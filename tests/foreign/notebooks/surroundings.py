# %% [markdown]
# What a test finds around it: imports of other cells, helpers of earlier tests, `__main__`.
# %% given
import numpy as np
import wsgiref.headers as headers
# %% answer roots
def roots(x):
    ### BEGIN SOLUTION
    return np.sqrt(x)
    ### END SOLUTION
# %% mutant roots
np.sqrt(x)
# ->
x / 2
# %% mutant roots
return np.sqrt(x)
# ->
return float(x[0])
# %% test import_elsewhere 1
assert np.allclose(roots(np.array([4.0, 9.0])), [2, 3])
assert isinstance(roots(4.0), float)
# %% answer add
def add(a, b):
    ### BEGIN SOLUTION
    return a + b
    ### END SOLUTION
# %% mutant add
a + b
# ->
a - b
# %% mutant add
a + b
# ->
b + a
# %% mutant add
a + b
# ->
3
# %% test helper_defined 1
def same(a, b):
    assert a == b

same(add(1, 2), 3)
# %% test helper_used 1
same(add(2, 2), 4)
# %% test name_main 1
def test_add():
    assert add(1, 2) == 3

if __name__ == "__main__":
    test_add()
# %% test state_set 1
total = add(1, 2)
assert total == 3
# %% locked state_read
doubled = total * 2
# %% test state_derived 1
assert doubled == 6
# %% test state_kept 2
assert total == 3
# %% file beside.py
def double(x):
    return 2 * x
# %% locked import_beside
from beside import double
# %% answer quad
def quad(x):
    ### BEGIN SOLUTION
    return double(double(x))
    ### END SOLUTION
# %% mutant quad
double(double(x))
# ->
double(x) * 3
# %% test module_used 1
assert quad(1) == 4
# %% test module_imported 1
from beside import double
assert double(quad(1)) == 8
# %% answer y
### BEGIN SOLUTION
y = 81
### END SOLUTION
# %% mutant y
y = 81
# ->
x = 81
# %% mutant y
y = 81
# ->
y = None
# %% test in_dir 1
assert "y" in dir()
# %% test in_globals 1
assert "y" in globals()
assert globals()["y"] == 81
# %% test name_error 1
try:
    y
except NameError:
    raise AssertionError("y is missing")
# %% test locals_get 1
assert locals().get("y", 0) == 81
# %% answer sq
def sq(n):
    ### BEGIN SOLUTION
    return n * n
    ### END SOLUTION
# %% answer sumsq
def sumsq(n):
    ### BEGIN SOLUTION
    return sum(sq(i) for i in range(n))
    ### END SOLUTION
# %% mutant sumsq
sum(sq(i) for i in range(n))
# ->
sum(i * i for i in range(n))
# %% mutant sumsq
range(n)
# ->
range(n + 1)
# %% test del_name 1
kept = sq
del sq
try:
    sumsq(3)
except NameError:
    pass
else:
    raise AssertionError("does not use sq")
finally:
    sq = kept
# %% test after_del 1
assert sumsq(4) == 14
# %% answer broken
### BEGIN SOLUTION
broken = 3
### END SOLUTION
# %% mutant broken
broken = 3
# ->
broken = 1 / 0
# %% mutant broken
broken = 3
# ->
broken = "3"
# %% test after_error 1
assert broken == 3
# %% test magic 1
%matplotlib inline
assert add(1, 2) == 3
# %% test shell 1
files = !echo one two
assert files == ["one two"]
assert add(1, 2) == 3
# %% test capture 1
%%capture out
assert add(1, 2) == 3
print("said")
# %% test timeit 1
took = %timeit -o -n 1 -r 1 -q add(1, 2)
assert took.best < 10 and add(0, 0) == 0
# %% test part_number 1
assert add(1, 2) == 3
0.5
# %% test part_true 1
add(1, 2) == 3
# %% test part_sum 4
score = 0
for a, b, c in [(1, 2, 3), (0, 0, 0), (2, -2, 0), (5, 5, 10)]:
    if add(a, b) == c:
        score += 1
score
# %% test part_numpy 1
np.float64(add(0.25, 0.25))
# %% test part_print 1
print(add(0.25, 0.5))
# %% graded written 2
### BEGIN SOLUTION
written = 1
### END SOLUTION
# %% mutant written
written = 1
# ->
written = 1 / 0
# %% answer heading
def heading(name):
    ### BEGIN SOLUTION
    return name.title()
    ### END SOLUTION
# %% mutant heading
name.title()
# ->
name.upper()
# %% test part_of_a_package 1
import wsgiref
assert wsgiref.headers.Headers([(heading("a-b"), "1")])["A-B"] == "1" and heading("c") == "C"
assert heading("a-b") == "A-B"
# %% given
largest = max(3, 1, 2)
kept = [largest]
# %% answer largest
largest = 0
### BEGIN SOLUTION
largest = max(7, 5)
### END SOLUTION
# %% mutant largest
max(7, 5)
# ->
kept[0]
# %% test example_is_no_answer 1
assert kept == [3] and largest == 7
# %% test example_above 1
assert kept == [3] and largest in (3, 7)
# %% answer after_failures
def root(x):
    ### BEGIN SOLUTION
    return x**0.5
    ### END SOLUTION
def tripled(x):
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION
# %% mutant after_failures
x**0.5
# ->
x**2
# %% mutant after_failures
3 * x
# ->
4 * x
# %% test stops_before_what_it_defines 1
assert root(9) == 3
import colorsys as after_a_failure
def helper_after_a_failure(x):
    return x + 1
# %% test uses_an_import_after_a_failure 1
assert tripled(after_a_failure.rgb_to_hsv(1, 1, 1)[2]) == 3
# %% test uses_a_helper_after_a_failure 1
assert helper_after_a_failure(tripled(1)) == 4
# %% test defines_it_again 1
def helper_after_a_failure(x):
    return x + 1
assert helper_after_a_failure(tripled(2)) == 7
# %% test uses_what_was_defined_again 1
assert helper_after_a_failure(tripled(3)) == 10
