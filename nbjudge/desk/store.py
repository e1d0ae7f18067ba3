"""Hand-ins as the desk knows them, from when they are accepted until they are marked.

Of a student's hand-ins for an assignment one counts. The others are kept.
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


#: The largest number that every database has for a row.
LARGEST = 2**31 - 1


class Refused(CourseError):
    """Something is not accepted; the message tells the student why, and what to do.

    Parameters
    ----------
    message : str
    status : int
        Of HTTP.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class HandInState:
    """What becomes of a hand-in."""

    WAITING = "waiting"
    MARKING = "marking"
    MARKED = "marked"
    #: Nothing of it could be marked: a person looks at it.
    FAILED = "failed"
    #: It does not count, so it is not marked.
    KEPT = "kept"


@dataclass(frozen=True)
class HandedFile:
    """A file of a hand-in.

    Parameters
    ----------
    name : str
        As it came.
    place : str
        Where it goes beside the notebook; of a notebook, the name that the assignment gives it.
    sha256 : str
    size : int
        In bytes.
    attempt : int
        With which attempt it came, if that was an earlier one; otherwise 0.
    """

    name: str
    place: str
    sha256: str
    size: int
    attempt: int = 0


@dataclass(frozen=True)
class HandIn:
    """What a student handed in at one time.

    Parameters
    ----------
    id : int
    student, assignment : str
    attempt : int
        From 1.
    received : datetime
        In UTC, without a time zone, as all times here.
    due : datetime, optional
        When it was due for this student, as that stood then.
    zone : str
        The student's time zone; empty if it is not known.
    files : tuple of HandedFile
    remarks : tuple of str
        Sentences for the student.
    counts : bool
        Whether it is the one of this student's that counts.
    state : str
        One of `HandInState`.
    marked : datetime, optional
    outcome : mapping, optional
        What came of it: see `outcomes`.
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
        """Whether nothing more will become of it by itself."""
        return self.state not in (HandInState.WAITING, HandInState.MARKING)

    @classmethod
    def of(cls, row: Row[Any]) -> HandIn:
        """Return what a row of the table holds."""
        values = row._asdict()
        values["files"] = tuple(HandedFile(**each) for each in values["files"])
        values["remarks"] = tuple(values["remarks"])
        return cls(**values)


class Store:
    """Notes hand-ins, and finds them again.

    Parameters
    ----------
    database : Database
    policy : DeskPolicy
    """

    def __init__(self, database: Database, policy: DeskPolicy) -> None:
        self.database = database
        self._policy = policy
        #: Numbers of attempts are given one after another, by any database.
        self._accepting = threading.Lock()

    # ---- Handing in ------------------------------------------------------------------------------

    def require_welcome(self, student: str, assignment: str, now: datetime) -> None:
        """Make sure that a student may hand in now.

        Raises
        ------
        Refused
            If all attempts are used, or the last one was a moment ago.
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
        """Return how often a student has handed in an assignment."""
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
        """Note what was handed in. When this returns, it is on the disk.

        What an earlier hand-in had and this one has not is taken along, so that the notebooks of an
        assignment can be handed in one by one.

        Parameters
        ----------
        student, assignment : str
        files : sequence of HandedFile
            Which the vault keeps already.
        remarks : iterable of str
        now : datetime
        due : datetime, optional
        zone : str

        Raises
        ------
        Refused
            If the student may not hand in now.
        CourseError
            If the database cannot be written; nothing is noted then.
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
        """Have the right one count, of those of a student, the latest first."""
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
                # What was marked keeps what came of it, for its student to see.
                values = {"counts": False}
                values |= {} if each.is_over else {"state": HandInState.KEPT}
            else:
                continue
            connection.execute(update(hand_ins).where(hand_ins.c.id == each.id).values(values))

    # ---- Finding ---------------------------------------------------------------------------------

    def find(self, number: int) -> HandIn | None:
        """Return a hand-in, None if there is none of this number."""
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
        """Return of everybody the hand-in for an assignment that counts."""
        query = select(hand_ins).where(hand_ins.c.assignment == assignment, hand_ins.c.counts)
        with self.database.reading() as connection:
            return [HandIn.of(row) for row in connection.execute(query.order_by(hand_ins.c.id))]

    def received_since(self, assignment: str, moment: datetime) -> int:
        """Return how many hand-ins came since then."""
        where = (hand_ins.c.assignment == assignment, hand_ins.c.received > moment)
        with self.database.reading() as connection:
            query = select(func.count()).select_from(hand_ins).where(*where)
            return connection.scalar(query) or 0

    def all_waiting(self) -> list[HandIn]:
        """Return what is not marked yet."""
        query = select(hand_ins).where(hand_ins.c.state == HandInState.WAITING)
        with self.database.reading() as connection:
            return [HandIn.of(row) for row in connection.execute(query.order_by(hand_ins.c.id))]

    def with_several(self) -> list[tuple[str, str]]:
        """Return the students and assignments with more than one hand-in."""
        columns = (hand_ins.c.student, hand_ins.c.assignment)
        query = select(*columns).group_by(*columns).having(func.count() > 1)
        with self.database.reading() as connection:
            return [(student, assignment) for student, assignment in connection.execute(query)]

    # ---- Marking ---------------------------------------------------------------------------------

    def take(self, most: int, assignment: str = "") -> list[HandIn]:
        """Return what is to be marked next, of one assignment; it is then being marked.

        A student's first attempt comes before another's second, and then who came first.

        Parameters
        ----------
        most : int
            How many, at most.
        assignment : str
            If it is not the one of what comes next, there is nothing.
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
        """Note what came of a hand-in, unless another counts by now."""
        where = (hand_ins.c.id == number, hand_ins.c.counts)
        values = {"state": state, "marked": now, "outcome": dict(outcome)}
        with self.database.writing() as connection:
            connection.execute(update(hand_ins).where(*where).values(values))

    def put_back(self, ids: Collection[int]) -> None:
        """Have hand-ins wait again that were not marked."""
        with self.database.writing() as connection:
            where = (hand_ins.c.id.in_(ids), hand_ins.c.state == HandInState.MARKING)
            connection.execute(update(hand_ins).where(*where).values(state=HandInState.WAITING))

    def wait_again(self, number: int) -> None:
        """Have a hand-in wait again of which not all could be marked or saved."""
        where = (hand_ins.c.id == number, hand_ins.c.counts)
        values = {"state": HandInState.WAITING, "marked": None, "outcome": None}
        with self.database.writing() as connection:
            connection.execute(update(hand_ins).where(*where).values(values))

    def mark_again(self, assignment: str) -> None:
        """Have everything of an assignment that counts be looked at again."""
        where = (hand_ins.c.assignment == assignment, hand_ins.c.counts)
        with self._accepting, self.database.writing() as connection:
            connection.execute(update(hand_ins).where(*where).values(state=HandInState.WAITING))

    def recover(self) -> None:
        """Have wait again what was being marked when the desk ended."""
        with self.database.writing() as connection:
            where = hand_ins.c.state == HandInState.MARKING
            connection.execute(update(hand_ins).where(where).values(state=HandInState.WAITING))

    # ---- Holding, noting, forgetting -------------------------------------------------------------

    def held_exercises(self, assignment: str) -> frozenset[str]:
        """Return the exercises whose marks are not shown now."""
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
        """Write down who did what."""
        with self.database.writing() as connection:
            _write_audit(connection, now, who, did, what)

    def notes(self, most: int) -> list[tuple[datetime, str, str, str]]:
        """Return who did what last."""
        columns = (audit.c.at, audit.c.who, audit.c.did, audit.c.what)
        query = select(*columns).order_by(audit.c.id.desc()).limit(most)
        with self.database.reading() as connection:
            return [(at, who, did, what) for at, who, did, what in connection.execute(query)]

    def forget(self, student: str) -> list[str]:
        """Delete all that is noted of a student; return the SHA-256 of files nobody needs now."""
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
    """Take a student out of the lists of the class as they were read last."""
    for row in connection.execute(select(class_lists)).all():
        values = {
            "students": [each for each in row.students if each != student],
            "left_out": [each for each in row.left_out if each["said"] != student],
        }
        where = class_lists.c.source == row.source
        connection.execute(update(class_lists).where(where).values(values))


def _files_carried_over(files: Sequence[HandedFile], before: Sequence[HandIn]) -> list[HandedFile]:
    """Return the files of the hand-in before that the new one does not replace."""
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
    """Say whether a file can lie at a place beside others.

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
