# %% [markdown]
# Classes: operators, properties, inheritance, data classes, enumerations, containers, iterators.
# %% answer vec
class Vec:
    ### BEGIN SOLUTION
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y)
    def __mul__(self, factor):
        return Vec(factor * self.x, factor * self.y)
    __rmul__ = __mul__
    def __neg__(self):
        return self * -1
    def __eq__(self, other):
        return isinstance(other, Vec) and (self.x, self.y) == (other.x, other.y)
    def __lt__(self, other):
        return abs(self) < abs(other)
    def __abs__(self):
        return (self.x ** 2 + self.y ** 2) ** 0.5
    def __hash__(self):
        return hash((self.x, self.y))
    def __str__(self):
        return f"({self.x}, {self.y})"
    def __repr__(self):
        return f"Vec({self.x}, {self.y})"
    def __iter__(self):
        yield self.x
        yield self.y
    def __getitem__(self, place):
        return (self.x, self.y)[place]
    def __len__(self):
        return 2
    def __bool__(self):
        return bool(self.x or self.y)
    def __call__(self, factor):
        return self * factor
    ### END SOLUTION
# %% mutant vec
        return Vec(self.x + other.x, self.y + other.y)
# ->
        return (self.x + other.x, self.y + other.y)
# %% mutant vec
        return isinstance(other, Vec) and (self.x, self.y) == (other.x, other.y)
# ->
        return True
# %% mutant vec
        return f"({self.x}, {self.y})"
# ->
        return "Vec"
# %% mutant vec
        return hash((self.x, self.y))
# ->
        raise TypeError("unhashable")
# %% test attribute 1
assert Vec(1, 2).x == 1
# %% test plus 1
assert (Vec(1, 2) + Vec(3, 4)).x == 4
# %% test times 1
assert 2 * Vec(1, 2) == Vec(2, 4) == Vec(1, 2) * 2
assert -Vec(1, 2) == Vec(-1, -2)
# %% test equal 1
assert Vec(1, 2) == Vec(1, 2)
# %% test unequal 1
assert Vec(1, 2) != Vec(1, 3) and not Vec(1, 2) == "Vec"
# %% test order 1
assert Vec(1, 1) < Vec(2, 2)
assert sorted([Vec(3, 0), Vec(1, 0)])[0] == Vec(1, 0)
assert max(Vec(1, 0), Vec(0, 5), key=abs) == Vec(0, 5)
# %% test text 1
assert str(Vec(1, 2)) == "(1, 2)"
assert f"{Vec(0, 1)}" == "(0, 1)"
# %% test representation 1
assert repr(Vec(1, 2)) == "Vec(1, 2)"
assert eval(repr(Vec(1, 2))) == Vec(1, 2)
# %% test instance 1
assert isinstance(Vec(1, 2), Vec)
assert isinstance(Vec(1, 2) + Vec(0, 0), Vec)
# %% test type_of 1
assert type(Vec(1, 2)) == Vec and type(Vec(1, 2)) is Vec
assert Vec(1, 2).__class__.__name__ == "Vec"
# %% test set_attribute 1
v = Vec(1, 2)
v.x = 5
assert v.x == 5 and v[0] == 5
# %% test hashed 1
assert len({Vec(1, 2), Vec(1, 2), Vec(2, 1)}) == 2
assert {Vec(1, 2): "a"}[Vec(1, 2)] == "a"
# %% test unpacked 1
x, y = Vec(3, 4)
assert (x, y) == (3, 4) and list(Vec(3, 4)) == [3, 4] and len(Vec(0, 0)) == 2
# %% test truth 1
assert not Vec(0, 0) and Vec(0, 1)
assert abs(Vec(3, 4)) == 5.0
# %% test called 1
assert Vec(1, 2)(3) == Vec(3, 6)
# %% test subclass 1
class Sub(Vec):
    def double(self):
        return self + self

assert Sub(1, 2).double().x == 2
assert isinstance(Sub(1, 2), Vec)
# %% test in_list 1
assert Vec(1, 2) in [Vec(0, 0), Vec(1, 2)]
assert [Vec(0, 0), Vec(1, 2)].index(Vec(1, 2)) == 1
assert sum([Vec(1, 1), Vec(2, 2)], Vec(0, 0)) == Vec(3, 3)
# %% test copied 1
import copy
v = Vec(1, 2)
w = copy.copy(v)
w.x = 9
assert v.x == 1 and w.x == 9
# %% answer account
class Account:
    """An account with a balance."""
    ### BEGIN SOLUTION
    fee = 1
    opened = 0

    def __init__(self, owner, balance=0):
        self.owner = owner
        self._balance = balance
        Account.opened += 1

    @property
    def balance(self):
        return self._balance

    @balance.setter
    def balance(self, amount):
        if amount < 0:
            raise ValueError("a balance cannot be negative")
        self._balance = amount

    def withdraw(self, amount):
        self.balance = self._balance - amount - self.fee

    @classmethod
    def of(cls, text):
        owner, balance = text.split(":")
        return cls(owner, int(balance))

    @staticmethod
    def is_valid(amount):
        return amount >= 0
    ### END SOLUTION

