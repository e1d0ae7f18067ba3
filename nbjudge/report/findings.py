"""Sentences about what stands out in a class, computed from its numbers.

A sentence claims no more than the numbers support; what may well be chance is not said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from statistics import NormalDist

from nbjudge.basics.sentences import duration
from nbjudge.grading.rows import Status
from nbjudge.pages.frame import count_of, points
from nbjudge.report.statistics import (
    LEAST_STUDENTS,
    Correlation,
    ExerciseNumbers,
    ExercisePair,
    MistakeCount,
    Numbers,
    Unknown,
)

__all__ = [
    "amount",
    "interval",
    "list_of",
    "meaning_of_discrimination",
    "part_in_words",
    "run_time",
    "what_stands_out",
    "with_sign",
]

#: The most mistakes that are mentioned; and the fewest students, and the smallest part of the
#: class, that make one worth mentioning.
MOST_MISTAKES_TOLD = 3
SHARED_BY = 3
SHARED_PART = 0.1
#: The part of a class that must leave an exercise empty before it is mentioned.
EMPTY_PART = 0.2
#: An exercise is called hard below this part of its points.
HARD = 0.6
#: Running times from this many seconds on are mentioned.
LONG = 5.0
#: The most exercises that are listed by name in a sentence.
MOST_NAMED = 4

WORDS_FOR_PARTS = {
    Fraction(1, 10): "a tenth",
    Fraction(1, 5): "a fifth",
    Fraction(1, 4): "a quarter",
    Fraction(3, 10): "three tenths",
    Fraction(1, 3): "a third",
    Fraction(2, 5): "two fifths",
    Fraction(1, 2): "half",
    Fraction(3, 5): "three fifths",
    Fraction(2, 3): "two thirds",
    Fraction(7, 10): "seven tenths",
    Fraction(3, 4): "three quarters",
    Fraction(4, 5): "four fifths",
    Fraction(9, 10): "nine tenths",
}
#: How far a part may be from the fraction whose word describes it.
CLOSE = 0.02


def what_stands_out(found: Numbers) -> tuple[str, ...]:
    """Return the sentences, the most important first; there is always at least one."""
    return (
        *_about_marks(found),
        *_about_mistakes(found),
        *_hardest(found),
        *_best(found.exercises),
        *_against(found.exercises),
        *_all_alike(found),
        *_left_empty(found),
        *_together(found.pairs),
        *_slow(found.exercises),
        *_about_lateness(found),
        *_for_people(found),
    )


# ---- Words ---------------------------------------------------------------------------------------


def part_in_words(share: float) -> str | None:
    """Return the words for a fraction close to a part; None if none is close.

    >>> part_in_words(0.4), part_in_words(0.26), part_in_words(0.46)
    ('two fifths', 'about a quarter', None)
    """
    nearest = min(WORDS_FOR_PARTS, key=lambda fraction: abs(fraction - share))
    if abs(nearest - share) > CLOSE:
        return None
    return (
        WORDS_FOR_PARTS[nearest]
        if abs(nearest - share) < 1e-9
        else f"about {WORDS_FOR_PARTS[nearest]}"
    )


def amount(students: int, of: int) -> str:
    """Return a number of students as text, in words if the class is large enough.

    >>> amount(16, 40), amount(3, 7), amount(40, 40), amount(1, 40)
    ('two fifths of the class (16 of 40)', '3 of 7 students', 'all 40 students', '1 of 40 students')
    """
    if students == of:
        return f"all {of} students" if of > 1 else "the only student"
    word = part_in_words(students / of) if of >= LEAST_STUDENTS else None
    return f"{word} of the class ({students} of {of})" if word else f"{students} of {of} students"


def list_of(names: Sequence[str]) -> str:
    """Return names as a list for a sentence.

    >>> list_of(["1.1", "1.2", "1.3"])
    '1.1, 1.2 and 1.3'
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def run_time(seconds: float) -> str:
    """Return a running time as text.

    >>> run_time(0.004), run_time(0.25), run_time(12.3)
    ('under 0.01 s', '0.25 s', '12 s')
    """
    if seconds < 0.01:
        return "under 0.01 s"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def meaning_of_discrimination(exercise: ExerciseNumbers) -> str:
    """Return the meaning of an exercise's discrimination, in a few words."""
    found = exercise.discrimination
    if not exercise.is_read:
        return str(Unknown.WAITING)
    if not exercise.marked:
        return "nobody has a mark"
    if found.r is None:
        if exercise.full == exercise.marked:
            return "everybody has all points"
        if exercise.full + exercise.part == 0:
            return "nobody has a point"
        return f"not enough to say: {found.unknown}"
    if found.is_positive:
        return "goes with the rest"
    return "goes against the rest" if found.is_negative else "not clear"


