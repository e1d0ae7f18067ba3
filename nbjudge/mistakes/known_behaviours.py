"""How the known answers of a course behave: each is run once, as an answer of the class runs.

A mistake that was learned from a class holds what a student wrote. So none of them is trusted: each
goes into its cell of a solved notebook, and that is graded like any other. What came of it is kept
in a hidden folder of the course, which is a cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nbjudge.course.cells import CourseCell, NotebookVersion, exercise_number
from nbjudge.course.course import Course
from nbjudge.course.folders import write_whole
from nbjudge.course.gradebook import versions
from nbjudge.course.hidden_regions import visible as visible_part
from nbjudge.exceptions import CourseError
from nbjudge.grading.conditions import GradingConditions, course_limits
from nbjudge.grading.jobs import Job, work
from nbjudge.grading.solution_proof import (
    PROOFS_FOLDER,
    Texts,
    answered_release,
    digest,
    files_beside,
    find_or_prove,
    solution_texts,
)
from nbjudge.intake.submission import SubmissionFiles
from nbjudge.judge.judge import Verdict
from nbjudge.judge.known_file import Known
from nbjudge.mistakes import catalogue
from nbjudge.mistakes.catalogue import KnownFile, read_catalogue, tested_answers

__all__ = ["Examined", "Examiner", "NamedMistakes", "TestResult", "named_mistakes"]

#: Whose the random inputs of a known answer are.
KNOWN_STUDENT = "a known answer"
#: What is said of an answer that is wrong because of another.
FOLLOWS = "This follows from your answer to {}: {}"


@dataclass(frozen=True)
class TestResult:
    """What a test said of a known answer.

    Parameters
    ----------
    test : str
        Its grade id.
    mark, points : float
    behaviour : str
        As in a `Verdict`.
    reason : str
        Why marks were lost, or what is wrong with the test.
    is_faulty : bool
    follows : bool
        Whether it is about another answer, which leans on this one.
    """

    test: str
    mark: float
    points: float
    behaviour: str = ""
    reason: str = ""
    is_faulty: bool = False
    follows: bool = False

    #: Not a class of tests, whatever its name says.
    __test__ = False

    @property
    def lost(self) -> bool:
        """Whether it took marks."""
        return not self.is_faulty and self.mark < self.points


@dataclass(frozen=True)
class Examined:
    """A known answer, and what the tests of its notebook said."""

    notebook: str
    grade_id: str
    known: Known
    results: tuple[TestResult, ...]

    @property
    def own(self) -> tuple[TestResult, ...]:
        """What the tests of its exercise said."""
        return tuple(result for result in self.results if not result.follows)


class Examiner:
    """Runs known answers to an assignment as a class's answers run.

    Parameters
    ----------
    course : Course
    assignment : str
        A released one.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, or its solution cannot be judged.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        self._course = course
        self._assignment = assignment
        #: The version that the class has.
        self.versions: Mapping[str, NotebookVersion] = versions(course, assignment)

    def catalogue(self) -> list[KnownFile]:
        """Return the assignment's files of known answers."""
        return read_catalogue(self._course, self._assignment, self.versions)

    def examine_all(
        self, files: Iterable[KnownFile], progress: Callable[[int, int], None] | None = None
    ) -> list[Examined]:
        """Return what became of all known answers in some files, in their order.

        Parameters
        ----------
        files : iterable of KnownFile
        progress : callable, optional
            Gets how many are done, and of how many, before each.
        """
        wanted = [(file, known) for file in files for known in file.answers]
        before = self._recall()
        now: dict[str, list[TestResult]] = {}
        found = []
        for done, (file, known) in enumerate(wanted):
            if progress:
                progress(done, len(wanted))
            key = self._key(file.notebook, file.grade_id, known.source)
            if key not in before:
                before[key] = self.examine(file.notebook, file.grade_id, known.source)
            now[key] = before[key]
            found.append(Examined(file.notebook, file.grade_id, known, tuple(now[key])))
        self._keep(now)
        return found

    def examine(
        self, notebook: str, grade_id: str, source: str, *, visible: bool = False
    ) -> list[TestResult]:
        """Return what the tests of a notebook say of an answer, beside right ones to all others.

        Parameters
        ----------
        notebook, grade_id : str
            Where the answer stands.
        source : str
            It is not trusted.
        visible : bool
            Whether by the visible parts of the tests alone.

        Raises
        ------
        CourseError
            If it could not be judged.
        """
        answers = {**self.answers[notebook], grade_id: source}
        content = answered_release(self._course, self._assignment, notebook, answers)
        terms = self._visible if visible else self._terms
        submitted = SubmissionFiles({notebook: content}, self._files, frozenset(self._files))
        job = Job(KNOWN_STUDENT, submitted, (KNOWN_STUDENT,), terms)
        outcome = work(job)
        for failure in outcome.failures.values():
            raise CourseError(f"A known answer to '{grade_id}' could not be judged. {failure}")
        points = {cell.grade_id: cell.points for cell in self.versions[notebook].cells}
        about = tested_answers(self.versions[notebook])
        return [
            _result(test, verdict, points[test], follows=grade_id not in about[test])
            for test, verdict in outcome.results[notebook].verdicts.items()
        ]

    @cached_property
    def _visible(self) -> GradingConditions:
        """The terms of tests as students have them."""
        seen = {
            name: replace(version, cells=tuple(_as_released(cell) for cell in version.cells))
            for name, version in self.versions.items()
        }
        # The lines of what is left are others than those of which is known what they may do.
        plans = {
            name: {test: replace(plan, learns=True) for test, plan in tests.items()}
            for name, tests in self._terms.plans.items()
        }
        return replace(self._terms, versions=seen, plans=plans)

    @property
    def answers(self) -> Texts:
        """The right answers, by notebook and grade id."""
        return self._proof[1]

    @cached_property
    def _proof(self) -> tuple[GradingConditions, Texts]:
        course = self._course
        terms = GradingConditions(self.versions, course_limits(course), False, course.plug)
        proof = find_or_prove(course, self._assignment, terms)
        limits = course_limits(course, needed=proof.needs)
        answers = proof.answers or solution_texts(course, self._assignment)
        return replace(terms, plans=proof.plans, limits=limits), answers

    @property
    def _terms(self) -> GradingConditions:
        return self._proof[0]

    @cached_property
    def _files(self) -> dict[str, bytes]:
        return files_beside(self._course, self._assignment)

    def _key(self, notebook: str, grade_id: str, source: str) -> str:
        others = sorted(self.answers[notebook].items())
        kept = [each.name for each in fields(TestResult)]
        told = [self._terms.grader, digest(self.versions), kept, others, notebook, grade_id, source]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def _place(self) -> Path:
        # In a folder of its own: an assignment may have any name.
        return (
            self._course.root / PROOFS_FOLDER / catalogue.KNOWN_FOLDER / f"{self._assignment}.json"
        )

    def _recall(self) -> dict[str, list[TestResult]]:
        try:
            kept = json.loads(self._place.read_bytes())
            return {key: [TestResult(**each) for each in found] for key, found in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _keep(self, found: Mapping[str, Sequence[TestResult]]) -> None:
        if not found and not self._place.exists():
            return
        self._place.parent.mkdir(parents=True, exist_ok=True)
        told = {key: [asdict(result) for result in results] for key, results in found.items()}
        write_whole(self._place, json.dumps(told, indent=1, sort_keys=True) + "\n")


def _as_released(cell: CourseCell) -> CourseCell:
    is_answer = cell.solution or cell.task
    return cell if is_answer else replace(cell, source=visible_part(cell.source))


def _result(test: str, verdict: Verdict, points: float, *, follows: bool) -> TestResult:
    return TestResult(
        test=test,
        mark=verdict.mark,
        points=points,
        behaviour=verdict.behaviour,
        reason=verdict.fault or verdict.reason,
        is_faulty=bool(verdict.fault),
        follows=follows,
    )


class NamedMistakes:
    """The known mistakes of an assignment, by how they behave.

    Parameters
    ----------
    examined : iterable of Examined
        The first of those that behave alike is the one that is named.
    """

    def __init__(self, examined: Iterable[Examined] = ()) -> None:
        self._known: dict[tuple[str, str, str], Known] = {}
        #: What else goes wrong with a known mistake, and where the mistake itself is.
        self._following: dict[tuple[str, str, str], list[tuple[str, Known]]] = {}
        for each in examined:
            for result in each.results:
                if each.known.kind != "mistake" or not (result.lost and result.behaviour):
                    continue
                key = (each.notebook, result.test, result.behaviour)
                if result.follows:
                    self._following.setdefault(key, []).append((each.grade_id, each.known))
                else:
                    self._known.setdefault(key, each.known)

    def find(self, notebook: str, test: str, behaviour: str) -> Known | None:
        """Return the known mistake that behaves so under a test; None if there is none."""
        return self._known.get((notebook, test, behaviour)) if behaviour else None

    def tell(self, notebook: str, record: Any) -> None:
        """Put what is known now into the record of a graded notebook, where it tells no mistake.

        Parameters
        ----------
        notebook : str
        record : object
            What the notebook's metadata have of the judge; anything else is left alone.
        """
        with suppress(LookupError, TypeError, AttributeError):
            verdicts = record["verdicts"]
            made = set()
            for test, verdict in verdicts.items():
                known = self.find(notebook, test, str(verdict.get("behaviour", "")))
                if known is not None and not verdict.get("mistake"):
                    verdict["mistake"], verdict["sentence"] = known.name, known.sentence
                    made.add(known)
            for test, verdict in verdicts.items():
                key = (notebook, test, str(verdict.get("behaviour", "")))
                for grade_id, known in self._following.get(key, ()):
                    if known in made and not verdict.get("mistake"):
                        where = exercise_number(grade_id)
                        verdict["mistake"] = f"{known.name} ({where})"
                        verdict["sentence"] = FOLLOWS.format(where, known.sentence)


def named_mistakes(
    course: Course, assignment: str, progress: Callable[[int, int], None] | None = None
) -> NamedMistakes:
    """Return the known mistakes of `known/<assignment>/`, by how they behave.

    Without such a folder nothing is looked at. With one, each answer in it is run once.

    Raises
    ------
    CourseError
        If a file there is not as it should be, or cannot be run.
    """
    if not (course.root / catalogue.KNOWN_FOLDER / assignment).is_dir():
        return NamedMistakes()
    examiner = Examiner(course, assignment)
    return NamedMistakes(examiner.examine_all(examiner.catalogue(), progress))
