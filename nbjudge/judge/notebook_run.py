"""Run one notebook's cells and tests, in a new kernel whenever one is lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from copy import copy, deepcopy
from dataclasses import dataclass

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum as checksum

from nbjudge import seeds
from nbjudge.confinement.test_folder import FilesBeside
from nbjudge.course.answer_texts import answers_tested
from nbjudge.course.cells import exercise_number, is_test
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.fork_server.usage import Usage
from nbjudge.fork_server.waiting_time import excused_seconds
from nbjudge.judge.behaviour import SEED_PARTS
from nbjudge.judge.failures import STOPPED
from nbjudge.judge.judge import Test, Verdict
from nbjudge.judge.judge_process import JudgedTest, JudgeProcess
from nbjudge.judge.plans import ORDINARY, TestPlan
from nbjudge.remote import AnswerError
from nbjudge.sandbox.fitted_limits import usage_of_both
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.outputs import OutputBudget, new_output
from nbjudge.sandbox.session import (
    CellRun,
    KernelDied,
    KernelHung,
    KernelLost,
    KernelStartError,
    Session,
)
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.names import free_names

__all__ = ["NotebookRun", "SandboxLost", "display", "error"]

#: A new kernel is watched this many times as long as the last one took to end.
PATIENCE_PER_SECOND = 1.5
#: How many times the limit of a cell it may run when it runs again, as the machine may be busier.
TIMES_LONGER = 4.0
#: Seconds to find out how an answer behaves; if it takes longer, the behaviour stays unknown.
COMPARISON = 5.0


class SandboxLost(KernelStartError):
    """A kernel's whole sandbox ended, as when the machine runs out of memory."""

    def __init__(self) -> None:
        super().__init__(
            "The sandbox ended while it was graded, twice: "
            "perhaps this machine has too little memory for so many workers."
        )


class _TimeOver(KernelLost):
    """A notebook has reached its time limit."""


@dataclass(eq=False)
class _Step:
    """A cell that has run in a kernel, or a test whose answer left something running there.

    Parameters
    ----------
    cell : NotebookNode
    left : bool
        Whether it left something running.
    ended : float
        When it ended in the last kernel in which it ran, by `time.monotonic`.
    test : Test, optional
        The test, if the cell is one.
    """

    cell: NotebookNode
    left: bool
    ended: float
    test: Test | None = None


