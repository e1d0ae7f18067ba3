"""Receipts: who handed in which files and when, signed, so that a saved copy can be checked."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from itsdangerous import BadData, URLSafeSerializer

from nbjudge.desk.store import HandIn

__all__ = ["Receipt", "Receipts", "in_zone", "is_zone", "spell"]


def is_zone(name: str) -> bool:
    """Return whether a text is the name of a time zone."""
    return bool(name) and name in _zones()


@functools.cache
def _zones() -> frozenset[str]:
    """Return the names of all time zones; cached, since it reads hundreds of files."""
    return frozenset(available_timezones())


def in_zone(moment: datetime, zone: str) -> str:
    """Return a UTC time as text in a time zone.

    >>> in_zone(datetime(2026, 3, 2, 17, 30), "Europe/Berlin")
    'Mon 2 March 2026, 18:30:00 (Europe/Berlin)'
    """
    there = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%B %Y, %H:%M:%S} ({zone})"


def spell(size: int) -> str:
    """Return a size in bytes as text with a unit.

    >>> spell(900), spell(34_567), spell(5_000_000)
    ('900 bytes', '34.6 kB', '5.0 MB')
    """
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


@dataclass(frozen=True)
class Receipt:
    """What a receipt says about a hand-in.

    Parameters
    ----------
    number : int
        The id of the hand-in.
    course, student, assignment : str
    attempt : int
    received : datetime
        By the server's clock, in UTC.
    due : datetime, optional
        In UTC.
    is_late : bool
        Whether it came after the deadline and its grace.
    zones : tuple of str
        The course's time zone and, if known, the student's.
    files : tuple of (str, str, int, str)
        Of each file: its name in the assignment, its name when it was uploaded, its size in bytes,
        and its SHA-256.
    """

    number: int
    course: str
    student: str
    assignment: str
    attempt: int
    received: datetime
    due: datetime | None
    is_late: bool
    zones: tuple[str, ...]
    files: tuple[tuple[str, str, int, str], ...]

    @property
    def times(self) -> tuple[str, ...]:
        """The time of receipt as text, in UTC and in the other zones."""
        zones = dict.fromkeys(("UTC", *self.zones))
        return tuple(in_zone(self.received, zone) for zone in zones)

    @property
    def timeliness(self) -> str:
        """A sentence that says whether it came in time."""
        if self.due is None:
            return "It has no deadline."
        end = in_zone(self.due, self.zones[0])
        if self.is_late:
            return f"After the deadline, which was {end}."
        if self.received > self.due:
            return f"Within the grace after the deadline, which was {end}: it counts as in time."
        return f"Before the deadline, which is {end}."


class Receipts:
    """Writes signed receipts, and verifies them.

    Parameters
    ----------
    key : bytes
        The desk's key.
    course : str
        The course's name, for people.
    zone : str
        The course's time zone.
    """

    def __init__(self, key: bytes, course: str, zone: str) -> None:
        self._signer = URLSafeSerializer(key, salt="nbjudge desk receipt")
        self._course = course
        self._zone = zone

    def of(self, hand_in: HandIn, is_late: bool) -> Receipt:
        """Return the receipt of a hand-in."""
        return Receipt(
            number=hand_in.id,
            course=self._course,
            student=hand_in.student,
            assignment=hand_in.assignment,
            attempt=hand_in.attempt,
            received=hand_in.received,
            due=hand_in.due,
            is_late=is_late,
            zones=(self._zone, *([hand_in.zone] if hand_in.zone else [])),
            files=tuple((file.place, file.name, file.size, file.sha256) for file in hand_in.files),
        )

    def text(self, receipt: Receipt) -> str:
        """Return a receipt as a text file: lines for people, then the signature for `check`."""
        lines = [
            f"Receipt {receipt.number}: {receipt.course}, {receipt.assignment}",
            f"Handed in by {receipt.student}, attempt {receipt.attempt}",
            *(f"Received {time}" for time in receipt.times),
            receipt.timeliness,
            *(
                f"{place} ({spell(size)}), SHA-256 {sha256}"
                for place, _, size, sha256 in receipt.files
            ),
            "",
            "Signature, by which the desk knows its own receipts:",
            self._sign(receipt),
            "",
        ]
        return "\n".join(lines)

    def _sign(self, receipt: Receipt) -> str:
        signed: str = self._signer.dumps(
            {
                "number": receipt.number,
                "course": receipt.course,
                "student": receipt.student,
                "assignment": receipt.assignment,
                "attempt": receipt.attempt,
                "received": receipt.received.isoformat(),
                "due": receipt.due.isoformat() if receipt.due else None,
                "is_late": receipt.is_late,
                "zones": list(receipt.zones),
                "files": [list(file) for file in receipt.files],
            }
        )
        return signed

    def check(self, text: str) -> Receipt | None:
        """Return the receipt inside a saved file's signature; None if this desk did not sign it.

        Only the signature, the last line, is read: anybody can edit the lines above it.
        """
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            return None
        try:
            told = self._signer.loads(lines[-1])
        except BadData:
            return None
        due = told["due"]
        return Receipt(
            **{
                **told,
                "received": datetime.fromisoformat(told["received"]),
                "due": datetime.fromisoformat(due) if due else None,
                "zones": tuple(told["zones"]),
                "files": tuple(
                    (place, name, size, sha256) for place, name, size, sha256 in told["files"]
                ),
            }
        )
