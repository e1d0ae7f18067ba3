"""Deadlines, extensions and the class, read from the gradebook and cached for some seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nbgrader.api import Assignment
from sqlalchemy import select

from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook, people_of
from nbjudge.course.marks import Person
from nbjudge.term.extensions import extensions_of

__all__ = ["ClassTerms", "Terms"]

#: Seconds after which the cached terms are read again.
FRESH_SECONDS = 3.0


@dataclass(frozen=True)
class Terms:
    """The people of a class and their deadlines, in UTC without a time zone.

    Parameters
    ----------
    people : mapping of str to Person
        By id.
    due : mapping of str to (datetime or None)
        Deadlines by assignment, for those that are released.
    extended : mapping of (str, str) to datetime
        Deadlines of students with an extension, by assignment and student.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    due: Mapping[str, datetime | None] = field(default_factory=dict)
    extended: Mapping[tuple[str, str], datetime] = field(default_factory=dict)

    def due_for(self, assignment: str, student: str) -> datetime | None:
        """Return a student's deadline for an assignment; None if there is none."""
        return self.extended.get((assignment, student), self.due.get(assignment))

    def last_due(self, assignment: str) -> datetime | None:
        """Return the latest deadline that anybody has, extensions included; None if none."""
        due = self.due.get(assignment)
        if due is None:
            return None
        return max([due, *(end for (name, _), end in self.extended.items() if name == assignment)])

    def name_of(self, student: str) -> str:
        """Return a student's name, or their id if no name is known."""
        found = self.people.get(student)
        return found.name if found is not None and found.name else student


class ClassTerms:
    """A course's terms, cached for `FRESH_SECONDS`.

    Parameters
    ----------
    course : Course
    clock : callable, optional
        Returns monotonic seconds.
    """

    def __init__(self, course: Course, clock: Callable[[], float] = time.monotonic) -> None:
        self._course = course
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._terms = Terms()

    def __call__(self) -> Terms:
        """Return the terms, at most `FRESH_SECONDS` old."""
        with self._lock:
            if self._clock() - self._read_at > FRESH_SECONDS:
                self._terms = _read_terms(self._course)
                self._read_at = self._clock()
            return self._terms


def _read_terms(course: Course) -> Terms:
    with open_gradebook(course) as gradebook:
        people = {person.id: person for person in people_of(gradebook)}
        query = select(Assignment.name, Assignment.duedate)
        due = dict(map(tuple, gradebook.db.execute(query)))
        extensions = extensions_of(gradebook, course.root)
    extended = {(each.assignment, each.student): each.until for each in extensions}
    released = {name: end for name, end in due.items() if name in course.assignments}
    return Terms(people, released, extended)
