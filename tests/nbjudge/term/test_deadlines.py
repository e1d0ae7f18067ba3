"""Deadlines, extensions and what lateness costs, in the gradebook."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course
from nbgrader.api import Gradebook
from traitlets.config import Config

from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.exceptions import CourseError
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.rows import Row
from nbjudge.term.deadlines import TermSettings, read_moment, read_term, show_moment
from nbjudge.term.extensions import EXTENSIONS_FILE, Extension, extensions_of, grant, withdraw
from nbjudge.term.late_policy import move_deadline, update_penalties

ZURICH = ZoneInfo("Europe/Zurich")
DUE, LATE = datetime(2026, 3, 1, 12), "2026-03-03 11:00:00 UTC"
POLICY = "c.LatePolicy.points_per_day = 1.5\n"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2027-03-02 18:00 Europe/Zurich", datetime(2027, 3, 2, 17)),
        ("2027-03-02 18:00", datetime(2027, 3, 2, 17)),
        ("2027-07-02 18:00", datetime(2027, 7, 2, 16)),
        ("2027-03-02T18:00+05:30", datetime(2027, 3, 2, 12, 30)),
        ("2027-03-02 18:00 UTC", datetime(2027, 3, 2, 18)),
        ("2027-03-28 02:30 +01:00", datetime(2027, 3, 28, 1, 30)),
    ],
)
def test_a_time_is_read_in_its_zone_or_the_courses(text: str, utc: datetime) -> None:
    assert read_moment(text, ZURICH) == utc


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2027-03-28 02:30", "twice, or never"),
        ("2027-10-31 02:30 Europe/Zurich", "twice, or never"),
        ("2027-03-02", "cannot be read in one way"),
        ("02.03.2027 18:00", "cannot be read in one way"),
        ("2027-03-02 18:00 CET", "cannot be read in one way"),
        ("2027-02-30 18:00", "cannot be read in one way"),
        ("tomorrow", "cannot be read in one way"),
    ],
)
def test_a_time_that_leaves_a_choice_is_refused(text: str, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        read_moment(text, ZURICH)


def test_a_time_without_a_zone_is_refused_where_the_course_sets_none() -> None:
    with pytest.raises(CourseError, match="in which time zone"):
        read_moment("2027-03-02 18:00")


def test_a_zone_that_there_is_not_is_refused() -> None:
    config = Config({"Term": {"timezone": "Europe/Zuerich"}})

    assert TermSettings(config=config).timezone == "Europe/Zuerich"
    with pytest.raises(CourseError, match="no time zone 'Europe/Zuerich'"):
        read_term(config)


def test_a_shown_time_is_read_as_what_it_was() -> None:
    moment = datetime(2027, 10, 31, 1, 30)
    shown = show_moment(moment, ZURICH)

    assert shown == "Sun 2027-10-31 02:30 +01:00 (Europe/Zurich)"
    assert read_moment(shown.partition(" ")[2].partition(" (")[0]) == moment


def with_settings(course: Course, settings: str) -> Course:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(settings)
    return course


def late(course: Course) -> Course:
    """Have ada hand in two days, less an hour, after the deadline, and zoe at the last second."""
    for student, when in (("ada", LATE), ("zoe", "2026-03-01 12:00:00 UTC")):
        folder = hand_in(course, student, answered(course))
        (folder / "timestamp.txt").write_text(when, encoding="utf-8")
    with open_gradebook(course) as gradebook:
        move_deadline(gradebook, course, "sums", DUE)
    return course


def graded(course: Course) -> dict[str, Row]:
    rows = grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))
    return {row.student: row for row in rows}


def penalty(gradebook: Gradebook, student: str = "ada") -> float:
    gradebook.db.expire_all()
    return float(gradebook.find_submission("sums", student).late_submission_penalty)


@pytest.mark.parametrize(
    ("settings", "lost"),
    [
        ("", 0),
        (POLICY, 3),
        ("c.LatePolicy.percent_per_day = 10\n", 0.2 * 7),
        ("c.LatePolicy.max_days = 1\n", 5),
        ("c.LatePolicy.max_days = 2\n", 0),
        (f"{POLICY}c.LatePolicy.grace_minutes = 3000\n", 0),
        (f"{POLICY}c.LatePolicy.grace_minutes = 60\n", 3),
        ('c.LateSubmissionPlugin.penalty_method = "zero"\n', 5),
        ("c.LatePolicy.points_per_day = 100\n", 5),
    ],
)
def test_lateness_costs_what_the_policy_says(settings: str, lost: float, course: Course) -> None:
    graded(late(with_settings(course, settings)))

    with open_gradebook(course) as gradebook:
        assert penalty(gradebook) == pytest.approx(lost)
        assert penalty(gradebook, "zoe") == 0


def test_notebooks_share_what_a_day_costs(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course", notebooks=("sums", "more"))
    with_settings(course, POLICY)
    for name in ("sums.ipynb", "more.ipynb"):
        folder = hand_in(course, "ada", answered(course), name)
    (folder / "timestamp.txt").write_text(LATE, encoding="utf-8")
    with open_gradebook(course) as gradebook:
        move_deadline(gradebook, course, "sums", DUE)
    graded(course)

    with open_gradebook(course) as gradebook:
        books = gradebook.find_submission("sums", "ada").notebooks
        assert [book.late_submission_penalty for book in books] == [1.5, 1.5]


def test_a_new_deadline_and_a_new_policy_reach_what_is_graded(course: Course) -> None:
    graded(late(course))
    with_settings(course, POLICY)

    assert graded(course)["ada"].penalty == 3
    with open_gradebook(course) as gradebook:
        moved = move_deadline(gradebook, course, "sums", DUE + timedelta(days=1))
        assert (moved.penalties, penalty(gradebook)) == (("ada",), 1.5)
        moved = move_deadline(gradebook, course, "sums", None)
        assert (moved.penalties, penalty(gradebook)) == (("ada",), 0)


def test_an_extension_is_kept_with_its_reason_and_taken_back(course: Course) -> None:
    graded(late(with_settings(course, POLICY)))
    extension = Extension("ada", "sums", datetime(2026, 3, 4, 18), "=ill, with a note")

    with open_gradebook(course) as gradebook:
        grant(gradebook, course.root, extension)
        assert update_penalties(gradebook, course.config(), "sums") == ("ada",)
        assert penalty(gradebook) == 0
        assert extensions_of(gradebook, course.root) == (extension,)
        assert "2026-03-04 18:00:00 UTC" in (course.root / EXTENSIONS_FILE).read_text(
            encoding="utf-8"
        )

        assert withdraw(gradebook, course.root, "ada", "sums") == extension
        update_penalties(gradebook, course.config(), "sums")
        assert (penalty(gradebook), extensions_of(gradebook, course.root)) == (3, ())


def test_an_extension_ends_when_it_did_although_the_deadline_moves(course: Course) -> None:
    graded(late(course))
    extension = Extension("ada", "sums", datetime(2026, 3, 4, 18), "ill")
    with open_gradebook(course) as gradebook:
        grant(gradebook, course.root, extension)
        moved = move_deadline(gradebook, course, "sums", DUE + timedelta(days=1))
        assert (moved.ended, extensions_of(gradebook, course.root)) == ((), (extension,))

        moved = move_deadline(gradebook, course, "sums", DUE + timedelta(days=9))
        assert (moved.ended, extensions_of(gradebook, course.root)) == ((extension,), ())


def test_an_extension_that_cannot_be_is_refused(course: Course) -> None:
    with open_gradebook(course) as gradebook:
        gradebook.add_student("ada")
        wanted = Extension("ada", "sums", DUE + timedelta(days=1))
        with pytest.raises(CourseError, match="has no deadline"):
            grant(gradebook, course.root, wanted)
        move_deadline(gradebook, course, "sums", DUE)
        with pytest.raises(CourseError, match="no student 'eve'"):
            grant(gradebook, course.root, Extension("eve", "sums", wanted.until))
        with pytest.raises(CourseError, match="ends no later"):
            grant(gradebook, course.root, Extension("ada", "sums", DUE))
        with pytest.raises(CourseError, match="has no extension"):
            withdraw(gradebook, course.root, "ada", "sums")
        grant(gradebook, course.root, wanted)
        with pytest.raises(CourseError) as told:
            move_deadline(gradebook, course, "sums", None)
        assert str(told.value) == (
            "'sums' is extended for 'ada'. Take that back first, with `course extend STUDENT "
            "ASSIGNMENT --remove`."
        )
        move_deadline(gradebook, course, "other", DUE)
        move_deadline(gradebook, course, "other", None)  # of which nothing is extended
        assert extensions_of(gradebook, course.root) == (wanted,)


def test_a_deadline_can_be_set_before_the_release(course: Course) -> None:
    with open_gradebook(course) as gradebook:
        move_deadline(gradebook, course, "later", DUE)
        assert gradebook.find_assignment("later").duedate == DUE
