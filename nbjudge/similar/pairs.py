"""Which answers of a class read more alike than chance would have it.

Two things are discounted: what many have, and what the course itself knows as an answer. What is
left is held against the class: how many pairs are as alike in this exercise, and in all of them?
Everything here is computed from fingerprints, without a file.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbjudge.similar.fingerprints import AnswerKind, Fingerprint

__all__ = [
    "Alike",
    "Answers",
    "Comparison",
    "LinkedStudents",
    "StudentPair",
    "compare",
    "erlang_tail",
    "rarity",
    "shared_prints",
    "weights",
]

Matrix = NDArray[np.float64]

#: The share of its rarity that a fingerprint of the release's or of known answers weighs.
KNOWN_WEIGHS = 0.2
#: Below this, what two answers share is no evidence at all.
LEAST_EVIDENCE = 0.3
#: One answer stands out alone if it shares so many rare fingerprints, and such a share of its own.
STANDS_ALONE = {AnswerKind.CODE: (40.0, 0.8), AnswerKind.WORDS: (15.0, 0.3)}
#: The least rarity of a fingerprint that few have.
RARE = 0.5
#: Where the bars of the distribution of scores begin; pairs from 1 on stand out.
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Answers:
    """The answers of a class to one exercise.

    Parameters
    ----------
    exercise : str
        Its number.
    kind : AnswerKind
    readings : mapping of int to Fingerprint
        By the number of the student.
    given : set of int
        The fingerprints of what everybody was given.
    known : set of int
        Those of the course's own answers, right and wrong.
    """

    exercise: str
    kind: AnswerKind
    readings: Mapping[int, Fingerprint]
    given: frozenset[int] = frozenset()
    known: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Alike:
    """How two students' answers to one exercise read alike.

    Parameters
    ----------
    exercise : str
    kind : AnswerKind
    share : float
        Of what the student who has less of their own wrote, weighed by rarity, from 0 to 1.
    shared : float
        How much that is: fingerprints, each counted by its rarity.
    as_alike : int
        How many pairs of the class are as alike here, this one included; 0 if there is nothing to
        tell.
    """

    exercise: str
    kind: AnswerKind
    share: float
    shared: float
    as_alike: int


@dataclass(frozen=True)
class StudentPair:
    """Two students whose answers were compared.

    Parameters
    ----------
    one, other : int
        Their numbers.
    score : float
        The largest of the following. From 1 on a pair stands out.
    whole : float
        Of all code together: 1 is where chance would have one pair of such a class.
    alone : float
        Of the one answer in code that stands out most by itself.
    written : float
        Of the one written answer that does.
    exercises : tuple of Alike
        In the order of the assignment.
    """

    one: int
    other: int
    score: float
    whole: float
    alone: float
    written: float
    exercises: tuple[Alike, ...]


@dataclass(frozen=True)
class LinkedStudents:
    """Students who are linked by pairs that stand out.

    Parameters
    ----------
    members : tuple of int
    pairs : tuple of StudentPair
        All that stand out, the highest score first.
    links : tuple of StudentPair
        As few of them as show everybody beside the one whom they read most like.
    """

    members: tuple[int, ...]
    pairs: tuple[StudentPair, ...]
    links: tuple[StudentPair, ...]


@dataclass(frozen=True)
class Comparison:
    """What comparing a class came to.

    Parameters
    ----------
    pairs : int
        How many were compared.
    groups : tuple of LinkedStudents
        The highest score first.
    scores : tuple of (float, int)
        How many pairs have a score from this one on, and below the next.
    nearest : float
        The highest score below 1.
    """

    pairs: int
    groups: tuple[LinkedStudents, ...]
    scores: tuple[tuple[float, int], ...]
    nearest: float


def rarity(having: NDArray[np.int64], students: int) -> Matrix:
    """Return how rare each fingerprint is that so many students have: 1 for two at most, 0 for all.

    Parameters
    ----------
    having : ndarray of int
    students : int
        All of them.

    Notes
    -----
    It is log q / log q₀ with q = (n − 2 + ½) / (N − 1), which estimates the share of the others who
    have what a pair has (with half a student added on either side, as for any rare event), and q₀
    the same for n = 2: the inverse document frequency, as seen by a pair.
    """
    q = (np.maximum(having - 2, 0) + 0.5) / max(students - 1, 1)
    weight = np.log(np.minimum(q, 1.0)) / math.log(0.5 / max(students - 1, 1))
    return np.asarray(np.clip(weight, 0.0, 1.0), dtype=float)


def erlang_tail(shape: int, x: float) -> float:
    """Return how likely the sum of so many exponential variables of mean 1 is to exceed `x`."""
    term = total = math.exp(-x)
    for i in range(1, shape):
        term *= x / i
        total += term
    return min(total, 1.0)


def _needed_evidence(exercises: int, pairs: int) -> float:
    """Return the evidence that chance gives to one pair among so many."""
    low, high = 0.0, 1000.0
    for _ in range(100):
        middle = (low + high) / 2
        if pairs * erlang_tail(exercises, middle) > 1:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True)
class _Compared:
    """One exercise: what each two share, what each has, and how many pairs are as alike."""

    answers: Answers
    shared: Matrix
    share: Matrix
    as_alike: NDArray[np.int64]

    def of(self, one: int, other: int) -> Alike:
        return Alike(
            exercise=self.answers.exercise,
            kind=self.answers.kind,
            share=float(self.share[one, other]),
            shared=float(self.shared[one, other]),
            as_alike=int(self.as_alike[one, other]),
        )


def weights(answers: Answers, students: int) -> dict[int, float]:
    """Return what each fingerprint of an exercise weighs: by its rarity, less if it is known."""
    having: dict[int, int] = {}
    for read in answers.readings.values():
        for key in read.places:
            if key not in answers.given:
                having[key] = having.get(key, 0) + 1
    found = rarity(np.fromiter(having.values(), dtype=np.int64, count=len(having)), students)
    return {
        key: float(weight) * (KNOWN_WEIGHS if key in answers.known else 1.0)
        for key, weight in zip(having, found, strict=True)
    }


def shared_prints(
    answers: Answers, students: int, one: int, other: int
) -> tuple[set[int], set[int]]:
    """Return the fingerprints that two students share: those that few others have, and the rest."""
    weighed = weights(answers, students)
    one_read, other_read = answers.readings[one], answers.readings[other]
    shared = (one_read.places.keys() & other_read.places.keys()) - answers.given
    few = {key for key in shared if weighed[key] >= RARE}
    return few, set(shared) - few


def _compare_answers(answers: Answers, students: int, valid: NDArray[np.bool_]) -> _Compared:
    weighed = weights(answers, students)
    own = np.zeros(students)
    columns: dict[int, list[int]] = {}
    for student, read in answers.readings.items():
        # In the text's order: sums of floats depend on the order, and that of sets changes.
        for key in filter(weighed.__contains__, read.places):
            own[student] += weighed[key]
            columns.setdefault(key, []).append(student)
    # What only one answer has is shared by none.
    common = [(key, having) for key, having in columns.items() if len(having) > 1]
    has = np.zeros((students, len(common)))
    for column, (key, having) in enumerate(common):
        has[having, column] = math.sqrt(weighed[key])
    shared = has @ has.T
    less = np.minimum.outer(own, own)
    share = np.divide(shared, less, out=np.zeros_like(shared), where=less > 0)
    evidence = np.where(valid, shared * share, 0.0)
    order = np.sort(evidence[np.triu(valid, 1)])
    as_alike = len(order) - np.searchsorted(order, evidence - 1e-9)
    return _Compared(
        answers, shared, share, np.where(evidence > LEAST_EVIDENCE, as_alike, 0).astype(np.int64)
    )


def compare(
    exercises: Iterable[Answers],
    students: int,
    *,
    only: Collection[int] | None = None,
    left_out: Collection[tuple[int, int]] = (),
    earlier: int = 0,
) -> Comparison:
    """Return which pairs of a class read alike.

    Parameters
    ----------
    exercises : iterable of Answers
    students : int
        How many there are, numbered from 0.
    only : collection of int, optional
        The students whose pairs are told; all are compared.
    left_out : collection of (int, int)
        Pairs that are not to be compared, the lower number first.
    earlier : int
        How many of the last numbers are students of an earlier class, who are not compared with
        each other.

    Notes
    -----
    For each exercise in code the pairs are ranked by what they share; p is the part of all pairs
    that are as alike. The evidence of a pair is Σ −log p, which Fisher (1932) sums for independent
    tests: by chance alone it follows an Erlang distribution. The score of the whole is that
    evidence, divided by the one which a single pair of such a class would reach by chance.
    """
    valid = np.triu(np.ones((students, students), dtype=bool), 1)
    valid[students - earlier :, :] = False
    for one, other in left_out:
        valid[one, other] = False
    pairs = int(valid.sum())
    if not pairs:
        return Comparison(0, (), tuple((low, 0) for low in BINS), 0.0)
    found = [_compare_answers(answers, students, valid | valid.T) for answers in exercises]
    whole = _whole_likeness(found, pairs, students)
    alone, written = (_alone(found, kind, students) for kind in (AnswerKind.CODE, AnswerKind.WORDS))
    scores = np.where(valid, np.maximum(whole, np.maximum(alone, written)), 0.0)
    told = valid.copy()
    if only is not None:
        asked = np.isin(np.arange(students), list(only))
        told &= np.logical_or.outer(asked, asked)
    outstanding = [
        StudentPair(
            one=int(one),
            other=int(other),
            score=float(scores[one, other]),
            whole=float(whole[one, other]),
            alone=float(alone[one, other]),
            written=float(written[one, other]),
            exercises=tuple(
                exercise.of(one, other)
                for exercise in found
                if {one, other} <= exercise.answers.readings.keys()
            ),
        )
        for one, other in zip(*np.nonzero(told & (scores >= 1.0)), strict=True)
    ]
    counts, _ = np.histogram(scores[valid], bins=[*BINS, np.inf])
    below = scores[valid & (scores < 1.0)]
    return Comparison(
        pairs=pairs,
        groups=_groups(outstanding),
        scores=tuple(zip(BINS, map(int, counts), strict=True)),
        nearest=float(below.max(initial=0.0)),
    )


def _whole_likeness(found: Sequence[_Compared], pairs: int, students: int) -> Matrix:
    evidence = np.zeros((students, students))
    telling = 0
    for exercise in found:
        if exercise.answers.kind is AnswerKind.CODE and exercise.as_alike.any():
            telling += 1
            # The matrix is symmetric: its lower triangle repeats the upper.
            as_alike = exercise.as_alike
            evidence += np.where(as_alike > 0, -np.log(np.maximum(as_alike, 1) / pairs), 0.0)
    return evidence / _needed_evidence(telling, pairs) if telling else evidence


def _alone(found: Sequence[_Compared], kind: AnswerKind, students: int) -> Matrix:
    most, part = STANDS_ALONE[kind]
    score = np.zeros((students, students))
    for exercise in found:
        if exercise.answers.kind is kind:
            score = np.maximum(score, np.minimum(exercise.shared / most, exercise.share / part))
    return score


def _groups(pairs: Sequence[StudentPair]) -> tuple[LinkedStudents, ...]:
    """Link the students of pairs, the most alike first: each link that joins two groups is kept."""
    ordered = sorted(
        pairs,
        key=lambda p: (-round(p.score, 9), -sum(e.shared for e in p.exercises), p.one, p.other),
    )
    group_of: dict[int, set[int]] = {}
    links: list[StudentPair] = []
    for pair in ordered:
        one = group_of.setdefault(pair.one, {pair.one})
        other = group_of.setdefault(pair.other, {pair.other})
        if one is not other:
            links.append(pair)
            one |= other
            for member in other:
                group_of[member] = one
    groups: list[LinkedStudents] = []
    for pair in ordered:
        members = group_of[pair.one]
        if any(pair.one in group.members for group in groups):
            continue
        groups.append(
            LinkedStudents(
                members=tuple(sorted(members)),
                pairs=tuple(p for p in ordered if p.one in members),
                links=tuple(p for p in links if p.one in members),
            )
        )
    return tuple(groups)
