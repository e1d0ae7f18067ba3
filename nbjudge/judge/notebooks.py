"""Grading one notebook: the student's cells run in a kernel, the course's tests in the judge.

Bytes in, bytes out: it knows no gradebook and no course folder, so it runs anywhere.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy, deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import LimitOutput
from nbgrader.utils import compute_checksum as checksum
from nbgrader.utils import determine_grade, is_grade, is_solution, is_task

from nbjudge import seeds
from nbjudge.basics.sentences import group_sentences
from nbjudge.course.answer_texts import answers_tested, hashes
from nbjudge.course.cells import NotebookVersion, exercise_number
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.usage import Usage
from nbjudge.intake.sanitise import sanitise_notebook
from nbjudge.judge.behaviour import SEED_PARTS
from nbjudge.judge.failures import NOT_RUN, STOPPED
from nbjudge.judge.judge import KernelChannel, Test, Verdict, free_names
from nbjudge.judge.judge_process import Judge, Judged, judging
from nbjudge.sandbox.fitted_limits import fit_limits, together
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.outputs import OutputBudget
from nbjudge.sandbox.session import (
    KernelDied,
    KernelHung,
    KernelLost,
    KernelStartError,
    Ran,
    Session,
)

__all__ = [
    "RECORD",
    "Graded",
    "Result",
    "grade",
    "grade_notebook",
    "handed_in",
    "is_test",
    "record",
]

#: How many times as long as it took a kernel to end its successor is watched for the same.
PATIENCE = 1.5
#: Seconds for which an answer is asked how it behaves; one that takes longer is not told of.
COMPARISON = 5.0
#: Where a graded notebook keeps what the judge found, in its metadata.
RECORD = "course"


@dataclass(frozen=True)
class Result:
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
    limits: Limits | None = None,
    run_all: bool = False,
    held: Mapping[str, str] | None = None,
    plug: Plug | None = None,
) -> Result:
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
        The data files beside it, by relative path with forward slashes.
    limits : Limits, optional
    run_all : bool
        Whether to run also the cells that only show something, which no mark needs.
    held : mapping of str to str, optional
        What is wrong with tests that are not to be used, by grade id: a person marks there.
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
        seed_parts=seed_parts,
        limits=limits,
        skipped=frozenset() if run_all else version.display,
        held=held,
        plug=plug,
    )
    shortened, _ = LimitOutput(
        max_lines=limits.output_lines, max_traceback=limits.traceback_lines
    ).preprocess(graded.notebook, {})
    cells = [cell for cell in shortened.cells if "nbgrader" in cell.metadata]
    return Result(
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


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    # In one line, which takes a third of the time; nobody but programs reads these files.
    text: str = nbformat.v4.writes(notebook, indent=None)  # type: ignore[no-untyped-call]
    return text.encode()


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


def is_test(cell: NotebookNode) -> bool:
    """Say whether a cell is an autograded test, by its (trusted) metadata."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def grade_notebook(
    notebook: NotebookNode,
    *,
    files: Mapping[str, bytes] | None = None,
    seed_parts: tuple[str, ...] = (),
    limits: Limits | None = None,
    skipped: frozenset[str] = frozenset(),
    held: Mapping[str, str] | None = None,
    plug: Plug | None = None,
) -> Graded:
    """Run a submitted notebook from top to bottom, and judge each test where it stands.

    A cell that loses the kernel is left out from then on: the next one gets a fresh kernel, in
    which the cells before have run again.

    Parameters
    ----------
    notebook : NotebookNode
        Sanitised: every cell with nbgrader's metadata is as the course wrote it, answers apart.
    files : mapping of str to bytes, optional
        The data files beside it, by relative path.
    seed_parts : tuple of str
        What the random inputs of the tests depend on, besides the exercise and what was handed in.
    limits : Limits, optional
    skipped : frozenset of str
        Cells with one of these texts are not run. (A tag would be the student's to set.)
    held : mapping of str to str, optional
        What is wrong with tests that are not to be used, by grade id.
    plug : Plug, optional
        What the course tells of itself.

    Raises
    ------
    KernelStartError
        If no kernel comes up, or the sandbox around it ends, twice in a row.
    """
    try:
        return _grade(notebook, files, seed_parts, limits, skipped, held or {}, plug or Plug())
    except _SandboxLost:  # which no cell can be blamed for: from the start
        return _grade(notebook, files, seed_parts, limits, skipped, held or {}, plug or Plug())


