"""Check that marks are fair: known mistakes lose marks, right answers in other styles do not.

Each known answer is judged by the whole test cell of its exercise, like a student's answer, and by
its visible part alone, which students can run themselves.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nbjudge import seeds
from nbjudge.course.cells import exercise_number
from nbjudge.course.course import Course
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.grading.workers.pool import processors
from nbjudge.judge.judge import Diagnose, Test, Verdict, judge
from nbjudge.judge.knowledge import KnownAnswer, knowledge
from nbjudge.kernel.service import Service
from nbjudge.mistakes.catalogue import KNOWN_FOLDER, read_catalogue
from nbjudge.mistakes.known_behaviours import Examined, Examiner, NamedMistakes, TestResult
from nbjudge.release import source
from nbjudge.release.release import generate, scratch
from nbjudge.remote import AnswerError
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.names import free_names

__all__ = [
    "ExerciseFairness",
    "Fairness",
    "MistakeFound",
    "StyleFound",
    "TestCell",
    "cells_of",
    "fairness_tables",
    "measure",
    "processes",
]

#: The least part of an exercise's known mistakes that feedback must recognise.
LEAST_NAMED = 0.9
#: The seed of the known answers' random inputs.
STUDENT = ("a secret", "an assignment", "a student", "a hand-in")


@dataclass(frozen=True)
class TestCell:
    """The test cell of an exercise in its source notebook.

    Parameters
    ----------
    assignment, notebook : str
    grade_id : str
        The grade_id of the answer cell: "ex_1_2_1".
    source : str
    visible : str
        The source without its hidden regions.
    points : float
    """

    assignment: str
    notebook: str
    grade_id: str
    source: str
    visible: str
    points: float

    #: Tells pytest that this is no class of tests, despite its name.
    __test__ = False

    @property
    def exercise(self) -> str:
        """The number that students see."""
        return exercise_number(self.grade_id)

    def is_about(self, symbols: Collection[str]) -> bool:
        """Return whether it uses all symbols that known answers to the exercise define.

        If not, the known answers belong to another exercise with the same number.
        """
        try:
            return bool(symbols) and set(symbols) <= set(free_names(self.source))
        except SyntaxError:  # reported when the solution is marked
            return False


@dataclass(frozen=True)
class MistakeFound:
    """The result of judging a known mistake.

    Parameters
    ----------
    name : str
    mark, points : float
        The points that it got, and the points of the test.
    named : str
        The mistake that the feedback would name; empty if none.
    seen : bool
        Whether the visible checks alone reveal it.
    fault : str
        What is wrong with the test itself; empty if nothing is.
    """

    name: str
    mark: float
    points: float
    named: str
    seen: bool
    fault: str = ""

    @property
    def loses(self) -> bool:
        """Whether it loses marks."""
        return self.mark < self.points and not self.fault

    @property
    def is_named(self) -> bool:
        """Whether the feedback would name this mistake, and no other."""
        return self.named == self.name

    @property
    def problem(self) -> str:
        """What is wrong; empty if nothing is."""
        if self.fault:
            return self.fault
        if not self.loses:
            return "keeps all its marks"
        if not self.is_named:
            return f"is told the sentence of “{self.named}”" if self.named else "is not named"
        return ""


@dataclass(frozen=True)
class StyleFound:
    """The result of judging a right answer.

    Parameters
    ----------
    name : str
    mark, points : float
    reason : str
        Why it lost marks, or what is wrong with the test itself.
    """

    name: str
    mark: float
    points: float
    reason: str = ""

    @property
    def keeps(self) -> bool:
        """Whether it keeps all marks."""
        return self.mark == self.points


@dataclass(frozen=True)
class ExerciseFairness:
    """The results of all known answers to an exercise."""

    exercise: str
    mistakes: tuple[MistakeFound, ...]
    styles: tuple[StyleFound, ...]

    @property
    def losing(self) -> int:
        """The number of mistakes that lose marks."""
        return sum(mistake.loses for mistake in self.mistakes)

    @property
    def named(self) -> int:
        """The number of mistakes that the feedback names correctly."""
        return sum(mistake.is_named for mistake in self.mistakes)

    @property
    def seen(self) -> int:
        """The number of mistakes that the visible checks reveal."""
        return sum(mistake.seen for mistake in self.mistakes)

    @property
    def keeping(self) -> int:
        """The number of right answers that keep all marks."""
        return sum(style.keeps for style in self.styles)

    @property
    def enough_named(self) -> bool:
        """Whether the feedback names at least nine in ten mistakes."""
        return self.named >= LEAST_NAMED * len(self.mistakes)

    @property
    def ok(self) -> bool:
        """Whether all mistakes lose marks, all right answers keep them, and enough are named."""
        every = self.losing == len(self.mistakes) and self.keeping == len(self.styles)
        return every and self.enough_named


@dataclass(frozen=True)
class Fairness:
    """The results of the known answers to one or more assignments.

    Parameters
    ----------
    rows : tuple of ExerciseFairness
    unknown : tuple of str
        The numbers of exercises without known answers, about which nothing can be said.
    """

    rows: tuple[ExerciseFairness, ...]
    unknown: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all exercises with known answers are fair."""
        return all(row.ok for row in self.rows)


