"""Compile a test cell so that `isinstance`, `is`, `type` and the like work with stand-ins.

Python answers some questions without asking the object: `isinstance(x, float)`, `x is y`,
`type(x)`, `x.__name__`, `callable(x)`, `inspect.getsource(x)`. For a stand-in these answers would
describe the stand-in, not the object in the kernel. So a test cell is rewritten to call functions
of this module instead. They answer from what is known here; or they ask the kernel, if the test
asks the same about the course's own solution; or they report a fault of the test.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import CodeType, UnionType
from typing import Any, Protocol, TypeGuard, get_args

import numpy as np

from nbjudge.course.cells import parse_cell
from nbjudge.kernel.operations import ASKED
from nbjudge.kernel.wire import plain_types
from nbjudge.remote import AnswerError
from nbjudge.stand_ins.names import builtin_names, changed_by
from nbjudge.stand_ins.stand_in import DATA_TYPES, StandIn, Unable, is_data, is_function

__all__ = ["builtins_for", "compile_statements", "compile_test"]

#: Singletons, of which `is` holds across processes.
SINGLE = (None, True, False, Ellipsis, NotImplemented, np.ma.masked)
#: The names by which a rewritten cell calls functions of this module; no cell can spell them.
ATTRIBUTE, SAME, EXCEPTION_KEY, SUBJECT = "<attribute>", "<is>", "<exception>", "<subject>"
TYPE, VARS, DIR, CALL = "<type>", "<vars>", "<dir>", "<call>"
NAMES_KEY, SHARED_KEY = "<names>", "<shared>"
TEXT, BEGIN_WORDS, END_WORDS = "<text>", "<words>", "</words>"


#: Cells of a notebook may use `await` at the top level.
AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

#: Functions that accept only coroutines, not every awaitable.
_RUNNING = frozenset([asyncio.run, asyncio.create_task])
#: Functions that inspect an object, with their names, and the modules that contain them.
_ASKING = {function: name for name, function in ASKED.items()}
_ASKING_MODULES = frozenset(name.partition(".")[0] for name in ASKED) | {"asyncio"}
#: Magics that only show or load something: they are left out of a test.
MAGICS = frozenset({"matplotlib", "config", "load_ext", "reload_ext", "autoreload"})


class AnsweringReferee(Protocol):
    """The part of `KernelChannel` that is used here."""

    is_lenient: bool

    def ask(self, do: str, **details: Any) -> Any:
        """Send a request to the kernel, and return the result."""

    def operate(self, name: str, what: str, *arguments: Any) -> Any:
        """Have the kernel apply an operator or a function of Python, if the test may."""

    def is_new(self, result: object, handed: object) -> bool:
        """Return whether `result` came from a call that had `handed` among its arguments."""

    def blame(self, what: str) -> Unable:
        """Note a fault of the test, and return it as an exception."""


# Cached because a class's submissions all have the same tests.
@lru_cache(maxsize=512)
def compile_test(
    source: str, name: str, shared: frozenset[str] = frozenset()
) -> tuple[CodeType, CodeType | None]:
    """Return the code of a test cell's statements, and of its final expression if it has one.

    Parameters
    ----------
    source : str
    name : str
        The file name for tracebacks.
    shared : frozenset of str
        Variables whose changes are repeated in the kernel.

    Raises
    ------
    SyntaxError, ValueError
        If the cell is not valid Python.
    """
    tree = _rewrite(source, shared)
    last = None
    is_shown = not source.rstrip().endswith(";")  # as in a notebook
    if is_shown and tree.body and isinstance(end := tree.body[-1], ast.Expr):
        tree.body.pop()
        last = compile(ast.Expression(end.value), name, "eval", AWAITS)
    return compile(tree, name, "exec", AWAITS), last


@lru_cache(maxsize=512)
def compile_statements(source: str, name: str) -> CodeType:
    """Return the code of a whole text; parameters are those of `compile_test`."""
    code: CodeType = compile(_rewrite(source), name, "exec", AWAITS)
    return code


def _rewrite(source: str, shared: frozenset[str] = frozenset()) -> ast.Module:
    asks = any(module in source for module in _ASKING_MODULES)
    tree: ast.Module = _Rewriter(shared, asks_libraries=asks).visit(parse_cell(source))
    return ast.fix_missing_locations(tree)


class _Rewriter(ast.NodeTransformer):
    """Replaces what Python answers without asking the object by calls of `_Guard`'s methods."""

    def __init__(self, shared: frozenset[str], *, asks_libraries: bool) -> None:
        self._shared = shared
        self._asks_libraries = asks_libraries
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self._with_share(node, self._in_function(node))

    def visit_Assign(self, node: ast.Assign) -> Any:
        return self._with_share(node, self.generic_visit(node))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return self._with_share(node, self.generic_visit(node))

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        return self._with_share(node, self.generic_visit(node))

    def visit_Delete(self, node: ast.Delete) -> Any:
        return self._with_share(node, self.generic_visit(node))

    def _with_share(self, node: ast.AST, rewritten: ast.AST) -> Any:
        """Add calls after a top-level statement that repeat its assignments in the kernel."""
        names = self._shared.intersection(changed_by(node))
        if self._depth or not names:
            return rewritten
        told = [
            ast.copy_location(ast.Expr(_call(node, SHARED_KEY, own, ast.Constant(name))), node)
            for name in sorted(names)
            for own in [ast.Call(ast.Name("globals", ast.Load()), [], [])]
        ]
        return [rewritten, *told]

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._in_function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._in_function(node)

    def _in_function(self, node: ast.AST) -> ast.AST:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        match node.value:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"))),
                args=[ast.Constant(value=str() as magic), *_],
            ) if magic in MAGICS:
                return ast.copy_location(ast.Pass(), node)
        self.generic_visit(node)
        return node

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
            case ast.Call(func=ast.Name(id="globals"), args=[], keywords=[]):
                return _names_call(node)
            case ast.Call(func=ast.Name(id="locals" | "vars"), args=[], keywords=[]):
                return node if self._depth else _names_call(node)
            case ast.Call(func=ast.Name(id="dir"), args=[], keywords=[]):
                return node if self._depth else _call(node, "sorted", _names_call(node))
        if self._asks_libraries:
            node.args.insert(0, node.func)
            node.func = ast.copy_location(ast.Name(CALL, ast.Load()), node)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        if node.type is not None:
            node.type = _call(node.type, EXCEPTION_KEY, node.type)
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
        if node.msg is not None:  # `begin_words` is the first argument, so it runs before `msg`
            node.msg = _call(node.msg, END_WORDS, _call(node.msg, BEGIN_WORDS), node.msg)
        return node


