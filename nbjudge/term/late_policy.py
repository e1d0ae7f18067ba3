"""Late penalties: the course's policy as an nbgrader plugin, and updates of the gradebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import or_, select
from traitlets import Float, Integer
from traitlets.config import Config

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.intake.submission import name_list
from nbjudge.term.deadlines import set_deadline
from nbjudge.term.extensions import Extension, extensions_of, keep_dates

__all__ = ["LatePenalties", "LatePolicy", "Moved", "move_deadline", "update_penalties"]

DAY = 86_400


@dataclass(frozen=True)
class _Worth:
    """The points that a notebook, and the whole assignment, are worth."""

    notebook: float
    assignment: float


class LatePolicy(LateSubmissionPlugin):  # type: ignore[misc]  # nbgrader has no types
    """What lateness costs: nothing by default.

    A day that has begun counts as a whole day. If an assignment has several notebooks, each bears a
    share of the penalty in proportion to its points. No notebook loses more points than it has.
    """

    points_per_day = Float(
        0.0, min=0, help="Points of the whole assignment that each day of lateness costs."
    ).tag(config=True)

    percent_per_day = Float(
        0.0,
        min=0,
        max=100,
        help="Percent of the points that can be won which each day of lateness costs.",
    ).tag(config=True)

    max_days = Integer(
        0,
        min=0,
        help="After how many days of lateness there are no points at all; 0: there always are.",
    ).tag(config=True)

    grace_minutes = Float(
        0.0,
        min=0,
        help="Minutes after the deadline that cost nothing. Whoever is later still is late from "
        "the deadline on.",
    ).tag(config=True)

    @property
    def is_set(self) -> bool:
        """Whether the course has a policy."""
        return bool(self.points_per_day or self.percent_per_day or self.max_days)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points that a notebook loses; None for none.

        Parameters
        ----------
        student_id : str
        score : float
            The notebook's points.
        total_seconds_late : float
        """
        if total_seconds_late <= self.grace_minutes * 60:
            return None
        if not self.is_set:
            found: float | None = super().late_submission_penalty(
                student_id, score, total_seconds_late
            )
            return found
        days = ceil(total_seconds_late / DAY)
        if self.max_days and days > self.max_days:
            return score
        worth = self._worth()
        share = worth.notebook / worth.assignment if worth.assignment else 0.0
        a_day = self.points_per_day * share + self.percent_per_day / 100 * worth.notebook
        return min(score, days * a_day) or None

    def _worth(self) -> _Worth:
        """Return what is being graded, from the preprocessor; the plugin gets only the student."""
        late = self.parent
        of = late.gradebook.find_assignment(late.assignment_id)
        notebook = late.gradebook.find_notebook(late.notebook_id, late.assignment_id)
        return _Worth(float(notebook.max_score), float(of.max_score))


class LatePenalties:
    """Sets late penalties by the course's plugin, as nbgrader's own preprocessor does.

    Parameters
    ----------
    config : Config
        The course's configuration.
    assignment : str
    """

    def __init__(self, config: Config, assignment: str) -> None:
        self._late = AssignLatePenalties(config=config)
        self._late.assignment_id = assignment
        self._late.init_plugin()

    def penalise(
        self,
        gradebook: Gradebook,
        submission: SubmittedAssignment,
        is_due: Callable[[SubmittedNotebook], bool],
    ) -> bool:
        """Set the penalty of each notebook that `is_due`; the caller commits.

        Returns
        -------
        bool
            Whether any penalty has changed.

        Raises
        ------
        CourseError
            If the course's own plugin fails.
        """
        late = submission.total_seconds_late
        has_changed = False
        for notebook in filter(is_due, submission.notebooks):
            penalty = None
            if late > 0:
                gradebook.db.refresh(notebook)  # its score depends on rows just written
                score = notebook.score
                penalty = self._ask(gradebook, submission.student_id, notebook.name, score, late)
                penalty = None if penalty is None else min(max(penalty, 0), score)
            has_changed |= (notebook.late_submission_penalty or 0) != (penalty or 0)
            notebook.late_submission_penalty = penalty
        return has_changed

    def _ask(
        self, gradebook: Gradebook, student: str, notebook: str, score: float, late: float
    ) -> float | None:
        plugin = self._late.plugin_inst
        # nbgrader's preprocessor has these attributes when it calls the plugin.
        self._late.gradebook = gradebook
        self._late.notebook_id, self._late.student_id = notebook, student
        try:
            penalty: float | None = plugin.late_submission_penalty(student, score, late)
        # It is the instructor's own code, and may raise anything.
        except Exception as error:
            message = (
                f"The plugin for late penalties failed ({type(error).__name__}: {error}). "
                f"Mend {type(plugin).__name__}, then run the same command again."
            )
            raise CourseError(message) from error
        return penalty


def update_penalties(gradebook: Gradebook, config: Config, assignment: str) -> tuple[str, ...]:
    """Update an assignment's penalties to its present deadline, extensions and policy.

    Submissions without a timestamp, and notebooks without any mark, are left as they are.

    Returns
    -------
    tuple of str
        The students whose penalty has changed, sorted.

    Raises
    ------
    CourseError
        If the course's own plugin fails; nothing is written then.
    """
    late = LatePenalties(config, assignment)
    # Load only the submissions that are late or have a penalty: few, even in a large class.
    lost = select(SubmittedNotebook.assignment_id).where(
        SubmittedNotebook.late_submission_penalty > 0
    )
    concerned = (
        select(SubmittedAssignment.id)
        .join(Assignment)
        .where(
            Assignment.name == assignment,
            SubmittedAssignment.timestamp.is_not(None),
            or_(
                SubmittedAssignment.timestamp > Assignment.duedate, SubmittedAssignment.id.in_(lost)
            ),
        )
    )
    submissions = gradebook.db.query(SubmittedAssignment).filter(
        SubmittedAssignment.id.in_(concerned)
    )
    try:
        changed = [
            submission.student_id
            for submission in submissions
            if late.penalise(gradebook, submission, _has_points)
        ]
    except CourseError:
        gradebook.db.rollback()
        raise
    gradebook.db.commit()
    return tuple(sorted(changed))


@dataclass(frozen=True)
class Moved:
    """The consequences of a new deadline.

    Parameters
    ----------
    ended : tuple of Extension
        Extensions that do not end after it, and were removed.
    penalties : tuple of str
        The students whose penalty has changed.
    """

    ended: tuple[Extension, ...] = ()
    penalties: tuple[str, ...] = ()


def move_deadline(
    gradebook: Gradebook, course: Course, assignment: str, moment: datetime | None
) -> Moved:
    """Set or remove a deadline, and update extensions and penalties.

    Parameters
    ----------
    gradebook : Gradebook
    course : Course
    assignment : str
    moment : datetime, optional
        In UTC, without a time zone; None removes the deadline.

    Raises
    ------
    CourseError
        If a deadline is to be removed that somebody has an extension of; nothing is changed then.
    """
    before = extensions_of(gradebook, course.root, assignment)
    if moment is None and before:
        message = (
            f"'{assignment}' is extended for {name_list(own.student for own in before)}. "
            "Take that back first, with `course extend STUDENT ASSIGNMENT --remove`."
        )
        raise CourseError(message)
    set_deadline(gradebook, assignment, moment)
    ended = keep_dates(gradebook, course.root, before)
    return Moved(ended, update_penalties(gradebook, course.config(), assignment))


def _has_points(notebook: SubmittedNotebook) -> bool:
    """Return whether a notebook has points to lose, or a penalty."""
    return bool(notebook.score or notebook.late_submission_penalty)
