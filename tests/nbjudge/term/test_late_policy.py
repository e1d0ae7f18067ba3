"""What lateness costs, to the second and the point, and how a gradebook follows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.plugins import LateSubmissionPlugin
from traitlets.config import Config

from nbjudge.exceptions import CourseError
from nbjudge.term.late_policy import DAY, LatePolicy, _Worth, update_penalties


def policy(worth: float = 10.0, of: float = 40.0, **settings: Any) -> LatePolicy:
    """Return a policy that is asked about a notebook of so many points in an assignment."""

    class Fixed(LatePolicy):
        def _worth(self) -> _Worth:
            return _Worth(worth, of)

    return Fixed(**settings)


def lost(seconds: float, score: float = 8.0, worth: float = 10.0, **settings: Any) -> float | None:
    return policy(worth, **settings).late_submission_penalty("ada", score, seconds)


@pytest.mark.parametrize(("seconds", "days"), [(1, 1), (DAY, 1), (DAY + 1, 2), (2 * DAY, 2)])
def test_each_day_that_has_begun_costs_a_day(seconds: float, days: int) -> None:
    assert lost(seconds, percent_per_day=10.0) == days


def test_who_is_in_time_loses_nothing() -> None:
    assert lost(0, percent_per_day=10.0) is None
    assert lost(0, max_days=1) is None


@pytest.mark.parametrize(("seconds", "costs"), [(600, None), (600.5, 1.0)])
def test_the_last_second_of_grace_costs_nothing(seconds: float, costs: float | None) -> None:
    assert lost(seconds, percent_per_day=10.0, grace_minutes=10.0) == costs


def test_who_comes_after_the_grace_is_late_from_the_deadline_on() -> None:
    assert lost(DAY + 60, percent_per_day=10.0, grace_minutes=10.0) == 2


@pytest.mark.parametrize(("seconds", "costs"), [(2 * DAY, 2.0), (2 * DAY + 1, 8.0)])
def test_after_the_last_day_all_is_lost(seconds: float, costs: float) -> None:
    assert lost(seconds, percent_per_day=10.0, max_days=2) == costs


def test_points_are_shared_by_worth_and_percents_are_of_the_notebook() -> None:
    assert lost(1, points_per_day=2.0) == 0.5
    assert lost(1, points_per_day=2.0, percent_per_day=10.0) == 1.5


def test_nobody_loses_more_than_was_won() -> None:
    assert lost(99 * DAY, percent_per_day=10.0) == 8
    assert lost(1, score=0.0, percent_per_day=10.0) is None


def test_of_an_assignment_without_points_nothing_is_lost() -> None:
    without = policy(0.0, 0.0, points_per_day=2.0)

    assert without.late_submission_penalty("ada", 0.0, 1) is None
    assert without.late_submission_penalty("ada", 5.0, 1) is None


def test_without_a_policy_nbgraders_own_is_asked_of_whom_and_how_late(monkeypatch: Any) -> None:
    asked: list[Any] = []

    def penalty(self: Any, student: str, score: float, seconds: float) -> float:
        asked.append((student, score, seconds))
        return 3.5

    monkeypatch.setattr(LateSubmissionPlugin, "late_submission_penalty", penalty)

    assert lost(61, grace_minutes=1.0) == 3.5
    assert lost(60, grace_minutes=1.0) is None
    assert asked == [("ada", 8.0, 61)]


DUE = datetime(2026, 3, 1, 12)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook where ada is 90 minutes late with 8 points, and zoe is in time."""
    path = tmp_path_factory.mktemp("late") / "gradebook.db"
    with Gradebook(f"sqlite:///{path}") as found:
        for assignment in ("sums", "other"):
            found.add_assignment(assignment, duedate=DUE)
            found.add_notebook("book", assignment)
            found.add_grade_cell("test", "book", assignment, max_score=10, cell_type="code")
        for student, moment in (("ada", DUE + timedelta(minutes=90)), ("zoe", DUE)):
            found.add_student(student)
            hand_in(found, student, moment)
        hand_in(found, "ada", DUE + timedelta(days=9), assignment="other")
    return path


@pytest.fixture
def gradebook(written: Path, tmp_path: Path) -> Iterator[Gradebook]:
    copy = shutil.copy(written, tmp_path)
    with Gradebook(f"sqlite:///{copy}") as found:
        yield found


def hand_in(
    gradebook: Gradebook,
    student: str,
    moment: datetime | None,
    score: float = 8.0,
    assignment: str = "sums",
) -> None:
    gradebook.add_submission(assignment, student, timestamp=moment)
    gradebook.find_grade("test", "book", assignment, student).auto_score = score
    gradebook.db.commit()


def penalty(gradebook: Gradebook, student: str = "ada", assignment: str = "sums") -> float | None:
    gradebook.db.expire_all()
    found = gradebook.find_submission_notebook("book", assignment, student)
    taken: float | None = found.late_submission_penalty
    return taken


