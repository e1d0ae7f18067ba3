"""What the course's own solution did under the tests of a version: proved once, and kept.

A test that the solution does not pass says nothing about a student's answer, so its exercise is
held for a person. The record of an assignment lies in a hidden folder of the course. It is a cache:
without it, or with a damaged one, the solution is judged again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from course_utils.autograde.course import Course
from course_utils.autograde.version import NotebookVersion

__all__ = ["Proof", "digest", "find", "keep"]

FOLDER = ".course_proofs"

#: Texts by notebook and, in it, by grade id.
Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Proof:
    """What became of the course's own solution of an assignment.

    Parameters
    ----------
    version : str
        Of `digest`: what the solution was judged by.
    grader : str
        Of `jobs.grader_version`: which code judged it.
    answers : mapping
        The solution, by notebook and the answer's grade id.
    passed : mapping of str to tuple of str
        By notebook: the grade ids of the tests that the solution passes with all points.
    faults : mapping
        What is wrong with a test, in a sentence, by notebook and the test's grade id: the solution
        fails it.
    gifts : mapping
        The same, of tests that give marks to a release in which nothing is answered.
    needs : mapping of str to float
        What the solution took of a resource, at most, by the resource's name: what a class may use
        is derived from it. Empty where nothing was measured.
    """

    version: str
    grader: str
    answers: Texts = field(default_factory=dict)
    passed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faults: Texts = field(default_factory=dict)
    gifts: Texts = field(default_factory=dict)
    needs: Mapping[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the solution passes every test, and nothing else does."""
        return not any(self.faults.values()) and not any(self.gifts.values())


def digest(versions: Mapping[str, NotebookVersion]) -> str:
    """Return a text that is another for any other version of an assignment's notebooks."""
    content = {name: version.digest for name, version in versions.items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def find(course: Course, assignment: str, version: str) -> Proof | None:
    """Return the record of a version of an assignment, whatever code judged it; None without one.

    Parameters
    ----------
    course : Course
    assignment : str
    version : str
        Of `digest`.
    """
    try:
        record = json.loads(_place(course, assignment).read_bytes())
        proof = Proof(
            version=_text(record["version"]),
            grader=_text(record["grader"]),
            answers=_texts(record["answers"]),
            passed={
                _text(name): tuple(map(_text, tests)) for name, tests in record["passed"].items()
            },
            faults=_texts(record["faults"]),
            gifts=_texts(record["gifts"]),
            needs={_text(name): float(amount) for name, amount in record["needs"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return proof if proof.version == version else None


def keep(course: Course, assignment: str, proof: Proof) -> None:
    """Write the record of an assignment, in the place of any other."""
    place = _place(course, assignment)
    place.parent.mkdir(exist_ok=True)
    new = place.with_suffix(".new")
    new.write_text(json.dumps(asdict(proof), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(place)


def _place(course: Course, assignment: str) -> Path:
    return course.root / FOLDER / f"{assignment}.json"


def _texts(record: object) -> Texts:
    if not isinstance(record, dict):
        raise TypeError(record)
    return {
        _text(name): {_text(key): _text(text) for key, text in texts.items()}
        for name, texts in record.items()
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