def _grade(
    notebook: NotebookNode,
    files: Mapping[str, bytes] | None,
    seed_parts: tuple[str, ...],
    limits: Limits | None,
    skipped: frozenset[str],
    held: Mapping[str, str],
    plug: Plug,
) -> Graded:
    notebook = deepcopy(notebook)
    verdicts, seconds = {}, {}
    limits = fit_limits(limits or Limits())
    seed_parts = (*seed_parts, handed_in(notebook, files or {}))
    with seeds.seed_within(*seed_parts), judging(limits, plug) as judge:
        run = _Run(files or {}, limits, plug, judge, seed_parts)
        try:
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                cell.outputs, cell.execution_count = [], None
                start = time.monotonic()
                if is_test(cell):
                    test = cell.metadata.nbgrader.grade_id
                    before = notebook.cells[:index]
                    verdicts[test] = run.judged(cell, before, held.get(test, ""))
                elif cell.source.strip() in skipped and not is_solution(cell):
                    cell.outputs = [_display(NOT_RUN)]
                    continue
                else:
                    run.execute(cell)
                seconds[cell.id] = time.monotonic() - start
            for test, behaviour in run.behaviours().items():
                verdicts[test] = replace(verdicts[test], behaviour=behaviour)
        finally:
            run.end()
    for cell in filter(is_test, notebook.cells):
        cell.outputs = _outputs(verdicts[cell.metadata.nbgrader.grade_id], cell)
    return Graded(notebook, verdicts, group_sentences(run.remarks), seconds, run.used)


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


class _SandboxLost(KernelStartError):
    """All around a kernel ended with it, as when the machine runs out of memory."""

    def __init__(self) -> None:
        super().__init__(
            "The sandbox ended while it was graded, twice: "
            "perhaps this machine has too little memory for so many workers."
        )


class _TimeOver(KernelLost):
    """A notebook has run for as long as it may."""


@dataclass(eq=False)
class _Step:
    """What has run in a kernel: a cell, or a test whose answer left something running there.

    Parameters
    ----------
    cell : NotebookNode
    left : bool
        Whether something went on to run.
    ended : float
        When it ended in the last kernel in which it ran, by the clock of `time.monotonic`.
    """

    cell: NotebookNode
    left: bool
    ended: float


