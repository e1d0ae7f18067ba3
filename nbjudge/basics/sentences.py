"""Shorten lists of sentences: merge those that differ only in a name, and count the excess.

Rows, pages and messages of commands use this for what they say about submissions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["duration", "group_sentences"]

#: At most so many sentences, names in one sentence, and characters in one sentence.
MOST_SENTENCES, MOST_EXAMPLES, MOST_OF_ONE = 20, 5, 600
#: Where sentences of one kind may differ: a quoted name, or the number of an exercise.
NAME_IN_SENTENCE = re.compile(r"(?<!\w)'[^'\n]*+'(?!\w)|(?<![\w.])\d+(?:\.\d+)+[a-z]?(?!\w)")


def duration(seconds: float) -> str:
    """Return a duration in words, in its two largest units, and at least one minute.

    >>> duration(20), duration(90), duration(9000), duration(93600)
    ('1 minute', '2 minutes', '2 hours 30 minutes', '1 day 2 hours')
    """
    minutes = max(1, round(seconds / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    counted = ((days, "day"), (hours, "hour")) if days else ((hours, "hour"), (minutes, "minute"))
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in counted if n)


def group_sentences(sentences: Iterable[str], most: int = MOST_SENTENCES) -> tuple[str, ...]:
    """Return the sentences with those of one kind merged into one, and at most `most` of them.

    Parameters
    ----------
    sentences : iterable of str
        Two are of one kind if they differ only in quoted names or exercise numbers.
    most : int
        How many to return; if there are more, a last sentence says how many are left out.

    Examples
    --------
    >>> group_sentences(["'a' is damaged.", "'b' is damaged.", "It came late.", "'c' is damaged."])
    ("'a' is damaged. The same is true of 'b' and 'c'.", 'It came late.')
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
    return f"{first} The same is true of {', '.join(front)}{' and ' if front else ''}{last}."


def _own_name(sentence: str, first: str) -> str:
    """Return the first name in which a sentence differs from the first one; empty if none does."""
    pairs = zip(NAME_IN_SENTENCE.findall(sentence), NAME_IN_SENTENCE.findall(first), strict=True)
    return next((own for own, other in pairs if own != other), "")


def _cut_sentence(sentence: str) -> str:
    return sentence if len(sentence) <= MOST_OF_ONE else f"{sentence[: MOST_OF_ONE - 1]}…"
