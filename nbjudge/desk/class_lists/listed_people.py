"""Find the people of a class list in the gradebook, and enter those who are new.

People are matched only by their full id or platform number, as at a login; never by an address or a
name, which people can change themselves. Nobody is ever removed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbgrader.api import Gradebook, Student

from nbjudge.basics.csv_files import alike
from nbjudge.basics.text import clean_characters
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook, people_of
from nbjudge.course.marks import Person
from nbjudge.intake.student_ids import is_fit

__all__ = ["Enrolment", "LeftOut", "Listed", "enrol", "one_line_name"]

#: The most characters that a name may have.
LONGEST_NAME = 128


@dataclass(frozen=True)
class Listed:
    """A student on a class list.

    Parameters
    ----------
    said : str
        The id in the gradebook, or the user number on the platform.
    first_name, last_name : str
        Empty if the list does not have them.
    """

    said: str
    first_name: str = ""
    last_name: str = ""

    @property
    def name(self) -> str:
        """The first and the last name."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True)
class LeftOut:
    """Somebody on a class list who cannot be matched with the gradebook, and why."""

    said: str
    name: str
    why: str


@dataclass(frozen=True)
class Enrolment:
    """The result of entering a class list into the gradebook.

    Parameters
    ----------
    students : tuple of str
        The ids in the gradebook of the students on the list.
    added, named : tuple of str
        Those of them who were added to the gradebook, and those who were there without a name.
    left_out : tuple of LeftOut
    """

    students: tuple[str, ...]
    added: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def one_line_name(text: object) -> str:
    r"""Return a name on one line; empty if it is no text or too long.

    >>> one_line_name(" Ada\n Lovelace"), one_line_name(5), one_line_name("x" * 200)
    ('Ada Lovelace', '', '')
    """
    if not isinstance(text, str) or len(text) > LONGEST_NAME:
        return ""
    return clean_characters(" ".join(unicodedata.normalize("NFC", text).split()))


def enrol(course: Course, listed: Sequence[Listed], *, by_number: bool) -> Enrolment:
    """Find the people of a class list in a course's gradebook, and enter those who are new.

    Parameters
    ----------
    course : Course
    listed : sequence of Listed
    by_number : bool
        Whether the list has the platform's user numbers; new people have no id then, and are left
        out.

    Raises
    ------
    MarksNotSaved
        If the gradebook cannot be used; nothing has changed then.
    """
    with open_gradebook(course) as gradebook:
        known = {person.id: person for person in people_of(gradebook)}
        whose, left_out = _match_people(listed, known, by_number=by_number)
        added = tuple(student for student in whose if student not in known)
        named = tuple(
            student
            for student, each in whose.items()
            if student in known and not known[student].name and each.name
        )
        for student in (*added, *named):
            _write_student(gradebook, student, whose[student])
        if added or named:
            gradebook.db.commit()
    return Enrolment(tuple(sorted(whose)), added, named, left_out)


def _match_people(
    listed: Sequence[Listed], known: Mapping[str, Person], *, by_number: bool
) -> tuple[dict[str, Listed], tuple[LeftOut, ...]]:
    """Return the people of a class list by their id in the gradebook, and those left out."""
    numbered = defaultdict(list)
    for student, person in known.items():
        numbered[person.lms_user_id].append(student)
    spelled = {alike(student): student for student in known}
    twice = Counter(alike(each.said) for each in set(listed))
    found: dict[str, Listed] = {}
    left_out = []
    for each in dict.fromkeys(listed):
        if by_number:
            students = numbered.get(each.said, [])
            why = "" if len(students) == 1 else _why_not(len(students))
            student = students[0] if students else ""
        else:
            student, why = each.said, _why_no_id(each.said, spelled)
        if twice[alike(each.said)] > 1:
            why = "is on the list more than once, with different names"
        if why:
            left_out.append(LeftOut(each.said, each.name, why))
        else:
            found[student] = each
    return found, tuple(left_out)


def _why_not(count: int) -> str:
    return "is several people's number in the gradebook" if count else "is not in the gradebook"


def _why_no_id(said: str, spelled: Mapping[str, str]) -> str:
    """Return why somebody cannot be entered under an id; empty if nothing is in the way."""
    if not is_fit(said) or said != said.strip():
        return "has an id that cannot be a folder's name"
    other = spelled.get(alike(said), said)
    return "" if other == said else f"is written {other} in the gradebook"


def _write_student(gradebook: Gradebook, student: str, listed: Listed) -> None:
    found = gradebook.db.get(Student, student)
    if found is None:
        found = Student(id=student)
        gradebook.db.add(found)
    found.first_name = listed.first_name or None
    found.last_name = listed.last_name or None
