"""Find what a test needs from other cells of the course: imports, helpers, earlier tests' names.

In a notebook all cells share their names, but a test is judged in another process. So the course's
own statements that define the names it uses run there before it: for each name, the last definition
above the test. They come from the course's trusted text, whatever the student's kernel has made of
them. Conversely, if later cells use what the visible part of a test defines, that part runs in the
kernel, too.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nbjudge.course.cells import CourseCell, NotebookVersion, imports_in, parse_cell
from nbjudge.course.hidden_regions import visible
from nbjudge.fork_server.ahead import worth_importing
from nbjudge.stand_ins.names import early_names, free_names

__all__ = ["Surroundings", "names_defined_by", "surroundings_of"]

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Surroundings:
    """What the tests of a notebook need from its other cells, and the cells from the tests.

    Parameters
    ----------
    before : mapping of str to str
        The course's statements that a test needs, by its grade_id; without tests that need none.
    imports : mapping of str to str
        Those of these statements that import something.
    left : mapping of str to (str, frozenset of str)
        The visible part of a test, by its grade_id, and the names that only this test defines.
    modules : tuple of str
        The notebook's imports that a fork server may import ahead.
    """

    before: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    def left_by(self, test: str, later: Iterable[str]) -> str:
        """Return the part of a test that has to run in the kernel for later cells; often empty.

        Parameters
        ----------
        test : str
            Its grade_id.
        later : iterable of str
            The texts of later cells that are no tests; they may be hostile.
        """
        text, names = self.left.get(test, ("", frozenset()))
        if names and any(not names.isdisjoint(_WORD.findall(cell)) for cell in later):
            return text
        return ""


@functools.lru_cache(maxsize=64)
def surroundings_of(version: NotebookVersion) -> Surroundings:
    """Return what the tests need from other cells, by the course's version of the notebook."""
    before: dict[str, str] = {}
    imports: dict[str, str] = {}
    left: dict[str, tuple[str, frozenset[str]]] = {}
    known = [statement for text in version.imports for statement in _statements_of(text)]
    elsewhere = _bound_in(text for kind, text in version.given if kind == "code")
    for cell in version.cells:
        if cell.cell_type != "code":
            continue
        if cell.is_test:
            if needed := _find_needed(cell.source, known):
                before[cell.grade_id] = "\n".join(each.text for each in needed)
                imports[cell.grade_id] = "\n".join(each.text for each in needed if each.imports)
            seen = visible(cell.source)
            if names := _bound_in([seen]) - elsewhere:
                left[cell.grade_id] = seen, names
        else:
            elsewhere |= _bound_in([cell.source])
        known += _statements(cell)
    texts = [*(cell.source for cell in version.cells), *(text for _, text in version.given)]
    return Surroundings(before, imports, left, worth_importing(version.modules, texts))


def names_defined_by(text: str) -> frozenset[str]:
    """Return the names that a trusted cell defines, without those that it imports."""
    return frozenset().union(*(each.binds for each in _statements_of(text) if not each.imports))


@dataclass(frozen=True)
class _Statement:
    """A statement of the course's, and its names.

    Parameters
    ----------
    text : str
    binds, uses : frozenset of str
        The names that it defines, and those that it reads.
    is_definition : bool
        Whether it does nothing but define names.
    is_trusted : bool
        Whether it may run before tests; if not, tests get the names from the kernel.
    """

    text: str
    binds: frozenset[str]
    uses: frozenset[str]
    is_definition: bool = False
    is_trusted: bool = True

    @property
    def imports(self) -> bool:
        """Whether it is an import statement."""
        return self.text.startswith(("import ", "from "))


def _statements(cell: CourseCell) -> Iterator[_Statement]:
    """Yield the statements of a cell of the course's, for the tests below it."""
    statements = list(_statements_of(cell.source))
    if cell.solution or not (cell.locked or cell.grade):  # students may change it
        yield from (replace(each, is_trusted=False) for each in statements)
        return
    if cell.is_test and not all(each.is_definition for each in statements):
        # Such a test runs as a whole, up to its first failure, which matters only to its own mark.
        yield _test_statement(cell.source, statements)
    for place, each in enumerate(statements):
        if not each.is_definition:
            if not cell.is_test:  # it has run in the kernel
                yield replace(each, is_trusted=False)
        elif not (cell.is_test and _is_replaced(each, statements[place + 1 :])):
            yield each


def _is_replaced(definition: _Statement, later: Iterable[_Statement]) -> bool:
    """Return whether a later statement of the same test binds a name of a definition again.

    A test does so if it replaces an answer by its own function, and restores the answer at its end.
    """
    return any(not each.is_definition and each.binds & definition.binds for each in later)


def _test_statement(text: str, statements: Sequence[_Statement]) -> _Statement:
    """Return a test as one statement that never fails."""
    body = parse_cell(text).body
    kind = ast.Name("Exception", ast.Load())
    tried = ast.Try(body, [ast.ExceptHandler(kind, None, [ast.Pass()])], [], [])
    bound = frozenset().union(*(each.binds for each in statements))
    used = frozenset().union(*(each.uses for each in statements))
    return _Statement(ast.unparse(ast.fix_missing_locations(tried)), bound, used - bound)


def _find_needed(test: str, known: Sequence[_Statement]) -> list[_Statement]:
    """Return the statements that a test needs, in their order."""
    try:
        waiting = sorted({*free_names(test), *early_names(test)})
    except (SyntaxError, ValueError):  # reported when the test is compiled
        return []
    chosen: set[int] = set()
    seen = set(waiting)
    while waiting:
        name = waiting.pop()
        place = next((n for n in reversed(range(len(known))) if name in known[n].binds), None)
        if place is not None and known[place].is_trusted:
            chosen.add(place)
            more = known[place].uses - seen
            seen |= more
            waiting += sorted(more)
    # A submodule that any earlier cell has imported is an attribute of its package, too.
    own = _imported_modules(
        [test, *(known[place].text for place in chosen if known[place].imports)]
    )
    parts = tuple(f"{name}." for name in own)
    chosen |= {
        place
        for place, each in enumerate(known)
        if each.is_trusted
        and each.imports
        and any(name.startswith(parts) for name in _imported_modules([each.text]))
    }
    return [known[place] for place in sorted(chosen)]


def _imported_modules(texts: Iterable[str]) -> frozenset[str]:
    """Return the full names of the modules that some texts import."""
    found: set[str] = set()
    for text in texts:
        with contextlib.suppress(SyntaxError, ValueError):
            found |= {module for module, _ in imports_in(parse_cell(text))}
    return frozenset(found)


def _statements_of(text: str) -> Iterator[_Statement]:
    """Yield the statements of a text; none if it is not valid Python."""
    try:
        tree = parse_cell(text)
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        own = ast.unparse(node)
        yield _Statement(own, _names_bound(node), frozenset(free_names(own)), _defines(node))


def _defines(node: ast.stmt) -> bool:
    """Return whether a statement only defines names, in the same way whatever ran before it."""
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return isinstance(value, ast.Lambda) or _is_constant(value)
    return False


def _is_constant(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _names_bound(node: ast.AST) -> frozenset[str]:
    """Return the names that a statement binds in its own scope."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return frozenset({name})
        case ast.Lambda():
            return frozenset()
        case ast.alias(name=name, asname=asname):
            return frozenset({asname or name.partition(".")[0]})
        case ast.Name(id=name, ctx=ast.Store()):
            return frozenset({name})
    return frozenset().union(*map(_names_bound, ast.iter_child_nodes(node)))


def _bound_in(texts: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(each.binds for text in texts for each in _statements_of(text)))
