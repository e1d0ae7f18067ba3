"""What is kept of a solution that was judged, and not believed when it is damaged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nbjudge.course.course import Course
from nbjudge.course.gradebook import versions
from nbjudge.grading import batch, solution_proof
from nbjudge.grading.conditions import GradingConditions, course_limits
from nbjudge.grading.solution_proof import PROOFS_FOLDER, Proof, solution_texts
from nbjudge.judge.plans import TestPlan

PROOF = Proof(
    version="v1",
    grader="g1",
    answers={"sums": {"ex_1": "def total(): ..."}},
    passed={"sums": ("test_ex_1",)},
    plans={
        "sums": {
            "test_ex_1": TestPlan(allowed=("3 eq",), shares_generators=True),
            "test_ex_2": TestPlan("it uses a name that nobody defines"),
            "test_ex_3": TestPlan(inside="it compares functions"),
        }
    },
    gifts={},
    advice={"sums": {"test_ex_1": "the solution gets 1 of its 2 points"}},
    needs={"memory": 120.5},
)


def test_a_record_is_read_as_it_was_written(tmp_path):
    solution_proof.keep(Course(tmp_path), "sums", PROOF)

    assert solution_proof.find(Course(tmp_path), "sums", "v1") == PROOF
    assert not PROOF.ok
    assert PROOF.faults == {"sums": {"test_ex_2": "it uses a name that nobody defines"}}
    assert PROOF.inside == {"sums": {"test_ex_3": "it compares functions"}}
    assert replace(PROOF, plans={"sums": {}}).ok
    assert not replace(PROOF, plans={}, gifts={"sums": {"test_ex_1": "2 points"}}).ok


def test_the_record_of_another_version_is_none(tmp_path):
    solution_proof.keep(Course(tmp_path), "sums", PROOF)

    assert solution_proof.find(Course(tmp_path), "sums", "v2") is None
    assert solution_proof.find(Course(tmp_path), "other", "v1") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"v1"', "7"),
        ('"needs"', '"need"'),
        ("120.5", '"much"'),
        ('"test_ex_1"', "1"),
        ('{"ex_1"', '[{"ex_1"'),
        ('"g1"', "null"),
    ],
)
def test_a_damaged_record_is_none(tmp_path, old, new):
    solution_proof.keep(Course(tmp_path), "sums", PROOF)
    place = tmp_path / PROOFS_FOLDER / "sums.json"
    text = "".join(place.read_text(encoding="utf-8").split("\n")).replace("{ ", "{")
    place.write_text(" ".join(text.split()).replace("{ ", "{").replace(old, new, 1), "utf-8")

    assert solution_proof.find(Course(tmp_path), "sums", "v1") is None


@pytest.mark.slow
def test_limits_follow_from_what_the_solution_took_when_it_was_judged(course):
    terms = GradingConditions(versions(course, "sums"), course_limits(course), False, course.plug)

    found = solution_proof.prove(course, "sums", terms)

    assert found.needs["wall_seconds"] > 0
    solution_proof.keep(course, "sums", replace(found, needs={"wall_seconds": 200.0}))
    proved, _ = batch._prove(course, "sums", terms, judges_nothing)
    assert proved.limits == replace(terms.limits, notebook_seconds=900)


@pytest.mark.slow
def test_a_version_is_measured_once(course):
    terms = GradingConditions(versions(course, "sums"), course_limits(course), False, course.plug)
    measured = {"wall_seconds": 200.0}
    version = solution_proof.digest(terms.versions)
    solution_proof.keep(
        course, "sums", Proof(version, "older", solution_texts(course, "sums"), needs=measured)
    )

    again = solution_proof.find_or_prove(course, "sums", terms)

    assert (again.grader, again.needs) == (terms.grader, measured)


def test_a_version_is_proved_again_with_other_packages(course, monkeypatch):
    terms = GradingConditions(versions(course, "sums"), course_limits(course), False, course.plug)
    here = {"numpy": "2.0"}
    monkeypatch.setattr(solution_proof, "installed_packages", lambda *_, **__: dict(here))
    proved = []

    def prove(*_):
        proved.append(dict(here))
        return replace(PROOF, version=version, grader=terms.grader, installed=dict(here)), True

    monkeypatch.setattr(solution_proof, "_prove_or_find", prove)
    version = solution_proof.digest(terms.versions)
    for numpy in ("2.0", "2.0", "2.1", "2.1", "2.0"):
        here["numpy"] = numpy
        solution_proof.find_or_prove(course, "sums", terms)

    assert [each["numpy"] for each in proved] == ["2.0", "2.1", "2.0"]


def test_the_answers_of_a_record_without_packages_count(tmp_path):
    solution_proof.keep(Course(tmp_path), "sums", PROOF)
    place = tmp_path / PROOFS_FOLDER / "sums.json"
    record = json.loads(place.read_text())
    del record["installed"]
    place.write_text(json.dumps(record))

    assert solution_proof.find(Course(tmp_path), "sums", "v1") == PROOF


def test_a_version_is_proved_again_when_a_file_beside_its_notebooks_changes(course, monkeypatch):
    terms = GradingConditions(versions(course, "sums"), course_limits(course), False, course.plug)
    helper = course.root / "release" / "sums" / "helper.py"
    proved = []

    def prove(*_):
        proved.append(helper.read_text() if helper.exists() else None)
        return PROOF, False

    monkeypatch.setattr(solution_proof, "_prove_or_find", prove)
    version = solution_proof.digest(terms.versions)
    solution_proof.keep(course, "sums", Proof(version, terms.grader))
    solution_proof.find_or_prove(course, "sums", terms)
    assert proved == []

    for text in ("x = 1", "x = 2"):
        helper.write_text(text)
        solution_proof.find_or_prove(course, "sums", terms)

    helper.unlink()
    assert proved == ["x = 1", "x = 2"]


def judges_nothing():
    raise AssertionError("what is proved is not judged again")
