# %% [markdown]
# What is asked for bit by bit: iterators that a test hands over, and coroutines that it awaits.
# %% answer taken
def take(items, count):
    ### BEGIN SOLUTION
    return [item for _, item in zip(range(count), items)]
    ### END SOLUTION
# %% mutant taken
[item for _, item in zip(range(count), items)]
# ->
list(items)[:count]
# %% mutant taken
zip(range(count), items)
# ->
zip(range(count + 1), items)
# %% test from_generator 1
assert take((n * n for n in range(5)), 3) == [0, 1, 4]
# %% test leaves_the_rest 1
numbers = iter([1, 2, 3, 4])
assert take(numbers, 2) == [1, 2]
assert list(numbers) == [3, 4]
# %% test from_map 1
assert take(map(str.upper, "abc"), 2) == ["A", "B"]
# %% answer doubled
def doubled(items):
    ### BEGIN SOLUTION
    for item in items:
        yield 2 * item
    ### END SOLUTION
# %% mutant doubled
    for item in items:
        yield 2 * item
# ->
    return iter([2 * item for _, item in zip(range(9), items)])
# %% mutant doubled
2 * item
# ->
item + item * item
# %% test endless_there_and_back 1
from itertools import count, islice
assert list(islice(doubled(count(1)), 4)) == [2, 4, 6, 8]
# %% test no_further_than_asked 1
given = iter([1, 2, 3, 4])
found = doubled(given)
assert [next(found), next(found)] == [2, 4]
assert next(given) == 3
# %% test stopped_halfway 1
found = doubled([1, 2, 3, 4])
for number in found:
    if number == 4:
        break
assert next(found) == 6
# %% test fails_on_the_way 1
def broken():
    yield 1
    raise ValueError("no more")

found = doubled(broken())
assert next(found) == 2
try:
    next(found)
except ValueError as error:
    assert "no more" in str(error)
else:
    assert False
# %% locked imports
import asyncio
# %% answer later
async def later(value):
    ### BEGIN SOLUTION
    await asyncio.sleep(0)
    print("now", value)
    if value is None:
        raise LookupError("nothing")
    return value + 1
    ### END SOLUTION

async def counted(most):
    ### BEGIN SOLUTION
    for number in range(most):
        await asyncio.sleep(0)
        yield number
    ### END SOLUTION

class Opened:
    ### BEGIN SOLUTION
    async def __aenter__(self):
        return "open"

    async def __aexit__(self, kind, error, trace):
        return kind is KeyError
    ### END SOLUTION
# %% mutant later
    return value + 1
# ->
    return value
# %% mutant later
        raise LookupError("nothing")
# ->
        raise KeyError("nothing")
# %% mutant later
        return "open"
# ->
        return "closed"
# %% mutant later
    for number in range(most):
# ->
    for number in [most] * most:
# %% test awaited_value 1
assert await later(1) == 2
# %% test awaited_together 1
assert await asyncio.gather(later(1), later(5)) == [2, 6]
# %% test awaited_as_a_task 1
task = asyncio.create_task(later(4))
assert await task == 5
# %% test awaited_in_time 1
assert await asyncio.wait_for(later(2), timeout=600) == 3
# %% test awaited_error 1
try:
    await later(None)
except KeyError:
    assert False
except LookupError as error:
    assert str(error) == "nothing"
# %% test awaited_in_a_function 1
async def both():
    return await later(1) + await later(2)

assert await both() == 5
# %% test awaited_output 1
import contextlib, io
said = io.StringIO()
with contextlib.redirect_stdout(said):
    await later(7)
assert said.getvalue() == "now 7\n"
# %% test async_for 1
assert [number async for number in counted(3)] == [0, 1, 2]
# %% test async_with 1
async with Opened() as how:
    assert how == "open"
    raise KeyError("kept quiet")
# %% test async_partial 3
(1 if await later(1) == 2 else 0) + (2 if await later(None or 3) == 4 else 0)
# %% test run_in_a_thread 1
import threading
results = []
def work():
    results.append(asyncio.run(later(8)))
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert results == [9]
