"""The gradebook may be a PostgreSQL database: the same marks, and a person's stay."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from classroom import TINY, AtOnce, answered, hand_in, marked_unseen
from desks import DeskParts
from sqlalchemy import create_engine, text

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class, open_gradebook
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.store import HandInState
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.grading.rows import Status
from nbjudge.release.release import make_release

pytest.importorskip("psycopg2", reason="there is no driver for PostgreSQL (psycopg2)")
#: Where Debian puts them, the newest last; elsewhere they are on the path.
FOUND = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")), shutil.which("initdb")]
PROGRAMS = Path(FOUND[0] or "").parent
USER = "postgres"
WRONG = "def total(numbers):\n    return 0"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOUND[0], reason="there is no PostgreSQL here"),
    pytest.mark.skipif(
        os.name != "posix" or (os.geteuid() == 0 and not shutil.which("setpriv")),
        reason="PostgreSQL does not run as root, and there is no setpriv to be another",
    ),
]


def run(program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's programs, as a user who is not root."""
    command = [str(PROGRAMS / program), *map(str, arguments)]
    if os.geteuid() == 0:
        command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", *command]
    # `pg_ctl` leaves a server behind that would keep a pipe open.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the address of a server that listens at a socket in a folder of its own."""
    # Not in pytest's folders, which another user cannot enter.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        data, options = folder / "data", f"-c listen_addresses='' -k {folder} -c fsync=off"
        run("initdb", "-D", data, "-U", "course", "--auth=trust", "--encoding=UTF8", "--no-sync")
        run("pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start")
        try:
            yield f"postgresql+psycopg2://course@/{{}}?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


@pytest.fixture
def database(server: str) -> str:
    """Return the address of a new database."""
    name = f"gradebook_{uuid4().hex}"
    engine = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.format(name)


def new_course(root: Path, database: str = "") -> Course:
    """Make a course with a class that has handed in."""
    shutil.copytree(TINY, root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\nc.CourseDirectory.db_url = {database!r}\n" if database else "")
    course = Course(root)
    make_release(course, "sums")
    hand_in(course, "ada", answered(course))
    hand_in(course, "bob", answered(course, ex_1_1_1=WRONG))
    for path in (root / "release" / "sums").glob("*.ipynb"):
        hand_in(course, "cyd", path.read_bytes())
    hand_in(course, "学生", b"{")
    return course


def marked_by_hand(course: Course) -> None:
    with open_gradebook(course) as gradebook:
        grade = gradebook.find_grade("ex_1_1_3", "sums", "sums", "ada")
        grade.manual_score, grade.needs_manual_grade = 2, False
        gradebook.db.commit()


@pytest.mark.thorough
def test_a_class_gets_the_same_marks_as_with_sqlite_and_keeps_a_persons(
    database: str, tmp_path: Path
) -> None:
    usual = new_course(tmp_path / "usual")
    course = new_course(tmp_path / "course", database)

    for one in (usual, course):
        first = grade_assignment(one, "sums", get_pool=AtOnce())
        marked_by_hand(one)
        hand_in(one, "ada", answered(one, ex_1_1_1=WRONG))
        second = grade_assignment(one, "sums", get_pool=AtOnce())
        third = AtOnce()
        grade_assignment(one, "sums", get_pool=third)

        assert [row.score for row in first] == [5, 3, 0, None]
        assert [row.score for row in second] == [5, 3, 0, None]
        assert [row.graded_now for row in second] == [True, False, False, False]
        assert third.graded == []
    assert marks_of_class(course, "sums") == marks_of_class(usual, "sums")
    (ada,) = (found for found in marks_of_class(course, "sums") if found.student == "ada")
    assert [mark.manual for mark in ada.marks if mark.manual is not None] == [2]
    assert not (course.root / "gradebook.db").exists()


@pytest.mark.thorough
def test_nbgraders_own_command_agrees(database: str, tmp_path: Path) -> None:
    course = new_course(tmp_path / "course", database)
    shutil.rmtree(course.root / "submitted" / "学生")
    grade_assignment(course, "sums", get_pool=AtOnce())
    ours = marks_of_class(course, "sums")

    result = course.api().autograde("sums", "*", force=True)

    assert result["success"]
    assert marks_of_class(course, "sums") == ours


@pytest.mark.thorough
def test_a_lost_connection_is_a_sentence_and_the_next_run_completes(
    database: str, tmp_path: Path
) -> None:
    course = new_course(tmp_path / "course", database)
    shutil.rmtree(course.root / "submitted" / "学生")

    def marked(job: Job) -> JobOutcome:
        if job.student == "bob":
            drop_everybody(database)
        return marked_unseen(job)

    first = grade_assignment(course, "sums", get_pool=AtOnce(marked))
    again = AtOnce(marked_unseen)
    second = grade_assignment(course, "sums", get_pool=again)

    assert [row.status for row in first] == [Status.GRADED, Status.FAILED, Status.GRADED]
    assert "The marks were not saved." in first[1].remarks[0]
    assert "\n" not in first[1].remarks[0]
    assert again.graded == ["bob"]
    assert {row.status for row in second} == {Status.GRADED}


def drop_everybody(database: str) -> None:
    """Have the server end all connections to a database but the one that asks for it."""
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        connection.execute(
            text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}")
        )
    engine.dispose()


@pytest.mark.thorough
def test_the_desk_may_keep_its_hand_ins_there(database: str, tmp_path: Path) -> None:
    desk = DeskParts(
        new_course(tmp_path / "course"), DeskPolicy(database=database, cool_down_seconds=0)
    )
    first, second = desk.hand_in("ada"), desk.hand_in("ada", ex_1_1_1=WRONG)
    desk.store.hold("sums", "1.1.1", is_held=True)
    desk.mark_all()

    assert [desk.found(each).state for each in (first, second)] == [
        HandInState.KEPT,
        HandInState.MARKED,
    ]
    assert desk.store.held_exercises("sums") == {"1.1.1"}
    assert desk.store.notes(1)[0][1:] == ("ada", "handed in", "sums, attempt 2")
    assert not (desk.course.root / "desk.db").exists()
    desk.database.close()
