"""Grade one notebook: run the student's cells in a kernel, and the course's tests in the judge.

It takes bytes and returns bytes, and needs neither gradebook nor course folder, so it runs on any
machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import LimitOutput
from nbgrader.utils import compute_checksum as checksum
from nbgrader.utils import determine_grade, is_grade, is_solution, is_task

from nbjudge import seeds
from nbjudge.basics.sentences import group_sentences
from nbjudge.confinement.test_folder import FilesBeside
from nbjudge.course.answer_texts import hashes
from nbjudge.course.cells import NotebookVersion, is_test
from nbjudge.course.plug import Plug
from nbjudge.fork_server.usage import Usage
from nbjudge.intake.sanitise import sanitise_notebook
from nbjudge.judge.failures import NOT_RUN
from nbjudge.judge.inside import examine_inside
from nbjudge.judge.judge import Verdict
from nbjudge.judge.judge_process import lend_judge
from nbjudge.judge.notebook_run import NotebookRun, SandboxLost, display, error
from nbjudge.judge.plans import ORDINARY, Plans, TestPlan
from nbjudge.judge.surroundings import Surroundings, surroundings_of
from nbjudge.sandbox.fitted_limits import fit_limits
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.outputs import new_output

__all__ = [
    "RECORD",
    "Graded",
    "GradedNotebook",
    "grade",
    "grade_notebook",
    "handed_in",
    "record",
]

#: The key of a graded notebook's metadata under which the judge's findings are stored.
RECORD = "course"


@dataclass(frozen=True)
class GradedNotebook:
    """A graded notebook, as data.

    Parameters
    ----------
    notebook : bytes
        The file, with outputs, verdicts and timings.
    verdicts : mapping of str to Verdict
        By the test cell's grade_id.
    scores : mapping of str to (float or None)
        The automatic mark of each cell that is worth points, by grade_id; None if a person has to
        give it.
    unanswered : tuple of str
        The grade_ids of answers that are still as they were released.
    problems, notes, remarks : tuple of str
        Sentences for the grader: about the submitted file, what a person has to look at and what
        is good to know; and what happened during the grading.
    seconds : mapping of str to float
        How long each cell took, by cell id.
    used : Usage
        What its kernels used.
    answers : mapping of str to str
        Hashes of the answers that each mark is about, by grade_id: see `course.answer_texts`.
    """

    notebook: bytes
    verdicts: Mapping[str, Verdict]
    scores: Mapping[str, float | None]
    unanswered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    used: Usage = field(default_factory=Usage, compare=False)
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_faulty(self) -> bool:
        """Whether a test of the course was at fault, so that a person has to mark."""
        return any(verdict.fault for verdict in self.verdicts.values())


def grade(
    notebook: bytes,
    version: NotebookVersion,
    *,
    seed_parts: tuple[str, ...] = (),
    files: Mapping[str, bytes] | None = None,
    own: Collection[str] = (),
    limits: Limits | None = None,
    run_all: bool = False,
    plans: Plans | None = None,
    plug: Plug | None = None,
) -> GradedNotebook:
    """Grade a submitted notebook.

    Parameters
    ----------
    notebook : bytes
        The file, as submitted or sanitised.
    version : NotebookVersion
        The course's version of the notebook.
    seed_parts : tuple of str
        What the random inputs of the tests depend on, besides the exercise and what was handed in.
        With the same parts the same notebook gets the same marks.
    files : mapping of str to bytes, optional
        The files beside it, by relative path with forward slashes.
    own : collection of str
        Those of the files that are the course's own; only they can be imported.
    limits : Limits, optional
    run_all : bool
        Whether to run also the cells that only show something, which no mark needs.
    plans : mapping of str to TestPlan, optional
        How to run the tests, by grade_id.
    plug : Plug, optional
        The course's configuration.

    Raises
    ------
    SubmissionError
        If it is no notebook.
    KernelStartError
        If no kernel starts, twice in a row, or if `limits` require a sandbox and there is none.
    ValueError
        If the path of a data file leads elsewhere.

    Notes
    -----
    The student's cells run in a kernel, in a sandbox if there is one; see `course doctor`. The
    calling process keeps the warm parent for the next notebook.
    """
    limits = limits or Limits()
    for name in files or {}:
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or set("\\\0") & set(name):
            raise ValueError(f"a data file has to lie beside its notebook, not at {name!r}")
    found = sanitise_notebook(notebook, version)
    graded = grade_notebook(
        found.notebook,
        files=files,
        own=own,
        seed_parts=seed_parts,
        limits=limits,
        skipped=frozenset() if run_all else version.display,
        plans=plans if not version.language else _hold_all(version),
        surroundings=surroundings_of(version) if not version.language else None,
        plug=plug,
        runs=not version.language,
    )
    shortened, _ = LimitOutput(
        max_lines=limits.output_lines, max_traceback=limits.traceback_lines
    ).preprocess(graded.notebook, {})
    cells = [cell for cell in shortened.cells if "nbgrader" in cell.metadata]
    return GradedNotebook(
        notebook=_notebook_bytes(record(shortened, graded)),
        verdicts=graded.verdicts,
        scores={
            cell.metadata.nbgrader.grade_id: _score(cell, graded)
            for cell in cells
            if is_grade(cell)
        },
        unanswered=tuple(
            cell.metadata.nbgrader.grade_id
            for cell in cells
            if is_solution(cell)
            and not is_task(cell)
            and cell.metadata.nbgrader.get("checksum") == checksum(cell)
        ),
        problems=found.problems,
        notes=found.notes,
        remarks=graded.remarks,
        seconds=graded.seconds,
        used=graded.used,
        answers=hashes(shortened.cells),
    )


def _hold_all(version: NotebookVersion) -> Plans:
    """Return plans for a notebook that cannot be judged, by which a person marks all its tests."""
    plan = TestPlan(fault=version.why_not_judged)
    return {cell.grade_id: plan for cell in version.cells if cell.is_test}


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    # Only programs read these files, so they are written on one line. nbformat's own writer splits
    # texts into lines, and takes ten times as long.
    stored = nbformat.v4.rwbase.strip_transient(notebook)  # type: ignore[no-untyped-call]
    return json.dumps(stored, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _score(cell: NotebookNode, graded: Graded) -> float | None:
    verdict = graded.verdicts.get(cell.metadata.nbgrader.grade_id)
    if verdict is None:  # a written answer: 0 if it is missing, else for a person to mark
        score: float | None = determine_grade(cell)[0]
        return score
    return None if verdict.fault else verdict.mark


@dataclass(frozen=True)
class Graded:
    """A graded notebook, in memory.

    Parameters
    ----------
    notebook : NotebookNode
        With the outputs of the student's cells, and each test's verdict as its output.
    verdicts : mapping of str to Verdict
        By the test cell's grade_id, in the order of the notebook.
    remarks : tuple of str
        Sentences for the grader about the run, such as that a cell ended its kernel.
    seconds : mapping of str to float
        How long each cell took, by cell id.
    used : Usage
        What its kernels used.
    """

    notebook: NotebookNode
    verdicts: Mapping[str, Verdict]
    remarks: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    used: Usage = field(default_factory=Usage, compare=False)


def record(notebook: NotebookNode, graded: Graded) -> NotebookNode:
    """Write the judge's findings to a notebook's metadata, and return the notebook."""
    notebook.metadata[RECORD] = {
        "remarks": list(graded.remarks),
        "seconds": {cell: round(taken, 4) for cell, taken in graded.seconds.items()},
        "verdicts": {name: asdict(verdict) for name, verdict in graded.verdicts.items()},
    }
    return notebook


def grade_notebook(
    notebook: NotebookNode,
    *,
    files: Mapping[str, bytes] | None = None,
    own: Collection[str] = (),
    seed_parts: tuple[str, ...] = (),
    limits: Limits | None = None,
    skipped: frozenset[str] = frozenset(),
    plans: Plans | None = None,
    surroundings: Surroundings | None = None,
    plug: Plug | None = None,
    runs: bool = True,
) -> Graded:
    """Run a submitted notebook from top to bottom, and judge each test in its place.

    A cell that ends the kernel is left out from then on: the next one gets a new kernel, in which
    the earlier cells have run again. Tests that have to run in the student's process run last, in a
    separate kernel.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised: every cell with nbgrader's metadata is as the course wrote it, except answers.
    files : mapping of str to bytes, optional
        The files beside it, by relative path.
    own : collection of str
        Those of the files that are the course's own.
    seed_parts : tuple of str
        What the random inputs of the tests depend on, besides the exercise and what was handed in.
    limits : Limits, optional
    skipped : frozenset of str
        Cells with one of these texts are not run. (A student could set a tag.)
    plans : mapping of str to TestPlan, optional
        How to run the tests, by grade_id.
    surroundings : Surroundings, optional
        What the tests need from other cells of the notebook.
    plug : Plug, optional
        The course's configuration.
    runs : bool
        Whether to run any cells.

    Raises
    ------
    KernelStartError
        If no kernel starts, or its sandbox ends, twice in a row.
    """
    data = os.environ.get(plug.data_variable, "") if plug and plug.data_variable else ""
    beside = FilesBeside(files or {}, own, data)
    grading = _Grading(
        beside,
        (*seed_parts, handed_in(notebook, files or {})),
        fit_limits(limits or Limits()),
        skipped,
        plans or {},
        surroundings or Surroundings(),
        plug or Plug(),
        runs,
    )
    try:
        return grading.grade(_fresh(notebook))
    except SandboxLost:  # no cell can cause it, so the grading starts again
        return grading.grade(_fresh(notebook))
    finally:
        beside.remove()


def _fresh(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook whose outputs and metadata can be set; the rest is shared."""
    fresh = NotebookNode(notebook)  # type: ignore[no-untyped-call]
    fresh.metadata = NotebookNode(notebook.metadata)  # type: ignore[no-untyped-call]
    fresh.cells = [NotebookNode(cell) for cell in notebook.cells]  # type: ignore[no-untyped-call]
    return fresh


