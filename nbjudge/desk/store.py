"""Read and write the desk's hand-ins in its database, from acceptance to the mark.

One of a student's hand-ins for an assignment counts. The others are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from nbjudge.desk.database import (
    Database,
    audit,
    class_lists,
    hand_ins,
    holds,
    lti_lines,
    lti_scores,
)
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.exceptions import CourseError

__all__ = ["HandIn", "HandInState", "HandedFile", "Refused", "Store", "fits"]


#: The largest row id that every database has.
LARGEST = 2**31 - 1


class Refused(CourseError):
    """A request is refused; the message tells the student why, and what to do.

    Parameters
    ----------
    message : str
    status : int
        The HTTP status of the response.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class HandInState:
    """The states of a hand-in."""

    WAITING = "waiting"
    MARKING = "marking"
    MARKED = "marked"
    #: Nothing of it could be graded: a person looks at it.
    FAILED = "failed"
    #: It does not count, so it is not graded.
    KEPT = "kept"


@dataclass(frozen=True)
class HandedFile:
    """A file of a hand-in.

    Parameters
    ----------
    name : str
        Its name when it was uploaded.
    place : str
        Its path in the assignment's folder; a notebook gets the name that the assignment gives it.
    sha256 : str
    size : int
        In bytes.
    attempt : int
        The earlier attempt that it was carried over from; 0 if it came with this one.
    """

    name: str
    place: str
    sha256: str
    size: int
    attempt: int = 0


