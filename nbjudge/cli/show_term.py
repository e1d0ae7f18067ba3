"""Compute the output lines of `course roster`, `course deadline` and `course extend`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

from nbjudge.course.marks import Person
from nbjudge.intake.submission import name_list, printable
from nbjudge.term.deadlines import show_moment
from nbjudge.term.extensions import Extension
from nbjudge.term.find_students import label
from nbjudge.term.roster import PARTS_OF_PERSON, Imported

__all__ = ["describe_deadline", "describe_extension", "describe_import", "describe_people"]


def describe_people(people: Sequence[Person]) -> Iterator[str]:
    """Yield a line for each person, sorted by name, in columns."""
    people = sorted(people, key=lambda person: person.order)
    names = [printable(person.name) or "–" for person in people]
    ids = [printable(person.id) for person in people]
    wide, wide_id = (max(map(len, texts), default=0) for texts in (names, ids))
    for person, name, id in zip(people, names, ids, strict=True):
        cells = (f"{name:<{wide}}", f"{id:<{wide_id}}", printable(person.email))
        yield "  ".join(cells).rstrip()
    count = "1 student" if len(people) == 1 else f"{len(people)} students"
    nameless = sum(not person.name for person in people)
    told = f", {nameless} without a name" if nameless else ""
    yield f"{count}{told}."


def describe_import(found: Imported) -> Iterator[str]:
    """Yield lines about people who were added, changed, or left as they were."""
    for person in found.added:
        yield f"added    {label(person)}"
    for before, now in found.changed:
        told = [
            f"{what}: {printable(getattr(now, part))}"
            + (f" (was {printable(old)})" if (old := getattr(before, part)) else "")
            for part, what in PARTS_OF_PERSON.items()
            if getattr(before, part) != getattr(now, part)
        ]
        yield f"changed  {label(now)}: {'; '.join(told)}"
    counts = f"{len(found.added)} added, {len(found.changed)} changed, {found.same} as before"
    if found.absent:
        absent = name_list(label(person) for person in found.absent)
        counts += f"; {len(found.absent)} in the gradebook and not in this roster: {absent}"
    yield f"{counts}."


def describe_deadline(
    assignment: str, due: datetime | None, zone: tzinfo | None, extensions: int
) -> str:
    """Return a line about an assignment's deadline."""
    if due is None:
        return f"{assignment}: no deadline"
    more = {0: "", 1: ", 1 extension"}.get(extensions, f", {extensions} extensions")
    in_utc = "" if zone is None else f" = {due:%Y-%m-%d %H:%M} UTC"
    return f"{assignment}: {show_moment(due, zone)}{in_utc}{more}"


def describe_extension(
    extension: Extension, people: Iterable[Person], zone: tzinfo | None = None
) -> str:
    """Return a line about an extension: student, assignment, end, and reason."""
    own = (person for person in people if person.id == extension.student)
    who = label(next(own, Person(extension.student)))
    why = printable_text(extension.reason) or "no reason is kept"
    return f"{extension.assignment}: {who} until {show_moment(extension.until, zone)}: {why}"


def printable_text(text: str) -> str:
    """Return a text of any length that is safe to print."""
    return "".join(c if c.isprintable() else " " for c in text)
