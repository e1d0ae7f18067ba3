"""Many sentences as few: those of one kind become one, and what is too much is counted.

For whatever is told of what somebody else made: rows, pages, and the messages of commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["duration", "group_sentences"]

#: Sentences that are told, names in one of them, and characters of one.
MOST_SENTENCES, MOST_EXAMPLES, MOST_OF_ONE = 20, 5, 600
#: Where sentences of one kind may differ: a name in quotes, or the number of an exercise.
NAME_IN_SENTENCE = re.compile(r"(?<!\w)'[^'\n]*+'(?!\w)|(?<![\w.])\d+(?:\.\d+)+[a-z]?(?!\w)")


def duration(seconds: float) -> str:
    """Return how long something took, or how late it came, in words: the two largest units.

    >>> duration(20), duration(90), duration(9000), duration(93600)
    ('1 minute', '2 minutes', '2 hours 30 minutes', '1 day 2 hours')
    """
    minutes = max(1, round(seconds / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    counted = ((days, "day"), (hours, "hour")) if days else ((hours, "hour"), (minutes, "minute"))
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in counted if n)


def group_sentences(sentences: Iterable[str], most: int = MOST_SENTENCES) -> tuple[str, ...]:
    """Return sentences, those of one kind told once with the names of the others, and not too many.

    Parameters
    ----------
    sentences : iterable of str
        They are of one kind if they differ in no more than a quoted name, or an exercise's number.
    most : int
        How many are told; one more then says how many are not.

    Examples
    --------
    >>> group_sentences(["'a' is damaged.", "'b' is damaged.", "It came late.", "'c' is damaged."])
    ("'a' is damaged. So it is with 'b' and 'c'.", 'It came late.')
    >>> group_sentences(["A cell was stopped."] * 3)
    ('A cell was stopped. (3 times)',)
    """
    kinds: dict[str, list[str]] = {}
    for sentence in sentences:
        kinds.setdefault(NAME_IN_SENTENCE.sub("''", sentence), []).append(sentence)
    told = [_cut_sentence(_sentence_of(alike)) for alike in kinds.values()]
    if (more := len(told) - most) > 0:
        told[most:] = [f"And {more} more of other kinds."]
    return tuple(told)


def _sentence_of(alike: list[str]) -> str:
    first = alike[0]
    names = dict.fromkeys(_own_name(sentence, first) for sentence in alike[1:])
    names.pop("", None)
    if not names:
        return first if len(alike) == 1 else f"{first} ({len(alike)} times)"
    shown = list(names)[: MOST_EXAMPLES - 1]
    if more := len(names) - len(shown):
        shown.append(f"{more} more")
    *front, last = shown
    return f"{first} So it is with {', '.join(front)}{' and ' if front else ''}{last}."


def _own_name(sentence: str, first: str) -> str:
    """Return the first name in which a sentence differs from another; empty if they are equal."""
    pairs = zip(NAME_IN_SENTENCE.findall(sentence), NAME_IN_SENTENCE.findall(first), strict=True)
    return next((own for own, other in pairs if own != other), "")


def _cut_sentence(sentence: str) -> str:
    return sentence if len(sentence) <= MOST_OF_ONE else f"{sentence[: MOST_OF_ONE - 1]}…"
