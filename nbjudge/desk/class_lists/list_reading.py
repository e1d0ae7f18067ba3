"""Read class lists every hour, and on request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from nbjudge.basics.repeated_work import RepeatedWork
from nbjudge.course.course import Course
from nbjudge.desk.class_lists.class_lists import ClassList, ClassLists
from nbjudge.desk.class_lists.listed_people import Enrolment, Listed, enrol
from nbjudge.desk.store import Store
from nbjudge.exceptions import CourseError

__all__ = ["ListReading", "Source"]

#: Time between two readings of a list, and after one that failed.
EVERY, RETRY_EVERY = timedelta(hours=1), timedelta(minutes=10)


class Source(Protocol):
    """Where a class list comes from."""

    @property
    def key(self) -> str:
        """The key of the list in the database."""

    @property
    def label(self) -> str:
        """The name of the list, for people."""

    @property
    def by_number(self) -> bool:
        """Whether it has the platform's user numbers instead of ids of the gradebook."""

    def read(self) -> Sequence[Listed]:
        """Return the students on the list.

        Raises
        ------
        CourseError
            If it cannot be read.
        """


class ListReading:
    """Reads class lists and enters their students into the gradebook.

    Parameters
    ----------
    course : Course
    lists : ClassLists
    store : Store
    sources : sequence of Source
    clock : callable
        Returns the time in UTC.
    """

    def __init__(
        self,
        course: Course,
        lists: ClassLists,
        store: Store,
        sources: Sequence[Source],
        clock: Callable[[], datetime],
    ) -> None:
        self._course = course
        self._lists = lists
        self._store = store
        self._sources = sources
        self._clock = clock
        self._reading = threading.Lock()
        #: The background thread that calls `read_old`.
        self.thread = RepeatedWork(self.read_old, "class lists", at_once=True)

    def lists(self) -> list[tuple[str, ClassList]]:
        """Return the label of each list, and the list as it was read last."""
        return [(each.label, self._lists.find(each.key)) for each in self._sources]

    def read_all(self) -> list[tuple[str, Enrolment | str]]:
        """Read all lists now; return for each its label and the result, or why it failed."""
        return [(each.label, self._read(each)) for each in self._sources]

    def read_old(self) -> None:
        """Read the lists that are due to be read again."""
        for each in self._sources:
            found = self._lists.find(each.key)
            wait = RETRY_EVERY if found.problem else EVERY
            if found.asked is None or self._clock() >= found.asked + wait:
                self._read(each)
            if self.thread.is_stopped:
                return

    def _read(self, source: Source) -> Enrolment | str:
        with self._reading:  # one reading at a time
            self._lists.begin(source.key, self._clock())
            try:
                enrolment = enrol(self._course, source.read(), by_number=source.by_number)
            except CourseError as error:
                self._lists.fail(source.key, str(error))
                return str(error)
            self._lists.finish(source.key, enrolment, self._clock())
            if enrolment.added:
                what = f"{source.label}: {len(enrolment.added)}"
                self._store.note(self._clock(), "the desk", "entered students", what)
            return enrolment