class _Run:
    """The kernels of one notebook, one after the other, and what has run in them.

    A kernel may end, or hang, long after the cell that makes it: by a timer, a thread or another
    process. So what ran in it runs again in a new one, and after each part that left something
    running there the kernel is watched for longer than it took to end. Only what ends it then, too,
    is left out; if nothing does, it was what ran when it ended.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        limits: Limits,
        plug: Plug,
        judge: Judge,
        seed_parts: tuple[str, ...] = (),
    ) -> None:
        self._files = files
        self._plug = plug
        self._limits = limits
        self._session: Session | None = None
        self._kernels = 0
        self._counted = 0
        self._end = time.monotonic() + limits.notebook_seconds
        self._judge = judge
        self._seed_parts = seed_parts
        self._past: list[_Step] = []
        self._outputs = OutputBudget(limits.output_bytes)
        self._not_run = 0
        self._remarks: list[str] = []
        #: Tests that took marks from an answer, with the names that they use.
        self._compared: list[tuple[NotebookNode, list[str]]] = []
        #: What the kernels used that have ended.
        self.used = Usage()

    @property
    def remarks(self) -> list[str]:
        """What happened, in sentences for the grader."""
        told = list(self._remarks)
        if cells := self._not_run:
            told.append(
                f"{cells} cell{' was' if cells == 1 else 's were'} not run: {self._end_told()}."
            )
        if cells := self._outputs.cut:
            told.append(
                f"Outputs of {cells} cell{'' if cells == 1 else 's'} are left out: "
                f"{self._outputs.reason}."
            )
        return told

    def execute(self, cell: NotebookNode) -> None:
        """Run a cell of the student's, and again in every kernel to come."""
        if not cell.source.strip():
            return
        while True:
            outputs = copy(self._outputs)
            ran, loss = self._run(cell, outputs)
            if not (self._is_in_doubt(loss) and self._found_cause()):
                break
        self._outputs = outputs
        self._count(cell)
        if isinstance(loss, _TimeOver):
            self._not_run += 1
            cell.outputs.append(_error(STOPPED, f"This cell was not run: {loss}."))
        elif loss is not None:
            self._leave_out(cell, f"did not end and was left out: {self._why(str(loss))}")
        elif ran.stopped:
            self._leave_out(cell, f"did not end and was stopped: {self._why(ran.stopped)}")
        else:
            self._past.append(_Step(cell, ran.left, time.monotonic()))
            if ran.asked_to_end:
                self._ignore_end(cell)

    def _run(self, cell: NotebookNode, outputs: OutputBudget) -> tuple[Ran, KernelLost | None]:
        """Run a cell; return how it ended, and what its kernel was lost by."""
        try:
            session = self._ready()
            return session.run(cell, seconds=self._seconds_left(), budget=outputs), None
        except KernelLost as loss:
            self._lose()
            return Ran(), loss

    def _seconds_left(self) -> float:
        """Return how long the notebook may still run.

        Raises
        ------
        _TimeOver
            If its time is over.
        """
        if (left := self._end - time.monotonic()) <= 0:
            raise _TimeOver(self._end_told())
        return left

    def _end_told(self) -> str:
        return f"the notebook ran longer than {self._limits.notebook_seconds} s"

    def _why(self, reason: str) -> str:
        """Return why a cell was stopped: what ended it may have been the notebook's time."""
        return reason if time.monotonic() < self._end else self._end_told()

    def _count(self, cell: NotebookNode) -> None:
        self._counted += 1
        cell.execution_count = self._counted

    def judged(
        self, cell: NotebookNode, before: Sequence[NotebookNode] = (), held: str = ""
    ) -> Verdict:
        """Judge a test with what the notebook has defined so far, unless the test is held."""
        self._count(cell)
        exercise = _exercise(cell)
        if held:
            verdict = Verdict(0.0, fault=held)
        else:
            judged, loss = self._examine(cell, before)
            while self._is_in_doubt(loss) and self._found_cause():
                judged, loss = self._examine(cell, before)
            verdict = judged.verdict
            if judged.stopped:
                self._remarks.append(f"{exercise} was stopped in its test: {judged.stopped}.")
        if verdict.fault:
            self._remarks.append(
                f"The course's test of {exercise} is at fault, a person has to mark it: "
                f"{verdict.fault}."
            )
        is_unknown = verdict.reason and not verdict.mistake and not verdict.lost
        if is_unknown and not _is_unanswered(cell, before):
            self._keep(cell)
        return verdict

    def _keep(self, cell: NotebookNode) -> None:
        """Remember what a test was about, which is asked again in the end."""
        with suppress(CourseError):  # it is no test of the answer that it can be kept
            if self._session is not None:
                names = list(free_names(cell.source))
                line = KernelChannel(self._session.request, self._limits)
                line.ask("keep", test=cell.metadata.nbgrader.grade_id, names=names)
                self._compared.append((cell, names))

    def behaviours(self) -> dict[str, str]:
        """Return how the answers behave that lost marks, by the test's grade id: see `behaviour`.

        It comes last, when all marks are given: so whatever happens costs none.
        """
        found: dict[str, str] = {}
        with suppress(CourseError):
            for cell, names in self._compared:
                if self._session is None:
                    break
                test = cell.metadata.nbgrader.grade_id
                line = KernelChannel(self._session.request, self._limits)
                if line.ask("recall", test=test, names=names) is not True:
                    continue
                judged = self._judge.judge(
                    _test(cell),
                    self._session.request,
                    seed_parts=SEED_PARTS,
                    until=min(self._end, time.monotonic() + COMPARISON),
                    compared=True,
                )
                if judged.verdict.behaviour:
                    found[test] = judged.verdict.behaviour
        return found

    def _examine(
        self, cell: NotebookNode, before: Sequence[NotebookNode]
    ) -> tuple[Judged, KernelLost | None]:
        """Judge a test; return what its kernel was lost by, too."""
        test = _test(cell)
        try:
            session = self._ready()
        except KernelLost as loss:
            return Judged(Verdict(0.0, reason=f"✗ Exercise {test.exercise}: {loss}.")), None
        losses: list[KernelLost] = []

        def exchange(content: bytes, seconds: float) -> bytes | memoryview:
            try:
                return session.request(content, seconds)
            except KernelLost as loss:
                losses.append(loss)
                raise

        judged = self._judge.judge(
            test, exchange, cells=before, seed_parts=self._seed_parts, until=self._end
        )
        verdict = judged.verdict
        if not verdict.lost:
            try:
                # What the answer has started may end the kernel yet.
                if session.probe().left:
                    self._past.append(_Step(cell, True, time.monotonic()))
            except KernelLost as loss:
                losses.append(loss)
                reason = f"✗ Exercise {test.exercise}: {loss}."
                verdict = Verdict(0.0, reason, fault=verdict.fault, lost=True)
                judged = Judged(verdict, str(loss))
        if verdict.lost:
            self._lose()
        return judged, losses[0] if losses else None

    def _place(self) -> str:
        if not self._past:
            return ""
        return f" (the first was {_naming(self._past[-1].cell).lower()})"

    def end(self) -> None:
        """End the kernel that still runs."""
        if self._session is not None:
            self._session.close()
            self.used = together(self.used, self._session.used or Usage())
            self._session = None

    def _lose(self) -> None:
        """Let go of a kernel that cannot be used any more.

        Raises
        ------
        _SandboxLost
            If that is the machine's doing.
        """
        is_lost = self._session is not None and self._session.has_lost_its_sandbox()
        self.end()
        if is_lost:
            raise _SandboxLost

    def _ready(self) -> Session:
        """Return a kernel in which all cells of the past have run."""
        if self._session is not None and not self._session.is_alive():
            self._lose()
            if not self._found_cause():
                self._remarks.append(
                    f"A kernel ended between two cells{self._place()}, for no reason that showed "
                    "again, and was replaced: nothing is lost."
                )
        while self._session is None:
            step, loss = self._replay()
            if self._is_in_doubt(loss):
                self._found_cause()
            elif step is not None:
                self._past.remove(step)
                self._leave_out(step.cell, f"did not end and was left out: {loss}")
        return self._session

    def _is_in_doubt(self, loss: KernelLost | None) -> bool:
        """Say whether a kernel may have been lost by other things than what ran in it then."""
        if isinstance(loss, KernelHung):  # which is mostly a loop without end
            return any(step.left for step in self._past)
        return isinstance(loss, KernelDied)

    def _found_cause(self) -> bool:
        """Look in the past for what has just ended a kernel, and leave it out if it is there."""
        try:
            step, loss = self._replay(died=time.monotonic())
        except KernelLost:  # there is no kernel left to look with
            return False
        if step is None:
            return False
        self._past.remove(step)
        # In the words of a cell that ends it at once: how long it takes may be a matter of luck.
        if is_test(step.cell):
            self._remarks.append(f"{_exercise(step.cell)} ended the kernel after its test: {loss}.")
        else:
            self._leave_out(step.cell, f"did not end and was left out: {loss}")
        return True

    def _replay(self, died: float | None = None) -> tuple[_Step | None, KernelLost | None]:
        """Start a kernel, and run in it what ran in the last one.

        Parameters
        ----------
        died : float, optional
            When the last one ended, if it is not known of what. Then the new one is watched for
            as long after each step.

        Returns
        -------
        step, loss
            The step that lost the kernel, if one did, and by what.
        """
        self._seconds_left()
        if self._kernels > self._limits.new_kernels:
            raise KernelLost(f"the notebook lost its kernel {self._kernels} times")
        self._kernels += 1
        session = _start_session(self._limits, self._files, self._plug)
        for step in self._past:
            patience = 0.0 if died is None else 1 + PATIENCE * (died - step.ended)
            try:
                if not is_test(step.cell):
                    # What it shows is known.
                    session.run(
                        deepcopy(step.cell), seconds=self._seconds_left(), budget=OutputBudget(0)
                    )
                elif died is not None:
                    self._judge.judge(
                        _test(step.cell),
                        session.request,
                        seed_parts=self._seed_parts,
                        until=self._end,
                    )
                if died is not None:
                    session.rest(min(patience, self._seconds_left()) if step.left else 0)
            except KernelLost as loss:
                self._session = session
                self._lose()
                self._seconds_left()  # if there are none, it was not this one
                return step, loss
            step.ended = time.monotonic()
        self._session = session
        return None, None

    def _leave_out(self, cell: NotebookNode, what: str) -> None:
        """Say, to the grader and in the cell, what became of a cell that is not run again."""
        self._remarks.append(f"{_naming(cell)} {what}.")
        cell.outputs.append(_error(STOPPED, f"This cell {what}."))

    def _ignore_end(self, cell: NotebookNode) -> None:
        """Say that a cell asked the kernel to end, which this one did not do."""
        what = "asked the kernel to end, which was left out; all else in it counts"
        self._remarks.append(f"{_naming(cell)} {what}.")
        cell.outputs.append(_display(f"This cell {what}."))


