"""The cells of an assignment that the course owns, as plain data; and how to read their text."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from nbformat import NotebookNode
from nbgrader.nbgraderformat import SCHEMA_VERSION
from nbgrader.utils import is_grade, is_solution

from nbjudge.basics.text import clean_characters

__all__ = [
    "CourseCell",
    "NotebookVersion",
    "exercise_label",
    "exercise_number",
    "exercise_titles",
    "foreign_language",
    "imports_in",
    "imports_of",
    "is_test",
    "modules_of",
    "parse_cell",
]

#: A Markdown heading, but not a mark scheme's delimiter, which looks like one.
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?!BEGIN |END )(?P<text>.+?)[ \t#]*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
#: Markdown that is removed from a title: links, and signs of emphasis, code and formulas.
MARKDOWN_LINK, MARKDOWN_SIGNS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), re.compile(r"[`*$]|<[^>]*>")
#: The points at the end of a heading, such as "(2 points)".
WORTH = re.compile(r"\s*[(\[][^()\[\]]*\b(?:points?|pts?|marks?)\b[^()\[\]]*[)\]]\s*$", re.I)
MAX_TITLE = 80

#: Python 3.11 counts a tree's depth in one variable for all threads, so that parsing in two threads
#: at once fails (gh-106905).
_PARSING = threading.Lock()


@dataclass(frozen=True)
class CourseCell:
    """A cell that the course owns: its id, its metadata, and its text in the master copy."""

    grade_id: str
    cell_type: str
    source: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float
    #: nbgrader's checksum of the released text: a cell that still has it is unanswered.
    checksum: str | None = None

    @property
    def is_test(self) -> bool:
        """Whether it is an autograded test."""
        return self.cell_type == "code" and self.grade and not self.solution

    @property
    def metadata(self) -> dict[str, Any]:
        """The cell's nbgrader metadata, as in a release."""
        metadata: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "grade_id": self.grade_id,
            "cell_type": self.cell_type,
            "locked": self.locked,
            "grade": self.grade,
            "solution": self.solution,
            "task": self.task,
        }
        if self.grade or self.task:
            metadata["points"] = self.points
        if self.checksum:
            metadata["checksum"] = self.checksum
        return metadata


