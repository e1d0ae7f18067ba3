"""What lateness costs: the course's policy, as nbgrader's autograder asks for it."""

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
    """The points of a notebook, and of the whole assignment."""

    notebook: float
    assignment: float


class LatePolicy(LateSubmissionPlugin):  # type: ignore[misc]  # nbgrader has no types
    """What lateness costs. Unless anything is set here it costs nothing.

    A day that has begun counts as a day. Where an assignment has several notebooks, each bears its
    share, by the points that it is worth. No notebook loses more than it has.
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
        help="Minutes after the deadline that cost nothing. Who is later is late from it on.",
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
        """Ask what is being graded; nbgrader tells its plugin of the student alone."""
        late = self.parent
        of = late.gradebook.find_assignment(late.assignment_id)
        notebook = late.gradebook.find_notebook(late.notebook_id, late.assignment_id)
        return _Worth(float(notebook.max_score), float(of.max_score))


class LatePenalties:
    """Asks the course's plugin what a late notebook loses, as nbgrader's own preprocessor does.

    Parameters
    ----------
    config : Config
        The course's.
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
            Whether any has changed.

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
                gradebook.db.refresh(notebook)  # its score follows from what was just written
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
        # What nbgrader's preprocessor knows of itself when it asks.
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
    """Have the penalties of an assignment agree with its deadline, extensions and policy.

    Submissions without a time, and notebooks of which nothing is graded, are left as they are.

    Returns
    -------
    tuple of str
        Whose penalty has changed, sorted.

    Raises
    ------
    CourseError
        If the course's own plugin fails; nothing is written then.
    """
    late = LatePenalties(config, assignment)
    # Few of a large class are late: only they are loaded, with all that belongs to them.
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
    """What follows from a new deadline.

    Parameters
    ----------
    ended : tuple of Extension
        Those that end no later than it, and are gone.
    penalties : tuple of str
        Whose penalty has changed.
    """

    ended: tuple[Extension, ...] = ()
    penalties: tuple[str, ...] = ()


def move_deadline(
    gradebook: Gradebook, course: Course, assignment: str, moment: datetime | None
) -> Moved:
    """Set or remove a deadline, and have extensions and penalties follow.

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
        If a deadline is to go that is extended for somebody; nothing is changed then.
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
    """Return whether there is anything to lose, or something was taken off."""
    return bool(notebook.score or notebook.late_submission_penalty)
