"""Work beside everything else goes on whatever became of it, and ends when it is told to."""

from __future__ import annotations

import threading

import pytest

from nbjudge.basics import repeated_work
from nbjudge.basics.repeated_work import RepeatedWork
from nbjudge.exceptions import CourseError


@pytest.mark.parametrize("at_once", [True, False])
def test_work_that_fails_is_logged_and_done_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, at_once: bool
) -> None:
    monkeypatch.setattr(repeated_work, "PAUSE", 0.001)
    failures = [CourseError("The disk is full."), ValueError("odd")]
    was_done = threading.Event()

    def work() -> None:
        if failures:
            raise failures.pop(0)
        was_done.set()

    thread = RepeatedWork(work, "lists", at_once=at_once)
    thread.start()
    assert was_done.wait(60)
    thread.stop()

    assert thread.is_stopped
    told = [record.getMessage() for record in caplog.records]
    assert told == ["lists: nothing was done: The disk is full.", "lists: it broke off"]


def test_work_that_never_began_can_be_stopped() -> None:
    thread = RepeatedWork(lambda: None, "lists", at_once=True)

    thread.stop()

    assert thread.is_stopped
