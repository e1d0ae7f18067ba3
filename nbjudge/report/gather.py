"""Gather a class's data for the report: from the gradebook, graded notebooks and grading rows.

Nothing is graded here. Results are read only from the judge's record in a graded notebook; the rest
of it is a student's.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbjudge.course.cells import NotebookVersion, exercise_number
from nbjudge.course.course import Course
from nbjudge.course.folders import folder_of
from nbjudge.course.gradebook import open_gradebook, read_grades, versions
from nbjudge.course.marks import SubmissionMarks
from nbjudge.grading.rows import current_rows
from nbjudge.grading.solution_proof import digest, find
from nbjudge.judge.notebooks import RECORD
from nbjudge.mistakes.known_behaviours import NamedMistakes, named_mistakes
from nbjudge.mistakes.wrong_answers import WrongAnswer, WrongAnswers, group, read_answers
from nbjudge.report.records import (
    Class,
    ClassMember,
    Key,
    ReportedAnswer,
    ReportedExercise,
    Unnamed,
)

__all__ = ["gather"]


def gather(course: Course, assignment: str) -> Class:
    """Return the data of a class for one assignment.

    Raises
    ------
    CourseError
        If the course or its gradebook has no such assignment, or cannot be read.
    """
    notebooks = versions(course, assignment)
    exercises = tuple(_exercises_of(notebooks))
    named = named_mistakes(course, assignment)
    rows = current_rows(course, assignment)
    with open_gradebook(course) as gradebook:
        table = read_grades(gradebook, assignments=[assignment])
    members, unread = [], 0
    wrong: list[WrongAnswer] = []
    for row in rows:
        student = row.student
        member = ClassMember(student, row.status, row.name, row.remarks)
        if row.score is not None:
            marks = table.submissions(assignment)[student]
            folder = folder_of(course, "autograded", student, assignment)
            records = _records(folder, student, notebooks, named)
            wrong += (answer for record in records.values() if record for answer in record.wrong)
            unread += sum(record is None for record in records.values())
            answers = dict(_answers_of_member(marks, records, exercises))
            member = replace(member, marks=marks, answers=answers)
        members.append(member)
    unnamed = _unnamed_groups(group(wrong), exercises, sum(m.marks is not None for m in members))
    proof = find(course, assignment, digest(notebooks))
    inside = proof.told_of_inside if proof else ""
    return Class(assignment, exercises, tuple(members), unread, tuple(unnamed), inside)


def _unnamed_groups(
    groups: Iterable[WrongAnswers], exercises: tuple[ReportedExercise, ...], of: int
) -> Iterator[Unnamed]:
    known = {exercise.key: exercise for exercise in exercises}
    for each in groups:
        if exercise := known.get((each.example.notebook, each.example.exercise)):
            example = "\n\n".join(each.example.texts.values())
            yield Unnamed(exercise, each.students, of, each.reason, example)


def _exercises_of(notebooks: Mapping[str, NotebookVersion]) -> Iterator[ReportedExercise]:
    worth: dict[Key, float] = {}
    by_hand: set[Key] = set()
    for version in notebooks.values():
        for cell in version.cells:
            if cell.points > 0:
                key = (version.name, exercise_number(cell.grade_id))
                worth[key] = worth.get(key, 0.0) + cell.points
                if cell.solution or cell.task:
                    by_hand.add(key)
    numbers = Counter(number for _, number in worth)
    for (notebook, number), points in worth.items():
        label = number if numbers[number] == 1 else f"{notebook} {number}"
        title = notebooks[notebook].titles.get(number, "")
        yield ReportedExercise(
            notebook, number, points, label, (notebook, number) in by_hand, title
        )


def _answers_of_member(
    marks: SubmissionMarks,
    records: Mapping[str, _Record | None],
    exercises: tuple[ReportedExercise, ...],
) -> Iterator[tuple[Key, ReportedAnswer]]:
    won: dict[Key, float] = {}
    waiting: set[Key] = set()
    for mark in marks.marks:
        key = (mark.notebook, mark.exercise)
        won[key] = won.get(key, 0.0) + mark.points
        if mark.waiting:
            waiting.add(key)
    for exercise in exercises:
        if (key := exercise.key) not in won:  # added to the assignment after this was graded
            continue
        record = records.get(exercise.notebook, _Record())
        found = record or _Record()
        mistake, sentence = found.mistakes.get(exercise.number, ("", ""))
        yield (
            key,
            ReportedAnswer(
                points=None if key in waiting else won[key],
                is_empty=exercise.number in marks.notebook(exercise.notebook).empty
                or exercise.notebook not in records,
                mistake=mistake,
                sentence=sentence,
                seconds=found.seconds.get(exercise.number),
                test_seconds=found.test_seconds.get(exercise.number),
            ),
        )


@dataclass(frozen=True)
class _Record:
    """The judge's record in one notebook, by the number of the exercise."""

    mistakes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    test_seconds: Mapping[str, float] = field(default_factory=dict)
    wrong: tuple[WrongAnswer, ...] = ()


def _records(
    folder: Path, student: str, notebooks: Mapping[str, NotebookVersion], named: NamedMistakes
) -> dict[str, _Record | None]:
    """Return the record of each existing notebook; None if it has none that can be read."""
    return {
        name: _record_of_notebook(path, student, version, named)
        for name, version in notebooks.items()
        if (path := folder / f"{name}.ipynb").is_file()
    }


def _record_of_notebook(
    path: Path, student: str, version: NotebookVersion, named: NamedMistakes
) -> _Record | None:
    try:
        # Not by nbformat, which would validate every cell, and needlessly.
        notebook = json.loads(path.read_bytes())
        named.tell(version.name, notebook["metadata"][RECORD])
        return replace(
            _read_record(notebook), wrong=tuple(read_answers(notebook, student, version))
        )
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None


def _read_record(notebook: dict[str, Any]) -> _Record:
    record = notebook["metadata"][RECORD]
    mistakes = {
        exercise_number(name): (str(verdict["mistake"]), str(verdict["sentence"]))
        for name, verdict in record["verdicts"].items()
        if verdict["mistake"]
    }
    seconds: dict[str, float] = {}
    test_seconds: dict[str, float] = {}
    for cell in notebook["cells"]:
        taken = record["seconds"].get(cell["id"])
        own = cell["metadata"].get("nbgrader", {})
        name = own.get("grade_id")
        if name and isinstance(taken, int | float) and math.isfinite(taken):
            number = exercise_number(name)
            is_test = own.get("grade") and not own.get("solution")
            for sums in (seconds, test_seconds) if is_test else (seconds,):
                sums[number] = sums.get(number, 0.0) + max(0.0, float(taken))
    return _Record(mistakes, seconds, test_seconds)
