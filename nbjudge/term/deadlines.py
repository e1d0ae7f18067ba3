"""When an assignment is due: times that can be read in one way, kept by nbgrader's gradebook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from nbgrader.api import Assignment, Gradebook, MissingEntry
from sqlalchemy import select
from traitlets.config import Config, Configurable

from nbjudge.basics.settings import make_setting, read_settings, traits_of
from nbjudge.exceptions import CourseError
from nbjudge.intake.submission import printable
from nbjudge.intake.timestamps import local_time, read_timestamp, utc

__all__ = [
    "Term",
    "TermSettings",
    "deadline_of",
    "read_moment",
    "read_term",
    "set_deadline",
    "show_moment",
    "zone_of",
]

EXAMPLE = "2027-03-02 18:00 Europe/Zurich"


@dataclass(frozen=True)
class Term:
    """What holds for all assignments of a term."""

    timezone: str = make_setting(
        "",
        "The time zone in which deadlines are written and shown, 'Europe/Zurich' for example. "
        "Without it a deadline has to name its own, and times are shown in UTC.",
    )


class TermSettings(Configurable):
    """What holds for all assignments of a term."""

    locals().update(traits_of(Term))


TermSettings.__name__ = Term.__name__  # by which traitlets finds its section


def read_term(config: Config) -> Term:
    """Return what a configuration says of the term.

    Raises
    ------
    CourseError
        If there is no such time zone.
    """
    term = Term(**read_settings(Term, TermSettings(config=config)))
    if term.timezone:
        zone_of(term.timezone)
    return term


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of a place in the IANA database.

    Raises
    ------
    CourseError
        If there is none.
    """
    if name not in available_timezones():
        message = f"There is no time zone '{printable(name)}'. Give one such as 'Europe/Zurich'."
        raise CourseError(message)
    return ZoneInfo(name)


def read_moment(text: str, zone: tzinfo | None = None) -> datetime:
    """Return the time that a person means, in UTC without a time zone.

    Parameters
    ----------
    text : str
        As `2027-03-02 18:00`, with the name of a place, an offset or UTC behind it.
    zone : tzinfo, optional
        Of a time that names none.

    Raises
    ------
    CourseError
        If it can be read otherwise, or if the clocks show it twice, or never, on that day.

    >>> read_moment("2027-03-02 18:00 Europe/Zurich")
    datetime.datetime(2027, 3, 2, 17, 0)
    """
    text = " ".join(text.split())
    shown = f"'{printable(text)}'"
    local = local_time(text)
    if local is None:
        time, _, place = text.rpartition(" ")
        is_place = "/" in place and place in available_timezones()  # CET is no place
        local = local_time(time) if is_place else None
        if local is None:
            found = read_timestamp(text)
            if found is None:
                message = f"{shown} cannot be read in one way. Write the time as '{EXAMPLE}'."
                raise CourseError(message)
            return found
        zone = ZoneInfo(place)
    if zone is None:
        message = (
            f"{shown} does not say in which time zone. Write '{printable(text)} Europe/Zurich', "
            "say, or set c.Term.timezone in nbgrader_config.py."
        )
        raise CourseError(message)
    try:
        return utc(local, zone)
    except ValueError:
        message = (
            f"On that day clocks are put back or forward, and show {shown} twice, or never. "
            "Give another time, or say which with an offset: "
            f"'{local:%Y-%m-%d %H:%M} +01:00'."
        )
        raise CourseError(message) from None


def show_moment(moment: datetime, zone: tzinfo | None = None) -> str:
    """Return a time for people to read, in a time zone.

    Parameters
    ----------
    moment : datetime
        In UTC, without a time zone.
    zone : tzinfo, optional
        By default UTC.

    >>> show_moment(datetime(2027, 3, 2, 17), ZoneInfo("Europe/Zurich"))
    'Tue 2027-03-02 18:00 +01:00 (Europe/Zurich)'
    >>> show_moment(datetime(2027, 3, 2, 17, 0, 30))
    'Tue 2027-03-02 17:00:30 UTC'
    """
    local = moment.replace(tzinfo=UTC).astimezone(zone or UTC)
    # Not `strftime`, which speaks the language of the machine.
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[local.weekday()]
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    if zone is None:
        return f"{day} {local:%Y-%m-%d} {clock} UTC"
    offset = f"{local:%z}"
    return f"{day} {local:%Y-%m-%d} {clock} {offset[:3]}:{offset[3:5]} ({zone})"


def deadline_of(gradebook: Gradebook, assignment: str) -> datetime | None:
    """Return when an assignment is due, if it is; one that the gradebook does not know is not."""
    query = select(Assignment.duedate).where(Assignment.name == assignment)
    found: datetime | None = gradebook.db.execute(query).scalar()
    return found


def set_deadline(gradebook: Gradebook, assignment: str, moment: datetime | None) -> None:
    """Set or remove a deadline, whether the assignment is released yet or not.

    Extensions are kept as a time from the deadline: `extensions.keep_dates` has to follow, and
    commits both.
    """
    try:
        gradebook.find_assignment(assignment).duedate = moment
    except MissingEntry:
        gradebook.add_assignment(assignment, duedate=moment)
