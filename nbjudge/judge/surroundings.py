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
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    needs : mapping of str to Needs
        What a test needs, by its grade_id; without tests that need nothing.
    left : mapping of str to (str, frozenset of str)
        The visible part of a test, by its grade_id, and the names that only this test defines.
    modules : tuple of str
        The notebook's imports that a fork server may import ahead.
    """

    needs: Mapping[str, Needs] = field(default_factory=dict)
    left: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    @property
    def imports(self) -> dict[str, str]:
        """The import statements that a test needs, by its grade_id."""
        return {test: needs.imports for test, needs in self.needs.items()}

    def before(self, test: str, failed: Collection[str] = ()) -> str:
        """Return the course's statements that a test needs; often empty.

        Parameters
        ----------
        test : str
            Its grade_id.
        failed : collection of str
            The tests that have failed, each of which stopped at its failure: what such a test
            defines below that is missing, as it is in a notebook.
        """
        needs = self.needs.get(test, Needs())
        return needs.without(frozenset(failed)) if needs.perhaps & {*failed} else needs.before

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
    needs: dict[str, Needs] = {}
    left: dict[str, tuple[str, frozenset[str]]] = {}
    known = [statement for text in version.imports for statement in _statements_of(text)]
    elsewhere = _bound_in(text for kind, text in version.given if kind == "code")
    for cell in version.cells:
        if cell.cell_type != "code":
            continue
        if cell.is_test:
            if needed := Needs(cell.source, tuple(known)):
                needs[cell.grade_id] = needed
            seen = visible(cell.source)
            if names := _bound_in([seen]) - elsewhere:
                left[cell.grade_id] = seen, names
        else:
            elsewhere |= _bound_in([cell.source])
        known += _statements(cell)
    texts = [*(cell.source for cell in version.cells), *(text for _, text in version.given)]
    return Surroundings(needs, left, worth_importing(version.modules, texts))


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
    perhaps_in : str
        The grade_id of the test that, if it fails, may stop before the names are defined; empty if
        they are always defined.
    """

    text: str
    binds: frozenset[str]
    uses: frozenset[str]
    is_definition: bool = False
    is_trusted: bool = True
    perhaps_in: str = ""

    @property
    def imports(self) -> bool:
        """Whether it is an import statement."""
        return self.text.startswith(("import ", "from "))


@dataclass(frozen=True)
class Needs:
    """The course's statements that a test needs.

    Parameters
    ----------
    test : str
        Its text.
    known : tuple of _Statement
        The statements above it.
    """

    test: str = ""
    known: tuple[_Statement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._needed)

    @functools.cached_property
    def _needed(self) -> list[_Statement]:
        return _find_needed(self.test, self.known)

    @functools.cached_property
    def before(self) -> str:
        """The statements, in the order of the notebook."""
        return "\n".join(each.text for each in self._needed)

    @property
    def imports(self) -> str:
        """Those of the statements that import something."""
        return "\n".join(each.text for each in self._needed if each.imports)

    @functools.cached_property
    def perhaps(self) -> frozenset[str]:
        """The tests that may not come to some of the definitions if they fail."""
        return frozenset(each.perhaps_in for each in self._needed if each.perhaps_in)

    def without(self, failed: frozenset[str]) -> str:
        """Return the statements if some tests failed: each runs again, up to its failure."""
        known = [
            each for each in self.known if not (each.is_definition and each.perhaps_in in failed)
        ]
        return "\n".join(each.text for each in _find_needed(self.test, known, failed))


def _statements(cell: CourseCell) -> Iterator[_Statement]:
    """Yield the statements of a cell of the course's, for the tests below it."""
    statements = list(_statements_of(cell.source))
    if cell.solution or not (cell.locked or cell.grade):  # students may change it
        yield from (replace(each, is_trusted=False) for each in statements)
        return
    if cell.is_test and not all(each.is_definition for each in statements):
        # Such a test runs as a whole, up to its first failure, which matters only to its own mark.
        yield _test_statement(cell, statements)
    may_stop = False
    for place, each in enumerate(statements):
        if not each.is_definition:
            may_stop = True
            if not cell.is_test:  # it has run in the kernel
                yield replace(each, is_trusted=False)
        elif not cell.is_test:
            yield each
        elif not _is_replaced(each, statements[place + 1 :]):
            yield replace(each, perhaps_in=cell.grade_id if may_stop else "")


def _is_replaced(definition: _Statement, later: Iterable[_Statement]) -> bool:
    """Return whether a later statement of the same test binds a name of a definition again.

    A test does so if it replaces an answer by its own function, and restores the answer at its end.
    """
    return any(not each.is_definition and each.binds & definition.binds for each in later)


def _test_statement(cell: CourseCell, statements: Sequence[_Statement]) -> _Statement:
    """Return a test as one statement that never fails."""
    body = parse_cell(cell.source).body
    kind = ast.Name("Exception", ast.Load())
    tried = ast.Try(body, [ast.ExceptHandler(kind, None, [ast.Pass()])], [], [])
    bound = frozenset().union(*(each.binds for each in statements))
    used = frozenset().union(*(each.uses for each in statements))
    text = ast.unparse(ast.fix_missing_locations(tried))
    return _Statement(text, bound, used - bound, perhaps_in=cell.grade_id)


def _find_needed(
    test: str, known: Sequence[_Statement], failed: Collection[str] = ()
) -> list[_Statement]:
    """Return the statements that a test needs, in their order, if some tests have failed."""
    try:
        waiting = sorted({*free_names(test), *early_names(test)})
    except (SyntaxError, ValueError):  # reported when the test is compiled
        return []
    chosen: set[int] = set()
    seen = set(waiting)
    while waiting:
        for place in _definitions(waiting.pop(), known, failed):
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


def _definitions(name: str, known: Sequence[_Statement], failed: Collection[str]) -> Iterator[int]:
    """Yield where a name is defined last, and further up until that is certain."""
    for place in reversed(range(len(known))):
        if name in known[place].binds:
            if not known[place].is_trusted:
                return
            yield place
            if known[place].perhaps_in not in failed:
                return


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