@dataclass(frozen=True)
class NotebookVersion:
    """The course's own content of one notebook, in one version of an assignment.

    Parameters
    ----------
    name : str
        The name of the notebook, without a suffix.
    cells : tuple of CourseCell
        The cells that the course owns, in order, hidden tests included.
    display : frozenset of str
        The text of cells that only show something, which no test needs.
    given : frozenset of (str, str)
        The kind and the text of the other released cells, which students may change. They tell a
        student's text from the course's; neither marks nor `digest` depend on them.
    imports : tuple of str
        The import statements of those cells, which tests may rely on.
    language, kernel : str
        If it is not in Python: its language, and the name of Jupyter's kernel for it.
    titles : mapping of str to str
        The titles of exercises, by number: see `exercise_titles`.
    """

    name: str
    cells: tuple[CourseCell, ...]
    display: frozenset[str] = frozenset()
    given: frozenset[tuple[str, str]] = frozenset()
    imports: tuple[str, ...] = ()
    language: str = ""
    kernel: str = ""
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def why_not_judged(self) -> str:
        """Why the judge does not run the notebook, without a full stop; empty if it does."""
        if not self.language:
            return ""
        return (
            f"'{self.name}.ipynb' is in {self.language}, which the judge does not speak: "
            "`nbgrader autograde` runs it as nbgrader does, with nothing to protect from it"
            f"{self._kernel_wanted}"
        )

    @property
    def _kernel_wanted(self) -> str:
        """The end of that sentence if the kernel is not installed here; otherwise empty."""
        # This import takes long, and most notebooks do not need it.
        from jupyter_client.kernelspec import find_kernel_specs

        if self.kernel in find_kernel_specs():
            return ""
        return f", once its kernel is installed here: Jupyter knows none called '{self.kernel}'"

    @property
    def modules(self) -> tuple[str, ...]:
        """The dotted names in its import statements that may be modules; none if not in Python."""
        if self.language:
            return ()
        code = (cell.source for cell in self.cells if cell.cell_type == "code")
        return modules_of([*self.imports, *imports_of(code)])

    @cached_property
    def digest(self) -> str:
        """A hash of everything that marks depend on."""
        content: list[Any] = [
            self.name,
            [asdict(cell) for cell in self.cells],
            sorted(self.display),
        ]
        if self.imports:
            content.append(self.imports)
        if self.language:
            content.append([self.language, self.kernel])
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def foreign_language(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """Return the language and the kernel's name from a notebook's metadata; both "" for Python.

    >>> foreign_language({"kernelspec": {"name": "ir", "language": "R"}})
    ('R', 'ir')
    >>> foreign_language({"kernelspec": {"name": "python3"}})
    ('', '')
    """
    spec, told = metadata.get("kernelspec") or {}, metadata.get("language_info") or {}
    language = str(spec.get("language") or told.get("name") or "python")
    is_python = language.lower().removeprefix("i").startswith("python")
    return ("", "") if is_python else (language, str(spec.get("name") or language.lower()))


def exercise_number(grade_id: str) -> str:
    """Return the exercise number that students see; a grade_id of another form is returned as is.

    >>> exercise_number("test_ex_1_4_3a")
    '1.4.3a'
    """
    exercise = grade_id.removeprefix("test_")
    if not exercise.startswith("ex_"):
        return grade_id
    return exercise.removeprefix("ex_").replace("_", ".")


def exercise_titles(cells: Iterable[NotebookNode]) -> dict[str, str]:
    """Return the titles of a notebook's exercises by number, from the headings of its cells.

    The title comes from the heading that begins with the number, "1.3.1 Medians" or "Exercise 2:
    The mean". If grade_ids hold no numbers, it is the last heading above the exercise. An exercise
    without such a heading has no title.
    """
    headings: list[str] = []
    nearest: dict[str, str] = {}
    for cell in cells:
        own = cell.metadata.get("nbgrader") or {}
        if cell.cell_type == "markdown" and not own.get("solution"):
            text = FENCE.sub("", cell.source)
            headings += [_plain_heading(found["text"]) for found in HEADING.finditer(text)]
        is_exercise = own.get("grade") or own.get("solution") or own.get("task")
        if is_exercise and (grade_id := own.get("grade_id")):
            nearest[exercise_number(grade_id)] = headings[-1] if headings else ""
    titles = {}
    for number, above in nearest.items():
        if number[:1].isdecimal():
            wanted = re.compile(rf"(?:\w+ )?{re.escape(number)}(?![\w.]*\w)[\s.:)–—-]*(.*)")
            found = filter(None, map(wanted.fullmatch, headings))
            title = next((match[1] for match in found), "")
        else:
            title = above
        if title:
            titles[number] = title
    return titles


def exercise_label(number: str, title: str = "") -> str:
    """Return the label of an exercise: its number and its title.

    >>> exercise_label("1.3.1", "Medians"), exercise_label("test_mean", "The mean")
    ('1.3.1 Medians', 'The mean (test_mean)')
    """
    if not title:
        return number
    return f"{number} {title}" if number[:1].isdecimal() else f"{title} ({number})"


def _plain_heading(heading: str) -> str:
    """Return the text of a heading, without Markdown and without points."""
    text = WORTH.sub("", MARKDOWN_SIGNS.sub("", MARKDOWN_LINK.sub(r"\1", heading)))
    text = " ".join(clean_characters(text).split())
    return text if len(text) <= MAX_TITLE else f"{text[: MAX_TITLE - 1].rstrip()}…"


def is_test(cell: NotebookNode) -> bool:
    """Return whether a cell is an autograded test, by its (trusted) metadata."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def _parse_quietly(text: str) -> ast.Module:
    with _PARSING:
        return ast.parse(text)


def parse_cell(text: str) -> ast.Module:
    r"""Parse a trusted cell; the code under `%%time` and `%%capture` counts as the cell's own.

    Other magics, and shell lines, become calls of IPython, as when they run.

    Raises
    ------
    SyntaxError, ValueError
        If the text could not run in a notebook.

    Examples
    --------
    >>> ast.unparse(parse_cell("%%capture\nx = 1"))
    'x = 1'
    """
    try:
        return _parse_quietly(text)
    except SyntaxError:
        # This import takes long, and most texts do not need it.
        from IPython.core.inputtransformer2 import TransformerManager

        manager = TransformerManager()  # type: ignore[no-untyped-call]
        tree = _parse_quietly(manager.transform_cell(text))
    body: list[ast.stmt] = []
    for statement in tree.body:
        match statement:
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(
                        value=ast.Call(func=ast.Name(id="get_ipython")),
                        attr="run_cell_magic" | "run_line_magic",
                    ),
                    args=[
                        ast.Constant(value="time" | "capture"),
                        *_,
                        ast.Constant(value=str(inner)),
                    ],
                )
            ):
                body += parse_cell(inner).body
            case _:
                body.append(statement)
    return ast.Module(body, [])


def imports_of(texts: Iterable[str]) -> tuple[str, ...]:
    r"""Return the import statements anywhere in trusted cells.

    Examples
    --------
    >>> imports_of(["%matplotlib inline\nimport math as m", "x = 1"])
    ('import math as m',)
    """
    found: dict[str, None] = {}
    for text in texts:
        try:
            tree = parse_cell(text)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found[ast.unparse(node)] = None
    return tuple(found)


def modules_of(statements: Iterable[str]) -> tuple[str, ...]:
    """Return the dotted names in import statements that may be modules.

    Examples
    --------
    >>> modules_of(["import os.path as p", "from unittest import mock", "from . import here"])
    ('os.path', 'unittest', 'unittest.mock')
    """
    found: dict[str, None] = {}
    for statement in statements:
        for module, names in imports_in(ast.parse(statement)):
            found |= dict.fromkeys([module, *(f"{module}.{name}" for name in names)])
    return tuple(found)


def imports_in(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the dotted name of each module imported in a tree, and the names imported from it.

    Examples
    --------
    >>> list(imports_in(ast.parse("import os.path, re; from unittest import mock, case")))
    [('os.path', ()), ('re', ()), ('unittest', ('mock', 'case'))]
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, ()) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, tuple(name.name for name in node.names)
