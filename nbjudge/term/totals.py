"""What a term comes to: each student's marks of all assignments, weighed, as one percentage.

Pure functions of what the gradebook has; nothing is rounded before it is shown.
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

#: A total that has reached the pass mark may lie so far below it by rounding.
ROUNDING = 1e-9


class Totals(Configurable):
    """How the marks of a term become one. An assignment of which nobody is graded does not count.

    Who handed in nothing for one that does has 0 there.
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
    """How marks are weighed: see `Totals`."""

    weights: Mapping[str, float] = field(default_factory=dict)
    drop_lowest: int = 0
    pass_percent: float = 0.0


@dataclass(frozen=True)
class Part:
    """What one assignment adds to a student's total.

    Parameters
    ----------
    assignment : str
    points, max_points : float
        Won, with what lateness costs taken off, and to be won.
    weight : float
    is_missing : bool
        Whether nothing of the student's is graded, which counts as 0.
    is_dropped : bool
        Whether it does not count, as one of the lowest.
    waiting : int
        Answers that a person has yet to read.
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
    """What one student's term comes to.

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
        """The weighed mean of what counts, in percent."""
        counted = [part for part in self.parts if not part.is_dropped]
        weight = math.fsum(part.weight for part in counted)
        won = math.fsum(part.weight * part.share for part in counted)
        return 100 * won / weight if weight else 0.0

    @property
    def is_final(self) -> bool:
        """Whether no person has to read anything more."""
        return not any(part.waiting for part in self.parts)

    @property
    def passes(self) -> bool | None:
        """Whether the pass mark is reached, so far; None if there is none."""
        return self.percent >= self.pass_percent - ROUNDING if self.pass_percent else None


@dataclass(frozen=True)
class TermTotals:
    """What a term comes to for everybody.

    Parameters
    ----------
    totals : tuple of Total
        Sorted by name.
    assignments : tuple of Part
        What counts, each as it is worth.
    ungraded : tuple of str
        Assignments of which nobody is graded.
    weighing : Weighing
    """

    totals: tuple[Total, ...]
    assignments: tuple[Part, ...]
    ungraded: tuple[str, ...]
    weighing: Weighing


def read_weighing(config: Config) -> Weighing:
    """Return what a configuration says of totals.

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
    """Return what a term comes to for everybody whom the gradebook knows.

    Parameters
    ----------
    table : GradeTable
        Of all assignments.
    weighing : Weighing

    Raises
    ------
    CourseError
        If weights are set that name an assignment which there is not, or leave one out that is
        graded, or if nothing that counts is graded.
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
    """Leave out the lowest; one always counts."""
    most = min(weighing.drop_lowest, len(parts) - 1)
    lowest = sorted(range(len(parts)), key=lambda place: (parts[place].share, place))[:most]
    return tuple(replace(part, is_dropped=place in lowest) for place, part in enumerate(parts))