def _per_cent(share: float) -> str:
    return f"{round(100 * share)} %"


def _tenths(number: float | None) -> str:
    return points(round(number or 0.0, 1))


def with_sign(r: float | None) -> str:
    """Return a correlation as text, with a typographic minus sign.

    >>> with_sign(-0.254)
    '−0.25'
    """
    return f"{r or 0.0:.2f}".replace("-", "−")


def interval(found: Correlation) -> str:
    """Return the limits of a correlation's interval as text."""
    return f"{with_sign(found.low)} to {with_sign(found.high)}"


# ---- Sentences -----------------------------------------------------------------------------------


def _about_marks(found: Numbers) -> Iterator[str]:
    marks, n = found.marks, found.graded
    worth = count_of(marks.points, "point", "points")
    if n == 0 or marks.median is None:
        yield "Nobody has marks yet, so there are no numbers."
        return
    so_far = ", so far" if found.to_read else ""
    if n == 1:
        yield f"One student is graded: {points(marks.scores[0])} of {worth}{so_far}."
        return
    low, high = marks.scores[0], marks.scores[-1]
    if low == high:
        yield f"All {n} students have {points(low)} of {worth}{so_far}."
    elif n < LEAST_STUDENTS:
        yield (
            f"{n} students are graded: they have {points(low)} to {points(high)} of "
            f"{worth}{so_far}. So few say little about exercises."
        )
    else:
        yield (
            f"The median is {_tenths(marks.median)} of {worth}{so_far}, and the middle half of the "
            f"class has {_tenths(marks.low_quartile)} to {_tenths(marks.high_quartile)}."
        )


def _best(exercises: Sequence[ExerciseNumbers]) -> Iterator[str]:
    told = [each for each in exercises if each.discrimination.is_positive]
    if not told:
        if any(each.discrimination.r is not None for each in exercises):
            yield (
                "No exercise can be said to separate strong from weak students: every interval of "
                "the discrimination holds 0."
            )
        return
    best = max(told, key=lambda each: each.discrimination.r or 0)
    own = best.discrimination
    rivals = [
        each
        for each in exercises
        if each is not best and (each.discrimination.high or -1) > (own.r or 0)
    ]
    chance = (
        f" {_number_of(len(rivals), 'other').capitalize()} may do so as well: their intervals "
        "reach as high."
        if len(rivals) > 1
        else f" {rivals[0].exercise.label} may do so as well: its interval reaches as high."
        if rivals
        else ""
    )
    yield (
        f"{best.exercise.called} separates best: who does well there tends to do well elsewhere "
        f"(discrimination {with_sign(own.r)}, interval {interval(own)}).{chance}"
    )


def _number_of(n: int, one: str) -> str:
    small = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return f"{small[n] if n < len(small) else n} {one}s"


def _hardest(found: Numbers) -> Iterator[str]:
    marked = (each for each in found.exercises if each.marked > 1)
    told = [(each.share, each) for each in marked if each.share is not None]
    if len(told) < 2 or found.graded < 2:
        return
    lowest = min(share for share, _ in told)
    hardest = [each for share, each in told if share - lowest < 1e-9]
    if len(hardest) > 2 or lowest >= 1:
        return
    names = list_of([each.exercise.called for each in hardest])
    are = "is" if len(hardest) == 1 else "are"
    hard = "the hardest" if lowest < HARD else "the hardest, though not hard"
    yield f"{names} {are} {hard}: {_points_won(lowest, hardest)}."


def _points_won(share: float, exercises: Sequence[ExerciseNumbers]) -> str:
    """Return the part of the points that was won in one exercise, or in each of two, as text."""
    word = part_in_words(share)
    were = "was" if word and word.removeprefix("about ").startswith("a ") else "were"
    their = "its" if len(exercises) == 1 else "their"
    how = f"{word or _per_cent(share)} of {their} points {were} won"
    if share == 0:
        how = "nobody won a point there"
    own = exercises[0].share_of_answers
    if len(exercises) > 1 or not exercises[0].empty or own is None or own <= share:
        return how
    left = count_of(exercises[0].empty, "student", "students")
    return f"{how}; {left} left it empty, the others won {_per_cent(own)}"


def _about_mistakes(found: Numbers) -> Iterator[str]:
    told: list[MistakeCount] = [
        each
        for each in found.mistakes
        if each.students >= SHARED_BY and each.students / each.of >= SHARED_PART
    ]
    for each in told[:MOST_MISTAKES_TOLD]:
        who = amount(each.students, each.of)
        who = who[0].upper() + who[1:]
        yield f"{who} made the same mistake in {each.exercise.called}: {_in_quotes(each.sentence)}"


def _in_quotes(sentence: str) -> str:
    line = " ".join(sentence.split())
    return f"“{line.rstrip('.')}.”"