class NotebookRun:
    """A run of one notebook: its kernels, one after the other, and the cells that ran in them.

    A cell may end or hang its kernel long after it ran, by a timer, a thread or another process. To
    find the cell, all cells run again in a new kernel. After each one that left something running,
    the new kernel is watched for longer than the old one took to end. A cell that ends this kernel,
    too, is left out. If none does, the cause was what ran when the old kernel ended.
    """

    def __init__(
        self,
        beside: FilesBeside,
        limits: Limits,
        plug: Plug,
        judge: JudgeProcess,
        seed_parts: tuple[str, ...] = (),
        ahead: Sequence[str] = (),
    ) -> None:
        self._beside = beside
        # A file beside the notebook shadows an installed module of its name, so that module must
        # not be imported ahead.
        names = {name.partition("/")[0].partition(".")[0] for name in beside.files}
        self._ahead = [name for name in ahead if name.partition(".")[0] not in names]
        self._plug = plug
        self._limits = limits
        self._session: Session | None = None
        self._kernels = 0
        self._started = 0
        self._counted = 0
        #: The kernel that was started last, and the seconds that those before it had to wait for a
        #: processor.
        self._newest: Session | None = None
        self._waited = 0.0
        self._end = self._clock() + limits.notebook_seconds
        self._judge = judge
        self._seed_parts = seed_parts
        self._past: list[_Step] = []
        self._outputs = OutputBudget(limits.output_bytes)
        self._not_run = 0
        self._is_brief = False
        self._remarks: list[str] = []
        self._said: list[str] = []
        #: Tests in which an answer lost marks, by grade_id, with the names that they use.
        self._compared: dict[str, tuple[Test, list[str]]] = {}
        #: The usage of the kernels that have ended.
        self.used = Usage()

    @property
    def remarks(self) -> list[str]:
        """Sentences for the grader about what happened in the run."""
        told = [*self._said, *(each for each in self._remarks if each not in self._said)]
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

    def execute(self, cell: NotebookNode, *, is_read: bool = True) -> None:
        """Run a cell of the student's now, and again in each later kernel.

        Parameters
        ----------
        cell : NotebookNode
        is_read : bool
            Whether anybody will read the lines of its traceback.
        """
        if not cell.source.strip():
            return
        while True:
            outputs = copy(self._outputs)
            ran, loss = self._run(cell, outputs, is_brief=self._is_brief or not is_read)
            if not (self._is_in_doubt(loss) and self._found_cause()):
                break
        self._outputs = outputs
        self._count(cell)
        if isinstance(loss, _TimeOver):
            self._not_run += 1
            cell.outputs.append(error(STOPPED, f"This cell was not run: {loss}."))
        elif loss is not None:
            self._leave_out(cell, f"did not end and was left out: {self._why(str(loss))}")
        elif ran.stopped:
            self._leave_out(cell, f"did not end and was stopped: {self._why(ran.stopped)}")
        else:
            self._past.append(_Step(cell, ran.left, time.monotonic()))
            if ran.asked_to_end:
                self._ignore_end(cell)

    def _run(
        self, cell: NotebookNode, outputs: OutputBudget, *, is_brief: bool
    ) -> tuple[CellRun, KernelLost | None]:
        """Run a cell; return how it ended, and the error if its kernel was lost."""
        try:
            session = self._ready()
            left = self._seconds_left()
            ran = session.run(cell, seconds=left, budget=outputs, is_brief=is_brief)
            return ran, None
        except KernelLost as loss:
            self._lose()
            return CellRun(), loss

    def _seconds_left(self) -> float:
        """Return for how many seconds the notebook may still run.

        Raises
        ------
        _TimeOver
            If its time is over.
        """
        if (left := self._end - self._clock()) <= 0:
            raise _TimeOver(self._end_told())
        return left

    def _clock(self) -> float:
        """Return the notebook's time in seconds; it stops while a kernel waits for a processor."""
        waited = self._waited + (self._newest.waiting_seconds if self._newest else 0.0)
        return time.monotonic() - excused_seconds(waited, self._limits.notebook_seconds)

    def _end_told(self) -> str:
        return f"the notebook ran longer than {self._limits.notebook_seconds} s"

    def _why(self, reason: str) -> str:
        """Return why a cell was stopped: for the given reason, or because the time was over."""
        return reason if self._clock() < self._end else self._end_told()

    def _count(self, cell: NotebookNode) -> None:
        self._counted += 1
        cell.execution_count = self._counted

    def judge_test(
        self,
        cell: NotebookNode,
        before: Sequence[NotebookNode] = (),
        plan: TestPlan = ORDINARY,
        definitions: str = "",
    ) -> Verdict:
        """Judge a test against the notebook's state so far, unless its plan names a fault.

        Parameters
        ----------
        cell : NotebookNode
        before : sequence of NotebookNode
            The cells above it, with their outputs.
        plan : TestPlan
        definitions : str
            The course's own statements that the test needs.
        """
        self._count(cell)
        exercise = _exercise_of(cell)
        test = _test(cell, plan, definitions)
        if plan.fault:
            verdict = Verdict(0.0, fault=plan.fault)
        else:
            judged, loss = self._examine(cell, test, before)
            while self._is_in_doubt(loss) and self._found_cause():
                judged, loss = self._examine(cell, test, before)
            verdict = judged.verdict
            if judged.stopped:
                self._remarks.append(f"{exercise} was stopped in its test: {judged.stopped}.")
        if verdict.fault:
            self._remarks.append(
                f"The course's test of {exercise} is at fault, a person has to mark it: "
                f"{verdict.fault}."
            )
        is_unknown = verdict.reason and not verdict.mistake and not verdict.lost
        if is_unknown and not _is_all_as_released(cell, before):
            self._keep(cell.metadata.nbgrader.grade_id, test)
        return verdict

    def _keep(self, name: str, test: Test) -> None:
        """Remember a test and the objects that it uses, for `behaviours`."""
        with suppress(CourseError, AnswerError):  # an error here must cost no mark
            if self._session is not None:
                names = list(free_names(test.text))
                line = KernelChannel(self._session.request, self._limits)
                line.ask("keep", test=name, names=names)
                self._compared[name] = test, names

    def behaviours(self) -> dict[str, str]:
        """Return how the answers that lost marks behave, by the test's grade_id: see `behaviour`.

        It is called when all marks of this kernel are given, so nothing that happens costs one.
        """
        found: dict[str, str] = {}
        with suppress(CourseError, AnswerError):
            for name, (test, names) in self._compared.items():
                if self._session is None:
                    break
                line = KernelChannel(self._session.request, self._limits)
                if line.ask("recall", test=name, names=names) is not True:
                    continue
                judged = self._judge.judge(
                    test,
                    self._session.request,
                    seed_parts=SEED_PARTS,
                    until=min(self._end, self._clock() + COMPARISON),
                    clock=self._clock,
                    compared=True,
                    place=self._beside.place_for(test.text, self._started),
                )
                if judged.verdict.behaviour:
                    found[name] = judged.verdict.behaviour
        return found

    def _examine(
        self, cell: NotebookNode, test: Test, before: Sequence[NotebookNode]
    ) -> tuple[JudgedTest, KernelLost | None]:
        """Judge a test; return the result, and the error if its kernel was lost."""
        try:
            session = self._ready()
        except KernelLost as loss:
            return JudgedTest(Verdict(0.0, reason=f"✗ Exercise {test.exercise}: {loss}.")), None
        losses: list[KernelLost] = []

        def exchange(content: bytes, seconds: float) -> bytes | memoryview:
            try:
                return session.request(content, seconds)
            except KernelLost as loss:
                losses.append(loss)
                raise

        judged = self._judge.judge(
            test,
            exchange,
            cells=before,
            seed_parts=self._seed_parts,
            until=self._end,
            clock=self._clock,
            place=self._beside.place_for(test.text, self._started),
        )
        verdict = judged.verdict
        if not verdict.lost:
            try:
                # The answer may have started something that now ends the kernel.
                if session.probe().left:
                    self._past.append(_Step(cell, True, time.monotonic(), test))
            except KernelLost as loss:
                losses.append(loss)
                reason = f"✗ Exercise {test.exercise}: {loss}."
                verdict = Verdict(0.0, reason, fault=verdict.fault, lost=True)
                judged = JudgedTest(verdict, str(loss))
        if verdict.lost:
            self._lose()
        return judged, losses[0] if losses else None

    def _place(self) -> str:
        if not self._past:
            return ""
        return f" (the first was {_name_of_cell(self._past[-1].cell).lower()})"

    def begin_again(self) -> None:
        """Start the notebook again in a new kernel, with the time that is left.

        Remarks that are made again are not repeated, and tracebacks are left out.
        """
        self.end()
        self._is_brief = True
        self._said = [*self._remarks]
        self._remarks, self._past = [], []
        self._kernels = self._counted = 0
        self._outputs = OutputBudget(self._limits.output_bytes)

    def end(self) -> None:
        """End the kernel, and add up its usage."""
        if self._session is not None:
            self._session.close()
            self.used = usage_of_both(self.used, self._session.used or Usage())
            self._session = None

    def _lose(self) -> None:
        """Give up a kernel that cannot be used any more.

        Raises
        ------
        SandboxLost
            If its whole sandbox has ended.
        """
        is_lost = self._session is not None and self._session.has_lost_its_sandbox()
        self.end()
        if is_lost:
            raise SandboxLost

    def _ready(self) -> Session:
        """Return a kernel in which all cells so far have run."""
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
        """Return whether an earlier step may have caused the loss, rather than the one that ran."""
        if isinstance(loss, KernelHung):  # mostly an endless loop in the step that ran
            return any(step.left for step in self._past)
        return isinstance(loss, KernelDied)

    def _found_cause(self) -> bool:
        """Replay the past steps to find which one ended the kernel; leave it out if one did."""
        try:
            step, loss = self._replay(died=time.monotonic())
        except KernelLost:  # the notebook may have no more kernels, or no more time
            return False
        if step is None:
            return False
        self._past.remove(step)
        # The same words as for a cell that ends the kernel at once: the delay may be random.
        if step.test is not None:
            self._remarks.append(
                f"{_exercise_of(step.cell)} ended the kernel after its test: {loss}."
            )
        else:
            self._leave_out(step.cell, f"did not end and was left out: {loss}")
        return True

    def _replay(self, died: float | None = None) -> tuple[_Step | None, KernelLost | None]:
        """Start a kernel, and run all past steps in it.

        Parameters
        ----------
        died : float, optional
            When the last kernel ended, if the cause is not known. The new one is then watched
            after each step for longer than the last one took to end.

        Returns
        -------
        step, loss
            The step in which this kernel was lost, and the error; None if it was not.
        """
        self._seconds_left()
        if self._kernels > self._limits.new_kernels:
            raise KernelLost(f"the notebook lost its kernel {self._kernels} times")
        self._kernels += 1
        self._started += 1
        session = _start_session(self._limits, self._beside, self._plug, self._ahead)
        if self._newest is not None:
            self._waited += self._newest.waiting_seconds
        self._newest = session
        for step in self._past:
            patience = 0.0 if died is None else 1 + PATIENCE_PER_SECOND * (died - step.ended)
            try:
                if step.test is None:
                    # Its outputs were kept when it ran for the first time.
                    ran = session.run(
                        deepcopy(step.cell),
                        seconds=self._seconds_left(),
                        times=TIMES_LONGER,
                        budget=OutputBudget(0),
                        is_brief=True,
                    )
                    if ran.stopped:  # some of its definitions are missing
                        raise KernelHung(ran.stopped)
                elif died is not None:
                    self._judge.judge(
                        step.test,
                        session.request,
                        seed_parts=self._seed_parts,
                        until=self._end,
                        clock=self._clock,
                        place=self._beside.place_for(step.test.text, self._started),
                    )
                if died is not None:
                    session.rest(min(patience, self._seconds_left()) if step.left else 0)
            except KernelLost as loss:
                self._session = session
                self._lose()
                self._seconds_left()  # if the time is over, the step is not to blame
                return step, loss
            step.ended = time.monotonic()
        self._session = session
        return None, None

    def _leave_out(self, cell: NotebookNode, what: str) -> None:
        """Note for the grader, and in the cell, why a cell does not run again."""
        self._remarks.append(f"{_name_of_cell(cell)} {what}.")
        cell.outputs.append(error(STOPPED, f"This cell {what}."))

    def _ignore_end(self, cell: NotebookNode) -> None:
        """Note for the grader, and in the cell, that it asked the kernel to end, which did not."""
        what = "asked the kernel to end, which was left out; all else in it counts"
        self._remarks.append(f"{_name_of_cell(cell)} {what}.")
        cell.outputs.append(display(f"This cell {what}."))


