"""Grading one notebook: the student's cells run in a kernel, the course's tests in the judge.

Knows no gradebook and no course folder. Of the notebook that it is given, the metadata are the
course's own; the text of the cells that the course does not own is the student's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from course_utils import seeds
from course_utils.autograde.gradebook import exercise_number
from course_utils.autograde.judge import Line, Test, Verdict, judge
from course_utils.autograde.kernels import KernelLost, KernelStartError, Session
from course_utils.autograde.limits import Limits

__all__ = ["Graded", "grade_notebook", "is_test"]


@dataclass(frozen=True)
class Graded:
    """A graded notebook.

    Parameters
    ----------
    notebook : NotebookNode
        With the outputs of the student's cells, and a verdict as the output of each test cell.
    verdicts : mapping of str to Verdict
        By the test cell's grade id, in the order of the notebook.
    remarks : tuple of str
        What happened on the way, in sentences for the grader: a cell that ended its kernel.
    """

    notebook: NotebookNode
    verdicts: Mapping[str, Verdict]
    remarks: tuple[str, ...] = ()


def is_test(cell: NotebookNode) -> bool:
    """Say whether a cell is an autograded test, by its (trusted) metadata."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def grade_notebook(
    notebook: NotebookNode,
    *,
    files: Mapping[str, Path] | None = None,
    ingredients: tuple[str, ...] = (),
    limits: Limits | None = None,
    skipped: str = "",
) -> Graded:
    """Run a submitted notebook from top to bottom, and judge each test where it stands.

    A cell that loses the kernel is left out from then on: the next one gets a fresh kernel, in
    which the cells before have run again.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised: every cell with nbgrader's metadata is as the course wrote it, answers apart.
    files : mapping of str to Path, optional
        The data files beside it, by relative path.
    ingredients : tuple of str
        What the random inputs of the tests depend on, besides the exercise.
    limits : Limits, optional
    skipped : str
        A tag: cells with it are not run.

    Raises
    ------
    KernelStartError
        If no kernel comes up, twice in a row.
    """
    notebook = deepcopy(notebook)
    verdicts = {}
    with seeds.seeded(*ingredients):
        run = _Run(files or {}, limits or Limits())
        try:
            for cell in notebook.cells:
                if cell.cell_type != "code":
                    continue
                cell.outputs, cell.execution_count = [], None
                if is_test(cell):
                    verdicts[cell.metadata.nbgrader.grade_id] = run.judged(cell)
                elif not skipped or skipped not in cell.metadata.get("tags", ()):
                    run.execute(cell)
        finally:
            run.end()
    for cell in filter(is_test, notebook.cells):
        cell.outputs = _outputs(verdicts[cell.metadata.nbgrader.grade_id], cell)
    return Graded(notebook, verdicts, tuple(run.remarks))


class _Run:
    """The kernels of one notebook, one after the other, and what has run in them."""

    def __init__(self, files: Mapping[str, Path], limits: Limits) -> None:
        self._files = files
        self._limits = limits
        self._session: Session | None = None
        self._kernels = 0
        self._counted = 0
        self._end = time.monotonic() + limits.notebook_seconds
        self._past: list[NotebookNode] = []
        self.remarks: list[str] = []

    def execute(self, cell: NotebookNode) -> None:
        """Run a cell of the student's, and again in every kernel to come."""
        if not cell.source.strip():
            return
        try:
            stopped = self._ready().run(cell)
        except KernelLost as loss:
            self._lose()
            self._leave_out(cell, f"and was left out: {loss}")
        else:
            if stopped:
                self._leave_out(cell, f"and was stopped: {stopped}")
            else:
                self._past.append(cell)
        self._count(cell)

    def _count(self, cell: NotebookNode) -> None:
        self._counted += 1
        cell.execution_count = self._counted

    def judged(self, cell: NotebookNode) -> Verdict:
        """Judge a test with what the notebook has defined so far."""
        self._count(cell)
        exercise = exercise_number(cell.metadata.nbgrader.grade_id)
        test = Test(exercise, cell.source, float(cell.metadata.nbgrader.points))
        try:
            line = Line(self._ready().request, self._limits)
        except KernelLost as loss:
            return Verdict(0.0, reason=f"✗ Exercise {exercise}: {loss}.")
        verdict = judge(test, line)
        if verdict.lost:
            self._lose()
            self.remarks.append(f"{exercise} was stopped in its test: {line.broken}.")
        if verdict.fault:
            self.remarks.append(
                f"The course's test of {exercise} is at fault, a person has to mark it: "
                f"{verdict.fault}."
            )
        return verdict

    def end(self) -> None:
        """End the kernel that still runs."""
        if self._session is not None:
            self._session.close()
            self._session = None

    _lose = end

    def _ready(self) -> Session:
        """Return a kernel in which all cells of the past have run."""
        if self._session is not None and not self._session.is_alive():
            self._lose()
            self.remarks.append("A kernel ended between two cells, and was replaced.")
        if time.monotonic() > self._end:
            raise KernelLost(f"the notebook ran longer than {self._limits.notebook_seconds} s")
        while self._session is None:
            if self._kernels > self._limits.new_kernels:
                raise KernelLost(f"the notebook lost its kernel {self._kernels} times")
            self._kernels += 1
            session = _started(self._limits, self._files)
            for cell in self._past:
                try:
                    session.run(deepcopy(cell))
                except KernelLost as loss:
                    session.close()
                    self._past.remove(cell)
                    self._leave_out(cell, f"and was left out: {loss}")
                    break
            else:
                self._session = session
        return self._session

    def _leave_out(self, cell: NotebookNode, what: str) -> None:
        """Say, to the grader and in the cell, what became of a cell that is not run again."""
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        which = f"The cell of {exercise_number(grade_id)}" if grade_id else "A cell"
        self.remarks.append(f"{which} did not end {what}.")
        cell.outputs.append(_error("Stopped", f"This cell did not end {what}."))


def _started(limits: Limits, files: Mapping[str, Path]) -> Session:
    try:
        session = Session(limits, files)
    except KernelStartError:  # perhaps the machine was busy
        session = Session(limits, files)
    try:
        # What a notebook draws at random is the same whenever it is graded.
        Line(session.request, limits).ask("begin", names=[], seed=seeds.number(""))
    except KernelLost as loss:
        session.close()
        raise KernelStartError(f"A kernel for grading did not answer: {loss}.") from loss
    return session


def _error(name: str, said: str) -> NotebookNode:
    output: NotebookNode = nbformat.v4.new_output(  # type: ignore[no-untyped-call]
        "error", ename=name, evalue=said, traceback=[said]
    )
    return output


def _outputs(verdict: Verdict, cell: NotebookNode) -> list[NotebookNode]:
    """Return a verdict as nbgrader reads it: an error is 0, a number is a part, else all."""
    outputs = []

    def put(kind: str, **content: object) -> None:
        outputs.append(nbformat.v4.new_output(kind, **content))  # type: ignore[no-untyped-call]

    if verdict.printed:
        put("stream", name="stdout", text=verdict.printed)
    if verdict.fault:
        said = "This test did not work, which is not your fault. A person will mark this exercise."
        outputs.append(_error("TestFault", said))
    elif verdict.mark == 0 and verdict.reason:
        outputs.append(_error("CheckFailed", verdict.reason))
    elif verdict.mark < float(cell.metadata.nbgrader.points):
        put("stream", name="stdout", text=f"{verdict.reason}\n")
        put("execute_result", data={"text/plain": repr(verdict.mark)}, execution_count=None)
    return outputs
