"""Compare the submissions of a class: collect the answers and find pairs that read alike.

Answers are compared as text; nothing in a submission is imported, parsed as Python, or run. That
two answers read alike is a reason to read both, not a proof of copying.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nbjudge.basics.sentences import group_sentences
from nbjudge.course.cells import (
    CourseCell,
    NotebookVersion,
    exercise_label,
    exercise_number,
)
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook, people_of, versions
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError, SubmissionError
from nbjudge.intake.sanitise import sanitise_notebook
from nbjudge.intake.submission import Submission, find_submissions, read_submission, select
from nbjudge.judge.knowledge import knowledge
from nbjudge.mistakes.catalogue import read_catalogue
from nbjudge.release import source
from nbjudge.similar.fingerprints import AnswerKind, read_answer
from nbjudge.similar.pairs import Answers, Comparison, compare

__all__ = ["ComparedStudent", "Similar", "compare_class"]

CODE_EXAMPLE = re.compile(
    r"^(?P<fence>```|~~~)[^\n]*\n(?P<code>.*?)^(?P=fence)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class ComparedStudent:
    """A student whose submission is compared.

    Parameters
    ----------
    id : str
    earlier : bool
        Whether the submission is from an earlier class.
    name : str
        Empty if unknown.
    """

    id: str
    earlier: bool = False
    name: str = ""

    @property
    def label(self) -> str:
        """The student's name and id, or the id alone."""
        return f"{self.name} ({self.id})" if self.name else self.id


