"""A desk without its web: what the tests of the desk share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO

from classroom import AtOnce, answered
from nbgrader.api import Gradebook
from processes import marked_by_text

from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.desk.database import Database
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.due_dates import ClassTerms
from nbjudge.desk.marking import Marking
from nbjudge.desk.store import HandedFile, HandIn, Store
from nbjudge.desk.vault import Vault
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.release import source

NOON = datetime(2026, 3, 2, 12)
WRONG = "def total(numbers):\n    return 0"


@dataclass
class Clock:
    """A clock that goes on when it is told to."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.replace(tzinfo=UTC).timestamp()

    def go(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class DeskParts:
    """What a desk is made of, in a course of its own."""

    course: Course
    policy: DeskPolicy
    clock: Clock = field(default_factory=Clock)
    does: Callable[[Job], JobOutcome] = marked_by_text

    def __post_init__(self) -> None:
        self.workers = AtOnce(self.does)
        self.database = Database(self.course, self.policy)
        self.store = Store(self.database, self.policy)
        self.vault = Vault(self.course.root)
        self.terms = ClassTerms(self.course, self.clock.seconds)

        @contextmanager
        def lend_workers(_: Course) -> Iterator[AtOnce]:
            yield self.workers

        self.marking = Marking(
            self.course,
            self.store,
            self.vault,
            self.terms,
            clock=self.clock,
            lend_workers=lend_workers,
        )

    def hand_in(
        self, student: str, files: Mapping[str, bytes] | None = None, **replaced: str
    ) -> HandIn:
        """Hand in files, or else the tiny notebook with all answers right but for some."""
        files = files or {"sums.ipynb": sums(self.course, **replaced)}
        handed = [
            HandedFile(name, name, *self.vault.put(BytesIO(content)))
            for name, content in files.items()
        ]
        due = self.terms().due_for("sums", student)
        hand_in = self.store.accept(student, "sums", handed, now=self.clock(), due=due)
        self.marking.lay(hand_in)
        self.clock.go(minutes=5)
        return hand_in

    def mark_all(self) -> None:
        """Mark until nothing waits."""
        while self.marking.mark_next(self.workers):
            pass

    def found(self, hand_in: HandIn) -> HandIn:
        """Return how a hand-in stands now."""
        found = self.store.find(hand_in.id)
        assert found is not None
        return found


def sums(course: Course, **replaced: str) -> bytes:
    """Return the tiny notebook with all answers right, but for some."""
    return source.notebook_text(answered(course, **replaced)).encode()


def set_due(course: Course, due: datetime) -> None:
    """Give the assignment a deadline."""

    def change(gradebook: Gradebook) -> None:
        gradebook.find_assignment("sums").duedate = due

    _change(course, change)


def extend(course: Course, student: str, by: timedelta) -> None:
    """Give a student more time."""

    def change(gradebook: Gradebook) -> None:
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission("sums", student).extension = by

    _change(course, change)


def enrol(course: Course, *people: tuple[str, str, str]) -> None:
    """Put people in the gradebook: id, first and last name."""

    def change(gradebook: Gradebook) -> None:
        for student, first, last in people:
            gradebook.update_or_create_student(student, first_name=first, last_name=last)

    _change(course, change)


def _change(course: Course, change: Callable[[Gradebook], None]) -> None:
    with open_gradebook(course) as gradebook:
        change(gradebook)
        gradebook.db.commit()
