"""The kernels of one notebook: what has run in them, and what becomes of it when one is lost."""

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

#: How many times as long as it took a kernel to end its successor is watched for the same.
PATIENCE_PER_SECOND = 1.5
#: How many times as long as any cell one may run that has run before: the machine may be busier.
TIMES_LONGER = 4.0
#: Seconds for which an answer is asked how it behaves; one that takes longer is not told of.
COMPARISON = 5.0


class SandboxLost(KernelStartError):
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
    test : Test, optional
        What was judged, if it was a test.
    """

    cell: NotebookNode
    left: bool
    ended: float
    test: Test | None = None


class NotebookRun:
    """The kernels of one notebook, one after the other, and what has run in them.

    A kernel may end, or hang, long after the cell that makes it: by a timer, a thread or another
    process. So what ran in it runs again in a new one, and after each part that left something
    running there the kernel is watched for longer than it took to end. Only what ends it then, too,
    is left out; if nothing does, it was what ran when it ended.
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
        # What lies beside the notebook comes before what is installed.
        names = {name.partition("/")[0].partition(".")[0] for name in beside.files}
        self._ahead = [name for name in ahead if name.partition(".")[0] not in names]
        self._plug = plug
        self._limits = limits
        self._session: Session | None = None
        self._kernels = 0
        self._started = 0
        self._counted = 0
        #: The kernel that was started last, and how long those before it waited for a processor.
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
        #: Tests that took marks from an answer, by grade id, with the names that they use.
        self._compared: dict[str, tuple[Test, list[str]]] = {}
        #: What the kernels used that have ended.
        self.used = Usage()

    @property
    def remarks(self) -> list[str]:
        """What happened, in sentences for the grader."""
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
        """Run a cell of the student's, and again in every kernel to come.

        Parameters
        ----------
        cell : NotebookNode
        is_read : bool
            Whether anybody reads the lines of its traceback, if it has one.
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
        """Run a cell; return how it ended, and what its kernel was lost by."""
        try:
            session = self._ready()
            left = self._seconds_left()
            ran = session.run(cell, seconds=left, budget=outputs, is_brief=is_brief)
            return ran, None
        except KernelLost as loss:
            self._lose()
            return CellRun(), loss

    def _seconds_left(self) -> float:
        """Return how long the notebook may still run.

        Raises
        ------
        _TimeOver
            If its time is over.
        """
        if (left := self._end - self._clock()) <= 0:
            raise _TimeOver(self._end_told())
        return left

    def _clock(self) -> float:
        """Return the time that counts: it stands while a kernel waits for a processor."""
        waited = self._waited + (self._newest.waiting_seconds if self._newest else 0.0)
        return time.monotonic() - excused_seconds(waited, self._limits.notebook_seconds)

    def _end_told(self) -> str:
        return f"the notebook ran longer than {self._limits.notebook_seconds} s"

    def _why(self, reason: str) -> str:
        """Return why a cell was stopped: what ended it may have been the notebook's time."""
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
        """Judge a test with what the notebook has defined so far, unless it is at fault.

        Parameters
        ----------
        cell : NotebookNode
        before : sequence of NotebookNode
            The cells above it, as they are after their run.
        plan : TestPlan
        definitions : str
            What of the course's own text the test stands on.
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
        """Remember what a test was about, which is asked again in the end."""
        with suppress(CourseError, AnswerError):  # it is no test of the answer that it can be kept
            if self._session is not None:
                names = list(free_names(test.text))
                line = KernelChannel(self._session.request, self._limits)
                line.ask("keep", test=name, names=names)
                self._compared[name] = test, names

    def behaviours(self) -> dict[str, str]:
        """Return how the answers behave that lost marks, by the test's grade id: see `behaviour`.

        It comes when all marks of this kernel are given: so whatever happens costs none.
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
        """Judge a test; return what its kernel was lost by, too."""
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
                # What the answer has started may end the kernel yet.
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
        """Go back to before the first cell, in a new kernel, with the time that is left.

        What is told again is not said twice, and nobody reads what cells show again.
        """
        self.end()
        self._is_brief = True
        self._said = [*self._remarks]
        self._remarks, self._past = [], []
        self._kernels = self._counted = 0
        self._outputs = OutputBudget(self._limits.output_bytes)

    def end(self) -> None:
        """End the kernel that still runs."""
        if self._session is not None:
            self._session.close()
            self.used = usage_of_both(self.used, self._session.used or Usage())
            self._session = None

    def _lose(self) -> None:
        """Let go of a kernel that cannot be used any more.

        Raises
        ------
        SandboxLost
            If that is the machine's doing.
        """
        is_lost = self._session is not None and self._session.has_lost_its_sandbox()
        self.end()
        if is_lost:
            raise SandboxLost

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
        if step.test is not None:
            self._remarks.append(
                f"{_exercise_of(step.cell)} ended the kernel after its test: {loss}."
            )
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
        self._started += 1
        session = _start_session(self._limits, self._beside, self._plug, self._ahead)
        if self._newest is not None:
            self._waited += self._newest.waiting_seconds
        self._newest = session
        for step in self._past:
            patience = 0.0 if died is None else 1 + PATIENCE_PER_SECOND * (died - step.ended)
            try:
                if step.test is None:
                    # What it shows is known.
                    ran = session.run(
                        deepcopy(step.cell),
                        seconds=self._seconds_left(),
                        times=TIMES_LONGER,
                        budget=OutputBudget(0),
                        is_brief=True,
                    )
                    if ran.stopped:  # half of what it defines is not there
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
                self._seconds_left()  # if there are none, it was not this one
                return step, loss
            step.ended = time.monotonic()
        self._session = session
        return None, None

    def _leave_out(self, cell: NotebookNode, what: str) -> None:
        """Say, to the grader and in the cell, what became of a cell that is not run again."""
        self._remarks.append(f"{_name_of_cell(cell)} {what}.")
        cell.outputs.append(error(STOPPED, f"This cell {what}."))

    def _ignore_end(self, cell: NotebookNode) -> None:
        """Say that a cell asked the kernel to end, which this one did not do."""
        what = "asked the kernel to end, which was left out; all else in it counts"
        self._remarks.append(f"{_name_of_cell(cell)} {what}.")
        cell.outputs.append(display(f"This cell {what}."))


def _name_of_cell(cell: NotebookNode) -> str:
    """Return what to call a cell at the beginning of a sentence."""
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    if not grade_id:
        return f"Cell {cell.execution_count}"
    which = "test" if is_test(cell) else "cell"
    return f"The {which} of {exercise_number(grade_id)}"


def _exercise_of(cell: NotebookNode) -> str:
    return exercise_number(cell.metadata.nbgrader.grade_id)


def _is_all_as_released(cell: NotebookNode, before: Sequence[NotebookNode]) -> bool:
    """Say whether all that a test is about is as it was released."""
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
        # What a notebook draws at random is the same whenever it is graded.
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
    """Return the output of an error."""
    return new_output("error", ename=name, evalue=said, traceback=[said])
