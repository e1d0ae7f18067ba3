"""The class lists in the desk's database, as they were read last."""

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
    """A class list, as it was read last.

    Parameters
    ----------
    source : str
        The `Source.key` of where it comes from.
    address : str
        The address to read it from; empty until a platform has told it.
    asked, read : datetime, optional
        When reading was tried last, and when it succeeded last.
    problem : str
        Why the last reading failed; empty if it succeeded.
    students : tuple of str
        The ids in the gradebook of the students on it.
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
    """The table of class lists.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, source: str) -> ClassList:
        """Return the list of a source; an empty one if it was never read."""
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
        """Record the address of a list."""
        if self.find(source).address != address:
            self._change(source, {"address": address})

    def begin(self, source: str, now: datetime) -> None:
        """Record that a list is about to be read."""
        self._change(source, {"asked": now})

    def fail(self, source: str, problem: str) -> None:
        """Record why a list could not be read; its earlier students stay."""
        self._change(source, {"problem": problem})

    def finish(self, source: str, enrolment: Enrolment, now: datetime) -> None:
        """Record what was read from a list."""
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
    """Return the people who are on none of the lists; nobody until all lists have been read."""
    if not lists or any(each.read is None for each in lists):
        return frozenset()
    listed = {student for each in lists for student in each.students}
    return frozenset(people) - listed
