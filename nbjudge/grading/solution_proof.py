"""Prove the tests of an assignment with the course's own solution, and cache the result.

Each test is judged outside, and run as nbgrader itself runs it: on the solution, and on the
untouched release. If both ways give the same marks, the test is judged outside for everybody. If
not, it runs in the student's process, provided that this gives nbgrader's marks; else a person
marks its exercise. The proof is stored in a hidden folder of the course. If it is missing or
damaged, all is tried again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution

from nbjudge.course.cells import NotebookVersion, exercise_number
from nbjudge.course.course import Course
from nbjudge.course.folders import write_whole
from nbjudge.course.gradebook import versions
from nbjudge.course.hidden_regions import AUTOTEST, grade_id, in_usual_words, solution
from nbjudge.exceptions import CourseError
from nbjudge.grading.conditions import GradingConditions, course_limits, grader_version
from nbjudge.grading.jobs import Job, JobOutcome, work
from nbjudge.intake.data_files import course_files
from nbjudge.intake.submission import SubmissionFiles, name_list
from nbjudge.judge.plans import Plans, TestPlan
from nbjudge.sandbox.fitted_limits import needs
from nbjudge.trial.installed import installed_packages

if TYPE_CHECKING:  # the coordinator grades nothing
    from nbjudge.trial.decide import Tried

__all__ = [
    "Outcomes",
    "Proof",
    "answered_release",
    "digest",
    "files_beside",
    "find",
    "find_or_prove",
    "hold_nothing",
    "keep",
    "prove",
    "solution_texts",
    "take_as_proved",
]

PROOFS_FOLDER = ".course_proofs"
#: Does jobs and yields their outcomes, with a pool of workers or in this process.
Outcomes = Callable[[Iterable[Job]], Iterator[JobOutcome]]

#: Texts by notebook and grade_id.
Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Proof:
    """The result of trying an assignment's tests on the course's own solution.

    Parameters
    ----------
    version : str
        The hash of the notebooks with the tests: see `digest`.
    grader : str
        The version of the judging code: see `conditions.grader_version`.
    answers : mapping
        The solution, by notebook and the answer's grade_id.
    passed : mapping of str to tuple of str
        The grade_ids of the tests in which the solution gets all points, by notebook.
    plans : mapping
        How to run each test, by notebook and the test's grade_id.
    gifts : mapping
        For tests that give marks to the untouched release: a phrase that says so, by notebook and
        the test's grade_id.
    advice : mapping
        What an instructor should know about a test that is used nevertheless, likewise.
    needs : mapping of str to float
        The most that the solution used of each resource, from which limits are derived. Empty if
        nothing was measured.
    beside : str
        A hash of the course's files beside the notebooks; empty without any.
    installed : mapping of str to str
        The versions of the packages that the notebooks import: see `installed_packages`.
    """

    version: str
    grader: str
    answers: Texts = field(default_factory=dict)
    passed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plans: Mapping[str, Plans] = field(default_factory=dict)
    gifts: Texts = field(default_factory=dict)
    advice: Texts = field(default_factory=dict)
    needs: Mapping[str, float] = field(default_factory=dict)
    beside: str = ""
    installed: Mapping[str, str] = field(default_factory=dict)

    @property
    def faults(self) -> dict[str, dict[str, str]]:
        """Why a test is held for a person, by notebook and the test's grade_id."""
        return self._told_of("fault")

    @property
    def inside(self) -> dict[str, dict[str, str]]:
        """Why a test runs in the student's process, by notebook and the test's grade_id."""
        return self._told_of("inside")

    @property
    def told_of_inside(self) -> str:
        """A sentence that names the tests that run in the student's process; empty if none does."""
        tests = [exercise_number(test) for tests in self.inside.values() for test in tests]
        if not tests:
            return ""
        is_one = len(tests) == 1
        runs, it = ("The test of {} runs", "it") if is_one else ("The tests of {} run", "them")
        where = "in the notebook's own process, where an answer could tamper with"
        return f"{runs.format(name_list(tests))} {where} {it}."

    def _told_of(self, what: str) -> dict[str, dict[str, str]]:
        found = {
            name: {test: told for test, plan in plans.items() if (told := getattr(plan, what))}
            for name, plans in self.plans.items()
        }
        return {name: tests for name, tests in found.items() if tests}

    @property
    def ok(self) -> bool:
        """Whether the solution passes every test, and the untouched release none."""
        return not self.faults and not any(self.gifts.values())