@dataclass(frozen=True)
class Similar:
    """The result of comparing a class's answers.

    Parameters
    ----------
    assignment : str
    students : tuple of ComparedStudent
        The students whose answers were compared; `findings` refers to them by index.
    exercises : mapping of str to Answers
        By number, in the order of the assignment.
    findings : Comparison
    remarks : mapping of ComparedStudent to tuple of str
        Sentences about parts of a submission that could not be compared.
    titles : mapping of str to str
        The titles of the exercises, by number.
    """

    assignment: str
    students: tuple[ComparedStudent, ...]
    exercises: Mapping[str, Answers]
    findings: Comparison
    remarks: Mapping[ComparedStudent, tuple[str, ...]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def label_of(self, exercise: str) -> str:
        """Return an exercise's number and title."""
        return exercise_label(exercise, self.titles.get(exercise, ""))

    @property
    def current(self) -> int:
        """The number of students in this class."""
        return sum(not student.earlier for student in self.students)


def compare_class(
    course: Course,
    assignment: str,
    *,
    students: Collection[str] | None = None,
    against: Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Similar:
    """Compare the answers of a class with each other.

    Parameters
    ----------
    course : Course
    assignment : str
    students : collection of str, optional
        Report only pairs with these students. All are compared nevertheless, as the whole class
        determines what is rare.
    against : Path, optional
        The course folder of an earlier class, or its `submitted` folder, to compare with as well.
    progress : callable, optional
        Called before each student.

    Raises
    ------
    CourseError
        If there is no such assignment or student, the assignment was never released, the earlier
        class has no submissions of it, or a file in `known/` is malformed.
    """
    terms = versions(course, assignment)
    submissions = find_submissions(course, assignment, terms)
    wanted = {submission.student for submission in select(submissions, students)}
    with open_gradebook(course) as gradebook:
        names = {person.id: person.name for person in people_of(gradebook)}
    submitted = [
        (ComparedStudent(found.student, name=names.get(found.student, "")), found)
        for found in submissions
        if found.handed_in
    ]
    if against is not None:
        submitted += _earlier(against, assignment, terms)
    everybody: list[ComparedStudent] = []
    texts: dict[str, dict[int, str]] = {}
    remarks: dict[ComparedStudent, tuple[str, ...]] = {}
    for done, (student, submission) in enumerate(submitted):
        if progress:
            progress(done, len(submitted), student.label)
        answers, problems = _answers_of(submission, terms)
        if problems:
            remarks[student] = problems
        if answers:
            for grade_id, text in answers.items():
                texts.setdefault(grade_id, {})[len(everybody)] = text
            everybody.append(student)
    exercises = list(_compared_exercises(course, assignment, terms, texts))
    return Similar(
        assignment=assignment,
        students=tuple(everybody),
        exercises={answers.exercise: answers for answers in exercises},
        findings=compare(
            exercises,
            len(everybody),
            only=[n for n, s in enumerate(everybody) if s.id in wanted and not s.earlier],
            left_out=_same_person(everybody),
            earlier=sum(student.earlier for student in everybody),
        ),
        remarks=remarks,
        titles={
            number: title for version in terms.values() for number, title in version.titles.items()
        },
    )


def _earlier(
    folder: Path, assignment: str, terms: Mapping[str, NotebookVersion]
) -> list[tuple[ComparedStudent, Submission]]:
    root = folder.parent if folder.name == "submitted" else folder
    found = find_submissions(Course(root.resolve()), assignment, terms)
    submitted = [
        (ComparedStudent(each.student, earlier=True), each) for each in found if each.handed_in
    ]
    if not submitted:
        message = (
            f"No submission of '{assignment}' in {root / 'submitted'}. Name the folder of an "
            "earlier course: it holds submitted/<student>/<assignment>/, as this one does."
        )
        raise CourseError(message)
    return submitted


def _answers_of(
    submission: Submission, terms: Mapping[str, NotebookVersion]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the changed answers by grade_id, and sentences about what could not be read."""
    submitted = read_submission(submission)
    problems = [*submission.problems, *submitted.problems]
    answers: dict[str, str] = {}
    for name, content in submitted.notebooks.items():
        try:
            found = sanitise_notebook(content, terms[name])
        except SubmissionError as error:
            problems.append(str(error))
            continue
        # Not grading's own sentence for this, which is about tests.
        if found.problems:
            problems.append(
                f"No cell of '{name}.ipynb' carries the course's ids, so its answers cannot be "
                "told from the rest."
            )
        released = {cell.grade_id: cell.source for cell in terms[name].cells if cell.solution}
        for grade_id, cell in source.by_grade_id(found.notebook).items():
            if grade_id in released and cell.source.strip() != released[grade_id].strip():
                answers[grade_id] = cell.source
    return answers, group_sentences(problems)


def _compared_exercises(
    course: Course,
    assignment: str,
    terms: Mapping[str, NotebookVersion],
    texts: Mapping[str, Mapping[int, str]],
) -> Iterator[Answers]:
    """Yield the answers to each exercise, read as fingerprints."""
    listed = {
        (file.notebook, file.grade_id): [known.source for known in file.answers]
        for file in read_catalogue(course, assignment, terms)
    }
    for name, version in terms.items():
        path = course.root / "source" / assignment / f"{name}.ipynb"
        original = source.by_grade_id(source.read_source(path)) if path.is_file() else {}
        given = {
            kind: _prints(texts, kind) for kind, texts in _texts_given(course, assignment, version)
        }
        for cell in version.cells:
            if not cell.solution or cell.grade_id not in texts:
                continue
            kind = AnswerKind.CODE if cell.cell_type == "code" else AnswerKind.WORDS
            own = [source.solution(original[cell.grade_id])] if cell.grade_id in original else []
            own += listed.get((name, cell.grade_id), [])
            yield Answers(
                exercise=exercise_number(cell.grade_id),
                kind=kind,
                readings={n: read_answer(t, kind) for n, t in texts[cell.grade_id].items()},
                given=given[kind] | _prints([cell.source], kind),
                known=_prints(_spellings([*own, *_known_answers(cell, course.plug)]), kind),
            )


def _texts_given(
    course: Course, assignment: str, version: NotebookVersion
) -> Iterator[tuple[AnswerKind, list[str]]]:
    """Yield the texts that everybody was given, as code and as words: the released notebook."""
    path = course.root / "release" / assignment / f"{version.name}.ipynb"
    if path.is_file():
        released = [(cell.cell_type, cell.source) for cell in source.read_source(path).cells]
    else:
        released = [(cell.cell_type, cell.source) for cell in version.cells if not cell.is_test]
        released += version.given
    words = [text for kind, text in released if kind != "code"]
    # Code blocks in text cells were given to everybody, too.
    examples = [found["code"] for text in words for found in CODE_EXAMPLE.finditer(text)]
    yield AnswerKind.CODE, [*(text for kind, text in released if kind == "code"), *examples]
    yield AnswerKind.WORDS, words


def _prints(texts: Iterable[str], kind: AnswerKind) -> frozenset[int]:
    return frozenset(key for text in texts for key in read_answer(text, kind).places)


def _known_answers(cell: CourseCell, plug: Plug) -> list[str]:
    """Return the course's known answers to an exercise, right and wrong ones."""
    course = knowledge(plug)
    answers = (*course.styles(cell.grade_id), *course.mistakes(cell.grade_id))
    return [known.source for known in answers]


def _spellings(texts: Iterable[str]) -> Iterator[str]:
    """Yield each of the course's own answers as it is, and as `ast.unparse` writes it."""
    for text in texts:
        yield text
        with suppress(SyntaxError):  # a written answer, or a known mistake
            yield ast.unparse(ast.parse(text))


def _same_person(students: Collection[ComparedStudent]) -> list[tuple[int, int]]:
    """Return the pairs of one person's submissions in both classes, which may well be alike."""
    now = {student.id: n for n, student in enumerate(students) if not student.earlier}
    return [
        (now[student.id], n)
        for n, student in enumerate(students)
        if student.earlier and student.id in now
    ]