def _call(place: ast.AST, name: str, *arguments: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
    return ast.copy_location(call, place)


def _names_call(place: ast.AST) -> ast.Call:
    own = ast.Call(ast.Name("globals", ast.Load()), [], [])
    return _call(place, NAMES_KEY, ast.copy_location(own, place))


class _Kind:
    """What `type` returns for a stand-in: it has a name, and equals no type of plain data."""

    def __init__(self, referee: AnsweringReferee, value: StandIn) -> None:
        self._referee = referee
        self._value = value
        self.__name__ = self.__qualname__ = value._kind_()

    def __eq__(self, other: object) -> bool:
        if _is_plain_type(other):
            return False
        other_kind = other._value if isinstance(other, _Kind) else other
        what = "it compares the type of what stays in the student's kernel"
        name = "same type" if isinstance(other, _Kind) else "type is"
        return bool(self._referee.operate(name, what, self._value, other_kind))

    def __hash__(self) -> int:
        raise self._referee.blame("it takes the hash of a type that stays in the student's kernel")

    def __repr__(self) -> str:
        return f"<class '{self.__name__}'>"


class _Namespace(dict[str, Any]):
    """What `globals()` returns: the test's variables, and the kernel's, fetched when used."""

    def __init__(self, referee: AnsweringReferee, own: Mapping[str, Any]) -> None:
        told = referee.ask("names")
        names = told if type(told) is list else []
        super().__init__(dict.fromkeys(name for name in names if type(name) is str))
        self._referee = referee
        self._asked = set(self) - own.keys()
        self.update(own)

    def __getitem__(self, name: str) -> Any:
        if name in self._asked:
            self[name] = self._referee.ask("variable", name=name)
            self._asked.discard(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default


def builtins_for(referee: AnsweringReferee) -> dict[str, Any]:
    """Return the builtins of a test cell, some replaced by functions that handle stand-ins."""
    guard = _Guard(referee)
    return {
        **{name: vars(builtins)[name] for name in builtin_names()},
        "isinstance": guard.is_instance,
        "issubclass": guard.is_subclass,
        "callable": guard.is_callable,
        "getattr": guard.get_attribute,
        "hasattr": guard.has_attribute,
        **{each.__name__: guard.guard(each) for each in (repr, ascii, id)},
        VARS: guard.guard(vars),
        DIR: guard.guard(dir),
        CALL: guard.call,
        NAMES_KEY: guard.names,
        SHARED_KEY: guard.share,
        ATTRIBUTE: guard.attribute,
        SAME: guard.is_same,
        TYPE: guard.type_of,
        EXCEPTION_KEY: guard.exception,
        SUBJECT: guard.subject,
        TEXT: guard.text,
        BEGIN_WORDS: guard.begin_words,
        END_WORDS: guard.end_words,
    }


class _Guard:
    """The functions that a rewritten test calls instead of Python's own."""

    def __init__(self, referee: AnsweringReferee) -> None:
        self.referee = referee

    def describe(self, what: str, value: StandIn) -> str:
        kind = value._kind_()
        return f"it {what} what stays in the student's kernel, an object of type '{kind}'"

    def guard(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        name = function.__name__

        def guard_value(value: Any) -> Any:
            if isinstance(value, StandIn) and not (self.referee.is_lenient and function is repr):
                return self.referee.operate(name, self.describe(f"uses `{name}` of", value), value)
            return function(value)

        return guard_value

    def call(self, function: Any, *arguments: Any, **keywords: Any) -> Any:
        """Call a function; if it inspects an object in the kernel, have the kernel call it."""
        if arguments and isinstance(arguments[0], StandIn) and not isinstance(function, StandIn):
            try:
                name, runs = _ASKING.get(function), function in _RUNNING
            except TypeError:  # the function is unhashable
                name, runs = None, False
            if runs:
                return function(_await_value(arguments[0]), *arguments[1:], **keywords)
            if name is not None:
                what = self.describe(f"uses `{name}` of", arguments[0])
                return self.referee.operate(name, what, *arguments, keywords)
        return function(*arguments, **keywords)

    def names(self, own: dict[str, Any]) -> Mapping[str, Any]:
        return _Namespace(self.referee, own)

    def share(self, own: dict[str, Any], name: str) -> None:
        """Give a variable in the kernel the value that it has here, or delete it."""
        if name in own:
            self.referee.ask("bind", name=name, value=own[name])
        else:
            self.referee.ask("unbind", name=name)

    def is_instance(self, value: Any, kinds: Any) -> bool:
        if isinstance(value, _Kind):
            raise self.referee.blame("it asks about the type of a type in the student's kernel")
        there = [kind for kind in _classes_of(kinds) if isinstance(kind, StandIn | _Kind)]
        here = tuple(kind for kind in _classes_of(kinds) if not isinstance(kind, StandIn | _Kind))
        what = "it uses `isinstance` with a class in the student's kernel"
        if any(self.referee.operate("instancecheck", what, kind, value) for kind in there):
            return True
        if not isinstance(value, StandIn):
            return isinstance(value, here)
        known = tuple(kind for kind in here if _is_plain_type(kind))
        what = self.describe("uses `isinstance` on", value)
        # An object whose class extends a plain type can be converted to that type.
        data = value._plain_() if known else None
        if isinstance(data, known):
            return True
        # If it cannot be, the kernel is believed only where the solution's object is the same.
        if isinstance(data, StandIn) and any(self.extends(value, kind, what) for kind in known):
            return True
        if any(kind is object for kind in here):
            return True
        unknown = [kind for kind in here if not _is_plain_type(kind)]
        return any(self.referee.operate("instancecheck", what, kind, value) for kind in unknown)

    def extends(self, value: StandIn, kind: type, what: str) -> bool:
        """Return whether an object that did not convert is an instance of a plain type."""
        if self.referee.ask("operate", name="extends", arguments=(value, kind)) is not True:
            return False
        return self.referee.operate("extends", what, value, kind) is True

    def is_subclass(self, kind: Any, kinds: Any) -> bool:
        if any(isinstance(each, StandIn | _Kind) for each in (kind, *_classes_of(kinds))):
            what = "it uses `issubclass` with a class in the student's kernel"
            return any(
                self.referee.operate("subclasscheck", what, each, kind)
                for each in _classes_of(kinds)
            )
        return issubclass(kind, kinds)

    def is_callable(self, value: Any) -> bool:
        if not isinstance(value, StandIn) or is_function(value):
            return callable(value)
        found = self.referee.operate("callable", self.describe("uses `callable` on", value), value)
        return bool(found)

    def attribute(self, value: Any, name: str) -> Any:
        if isinstance(value, StandIn):
            what = self.describe(f"asks for the attribute `{name}` of", value)
            return self.referee.operate("getattr", what, value, name)
        if isinstance(value, AnswerError) and name == "__class__":
            what = "it asks for the class of an exception of the student's"
            return self.referee.operate("getattr", what, value.there, name)
        return getattr(value, name)

    def get_attribute(self, value: Any, name: Any, *default: Any) -> Any:
        if isinstance(value, StandIn) and type(name) is str and name.startswith("__"):
            try:
                return self.attribute(value, name)
            except AttributeError:
                if default:
                    return default[0]
                raise
        return getattr(value, name, *default)

    def has_attribute(self, value: Any, name: Any) -> bool:
        if isinstance(value, StandIn) and type(name) is str and name.startswith("__"):
            try:
                self.attribute(value, name)
            except AttributeError:
                return False
            return True
        return hasattr(value, name)

    def is_same(self, left: Any, right: Any) -> bool:
        if left is right or any(left is each or right is each for each in SINGLE):
            return left is right
        for one, other in ((left, right), (right, left)):
            if isinstance(one, _Kind):
                return bool(one == other)
            if isinstance(one, StandIn):
                what = self.describe("uses `is` on", one)
                return bool(self.referee.operate("is", what, one, other))
        if _is_changeable(left) and _is_changeable(right):
            if self.referee.is_new(left, right) or self.referee.is_new(right, left):
                return False
            raise self.referee.blame("it uses `is` on two values, of which it has only copies")
        return False

    def type_of(self, value: Any) -> Any:
        return _Kind(self.referee, value) if isinstance(value, StandIn) else type(value)

    def exception(self, kinds: Any) -> Any:
        """Return the classes of an `except` clause, those in the kernel replaced by local ones."""
        there = [kind for kind in _classes_of(kinds) if isinstance(kind, StandIn | _Kind)]
        if not there:
            return kinds
        here = [kind for kind in _classes_of(kinds) if not isinstance(kind, StandIn | _Kind)]
        error = sys.exc_info()[1]
        if isinstance(error, AnswerError) and error.there is not None:
            what = "it catches an exception whose class is in the student's kernel"
            for kind in there:
                if self.referee.operate("instancecheck", what, kind, error.there):
                    here.append(type(error))
        return tuple(here)

    def subject(self, value: Any) -> Any:
        if isinstance(value, StandIn):
            raise self.referee.blame(self.describe("uses `match` on", value))
        return value

    def text(self, value: Any) -> Any:
        if isinstance(value, StandIn) and not self.referee.is_lenient:
            return _Text(self.guard(repr)(value))
        return value

    def begin_words(self) -> None:
        self.referee.is_lenient = True

    def end_words(self, _: None, message: Any) -> Any:
        if isinstance(message, StandIn):
            message = str(message)
        self.referee.is_lenient = False
        return message


async def _await_value(value: StandIn) -> Any:
    return await value


class _Text(str):
    """A string that is its own `repr`."""

    def __repr__(self) -> str:
        return str(self)


def _classes_of(kinds: Any) -> Iterable[Any]:
    """Return the classes in a tuple or a union, or the single class given."""
    if isinstance(kinds, tuple):
        return [each for kind in kinds for each in _classes_of(kind)]
    return get_args(kinds) if isinstance(kinds, UnionType) else [kinds]


def _is_plain_type(kind: object) -> TypeGuard[type]:
    """Return whether values of exactly this type cross by value."""
    return isinstance(kind, type) and (kind in DATA_TYPES or kind in plain_types())


def _is_changeable(value: object) -> bool:
    return is_data(value) and not isinstance(value, bool | int | float | complex | str | bytes)
