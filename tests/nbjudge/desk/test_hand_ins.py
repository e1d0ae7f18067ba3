"""Hand-ins from when they are accepted until they are marked: kept, counted, laid, in order."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from classroom import AtOnce, hand_in
from desks import NOON, WRONG, DeskParts, extend, set_due, sums
from processes import marked_by_text

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.course.marks import GradeTable
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.outcomes import HandInOutcome
from nbjudge.desk.placement import require_fit_student
from nbjudge.desk.store import HandInState, Refused
from nbjudge.desk.vault import NoRoom
from nbjudge.exceptions import CourseError
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.jobs import Job, JobOutcome

FREE = DeskPolicy(cool_down_seconds=0, attempts_per_hour=1000)


@pytest.fixture
def desk(course: Course) -> DeskParts:
    return DeskParts(course, FREE)


def folder(desk: DeskParts, student: str) -> Path:
    return desk.course.root / "submitted" / student / "sums"


def points(desk: DeskParts, student: str) -> float:
    (found,) = [each for each in marks_of_class(desk.course, "sums") if each.student == student]
    return sum(mark.points for mark in found.marks)


def test_what_counts_lies_where_other_commands_find_it(desk: DeskParts) -> None:
    handed = desk.hand_in("ada")

    assert (folder(desk, "ada") / "sums.ipynb").read_bytes() == sums(desk.course)
    assert (folder(desk, "ada") / "timestamp.txt").read_text() == f"{handed.received} UTC\n"


def test_a_later_hand_in_counts_and_the_earlier_is_kept(desk: DeskParts) -> None:
    first = desk.hand_in("ada")
    second = desk.hand_in("ada", ex_1_1_1=WRONG)
    desk.mark_all()

    assert [desk.found(each).counts for each in (first, second)] == [False, True]
    assert [desk.found(each).state for each in (first, second)] == [
        HandInState.KEPT,
        HandInState.MARKED,
    ]
    assert desk.vault.path(first.files[0].sha256).read_bytes() == sums(desk.course)
    assert b"return 0" in (folder(desk, "ada") / "sums.ipynb").read_bytes()


def test_what_is_not_sent_again_is_taken_along(desk: DeskParts) -> None:
    desk.hand_in("ada", {"sums.ipynb": sums(desk.course), "data.csv": b"1,2"})
    second = desk.hand_in("ada", ex_1_1_1=WRONG)

    assert [(file.place, file.attempt) for file in second.files] == [
        ("sums.ipynb", 0),
        ("data.csv", 1),
    ]
    assert (folder(desk, "ada") / "data.csv").read_bytes() == b"1,2"
    assert second.remarks == ("'data.csv' was not among it: the one of attempt 1 is taken.",)


def test_what_comes_late_does_not_replace_what_came_in_time(desk: DeskParts) -> None:
    set_due(desk.course, NOON + timedelta(minutes=1))
    first = desk.hand_in("ada")
    desk.clock.go(hours=1)
    late = desk.hand_in("ada", ex_1_1_1=WRONG)

    assert [desk.found(each).counts for each in (first, late)] == [True, False]
    assert desk.found(late).state == HandInState.KEPT
    assert b"return 0" not in (folder(desk, "ada") / "sums.ipynb").read_bytes()


def test_what_comes_late_counts_where_nothing_came_in_time(desk: DeskParts) -> None:
    set_due(desk.course, NOON - timedelta(hours=1))

    assert desk.found(desk.hand_in("ada")).counts


def test_an_extension_given_afterwards_lets_the_later_one_count(desk: DeskParts) -> None:
    set_due(desk.course, NOON + timedelta(minutes=1))
    desk.hand_in("ada")
    desk.clock.go(hours=1)
    late = desk.hand_in("ada", ex_1_1_1=WRONG)
    extend(desk.course, "ada", timedelta(days=1))
    desk.clock.go(minutes=1)
    desk.marking.sweep()
    desk.mark_all()

    assert desk.found(late).counts
    assert desk.found(late).state == HandInState.MARKED
    assert b"return 0" in (folder(desk, "ada") / "sums.ipynb").read_bytes()


def test_within_the_grace_a_hand_in_still_counts_before_an_earlier_one(course: Course) -> None:
    set_due(course, NOON + timedelta(minutes=1))
    desk = DeskParts(course, replace(FREE, grace_minutes=5))
    desk.hand_in("ada")

    assert desk.found(desk.hand_in("ada")).counts  # four minutes after the deadline
    assert not desk.found(desk.hand_in("ada")).counts


def test_the_desk_gives_the_marks_of_the_command(desk: DeskParts, tmp_path: Path) -> None:
    answers: dict[str, dict[str, str]] = {"ada": {}, "bo": {"ex_1_1_1": WRONG}}
    for student, replaced in answers.items():
        desk.hand_in(student, **replaced)
    desk.mark_all()
    by_desk = {each.student: each.marks for each in marks_of_class(desk.course, "sums")}

    workers = AtOnce(desk.does)
    rows = grade_assignment(desk.course, "sums", get_pool=workers)
    assert workers.graded == []  # it finds nothing that is not graded
    rows = grade_assignment(desk.course, "sums", get_pool=workers, force=True)
    by_command = {each.student: each.marks for each in marks_of_class(desk.course, "sums")}

    assert by_desk == by_command
    assert {row.student: row.score for row in rows} == {"ada": points(desk, "ada"), "bo": 3.0}


def test_a_first_attempt_goes_before_anothers_tenth(desk: DeskParts) -> None:
    for attempt in range(10):
        desk.hand_in("ada", ex_1_1_1=f"{WRONG}  # {attempt}")
    desk.hand_in("bo")
    desk.hand_in("cy")

    assert [each.student for each in desk.store.take(2)] == ["bo", "cy"]
    assert [each.student for each in desk.store.take(2)] == ["ada"]


def test_what_comes_next_of_another_assignment_is_not_taken(desk: DeskParts) -> None:
    handed = desk.hand_in("ada")

    assert desk.store.take(1, "another") == []
    assert desk.found(handed).state == HandInState.WAITING
    assert [each.student for each in desk.store.take(1, "sums")] == ["ada"]


def have_come_meanwhile(desk: DeskParts, come: Callable[[], object]) -> None:
    """Have something happen while the first hand-in is graded."""
    grade, jobs = desk.workers.does, iter([come])

    def does(job: Job) -> JobOutcome:
        next(jobs, lambda: None)()
        return grade(job)

    desk.workers.does = does


def test_who_comes_while_others_are_graded_waits_for_no_end_of_it(desk: DeskParts) -> None:
    desk.hand_in("ada")
    late = []
    have_come_meanwhile(desk, lambda: late.extend(map(desk.hand_in, ("bo", "cy"))))

    assert desk.marking.mark_next(desk.workers) == 3
    assert desk.workers.graded == ["ada", "bo", "cy"]
    assert {desk.found(each).state for each in late} == {HandInState.MARKED}
    assert desk.marking.mark_next(desk.workers) == 0


def test_who_comes_again_while_the_first_is_graded_gets_the_mark_of_the_second(
    desk: DeskParts,
) -> None:
    first = desk.hand_in("ada")
    have_come_meanwhile(desk, lambda: desk.hand_in("ada", ex_1_1_1=WRONG))
    desk.marking.mark_next(desk.workers)
    second = desk.store.of("ada", "sums")[0]

    assert second.state == HandInState.WAITING
    assert desk.workers.graded == ["ada"]
    desk.mark_all()
    assert desk.found(second).state == HandInState.MARKED
    assert desk.found(first).state == HandInState.KEPT
    assert points(desk, "ada") == 3.0


def test_nobody_is_taken_in_by_a_desk_that_stops(desk: DeskParts) -> None:
    desk.hand_in("ada")

    def stop() -> None:
        desk.hand_in("bo")
        desk.marking.stop()

    have_come_meanwhile(desk, stop)

    assert desk.marking.mark_next(desk.workers) == 1
    assert desk.workers.graded == ["ada"]


def test_grading_that_goes_on_without_a_pause_ends_now_and_then(
    desk: DeskParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbjudge.desk.marking.RUN_SECONDS", -1.0)
    desk.hand_in("ada")
    have_come_meanwhile(desk, lambda: desk.hand_in("bo"))

    assert [desk.marking.mark_next(desk.workers) for _ in range(3)] == [1, 1, 0]


def test_who_cannot_be_taken_in_waits_and_costs_the_others_nothing(
    desk: DeskParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbjudge.grading import batch

    grades, asked = batch.grades, []

    def fail_once(course: Course, assignment: str, students: Collection[str] = ()) -> GradeTable:
        asked.append(students)
        if len(asked) == 2:
            raise CourseError("The gradebook is locked.")
        return grades(course, assignment, students)

    monkeypatch.setattr(batch, "grades", fail_once)
    first = desk.hand_in("ada")
    have_come_meanwhile(desk, lambda: desk.hand_in("bo"))
    desk.marking.mark_next(desk.workers)
    (late,) = desk.store.of("bo", "sums")

    assert desk.found(first).state == HandInState.MARKED
    assert late.state == HandInState.WAITING
    desk.mark_all()
    assert desk.found(late).state == HandInState.MARKED


def test_for_a_hand_in_nobody_elses_folder_is_looked_at(
    desk: DeskParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbjudge.intake import submission

    for student in ("ada", "bo"):
        desk.hand_in(student)
    desk.mark_all()
    looked_at, look = [], submission.files_below

    def files_below(folder: Path) -> Iterator[Path]:
        looked_at.append(folder.parent.name)
        return look(folder)

    monkeypatch.setattr(submission, "files_below", files_below)
    desk.hand_in("cy")
    desk.mark_all()

    assert set(looked_at) == {"cy"}


def test_what_was_being_marked_when_the_desk_ended_waits_again(desk: DeskParts) -> None:
    handed = desk.hand_in("ada")
    desk.store.take(1)
    again = DeskParts(desk.course, desk.policy, desk.clock)
    again.marking.recover()

    assert again.found(handed).state == HandInState.WAITING
    again.mark_all()
    assert again.found(handed).state == HandInState.MARKED


def test_the_queue_goes_on_when_another_command_is_done(desk: DeskParts) -> None:
    from nbjudge.course.folders import grading_lock

    handed = desk.hand_in("ada")
    with grading_lock(desk.course), pytest.raises(CourseError, match="Another run"):
        desk.marking.mark_next(desk.workers)

    assert desk.found(handed).state == HandInState.WAITING
    desk.mark_all()
    assert desk.found(handed).state == HandInState.MARKED


def test_what_lay_there_before_is_kept(desk: DeskParts) -> None:
    hand_in(desk.course, "ada", b"brought on a stick")
    handed = desk.hand_in("ada")

    aside = desk.course.root / "desk" / "displaced" / "ada" / "sums" / f"before-{handed.id}"
    assert (aside / "sums.ipynb").read_bytes() == b"brought on a stick"


def test_an_instructors_change_to_what_is_marked_survives_a_new_start(desk: DeskParts) -> None:
    desk.hand_in("ada")
    desk.mark_all()
    hand_in(desk.course, "ada", b"mended by hand")
    DeskParts(desk.course, desk.policy, desk.clock).marking.recover()

    assert (folder(desk, "ada") / "sums.ipynb").read_bytes() == b"mended by hand"


def test_a_full_disk_gives_a_sentence_and_leaves_nothing(
    desk: DeskParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom, match="no space left"):
        desk.vault.put(BytesIO(b"x" * 100))

    assert not [path for path in (desk.course.root / "desk").rglob("*") if path.is_file()]


def test_attempts_are_counted_and_paced(course: Course) -> None:
    desk = DeskParts(course, DeskPolicy(attempts=3, cool_down_seconds=600, attempts_per_hour=2))
    desk.hand_in("ada")

    with pytest.raises(Refused, match=r"Try again in 6 minutes") as told:
        desk.hand_in("ada")
    assert told.value.status == 429
    desk.clock.go(minutes=10)
    desk.hand_in("ada")
    desk.clock.go(minutes=10)
    with pytest.raises(Refused, match=r"Try again in 3\d minutes"):
        desk.hand_in("ada")
    desk.clock.go(hours=2)
    desk.hand_in("ada")
    desk.clock.go(hours=2)
    with pytest.raises(Refused, match="All 3 attempts"):
        desk.hand_in("ada")
    assert desk.store.attempts("ada", "sums") == 3


def test_what_failed_by_no_fault_of_its_own_is_tried_again(course: Course) -> None:
    tries: list[str] = []

    def does(job: Any) -> Any:
        tries.append(job.student)
        done = marked_by_text(job)
        if len(tries) < 2:
            return replace(done, results={}, failures={"": "The worker ended."}, passing=True)
        return done

    desk = DeskParts(course, FREE, does=does)
    handed = desk.hand_in("ada")
    desk.mark_all()

    assert len(tries) == 2
    assert desk.found(handed).state == HandInState.MARKED


def test_an_outcome_is_kept_whole(desk: DeskParts) -> None:
    handed = desk.hand_in("ada", ex_1_1_1=WRONG)
    desk.mark_all()
    data = desk.found(handed).outcome
    assert data is not None

    outcome = HandInOutcome.from_data(data)
    assert outcome.points == 3.0
    assert [each.state for each in outcome.exercises][:1] == ["none"]
    assert desk.found(handed).marked is not None


def test_a_student_can_be_forgotten(desk: DeskParts) -> None:
    same = desk.hand_in("bo")
    desk.hand_in("ada")
    own = desk.hand_in("ada", ex_1_1_1=WRONG)

    assert desk.store.forget("ada") == [own.files[0].sha256]
    assert desk.store.of("ada", "sums") == []
    assert desk.store.of("bo", "sums")[0].id == same.id
    assert not [note for note in desk.store.notes(100) if note[1] == "ada"]


@pytest.mark.parametrize(
    "student", ["", "..", ".x", "a/b", "a\\b", "a\nb", " a", "x" * 101, "a[b]"]
)
def test_what_cannot_be_a_folder_is_no_student(student: str) -> None:
    with pytest.raises(CourseError):
        require_fit_student(student)
