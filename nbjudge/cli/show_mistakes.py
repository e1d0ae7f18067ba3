"""Print the groups of wrong answers that match no known mistake, for `course mistakes`.

Answers and messages of exceptions are a student's text, so they are bounded and stripped of control
characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nbjudge.basics.text import clean_characters, cut
from nbjudge.intake.submission import printable
from nbjudge.mistakes.wrong_answers import WrongAnswer, WrongAnswers

__all__ = ["show_groups"]

#: How many groups are shown by default; the most lines and characters of an answer.
MOST_SHOWN_GROUPS, MOST_LINES, MOST_OF_CODE = 10, 25, 2000
MOST_OF_GROUP_REASON = 300


def show_groups(
    console: Console,
    assignment: str,
    groups: Sequence[WrongAnswers],
    answers: Sequence[WrongAnswer],
    *,
    show_all: bool = False,
) -> None:
    """Print the groups of a class's wrong answers, the largest first.

    Parameters
    ----------
    console : Console
    assignment : str
    groups : sequence of WrongAnswers
        Groups that match no known mistake.
    answers : sequence of WrongAnswer
        All wrong answers, including those that match one.
    show_all : bool
        Whether to print more than the ten largest.
    """
    for line in _summary_lines(assignment, groups, answers):
        console.print(Text(line), soft_wrap=True)
    shown = groups if show_all else groups[:MOST_SHOWN_GROUPS]
    for number, group in enumerate(shown, start=1):
        console.print()
        console.print(_heading(number, group), soft_wrap=True)
        console.print(Padding(Text(_reason_of_group(group)), (0, 0, 0, 4)))
        for name, text in group.example.texts.items():
            if len(group.example.texts) > 1:
                console.print(Padding(Text(printable(name), "dim"), (0, 0, 0, 4)))
            console.print(Padding(Text(_printed_code(text), overflow="fold"), (0, 0, 0, 8)))
    console.print()
    if left := len(groups) - len(shown):
        console.print(Text(f"{left} smaller groups are left out: --all shows them."))
    if groups:
        command = f'course mistakes {assignment} --name "What is wrong, and what to think about."'
        console.print(Text(f"Name the first: {command}"), soft_wrap=True)
        if len(groups) > 1:
            console.print(Text("Name another: add --group and its number."), soft_wrap=True)


def _summary_lines(
    assignment: str, groups: Sequence[WrongAnswers], answers: Sequence[WrongAnswer]
) -> Iterator[str]:
    unnamed = sum(group.students for group in groups)
    unknown = sum(not answer.behaviour and not answer.mistake for answer in answers)
    named = len(answers) - unnamed - unknown
    if not answers:
        yield f"{assignment}: no answer lost marks to a test."
        return
    told = [f"{assignment}: {_count(len(answers), 'wrong answer')}"]
    if named:
        told.append(f"{named} named in the feedback")
    if unnamed:
        told.append(f"{unnamed} not named yet, in {_count(len(groups), 'group')} that behave alike")
    yield f"{'; '.join(told)}."
    if unknown:
        yield (
            f"How {unknown} of them behave is not known: their kernel was lost, their test runs "
            "inside or takes too long, or they were graded before behaviour was noted."
        )


def _heading(number: int, group: WrongAnswers) -> Text:
    example = group.example
    marks = sorted({answer.mark for answer in group.answers})
    range_told = f"{marks[0]:g}" if len(marks) == 1 else f"{marks[0]:g} to {marks[-1]:g}"
    told = (
        f"{_count(group.students, 'answer')} to {printable(example.exercise)} "
        f"of {printable(example.notebook)}: {range_told} of {example.points:g} points"
    )
    return Text.assemble((f"{number:>2}  ", "bold"), (told, "bold"))


def _reason_of_group(group: WrongAnswers) -> str:
    return cut(clean_characters(group.reason).strip(), MOST_OF_GROUP_REASON)


def _printed_code(text: str) -> str:
    lines = clean_characters(cut(text.strip("\n"), MOST_OF_CODE)).expandtabs(4).split("\n")
    if (left := len(lines) - MOST_LINES) > 0:
        lines = [*lines[:MOST_LINES], f"… ({left} more lines)"]
    return "\n".join(lines)


def _count(n: int, one: str) -> str:
    return f"{n} {one}{'' if n == 1 else 's'}"
