"""Find pairs of students whose answers are more alike than chance explains.

Fingerprints that many students have, or that occur in the course's own known answers, count less.
The rest is compared with the class: how many pairs are as alike in this exercise, and in all of
them together? Everything is computed from fingerprints, without reading files.
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

#: The factor on the weight of a fingerprint that occurs in the course's known answers.
KNOWN_WEIGHS = 0.2
#: The least evidence (shared weight times share) that counts.
LEAST_EVIDENCE = 0.3
#: A single answer makes a pair stand out if it shares this weight of fingerprints, and this part of
#: its own.
STANDS_ALONE = {AnswerKind.CODE: (40.0, 0.8), AnswerKind.WORDS: (15.0, 0.3)}
#: The least weight of a fingerprint that counts as rare.
RARE = 0.5
#: The lower limits of the bars in the distribution of scores; pairs from 1 on stand out.
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
        By the index of the student.
    given : set of int
        The fingerprints of what everybody was given; they do not count.
    known : set of int
        The fingerprints of the course's own answers, right and wrong.
    """

    exercise: str
    kind: AnswerKind
    readings: Mapping[int, Fingerprint]
    given: frozenset[int] = frozenset()
    known: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Alike:
    """How alike two students' answers to one exercise are.

    Parameters
    ----------
    exercise : str
    kind : AnswerKind
    share : float
        The shared weight divided by that of the answer with less weight; between 0 and 1.
    shared : float
        The sum of the weights of shared fingerprints.
    as_alike : int
        How many pairs of the class are at least as alike here, this one included; 0 if there is too
        little evidence.
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
        Their indices.
    score : float
        The largest of the next three. A pair with 1 or more stands out.
    whole : float
        The score of all code together; by chance alone, one pair of such a class would reach 1.
    alone : float
        The score of the single code answer that stands out most.
    written : float
        The score of the written answer that stands out most.
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
    """A group of students who are connected by pairs that stand out.

    Parameters
    ----------
    members : tuple of int
    pairs : tuple of StudentPair
        All pairs of the group that stand out, the highest score first.
    links : tuple of StudentPair
        The pairs that connect the group: its maximum spanning tree.
    """

    members: tuple[int, ...]
    pairs: tuple[StudentPair, ...]
    links: tuple[StudentPair, ...]


@dataclass(frozen=True)
class Comparison:
    """The result of comparing all pairs of a class.

    Parameters
    ----------
    pairs : int
        The number of pairs that were compared.
    groups : tuple of LinkedStudents
        The highest score first.
    scores : tuple of (float, int)
        The distribution of scores: the lower limit of each bar, and the number of pairs in it.
    nearest : float
        The highest score below 1.
    """

    pairs: int
    groups: tuple[LinkedStudents, ...]
    scores: tuple[tuple[float, int], ...]
    nearest: float


def rarity(having: NDArray[np.int64], students: int) -> Matrix:
    """Return the rarity of fingerprints: 1 if two students or fewer have it, 0 if all have it.

    Parameters
    ----------
    having : ndarray of int
        How many students have each fingerprint.
    students : int
        The number of all students.

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
    """Return the probability that a sum of `shape` exponential variables of mean 1 exceeds `x`."""
    term = total = math.exp(-x)
    for i in range(1, shape):
        term *= x / i
        total += term
    return min(total, 1.0)


def _needed_evidence(exercises: int, pairs: int) -> float:
    """Return the evidence that by chance alone one of so many pairs is expected to exceed."""
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
    """The comparison of one exercise, as matrices over students: see `Alike`."""

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
    """Return the weight of each fingerprint of an exercise: its rarity, reduced if it is known."""
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
    """Return the fingerprints that two students share: the rare ones, and the others."""
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
        # In the order of the text, not of a set, as the sum of floats depends on the order.
        for key in filter(weighed.__contains__, read.places):
            own[student] += weighed[key]
            columns.setdefault(key, []).append(student)
    # Leave out fingerprints of a single answer: nobody shares them.
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
    """Compare all pairs of a class.

    Parameters
    ----------
    exercises : iterable of Answers
    students : int
        The number of students; their indices begin at 0.
    only : collection of int, optional
        Report only pairs with these students; all are compared.
    left_out : collection of (int, int)
        Pairs that are not compared, the lower index first.
    earlier : int
        How many of the last indices are students of an earlier class, who are not compared with
        each other.

    Notes
    -----
    For each exercise in code the pairs are ranked by what they share; p is the part of all pairs
    that are at least as alike. The evidence of a pair is Σ −log p, which Fisher (1932) sums for
    independent tests: by chance alone it follows an Erlang distribution. The score `whole` is that
    evidence, divided by the one that a single pair of such a class is expected to reach by chance.
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
    """Group the students of pairs by Kruskal's algorithm, the most alike pairs first."""
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
