"""The lists of a class as they were read last, in the desk's database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from nbjudge.desk.class_lists.listed_people import Enrolment, LeftOut
from nbjudge.desk.database import Database, class_lists

__all__ = ["ClassList", "ClassLists", "absent"]


@dataclass(frozen=True)
class ClassList:
    """A list as it was read last.

    Parameters
    ----------
    source : str
        By which it is known again.
    address : str
        Where it is, as far as a platform has said so.
    asked, read : datetime, optional
        When it was tried to read it, and when that went well last.
    problem : str
        Why it could not be read the last time; empty if it could.
    students : tuple of str
        Who is on it, by the id in the gradebook.
    left_out : tuple of LeftOut
    """

    source: str
    address: str = ""
    asked: datetime | None = None
    read: datetime | None = None
    problem: str = ""
    students: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class ClassLists:
    """Keeps what lists have told.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, source: str) -> ClassList:
        """Return a list; an empty one if nothing is known of it."""
        query = select(class_lists).where(class_lists.c.source == source)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return ClassList(source)
        values = row._asdict()
        values["students"] = tuple(values["students"])
        values["left_out"] = tuple(LeftOut(**each) for each in values["left_out"])
        return ClassList(**values)

    def remember(self, source: str, address: str) -> None:
        """Note where a list is."""
        if self.find(source).address != address:
            self._change(source, {"address": address})

    def begin(self, source: str, now: datetime) -> None:
        """Note that a list is being read, before it is."""
        self._change(source, {"asked": now})

    def fail(self, source: str, problem: str) -> None:
        """Note why a list could not be read: what it told before stays."""
        self._change(source, {"problem": problem})

    def finish(self, source: str, enrolment: Enrolment, now: datetime) -> None:
        """Note what a list has told."""
        left_out = [asdict(each) for each in enrolment.left_out]
        students = list(enrolment.students)
        told = {"read": now, "problem": "", "students": students, "left_out": left_out}
        self._change(source, told)

    def _change(self, source: str, values: dict[str, Any]) -> None:
        where = class_lists.c.source == source
        empty = {"address": "", "problem": "", "students": [], "left_out": []}
        with self._database.writing() as connection:
            if connection.execute(update(class_lists).where(where).values(values)).rowcount == 0:
                row = {"source": source, **empty, **values}
                connection.execute(insert(class_lists).values(row))


def absent(lists: Collection[ClassList], people: Iterable[str]) -> frozenset[str]:
    """Return who is in the gradebook and on none of the lists, once all of them have been read."""
    if not lists or any(each.read is None for each in lists):
        return frozenset()
    listed = {student for each in lists for student in each.students}
    return frozenset(people) - listed
