"""A run that is killed anywhere leaves a gradebook that opens, and the next run does the rest."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from classroom import AtOnce, answered, hand_in, released_course
from processes import (
    Point,
    course_stopped_at,
    descendants,
    have_ended,
    marked_by_text,
    running,
    waited_for,
)
from sampling import each
from test_writer import by_hand, tables

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class, open_gradebook
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.graded import GradedIndex
from nbjudge.grading.rows import Status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc"),
]
WRONG = "def total(numbers):\n    return 0"
#: In the order in which they are graded; it is at the second that most runs are killed.
CLASS = {"ada": {}, "bob": {"ex_1_1_1": WRONG}, "cyd": {}, "dan": {"ex_1_1_1": WRONG}}

COMMIT = "sqlalchemy.engine.default:DefaultDialect.do_commit"
REPLACE = "pathlib:Path.replace"
CLEAN_UP = "tempfile:TemporaryDirectory.cleanup"
SAVE = "nbjudge.grading.writer:Writer.save"
ENTER = "nbjudge.grading.graded:GradedIndex.enter"
FORGET = "nbjudge.grading.graded:GradedIndex.forget"
READ_ENTRIES = "nbjudge.grading.writer:_Entries.__init__"
SEND = "nbjudge.grading.writer:_Entries._send"
READ = "nbjudge.grading.batch:read_submission"


def at_bob(function: str, **how: Any) -> Point:
    return Point(function, student="bob", **how)


#: Where the first run on a class is killed, and who is graded then, for good.
IN_A_FIRST_RUN = {
    Point("nbjudge.course.secret:write_secret"): "",
    Point("pathlib:Path.hardlink_to"): "",
    Point("nbjudge.grading.batch:versions", after=True): "",
    Point(READ): "",
    Point(READ, after=True): "",
    Point(READ, count=2): "ada",
    at_bob(FORGET, after=True): "ada",
    at_bob("pathlib:Path.write_bytes", after=True): "ada",
    at_bob(READ_ENTRIES, after=True): "ada",
    at_bob(SEND): "ada",
    at_bob(SEND, count=2): "ada",
    at_bob(SEND, count=7, after=True): "ada",
    at_bob("nbjudge.grading.writer:Writer._mark", after=True): "ada",
    at_bob("nbjudge.grading.writer:Writer._penalise", after=True): "ada",
    at_bob(COMMIT): "ada",
    at_bob(COMMIT, hot=True): "ada",
    at_bob(COMMIT, after=True): "ada",
    at_bob(SAVE, after=True): "ada",
    at_bob(REPLACE): "ada",
    at_bob(REPLACE, after=True): "ada",
    at_bob(CLEAN_UP): "ada",
    at_bob(ENTER): "ada",
    at_bob(REPLACE, count=2): "ada",
    at_bob(REPLACE, count=2, after=True): "ada",
    at_bob(ENTER, after=True): "ada bob",
    Point(READ, count=4): "ada bob cyd",
    Point("nbjudge.grading.batch:grades", count=2): "ada bob cyd dan",
    # The submissions of a class whose marks are saved in one transaction.
    at_bob(FORGET, after=True, together=True): "",
    at_bob(SEND, count=2, together=True): "",
    at_bob(COMMIT, together=True): "",
    at_bob(COMMIT, after=True, together=True): "",
    at_bob(REPLACE, count=2, together=True): "",
    at_bob(ENTER, together=True): "",
    at_bob(ENTER, after=True, together=True): "ada bob cyd dan",
}
#: The same for a run on a class that was graded before, and then handed in anew.
IN_A_LATER_RUN = {
    Point("nbjudge.grading.graded:GradedIndex.find", count=2): "",
    at_bob(FORGET, after=True): "ada",
    at_bob(READ_ENTRIES, after=True): "ada",
    at_bob(SEND, count=2): "ada",
    at_bob(COMMIT, hot=True): "ada",
    at_bob(COMMIT, after=True): "ada",
    at_bob(REPLACE): "ada",
    at_bob(REPLACE, after=True): "ada",
    at_bob(REPLACE, count=2, after=True): "ada",
    at_bob(CLEAN_UP, after=True): "ada",
    at_bob(REPLACE, count=3, after=True): "ada",
    at_bob(ENTER): "ada",
    at_bob(ENTER, after=True): "ada bob",
}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Return a course whose class is not graded."""
    course = released_course(tmp_path_factory.mktemp("fresh") / "course")
    for student, answers in CLASS.items():
        hand_in(course, student, answered(course, **answers))
    return course