class Savings(Account):
    ### BEGIN SOLUTION
    fee = 0

    def __init__(self, owner, balance=0, rate=0.1):
        super().__init__(owner, balance)
        self.rate = rate

    def add_interest(self):
        self.balance = self.balance * (1 + self.rate)
    ### END SOLUTION
# %% mutant account
        if amount < 0:
            raise ValueError("a balance cannot be negative")
# ->
        pass
# %% mutant account
        return cls(owner, int(balance))
# ->
        return Account(owner, balance)
# %% mutant account
class Savings(Account):
# ->
class Savings:
# %% test property_read 1
assert Account("ada", 10).balance == 10
assert isinstance(Account.balance, property)
# %% test property_set 1
a = Account("ada", 10)
a.balance = 7
assert a.balance == 7
try:
    a.balance = -1
except ValueError as error:
    assert "negative" in str(error)
else:
    raise AssertionError("a negative balance was let through")
# %% test state_changes 1
a = Account("ada", 10)
a.withdraw(3)
assert a.balance == 6, f"expected 6, and {a.balance} came"
# %% test class_method 1
s = Savings.of("bob:100")
assert type(s) is Savings and s.balance == 100 and s.owner == "bob"
# %% test static_method 1
assert Account.is_valid(1) and not Account.is_valid(-1)
# %% test class_variable 1
before = Account.opened
Account("x"), Savings("y")
assert Account.opened == before + 2
# %% test inheritance 2
assert issubclass(Savings, Account)
assert Savings.__bases__ == (Account,)
s = Savings("eve", 100, rate=0.5)
s.add_interest()
s.withdraw(50)
assert s.balance == 100.0 and isinstance(s, Account)
# %% test attributes_asked 1
a = Account("ada")
assert hasattr(a, "owner") and not hasattr(a, "password")
assert getattr(a, "missing", 5) == 5
assert "withdraw" in dir(Account) and vars(a)["owner"] == "ada"
assert Account.__doc__ == "An account with a balance."
# %% answer data
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple

### BEGIN SOLUTION
@dataclass(order=True)
class Card:
    rank: int
    suit: str = "hearts"
    notes: list = field(default_factory=list, compare=False)

class Colour(Enum):
    RED = 1
    GREEN = 2

class Level(IntEnum):
    LOW = 1
    HIGH = 2

class Point(NamedTuple):
    x: int
    y: int = 0
### END SOLUTION
# %% mutant data
@dataclass(order=True)
# ->
@dataclass
# %% mutant data
    RED = 1
# ->
    RED = 3
# %% mutant data
    y: int = 0
# ->
    y: int = 1
# %% test dataclass_equal 1
assert Card(3) == Card(3, "hearts")
assert repr(Card(1, "clubs")) == "Card(rank=1, suit='clubs', notes=[])"
# %% test dataclass_order 1
assert Card(2) < Card(3) and sorted([Card(5), Card(4)])[0].rank == 4
# %% test dataclass_asked 1
import dataclasses
assert dataclasses.is_dataclass(Card)
assert [f.name for f in dataclasses.fields(Card)] == ["rank", "suit", "notes"]
assert dataclasses.asdict(Card(1)) == {"rank": 1, "suit": "hearts", "notes": []}
# %% test dataclass_defaults 1
a, b = Card(1), Card(1)
a.notes.append("x")
assert b.notes == []
# %% test enum 1
assert Colour.RED.value == 1 and Colour(2) is Colour.GREEN
assert [c.name for c in Colour] == ["RED", "GREEN"]
assert Colour["RED"] == Colour.RED and Colour.RED != Colour.GREEN
# %% test int_enum 1
assert Level.HIGH > Level.LOW and Level.HIGH == 2 and max(Level) is Level.HIGH
# %% test named_tuple 1
p = Point(3)
assert p == (3, 0) and p.x == 3 and p._replace(y=2) == Point(3, 2)
x, y = p
assert isinstance(p, tuple) and p._fields == ("x", "y")
# %% answer stack
class Stack:
    ### BEGIN SOLUTION
    def __init__(self, items=()):
        self._items = list(items)
    def push(self, item):
        self._items.append(item)
        return self
    def pop(self):
        if not self._items:
            raise IndexError("pop from an empty stack")
        return self._items.pop()
    def __len__(self):
        return len(self._items)
    def __contains__(self, item):
        return item in self._items
    def __iter__(self):
        return reversed(self._items)
    def __setitem__(self, place, item):
        self._items[place] = item
    def __getitem__(self, place):
        return self._items[place]
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self._items.clear()
        return False
    ### END SOLUTION