@dataclass(frozen=True)
class HandIn:
    """One hand-in of a student.

    Parameters
    ----------
    id : int
    student, assignment : str
    attempt : int
        Counted from 1.
    received : datetime
        In UTC without a time zone, like all times here.
    due : datetime, optional
        This student's deadline, as it was when the hand-in arrived.
    zone : str
        The student's time zone; empty if unknown.
    files : tuple of HandedFile
    remarks : tuple of str
        Sentences for the student.
    counts : bool
        Whether it is the one that counts for this student and assignment.
    state : str
        One of `HandInState`.
    marked : datetime, optional
    outcome : mapping, optional
        The result, as JSON data: see `outcomes.HandInOutcome`.
    """

    id: int
    student: str
    assignment: str
    attempt: int
    received: datetime
    due: datetime | None
    zone: str
    files: tuple[HandedFile, ...]
    remarks: tuple[str, ...]
    counts: bool
    state: str
    marked: datetime | None = None
    outcome: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is neither waiting to be graded nor being graded."""
        return self.state not in (HandInState.WAITING, HandInState.MARKING)

    @classmethod
    def of(cls, row: Row[Any]) -> HandIn:
        """Return the hand-in of a row."""
        values = row._asdict()
        values["files"] = tuple(HandedFile(**each) for each in values["files"])
        values["remarks"] = tuple(values["remarks"])
        return cls(**values)


class Store:
    """The table of hand-ins, and with it held exercises and the audit log.

    Parameters
    ----------
    database : Database
    policy : DeskPolicy
    """

    def __init__(self, database: Database, policy: DeskPolicy) -> None:
        self.database = database
        self._policy = policy
        #: Serialises the numbering of attempts, whatever the database.
        self._accepting = threading.Lock()

    # ---- Handing in ------------------------------------------------------------------------------

    def require_welcome(self, student: str, assignment: str, now: datetime) -> None:
        """Raise `Refused` if a student may not hand in now.

        Raises
        ------
        Refused
            If all attempts are used, or the last one was too short a time ago.
        """
        with self.database.reading() as connection:
            self._require_welcome(connection, student, assignment, now)

    def _require_welcome(
        self, connection: Connection, student: str, assignment: str, now: datetime
    ) -> None:
        policy = self._policy
        used = self._attempts(connection, student, assignment)
        if policy.attempts and used >= policy.attempts:
            message = (
                f"All {policy.attempts} attempts at {assignment} are used. "
                "What you handed in is kept, and counts."
            )
            raise Refused(message, 403)
        columns = (hand_ins.c.student == student, hand_ins.c.received > now - timedelta(hours=1))
        query = select(hand_ins.c.received).where(*columns).order_by(hand_ins.c.received)
        recent = list(connection.scalars(query))
        waits = []
        if len(recent) >= policy.attempts_per_hour:
            waits.append(recent[-policy.attempts_per_hour] + timedelta(hours=1))
        if recent:
            waits.append(recent[-1] + timedelta(seconds=policy.cool_down_seconds))
        seconds = max([0.0, *((end - now).total_seconds() for end in waits)])
        if seconds > 0:
            wait = (
                f"{int(seconds) + 1} seconds"
                if seconds < 90
                else f"{int(seconds / 60) + 1} minutes"
            )
            message = (
                f"You handed in a moment ago. Try again in {wait}; what you handed in is kept."
            )
            raise Refused(message, 429)

    def attempts(self, student: str, assignment: str) -> int:
        """Return how many times a student has handed in an assignment."""
        with self.database.reading() as connection:
            return self._attempts(connection, student, assignment)

    @staticmethod
    def _attempts(connection: Connection, student: str, assignment: str) -> int:
        query = select(func.max(hand_ins.c.attempt)).where(_is_of(student, assignment))
        return connection.scalar(query) or 0

    def accept(
        self,
        student: str,
        assignment: str,
        files: Sequence[HandedFile],
        remarks: Iterable[str] = (),
        *,
        now: datetime,
        due: datetime | None = None,
        zone: str = "",
    ) -> HandIn:
        """Record a hand-in; when this returns, it is on disk.

        Files of the last hand-in that this one lacks are carried over, so that the notebooks of an
        assignment can be handed in one by one.

        Parameters
        ----------
        student, assignment : str
        files : sequence of HandedFile
            They must be in the vault already.
        remarks : iterable of str
        now : datetime
        due : datetime, optional
        zone : str

        Raises
        ------
        Refused
            If the student may not hand in now.
        CourseError
            If the database cannot be written; nothing is recorded then.
        """
        with self._accepting, self.database.writing() as connection:
            self._require_welcome(connection, student, assignment, now)
            before = self._of(connection, student, assignment)
            carried = _files_carried_over(files, before)
            told = [*remarks, *_told_of(carried)]
            new = HandIn(
                id=0,
                student=student,
                assignment=assignment,
                attempt=before[0].attempt + 1 if before else 1,
                received=now,
                due=due,
                zone=zone,
                files=(*files, *carried),
                remarks=tuple(told),
                counts=False,
                state=HandInState.KEPT,
            )
            values = {name: value for name, value in asdict(new).items() if name != "id"}
            number = connection.execute(insert(hand_ins).values(values)).inserted_primary_key
            assert number is not None
            noted = replace(new, id=number[0])
            self._recount(connection, [noted, *before], due)
            _write_audit(
                connection, now, student, "handed in", f"{assignment}, attempt {new.attempt}"
            )
            return self._require(connection, noted.id)

    def recount(self, student: str, assignment: str, due: datetime | None) -> None:
        """Decide again which hand-in counts: an extension may have been given since."""
        with self._accepting, self.database.writing() as connection:
            self._recount(connection, self._of(connection, student, assignment), due)

    def _recount(
        self, connection: Connection, every: Sequence[HandIn], due: datetime | None
    ) -> None:
        """Make the right hand-in count, of all of a student's for an assignment, latest first."""
        if not every:
            return
        chosen = every[0]
        if not self._policy.late_replaces and due is not None:
            in_time = [each for each in every if each.received <= due + self._policy.grace]
            chosen = next(iter(in_time), chosen)
        for each in every:
            if each.id == chosen.id and not each.counts:
                values = {
                    "counts": True,
                    "state": HandInState.WAITING,
                    "marked": None,
                    "outcome": None,
                }
            elif each.id != chosen.id and each.counts:
                # A marked hand-in keeps its result, for its student to see.
                values = {"counts": False}
                values |= {} if each.is_over else {"state": HandInState.KEPT}
            else:
                continue
            connection.execute(update(hand_ins).where(hand_ins.c.id == each.id).values(values))

    # ---- Finding ---------------------------------------------------------------------------------

    def find(self, number: int) -> HandIn | None:
        """Return the hand-in with this id; None if there is none."""
        if number > LARGEST:
            return None
        with self.database.reading() as connection:
            row = connection.execute(select(hand_ins).where(hand_ins.c.id == number)).first()
        return None if row is None else HandIn.of(row)

    def _require(self, connection: Connection, number: int) -> HandIn:
        return HandIn.of(connection.execute(select(hand_ins).where(hand_ins.c.id == number)).one())

    def of(self, student: str, assignment: str) -> list[HandIn]:
        """Return a student's hand-ins for an assignment, the latest first."""
        with self.database.reading() as connection:
            return self._of(connection, student, assignment)

    @staticmethod
    def _of(connection: Connection, student: str, assignment: str) -> list[HandIn]:
        query = select(hand_ins).where(_is_of(student, assignment)).order_by(hand_ins.c.id.desc())
        return [HandIn.of(row) for row in connection.execute(query)]

    def that_count(self, assignment: str) -> list[HandIn]:
        """Return the hand-ins for an assignment that count, one for each student."""
        query = select(hand_ins).where(hand_ins.c.assignment == assignment, hand_ins.c.counts)
        with self.database.reading() as connection:
            return [HandIn.of(row) for row in connection.execute(query.order_by(hand_ins.c.id))]

    def received_since(self, assignment: str, moment: datetime) -> int:
        """Return how many hand-ins for an assignment came after a moment."""
        where = (hand_ins.c.assignment == assignment, hand_ins.c.received > moment)
        with self.database.reading() as connection:
            query = select(func.count()).select_from(hand_ins).where(*where)
            return connection.scalar(query) or 0

    def all_waiting(self) -> list[HandIn]:
        """Return all hand-ins that wait to be graded."""
        query = select(hand_ins).where(hand_ins.c.state == HandInState.WAITING)
        with self.database.reading() as connection:
            return [HandIn.of(row) for row in connection.execute(query.order_by(hand_ins.c.id))]

    def with_several(self) -> list[tuple[str, str]]:
        """Return the pairs of student and assignment with more than one hand-in."""
        columns = (hand_ins.c.student, hand_ins.c.assignment)
        query = select(*columns).group_by(*columns).having(func.count() > 1)
        with self.database.reading() as connection:
            return [(student, assignment) for student, assignment in connection.execute(query)]

    # ---- Marking ---------------------------------------------------------------------------------

    def take(self, most: int, assignment: str = "") -> list[HandIn]:
        """Take the next hand-ins, of one assignment, from the queue; their state becomes MARKING.

        First attempts come before second ones, and within those earlier hand-ins before later ones.

        Parameters
        ----------
        most : int
            How many to take at most.
        assignment : str
            If given, nothing is taken unless the next hand-in is for this assignment.
        """
        order = (hand_ins.c.attempt, hand_ins.c.id)
        waiting = select(hand_ins).where(hand_ins.c.state == HandInState.WAITING).order_by(*order)
        with self._accepting, self.database.writing() as connection:
            first = connection.execute(waiting.limit(1)).first()
            if first is None or assignment not in ("", first.assignment):
                return []
            query = waiting.where(hand_ins.c.assignment == first.assignment).limit(most)
            found = [HandIn.of(row) for row in connection.execute(query)]
            ids = [each.id for each in found]
            _set_state(connection, ids, HandInState.MARKING)
            return [replace(each, state=HandInState.MARKING) for each in found]

    def finish(self, number: int, outcome: Mapping[str, Any], state: str, now: datetime) -> None:
        """Record the result of a hand-in, unless another one counts by now."""
        where = (hand_ins.c.id == number, hand_ins.c.counts)
        values = {"state": state, "marked": now, "outcome": dict(outcome)}
        with self.database.writing() as connection:
            connection.execute(update(hand_ins).where(*where).values(values))

    def put_back(self, ids: Collection[int]) -> None:
        """Put those of these hand-ins that are still being graded back into the queue."""
        with self.database.writing() as connection:
            where = (hand_ins.c.id.in_(ids), hand_ins.c.state == HandInState.MARKING)
            connection.execute(update(hand_ins).where(*where).values(state=HandInState.WAITING))

    def wait_again(self, number: int) -> None:
        """Put a hand-in back into the queue that could not be graded or saved completely."""
        where = (hand_ins.c.id == number, hand_ins.c.counts)
        values = {"state": HandInState.WAITING, "marked": None, "outcome": None}
        with self.database.writing() as connection:
            connection.execute(update(hand_ins).where(*where).values(values))

    def mark_again(self, assignment: str) -> None:
        """Put all hand-ins of an assignment that count back into the queue."""
        where = (hand_ins.c.assignment == assignment, hand_ins.c.counts)
        with self._accepting, self.database.writing() as connection:
            connection.execute(update(hand_ins).where(*where).values(state=HandInState.WAITING))

    def recover(self) -> None:
        """Put hand-ins back into the queue that were being graded when the desk ended."""
        with self.database.writing() as connection:
            where = hand_ins.c.state == HandInState.MARKING
            connection.execute(update(hand_ins).where(where).values(state=HandInState.WAITING))

    # ---- Holding, noting, forgetting -------------------------------------------------------------

    def held_exercises(self, assignment: str) -> frozenset[str]:
        """Return the exercises whose marks are hidden from students."""
        query = select(holds.c.exercise).where(holds.c.assignment == assignment)
        with self.database.reading() as connection:
            return frozenset(connection.scalars(query))

    def hold(self, assignment: str, exercise: str, *, is_held: bool) -> None:
        """Hide the marks of an exercise, or show them again."""
        where = (holds.c.assignment == assignment, holds.c.exercise == exercise)
        with self.database.writing() as connection:
            connection.execute(delete(holds).where(*where))
            if is_held:
                values = {"assignment": assignment, "exercise": exercise}
                connection.execute(insert(holds).values(values))

    def note(self, now: datetime, who: str, did: str, what: str = "") -> None:
        """Add a line to the audit log."""
        with self.database.writing() as connection:
            _write_audit(connection, now, who, did, what)

    def notes(self, most: int) -> list[tuple[datetime, str, str, str]]:
        """Return the latest lines of the audit log: when, who, did, what."""
        columns = (audit.c.at, audit.c.who, audit.c.did, audit.c.what)
        query = select(*columns).order_by(audit.c.id.desc()).limit(most)
        with self.database.reading() as connection:
            return [(at, who, did, what) for at, who, did, what in connection.execute(query)]

    def forget(self, student: str) -> list[str]:
        """Delete all rows about a student; return the SHA-256 of files that nobody else uses."""
        with self._accepting, self.database.writing() as connection:
            rows = connection.execute(select(hand_ins.c.student, hand_ins.c.files)).all()
            own = {each["sha256"] for who, files in rows if who == student for each in files}
            others = {each["sha256"] for who, files in rows if who != student for each in files}
            connection.execute(delete(hand_ins).where(hand_ins.c.student == student))
            connection.execute(delete(audit).where(audit.c.who == student))
            _leave_out(connection, student)
            for table in (lti_lines, lti_scores):
                connection.execute(delete(table).where(table.c.student == student))
        return sorted(own - others)


