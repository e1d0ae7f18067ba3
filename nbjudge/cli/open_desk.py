"""Run the desk, its demonstration with a made-up class, and its other commands."""

from __future__ import annotations

import functools
import io
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from nbgrader.api import Gradebook

from nbjudge.basics.csv_files import as_csv, guard
from nbjudge.cli.demo import fresh_course, made_up_class, write_answers
from nbjudge.course.course import Course
from nbjudge.course.folders import log_to_file
from nbjudge.course.gradebook import open_gradebook
from nbjudge.desk.desk_policy import DeskPolicy, read_policy
from nbjudge.desk.lti.learning_platforms import LOOPBACK
from nbjudge.desk.marking import utc_now
from nbjudge.desk.store import Refused
from nbjudge.desk.web.application import application
from nbjudge.desk.web.desk_keys import Links, Visitor, desk_key
from nbjudge.desk.web.desk_service import Desk
from nbjudge.exceptions import CourseError
from nbjudge.grading import batch
from nbjudge.intake.submission import printable
from nbjudge.release.release import make_release
from nbjudge.sandbox import bubblewrap
from nbjudge.term.deadlines import set_deadline

__all__ = ["forget", "read_class", "require_sandbox", "serve_demo", "serve_desk", "write_links"]

LINKS_NAME, DESK_LOCK = "desk_links.csv", ".desk.lock"
#: In the demonstration: how many students have not handed in yet, and the time to the deadline.
TRIED_BY, DEMO_LASTS = 3, timedelta(hours=2)
#: Connections at once; seconds a connection may be idle; seconds to finish responses at shutdown.
CONNECTIONS_AT_ONCE, IDLE, FINISH = 500, 15, 5

Tell = Callable[[str], None]


def require_sandbox(*, without_sandbox: bool) -> None:
    """Check that there is a sandbox for what students send, unless it is explicitly waived.

    Raises
    ------
    CourseError
        If there is no sandbox.
    """
    problem = bubblewrap.problem()
    if problem and not without_sandbox:
        message = (
            f"The desk runs what students send as it comes, and there is no sandbox. {problem} "
            f"{bubblewrap.UNPROTECTED} With --without-sandbox it opens nevertheless."
        )
        raise CourseError(message)


def write_links(course: Course) -> list[str]:
    """Write all personal links to a file that only its owner can read; return lines about it."""
    policy = read_policy(course.config())
    links = Links(desk_key(course.root), policy.url)
    people = _people(course)
    rows = [
        (guard(id), guard(name), guard(email), links.link_of(Visitor(id)))
        for id, name, email in people
    ]
    rows += [(name, "grader", "", link) for name, link in _graders(policy, links)]
    path = course.root / LINKS_NAME
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(as_csv(("id", "name", "email", "link"), rows), encoding="utf-8")
    told = [f"{LINKS_NAME}: {len(rows)} links. Whoever has one comes in under that name."]
    if not people:
        told.append("The gradebook knows no students yet: `course roster FILE` makes them known.")
    return told


def _people(course: Course) -> list[tuple[str, str, str]]:
    from nbjudge.course.gradebook import people_of

    with open_gradebook(course) as gradebook:
        return [(person.id, person.name, person.email) for person in people_of(gradebook)]


def _graders(policy: DeskPolicy, links: Links) -> list[tuple[str, str]]:
    return [(name, links.link_of(Visitor(name, is_grader=True))) for name in policy.graders]


def forget(course: Course, students: Iterable[str]) -> list[str]:
    """Delete all that the desk stores about students; return lines about what remains."""
    with _only_one(course.root):
        desk = Desk(course, read_policy(course.config()))
        try:
            desk.forget(students)
        finally:
            desk.close()
    names = ", ".join(map(printable, students))
    return [
        f"The desk has nothing of {names} any more.",
        "submitted/, autograded/, feedback/ and the gradebook are not the desk's: "
        "`nbgrader db student remove ID --force` takes a student out of the gradebook.",
    ]


def read_class(course: Course) -> tuple[list[str], list[str]]:
    """Read all class lists of the platform and the hub.

    Returns
    -------
    told, problems : list of str
        Lines about the results, and about failures.

    Raises
    ------
    CourseError
        If no class list is configured.
    """
    policy = read_policy(course.config())
    if not (policy.lti_roster or policy.hub_groups):
        message = (
            "There is no list of the class to read: set c.Desk.lti_roster or c.Desk.hub_groups in "
            "nbgrader_config.py, or take a table in by `course roster FILE`."
        )
        raise CourseError(message)
    desk = Desk(course, policy)
    try:
        found = desk.class_lists.read_all()
    finally:
        desk.close()
    told, problems = [], []
    for label, became in found:
        if isinstance(became, str):
            problems.append(became)
            continue
        told += [f"added    {printable(each)}" for each in became.added]
        told += [f"named    {printable(each)}" for each in became.named]
        count = len(became.students)
        students = "1 student" if count == 1 else f"{count} students"
        told.append(f"{label}: {students}, {len(became.added)} of them new in the gradebook.")
        problems += [
            f"Left out: {printable(each.name or each.said)} ({printable(each.said)}) {each.why}."
            for each in became.left_out
        ]
    return told, problems


