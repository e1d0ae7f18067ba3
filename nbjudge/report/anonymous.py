"""Remove names from a class's data, for reports that are shown to others.

Ids and names become numbers, in an order that does not depend on names. In remarks, everything in
quotation marks or brackets is blanked, since it may contain a name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import replace

from nbjudge.report.records import Class

__all__ = ["anonymous"]

#: From the first opening quotation mark or bracket to the last closing one.
QUOTED = re.compile(r"['\"(‘“`«].*['\")’”`»](?!\w)", re.DOTALL)
#: An opening mark without a closing one: everything after it may be part of the quotation.
OPEN = re.compile(r"['\"(‘“`«].*", re.DOTALL)
#: The fewest characters of a name that is blanked; shorter ones may be ordinary words.
SHORTEST_NAME = 3


def anonymous(of: Class, secret: str) -> Class:
    """Return a class of "student 1", "student 2" …, sorted by number.

    Parameters
    ----------
    of : Class
    secret : str
        The course's secret. Without it the numbers cannot be traced back; with it, a class gets the
        same order of students in every assignment.
    """
    numbers = _pseudonyms((member.student for member in of.members), secret)
    own = [exercise.notebook for exercise in of.exercises]
    known = {of.assignment, *own, *(f"{name}.ipynb" for name in own)}
    named = [
        word
        for member in of.members
        for word in (member.student, member.name, *member.name.split())
        if len(word) >= SHORTEST_NAME
    ]
    pattern = "|".join(map(re.escape, sorted(set(named), key=lambda word: (-len(word), word))))
    names = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE) if named else None
    members = [
        replace(
            member,
            student=f"student {numbers[member.student]}",
            name="",
            marks=member.marks
            and replace(member.marks, student=f"student {numbers[member.student]}", name=""),
            remarks=tuple(_without_names(remark, known, names) for remark in member.remarks),
        )
        for member in of.members
    ]
    return replace(
        of,
        members=tuple(sorted(members, key=lambda m: int(m.student.split()[1]))),
        # An answer, or the message of its exception, may contain its author's name.
        unnamed=tuple(replace(group, reason="", example="") for group in of.unnamed),
    )


def _pseudonyms(students: Iterable[str], secret: str) -> dict[str, int]:
    def place(student: str) -> bytes:
        text = student.encode("utf-8", "surrogatepass")
        return hmac.digest(secret.encode(), b"pseudonym " + text, hashlib.sha256)

    return {student: i for i, student in enumerate(sorted(students, key=place), start=1)}


def _without_names(remark: str, known: Iterable[str], names: re.Pattern[str] | None) -> str:
    """Blank all quotations in a remark, except the course's own names, and all students' names."""
    held = [f"'{name}'" for name in sorted(known)]
    for i, quoted in enumerate(held):
        remark = remark.replace(quoted, f"\0{i}\0")
    remark = OPEN.sub("…", QUOTED.sub("…", remark))
    if names is not None:
        remark = names.sub("…", remark)
    return re.sub("\0(\\d+)\0", lambda found: held[int(found[1])], remark)
