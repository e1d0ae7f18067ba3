# %% [markdown]
# Objects that an answer shares with its test, with another answer, or with itself.
# %% answer grid
def grid(rows, columns):
    ### BEGIN SOLUTION
    return [[0] * columns for _ in range(rows)]
    ### END SOLUTION
# %% mutant grid
    return [[0] * columns for _ in range(rows)]
# ->
    return [[0] * columns] * rows
# %% mutant grid
    return [[0] * columns for _ in range(rows)]
# ->
    return [[0] * rows for _ in range(columns)]
# %% test rows_apart 1
board = grid(2, 3)
board[0][0] = 1
assert board == [[1, 0, 0], [0, 0, 0]]
# %% answer groups
def groups(names):
    ### BEGIN SOLUTION
    return {name: [] for name in names}
    ### END SOLUTION
# %% mutant groups
    return {name: [] for name in names}
# ->
    return dict.fromkeys(names, [])
# %% test groups_apart 1
teams = groups("ab")
teams["a"].append(1)
assert teams["b"] == []
# %% answer duplicate
def duplicate(rows):
    ### BEGIN SOLUTION
    return [list(row) for row in rows]
    ### END SOLUTION
# %% mutant duplicate
    return [list(row) for row in rows]
# ->
    return list(rows)
# %% mutant duplicate
    return [list(row) for row in rows]
# ->
    return rows
# %% test deep 1
given = [[1, 2], [3, 4]]
other = duplicate(given)
other[0][0] = 9
assert given == [[1, 2], [3, 4]] and other[1] == [3, 4]
# %% test deep_backwards 1
given = [[1, 2], [3, 4]]
other = duplicate(given)
given[1].append(5)
assert other == [[1, 2], [3, 4]]
# %% answer backwards
import numpy as np
def backwards(x):
    ### BEGIN SOLUTION
    return x[::-1].copy()
    ### END SOLUTION
# %% mutant backwards
    return x[::-1].copy()
# ->
    return x[::-1]
# %% test no_view 1
x = np.arange(4.0)
y = backwards(x)
y[0] = 100
assert x[-1] == 3
# %% test no_view_backwards 1
x = np.arange(4.0)
y = backwards(x)
x += 1
assert y[0] == 3
# %% answer bag
class Bag:
    def __init__(self, items):
        ### BEGIN SOLUTION
        self._items = list(items)
        ### END SOLUTION

    def items(self):
        ### BEGIN SOLUTION
        return list(self._items)
        ### END SOLUTION

    def add(self, item):
        ### BEGIN SOLUTION
        self._items.append(item)
        ### END SOLUTION
# %% mutant bag
        self._items = list(items)
# ->
        self._items = items
# %% mutant bag
        return list(self._items)
# ->
        return self._items
# %% test keeps_its_own 1
given = [1]
bag = Bag(given)
given.append(2)
assert bag.items() == [1]
# %% test leaves_what_it_was_given 1
given = [1]
bag = Bag(given)
bag.add(2)
assert given == [1]
assert bag.items() == [1, 2]
# %% test gives_a_copy 1
bag = Bag([1])
got = bag.items()
got.append(2)
assert bag.items() == [1]
# %% test gave_a_copy 1
bag = Bag([1])
got = bag.items()
bag.add(2)
assert got == [1]
# %% answer collect
def collect(item, to=None):
    ### BEGIN SOLUTION
    to = [] if to is None else to
    to.append(item)
    return to
    ### END SOLUTION
# %% mutant collect
    to = [] if to is None else to
    to.append(item)
    return to
# ->
    collect.to = getattr(collect, "to", []) if to is None else to
    collect.to.append(item)
    return collect.to
# %% mutant collect
    return to
# ->
    return list(to)
