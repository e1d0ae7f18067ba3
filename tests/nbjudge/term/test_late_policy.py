"""What lateness costs, to the second and the point; nothing here asks a gradebook."""

from __future__ import annotations

from typing import Any

import pytest
from nbgrader.plugins import LateSubmissionPlugin

from nbjudge.term.late_policy import DAY, LatePolicy, _Worth


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
