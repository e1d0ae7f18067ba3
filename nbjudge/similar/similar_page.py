"""The page that shows answers that read alike side by side; and the command's output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import floor, log10
from typing import Any

from markupsafe import Markup, escape
from pygments import format as formatted  # type: ignore[import-untyped]
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

from nbjudge.basics.text import clean_characters
from nbjudge.course.course import Course
from nbjudge.intake.submission import printable
from nbjudge.pages.frame import count_of, pages_of
from nbjudge.pages.rich_outputs import FORMATTER
from nbjudge.similar.find import Similar
from nbjudge.similar.fingerprints import AnswerKind, Fingerprint, passages
from nbjudge.similar.pairs import Alike, LinkedStudents, StudentPair, shared_prints

__all__ = ["as_data", "describe_groups", "labels", "mark_passages", "page_on_class", "write"]

#: The most groups on the page, pairs of a group, and exercises of a pair that are shown.
MOST_GROUPS_ON_PAGE = 25
MOST_LINKS = 6
MOST_EXERCISES = 5
#: An exercise is shown from this share on, if at most this part of all pairs is as alike in it.
SHOWN_FROM = 0.5
UNUSUAL = 0.05

PASSAGES = ("", "common", "rare")
LINE = re.compile(r"\S(?:.*\S)?")


@dataclass(frozen=True)
class Side:
    """One of two answers."""

    label: str
    body: Markup
    whole: bool


@dataclass(frozen=True)
class SideBySide:
    """Two answers to an exercise, side by side."""

    exercise: str
    anchor: str
    told: str
    sides: tuple[Side, Side]


@dataclass(frozen=True)
class PairOnPage:
    """A pair of students on the page."""

    labels: tuple[str, str]
    pair: StudentPair
    reasons: tuple[str, ...]
    beside: tuple[SideBySide, ...]
    left_out: tuple[str, ...]
    silent: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """A group of students on the page."""

    anchor: str
    labels: tuple[str, ...]
    group: LinkedStudents
    comparisons: tuple[PairOnPage, ...]


@dataclass(frozen=True)
class Bar:
    """A row of the distribution of scores."""

    low: float
    high: float | None
    pairs: int
    length: float


def labels(found: Similar, *, anonymous: bool = False) -> dict[int, str]:
    """Return the label of each student: name and id, or a number in the order of the page.

    The label of a student from an earlier class says so.
    """
    order = dict.fromkeys(n for group in found.findings.groups for n in _by_pairs(group))
    numbers = range(len(found.students)) if not anonymous else order
    return {
        number: (
            f"student {place}" if anonymous else clean_characters(found.students[number].label)
        )
        + (" (earlier class)" if found.students[number].earlier else "")
        for place, number in enumerate(numbers, 1)
    }


def _by_pairs(group: LinkedStudents) -> Iterator[int]:
    for pair in group.pairs:
        yield from (pair.one, pair.other)


def shown_score(score: float) -> str:
    """Return a score as text with two digits, rounded down so that it never moves to another bar.

    >>> shown_score(0.9999), shown_score(1.0), shown_score(1.499)
    ('0.99', '1.00', '1.49')
    """
    return f"{floor(score * 100 + 1e-9) / 100:.2f}"


def page_on_class(found: Similar, *, anonymous: bool = False) -> str:
    """Return the HTML page of an assignment.

    Parameters
    ----------
    found : Similar
    anonymous : bool
        Whether to replace names by numbers; answers stay as they are.
    """
    names = labels(found, anonymous=anonymous)
    groups = found.findings.groups
    return pages_of(__file__).render(
        "page.html.j2",
        assignment=found.assignment,
        found=found,
        findings=found.findings,
        anonymous=anonymous,
        told=[
            _group_on_page(found, group, n, names)
            for n, group in enumerate(groups[:MOST_GROUPS_ON_PAGE], 1)
        ],
        more=len(groups[MOST_GROUPS_ON_PAGE:]),
        bars=_bars(found.findings.scores),
        remarks=[
            (clean_characters(student.label), student.earlier, sentences)
            for student, sentences in found.remarks.items()
        ],
        listed=sum(len(group.pairs) for group in groups),
        shown_score=shown_score,
    )


def _bars(scores: Sequence[tuple[float, int]]) -> list[Bar]:
    highs = [low for low, _ in scores[1:]] + [None]
    # Logarithmic, so that one pair among twenty thousand is visible.
    most = max((log10(1 + pairs) for _, pairs in scores), default=0) or 1
    return [
        Bar(low, high, pairs, round(100 * log10(1 + pairs) / most, 1))
        for (low, pairs), high in zip(scores, highs, strict=True)
    ]


def _group_on_page(
    found: Similar, group: LinkedStudents, number: int, names: dict[int, str]
) -> Told:
    anchor = f"group-{number}"
    return Told(
        anchor=anchor,
        labels=tuple(names[member] for member in dict.fromkeys(_by_pairs(group))),
        group=group,
        comparisons=tuple(
            _pair_on_page(found, pair, f"{anchor}-{n}", names)
            for n, pair in enumerate(group.links[:MOST_LINKS], 1)
        ),
    )


def _pair_on_page(
    found: Similar, pair: StudentPair, anchor: str, names: dict[int, str]
) -> PairOnPage:
    few = max(UNUSUAL * found.findings.pairs, 1)
    alike = [
        each
        for each in pair.exercises
        if each.as_alike and (each.share >= SHOWN_FROM or each.kind is AnswerKind.WORDS)
    ]
    # In a small class or a large group nothing may be unusual: then show what is alike.
    telling = [each for each in alike if each.as_alike <= few] or alike
    most = sorted(telling, key=lambda each: -each.shared)[:MOST_EXERCISES]
    shown = [each for each in telling if each in most]
    return PairOnPage(
        labels=(names[pair.one], names[pair.other]),
        pair=pair,
        reasons=tuple(_reasons_of_pair(pair)),
        beside=tuple(_side_by_side(found, pair, each, anchor, names) for each in shown),
        left_out=tuple(
            clean_characters(found.label_of(e.exercise)) for e in telling if e not in shown
        ),
        silent=tuple(
            clean_characters(found.label_of(e.exercise)) for e in pair.exercises if not e.as_alike
        ),
    )


def _reasons_of_pair(pair: StudentPair) -> Iterator[str]:
    if pair.whole >= 1:
        yield "Their code reads alike over the exercises together"
    if pair.alone >= 1:
        yield "One long answer in code reads alike, with much that few others have"
    if pair.written >= 1:
        yield "A written answer has passages that few others have, word by word"


def _side_by_side(
    found: Similar, pair: StudentPair, alike: Alike, anchor: str, names: dict[int, str]
) -> SideBySide:
    answers = found.exercises[alike.exercise]
    few, many = shared_prints(answers, len(found.students), pair.one, pair.other)
    sides = [
        Side(
            names[n],
            mark_passages(answers.readings[n], few, many, alike.kind),
            answers.readings[n].whole,
        )
        for n in (pair.one, pair.other)
    ]
    return SideBySide(
        exercise=clean_characters(found.label_of(alike.exercise)),
        anchor=f"{anchor}-{pair.exercises.index(alike) + 1}",
        told=f"{100 * alike.share:.0f} %",
        sides=(sides[0], sides[1]),
    )


# ---- Text with its passages ----------------------------------------------------------------------


def mark_passages(
    read: Fingerprint, few: Iterable[int], many: Iterable[int], kind: AnswerKind
) -> Markup:
    """Return an answer as HTML, with the passages marked that it shares with another.

    Parameters
    ----------
    read : Fingerprint
    few, many : iterable of int
        Shared fingerprints: the rare ones, and the others.
    kind : AnswerKind
        Code is highlighted.
    """
    level = bytearray(len(read.text))
    for rank, prints in ((1, many), (2, few)):
        for begin, end in passages(read, prints):
            # Line by line, so that indentation is not marked.
            for line in LINE.finditer(read.text, begin, end):
                level[line.start() : line.end()] = bytes([rank]) * len(line[0])
    tokens = (
        PythonLexer().get_tokens_unprocessed(read.text)
        if kind is AnswerKind.CODE
        else [(0, None, read.text)]
    )
    stretches: list[tuple[int, list[tuple[Any, str]]]] = []
    for start, token, value in tokens:
        for begin, end in _stretches(level, start, start + len(value)):
            if not stretches or stretches[-1][0] != level[begin]:
                stretches.append((level[begin], []))
            stretches[-1][1].append((token, clean_characters(read.text[begin:end])))
    return Markup("").join(_stretch(PASSAGES[rank], parts, kind) for rank, parts in stretches)


def _stretches(level: bytearray, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Split a stretch of text into parts that have one kind of mark each."""
    begin = start
    for place in range(start + 1, stop + 1):
        if place == stop or level[place] != level[begin]:
            yield begin, place
            begin = place


