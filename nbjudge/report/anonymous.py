"""A class without names: what a report may hold that leaves the room.

Ids and names become numbers, in an order that follows from nobody's name. Of a remark stays only
what the course itself says: what it quotes, or tells in brackets, may name somebody.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import replace

from nbjudge.report.records import Class

__all__ = ["anonymous"]

#: From the first sign that opens a quotation or a bracket to the last that ends one.
QUOTED = re.compile(r"['\"(‘“`«].*['\")’”`»](?!\w)", re.DOTALL)
#: One that nothing ends: all that follows may be a part of it.
OPEN = re.compile(r"['\"(‘“`«].*", re.DOTALL)
#: Names shorter than this are words, too.
SHORTEST_NAME = 3


def anonymous(of: Class, secret: str) -> Class:
    """Return a class of "student 1", "student 2" …, sorted by these numbers.

    Parameters
    ----------
    of : Class
    secret : str
        The course's. It alone tells who is who; the same students get the same numbers, whatever
        the assignment.
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
        # Who wrote an answer may stand in it, and in what its exception says.
        unnamed=tuple(replace(group, reason="", example="") for group in of.unnamed),
    )


def _pseudonyms(students: Iterable[str], secret: str) -> dict[str, int]:
    def place(student: str) -> bytes:
        text = student.encode("utf-8", "surrogatepass")
        return hmac.digest(secret.encode(), b"pseudonym " + text, hashlib.sha256)

    return {student: i for i, student in enumerate(sorted(students, key=place), start=1)}


def _without_names(remark: str, known: Iterable[str], names: re.Pattern[str] | None) -> str:
    """Blank what a remark quotes, the course's own names apart, and whatever names somebody."""
    held = [f"'{name}'" for name in sorted(known)]
    for i, quoted in enumerate(held):
        remark = remark.replace(quoted, f"\0{i}\0")
    remark = OPEN.sub("…", QUOTED.sub("…", remark))
    if names is not None:
        remark = names.sub("…", remark)
    return re.sub("\0(\\d+)\0", lambda found: held[int(found[1])], remark)
