"""What a worker does, and on which terms: another key for whatever could give other marks."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from classroom import answered, released_course

import course_utils
from course_utils.autograde import grading, jobs
from course_utils.autograde.gradebook import versions
from course_utils.autograde.jobs import Job, OtherGrader, Terms, grader_version, work
from course_utils.autograde.kernels import KernelStartError
from course_utils.autograde.limits import Limits
from course_utils.autograde.submission import Papers
from course_utils.autograde.version import CourseCell, NotebookVersion
from course_utils.autograde.workplace import environment
from course_utils.exceptions import SubmissionError
from course_utils.instructor import source
from course_utils.kernel.wire import Bounds

CELL = CourseCell("test_ex_1", "code", "assert True", True, True, False, False, 1.0)
VERSION = NotebookVersion("sums", (CELL,))
TERMS = Terms({"sums": VERSION}, Limits(), run_all=False, quick="1")
ADA = ("of ada",)


def another(value: Any) -> Any:
    """Return another value of the same type."""
    return replace(value, bytes=value.bytes + 1) if isinstance(value, Bounds) else value + 1


def test_the_same_terms_have_the_same_key() -> None:
    again = Terms({"sums": replace(VERSION)}, Limits(), run_all=False, quick="1")

    assert again.key(ADA) == TERMS.key(ADA)


def test_whether_there_has_to_be_a_sandbox_makes_no_other_key() -> None:
    strict = replace(TERMS, limits=replace(TERMS.limits, require_sandbox=True))

    assert strict.key(ADA) == TERMS.key(ADA)


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Limits) if field.name != "require_sandbox"]
)
def test_another_limit_is_another_key(name: str) -> None:
    changed = replace(TERMS.limits, **{name: another(getattr(TERMS.limits, name))})

    assert replace(TERMS, limits=changed).key(ADA) != TERMS.key(ADA)


@pytest.mark.parametrize(
    "other",
    [
        replace(TERMS, versions={}),
        replace(TERMS, versions={"sums": VERSION, "more": VERSION}),
        replace(TERMS, versions={"other": VERSION}),
        replace(TERMS, versions={"sums": replace(VERSION, display=frozenset({"plot()"}))}),
        replace(TERMS, versions={"sums": replace(VERSION, cells=(replace(CELL, source="1"),))}),
        replace(TERMS, run_all=True),
        replace(TERMS, grader="0.0.1+abc"),
    ],
)
def test_other_terms_are_another_key(other: Terms) -> None:
    assert other.key(ADA) != TERMS.key(ADA)


def test_other_random_inputs_are_another_key() -> None:
    keys = {TERMS.key(of) for of in (ADA, ("of bob",), (), ("of", " ada"), ("of ada", ""))}

    assert len(keys) == 5


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have a small package stand for the course's code."""
    (tmp_path / "autograde").mkdir()
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "autograde" / "judge.py").write_text("x = 1\n")
    monkeypatch.setattr(course_utils, "__file__", str(tmp_path / "__init__.py"))
    grader_version.cache_clear()
    yield tmp_path
    grader_version.cache_clear()


def version_now() -> str:
    grader_version.cache_clear()
    return grader_version()


def test_a_changed_moved_or_new_line_of_code_is_another_grader(package: Path) -> None:
    judge = package / "autograde" / "judge.py"
    found = [version_now()]
    judge.write_text("x = 2\n")
    found.append(version_now())
    judge.rename(package / "autograde" / "jury.py")
    found.append(version_now())
    (package / "autograde" / "new.py").touch()
    found.append(version_now())

    assert len(set(found)) == 4
    assert all(version.startswith(f"{course_utils.__version__}+") for version in found)


@pytest.mark.parametrize(
    "name", ["reference/known/ex_1.diff", "instructor/cli.py", "autograde/feedback_page.py"]
)
def test_another_sentence_or_page_is_the_same_grader(package: Path, name: str) -> None:
    before = version_now()
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text("# %% off by one\n# Count from 0.\n")

    assert version_now() == before