def _stretch(name: str, parts: list[tuple[Any, str]], kind: AnswerKind) -> Markup:
    text = "".join(value for _, value in parts)
    body = escape(text)
    if kind is AnswerKind.CODE:
        coloured = formatted(parts, FORMATTER)
        body = Markup(coloured if text.endswith("\n") else coloured.removesuffix("\n"))
    return Markup('<mark class="{}">{}</mark>').format(name, body) if name else body


# ---- For the command ---------------------------------------------------------------------------


def write(course: Course, found: Similar, *, anonymous: bool = False) -> str:
    """Write the page to `reports/`, and return its path relative to the course's folder."""
    path = course.root / "reports" / f"{found.assignment}-similar.html"
    path.parent.mkdir(exist_ok=True)
    path.write_text(page_on_class(found, anonymous=anonymous), encoding="utf-8", newline="\n")
    return path.relative_to(course.root).as_posix()


def describe_groups(found: Similar, written: str, *, anonymous: bool = False) -> Iterator[str]:
    """Yield the command's output: a line for each group that stands out, and the page's path."""
    names = labels(found, anonymous=anonymous)
    submissions = count_of(len(found.students), "submission", "submissions")
    pairs = f"{found.findings.pairs:,} pair{'' if found.findings.pairs == 1 else 's'}"
    if groups := found.findings.groups:
        listed = count_of(sum(len(group.pairs) for group in groups), "pair", "pairs")
        yield f"{found.assignment}: {listed} of {found.findings.pairs:,} to read, {submissions}"
        for group in groups[:MOST_GROUPS_ON_PAGE]:
            members = [names[number] for number in dict.fromkeys(_by_pairs(group))]
            yield f"  {shown_score(group.pairs[0].score)}  {', '.join(map(printable, members))}"
        yield "  A reason to read both, not a proof."
    else:
        yield f"{found.assignment}: nothing stands out among {submissions} ({pairs})."
    if found.remarks:
        number = count_of(len(found.remarks), "submission", "submissions")
        yield f"  Not compared in full: {number}."
    yield f"  {written}"


# ---- For machines --------------------------------------------------------------------------------


def as_data(found: Similar, *, anonymous: bool = False) -> dict[str, Any]:
    """Return the findings as plain data: numbers and names, no answers."""
    names = labels(found, anonymous=anonymous)

    def data_of(pair: StudentPair) -> dict[str, Any]:
        numbers = asdict(pair)
        return {"students": [names[numbers.pop("one")], names[numbers.pop("other")]], **numbers}

    return {
        "assignment": found.assignment,
        "submissions": len(found.students),
        "pairs": found.findings.pairs,
        "nearest": found.findings.nearest,
        "groups": [
            {
                "students": [names[n] for n in dict.fromkeys(_by_pairs(group))],
                "pairs": [data_of(pair) for pair in group.pairs],
            }
            for group in found.findings.groups
        ],
        "not_compared": len(found.remarks)
        if anonymous
        else {clean_characters(s.label): list(told) for s, told in found.remarks.items()},
    }