def measure(
    course: Course,
    assignments: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Fairness:
    """Judge all known answers to the exercises of some assignments.

    Parameters
    ----------
    course : Course
    assignments : sequence of str, optional
        By default, all of the course.
    progress : callable
        Called after each answer with the number of answers done, and the number of all.

    Raises
    ------
    CourseError
        If there is no such assignment, or an answer ended the process that tested it.
    """
    chosen = [course.require(name) for name in assignments or course.assignments]
    cells = [cell for name in chosen for cell in cells_of(course, name)]
    plug, answers = course.plug, knowledge(course.plug)
    known = [cell for cell in cells if cell.is_about(answers.symbols(cell.grade_id))]
    files = tuple(row for name in chosen for row in _of_files(course, name))
    in_files = {row.exercise for row in files}
    others = (cell.exercise for cell in cells if cell not in known)
    unknown = tuple(exercise for exercise in others if exercise not in in_files)
    if not known:
        return Fairness(files, unknown)
    with processes() as pool:
        wrong_ones = [
            [pool.submit(_mistake, c, m, plug) for m in answers.mistakes(c.grade_id)] for c in known
        ]
        right_ones = [
            [pool.submit(_style, c, s, plug) for s in answers.styles(c.grade_id)] for c in known
        ]
        tests: list[Future[Any]] = [test for row in wrong_ones for test in row]
        tests += [test for row in right_ones for test in row]
        for done, test in enumerate(tests, start=1):
            _wait_for(test)
            progress(done, len(tests))
    rows = (
        ExerciseFairness(
            cell.exercise,
            tuple(test.result() for test in wrong_row),
            tuple(test.result() for test in right_row),
        )
        for cell, wrong_row, right_row in zip(known, wrong_ones, right_ones, strict=True)
    )
    return Fairness((*rows, *files), unknown)


def _of_files(course: Course, assignment: str) -> Iterator[ExerciseFairness]:
    """Yield the results of the answers in `known/<assignment>/`, graded like a class's."""
    if not (course.root / KNOWN_FOLDER / assignment).is_dir():
        return
    with scratch(course, assignment) as copy:
        generate(copy, assignment)
        examiner = Examiner(copy, assignment)
        for file in read_catalogue(course, assignment, examiner.versions):
            examined = examiner.examine_all([file])
            named = NamedMistakes(examined)
            mistakes, styles = [], []
            for each in examined:
                if each.known.kind == "mistake":
                    seen = examiner.examine(
                        each.notebook, each.grade_id, each.known.source, visible=True
                    )
                    mistakes.append(_mistake_of_file(each, named, seen))
                elif (style := _style_of_file(each)).name != "solution" or not style.keeps:
                    styles.append(style)
            yield ExerciseFairness(exercise_number(file.grade_id), tuple(mistakes), tuple(styles))


def _mistake_of_file(
    each: Examined, named: NamedMistakes, seen: Sequence[TestResult]
) -> MistakeFound:
    found = (named.find(each.notebook, one.test, one.behaviour) for one in each.own if one.lost)
    first = next(filter(None, found), None)
    return MistakeFound(
        name=each.known.name,
        mark=sum(one.mark for one in each.own),
        points=sum(one.points for one in each.own),
        named=first.name if first is not None else "",
        seen=any(one.lost for one in seen if not one.follows),
        fault=next((one.reason for one in each.own if one.is_faulty), ""),
    )


def _style_of_file(each: Examined) -> StyleFound:
    reasons = (" ".join(one.reason.split()) for one in each.own if one.reason)
    return StyleFound(
        name=each.known.name,
        mark=sum(one.mark for one in each.own),
        points=sum(one.points for one in each.own),
        reason=next(reasons, ""),
    )


def _wait_for(test: Future[Any]) -> None:
    try:
        test.result()
    except BrokenProcessPool as error:
        message = (
            "A known answer ended the process that tested it, and so the check. "
            "Run it again; if that happens again, take out the answer that was written last."
        )
        raise CourseError(message) from error


def cells_of(course: Course, assignment: str) -> Iterator[TestCell]:
    """Yield the test cells of an assignment's source notebooks, in order."""
    for path in sorted(course.root.glob(f"source/{assignment}/*.ipynb")):
        for name, cell in source.by_grade_id(source.read_source(path)).items():
            if not (name.startswith("test_") and cell.metadata["nbgrader"].get("grade")):
                continue
            kept = [line.text for line in source.lines(cell) if line.region is source.Region.OPEN]
            yield TestCell(
                assignment=assignment,
                notebook=path.stem,
                grade_id=name.removeprefix("test_"),
                source=cell.source,
                visible="\n".join(kept),
                points=float(cell.metadata["nbgrader"]["points"]),
            )


@contextmanager
def processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of new processes for known answers, one for each processor.

    They are spawned, so they share nothing with this process. After the block, jobs that have not
    begun are cancelled.
    """
    pool = ProcessPoolExecutor(processors(), get_context("spawn"), initializer=_prepare_process)
    with _one_thread():
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare_process() -> None:
    """Prepare a process: it ignores Ctrl-C, which the parent handles, and uses one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Make processes that start in the block use one thread each, as many run at once."""
    name = "OMP_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _mistake(cell: TestCell, known: KnownAnswer, plug: Plug) -> MistakeFound:
    whole = _judge_known(cell, cell.source, known, plug, knowledge(plug).named_mistake)
    visible = _judge_known(cell, cell.visible, known, plug)
    return MistakeFound(
        name=known.name,
        mark=whole.mark,
        points=cell.points,
        named=whole.mistake,
        seen=visible.mark < cell.points,
        fault=whole.fault or visible.fault,
    )


def _style(cell: TestCell, known: KnownAnswer, plug: Plug) -> StyleFound:
    verdict = _judge_known(cell, cell.source, known, plug)
    reason = " ".join((verdict.fault or verdict.reason).split())
    return StyleFound(known.name, verdict.mark, cell.points, reason)


def _judge_known(
    cell: TestCell, test: str, known: KnownAnswer, plug: Plug, diagnose: Diagnose | None = None
) -> Verdict:
    """Judge an answer in this process, through the same requests as in a kernel."""
    course = knowledge(plug)
    symbols = course.symbols(cell.grade_id)
    with seeds.seed_within(*STUDENT), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a division by zero may be the mistake itself
        try:
            # New objects each time, since a mistake may keep state between calls.
            found = dict(zip(symbols, course.answers_of(known, cell.grade_id), strict=True))
            service = Service(found, probes=plug.probes)
            line = KernelChannel(lambda request, _: service.answer(request), Limits())
            return judge(Test(cell.exercise, test, cell.points), line, diagnose)
        except CourseError:
            raise
        except (Exception, AnswerError) as error:
            return Verdict(0.0, fault=f"a known answer fails: {type(error).__name__}: {error}")


def fairness_tables(fairness: Fairness, *, details: bool = False) -> Iterator[RenderableType]:
    """Yield the tables and lines that a terminal shows.

    Parameters
    ----------
    fairness : Fairness
    details : bool
        Whether to name the mistakes that only hidden tests find.
    """
    if fairness.rows:
        yield _counts_table(fairness)
    if (wrong := _unfair_table(fairness)).rows:
        yield wrong
    for row in fairness.rows:
        if not row.enough_named:
            told = f"{row.named} of {len(row.mistakes)} mistakes are named by their own sentences"
            yield Text(f"{row.exercise}: {told}; nine in ten must be.", "red")
    if details and (unseen := _unseen_table(fairness)).rows:
        yield unseen
    if fairness.unknown:
        numbers = ", ".join(fairness.unknown)
        yield Text(f"Nothing can be said of {numbers}: no answers to them are known.")


def _counts_table(fairness: Fairness) -> Table:
    table = Table(title="Known mistakes, and right answers in other styles")
    table.add_column("Exercise")
    headings = ("Mistakes", "lose\nmarks", "named", "seen by\nvisible\nchecks")
    for heading in (*headings, "Styles", "keep\nmarks"):
        table.add_column(heading, justify="right", vertical="bottom")
    table.add_column("")
    for row in fairness.rows:
        state = "[green]ok[/green]" if row.ok else "[bold red]wrong[/bold red]"
        table.add_row(row.exercise, *map(str, _counts_of_exercise(row)), state)
    totals = [sum(column) for column in zip(*map(_counts_of_exercise, fairness.rows), strict=True)]
    table.add_section()
    table.add_row("all", *map(str, totals), "")
    return table


def _counts_of_exercise(row: ExerciseFairness) -> tuple[int, ...]:
    of_mistakes = (len(row.mistakes), row.losing, row.named, row.seen)
    return (*of_mistakes, len(row.styles), row.keeping)


def _unfair_table(fairness: Fairness) -> Table:
    """Return a table of the known answers with a wrong result."""
    table = _list("Known answer", "What happened")
    for row in fairness.rows:
        for mistake in row.mistakes:
            if mistake.problem:
                # A few may stay without a sentence of their own.
                bad = not (mistake.loses and row.enough_named)
                colour = "red" if bad else "yellow"
                table.add_row(row.exercise, Text(mistake.name, colour), Text(mistake.problem))
        for style in row.styles:
            if not style.keeps:
                told = f"{style.mark:g} of {style.points:g} points: {style.reason}"
                table.add_row(row.exercise, Text(style.name, "red"), Text(told))
    return table


def _unseen_table(fairness: Fairness) -> Table:
    table = _list("Only hidden tests find")
    for row in fairness.rows:
        if names := [mistake.name for mistake in row.mistakes if not mistake.seen]:
            table.add_row(row.exercise, Text("\n".join(names)))
    return table


def _list(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Exercise")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
