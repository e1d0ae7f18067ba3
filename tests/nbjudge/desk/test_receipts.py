"""Receipts: they say what came and when, and only the desk's own are believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desks import NOON, DeskParts, set_due

from nbjudge.course.course import Course
from nbjudge.desk.desk_policy import DeskPolicy, read_policy
from nbjudge.desk.receipts import Receipt, Receipts
from nbjudge.exceptions import CourseError


@pytest.fixture
def receipts() -> Receipts:
    return Receipts(b"k" * 32, "tiny", "Europe/Berlin")


@pytest.fixture
def receipt(course: Course, receipts: Receipts) -> Receipt:
    set_due(course, NOON + timedelta(hours=1))
    return receipts.of(DeskParts(course, DeskPolicy()).hand_in("ada"), is_late=False)


def test_a_saved_receipt_is_known_again(receipts: Receipts, receipt: Receipt) -> None:
    text = receipts.text(receipt)

    assert receipts.check(text) == receipt
    assert "Received Mon 2 March 2026, 12:00:00 (UTC)" in text
    assert "Received Mon 2 March 2026, 13:00:00 (Europe/Berlin)" in text
    assert "Before the deadline, which is Mon 2 March 2026, 14:00:00 (Europe/Berlin)." in text
    assert receipt.files[0][3] in text


def test_no_other_key_signs_a_receipt(receipts: Receipts, receipt: Receipt) -> None:
    forged = Receipts(b"x" * 32, "tiny", "Europe/Berlin").text(receipt)

    assert receipts.check(forged) is None
    assert receipts.check("") is None
    assert receipts.check("Receipt 1: tiny, sums") is None


def test_only_the_signature_is_believed(receipts: Receipts, receipt: Receipt) -> None:
    changed = receipts.text(receipt).replace("ada", "bo", 1)

    found = receipts.check(changed)
    assert found is not None
    assert found.student == "ada"


@pytest.mark.parametrize(
    ("minutes", "is_late", "told"),
    [(-1, False, "Before"), (3, False, "Within the grace"), (30, True, "After the deadline")],
)
def test_a_receipt_says_whether_it_came_in_time(
    minutes: int, is_late: bool, told: str, course: Course, receipts: Receipts
) -> None:
    set_due(course, NOON - timedelta(minutes=minutes))
    handed = DeskParts(course, DeskPolicy()).hand_in("ada")

    assert receipts.of(handed, is_late=is_late).timeliness.startswith(told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("c.Desk.url = 'desk.example.org'", "c.Desk.url is 'desk.example.org'; write an address"),
        ("c.Desk.shows_before = 'all'", "write one of nothing, checks, marks"),
        ("c.Desk.megabytes = 0", "c.Desk.megabytes is below 1"),
        ("c.Desk.attempts = -1", "c.Desk.attempts is below 0"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(line: str, told: str, course: Course) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\n{line}\n")

    with pytest.raises(CourseError, match="The desk cannot be opened") as error:
        read_policy(course.config())
    assert told in str(error.value)


def test_time_zone_and_grace_are_those_of_the_other_commands(course: Course) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\nc.Term.timezone = 'Europe/Berlin'\nc.LatePolicy.grace_minutes = 7\n")
    policy = read_policy(course.config())

    assert (policy.timezone, policy.grace) == ("Europe/Berlin", timedelta(minutes=7))
