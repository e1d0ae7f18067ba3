"""Grading one notebook: the student's cells run in a kernel, the course's tests in the judge.

Bytes in, bytes out: it knows no gradebook and no course folder, so it runs anywhere.
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

#: Where a graded notebook keeps what the judge found, in its metadata.
RECORD = "course"


@dataclass(frozen=True)
class GradedNotebook:
    """A graded notebook, as data.

    Parameters
    ----------
    notebook : bytes
        The file, with outputs, verdicts and timings.
    verdicts : mapping of str to Verdict
        By the test cell's grade id.
    scores : mapping of str to (float or None)
        The automatic mark of each cell that is worth points, by grade id; None where a person has
        to give it.
    unanswered : tuple of str
        Grade ids of answers that are still as they were released.
    problems, notes, remarks : tuple of str
        Sentences for the grader: what a person has to look at in the file that came, what is good
        to know of it, and what happened while it was graded.
    seconds : mapping of str to float
        How long each cell took, by cell id.
    used : Usage
        What its kernels used.
    answers : mapping of str to str
        Of `answers.hashes`: which text each mark is about, by grade id.
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
        """Whether a test of the course did not work, so that a person has to mark."""
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
        The file, as it came or sanitised.
    version : NotebookVersion
        The course's own part of it.
    seed_parts : tuple of str
        What the random inputs of the tests depend on, besides the exercise and what was handed in.
        With the same ones the same notebook gets the same marks.
    files : mapping of str to bytes, optional
        The files beside it, by relative path with forward slashes.
    own : collection of str
        Which of them are the course's own: only these can be imported.
    limits : Limits, optional
    run_all : bool
        Whether to run also the cells that only show something, which no mark needs.
    plans : mapping of str to TestPlan, optional
        How tests are to be run, by grade id.
    plug : Plug, optional
        What the course tells of itself.

    Raises
    ------
    SubmissionError
        If it is no notebook.
    KernelStartError
        If no kernel comes up, twice in a row, or `limits` want a sandbox and there is none.
    ValueError
        If the path of a data file leads elsewhere.

    Notes
    -----
    The student's cells run in a kernel, in a sandbox where there is one; see `course doctor`. It is
    kept for the next notebook by the process that called this.
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
    """Return the plans for a notebook that cannot be judged: a person marks all of its tests."""
    plan = TestPlan(fault=version.why_not_judged)
    return {cell.grade_id: plan for cell in version.cells if cell.is_test}


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    # In one line, and each text as a whole: nobody but programs reads these files, and nbformat's
    # own writer, which makes lines, takes ten times as long.
    stored = nbformat.v4.rwbase.strip_transient(notebook)  # type: ignore[no-untyped-call]
    return json.dumps(stored, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _score(cell: NotebookNode, graded: Graded) -> float | None:
    verdict = graded.verdicts.get(cell.metadata.nbgrader.grade_id)
    if verdict is None:  # a written answer: none if it is missing, else a person's to mark
        score: float | None = determine_grade(cell)[0]
        return score
    return None if verdict.fault else verdict.mark


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
    """Write what the judge found to a notebook's metadata, and return it."""
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
    """Run a submitted notebook from top to bottom, and judge each test where it stands.

    A cell that loses the kernel is left out from then on: the next one gets a fresh kernel, in
    which the cells before have run again. Tests that have to run in the student's process do so
    afterwards, in a kernel of their own.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised: every cell with nbgrader's metadata is as the course wrote it, answers apart.
    files : mapping of str to bytes, optional
        The files beside it, by relative path.
    own : collection of str
        Which of them are the course's own.
    seed_parts : tuple of str
        What the random inputs of the tests depend on, besides the exercise and what was handed in.
    limits : Limits, optional
    skipped : frozenset of str
        Cells with one of these texts are not run. (A tag would be the student's to set.)
    plans : mapping of str to TestPlan, optional
        How tests are to be run, by grade id.
    surroundings : Surroundings, optional
        What tests find of the rest of their notebook.
    plug : Plug, optional
        What the course tells of itself.
    runs : bool
        Whether its cells are run at all.

    Raises
    ------
    KernelStartError
        If no kernel comes up, or the sandbox around it ends, twice in a row.
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
    except SandboxLost:  # which no cell can be blamed for: from the start
        return grading.grade(_fresh(notebook))
    finally:
        beside.remove()


def _fresh(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook to which all can be given that a grading gives; the rest is shared."""
    fresh = NotebookNode(notebook)  # type: ignore[no-untyped-call]
    fresh.metadata = NotebookNode(notebook.metadata)  # type: ignore[no-untyped-call]
    fresh.cells = [NotebookNode(cell) for cell in notebook.cells]  # type: ignore[no-untyped-call]
    return fresh


@dataclass(frozen=True)
class _Grading:
    """How a notebook is graded: see `grade_notebook`."""

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
        verdicts, seconds = {}, {}
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
                        verdicts[name] = self._verdict(run, notebook, index)
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

    def _verdict(self, run: NotebookRun, notebook: NotebookNode, index: int) -> Verdict:
        cell = notebook.cells[index]
        name = cell.metadata.nbgrader.grade_id
        if self._is_inside(name):
            return Verdict(0.0)  # until it has run, when the others are judged
        plan = self.plans.get(name, ORDINARY)
        before = self.surroundings.before.get(name, "")
        return run.judge_test(cell, notebook.cells[:index], plan, before)

    def _leave_behind(self, run: NotebookRun, notebook: NotebookNode, index: int) -> None:
        """Let the kernel have what a test defines in the open and later cells read."""
        name = notebook.cells[index].metadata.nbgrader.grade_id
        later = [c for c in notebook.cells[index + 1 :] if c.cell_type == "code" and not is_test(c)]
        if text := self.surroundings.left_by(name, [cell.source for cell in later]):
            run.execute(
                nbformat.v4.new_code_cell(text),  # type: ignore[no-untyped-call]
                is_read=False,
            )


def handed_in(notebook: NotebookNode, files: Mapping[str, bytes]) -> str:
    """Return a text that is another for any other answer to the same tests.

    What the tests ask of one hand-in is then of no use to the next: neither to its cells nor to a
    data file beside them. Everything counts that a kernel can get to see, and the written answers;
    nothing else does, so it is the same whichever command grades, and however often.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised. Tests are left out, which are the course's: mending one changes no inputs.
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
    """Return a verdict as nbgrader reads it: an error is 0, a number is a part, else all."""
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
