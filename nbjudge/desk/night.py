"""The figures of an assignment for its instructor: who has handed in, the queue, what fails."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nbjudge.basics.text import clean_characters, sort_key
from nbjudge.course.cells import NotebookVersion, exercise_label, exercise_number
from nbjudge.course.marks import exercise_order
from nbjudge.desk.due_dates import Terms
from nbjudge.desk.outcomes import HandInOutcome, most_failed
from nbjudge.desk.store import HandIn, HandInState, Store

__all__ = ["Night", "exercise_labels", "night_of", "percentile"]

#: Minutes over which the rate of hand-ins is averaged.
MINUTES = 10
#: The time to a mark is computed from this many of the latest marks.
LAST_MARKS = 500


@dataclass(frozen=True)
class Night:
    """The state of an assignment at one moment.

    Parameters
    ----------
    assignment : str
    due, last_due : datetime, optional
        In UTC: the deadline of the class, and the end of the longest extension.
    handed_in : tuple of (str, HandIn)
        Each student's name and the hand-in that counts, the latest first.
    missing : tuple of (str, str)
        Id and name of everybody in the class who has handed in nothing.
    absent : tuple of (str, str)
        The same for those who are in the gradebook but no longer in the class.
    per_minute : float
        Hand-ins per minute, over the last `MINUTES`.
    waiting, marking : int
        How many hand-ins are in the queue, and how many are being graded.
    median, slow : float, optional
        Seconds from a hand-in to its mark: the median and the 95th percentile.
    failing : sequence
        As `most_failed` returns it.
    for_a_person : tuple of (str, HandIn, tuple of str)
        The hand-ins that a person has to look at: name, hand-in, reasons.
    held : frozenset of str
        The exercises whose marks are hidden.
    """

    assignment: str
    due: datetime | None
    last_due: datetime | None
    handed_in: tuple[tuple[str, HandIn], ...]
    missing: tuple[tuple[str, str], ...]
    absent: tuple[tuple[str, str], ...]
    per_minute: float
    waiting: int
    marking: int
    median: float | None
    slow: float | None
    failing: Sequence[tuple[str, int, int, str]]
    for_a_person: tuple[tuple[str, HandIn, tuple[str, ...]], ...]
    held: frozenset[str]


def exercise_labels(notebooks: Mapping[str, NotebookVersion]) -> dict[str, str]:
    """Return the titles of an assignment's exercises by number, in order."""
    labels = {
        exercise_number(cell.grade_id): version.titles.get(exercise_number(cell.grade_id), "")
        for version in notebooks.values()
        for cell in version.cells
        if cell.grade or cell.task
    }
    return {
        clean_characters(number): clean_characters(exercise_label(number, labels[number]))
        for number in sorted(labels, key=exercise_order)
    }


def night_of(
    store: Store,
    terms: Terms,
    assignment: str,
    now: datetime,
    absent: Collection[str] = (),
) -> Night:
    """Return the state of an assignment now.

    Parameters
    ----------
    store : Store
    terms : Terms
    assignment : str
    now : datetime
        In UTC, without a time zone.
    absent : collection of str
        Ids of students who are in the gradebook but no longer in the class.
    """
    found = store.that_count(assignment)
    here = {each.student for each in found}
    outcomes = {
        each.id: HandInOutcome.from_data(each.outcome) for each in found if each.outcome is not None
    }
    marked = sorted(
        (each for each in found if each.marked is not None),
        key=lambda each: each.marked or each.received,
    )
    times = [
        (each.marked - each.received).total_seconds()
        for each in marked[-LAST_MARKS:]
        if each.marked is not None
    ]
    without = [
        (id, terms.name_of(id))
        for id in sorted(terms.people, key=lambda id: sort_key(terms.name_of(id)))
        if id not in here
    ]
    return Night(
        assignment=assignment,
        due=terms.due.get(assignment),
        last_due=terms.last_due(assignment),
        handed_in=tuple((terms.name_of(each.student), each) for each in reversed(found)),
        missing=tuple((id, name) for id, name in without if id not in absent),
        absent=tuple((id, name) for id, name in without if id in absent),
        per_minute=store.received_since(assignment, now - timedelta(minutes=MINUTES)) / MINUTES,
        waiting=sum(each.state == HandInState.WAITING for each in found),
        marking=sum(each.state == HandInState.MARKING for each in found),
        median=percentile(times, 0.5),
        slow=percentile(times, 0.95),
        failing=most_failed(outcomes.values()),
        for_a_person=tuple(
            (terms.name_of(each.student), each, outcomes[each.id].problems)
            for each in found
            if each.id in outcomes and outcomes[each.id].problems
        ),
        held=store.held_exercises(assignment),
    )


def percentile(values: Collection[float], share: float) -> float | None:
    """Return the smallest value that at least a share of all does not exceed; None if none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([5.0], 0.95)
    (2.0, 5.0)
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