# %% test first_stays 1
first = collect(1)
collect(2)
assert first == [1]
# %% test collects_in_place 1
mine = [0]
assert collect(1, mine) is mine and mine == [0, 1]
# %% answer running
def running(items):
    ### BEGIN SOLUTION
    total = 0
    for item in list(items):
        total += item
        yield total
    ### END SOLUTION
# %% mutant running
    for item in list(items):
# ->
    for item in items:
# %% test sees_no_change 1
given = [1, 2]
sums = running(given)
assert next(sums) == 1
given.append(10)
assert list(sums) == [3]
# %% answer inventory
inventory = ["pen"]
def listed():
    ### BEGIN SOLUTION
    return ", ".join(inventory)
    ### END SOLUTION
# %% mutant inventory
    return ", ".join(inventory)
# ->
    inventory.sort(reverse=True)
    inventory.append("end")
    return ", ".join(inventory)
# %% test leaves_it_alone 1
before = list(inventory)
listed()
assert inventory == before
# %% test sees_what_is_new 1
inventory.append("ink")
assert listed() == "pen, ink"
inventory.remove("ink")
# %% test is_as_before 1
assert listed() == "pen"
# %% answer box
class Box:
    def __init__(self, size):
        ### BEGIN SOLUTION
        self._items = [0] * size
        self._number = size
        ### END SOLUTION
# %% mutant box
        self._items = [0] * size
        self._number = size
# ->
        self.items = [0] * size
        self.number = size
# %% test hides_them 1
box = Box(2)
assert hasattr(box, "_items") and hasattr(box, "_number")
# %% test hidden_ones 1
box = Box(2)
box._items.append(3)
assert box._items == [0, 0, 3] and box._number == 2
# %% answer samples
class Samples:
    def __init__(self, values):
        ### BEGIN SOLUTION
        self._values = values.copy()
        ### END SOLUTION

    def clip(self, most):
        ### BEGIN SOLUTION
        for place in range(len(self._values)):
            self._values[place] = min(self._values[place], most)
        ### END SOLUTION

    def largest(self):
        ### BEGIN SOLUTION
        return max(self._values)
        ### END SOLUTION
# %% mutant samples
        self._values = values.copy()
# ->
        self._values = values
# %% mutant samples
        return max(self._values)
# ->
        return self._values[0]
# %% test leaves_many_numbers_alone 1
numbers = list(range(5000))
samples = Samples(numbers)
samples.clip(10)
assert numbers[-1] == 4999
assert samples.largest() == 10
# %% test keeps_many_numbers 1
numbers = list(range(5000))
samples = Samples(numbers)
numbers[0] = 9999
assert samples.largest() == 4999
# %% test leaves_a_large_array_alone 1
numbers = np.arange(20_000.0)
samples = Samples(numbers)
samples.clip(10)
assert numbers[-1] == 19_999
# %% test keeps_a_large_array 1
numbers = np.arange(20_000.0)
samples = Samples(numbers)
numbers *= 0
assert samples.largest() == 19_999
# %% test many_rows_apart 1
board = grid(1500, 2)
board[0][0] = 1
assert board[1400][0] == 0
# %% answer scaled
class Scaled:
    def __init__(self, values):
        ### BEGIN SOLUTION
        self._values = values.copy()
        ### END SOLUTION

    def double(self, values):
        ### BEGIN SOLUTION
        values *= 2
        ### END SOLUTION
        return float(self._values.sum())
# %% mutant scaled
        self._values = values.copy()
# ->
        self._values = values
# %% mutant scaled
        values *= 2
# ->
        values = values * 2
# %% test hands_the_same_over_again 1
numbers = np.ones(3)
scaled = Scaled(numbers)
assert scaled.double(numbers) == 3
assert scaled.double(values=numbers) == 3
assert numbers[0] == 4
# %% test changes_it_and_hands_it_over_again 1
numbers = np.ones(3)
scaled = Scaled(numbers)
numbers += 1
assert scaled.double(numbers) == 3 and numbers[0] == 4
