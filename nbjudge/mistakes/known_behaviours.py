"""Grade each known answer of a course once, to recognise the mistakes that behave like it.

Known mistakes that were learned from a class contain students' code, so none is trusted: each is
put into a solved notebook, which is graded like any submission. The results are cached in a hidden
folder of the course.
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

#: The student's id that seeds the random inputs of known answers.
KNOWN_STUDENT = "a known answer"
#: The sentence for an answer that fails because of a mistake in another.
FOLLOWS = "This follows from your answer to {}: {}"


@dataclass(frozen=True)
class TestResult:
    """The result of a test for a known answer.

    Parameters
    ----------
    test : str
        The grade_id of the test.
    mark, points : float
    behaviour : str
        As in a `Verdict`.
    reason : str
        Why marks were lost, or what is wrong with the test.
    is_faulty : bool
        Whether the test itself is at fault.
    follows : bool
        Whether the test examines another answer, which depends on this one.
    """

    test: str
    mark: float
    points: float
    behaviour: str = ""
    reason: str = ""
    is_faulty: bool = False
    follows: bool = False

    #: Tells pytest that this is no class of tests, despite its name.
    __test__ = False

    @property
    def lost(self) -> bool:
        """Whether marks were lost."""
        return not self.is_faulty and self.mark < self.points


@dataclass(frozen=True)
class Examined:
    """A known answer, and the results of the tests in its notebook."""

    notebook: str
    grade_id: str
    known: Known
    results: tuple[TestResult, ...]

    @property
    def own(self) -> tuple[TestResult, ...]:
        """The results of the tests that examine this answer itself."""
        return tuple(result for result in self.results if not result.follows)


class Examiner:
    """Grades known answers to an assignment as it grades a class's answers.

    Parameters
    ----------
    course : Course
    assignment : str
        A released assignment.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, or its solution cannot be judged.
    """

    def __init__(self, course: Course, assignment: str) -> None:
        self._course = course
        self._assignment = assignment
        #: The released version of each notebook.
        self.versions: Mapping[str, NotebookVersion] = versions(course, assignment)

    def catalogue(self) -> list[KnownFile]:
        """Return the assignment's files of known answers."""
        return read_catalogue(self._course, self._assignment, self.versions)

    def examine_all(
        self, files: Iterable[KnownFile], progress: Callable[[int, int], None] | None = None
    ) -> list[Examined]:
        """Return the results of all known answers in some files, in order, using the cache.

        Parameters
        ----------
        files : iterable of KnownFile
        progress : callable, optional
            Called before each answer with the number of answers done, and the number of all.
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
        """Grade an answer in a notebook whose other answers are right, and return all results.

        Parameters
        ----------
        notebook, grade_id : str
            The answer cell.
        source : str
            The text of the answer; it is not trusted.
        visible : bool
            Whether to run only the visible parts of the tests.

        Raises
        ------
        CourseError
            If the answer could not be judged.
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
        """The conditions for grading by the tests' visible parts."""
        seen = {
            name: replace(version, cells=tuple(_as_released(cell) for cell in version.cells))
            for name, version in self.versions.items()
        }
        # Permissions refer to lines of the whole test, whose numbers change without the hidden
        # ones. So the visible tests may do everything, as when the solution is judged.
        plans = {
            name: {test: replace(plan, learns=True) for test, plan in tests.items()}
            for name, tests in self._terms.plans.items()
        }
        return replace(self._terms, versions=seen, plans=plans)

    @property
    def answers(self) -> Texts:
        """The right answers, by notebook and grade_id."""
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
        # A separate folder, as an assignment's name may equal that of another file.
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
    """The known mistakes of an assignment, by their behaviour.

    Parameters
    ----------
    examined : iterable of Examined
        Of several mistakes with the same behaviour the first is used.
    """

    def __init__(self, examined: Iterable[Examined] = ()) -> None:
        self._known: dict[tuple[str, str, str], Known] = {}
        #: Failures of other exercises that follow from a known mistake, with the mistake's place.
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
        """Return the known mistake with this behaviour under a test; None if there is none."""
        return self._known.get((notebook, test, behaviour)) if behaviour else None

    def tell(self, notebook: str, record: Any) -> None:
        """Add known mistakes to those verdicts of a graded notebook that have none yet.

        Parameters
        ----------
        notebook : str
        record : object
            The judge's record in the notebook's metadata; anything malformed is left alone.
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
    """Return the known mistakes of `known/<assignment>/`, by their behaviour.

    If there is such a folder, each answer in it is graded once; the results are cached.

    Raises
    ------
    CourseError
        If a file there is malformed, or an answer cannot be judged.
    """
    if not (course.root / catalogue.KNOWN_FOLDER / assignment).is_dir():
        return NamedMistakes()
    examiner = Examiner(course, assignment)
    return NamedMistakes(examiner.examine_all(examiner.catalogue(), progress))