def _name_of_cell(cell: NotebookNode) -> str:
    """Return a name for a cell that can begin a sentence."""
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    if not grade_id:
        return f"Cell {cell.execution_count}"
    which = "test" if is_test(cell) else "cell"
    return f"The {which} of {exercise_number(grade_id)}"


def _exercise_of(cell: NotebookNode) -> str:
    return exercise_number(cell.metadata.nbgrader.grade_id)


def _is_all_as_released(cell: NotebookNode, before: Sequence[NotebookNode]) -> bool:
    """Return whether all answers that a test is about are as released."""
    ids = answers_tested([*before, cell])[cell.metadata.nbgrader.grade_id]
    tested = [c for c in before if c.metadata.get("nbgrader", {}).get("grade_id") in ids]
    unchanged = [c.metadata.nbgrader.get("checksum") == checksum(c) for c in tested]
    return bool(unchanged) and all(unchanged)


def _test(cell: NotebookNode, plan: TestPlan, definitions: str) -> Test:
    return Test(
        _exercise_of(cell),
        cell.source,
        float(cell.metadata.nbgrader.points),
        before=definitions,
        allowed=plan.allowed,
        shares_generators=plan.shares_generators,
        learns=plan.learns,
        learns_names=plan.learns_names,
    )


def _start_session(
    limits: Limits, beside: FilesBeside, plug: Plug, ahead: Sequence[str]
) -> Session:
    try:
        session = Session(limits, beside.files, plug, own=beside.own, ahead=ahead)
    except KernelStartError:  # perhaps the machine was busy
        session = Session(limits, beside.files, plug, own=beside.own, ahead=ahead)
    try:
        # With the same seed, the notebook draws the same random numbers whenever it is graded.
        KernelChannel(session.request, limits).ask("start", seed=seeds.number(""))
    except KernelLost as loss:
        is_lost = session.has_lost_its_sandbox()
        session.close()
        if is_lost:
            raise SandboxLost from loss
        raise KernelStartError(f"A kernel for grading did not answer: {loss}.") from loss
    return session


def display(text: str) -> NotebookNode:
    """Return an output that shows a text."""
    return new_output("display_data", data={"text/plain": text}, metadata={})


def error(name: str, said: str) -> NotebookNode:
    """Return an error output."""
    return new_output("error", ename=name, evalue=said, traceback=[said])
