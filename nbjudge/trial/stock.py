"""Run a notebook's tests as nbgrader itself does: all cells in one Jupyter kernel.

Tests were written for this, so its marks are the right ones. Nothing protects the machine from the
notebook, so only the course's own notebooks may run here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from nbclient.exceptions import CellTimeoutError
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from nbjudge.course.cells import is_test
from nbjudge.exceptions import CourseError
from nbjudge.judge.inside import verdict_of
from nbjudge.judge.judge import Verdict, readable
from nbjudge.stand_ins.names import names_changed, names_imported
from nbjudge.trial.jupyter_run import run_in_jupyter

__all__ = ["stock_verdicts"]

#: Characters of the exception of another cell that are shown.
MAX_SAID = 300


def stock_verdicts(
    notebook: NotebookNode,
    *,
    files: Mapping[str, bytes],
    skipped: Collection[str] = (),
    cell_seconds: int,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Verdict]:
    """Run one of the course's own notebooks as nbgrader would, and return its tests' verdicts.

    Parameters
    ----------
    notebook : NotebookNode
        With all its tests, hidden ones included. It is not changed.
    files : mapping of str to bytes
        The files beside it, by relative path.
    skipped : collection of str
        Cells with one of these texts are not run.
    cell_seconds : int
        The time limit of one cell.
    environment : mapping of str to str, optional
        Additional environment variables of the kernel.

    Returns
    -------
    dict of str to Verdict
        By the test's grade_id, with a fault if nbgrader itself would refuse the mark.

    Raises
    ------
    CourseError
        If the kernel ends, or cannot be interrupted.
    """
    ran = deepcopy(notebook)
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if cell.source.strip() in skipped and not is_solution(cell):
                cell.source = ""
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            run_in_jupyter(
                ran,
                Path(folder),
                cell_seconds=cell_seconds,
                environment=environment,
                interrupt_on_timeout=True,
                store_widget_state=True,  # as nbgrader does; otherwise an output widget fails
                extra_arguments=["--IPKernelApp.log_level=ERROR"],
            )
        except (CellTimeoutError, RuntimeError) as error:
            raise CourseError(f"Its kernel ended ({type(error).__name__}).") from error
    return {
        cell.metadata.nbgrader.grade_id: _explain_missing(verdict_of(cell), cell, ran.cells[:place])
        for place, cell in enumerate(ran.cells)
        if is_test(cell)
    }


def _explain_missing(
    verdict: Verdict, test: NotebookNode, before: Sequence[NotebookNode]
) -> Verdict:
    """Add to the reason of a NameError why the cell that defines the name has failed."""
    error = _error_of(test)
    if error is None or error.ename != "NameError":
        return verdict
    missing = re.search(r"name '(\w+)'", error.evalue)
    for place, cell in reversed([*enumerate(before, 1)]):
        stopped = _error_of(cell)
        if missing and stopped and missing[1] in _names_defined(cell.source):
            said = " ".join(f"{stopped.ename}: {stopped.evalue}".split())[:MAX_SAID]
            why = f"{verdict.reason.removesuffix('.')}: cell {place} stopped with {said}"
            return replace(verdict, reason=readable(why))
    return verdict


def _error_of(cell: NotebookNode) -> NotebookNode | None:
    outputs = cell.outputs if cell.cell_type == "code" else []
    return next((output for output in outputs if output.output_type == "error"), None)


def _names_defined(source: str) -> frozenset[str]:
    try:
        return names_changed(source) | names_imported(source)
    except (SyntaxError, ValueError):
        return frozenset()