def _naming(cell: NotebookNode) -> str:
    """Return what to call a cell at the beginning of a sentence."""
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    if not grade_id:
        return f"Cell {cell.execution_count}"
    which = "test" if is_test(cell) else "cell"
    return f"The {which} of {exercise_number(grade_id)}"


def _exercise(cell: NotebookNode) -> str:
    return exercise_number(cell.metadata.nbgrader.grade_id)


def _is_unanswered(cell: NotebookNode, before: Sequence[NotebookNode]) -> bool:
    """Say whether all that a test is about is as it was released."""
    ids = answers_tested([*before, cell])[cell.metadata.nbgrader.grade_id]
    tested = [c for c in before if c.metadata.get("nbgrader", {}).get("grade_id") in ids]
    unchanged = [c.metadata.nbgrader.get("checksum") == checksum(c) for c in tested]
    return bool(unchanged) and all(unchanged)


def _test(cell: NotebookNode) -> Test:
    return Test(_exercise(cell), cell.source, float(cell.metadata.nbgrader.points))


def _start_session(limits: Limits, files: Mapping[str, bytes], plug: Plug) -> Session:
    try:
        session = Session(limits, files, plug)
    except KernelStartError:  # perhaps the machine was busy
        session = Session(limits, files, plug)
    try:
        # What a notebook draws at random is the same whenever it is graded.
        KernelChannel(session.request, limits).ask("start", seed=seeds.number(""))
    except KernelLost as loss:
        is_lost = session.has_lost_its_sandbox()
        session.close()
        if is_lost:
            raise _SandboxLost from loss
        raise KernelStartError(f"A kernel for grading did not answer: {loss}.") from loss
    return session


def _display(text: str) -> NotebookNode:
    output: NotebookNode = nbformat.v4.new_output(  # type: ignore[no-untyped-call]
        "display_data", data={"text/plain": text}
    )
    return output


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
        return outputs
    told = "\n  ".join(filter(None, (verdict.reason, verdict.sentence)))
    if verdict.mark == 0 and told:
        outputs.append(_error("CheckFailed", told))
    elif verdict.mark < float(cell.metadata.nbgrader.points):
        put("stream", name="stdout", text=f"{told}\n")
        put("execute_result", data={"text/plain": repr(verdict.mark)}, execution_count=None)
    return outputs