# %% mutant stack
            raise IndexError("pop from an empty stack")
# ->
            return None
# %% mutant stack
        return reversed(self._items)
# ->
        return iter(self._items)
# %% mutant stack
        self._items.clear()
        return False
# ->
        return True
# %% test chained 1
s = Stack().push(1).push(2)
assert len(s) == 2 and s.pop() == 2 and len(s) == 1
# %% test empty 1
import unittest
case = unittest.TestCase()
with case.assertRaises(IndexError):
    Stack().pop()
# %% test membership 1
assert 3 in Stack([3]) and 4 not in Stack([3])
# %% test iteration 1
assert list(Stack("abc")) == ["c", "b", "a"]
assert [x for x in Stack([1, 2])] == [2, 1]
# %% test items 1
s = Stack([1, 2, 3])
s[0] = 9
assert s[0] == 9 and s[1:] == [2, 3]
# %% test context 1
with Stack([1]) as s:
    assert len(s) == 1
assert len(s) == 0
try:
    with Stack([1]) as s:
        raise KeyError("through")
except KeyError:
    pass
else:
    raise AssertionError("swallowed")
# %% test test_case 3
import sys, unittest

class TestStack(unittest.TestCase):
    def setUp(self):
        self.stack = Stack([1, 2])

    def test_pop(self):
        self.assertEqual(self.stack.pop(), 2)

    def test_pop_empty(self):
        with self.assertRaisesRegex(IndexError, "empty"):
            Stack().pop()

    def test_order(self):
        self.assertListEqual(list(self.stack), [2, 1])

suite = unittest.TestLoader().loadTestsFromTestCase(TestStack)
outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(suite)
assert outcome.wasSuccessful()
# %% test test_main 2
import sys, unittest

class TestMain(unittest.TestCase):
    def test_length(self):
        self.assertEqual(len(Stack("abcd")), 4)

    def test_first(self):
        self.assertEqual(next(iter(Stack("ab"))), "b")

ran = unittest.main(
    argv=["ignored"], exit=False, defaultTest="TestMain",
    testRunner=unittest.TextTestRunner(stream=sys.stdout),
)
assert ran.result.wasSuccessful()
# %% test counted_suite 2
import sys, unittest

class TestCounted(unittest.TestCase):
    def test_push(self):
        self.assertEqual(len(Stack().push(1)), 1)

    def test_empty(self):
        self.assertRaises(IndexError, Stack().pop)

outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(
    unittest.defaultTestLoader.loadTestsFromTestCase(TestCounted)
)
(outcome.testsRun - len(outcome.failures) - len(outcome.errors)) / outcome.testsRun * 2
# %% answer shape
from abc import ABC, abstractmethod

### BEGIN SOLUTION
class Shape(ABC):
    @abstractmethod
    def area(self):
        ...

class Square(Shape):
    def __init__(self, side):
        self.side = side
    def area(self):
        return self.side ** 2
### END SOLUTION
# %% mutant shape
    @abstractmethod
# ->

# %% mutant shape
        return self.side ** 2
# ->
        return 4 * self.side
# %% test abstract 1
try:
    Shape()
except TypeError:
    pass
else:
    raise AssertionError("Shape is not abstract")
# %% test polymorphic 1
class Circle(Shape):
    def area(self):
        return 3.0

assert [shape.area() for shape in (Square(2), Circle())] == [4, 3.0]
# %% answer node
class Node:
    ### BEGIN SOLUTION
    def __init__(self, value, next=None):
        self.value = value
        self.next = next
    ### END SOLUTION

def reversed_list(head):
    ### BEGIN SOLUTION
    before = None
    while head is not None:
        head.next, before, head = before, head, head.next
    return before
    ### END SOLUTION
# %% mutant node
    return before
# ->
    return head
# %% test linked_list 2
head = Node(1, Node(2, Node(3)))
first = head
node = reversed_list(head)
values = []
while node is not None:
    values.append(node.value)
    last, node = node, node.next
assert values == [3, 2, 1]
assert last is first
