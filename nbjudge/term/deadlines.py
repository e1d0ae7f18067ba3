"""Read, show and store deadlines; a time that can be read in two ways is refused."""

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
    """Settings for all assignments of a term."""

    timezone: str = make_setting(
        "",
        "The time zone in which deadlines are written and shown, 'Europe/Zurich' for example. "
        "Without it a deadline has to name its own, and times are shown in UTC.",
    )


class TermSettings(Configurable):
    """Settings for all assignments of a term."""

    locals().update(traits_of(Term))


TermSettings.__name__ = Term.__name__  # traitlets finds the section by the class's name


def read_term(config: Config) -> Term:
    """Return the settings of the section `Term` in a configuration.

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
    """Return the time zone with a name of the IANA database.

    Raises
    ------
    CourseError
        If there is no such time zone.
    """
    if name not in available_timezones():
        message = f"There is no time zone '{printable(name)}'. Give one such as 'Europe/Zurich'."
        raise CourseError(message)
    return ZoneInfo(name)


def read_moment(text: str, zone: tzinfo | None = None) -> datetime:
    """Return the time in a text that a person has typed, in UTC without a time zone.

    Parameters
    ----------
    text : str
        Such as `2027-03-02 18:00`, perhaps followed by a time zone's name, an offset or UTC.
    zone : tzinfo, optional
        The time zone if the text names none.

    Raises
    ------
    CourseError
        If it is ambiguous, or if clocks are changed then and show it twice, or never.

    >>> read_moment("2027-03-02 18:00 Europe/Zurich")
    datetime.datetime(2027, 3, 2, 17, 0)
    """
    text = " ".join(text.split())
    shown = f"'{printable(text)}'"
    local = local_time(text)
    if local is None:
        time, _, place = text.rpartition(" ")
        # Names such as CET are left to `read_timestamp`.
        is_place = "/" in place and place in available_timezones()
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
    """Return a time as text in a time zone.

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
    # Not by `strftime`, which writes the day in the machine's language.
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[local.weekday()]
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    if zone is None:
        return f"{day} {local:%Y-%m-%d} {clock} UTC"
    offset = f"{local:%z}"
    return f"{day} {local:%Y-%m-%d} {clock} {offset[:3]}:{offset[3:5]} ({zone})"


def deadline_of(gradebook: Gradebook, assignment: str) -> datetime | None:
    """Return the deadline of an assignment; None if it has none or is not in the gradebook."""
    query = select(Assignment.duedate).where(Assignment.name == assignment)
    found: datetime | None = gradebook.db.execute(query).scalar()
    return found


def set_deadline(gradebook: Gradebook, assignment: str, moment: datetime | None) -> None:
    """Set or remove a deadline, whether the assignment is released yet or not; do not commit.

    nbgrader stores extensions as a length of time after the deadline, so the caller must then call
    `extensions.keep_dates`, which also commits.
    """
    try:
        gradebook.find_assignment(assignment).duedate = moment
    except MissingEntry:
        gradebook.add_assignment(assignment, duedate=moment)
