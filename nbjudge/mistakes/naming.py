"""Add a class's mistake to `known/`: a sentence that a person gives, and an edit of the solution.

The edit turns the course's own answer into a student's. Its comments are left out: they change
nothing, and may contain somebody's name.
"""

from __future__ import annotations

import difflib
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from nbjudge.basics.text import clean_characters
from nbjudge.course.cells import exercise_number
from nbjudge.course.course import Course
from nbjudge.course.folders import write_whole
from nbjudge.exceptions import CourseError
from nbjudge.judge.known_file import Known, read_known
from nbjudge.mistakes.catalogue import place_of_known
from nbjudge.mistakes.known_behaviours import Examiner
from nbjudge.mistakes.wrong_answers import WrongAnswer, WrongAnswers

__all__ = ["name_group"]

#: The most characters of a sentence, and the most words of it that become the mistake's name.
MOST_OF_MISTAKE, WORDS_OF_NAME = 500, 7
#: How many different answers of a group are tried.
EXAMPLES_TO_TRY = 5
LINE_WIDTH = 98


def name_group(
    course: Course, assignment: str, examiner: Examiner, group: WrongAnswers, sentence: str
) -> tuple[Path, Known]:
    """Write a group's mistake to `known/<assignment>/`; return the file's path, and the mistake.

    It is only written once a run has shown that it behaves as the group does.

    Parameters
    ----------
    course : Course
    assignment : str
    examiner : Examiner
        The examiner of this assignment.
    group : WrongAnswers
    sentence : str
        The explanation for every student who makes this mistake.

    Raises
    ------
    CourseError
        If the sentence is empty or too long, the file is malformed, or the mistake lies in another
        exercise.
    """
    sentence = _sentence(sentence)
    for answer in _different_texts(group):
        for grade_id, text in answer.texts.items():
            base = examiner.answers[answer.notebook][grade_id]
            source = _normal_code(text)
            if source == _normal_code(base):
                continue
            results = examiner.examine(answer.notebook, grade_id, source)
            if (answer.test, answer.behaviour) in ((one.test, one.behaviour) for one in results):
                path = place_of_known(
                    course, assignment, examiner.versions, answer.notebook, grade_id
                )
                return path, _write_mistake(path, grade_id, base, source, sentence)
    message = (
        f"None of these answers to {group.example.exercise} behaves so beside the course's own "
        "answers to the other exercises: what is wrong with them lies in an earlier answer, or "
        "depends on something else. Name that mistake instead."
    )
    raise CourseError(message)


def _sentence(told: str) -> str:
    sentence = " ".join(clean_characters(told).split())
    if not re.search(r"\w", sentence) or len(sentence) > MOST_OF_MISTAKE:
        message = (
            f"That is no sentence for students: give one of 1 to {MOST_OF_MISTAKE} characters that "
            "says what "
            'is wrong and what to think about, as in --name "You add the sides, and an area is '
            'their product."'
        )
        raise CourseError(message)
    return sentence


def _different_texts(group: WrongAnswers) -> list[WrongAnswer]:
    """Return some answers of a group, all with different texts."""
    found: dict[str, WrongAnswer] = {}
    for answer in group.answers:
        found.setdefault(repr(list(answer.texts.values())), answer)
    return list(found.values())[:EXAMPLES_TO_TRY]


def _normal_code(text: str) -> str:
    """Return code without comments, and with characters and line ends as a file keeps them."""
    text = clean_characters(text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    lines = text.split("\n")
    try:
        comments = [
            token.start
            for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline)
            if token.type == tokenize.COMMENT
        ]
    except (tokenize.TokenError, SyntaxError, ValueError):
        comments = []
    for row, column in comments:
        kept = lines[row - 1][:column].rstrip()
        lines[row - 1] = kept if kept else ""
    alone = {row - 1 for row, _ in comments if not lines[row - 1]}
    left = [line for number, line in enumerate(lines) if number not in alone]
    return "\n".join(left).strip("\n")


def _write_mistake(path: Path, grade_id: str, base: str, source: str, sentence: str) -> Known:
    """Add a mistake to a file of known answers, which is created if necessary."""
    if path.is_file():
        before = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
        known = read_known(path)
        solutions = [one.source for one in known if one.kind == "solution"]
        if not solutions:
            message = (
                f"{path.name} has no solution of which the mistake could be an edit: "
                "begin it with `# %% solution` and the right answer."
            )
            raise CourseError(message)
        base = solutions[0].rstrip("\n")
    else:
        base = _normal_code(base)
        before = f"# The known answers to {exercise_number(grade_id)}.\n\n# %% solution\n{base}\n"
        known = (Known("solution", "", base + "\n", "solution"),)
    name = _name_from(sentence, {one.name for one in known})
    lines = textwrap.wrap(sentence, LINE_WIDTH, break_on_hyphens=False, break_long_words=False)
    told = "\n".join(f"# {line}" for line in lines)
    wanted = Known(name, sentence, source + "\n")
    for context in (0, 1, 2, 4, len(base.split("\n"))):
        edit = "\n".join(_edit_lines(base.split("\n"), source.split("\n"), context))
        text = f"{before}\n# %% mistake: {name}\n{told}\n{edit}\n"
        if _reads_as(text, path.name, (*known, wanted)):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
            return wanted
    message = (
        f"The mistake could not be written as an edit of {path.name}: "
        "write it there by hand, as docs/fairness.md describes."
    )
    raise CourseError(message)


def _name_from(sentence: str, taken: set[str]) -> str:
    """Return an unused name for a mistake: the first clause of its sentence, shortened."""
    clause = re.split(r"[^\w\s'’-]", sentence)[0]
    words = re.findall(r"[\w'’-]+", clause) or re.findall(r"\w+", sentence)
    wanted = " ".join(words[:WORDS_OF_NAME]).lower()[:80].strip()
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def _edit_lines(before: Sequence[str], after: Sequence[str], context: int) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for number, hunk in enumerate(matcher.get_grouped_opcodes(context)):
        if number:
            yield "..."
        for kind, start, end, new_start, new_end in hunk:
            if kind == "equal":
                yield from (f" {line}" for line in before[start:end])
            else:
                yield from (f"-{line}" for line in before[start:end])
                yield from (f"+{line}" for line in after[new_start:new_end])


def _reads_as(text: str, name: str, wanted: Sequence[Known]) -> bool:
    """Return whether a file with this text is read as exactly these answers."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8", newline="\n")
        try:
            return read_known(path) == tuple(wanted)
        except CourseError:
            return False