@dataclass(frozen=True)
class _Grading:
    """The arguments of `grade_notebook`, and the steps that use them."""

    beside: FilesBeside
    seed_parts: tuple[str, ...]
    limits: Limits
    skipped: frozenset[str]
    plans: Plans
    surroundings: Surroundings
    plug: Plug
    runs: bool = True

    def grade(self, notebook: NotebookNode) -> Graded:
        """Fill in the outputs of a notebook, and return it with its verdicts."""
        verdicts: dict[str, Verdict] = {}
        seconds: dict[str, float] = {}
        with seeds.seed_within(*self.seed_parts), lend_judge(self.limits, self.plug) as judge:
            ahead = self.surroundings.modules
            run = NotebookRun(self.beside, self.limits, self.plug, judge, self.seed_parts, ahead)
            try:
                for index, cell in enumerate(notebook.cells):
                    if cell.cell_type != "code":
                        continue
                    cell.outputs, cell.execution_count = [], None
                    start = time.monotonic()
                    if is_test(cell):
                        name = cell.metadata.nbgrader.grade_id
                        verdicts[name] = self._verdict(run, notebook, index, verdicts)
                        self._leave_behind(run, notebook, index)
                    elif self._is_skipped(cell):
                        cell.outputs = [display(NOT_RUN)]
                        continue
                    else:
                        run.execute(cell)
                    seconds[cell.id] = time.monotonic() - start
                for test, behaviour in run.behaviours().items():
                    verdicts[test] = replace(verdicts[test], behaviour=behaviour)
                if inside := {name for name in verdicts if self._is_inside(name)}:
                    cells = [cell for cell in notebook.cells if not self._is_skipped(cell)]
                    run.begin_again()
                    verdicts.update(examine_inside(cells, inside, run, self.surroundings.imports))
            finally:
                run.end()
        for cell in filter(is_test, notebook.cells):
            cell.outputs = _outputs(verdicts[cell.metadata.nbgrader.grade_id], cell)
        return Graded(notebook, verdicts, group_sentences(run.remarks), seconds, run.used)

    def _is_skipped(self, cell: NotebookNode) -> bool:
        return not self.runs or (cell.source.strip() in self.skipped and not is_solution(cell))

    def _is_inside(self, name: str) -> bool:
        plan = self.plans.get(name, ORDINARY)
        return bool(plan.inside) and not plan.fault

    def _verdict(
        self,
        run: NotebookRun,
        notebook: NotebookNode,
        index: int,
        earlier: Mapping[str, Verdict],
    ) -> Verdict:
        cell = notebook.cells[index]
        name = cell.metadata.nbgrader.grade_id
        if self._is_inside(name):
            return Verdict(0.0)  # replaced when the test has run inside
        plan = self.plans.get(name, ORDINARY)
        failed = [test for test, verdict in earlier.items() if self._has_failed(test, verdict)]
        before = self.surroundings.before(name, failed)
        return run.judge_test(cell, notebook.cells[:index], plan, before)

    def _has_failed(self, test: str, verdict: Verdict) -> bool:
        """Return whether a test stopped at a failure that is the answer's."""
        return bool(verdict.reason) and not (verdict.fault or verdict.lost or self._is_inside(test))

    def _leave_behind(self, run: NotebookRun, notebook: NotebookNode, index: int) -> None:
        """Run the visible part of a test in the kernel, if later cells use its definitions."""
        name = notebook.cells[index].metadata.nbgrader.grade_id
        later = [c for c in notebook.cells[index + 1 :] if c.cell_type == "code" and not is_test(c)]
        if text := self.surroundings.left_by(name, [cell.source for cell in later]):
            run.execute(
                nbformat.v4.new_code_cell(text),  # type: ignore[no-untyped-call]
                is_read=False,
            )


