"""Read the wrong answers of a graded class, and group them by behaviour.

They come from the graded notebooks. The text of an answer is a student's: callers that show it must
bound it and escape it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from nbformat import from_dict
from nbgrader.utils import compute_checksum

from nbjudge.course.cells import NotebookVersion, exercise_number
from nbjudge.course.course import Course
from nbjudge.course.folders import folder_of
from nbjudge.course.gradebook import marks_of_class
from nbjudge.judge.notebooks import RECORD
from nbjudge.mistakes.catalogue import tested_answers
from nbjudge.mistakes.known_behaviours import NamedMistakes
from nbjudge.remote import explain_to_student

__all__ = ["WrongAnswer", "WrongAnswers", "class_answers", "group", "read_answers"]


@dataclass(frozen=True)
class WrongAnswer:
    """An answer that lost marks to a test.

    Parameters
    ----------
    student, notebook, test : str
        `test` is the grade_id of the test.
    mark, points : float
    reason : str
        Why marks were lost, in the words of the test.
    behaviour : str
        As in a `Verdict`; empty if unknown.
    mistake, sentence : str
        The name and explanation of the known mistake that was recognised; empty if none was.
    texts : mapping of str to str
        The answers that the test examines, by grade_id.
    """

    student: str
    notebook: str
    test: str
    mark: float
    points: float
    reason: str
    behaviour: str
    mistake: str
    sentence: str
    texts: Mapping[str, str]

    @property
    def exercise(self) -> str:
        """The number of the exercise, as students see it."""
        return exercise_number(self.test)


@dataclass(frozen=True)
class WrongAnswers:
    """Wrong answers to one exercise that behave alike.

    Parameters
    ----------
    answers : tuple of WrongAnswer
        The most frequent text first; of equally frequent ones, the shortest.
    """

    answers: tuple[WrongAnswer, ...]

    @property
    def example(self) -> WrongAnswer:
        """The answer with the most frequent text."""
        return self.answers[0]

    @property
    def students(self) -> int:
        """The number of students in the group."""
        return len(self.answers)

    @property
    def reason(self) -> str:
        """The most frequent reason for lost marks, in the words of the test."""
        return Counter(answer.reason for answer in self.answers).most_common(1)[0][0]


def class_answers(
    course: Course,
    assignment: str,
    versions: Mapping[str, NotebookVersion],
    named: NamedMistakes,
) -> Iterator[WrongAnswer]:
    """Yield the wrong answers of all graded students, with the mistakes that are known by now.

    Raises
    ------
    CourseError
        If the gradebook cannot be read.
    """
    for student in sorted(found.student for found in marks_of_class(course, assignment)):
        folder = folder_of(course, "autograded", student, assignment)
        for name, version in versions.items():
            try:
                notebook = json.loads((folder / f"{name}.ipynb").read_bytes())
            except (OSError, ValueError, RecursionError):
                continue
            with suppress(LookupError, TypeError):
                named.tell(name, notebook["metadata"][RECORD])
            yield from read_answers(notebook, student, version)


def read_answers(
    notebook: Mapping[str, Any], student: str, version: NotebookVersion
) -> Iterator[WrongAnswer]:
    """Yield the wrong answers in a graded notebook; unanswered exercises are not among them.

    Parameters
    ----------
    notebook : mapping
        The content of its file.
    student : str
    version : NotebookVersion
    """
    about = tested_answers(version)
    points = {cell.grade_id: cell.points for cell in version.cells}
    answers_of_course = {cell.grade_id for cell in version.cells if cell.solution}
    try:
        verdicts = notebook["metadata"][RECORD]["verdicts"]
        lost = {
            test: verdict
            for test, verdict in verdicts.items()
            if not verdict["fault"] and float(verdict["mark"]) < points[test]
        }
        texts = dict(_changed_answers(notebook["cells"], answers_of_course)) if lost else {}
        for test, verdict in lost.items():
            answers = {name: texts[name] for name in about.get(test, ()) if name in texts}
            if answers and not _is_missing(test, str(verdict["reason"])):
                yield WrongAnswer(
                    student=student,
                    notebook=version.name,
                    test=test,
                    mark=float(verdict["mark"]),
                    points=points[test],
                    texts=answers,
                    **{part: str(verdict.get(part, "")) for part in _PARTS},
                )
    except (LookupError, TypeError, ValueError, AttributeError):
        return


_PARTS = ("reason", "behaviour", "mistake", "sentence")


def _is_missing(test: str, reason: str) -> bool:
    return reason.startswith(explain_to_student(exercise_number(test), NotImplementedError()))


def _changed_answers(
    cells: Iterable[Mapping[str, Any]], names: Container[str]
) -> Iterator[tuple[str, str]]:
    """Yield grade_id and text of each answer that was changed since the release."""
    for cell in cells:
        told = cell["metadata"].get("nbgrader", {})
        if (name := told.get("grade_id")) in names:
            source = cell["source"]
            text = source if isinstance(source, str) else "".join(source)
            # Without the outputs, which may be large, and are no part of the checksum.
            content = {"cell_type": cell["cell_type"], "source": text, "metadata": cell["metadata"]}
            written = from_dict(content)  # type: ignore[no-untyped-call]
            if told.get("checksum") != compute_checksum(written):
                yield name, text


def group(answers: Iterable[WrongAnswer]) -> list[WrongAnswers]:
    """Return the groups of wrong answers that match no known mistake, the largest first.

    Parameters
    ----------
    answers : iterable of WrongAnswer
        Those whose behaviour is unknown are left out.
    """
    found: defaultdict[tuple[str, str, str], list[WrongAnswer]] = defaultdict(list)
    places: dict[tuple[str, str], int] = {}
    for answer in answers:
        places.setdefault((answer.notebook, answer.test), len(places))
        if answer.behaviour and not answer.mistake:
            found[answer.notebook, answer.test, answer.behaviour].append(answer)
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), places[item[0][:2]], item[0]))
    return [WrongAnswers(_typical_first(members)) for _, members in ranked]


def _typical_first(answers: list[WrongAnswer]) -> tuple[WrongAnswer, ...]:
    texts = [tuple(text.strip() for text in answer.texts.values()) for answer in answers]
    shared = Counter(texts)
    order = sorted(
        range(len(answers)),
        key=lambda n: (-shared[texts[n]], sum(map(len, texts[n])), texts[n], answers[n].student),
    )
    return tuple(answers[n] for n in order)
