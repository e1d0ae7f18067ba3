"""The queue of scores to send to learning platforms, in the database.

There is one row for each student and assignment. It holds only the newest score, so no older one
can be sent after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from nbjudge.desk.database import Database, lti_lines, lti_scores

__all__ = ["Score", "ScoreLine", "ScoreQueue"]

#: The wait before a retry, which doubles with each failure: the first, and the longest.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
#: The least difference between the timestamps of two scores: a platform accepts only a later score
#: than it has, and may compare whole seconds.
LATER = timedelta(seconds=1)


@dataclass(frozen=True)
class ScoreLine:
    """The platform's line item for a student's mark of an assignment.

    Parameters
    ----------
    student, assignment : str
    issuer, client_id : str
        They identify the platform.
    subject : str
        The student's user number there.
    address : str
        The address of the line item.
    """

    student: str
    assignment: str
    issuer: str
    client_id: str
    subject: str
    address: str


@dataclass(frozen=True)
class Score:
    """A score that the platform does not have yet.

    Parameters
    ----------
    line : ScoreLine
    points, max_points : float
    stamp : datetime
        The timestamp by which the platform tells the newer of two scores.
    tries : int
        How many times it has been sent.
    next_try : datetime
    problem : str
        Why the last try failed, if that is known.
    """

    line: ScoreLine
    points: float
    max_points: float
    stamp: datetime
    tries: int
    next_try: datetime
    problem: str


class ScoreQueue:
    """The tables of line items and scores.

    Parameters
    ----------
    database : Database
    clock : callable
        Returns the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def remember(self, line: ScoreLine) -> None:
        """Record a student's line item; it replaces an earlier one."""
        with self._database.writing() as connection:
            connection.execute(delete(lti_lines).where(_is_of_line(lti_lines, line)))
            connection.execute(insert(lti_lines).values(line.__dict__))

    def lines(self, assignment: str) -> dict[str, ScoreLine]:
        """Return the line items of an assignment, by student."""
        query = select(lti_lines).where(lti_lines.c.assignment == assignment)
        with self._database.reading() as connection:
            return {row.student: ScoreLine(**row._asdict()) for row in connection.execute(query)}

    def assignments(self) -> list[str]:
        """Return the assignments that have any line item."""
        query = select(lti_lines.c.assignment).distinct().order_by(lti_lines.c.assignment)
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    def put(self, line: ScoreLine, points: float, max_points: float) -> None:
        """Queue a score, unless the platform has it already or it is queued already."""
        now = self._clock()
        where = _is_of_line(lti_scores, line)
        with self._database.writing() as connection:
            row = connection.execute(select(lti_scores).where(where)).first()
            values: dict[str, Any] = {
                "points": points,
                "max_points": max_points,
                "stamp": now,
                "is_sent": False,
                "tries": 0,
                "next_try": now,
                "problem": "",
            }
            if row is None:
                own = {"student": line.student, "assignment": line.assignment, "sent_to": ""}
                connection.execute(insert(lti_scores).values({**values, **own}))
                return
            has = (row.sent_points, row.sent_max, row.sent_to)
            is_there = has == (points, max_points, line.address)
            is_same = (row.points, row.max_points) == (points, max_points)
            if is_same and (not row.is_sent or is_there):
                return
            # If the score is back to what the platform has, and the one between was never sent,
            # there is nothing to send.
            is_sent = is_there and row.tries == 0
            values |= {"stamp": max(now, row.stamp + LATER), "is_sent": is_sent}
            connection.execute(update(lti_scores).where(where).values(values))

    def open(self, assignment: str) -> list[Score]:
        """Return the unsent scores of an assignment, the next to be sent first."""
        query = (
            select(lti_lines, lti_scores)
            .join_from(lti_lines, lti_scores, _is_of_line(lti_scores, lti_lines.c))
            .where(lti_scores.c.assignment == assignment, lti_scores.c.is_sent.is_(False))
            .order_by(lti_scores.c.next_try, lti_scores.c.student)
        )
        with self._database.reading() as connection:
            return [
                Score(
                    ScoreLine(*row[: len(lti_lines.columns)]),
                    row.points,
                    row.max_points,
                    row.stamp,
                    row.tries,
                    row.next_try,
                    row.problem,
                )
                for row in connection.execute(query)
            ]

    def begin(self, score: Score) -> Score:
        """Record that a score is about to be sent; return it with the timestamp to send.

        So it counts as tried even if the desk is killed meanwhile. A retry gets a later timestamp:
        the platform may have received the score without the desk knowing, or somebody may have
        entered a mark there, and the platform refuses whatever is not later than what it has.
        """
        now = self._clock()
        wait = min(FIRST_WAIT * 2 ** min(score.tries, 20), LONGEST_WAIT)
        stamp = max(now, score.stamp + LATER) if score.tries else score.stamp
        values = {"tries": score.tries + 1, "next_try": now + wait, "stamp": stamp}
        self._change(score, {**values, "problem": "The desk ended while it was sent."})
        return replace(score, stamp=stamp)

    def fail(self, score: Score, problem: str) -> None:
        """Record why sending a score failed."""
        self._change(score, {"problem": problem})

    def finish(self, score: Score) -> None:
        """Record that the platform has a score; a newer one in the queue stays unsent."""
        arrived = {
            "sent_points": score.points,
            "sent_max": score.max_points,
            "sent_to": score.line.address,
        }
        with self._database.writing() as connection:
            where = _is_of_line(lti_scores, score.line)
            connection.execute(update(lti_scores).where(where).values(arrived))
            same = where & (lti_scores.c.stamp == score.stamp)
            values = {"is_sent": True, "problem": ""}
            connection.execute(update(lti_scores).where(same).values(values))

    def _change(self, score: Score, values: dict[str, Any]) -> None:
        where = _is_of_line(lti_scores, score.line) & (lti_scores.c.stamp == score.stamp)
        with self._database.writing() as connection:
            connection.execute(update(lti_scores).where(where).values(values))


def _is_of_line(table: Any, line: Any) -> Any:
    """Return the condition that a row has the same student and assignment as a line item."""
    return (table.c.student == line.student) & (table.c.assignment == line.assignment)
