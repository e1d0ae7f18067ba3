"""The Python of a test cell, which knows a stand-in from what it stands for.

Some questions Python answers itself, without asking the object: `isinstance(x, float)`, `x is y`,
`type(x)`, `x.__name__`, `callable(x)`. Of a stand-in the answers would be true and wrong. A test
cell is therefore compiled such that they are answered here: rightly where that is possible, else as
a fault of the test.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable
from types import CodeType, UnionType
from typing import Any, Protocol, TypeGuard, get_args

from nbjudge.judge.stand_ins import DATA, StandIn, Unable, is_data, is_function

__all__ = ["builtin_names", "builtins_for", "compile_test"]

#: What Python and IPython put among the builtins of a process in which somebody types.
AT_A_PROMPT = frozenset({"_", "display", "get_ipython"})

SINGLE = (None, True, False, Ellipsis, NotImplemented)
#: By what the rewritten cell calls these functions: no cell can spell such a name.
ATTRIBUTE, SAME, EXCEPTION, SUBJECT = "<attribute>", "<is>", "<exception>", "<subject>"
TYPE, VARS, DIR = "<type>", "<vars>", "<dir>"
TEXT, BEGIN_WORDS, END_WORDS = "<text>", "<words>", "</words>"


class Referee(Protocol):
    """Hears of a test's faults: the judge's line."""

    is_lenient: bool

    def blame(self, what: str) -> Unable:
        """Note what is wrong with the test, and return it as an exception."""


def compile_test(source: str, name: str) -> tuple[CodeType, CodeType | None]:
    """Return the statements of a test cell, and the expression that it ends on, if it does.

    Parameters
    ----------
    source : str
    name : str
        What tracebacks call it.

    Raises
    ------
    SyntaxError, ValueError
        If it is no Python.
    """
    tree = ast.fix_missing_locations(_Rewriter().visit(ast.parse(source, name)))
    last = None
    if tree.body and isinstance(end := tree.body[-1], ast.Expr):
        tree.body.pop()
        last = compile(ast.Expression(end.value), name, "eval")
    return compile(tree, name, "exec"), last


class _Rewriter(ast.NodeTransformer):
    """Puts a call of ours where Python would not ask the object."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and node.attr.startswith("__"):
            return _call(node, ATTRIBUTE, node.value, ast.Constant(node.attr))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Is | ast.IsNot):
            same = _call(node, SAME, node.left, node.comparators[0])
            if isinstance(node.ops[0], ast.Is):
                return same
            return ast.copy_location(ast.UnaryOp(ast.Not(), same), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="type" | "vars" | "dir" as name), args=[only]):
                return _call(node, f"<{name}>", only)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        if node.type is not None:
            node.type = _call(node.type, EXCEPTION, node.type)
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        self.generic_visit(node)
        node.subject = _call(node.subject, SUBJECT, node.subject)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        self.generic_visit(node)
        if node.conversion in map(ord, "ra"):
            node.value = _call(node.value, TEXT, node.value)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        if node.msg is not None:  # the arguments are evaluated from left to right
            node.msg = _call(node.msg, END_WORDS, _call(node.msg, BEGIN_WORDS), node.msg)
        return node


