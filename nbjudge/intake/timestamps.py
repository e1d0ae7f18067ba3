"""Read times of handing in, strictly: a text that can be read in two ways is not accepted.

A date parser that guesses takes PST for UTC, "monday" for a day near today, and 02.03.2026 for
3 February. Marks may depend on these times, so nothing is guessed here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

__all__ = ["YEARS", "local_time", "read_timestamp", "utc"]

#: Plausible years of a submission; any other is a typing error, or a clock that was never set.
YEARS = range(2000, 2100)
#: The largest offset from UTC of any time zone.
FURTHEST = timedelta(hours=14)

CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
OFFSET = r"[+-]\d{2}:?\d{2}|[+-]\d{2}"
#: The format of nbgrader, ISO 8601 and RFC 3339: largest unit first, then perhaps a zone.
ISO = re.compile(
    rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})[T ]{CLOCK}"
    rf"(?: ?(?P<zone>{OFFSET}|Z|UTC|GMT)| (?P<area>[A-Z]\w*(?:/[\w+-]+){{1,2}}))?",
    re.ASCII | re.IGNORECASE,
)
#: The format of RFC 2822 (e-mail), in which text in brackets is a comment.
MAIL = re.compile(
    rf"(?:(?P<weekday>[a-z]{{3}}), ?)?(?P<day>\d{{1,2}}) (?P<month>[a-z]{{3}}) (?P<year>\d{{4}}) "
    rf"{CLOCK} (?P<zone>[+-]\d{{4}}|UTC?|GMT)(?: \([a-z]+\))?",
    re.ASCII | re.IGNORECASE,
)
#: Moodle's format in English: "Monday, 2 March 2026, 6:30 PM", or "March 2" in US order.
SPELLED_OUT = re.compile(
    r"(?:(?P<weekday>[a-z]+), )?"
    r"(?:(?P<day>\d{1,2}) (?P<month>[a-z]+)|(?P<us_month>[a-z]+) (?P<us_day>\d{1,2}),) "
    rf"(?P<year>\d{{4}}), {CLOCK}(?: ?(?P<half>[ap])\.?m\.?)?",
    re.ASCII | re.IGNORECASE,
)

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read_timestamp(text: str) -> datetime | None:
    """Return the time in a text, in UTC without a zone; None if it is ambiguous or no time.

    Accepted are nbgrader's format and ISO 8601, with an offset, UTC or a name of the IANA database,
    and RFC 2822 with an offset. Without a zone, the first two are in UTC, as in nbgrader.
    Abbreviations such as PST or IST are refused, since each names several zones.

    >>> read_timestamp("2026-03-02 18:30:00.25 Europe/Berlin")
    datetime.datetime(2026, 3, 2, 17, 30, 0, 250000)
    >>> read_timestamp("Mon, 2 Mar 2026 18:30:00 +0100")
    datetime.datetime(2026, 3, 2, 17, 30)
    >>> read_timestamp("Mon Mar  2 18:30:00 CET 2026"), read_timestamp("02.03.2026 18:30")
    (None, None)
    """
    text = " ".join(text.split())
    try:
        if match := ISO.fullmatch(text):
            local = _moment_of_match(match, int(match["month"]), int(match["day"]))
            zone = _zone(match["zone"], match["area"])
        elif match := MAIL.fullmatch(text):
            local = _moment_of_match(match, _month(match["month"]), int(match["day"]))
            zone = _zone(match["zone"], None)
        else:
            return None
        return utc(local, zone)
    except ValueError:  # there is no such day, hour, offset or place
        return None


def local_time(text: str) -> datetime | None:
    """Return the local time in a text from Moodle, without a zone; None if it is no such time.

    >>> local_time("Monday, 2 March 2026, 6:30 PM") == local_time("2026-03-02 18:30")
    True
    >>> local_time("Montag, 2. März 2026, 18:30"), local_time("2/03/26, 18:30")
    (None, None)
    """
    text = " ".join(text.split())
    try:
        if (match := ISO.fullmatch(text)) and not (match["zone"] or match["area"]):
            return _moment_of_match(match, int(match["month"]), int(match["day"]))
        if match := SPELLED_OUT.fullmatch(text):
            month = _month(match["month"] or match["us_month"])
            return _moment_of_match(match, month, int(match["day"] or match["us_day"]))
    except ValueError:  # no such month, day or hour
        pass
    return None


def utc(local: datetime, zone: tzinfo | None) -> datetime:
    """Convert a local time to UTC, without a zone; the zone None is this machine's.

    Raises
    ------
    ValueError
        If clocks were changed then, so that the local time occurred twice, or never.
    """
    either = [
        local.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(tzinfo=None)
        for fold in (0, 1)
    ]
    if either[0] != either[1]:
        raise ValueError(f"{local} was there twice, or never")
    return either[0]


def _moment_of_match(match: re.Match[str], month: int, day: int) -> datetime:
    parts = match.groupdict()
    year, hour = int(parts["year"]), int(parts["hour"])
    if year not in YEARS:
        raise ValueError(f"not in the years that can be: {year}")
    if half := parts.get("half"):
        if hour not in range(1, 13):
            raise ValueError(f"no hour of half a day: {hour}")
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    microsecond = int((parts["fraction"] or "").ljust(6, "0")[:6])
    moment = datetime(
        year, month, day, hour, int(parts["minute"]), int(parts["second"] or 0), microsecond
    )
    weekday = parts.get("weekday")
    if weekday and _index_of_name(weekday, WEEKDAYS) != moment.weekday():
        raise ValueError(f"no {weekday}: {moment}")
    return moment


def _month(name: str) -> int:
    return _index_of_name(name, MONTHS) + 1


def _index_of_name(name: str, names: tuple[str, ...]) -> int:
    """Return the index of a name that is written in full, or by its first three letters."""
    for index, whole in enumerate(names):
        if name.lower() in (whole, whole[:3]):
            return index
    raise ValueError(f"no {name}")


def _zone(offset: str | None, area: str | None) -> tzinfo:
    if area:
        if area not in available_timezones():
            raise ValueError(f"no place: {area}")
        return ZoneInfo(area)
    if offset is None or offset.upper() in ("Z", "UTC", "UT", "GMT"):
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    distance = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or distance > FURTHEST:
        raise ValueError(f"no offset: {offset}")
    return timezone(-distance if offset.startswith("-") else distance)