def _is_of(student: str, assignment: str) -> Any:
    return (hand_ins.c.student == student) & (hand_ins.c.assignment == assignment)


def _set_state(connection: Connection, ids: Collection[int], state: str) -> None:
    connection.execute(update(hand_ins).where(hand_ins.c.id.in_(ids)).values(state=state))


def _write_audit(connection: Connection, now: datetime, who: str, did: str, what: str) -> None:
    values = {"at": now, "who": who, "did": did, "what": what}
    connection.execute(insert(audit).values(values))


def _leave_out(connection: Connection, student: str) -> None:
    """Remove a student from the stored class lists."""
    for row in connection.execute(select(class_lists)).all():
        values = {
            "students": [each for each in row.students if each != student],
            "left_out": [each for each in row.left_out if each["said"] != student],
        }
        where = class_lists.c.source == row.source
        connection.execute(update(class_lists).where(where).values(values))


def _files_carried_over(files: Sequence[HandedFile], before: Sequence[HandIn]) -> list[HandedFile]:
    """Return the files of the last hand-in that the new one does not replace."""
    if not before:
        return []
    there = {file.place for file in files}
    last = before[0]
    return [
        replace(file, attempt=file.attempt or last.attempt)
        for file in last.files
        if fits(file.place, there)
    ]


def fits(place: str, there: Collection[str]) -> bool:
    """Return whether a new file can have this path, given the paths that are taken.

    >>> [fits(place, {"a/b.csv"}) for place in ("a/b.csv", "a", "a/b.csv/c", "a/c.csv")]
    [False, False, False, True]
    """
    parents = (parent.as_posix() for parent in PurePosixPath(place).parents)
    is_free = place not in there and not any(parent in there for parent in parents)
    return is_free and not any(other.startswith(f"{place}/") for other in there)


def _told_of(carried: Sequence[HandedFile]) -> list[str]:
    return [
        f"'{file.place}' was not among it: the one of attempt {file.attempt} is taken."
        for file in carried
    ]
