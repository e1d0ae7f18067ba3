"""A time counts if it can be read in one way; nothing is guessed, and nothing goes by the clock."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from nbgrader.utils import parse_utc

from nbjudge.intake.timestamps import local_time, read_timestamp, utc

HALF_PAST_FIVE = datetime(2026, 3, 2, 17, 30)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02 17:30:00 UTC",
        "2026-03-02 17:30:00.000000 UTC",
        "2026-03-02 17:30:00 utc",
        "2026-03-02 17:30:00 GMT",
        "2026-03-02 17:30:00",
        "2026-03-02 17:30",
        "2026-03-02T17:30:00Z",
        "2026-03-02T17:30:00,0+00:00",
        "2026-03-02T18:30:00+01:00",
        "2026-03-02 18:30:00+0100",
        "2026-03-02 07:30:00 -10",
        "2026-03-02 18:30:00 Europe/Berlin",
        "2026-03-02 09:30:00.000000 America/Los_Angeles",
        "2026-03-02 14:30:00 America/Argentina/Buenos_Aires",
        "2026-03-02 23:00:00 Asia/Kolkata",
        "2026-03-02 23:00:00 +0530",
        "2026-03-02 18:29:00 +00:59",
        "Mon, 2 Mar 2026 17:30:00 UT",
        "Mon, 2 Mar 2026 18:30:00 +0100",
        "Mon, 02 Mar 2026 18:30:00 +0100 (CET)",
        "2 Mar 2026 17:30 -0000",
        "Mon, 02 Mar 2026 17:30:00 GMT",
        "  2026-03-02   17:30:00 UTC\n",
    ],
)
def test_a_time_that_reads_one_way_is_read(text: str) -> None:
    assert read_timestamp(text) == HALF_PAST_FIVE


@pytest.mark.parametrize(
    "text",
    [
        # Names of several zones, or of none.
        *(f"2026-03-02 10:30:00 {zone}" for zone in ("PST", "IST", "CET", "EST", "BST", "A", "W")),
        *(f"2026-03-02 10:30:00 {zone}" for zone in ("local", "Europe", "Europe/Paname", "+1")),
        *(f"2026-03-02 10:30:00 {zone}" for zone in ("right/UTC", "../UTC", "/etc/localtime")),
        "Mon, 2 Mar 2026 18:30:00 PST",
        "Mon, 2 Mar 2026 18:30:00",
        # Programs' and people's own.
        "Mon Mar  2 18:30:00 CET 2026",
        "Mon Mar  2 17:30:00 UTC 2026",
        "monday",
        "today",
        "18:30",
        "2026",
        "2026-03",
        "2026-03-02",
        "02.03.2026",
        "02.03.2026 18:30",
        "03/02/2026 18:30:00",
        "26-03-02 18:30:00",
        "20260302T173000Z",
        "2026-W10-1T17:30:00Z",
        "1772472600",
        "1772472600.0",
        "2. März 2026, 18:30",
        "2026-03-02 17:30:00 UTC or so",
        "2026-03-02 17:30:00 UTC\n2026-03-03 17:30:00 UTC",
        "２０２６-03-02 17:30:00 UTC",
        "٢٠٢٦-٠٣-٠٢ ١٧:٣٠:٠٠",
        "",
        "9" * 4000,
        # What the calendar, clocks and the world do not have.
        "2026-02-29 17:30:00 UTC",
        "2026-13-02 17:30:00 UTC",
        "2026-03-02 24:00:00 UTC",
        "2026-03-02 17:60:00 UTC",
        "2026-03-02 17:30:60 UTC",
        "2026-03-02 17:30:00 +14:01",
        "2026-03-02 17:30:00 -99:00",
        "2026-03-02 17:30:00 +01:60",
        "Tue, 2 Mar 2026 18:30:00 +0100",
        "1970-01-01 00:00:00 UTC",
        "1999-12-31 23:59:59 UTC",
        "2100-01-01 00:00:00 UTC",
        "9999-12-31 23:59:59 UTC",
        # Clocks were put back, and forward.
        "2026-10-25 02:30:00 Europe/Berlin",
        "2026-03-29 02:30:00 Europe/Berlin",
    ],
)
def test_a_time_that_leaves_a_choice_is_none(text: str) -> None:
    assert read_timestamp(text) is None


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [("17:30:00.5", 500_000), ("17:30:00,000001", 1), ("17:30:00.123456789", 123_456)],
)
def test_a_part_of_a_second_is_read_to_the_millionth(text: str, microsecond: int) -> None:
    found = read_timestamp(f"2026-03-02 {text} UTC")

    assert found == HALF_PAST_FIVE.replace(microsecond=microsecond)


@pytest.mark.parametrize("year", [2000, 2099])
def test_the_first_and_the_last_year_that_can_be_are_read(year: int) -> None:
    assert read_timestamp(f"{year}-03-02 17:30:00") == HALF_PAST_FIVE.replace(year=year)


@pytest.mark.parametrize("offset", ["+14:00", "-14:00"])
def test_the_furthest_offsets_are_read(offset: str) -> None:
    assert read_timestamp(f"2026-03-02 12:00:00 {offset}") is not None


def test_what_nbgrader_writes_by_default_means_what_nbgrader_reads() -> None:
    text = HALF_PAST_FIVE.replace(tzinfo=ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M:%S.%f %Z")

    assert read_timestamp(text) == parse_utc(text) == HALF_PAST_FIVE


@pytest.mark.parametrize(
    "text",
    [
        "Monday, 2 March 2026, 5:30 PM",
        "Monday, 2 March 2026, 5:30\u202fpm",
        "Monday, 2 March 2026, 17:30",
        "Monday, March 2, 2026, 5:30 PM",
        "Mon, 2 Mar 2026, 17:30:00",
        "2 March 2026, 5:30 p.m.",
        "2026-03-02 17:30",
        "2026-03-02T17:30:00",
    ],
)
def test_what_moodle_writes_in_english_is_read(text: str) -> None:
    assert local_time(text) == HALF_PAST_FIVE


@pytest.mark.parametrize(
    "text",
    [
        "Montag, 2. März 2026, 17:30",
        "lundi 2 mars 2026, 17:30",
        "2/03/26, 17:30",
        "02.03.26, 17:30",
        "Tuesday, 2 March 2026, 5:30 PM",
        "Monday, 2 March 2026, 17:30 PM",
        "Monday, 2 March 2026, 0:30 AM",
        "Monday, 2 March 2026",
        "2026-03-02 17:30 UTC",
        "-",
        "",
    ],
)
def test_what_could_be_another_time_in_a_worksheet_is_none(text: str) -> None:
    assert local_time(text) is None


def test_midnight_and_noon_are_those_of_half_a_day() -> None:
    assert local_time("2 March 2026, 12:00 AM") == datetime(2026, 3, 2, 0)
    assert local_time("2 March 2026, 12:00 PM") == datetime(2026, 3, 2, 12)


@pytest.mark.parametrize("local", [datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)])
def test_an_hour_that_was_there_twice_or_never_is_no_time(local: datetime) -> None:
    with pytest.raises(ValueError, match="twice, or never"):
        utc(local, ZoneInfo("Europe/Berlin"))


def test_hours_of_half_a_day_go_from_one_to_twelve() -> None:
    assert local_time("2 March 2026, 1:00 AM") == datetime(2026, 3, 2, 1)
    assert local_time("2 March 2026, 13:00 AM") is None


def test_a_time_with_a_zone_is_the_same_wherever_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert read_timestamp("2026-03-02 17:30:00 UTC") == HALF_PAST_FIVE
    finally:
        monkeypatch.undo()
        time.tzset()
