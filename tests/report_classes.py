"""Classes as data, for the tests of reports: small ones by hand, large ones drawn with a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from nbjudge.course.marks import Mark, NotebookMarks, SubmissionMarks
from nbjudge.grading.rows import Status
from nbjudge.report.records import Class, ClassMember, ReportedAnswer, ReportedExercise

SENTENCE = "ε stands outside the root: the equation adds it to v before the root is taken."
WORTH = (2, 2, 3, 4, 3, 4, 2)


def exercise(
    number: str, points: float = 2, notebook: str = "book", **told: Any
) -> ReportedExercise:
    return ReportedExercise(notebook, number, points, **{"label": number, **told})


def member(
    student: str,
    won: Mapping[str, float | ReportedAnswer | None] | None = None,
    *,
    late: float | None = None,
    penalty: float = 0.0,
    **told: Any,
) -> ClassMember:
    """Return somebody with answers to exercises of `book`, by their numbers.

    `late` is in seconds, if it is known.
    """
    answers = {
        ("book", number): answer if isinstance(answer, ReportedAnswer) else ReportedAnswer(answer)
        for number, answer in (won or {}).items()
    }
    marks = None
    if won is not None:
        cells = {n: Mark(n, answer.points or 0, 0) for (_, n), answer in answers.items()}
        due = datetime(2026, 5, 8)
        marks = SubmissionMarks(
            "sums",
            student,
            notebooks=(NotebookMarks("book", cells, penalty=penalty),),
            handed_in=None if late is None else due + timedelta(seconds=late),
            due=due,
        )
    return ClassMember(
        student,
        **{"status": Status.GRADED, "marks": marks, "answers": answers, **told},
    )


def class_of(
    exercises: Sequence[ReportedExercise], members: Sequence[ClassMember], **told: Any
) -> Class:
    return Class("sums", tuple(exercises), tuple(members), **told)


def columns(**points: Sequence[float | None]) -> Class:
    """Return a class by its columns: the points that each student has in each exercise, of 2."""
    numbers = [name.removeprefix("ex_").replace("_", ".") for name in points]
    rows = zip(*points.values(), strict=True)
    members = [
        member(f"s{i:03}", dict(zip(numbers, row, strict=True))) for i, row in enumerate(rows)
    ]
    return class_of([exercise(number) for number in numbers], members)


def drawn(students: int, seed: int = 0) -> Class:
    """Return a class with mistakes, late ones, failures, written answers, and hostile names."""
    random = np.random.default_rng(seed)
    exercises = [exercise(f"1.{i + 1}", worth) for i, worth in enumerate(WORTH)]
    exercises[-1] = exercise("1.7", WORTH[-1], by_hand=True)
    ability = random.normal(size=students)
    members = []
    for i in range(students):
        won: dict[str, float | ReportedAnswer | None] = {}
        for j, each in enumerate(exercises):
            is_right = ability[i] + random.normal() > (j - 3) / 3
            is_empty = not is_right and random.random() < 0.2
            is_epsilon = each.number == "1.4" and not is_right and not is_empty
            won[each.number] = ReportedAnswer(
                points=None if each.by_hand and i % 2 else each.points * float(is_right),
                is_empty=is_empty,
                mistake="epsilon outside the root" if is_epsilon else "",
                sentence=SENTENCE if is_epsilon else "",
                seconds=None if each.by_hand else float(random.lognormal(-1, 1)),
            )
        late = 600.0 * i if i % 9 == 4 else 0.0
        name = "<script>alert(1)</script>" if i == 4 else f"Name{i} Family{i}"
        penalty = 1.0 if late else 0.0
        members.append(member(f"id-{i:03}", won, name=name, late=late, penalty=penalty))
    members.append(
        ClassMember(
            "</li><b>bad\u202e",
            Status.FAILED,
            remarks=("'book.ipynb' is damaged & <i>'Family3 homework.ipynb'</i> is there.",),
        )
    )
    members.append(ClassMember("gone", Status.NOT_HANDED_IN))
    return class_of(exercises, members)