def _against(exercises: Sequence[ExerciseNumbers]) -> Iterator[str]:
    for each in exercises:
        own = each.discrimination
        if own.is_negative:
            yield (
                f"{each.exercise.called} goes against the rest: who does well elsewhere tends "
                f"to do badly there (discrimination {with_sign(own.r)}, interval "
                f"{interval(own)}). Read its task and its test again."
            )


def _all_alike(found: Numbers) -> Iterator[str]:
    if found.graded < LEAST_STUDENTS:
        return
    known = [each for each in found.exercises if each.marked and each.is_read]
    everybody = [each for each in known if each.full == each.marked]
    nobody = [each for each in known if not each.full + each.part]
    if everybody:
        yield (
            f"Everybody has all points of {_few_labels(everybody)}, which therefore "
            f"{'tells' if len(everybody) == 1 else 'tell'} nobody apart."
        )
    if nobody:
        few = _few_labels(nobody)
        yield f"Nobody has a point of {few}: was it understood, and does the test work?"


def _few_labels(exercises: Sequence[ExerciseNumbers]) -> str:
    labels = [each.exercise.label for each in exercises]
    if len(labels) <= MOST_NAMED:
        return list_of(labels)
    return f"{', '.join(labels[:MOST_NAMED])} and {len(labels) - MOST_NAMED} more"


def _left_empty(found: Numbers) -> Iterator[str]:
    if found.graded < LEAST_STUDENTS:
        return
    told = [
        each
        for each in found.exercises
        if each.marked and each.empty / (each.marked + each.waiting) >= EMPTY_PART
    ]
    if told:
        most = max(told, key=lambda each: each.empty / (each.marked + each.waiting))
        who = amount(most.empty, most.marked + most.waiting)
        others = len(told) - 1
        also = f", the most; {others} more by a fifth or more" if others else ""
        yield f"{most.exercise.called} was left empty by {who}{also}."


def _together(pairs: Sequence[ExercisePair]) -> Iterator[str]:
    known = [pair for pair in pairs if pair.correlation.r is not None]
    if len(known) < 2:
        return
    best = max(known, key=lambda pair: pair.correlation.r or 0)
    # The largest of many correlations is large by chance, too, so it must exceed that chance.
    if _stands_out(best, len(known)):
        yield (
            f"The marks of {best.one.called} and {best.other.called} go together most closely "
            f"(correlation {with_sign(best.correlation.r)})."
        )


def _stands_out(pair: ExercisePair, of: int) -> bool:
    """Return whether a correlation is significantly above 0, as the largest of so many."""
    n, r = pair.correlation.n, min(pair.correlation.r or 0.0, 1 - 1e-12)
    return math.atanh(r) * math.sqrt(n - 3) > NormalDist().inv_cdf(1 - 0.025 / of)


def _slow(exercises: Sequence[ExerciseNumbers]) -> Iterator[str]:
    timed = [each for each in exercises if each.times is not None and each.times.most >= LONG]
    if not timed:
        return
    slowest = max(timed, key=lambda each: each.times.most if each.times else 0)
    times = slowest.times
    if times is None:
        return
    if times.median >= LONG:
        yield (
            f"The code of {slowest.exercise.called} runs longest: {run_time(times.median)} in the "
            f"middle, and up to {run_time(times.most)}."
        )
    else:
        yield (
            f"The slowest answer to {slowest.exercise.called} ran for {run_time(times.most)}, "
            f"where {run_time(times.median)} is usual."
        )


def _about_lateness(found: Numbers) -> Iterator[str]:
    late = found.lateness
    if not late.members:
        return
    latest = duration(late.members[0].seconds_late)
    if len(late.members) == 1:
        told = f"1 of {count_of(late.dated, 'submission', 'submissions')} came late, by {latest}"
    else:
        told = (
            f"{len(late.members)} of {count_of(late.dated, 'submission', 'submissions')} came "
            f"late, the last by {latest}"
        )
    cost = count_of(late.penalty, "point was", "points were")
    yield f"{told}; {cost} taken off." if late.penalty else f"{told}; nothing was taken off."


def _for_people(found: Numbers) -> Iterator[str]:
    failed = found.count(Status.FAILED)
    partly = found.count(Status.NEEDS_A_PERSON)
    if failed or partly:
        told = []
        if failed:
            told.append(f"{count_of(failed, 'submission', 'submissions')} could not be graded")
        if partly:
            needs = "submission needs" if partly == 1 else "submissions need"
            told.append(f"{partly} {needs} a person’s eye")
        yield f"{list_of(told)}: the reasons are below."
    if waiting := sum(count for _, count in found.to_read):
        answers = "answer waits" if waiting == 1 else "answers wait"
        yield f"{waiting} written {answers} to be read; the marks are those so far."