@pytest.fixture(scope="module")
def used(fresh: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Return a course whose class was graded, marked by a person, and has handed in anew."""
    course = copied(fresh, tmp_path_factory.mktemp("used") / "course")
    grade_assignment(course, "sums", get_pool=AtOnce(marked_by_text))
    for student in CLASS:
        with by_hand(course, student) as grade:
            grade("ex_1_1_3").manual_score = 1.5
            grade("test_ex_1_1_2").extra_credit = 0.5
        answers = {} if CLASS[student] else {"ex_1_1_1": WRONG}
        hand_in(course, student, answered(course, **answers))
    return course


def copied(course: Course, root: Path) -> Course:
    shutil.copytree(course.root, root)
    return Course(root)


def killed_at(point: Point, course: Course, *, real: bool = False) -> int:
    """Kill `course autograde` at a point; return how many processes it had, all of them ended."""
    folder = course.root.parent / "program"
    with running(folder, *course_stopped_at(point, course.root, real=real)) as program:
        waited_for(lambda: program.is_stopped)
        below = descendants(program.process.pid)
        program.process.kill()
        program.process.wait()
    assert have_ended(below)
    return len(below)


def is_sound(course: Course) -> bool:
    with closing(sqlite3.connect(course.root / "gradebook.db")) as gradebook:
        found = gradebook.execute("PRAGMA integrity_check").fetchall()
        return found == [("ok",)] and not gradebook.execute("PRAGMA foreign_key_check").fetchall()


def kept(course: Course) -> dict[str, bytes]:
    """Return the graded notebooks, by path."""
    folder = course.root / "autograded"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.glob("[!.]*/**/*")
        if path.is_file() and not path.name.startswith(".")
    }


def finishes(course: Course, done: str, undisturbed: Course) -> None:
    """Run once more, and look at what was done in this run, and in all."""
    assert is_sound(course)
    crew = AtOnce(marked_by_text)

    rows = grade_assignment(course, "sums", get_pool=crew)

    assert crew.graded == [student for student in CLASS if student not in done.split()]
    assert {row.status for row in rows} == {Status.GRADED}
    assert tables(course) == tables(undisturbed)
    assert kept(course) == kept(undisturbed)
    once_more = AtOnce(marked_by_text)
    grade_assignment(course, "sums", get_pool=once_more)
    assert once_more.graded == []


@pytest.fixture(scope="module")
def fresh_and_graded(fresh: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = copied(fresh, tmp_path_factory.mktemp("undisturbed") / "course")
    grade_assignment(course, "sums", get_pool=AtOnce(marked_by_text))
    assert [student.won for student in marks_of_class(course, "sums")] == [5, 3, 5, 3]
    return course


@pytest.fixture(scope="module")
def used_and_graded(used: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = copied(used, tmp_path_factory.mktemp("undisturbed") / "course")
    grade_assignment(course, "sums", get_pool=AtOnce(marked_by_text))
    assert [student.won for student in marks_of_class(course, "sums")] == [5, 7, 5, 7]
    return course


@pytest.mark.parametrize("point", each(8, IN_A_FIRST_RUN), ids=str)
def test_a_first_run_that_is_killed_is_finished_by_the_next(
    point: Point, fresh: Course, fresh_and_graded: Course, tmp_path: Path
) -> None:
    course = copied(fresh, tmp_path / "course")

    killed_at(point, course)

    finishes(course, IN_A_FIRST_RUN[point], fresh_and_graded)


@pytest.mark.parametrize("point", each(8, IN_A_LATER_RUN), ids=str)
def test_a_later_run_that_is_killed_is_finished_by_the_next(
    point: Point, used: Course, used_and_graded: Course, tmp_path: Path
) -> None:
    course = copied(used, tmp_path / "course")

    killed_at(point, course)

    finishes(course, IN_A_LATER_RUN[point], used_and_graded)
    for student in CLASS:
        with by_hand(course, student) as grade:
            assert grade("ex_1_1_3").manual_score == 1.5
            assert grade("test_ex_1_1_2").extra_credit == 0.5


def test_a_gradebook_is_killed_with_its_journal_full(
    fresh: Course, fresh_and_graded: Course, tmp_path: Path
) -> None:
    """The points above that say "pages written" are as hard on SQLite as they claim."""
    course = copied(fresh, tmp_path / "course")

    killed_at(at_bob(COMMIT, hot=True), course)

    assert (course.root / "gradebook.db-journal").stat().st_size > 0
    assert is_sound(course)
    with open_gradebook(course) as gradebook:
        assert [student.id for student in gradebook.students] == ["ada"]


def test_what_a_killed_run_left_unfinished_is_cleared_away(fresh: Course, tmp_path: Path) -> None:
    course = copied(fresh, tmp_path / "course")
    killed_at(at_bob(SAVE), course)
    assert list((course.root / "autograded").glob(".unfinished-*"))

    grade_assignment(course, "sums", get_pool=AtOnce(marked_by_text))

    assert not list((course.root / "autograded").glob(".unfinished-*"))


#: While workers come up; with all at work; with a result in hand.
AT_WORK = {
    Point("nbjudge.grading.workers.local_pool:_start", after=True): "",
    Point("nbjudge.grading.workers.local_pool:_known"): "",
    at_bob(SAVE, after=True): "",
}


@pytest.mark.sandbox
@pytest.mark.parametrize("point", each(3, AT_WORK), ids=str)
def test_no_process_survives_its_coordinator(point: Point, fresh: Course, tmp_path: Path) -> None:
    course = copied(fresh, tmp_path / "course")

    assert killed_at(point, course, real=True) > 2

    assert is_sound(course)
    done = GradedIndex(course, "sums").times().keys()
    crew = AtOnce()
    rows = grade_assignment(course, "sums", get_pool=crew)
    assert set(crew.graded) == CLASS.keys() - done
    assert [row.score for row in rows] == [5, 3, 5, 3]
