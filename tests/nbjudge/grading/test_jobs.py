"""What a worker does, and on which terms: another key for whatever could give other marks."""

from __future__ import annotations

import pickle
import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from classroom import answered, released_course

import nbjudge
from nbjudge.course.cells import CourseCell, NotebookVersion
from nbjudge.course.gradebook import versions
from nbjudge.course.plug import Plug
from nbjudge.exceptions import SubmissionError
from nbjudge.grading import jobs
from nbjudge.grading.conditions import GradingConditions, grader_version
from nbjudge.grading.jobs import Job, OtherGrader, work
from nbjudge.intake.submission import SubmissionFiles
from nbjudge.judge import notebooks
from nbjudge.judge.plans import TestPlan
from nbjudge.release import source
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import KernelStartError
from nbjudge.sandbox.workspace import environment

CELL = CourseCell("test_ex_1", "code", "assert True", True, True, False, False, 1.0)
VERSION = NotebookVersion("sums", (CELL,))
PLUG = Plug(variables=("COURSE_QUICK",))
TERMS = GradingConditions(
    {"sums": VERSION}, Limits(), False, PLUG, environment={"COURSE_QUICK": "1"}
)
ADA = ("of ada",)


def another(value: Any) -> Any:
    """Return another value of the same type."""
    return value + 1


def test_the_same_terms_have_the_same_key() -> None:
    again = replace(TERMS, versions={"sums": replace(VERSION)})

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
        replace(TERMS, environment={"COURSE_QUICK": "0"}),
        replace(TERMS, grader="0.0.1+abc"),
    ],
)
def test_other_terms_are_another_key(other: GradingConditions) -> None:
    assert other.key(ADA) != TERMS.key(ADA)


def test_other_random_inputs_are_another_key() -> None:
    keys = {TERMS.key(of) for of in (ADA, ("of bob",), (), ("of", " ada"), ("of ada", ""))}

    assert len(keys) == 5


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have small packages stand for the judge's code and, beside it in `ours`, for a course's."""
    folder = tmp_path / "nbjudge"
    for name in ("nbjudge", "nbjudge/judge", "nbjudge/pages", "ours", "ours/reference"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (folder / "judge" / "judge.py").write_text("x = 1\n")
    (tmp_path / "ours" / "reference" / "examine.py").write_text("x = 1\n")
    stand_at(tmp_path, monkeypatch)
    yield folder
    grader_version.cache_clear()


def stand_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbjudge, "__file__", str(folder / "nbjudge" / "__init__.py"))
    ours = ModuleType("ours")
    ours.__file__ = str(folder / "ours" / "__init__.py")
    monkeypatch.setitem(sys.modules, "ours", ours)


def version_now() -> str:
    grader_version.cache_clear()
    return grader_version(("ours",))


@pytest.mark.parametrize("changed", ["judge/judge.py", "../ours/reference/examine.py"])
def test_a_changed_moved_or_new_line_of_code_is_another_grader(package: Path, changed: str) -> None:
    judge = package / changed
    found = [version_now()]
    judge.write_text("x = 2\n")
    found.append(version_now())
    judge.rename(judge.with_name("jury.py"))
    found.append(version_now())
    judge.with_name("new.py").touch()
    found.append(version_now())

    assert len(set(found)) == 4
    assert all(version.startswith(f"{nbjudge.__version__}+") for version in found)


def test_code_of_another_course_is_another_grader(package: Path) -> None:
    assert grader_version(()) != grader_version(("ours",))


@pytest.mark.parametrize("name", ["../ours/reference/known/ex_1.diff", "pages/frame.py"])
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
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    stand_at(shutil.copytree(package.parent, elsewhere / "copy"), monkeypatch)

    assert version_now() == here


def job(*names: str, **changed: Any) -> Job:
    terms = replace(TERMS, versions={name: replace(VERSION, name=name) for name in names})
    submitted = SubmissionFiles(dict.fromkeys(names, b"7"))
    return replace(Job("ada", submitted, ADA, terms), **changed)


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

    monkeypatch.setattr(notebooks, "grade", grade)

    outcome = work(job("first", "sums"))

    assert list(outcome.results) == ["sums"]
    assert outcome.failures == {"first": "'first.ipynb' is empty."}
    assert not outcome.passing


def test_a_kernel_that_does_not_start_is_a_failure_that_may_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def grade(*_: Any, **__: Any) -> None:
        raise KernelStartError("A kernel for grading did not start.")

    monkeypatch.setattr(notebooks, "grade", grade)

    outcome = work(job("sums"))

    assert outcome.failures == {
        "sums": "'sums.ipynb' was not graded. A kernel for grading did not start."
    }
    assert outcome.passing


def test_the_terms_reach_the_grading(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(notebooks, "grade", lambda *_, **settings: given.update(settings))
    limits = Limits(cell_seconds=7)
    submitted = SubmissionFiles({"sums": b"7"}, {"data.csv": b"1"}, frozenset(["data.csv"]))

    plans = {"sums": {"test_ex_1_1_1": TestPlan("it cannot work")}}
    terms = replace(TERMS, limits=limits, run_all=True, plans=plans)
    work(job("sums", submitted=submitted, terms=terms))

    assert given == {
        "plans": plans["sums"],
        "seed_parts": ADA,
        "files": {"data.csv": b"1"},
        "own": {"data.csv"},
        "limits": limits,
        "run_all": True,
        "plug": PLUG,
    }


@pytest.mark.slow
@pytest.mark.parametrize("quick", ["0", "1"])
def test_how_long_notebooks_train_is_the_coordinators_to_say(
    quick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker has a shell of its own, and may have graded for somebody else before."""
    seen: list[str] = []
    monkeypatch.setattr(
        notebooks, "grade", lambda *_, **__: seen.append(environment(PLUG, "")["COURSE_QUICK"])
    )
    monkeypatch.setenv("COURSE_QUICK", quick)
    asked = job("sums", terms=GradingConditions({"sums": VERSION}, Limits(), False, PLUG))

    for worker in ("0", "1", ""):
        monkeypatch.setenv("COURSE_QUICK", worker)
        work(asked)
    monkeypatch.delenv("COURSE_QUICK")
    work(asked)

    assert seen == [quick] * 4


def test_a_job_and_its_outcome_travel(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course")
    terms = GradingConditions(versions(course, "sums"), Limits(), False, course.plug)
    content = source.notebook_text(answered(course)).encode()
    sent = Job("ada", SubmissionFiles({"sums": content}), ADA, terms)

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
