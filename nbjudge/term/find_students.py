"""Find a student by id, e-mail address or full name.

Part of a name identifies nobody; it only serves to suggest who may be meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator

from nbjudge.basics.csv_files import alike
from nbjudge.basics.text import sort_key
from nbjudge.course.marks import Person
from nbjudge.exceptions import CourseError
from nbjudge.intake.submission import name_with_id, printable

__all__ = ["NobodyLikeIt", "find_student", "label", "student_ids"]


class NobodyLikeIt(CourseError):
    """A text resembles the id, address and name of nobody in the gradebook."""


#: The most people that a message lists.
MOST_LISTED = 5


def label(person: Person) -> str:
    """Return a person's name and id on one line."""
    return name_with_id(person.name, person.id)


def find_student(people: Collection[Person], text: str) -> Person:
    """Return the person with this id, e-mail address or name.

    An exact id is tried first. Then capitals and spaces are ignored, and at last accents as well.
    The last name may come first, with a comma or without.

    Parameters
    ----------
    people : collection of Person
        The people in the gradebook.
    text : str
        An id, an e-mail address, or a full name.

    Raises
    ------
    CourseError
        If it is nobody, or more than one person; the message lists who may be meant.
    """
    for meant in (
        [person for person in people if person.id == text],
        _those(people, text, alike, _ids_of),
        _those(people, text, alike, _names_of),
        _those(people, text, _words_of, _names_of),
    ):
        if len(meant) == 1:
            return meant[0]
        if meant:
            message = f"'{printable(text)}' may be {_either(meant)}. Give the id of who is meant."
            raise CourseError(message)
    message = f"The gradebook knows no student '{printable(text)}'."
    if near := _near(people, text):
        message += f" Is it {_either(near)}? Give the whole name, or the id."
        raise CourseError(message)
    message += " `course roster` lists those whom it knows, and `course roster FILE` adds others."
    raise NobodyLikeIt(message)


def student_ids(
    people: Collection[Person], given: Iterable[str], *, known: Collection[str] = ()
) -> list[str]:
    """Return the ids of the students that some texts mean, in order and without duplicates.

    A text that resembles nobody is taken as the id of somebody who is not in the gradebook.

    Parameters
    ----------
    people : collection of Person
        The people in the gradebook.
    given : iterable of str
    known : collection of str
        Further ids: students who have handed in, and may not be in the gradebook yet.

    Raises
    ------
    CourseError
        If a text may mean several people, or is only part of a name.
    """
    found = []
    for text in given:
        try:
            found.append(text if text in known else find_student(people, text).id)
        except NobodyLikeIt:
            found.append(text)
    return list(dict.fromkeys(found))


def _those(
    people: Iterable[Person],
    text: str,
    key: Callable[[str], object],
    texts: Callable[[Person], Iterator[str]],
) -> list[Person]:
    wanted = key(text)
    if not wanted:
        return []
    return [person for person in people if wanted in map(key, texts(person))]


def _ids_of(person: Person) -> Iterator[str]:
    yield person.id
    yield person.email


def _names_of(person: Person) -> Iterator[str]:
    first, last = person.first_name.strip(), person.last_name.strip()
    yield person.name
    if first and last:
        yield from (f"{last} {first}", f"{last}, {first}")


def _words_of(text: str) -> tuple[object, ...]:
    """Return the words of a text without accents, capitals and punctuation."""
    return sort_key(text)[0]


def _near(people: Collection[Person], text: str) -> list[Person]:
    """Return, sorted, the people whose name or id contains the text, or nearly equals it."""
    parts = set(_words_of(text))
    found = {
        person.id
        for person in people
        if parts and parts <= {*_words_of(person.name), *_words_of(person.id)}
    }
    if not found:
        known = {
            alike(one): person.id for person in people for one in (person.id, person.name) if one
        }
        close = difflib.get_close_matches(alike(text), known, n=MOST_LISTED, cutoff=0.8)
        found = {known[one] for one in close}
    return sorted((p for p in people if p.id in found), key=lambda person: person.order)


def _either(people: Collection[Person]) -> str:
    labels = [label(person) for person in people][:MOST_LISTED]
    if (more := len(people) - len(labels)) > 0:
        return f"{', '.join(labels)} or {more} more"
    *others, last = labels
    return f"{', '.join(others)} or {last}" if others else last