def digest(versions: Mapping[str, NotebookVersion]) -> str:
    """Return a hash of the versions of an assignment's notebooks."""
    content = {name: version.digest for name, version in versions.items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def find(course: Course, assignment: str, version: str) -> Proof | None:
    """Return the stored proof of a version, whatever code made it; None if there is none.

    Parameters
    ----------
    course : Course
    assignment : str
    version : str
        What `digest` returned.
    """
    try:
        record = json.loads(_proof_file(course, assignment).read_bytes())
        proof = Proof(
            version=_checked_text(record["version"]),
            grader=_checked_text(record["grader"]),
            answers=_checked_texts(record["answers"]),
            passed={
                _checked_text(name): tuple(map(_checked_text, tests))
                for name, tests in record["passed"].items()
            },
            plans={
                _checked_text(name): {
                    _checked_text(test): _read_plan(plan) for test, plan in plans.items()
                }
                for name, plans in record["plans"].items()
            },
            gifts=_checked_texts(record["gifts"]),
            advice=_checked_texts(record["advice"]),
            needs={_checked_text(name): float(amount) for name, amount in record["needs"].items()},
            beside=_checked_text(record["beside"]),
            # Older proofs lack this field; their answers are still valid.
            installed=_checked_texts({"": record.get("installed", {})})[""],
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return proof if proof.version == version else None


def keep(course: Course, assignment: str, proof: Proof) -> None:
    """Store the proof of an assignment, replacing any other."""
    place = _proof_file(course, assignment)
    place.parent.mkdir(exist_ok=True)
    write_whole(place, json.dumps(asdict(proof), indent=1, sort_keys=True) + "\n")


def take_as_proved(course: Course, assignment: str) -> None:
    """Store a proof of a released version without trying it, in which no test is held."""
    own = versions(course, assignment)
    grader = grader_version(course.plug.packages)
    keep(course, assignment, Proof(digest(own), grader, installed=_versions_installed(own, course)))


def hold_nothing(course: Course, assignment: str) -> None:
    """Try a released version, and store the proof with all faults removed, so no test is held."""
    terms = GradingConditions(
        versions(course, assignment), course_limits(course), False, course.plug
    )
    proof = find_or_prove(course, assignment, terms)
    plans = {
        name: {test: replace(plan, fault="") for test, plan in tests.items()}
        for name, tests in proof.plans.items()
    }
    keep(course, assignment, replace(proof, plans=plans))


def find_or_prove(
    course: Course, assignment: str, terms: GradingConditions, outcomes: Outcomes | None = None
) -> Proof:
    """Return the stored proof of a version if it is still valid; else make one and store it.

    Parameters and exceptions are those of `prove`.
    """
    kept = find(course, assignment, digest(terms.versions))
    if (
        kept is not None
        and kept.grader == terms.grader
        and kept.beside == _digest_of_files(files_beside(course, assignment))
        and kept.installed == _versions_installed(terms.versions, course)
    ):
        return kept
    proof, is_sure = _prove_or_find(course, assignment, terms, outcomes)
    if is_sure:
        keep(course, assignment, proof)
    return proof


def prove(
    course: Course, assignment: str, terms: GradingConditions, outcomes: Outcomes | None = None
) -> Proof:
    """Try the tests of a version on the course's own solution and on the untouched release.

    Parameters
    ----------
    course : Course
        Its `release/` holds the version. The solution is the one that was stored with the version,
        or else that of `source/`.
    assignment : str
    terms : GradingConditions
        The version and the limits. Its plans are ignored.
    outcomes : callable, optional
        Does the jobs; by default this process does.

    Raises
    ------
    CourseError
        If there is no solution for the version, or if it could not be judged.
    """
    return _prove_or_find(course, assignment, terms, outcomes)[0]


def _prove_or_find(
    course: Course, assignment: str, terms: GradingConditions, outcomes: Outcomes | None
) -> tuple[Proof, bool]:
    version = digest(terms.versions)
    kept = find(course, assignment, version)
    answers = (
        kept.answers if kept is not None and kept.answers else solution_texts(course, assignment)
    )
    from nbjudge.trial.decide import advice_on, gift_of
    from nbjudge.trial.run_trial import run_trial  # slow to import

    files = files_beside(course, assignment)
    do = outcomes or (lambda jobs: map(work, jobs))

    def judge(who: str, notebooks: Mapping[str, bytes], plans: Mapping[str, Plans]) -> JobOutcome:
        submitted = SubmissionFiles(notebooks, files, frozenset(files))
        job = Job(who, submitted, (who,), replace(terms, plans=plans))
        (outcome,) = do([job])
        return outcome

    solved, untouched = _notebooks_to_prove(course, assignment, terms, answers)
    spoken = {name: each for name, each in terms.versions.items() if not each.language}
    found = run_trial(
        spoken,
        {name: solved[name] for name in spoken},
        {name: untouched[name] for name in spoken},
        judge,
        files=files,
        environment=terms.environment,
        cell_seconds=terms.limits.cell_seconds,
        is_strict=course.plug.house_rules,
    )
    is_faulty = any(plan.fault for plans in found.plans.values() for plan in plans.values())
    if is_faulty and kept is None and not _is_source_of(course, assignment, terms.versions):
        message = (
            f"source/{assignment} has changed since it was released, and its solution fails a test "
            "of that release. Release it again, so that the tests can be proved."
        )
        raise CourseError(message)
    proof = Proof(
        version=version,
        grader=terms.grader,
        answers=answers,
        passed={
            name: tuple(
                test
                for test, each in tried.items()
                if each.stock_solved.mark >= each.points and not found.plans[name][test].fault
            )
            for name, tried in found.tried.items()
        },
        plans={**found.plans, **_hold_other_languages(terms.versions)},
        gifts=_tell_each(found.tried, gift_of),
        advice=_tell_each(found.tried, advice_on),
        # Measured only once per version: another measurement would differ, and change the limits.
        needs=(kept.needs if kept else {}) or needs(found.used),
        beside=_digest_of_files(files),
        installed=_versions_installed(terms.versions, course),
    )
    return proof, found.is_sure


def _versions_installed(own: Mapping[str, NotebookVersion], course: Course) -> Mapping[str, str]:
    """Return the versions of imported packages, without the code that `grader_version` covers."""
    known = {*sys.stdlib_module_names, *course.plug.all_packages}
    return installed_packages(own.values(), known=known)


def files_beside(course: Course, assignment: str) -> dict[str, bytes]:
    """Return the released files beside an assignment's notebooks, by relative path."""
    folder = course.root / "release" / assignment
    found = course_files(folder, course.plug.everywhere)
    return {name: path.read_bytes() for name, path in found.items()}


def _digest_of_files(files: Mapping[str, bytes]) -> str:
    if not files:
        return ""
    content = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _hold_other_languages(versions: Mapping[str, NotebookVersion]) -> dict[str, Plans]:
    """Return plans for notebooks in other languages, by which a person marks all their tests."""
    return {
        name: {
            cell.grade_id: TestPlan(fault=version.why_not_judged)
            for cell in version.cells
            if cell.is_test
        }
        for name, version in versions.items()
        if version.language
    }


def _tell_each(
    tried: Mapping[str, Mapping[str, Tried]], tell: Callable[[str, Tried], str]
) -> dict[str, dict[str, str]]:
    """Return the non-empty results of `tell`, by notebook and grade_id."""
    found = {
        name: {test: told for test, each in tests.items() if (told := tell(test, each))}
        for name, tests in tried.items()
    }
    return {name: tests for name, tests in found.items() if tests}


def solution_texts(course: Course, assignment: str) -> dict[str, dict[str, str]]:
    """Return an assignment's solution from its current source, by notebook and grade_id."""
    return {
        path.stem: {
            name: solution(_in_usual_words(cell, course.delimiters))
            for cell in _read_notebook(path).cells
            if is_solution(cell) and (name := grade_id(cell))
        }
        for path in sorted((course.root / "source" / assignment).glob("*.ipynb"))
    }


def _in_usual_words(cell: NotebookNode, own: Mapping[str, str]) -> NotebookNode:
    cell.source = in_usual_words(cell.source, own)
    return cell


def _is_source_of(course: Course, assignment: str, versions: Mapping[str, NotebookVersion]) -> bool:
    """Return whether the tests of a version are those of the current source.

    A test with autotest lines counts as equal, since nbgrader generates its text at the release.
    """
    own = course.delimiters
    for name, version in versions.items():
        path = course.root / "source" / assignment / f"{name}.ipynb"
        cells = _read_notebook(path).cells if path.exists() else []
        now = {grade_id(cell): cell.source for cell in cells}
        for test in version.cells:
            if not test.grade or test.solution:
                continue
            source = now.get(test.grade_id, "")
            is_same = in_usual_words(source, own) == in_usual_words(test.source, own)
            if not is_same and not AUTOTEST.search(source):
                return False
    return True


def _notebooks_to_prove(
    course: Course, assignment: str, terms: GradingConditions, answers: Texts
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the notebooks of the solution, and those of the untouched release."""
    solved, untouched = {}, {}
    for name, version in terms.versions.items():
        untouched[name] = answered_release(course, assignment, name, {})
        wanted = {cell.grade_id for cell in version.cells if cell.solution}
        own = answers.get(name, {})
        if missing := sorted(wanted - own.keys()):
            message = (
                f"source/{assignment}/{name}.ipynb has no solution for the cell '{missing[0]}' "
                "of the release. Release the assignment again."
            )
            raise CourseError(message)
        chosen = {answer: own[answer] for answer in wanted}
        solved[name] = answered_release(course, assignment, name, chosen)
    return solved, untouched


def answered_release(
    course: Course, assignment: str, notebook: str, answers: Mapping[str, str]
) -> bytes:
    """Return a released notebook with answers filled in.

    Parameters
    ----------
    course : Course
    assignment, notebook : str
    answers : mapping of str to str
        The texts of answers, by grade_id; other cells stay as they are.

    Raises
    ------
    CourseError
        If the notebook does not exist.
    """
    path = course.root / "release" / assignment / f"{notebook}.ipynb"
    if not path.is_file():
        message = f"release/{assignment}/{path.name} is missing. Release the assignment again."
        raise CourseError(message)
    released = _read_notebook(path)
    for cell in released.cells:
        if (answered := grade_id(cell)) in answers:
            cell.source = answers[str(answered)]
    text: str = nbformat.writes(released)  # type: ignore[no-untyped-call]
    return text.encode()


def _read_notebook(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def _proof_file(course: Course, assignment: str) -> Path:
    return course.root / PROOFS_FOLDER / f"{assignment}.json"


def _checked_texts(record: object) -> Texts:
    if not isinstance(record, dict):
        raise TypeError(record)
    return {
        _checked_text(name): {
            _checked_text(key): _checked_text(text) for key, text in texts.items()
        }
        for name, texts in record.items()
    }


def _read_plan(record: Any) -> TestPlan:
    allowed = tuple(map(_checked_text, record["allowed"]))
    shares = record["shares_generators"]
    if not isinstance(shares, bool):
        raise TypeError(shares)
    return TestPlan(
        _checked_text(record["fault"]), _checked_text(record["inside"]), allowed, shares
    )


def _checked_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
