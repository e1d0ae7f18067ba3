"""A running desk: it owns all parts of the service, and takes in hand-ins."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.course.gradebook import NotReleased, versions
from nbjudge.desk.class_lists.class_lists import ClassLists, absent
from nbjudge.desk.class_lists.hub_groups import HubGroup
from nbjudge.desk.class_lists.list_reading import ListReading, Source
from nbjudge.desk.database import Database
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.due_dates import ClassTerms
from nbjudge.desk.lti.lti_tool import LtiTool
from nbjudge.desk.marking import GetPool, Marking, utc_now
from nbjudge.desk.outcomes import HandInOutcome, Shown, level_now, show
from nbjudge.desk.placement import require_fit_student
from nbjudge.desk.receipts import Receipt, Receipts, is_zone
from nbjudge.desk.recognise import recognise, save_upload
from nbjudge.desk.store import HandedFile, HandIn, HandInState, Refused, Store
from nbjudge.desk.vault import Vault
from nbjudge.desk.web.desk_keys import Links, Visitor, desk_key
from nbjudge.desk.web.logins import Logins
from nbjudge.grading import batch

__all__ = ["Desk", "Offer"]

#: Seconds after which the notebooks of an assignment are read again.
CONFIG_FRESH = 10.0
#: How many uploads are unpacked and checked at the same time.
UPLOADS_AT_ONCE = 4
#: How many uploads, refused ones included, a student may send for each hand-in allowed per hour.
UPLOAD_TRIES = 3
#: How many uploads of one student may be in progress at the same time.
SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class Offer:
    """An assignment as one student finds it.

    Parameters
    ----------
    assignment : str
    notebooks : tuple of str
        The file names of its notebooks.
    due : datetime, optional
        The student's deadline, in UTC.
    is_over : bool
        Whether a hand-in would be late now.
    hand_ins : tuple of HandIn
        The student's hand-ins, the latest first.
    attempts_left : int, optional
        None if attempts are unlimited.
    """

    assignment: str
    notebooks: tuple[str, ...]
    due: datetime | None
    is_over: bool
    hand_ins: tuple[HandIn, ...]
    attempts_left: int | None

    @property
    def counting(self) -> HandIn | None:
        """The hand-in that counts."""
        return next((each for each in self.hand_ins if each.counts), None)


class Desk:
    """The state and the operations behind the desk's routes.

    Parameters
    ----------
    course : Course
    policy : DeskPolicy
    clock : callable, optional
        Returns the time in UTC.
    lend_workers : callable, optional
        As `batch.lend_workers`.

    Raises
    ------
    CourseError
        If the desk cannot be opened.
    """

    def __init__(
        self,
        course: Course,
        policy: DeskPolicy,
        *,
        clock: Callable[[], datetime] = utc_now,
        lend_workers: Callable[[Course], AbstractContextManager[GetPool]] = batch.lend_workers,
    ) -> None:
        self.course = course
        self.policy = policy
        self.clock = clock
        self.name = str(course.config().CourseDirectory.get("course_id", "")) or course.root.name
        self.key = desk_key(course.root)
        self.links = Links(self.key, policy.url)
        self.receipts = Receipts(self.key, self.name, policy.timezone)
        self._database = Database(course, policy)
        self.store = Store(self._database, policy)
        self.logins = Logins(self._database, clock)
        self._vault = Vault(course.root)
        self.terms = ClassTerms(course)
        self.marking = Marking(
            course,
            self.store,
            self._vault,
            self.terms,
            clock=clock,
            lend_workers=lend_workers,
        )
        lists = ClassLists(self._database)
        #: The connection to learning platforms; None if none is configured.
        self.lti = (
            LtiTool(course, policy, self._database, self.store, self.terms, lists, clock)
            if policy.lti_platforms
            else None
        )
        #: Reads who is in the class from learning platforms and from the hub.
        self.class_lists = ListReading(course, lists, self.store, self._sources(), clock)
        self._looking = threading.Semaphore(UPLOADS_AT_ONCE)
        self._reading = threading.Lock()
        self._versions: dict[str, tuple[float, Mapping[str, NotebookVersion]]] = {}
        self._sending: Counter[str] = Counter()
        self._uploads: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def start(self) -> None:
        """Start the threads that grade, read class lists, and send marks to learning platforms."""
        self.marking.start()
        self.class_lists.thread.start()
        if self.lti is not None:
            self.lti.sending.thread.start()

    def close(self) -> None:
        """Stop the threads, each after what it is doing now, and close the database."""
        self.class_lists.thread.stop()
        if self.lti is not None:
            self.lti.sending.thread.stop()
        self.marking.stop()
        self._database.close()

    def _sources(self) -> list[Source]:
        """Return the groups and platforms from which class lists are read."""
        hub = [HubGroup(name, self.policy.graders) for name in self.policy.hub_groups]
        if self.lti is None or not self.policy.lti_roster:
            return [*hub]
        return [*hub, *self.lti.names()]

    # ---- People ----------------------------------------------------------------------------------

    def knows(self, visitor: Visitor) -> bool:
        """Return whether somebody is a student or a grader of the course now."""
        if visitor.is_grader:
            is_sent = self.lti is not None and visitor.who in self.lti.graders
            return is_sent or visitor.who in self.policy.graders
        return visitor.who in self.terms().people

    def absent(self) -> frozenset[str]:
        """Return the students in the gradebook whom no class list has any more."""
        lists = [each for _, each in self.class_lists.lists()]
        return absent(lists, self.terms().people)

    def name_of(self, visitor: Visitor) -> str:
        """Return a visitor's name."""
        return visitor.who if visitor.is_grader else self.terms().name_of(visitor.who)

    # ---- Assignments -----------------------------------------------------------------------------

    def assignments(self) -> list[str]:
        """Return the released assignments."""
        return sorted(self.terms().due)

    def notebooks(self, assignment: str) -> Mapping[str, NotebookVersion]:
        """Return the notebooks of an assignment.

        Raises
        ------
        Refused
            If there is no such assignment.
        """
        with self._reading:  # concurrent requests wait for the first, and use what it has read
            read_at, found = self._versions.get(assignment, (float("-inf"), {}))
            if time.monotonic() - read_at > CONFIG_FRESH:
                if assignment not in self.terms().due:
                    raise Refused("There is no such assignment.", 404)
                try:
                    found = versions(self.course, assignment)
                except NotReleased as error:
                    raise Refused("There is no such assignment.", 404) from error
                self._versions[assignment] = time.monotonic(), found
            return found

    def offer(self, student: str, assignment: str) -> Offer:
        """Return an assignment as a student finds it now."""
        notebooks = self.notebooks(assignment)
        due = self.terms().due_for(assignment, student)
        found = tuple(self.store.of(student, assignment))
        used = found[0].attempt if found else 0
        return Offer(
            assignment=assignment,
            notebooks=tuple(f"{name}.ipynb" for name in notebooks),
            due=due,
            is_over=due is not None and self.clock() > due + self.policy.grace,
            hand_ins=found,
            attempts_left=max(0, self.policy.attempts - used) if self.policy.attempts else None,
        )

    def assignment_of(self, file: str) -> str:
        """Return the one assignment with a notebook of this name.

        Raises
        ------
        Refused
            If there is none, or several.
        """
        fits = [name for name in self.assignments() if Path(file).stem in self.notebooks(name)]
        if len(fits) != 1:
            told = f"Several have it: {', '.join(fits)}." if fits else "None has it."
            message = f"Which assignment is {file!r} of? {told} Say hand_in(assignment='…')."
            raise Refused(message)
        return fits[0]

    # ---- Handing in ------------------------------------------------------------------------------

    @contextmanager
    def upload(self, student: str) -> Iterator[None]:
        """Count one upload of a student as in progress during the block.

        Raises
        ------
        Refused
            If `SIDE_BY_SIDE` are in progress already.
        """
        if self._sending[student] >= SIDE_BY_SIDE:
            raise Refused("You are sending something already. Wait until it is here.", 429)
        self._sending[student] += 1
        try:
            yield
        finally:
            self._sending[student] -= 1

    def begin_upload(self, student: str, assignment: str) -> None:
        """Check that a student may upload now, before the body of the request is read.

        Raises
        ------
        Refused
            If all attempts are used, or the student has sent too much.
        """
        self.notebooks(assignment)
        now = self.clock()
        self.store.require_welcome(student, assignment, now)
        uploads = self._uploads[student]
        while uploads and (now - uploads[0]).total_seconds() > 3600:
            uploads.popleft()
        if len(uploads) >= UPLOAD_TRIES * self.policy.attempts_per_hour:
            message = "You have sent very much within an hour. Try again later."
            raise Refused(f"{message} What you handed in is kept.", 429)
        uploads.append(now)

    def take_in(
        self, student: str, assignment: str, sent: Sequence[tuple[str, BinaryIO]], zone: str = ""
    ) -> HandIn:
        """Store a student's files and record the hand-in; when this returns, both are on disk.

        Parameters
        ----------
        student, assignment : str
        sent : sequence of (str, binary file)
            Names and contents.
        zone : str
            The time zone of the student's browser.

        Raises
        ------
        Refused
            If the files cannot be accepted; the message says why.
        CourseError
            If they cannot be stored now.
        """
        require_fit_student(student)
        notebooks = self.notebooks(assignment)
        with self._looking, TemporaryDirectory(prefix="course-desk-") as folder:
            came, work = Path(folder, "came", "handed_in"), Path(folder, "work")
            came.mkdir(parents=True)
            work.mkdir()
            for name, file in sent:
                save_upload(name, file.read(), came)
            found = recognise(came.parent, work, notebooks, self.policy)
            files = []
            for place, (name, path) in found.files.items():
                with path.open("rb") as content:
                    files.append(HandedFile(name, place, *self._vault.put(content)))
            hand_in = self.store.accept(
                student,
                assignment,
                files,
                found.remarks,
                now=self.clock(),
                due=self.terms().due_for(assignment, student),
                zone=zone if is_zone(zone) else "",
            )
        self.marking.lay(hand_in)
        self.marking.wake()
        return hand_in

    # ---- Results ---------------------------------------------------------------------------------

    def is_late(self, hand_in: HandIn) -> bool:
        """Return whether a hand-in came after its deadline, as that was then, and the grace."""
        return hand_in.due is not None and hand_in.received > hand_in.due + self.policy.grace

    def receipt(self, hand_in: HandIn) -> Receipt:
        """Return the receipt of a hand-in."""
        return self.receipts.of(hand_in, self.is_late(hand_in))

    def shown_of(self, hand_in: HandIn) -> Shown | None:
        """Return what a student may see of a hand-in's result now; None if it has no mark."""
        if hand_in.outcome is None or hand_in.state == HandInState.FAILED:
            return None
        level = level_now(self.policy, self.terms(), hand_in.assignment, self.clock())
        held = self.store.held_exercises(hand_in.assignment)
        return show(HandInOutcome.from_data(hand_in.outcome), level, held)

    def shows_feedback(self, hand_in: HandIn) -> bool:
        """Return whether a student may read the feedback page of a hand-in.

        Only the hand-in that counts has one.
        """
        found = self.shown_of(hand_in)
        is_marked = hand_in.counts and hand_in.state == HandInState.MARKED
        return is_marked and found is not None and found.level == "feedback"

    def path_of(self, file: HandedFile) -> Path:
        """Return the path of a hand-in's file in the vault."""
        return self._vault.path(file.sha256)

    def forget(self, students: Iterable[str]) -> None:
        """Delete all that the desk stores about students; `submitted/` and the gradebook stay."""
        for student in students:
            for sha256 in self.store.forget(student):
                self._vault.forget(sha256)
