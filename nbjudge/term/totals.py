"""Term totals: each student's weighted mean over all assignments, in percent.

Everything is computed from a `GradeTable`; nothing is rounded before it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from traitlets import Dict, Float, Integer, Unicode
from traitlets.config import Config, Configurable

from nbjudge.course.marks import AssignmentMarks, GradeTable, Person
from nbjudge.exceptions import CourseError
from nbjudge.intake.submission import name_list

__all__ = ["Part", "TermTotals", "Total", "Totals", "Weighing", "read_weighing", "term_totals"]

#: Tolerance of the comparison with the pass mark, for rounding errors.
ROUNDING = 1e-9


class Totals(Configurable):
    """How the marks of a term are combined.

    An assignment that nobody has a mark for does not count. A student without a submission for one
    that counts has 0 there.
    """

    weights = Dict(
        key_trait=Unicode(),
        value_trait=Float(),
        help=(
            "How much each assignment counts, by name, such as {'optimisers': 40}; without any, "
            "each counts by its points."
        ),
    ).tag(config=True)

    drop_lowest = Integer(
        0,
        min=0,
        help="How many assignments, those with the lowest part of their points, do not count.",
    ).tag(config=True)

    pass_percent = Float(
        0.0, min=0, max=100, help="Percent with which a student has passed; 0 sets no pass mark."
    ).tag(config=True)


@dataclass(frozen=True)
class Weighing:
    """The settings of `Totals` as plain data."""

    weights: Mapping[str, float] = field(default_factory=dict)
    drop_lowest: int = 0
    pass_percent: float = 0.0


@dataclass(frozen=True)
class Part:
    """One assignment's part of a student's total.

    Parameters
    ----------
    assignment : str
    points, max_points : float
        Points won, minus the penalty, and the most that can be won.
    weight : float
    is_missing : bool
        Whether the student has no graded submission, which counts as 0.
    is_dropped : bool
        Whether it is one of the lowest, and does not count.
    waiting : int
        How many answers a person still has to mark.
    seconds_late, penalty : float
    """

    assignment: str
    points: float
    max_points: float
    weight: float
    is_missing: bool = False
    is_dropped: bool = False
    waiting: int = 0
    seconds_late: float = 0.0
    penalty: float = 0.0

    @property
    def share(self) -> float:
        """The part of the points that was won."""
        return self.points / self.max_points if self.max_points else 0.0


@dataclass(frozen=True)
class Total:
    """One student's total.

    Parameters
    ----------
    person : Person
    parts : tuple of Part
        In the order of the assignments.
    pass_percent : float
        0 if there is no pass mark.
    """

    person: Person
    parts: tuple[Part, ...]
    pass_percent: float = 0.0

    @property
    def percent(self) -> float:
        """The weighted mean of the parts that count, in percent."""
        counted = [part for part in self.parts if not part.is_dropped]
        weight = math.fsum(part.weight for part in counted)
        won = math.fsum(part.weight * part.share for part in counted)
        return 100 * won / weight if weight else 0.0

    @property
    def is_final(self) -> bool:
        """Whether no answer waits for a person's mark."""
        return not any(part.waiting for part in self.parts)

    @property
    def passes(self) -> bool | None:
        """Whether the pass mark is reached so far; None if there is no pass mark."""
        return self.percent >= self.pass_percent - ROUNDING if self.pass_percent else None


@dataclass(frozen=True)
class TermTotals:
    """Everybody's totals of a term.

    Parameters
    ----------
    totals : tuple of Total
        Sorted by name.
    assignments : tuple of Part
        The assignments that count, with their points and weights.
    ungraded : tuple of str
        Assignments that nobody has a mark for.
    weighing : Weighing
    """

    totals: tuple[Total, ...]
    assignments: tuple[Part, ...]
    ungraded: tuple[str, ...]
    weighing: Weighing


def read_weighing(config: Config) -> Weighing:
    """Return the settings of the section `Totals` in a configuration.

    Raises
    ------
    CourseError
        If a weight is negative, or no number.
    """
    found = Totals(config=config)
    for name, weight in found.weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            message = f"c.Totals.weights['{name}'] is {weight:g}: give a number from 0 on."
            raise CourseError(message)
    return Weighing(dict(found.weights), found.drop_lowest, found.pass_percent)


def term_totals(table: GradeTable, weighing: Weighing) -> TermTotals:
    """Return the totals of everybody in the gradebook.

    Parameters
    ----------
    table : GradeTable
        All assignments and students.
    weighing : Weighing

    Raises
    ------
    CourseError
        If the weights name an unknown assignment or leave out a graded one, or if no assignment
        that counts has a mark.
    """
    known = {each.name for each in table.assignments}
    graded = [each for each in table.assignments if each.graded and each.max_points > 0]
    if unknown := sorted(weighing.weights.keys() - known):
        message = (
            f"c.Totals.weights names {name_list(unknown)}, which the gradebook does not know. "
            f"It has: {', '.join(sorted(known)) or 'none yet'}."
        )
        raise CourseError(message)
    unweighed = [each.name for each in graded if each.name not in weighing.weights]
    if weighing.weights and unweighed:
        message = (
            f"c.Totals.weights says nothing of {name_list(unweighed)}, which is graded. Give it a "
            "weight, or 0 if it does not count."
        )
        raise CourseError(message)
    counted = [each for each in graded if weighing.weights.get(each.name, each.max_points) > 0]
    if not counted:
        message = "Nothing that counts is graded yet. Run `course autograde` first."
        raise CourseError(message)
    people = sorted(table.people, key=lambda person: person.order)
    totals = (
        Total(
            person,
            _with_dropped(
                [_part_of_total(each, person.id, weighing) for each in counted], weighing
            ),
            weighing.pass_percent,
        )
        for person in people
    )
    return TermTotals(
        tuple(totals),
        tuple(_part_of_total(each, "", weighing) for each in counted),
        tuple(sorted(known - {each.name for each in graded})),
        weighing,
    )


def _part_of_total(assignment: AssignmentMarks, student: str, weighing: Weighing) -> Part:
    own = assignment.graded.get(student)
    part = Part(
        assignment.name,
        0.0,
        assignment.max_points,
        weighing.weights.get(assignment.name, assignment.max_points),
        is_missing=own is None,
    )
    if own is None:
        return part
    return replace(
        part,
        points=own.points,
        waiting=len(own.waiting),
        seconds_late=own.seconds_late,
        penalty=own.penalty,
    )


def _with_dropped(parts: Sequence[Part], weighing: Weighing) -> tuple[Part, ...]:
    """Mark the lowest parts as dropped; at least one is kept."""
    most = min(weighing.drop_lowest, len(parts) - 1)
    lowest = sorted(range(len(parts)), key=lambda place: (parts[place].share, place))[:most]
    return tuple(replace(part, is_dropped=place in lowest) for place, part in enumerate(parts))