def test_the_same_code_elsewhere_is_the_same_grader(
    package: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = version_now()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "judge.pyc").write_bytes(b"x")
    copy = shutil.copytree(package, tmp_path_factory.mktemp("elsewhere") / "course_utils")
    monkeypatch.setattr(course_utils, "__file__", str(copy / "__init__.py"))

    assert version_now() == here


def job(*names: str, **changed: Any) -> Job:
    terms = replace(TERMS, versions={name: replace(VERSION, name=name) for name in names})
    papers = Papers(dict.fromkeys(names, b"7"))
    return replace(Job("ada", papers, ADA, terms), **changed)


def test_a_worker_with_other_code_refuses_and_says_what_to_do() -> None:
    other = job("sums", terms=replace(TERMS, grader="0.0.1+abc"))

    with pytest.raises(OtherGrader, match=r"and this machine 0\.0\.1\+abc\. Install the same one"):
        work(other)


def test_an_unreadable_notebook_is_one_failure_and_the_others_are_graded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def grade(content: bytes, version: NotebookVersion, **_: Any) -> str:
        if version.name == "first":
            raise SubmissionError("'first.ipynb' is empty.")
        return "its result"

    monkeypatch.setattr(grading, "grade", grade)

    outcome = work(job("first", "sums"))

    assert list(outcome.results) == ["sums"]
    assert outcome.failures == {"first": "'first.ipynb' is empty."}
    assert not outcome.passing


def test_a_kernel_that_does_not_start_is_a_failure_that_may_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def grade(*_: Any, **__: Any) -> None:
        raise KernelStartError("A kernel for grading did not start.")

    monkeypatch.setattr(grading, "grade", grade)

    outcome = work(job("sums"))

    assert outcome.failures == {
        "sums": "'sums.ipynb' was not graded. A kernel for grading did not start."
    }
    assert outcome.passing


def test_the_terms_reach_the_grading(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(grading, "grade", lambda *_, **settings: given.update(settings))
    limits = Limits(cell_seconds=7)
    papers = Papers({"sums": b"7"}, {"data.csv": b"1"})

    held = {"sums": {"test_ex_1_1_1": "it cannot work"}}
    terms = replace(TERMS, limits=limits, run_all=True, held=held)
    work(job("sums", papers=papers, terms=terms))

    assert given == {
        "held": held["sums"],
        "ingredients": ADA,
        "files": {"data.csv": b"1"},
        "limits": limits,
        "run_all": True,
    }


@pytest.mark.slow
@pytest.mark.parametrize("quick", ["0", "1"])
def test_how_long_notebooks_train_is_the_coordinators_to_say(
    quick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker has a shell of its own, and may have graded for somebody else before."""
    seen: list[str] = []
    monkeypatch.setattr(
        grading, "grade", lambda *_, **__: seen.append(environment("")["COURSE_QUICK"])
    )
    monkeypatch.setenv("COURSE_QUICK", quick)
    asked = job("sums", terms=Terms({"sums": VERSION}, Limits(), run_all=False))

    for worker in ("0", "1", ""):
        monkeypatch.setenv("COURSE_QUICK", worker)
        work(asked)
    monkeypatch.delenv("COURSE_QUICK")
    work(asked)

    assert seen == [quick] * 4


def test_a_job_and_its_outcome_travel(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course")
    terms = Terms(versions(course, "sums"), Limits(), run_all=False)
    content = source.written(answered(course)).encode()
    sent = Job("ada", Papers({"sums": content}), ADA, terms)

    arrived = pickle.loads(pickle.dumps(sent))
    outcome = pickle.loads(pickle.dumps(jobs.work(arrived)))

    assert arrived == sent
    assert arrived.terms.key(ADA) == terms.key(ADA)
    assert outcome.results["sums"].scores == {
        "test_ex_1_1_1": 2,
        "test_ex_1_1_2": 3,
        "ex_1_1_3": None,
    }
    assert outcome.seconds > 0