def serve_desk(
    course: Course, host: str, port: int | None, grading: Mapping[str, Any], tell: Tell
) -> None:
    """Run a course's desk until it is stopped.

    Raises
    ------
    CourseError
        If it cannot be opened.
    """
    policy = read_policy(course.config())
    if port is None:
        parts = urlsplit(policy.url)
        # Without a port in the address, the desk is behind a proxy.
        port = parts.port or 8400
    with _listen(host, port) as line:
        if host not in LOOPBACK and not policy.is_encrypted:
            tell("Without TLS whoever is on this network can read what students send.")
        _serve_desk(course, policy, line, grading, tell)


def serve_demo(
    course: Course, host: str, port: int | None, grading: Mapping[str, Any], tell: Tell
) -> None:
    """Run a desk for a made-up class, in a folder of its own, until it is stopped.

    Most of the class has handed in. Three students have not; their files are ready to hand in.

    Raises
    ------
    CourseError
        If it cannot be opened.
    """
    if not course.assignments:
        raise CourseError("There is nothing to hand in: source/ holds no assignment.")
    with _listen(host, port or 0) as line:
        address = f"http://{host}:{line.getsockname()[1]}"
        tell("Making the course of a made-up class in demo/ …")
        demo = fresh_course(course, course.root / "demo")
        students = made_up_class(demo)
        assignment = students[0].assignment
        make_release(demo, assignment)
        everybody = [each for each in students if each.assignment == assignment]

        def enrol(gradebook: Gradebook) -> None:
            for each in everybody:
                first, _, last = each.name.title().partition(" ")
                gradebook.update_or_create_student(each.name, first_name=first, last_name=last)
            set_deadline(gradebook, assignment, utc_now() + DEMO_LASTS)

        with open_gradebook(demo) as gradebook:
            enrol(gradebook)
            gradebook.db.commit()
        policy = replace(read_policy(demo.config()), url=address)
        ready = demo.root / "to_hand_in"
        for each in everybody:
            write_answers(demo, each, ready / each.name / assignment)

        def begin(desk: Desk) -> None:
            for each in everybody[TRIED_BY:]:
                _hand_in(desk, each.name, assignment, ready / each.name / assignment)
            tell(f"The class of {assignment}; everybody's answers lie in {ready}.")
            for each in everybody[:TRIED_BY]:
                tell(f"  {each.name} ({each.story})")
                tell(f"    {desk.links.link_of(Visitor(each.name))}")

        _serve_desk(demo, policy, line, grading, tell, begin)


def _hand_in(desk: Desk, student: str, assignment: str, folder: Path) -> None:
    sent = [(path.name, io.BytesIO(path.read_bytes())) for path in sorted(folder.iterdir())]
    try:
        desk.take_in(student, assignment, sent)
    except Refused:
        return  # a submission that the desk refuses is part of the demonstration


def _serve_desk(
    course: Course,
    policy: DeskPolicy,
    line: socket.socket,
    grading: Mapping[str, Any],
    tell: Tell,
    begin: Callable[[Desk], None] = lambda _: None,
) -> None:
    with _only_one(course.root), log_to_file(course):
        desk = Desk(course, policy, lend_workers=functools.partial(batch.lend_workers, **grading))
        try:
            app = _application(desk)
            begin(desk)
            tell(f"The desk of {desk.name} is open at {policy.url}. Ctrl-C closes it.")
            for name, link in _graders(policy, desk.links):
                tell(f"  {name}: {link}")
            # Once workers run, output goes to the course's log.
            sys.stdout.flush()
            desk.start()
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                limit_concurrency=CONNECTIONS_AT_ONCE,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=FINISH,
            )
            uvicorn.Server(config).run(sockets=[line])
        finally:
            desk.close()


def _application(desk: Desk) -> Any:
    try:
        return application(desk)
    except ModuleNotFoundError as error:
        message = f'c.Desk.hub needs {error.name}, which is missing: pip install "nbjudge[hub]"'
        raise CourseError(message) from error


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    """Lend a listening socket.

    Raises
    ------
    CourseError
        If the port is in use, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        line = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = (
            f"The desk cannot listen at {host}, port {port}: {why}. End what listens there, or "
            "take another --host or --port."
        )
        raise CourseError(message) from error
    with line:
        yield line


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """Hold the lock of a course's desk in the block, so that only one process runs it.

    Raises
    ------
    CourseError
        If the desk is open already.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    file = os.open(root / DESK_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CourseError(f"The desk of {root} is open already. Close it first.") from None
    finally:
        os.close(file)