def handed_in(notebook: NotebookNode, files: Mapping[str, bytes]) -> str:
    """Return a hash of a hand-in, which seeds the tests' inputs.

    A changed answer or data file changes the hash, so inputs seen in one hand-in are of no use to
    the next. The hash covers everything that a kernel can see, and the written answers, but nothing
    else, so it is the same whichever command grades, and however often.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised. Its tests are left out, so that repairing a test does not change its inputs.
    files : mapping of str to bytes
        The data files beside it, by relative path.
    """
    digest = hashlib.sha256()

    def add(content: bytes) -> None:
        digest.update(len(content).to_bytes(8, "big") + content)

    for cell in notebook.cells:
        if not is_test(cell):
            add(cell.cell_type.encode())
            add(cell.source.encode("utf-8", "surrogatepass"))
    for name in sorted(files):
        add(name.encode("utf-8", "surrogatepass"))
        add(files[name])
    return digest.hexdigest()


def _outputs(verdict: Verdict, cell: NotebookNode) -> list[NotebookNode]:
    """Return the outputs from which nbgrader reads a verdict's mark.

    For nbgrader an error means 0, a number as the result is the mark, and anything else means all
    points.
    """
    outputs = []
    if verdict.printed:
        outputs.append(new_output("stream", name="stdout", text=verdict.printed))
    if verdict.fault:
        said = "This test did not work, which is not your fault. A person will mark this exercise."
        outputs.append(error("TestFault", said))
        return outputs
    told = "\n  ".join(filter(None, (verdict.reason, verdict.sentence)))
    if verdict.mark == 0 and told:
        outputs.append(error("CheckFailed", told))
    elif verdict.mark < float(cell.metadata.nbgrader.points):
        mark = {"text/plain": repr(verdict.mark)}
        outputs.append(new_output("stream", name="stdout", text=f"{told}\n"))
        outputs.append(new_output("execute_result", data=mark, metadata={}, execution_count=None))
    return outputs
