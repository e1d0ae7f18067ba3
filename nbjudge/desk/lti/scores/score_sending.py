"""Send marks to learning platforms, once the course's policy lets students see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nbjudge.basics.repeated_work import RepeatedWork
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook, read_grades
from nbjudge.desk.desk_policy import LEVELS, DeskPolicy
from nbjudge.desk.due_dates import ClassTerms
from nbjudge.desk.lti.bounded_http import Unanswered
from nbjudge.desk.lti.learning_platforms import LearningPlatform
from nbjudge.desk.lti.scores.score_queue import Score, ScoreQueue
from nbjudge.desk.lti.scores.score_service import ScoreService
from nbjudge.desk.outcomes import level_now
from nbjudge.desk.store import HandInState, Store

__all__ = ["Delivery", "ScoreSending"]

#: How often marks are compared even if nothing was handed in: a person may have given some.
COMPARE_EVERY = timedelta(minutes=2)


@dataclass(frozen=True)
class Delivery:
    """The marks of an assignment that the platform does not have, and why.

    Parameters
    ----------
    why_not : str
        Why no mark is sent now, as a sentence; empty if marks may be sent.
    open : sequence of Score
        The scores in the queue.
    without_line : tuple of str
        Students with a mark for whom the platform has given no line item.
    incomplete : tuple of str
        Students with an answer that a person still has to mark.
    """

    why_not: str
    open: Sequence[Score]
    without_line: tuple[str, ...]
    incomplete: tuple[str, ...]


class ScoreSending:
    """Compares the scores on platforms with the gradebook, and sends the differences.

    Parameters
    ----------
    course : Course
    policy : DeskPolicy
    store : Store
    terms : ClassTerms
    queue : ScoreQueue
    service : ScoreService
    platforms : mapping of (str, str) to LearningPlatform
        By issuer and client id.
    clock : callable
        Returns the time in UTC.
    """

    def __init__(
        self,
        course: Course,
        policy: DeskPolicy,
        store: Store,
        terms: ClassTerms,
        queue: ScoreQueue,
        service: ScoreService,
        platforms: Mapping[tuple[str, str], LearningPlatform],
        clock: Callable[[], datetime],
    ) -> None:
        self._course = course
        self._policy = policy
        self._store = store
        self._terms = terms
        self._queue = queue
        self._service = service
        self._platforms = platforms
        self._clock = clock
        #: By assignment: its hand-ins and line items at the last comparison, and when that was.
        self._compared: dict[str, tuple[Any, datetime]] = {}
        self._incomplete: dict[str, tuple[str, ...]] = {}
        #: The background thread that calls `send_all`.
        self.thread = RepeatedWork(self.send_all, "marks to platforms", at_once=False)

    def delivery(self, assignment: str) -> Delivery:
        """Return which marks of an assignment the platform does not have."""
        lines = self._queue.lines(assignment)
        marked = [
            each.student
            for each in self._store.that_count(assignment)
            if each.state == HandInState.MARKED
        ]
        return Delivery(
            self.why_not(assignment),
            self._queue.open(assignment),
            tuple(student for student in marked if student not in lines),
            self._incomplete.get(assignment, ()),
        )

    def why_not(self, assignment: str) -> str:
        """Return why no mark of an assignment is sent now; empty if marks may be sent."""
        policy, terms, now = self._policy, self._terms(), self._clock()
        if policy.lti_send == "never":
            return "c.Desk.lti_send is 'never'."
        last = terms.last_due(assignment)
        if policy.lti_send == "published" and last is not None and now <= last + policy.grace:
            return "They are sent when nobody can hand in any more."
        level = level_now(policy, terms, assignment, now)
        if LEVELS.index(level) < LEVELS.index("marks"):
            return "Students do not see them at the desk yet."
        if self._store.held_exercises(assignment):
            return "An exercise is held."
        return ""

    def send_all(self) -> None:
        """Send all scores that are due now, once each."""
        for assignment in self._queue.assignments():
            if self.why_not(assignment):
                continue
            due = [each for each in self._queue.open(assignment) if each.next_try <= self._clock()]
            may = self._compare(assignment, is_needed=bool(due))
            for score in self._queue.open(assignment):
                if self.thread.is_stopped:
                    return
                if score.next_try <= self._clock() and score.line.student in may:
                    self._send(score)

    def _compare(self, assignment: str, *, is_needed: bool) -> frozenset[str]:
        """Queue the marks in the gradebook; return the students whose marks are complete."""
        counting = {
            each.student: (each.id, each.marked)
            for each in self._store.that_count(assignment)
            if each.state == HandInState.MARKED
        }
        lines = self._queue.lines(assignment)
        there = sorted(lines.keys() & counting.keys())
        seen, when = self._compared.get(assignment, (None, datetime.min))
        now, found = self._clock(), (counting, lines)
        if not there or (found == seen and not is_needed and now - when < COMPARE_EVERY):
            return frozenset()
        with open_gradebook(self._course) as gradebook:
            table = read_grades(gradebook, assignments=[assignment], students=there)
        max_points = table.assignments[0].max_points if table.assignments else 0.0
        marks = table.submissions(assignment)
        still = {
            each.student: (each.id, each.marked)
            for each in self._store.that_count(assignment)
            if each.state == HandInState.MARKED
        }
        whole = frozenset(
            student
            for student in there
            if student in marks
            and marks[student].is_graded
            and not marks[student].waiting
            # Unchanged since before the gradebook was read: its mark is that of this hand-in.
            and still.get(student) == counting[student]
            and max_points > 0
        )
        self._incomplete[assignment] = tuple(
            student for student in there if student in marks and marks[student].waiting
        )
        for student in sorted(whole):
            self._queue.put(lines[student], marks[student].points, max_points)
        self._compared[assignment] = found, now
        return whole

    def _send(self, score: Score) -> None:
        line = score.line
        platform = self._platforms.get((line.issuer, line.client_id))
        score = self._queue.begin(score)
        if platform is None:
            self._queue.fail(score, "Its platform is not in c.Desk.lti_platforms any more.")
            return
        try:
            self._service.send(platform, score)
        except Unanswered as error:
            self._queue.fail(score, str(error))
            return
        self._queue.finish(score)
        what = f"{line.assignment} to {platform.host}"
        self._store.note(self._clock(), line.student, "had a mark sent", what)