def asked_of(costs: Any) -> tuple[Config, list[Any]]:
    """Return a course's settings with a plugin of its own, and of what that is asked."""
    asked: list[Any] = []

    class Own(LateSubmissionPlugin):  # type: ignore[misc]
        def late_submission_penalty(self, student: str, score: float, seconds: float) -> Any:
            late = self.parent
            asked.append((student, score, seconds, late.assignment_id, late.notebook_id))
            assert late.gradebook.find_student(late.student_id).id == student
            if isinstance(costs, Exception):
                raise costs
            return costs

    return Config({"AssignLatePenalties": {"plugin_class": Own}}), asked


@pytest.mark.parametrize(
    ("costs", "taken"), [(0.5, 0.5), (8.5, 8.0), (99, 8.0), (-1, 0), (0, 0), (None, None)]
)
def test_a_late_notebook_loses_what_the_plugin_says_and_no_more_than_it_has(
    costs: float | None, taken: float | None, gradebook: Gradebook
) -> None:
    config, asked = asked_of(costs)

    assert update_penalties(gradebook, config, "sums") == (("ada",) if taken else ())
    assert penalty(gradebook) == taken
    assert penalty(gradebook, "zoe") is None
    assert penalty(gradebook, assignment="other") is None
    assert asked == [("ada", 8.0, 5400.0, "sums", "book")]
    assert update_penalties(gradebook, config, "sums") == ()


def test_half_a_point_comes_back_with_a_later_deadline(gradebook: Gradebook) -> None:
    config, asked = asked_of(0.5)
    update_penalties(gradebook, config, "sums")
    gradebook.find_assignment("sums").duedate = DUE + timedelta(days=1)
    gradebook.db.commit()

    assert update_penalties(gradebook, config, "sums") == ("ada",)
    assert penalty(gradebook) is None
    assert len(asked) == 1


@pytest.mark.parametrize(("moment", "score"), [(None, 8.0), (DUE + timedelta(days=1), 0.0)])
def test_who_has_no_time_or_no_points_is_left_alone(
    moment: datetime | None, score: float, gradebook: Gradebook
) -> None:
    gradebook.add_student("eve")
    hand_in(gradebook, "eve", moment, score)
    config, asked = asked_of(1.0)

    assert update_penalties(gradebook, config, "sums") == ("ada",)
    assert penalty(gradebook, "eve") is None
    assert [each[0] for each in asked] == ["ada"]


def test_what_was_taken_off_where_no_time_is_known_stays(gradebook: Gradebook) -> None:
    gradebook.add_student("eve")
    hand_in(gradebook, "eve", None)
    gradebook.find_submission_notebook("book", "sums", "eve").late_submission_penalty = 2.0
    gradebook.db.commit()

    assert update_penalties(gradebook, asked_of(1.0)[0], "sums") == ("ada",)
    assert penalty(gradebook, "eve") == 2.0


def test_a_second_late_is_late(gradebook: Gradebook) -> None:
    gradebook.add_student("eve")
    hand_in(gradebook, "eve", DUE + timedelta(seconds=1))

    assert update_penalties(gradebook, asked_of(0.5)[0], "sums") == ("ada", "eve")
    assert penalty(gradebook, "eve") == 0.5


@pytest.mark.parametrize("before", ["book", "more"])
def test_a_change_in_one_notebook_of_two_is_one(before: str, gradebook: Gradebook) -> None:
    gradebook.add_notebook("more", "sums")
    gradebook.add_grade_cell("test_2", "more", "sums", max_score=10, cell_type="code")
    gradebook.add_student("eve")
    hand_in(gradebook, "eve", DUE + timedelta(days=1))
    gradebook.find_grade("test_2", "more", "sums", "eve").auto_score = 8
    gradebook.find_submission_notebook(before, "sums", "eve").late_submission_penalty = 0.5
    gradebook.db.commit()

    assert "eve" in update_penalties(gradebook, asked_of(0.5)[0], "sums")


def test_those_whose_penalty_has_changed_come_sorted(gradebook: Gradebook) -> None:
    for student in ("zoltan", "abe"):
        gradebook.add_student(student)
        hand_in(gradebook, student, DUE + timedelta(days=1))
    config, _ = asked_of(1.0)

    assert update_penalties(gradebook, config, "sums") == ("abe", "ada", "zoltan")


def test_a_plugin_that_fails_is_named_and_nothing_is_written(gradebook: Gradebook) -> None:
    update_penalties(gradebook, asked_of(2.0)[0], "sums")

    with pytest.raises(CourseError) as told:
        update_penalties(gradebook, asked_of(ValueError("no such day"))[0], "sums")

    assert str(told.value) == (
        "The plugin for late penalties failed (ValueError: no such day). Mend Own, then run the "
        "same command again."
    )
    assert penalty(gradebook) == 2.0


def test_the_policy_asks_the_gradebook_what_a_notebook_is_worth(gradebook: Gradebook) -> None:
    gradebook.add_notebook("more", "sums")
    gradebook.add_grade_cell("test_2", "more", "sums", max_score=30, cell_type="code")
    gradebook.db.commit()
    settings = {"points_per_day": 4.0, "percent_per_day": 10.0}
    config = Config({"AssignLatePenalties": {"plugin_class": LatePolicy}, "LatePolicy": settings})

    update_penalties(gradebook, config, "sums")

    assert penalty(gradebook) == 4.0 * 10 / 40 + 1.0