def _call(place: ast.AST, name: str, *arguments: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
    return ast.copy_location(call, place)


class _Kind:
    """What `type` returns for a stand-in: it has a name, and is none of the types of plain data."""

    def __init__(self, referee: Referee, name: str) -> None:
        self._referee = referee
        self.__name__ = self.__qualname__ = name

    def __eq__(self, other: object) -> bool:
        if _is_plain_type(other):
            return False
        raise self._referee.blame("it compares the type of what stays in the student's kernel")

    def __hash__(self) -> int:
        raise self._referee.blame("it takes the hash of a type that stays in the student's kernel")

    def __repr__(self) -> str:
        return f"<class '{self.__name__}'>"


def builtin_names() -> frozenset[str]:
    """Return the names that every Python has; sessions at a prompt add some of their own."""
    return frozenset(vars(builtins)) - AT_A_PROMPT


def builtins_for(referee: Referee) -> dict[str, Any]:
    """Return the builtins of a test cell, with those that know a stand-in when they see one."""
    guard = _Guard(referee)
    return {
        **{name: vars(builtins)[name] for name in builtin_names()},
        "isinstance": guard.is_instance,
        "issubclass": guard.is_subclass,
        "callable": guard.is_callable,
        "getattr": guard.get_attribute,
        "hasattr": guard.has_attribute,
        "repr": guard.guard(repr),
        "ascii": guard.guard(ascii),
        "id": guard.guard(id),
        VARS: guard.guard(vars),
        DIR: guard.guard(dir),
        ATTRIBUTE: guard.attribute,
        SAME: guard.is_same,
        TYPE: guard.type_of,
        EXCEPTION: guard.exception,
        SUBJECT: guard.subject,
        TEXT: guard.text,
        BEGIN_WORDS: guard.begin_words,
        END_WORDS: guard.end_words,
    }


class _Guard:
    """Answers for Python where it would not ask the object."""

    def __init__(self, referee: Referee) -> None:
        self.referee = referee

    def refused(self, what: str, value: StandIn) -> Unable:
        kind = value._kind_()
        return self.referee.blame(
            f"it {what} what stays in the student's kernel, an object of type '{kind}'"
        )

    def guard(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def guarded(value: Any) -> Any:
            if isinstance(value, StandIn) and not (self.referee.is_lenient and function is repr):
                raise self.refused(f"uses `{function.__name__}` of", value)
            return function(value)

        return guarded

    def is_instance(self, value: Any, kinds: Any) -> bool:
        if isinstance(value, _Kind):
            raise self.referee.blame("it asks about the type of a type in the student's kernel")
        if not isinstance(value, StandIn):
            return isinstance(value, kinds)
        known: list[Any] = []
        unknown: list[Any] = []
        for kind in _each(kinds):
            if isinstance(kind, StandIn | _Kind):
                raise self.referee.blame(
                    "it uses `isinstance` with a class in the student's kernel"
                )
            (known if _is_plain_type(kind) else unknown).append(kind)
        # What extends a plain type says so by giving its data.
        if known and isinstance(value._plain_(), tuple(known)):
            return True
        if unknown and any(kind is object for kind in unknown):
            return True
        if unknown:
            raise self.refused("uses `isinstance` on", value)
        return False

    def is_subclass(self, kind: Any, kinds: Any) -> bool:
        if any(isinstance(each, StandIn | _Kind) for each in (kind, *_each(kinds))):
            raise self.referee.blame("it uses `issubclass` with a class in the student's kernel")
        return issubclass(kind, kinds)

    def is_callable(self, value: Any) -> bool:
        if not isinstance(value, StandIn) or is_function(value):
            return callable(value)
        raise self.refused("uses `callable` on", value)

    def attribute(self, value: Any, name: str) -> Any:
        if isinstance(value, StandIn):
            raise self.refused(f"asks for the attribute `{name}` of", value)
        return getattr(value, name)

    def get_attribute(self, value: Any, name: Any, *default: Any) -> Any:
        if isinstance(value, StandIn) and type(name) is str and name.startswith("__"):
            return self.attribute(value, name)
        return getattr(value, name, *default)

    def has_attribute(self, value: Any, name: Any) -> bool:
        if isinstance(value, StandIn) and type(name) is str and name.startswith("__"):
            self.attribute(value, name)
        return hasattr(value, name)

    def is_same(self, left: Any, right: Any) -> bool:
        if left is right or any(left is each or right is each for each in SINGLE):
            return left is right
        for one, other in ((left, right), (right, left)):
            if isinstance(one, StandIn):
                raise self.refused("uses `is` on", one)
            if isinstance(one, _Kind):
                return bool(one == other)
        if _is_changeable(left) and _is_changeable(right):
            raise self.referee.blame("it uses `is` on two values, of which only copies can be seen")
        return False

    def type_of(self, value: Any) -> Any:
        return _Kind(self.referee, value._kind_()) if isinstance(value, StandIn) else type(value)

    def exception(self, kinds: Any) -> Any:
        if any(isinstance(kind, StandIn | _Kind) for kind in _each(kinds)):
            raise self.referee.blame(
                "it catches an exception whose class is in the student's kernel"
            )
        return kinds

    def subject(self, value: Any) -> Any:
        if isinstance(value, StandIn):
            raise self.refused("uses `match` on", value)
        return value

    def text(self, value: Any) -> Any:
        if isinstance(value, StandIn) and not self.referee.is_lenient:
            raise self.refused("uses `repr` of", value)
        return value

    def begin_words(self) -> None:
        self.referee.is_lenient = True

    def end_words(self, _: None, message: Any) -> Any:
        if isinstance(message, StandIn):
            message = str(message)
        self.referee.is_lenient = False
        return message


def _each(kinds: Any) -> Iterable[Any]:
    """Return the classes of a tuple, of a union or of what is neither."""
    if isinstance(kinds, tuple):
        return [each for kind in kinds for each in _each(kind)]
    return get_args(kinds) if isinstance(kinds, UnionType) else [kinds]


def _is_plain_type(kind: object) -> TypeGuard[type]:
    """Say whether a value of just this type comes by value, and one of its subclasses as data."""
    if not isinstance(kind, type):
        return False
    name = f"{kind.__module__}.{kind.__qualname__}"
    return kind in (type(None), *DATA) or name == "torch.Tensor"


def _is_changeable(value: object) -> bool:
    return is_data(value) and not isinstance(value, bool | int | float | complex | str | bytes)
