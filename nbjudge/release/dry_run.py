"""Run a student version from top to bottom, unanswered, and report unexpected errors."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from nbclient.exceptions import CellTimeoutError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.utils import is_solution

from nbjudge.course.plug import Plug
from nbjudge.release import source
from nbjudge.trial.jupyter_run import run_in_jupyter

__all__ = ["dry_run"]

SECONDS_A_CELL = 300
NEVER_EXCUSED = {"SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError"}
# Without this, an editable installation would let the copy import folders that it does not have.
BEFOREHAND = """\
import importlib, pathlib, sys
sys.meta_path = [f for f in sys.meta_path if "__editable__" not in getattr(f, "__module__", "")]
for name in {packages}:
    print(pathlib.Path(importlib.import_module(name).__file__).resolve().parent)
del importlib, name, pathlib, sys
"""


def dry_run(folder: Path, sources: dict[str, NotebookNode], plug: Plug) -> list[str]:
    """Run a release's notebooks, and return the errors that a student should not meet.

    An error is expected only where an answer is missing. A name counts as missing if an answer cell
    so far would define it once answered. A cell that uses a missing name may fail, and the names
    that it defines are then missing too. An answer cell itself may raise NotImplementedError. Code
    that does not parse, a failing import, and a NameError for a name that is not missing are always
    reported.

    Parameters
    ----------
    folder : Path
        A released assignment. The kernels run in a copy of it, and must import its packages instead
        of the installed ones, which is checked as well.
    sources : dict of str to NotebookNode
        The instructor's notebooks, by file name.
    plug : Plug
        It names the packages in the release.

    Returns
    -------
    list of str
        One sentence for each error.
    """
    with TemporaryDirectory() as temporary:
        copied = Path(temporary).resolve() / folder.name
        shutil.copytree(folder, copied)
        return [
            f"{name}: {finding}"
            for name, original in sources.items()
            for finding in _dry_run(copied / name, original, plug)
        ]


def _dry_run(path: Path, original: NotebookNode, plug: Plug) -> Iterator[str]:
    notebook = source.read_source(path)
    first = new_code_cell(BEFOREHAND.format(packages=plug.all_packages))  # type: ignore[no-untyped-call]
    notebook.cells.insert(0, first)
    try:
        run_in_jupyter(notebook, path.parent, cell_seconds=SECONDS_A_CELL)
    except (CellTimeoutError, RuntimeError) as error:
        yield f"does not run to its end ({type(error).__name__})"
        return
    used = "".join(output.get("text", "") for output in first.outputs).splitlines()
    for package, place in zip_longest(plug.all_packages, used):
        if place != str(path.parent / package):
            yield f"imports {package} from {place or 'nowhere'}, not from its own folder"
    yield from _unexcused_errors(notebook.cells[1:], source.by_grade_id(original))


def _unexcused_errors(
    cells: list[NotebookNode], originals: dict[str, NotebookNode]
) -> Iterator[str]:
    missing: set[str] = set()
    for cell in cells:
        if cell.cell_type != "code":
            continue
        names = _NamesInCell(cell.source)
        depends = bool(names.used & missing)
        error = next((o for o in cell.outputs if o.output_type == "error"), None)
        if error is not None:
            unanswered = is_solution(cell) and error.ename == "NotImplementedError"
            if not unanswered and not (depends and _excusable(error, missing)):
                yield f"cell '{cell.id}' fails with {error.ename}: {error.evalue}"
        if is_solution(cell):
            original = originals[cell.metadata.nbgrader.grade_id]
            missing |= set(source.definitions(source.solution(original)))
        elif depends:
            missing |= names.bound


def _excusable(error: NotebookNode, missing: set[str]) -> bool:
    if error.ename == "NameError":
        return error.evalue.split("'")[1] in missing
    return error.ename not in NEVER_EXCUSED


class _NamesInCell(ast.NodeVisitor):
    """Collects the names that a cell uses, and those that it binds or changes at its top level."""

    def __init__(self, code: str) -> None:
        self.used: set[str] = set()
        self.bound: set[str] = set()
        try:
            tree = source.parse(code)
        except SyntaxError:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.used.add(node.id)
        self.visit(tree)

    def visit(self, node: ast.AST) -> None:
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                self.bound.add(name)
            case ast.Lambda():
                pass
            case ast.alias(name=name, asname=asname):
                self.bound.add(asname or name.partition(".")[0])
            case ast.Name(id=name, ctx=ast.Store()):
                self.bound.add(name)
            case (
                ast.Attribute(value=base, ctx=ast.Store())
                | ast.Subscript(value=base, ctx=ast.Store())
            ):
                self.bound |= {n.id for n in ast.walk(base) if isinstance(n, ast.Name)}
            case _:
                self.generic_visit(node)
