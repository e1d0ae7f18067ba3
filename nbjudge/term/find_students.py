"""Who is meant: a student by id, by address, or by name as the roster has it.

A whole name names somebody; a part of one only helps to say who may be meant.
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
    """The gradebook knows nobody of whom a text may be the id, the address or a name."""


#: How many people a sentence lists.
MOST_LISTED = 5


def label(person: Person) -> str:
    """Return how a person is called on one line: by name, and by id."""
    return name_with_id(person.name, person.id)


def find_student(people: Collection[Person], text: str) -> Person:
    """Return the one who is meant.

    An id as it stands comes first. Then capitals and spaces do not count, and at last accents do
    not, either; a name may begin with the last name, with a comma or without.

    Parameters
    ----------
    people : collection of Person
        Whom the gradebook knows.
    text : str
        An id, an e-mail address, or a whole name.

    Raises
    ------
    CourseError
        If that is nobody, or several: the sentence lists who may be meant.
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
    message += (
        " `course roster` lists those whom it knows, and `course roster FILE` makes others known."
    )
    raise NobodyLikeIt(message)


def student_ids(
    people: Collection[Person], given: Iterable[str], *, known: Collection[str] = ()
) -> list[str]:
    """Return the ids of students who are meant, each once, in the order in which they are given.

    What is like nobody's name is taken for an id, of somebody who is not in the gradebook.

    Parameters
    ----------
    people : collection of Person
        Whom the gradebook knows.
    given : iterable of str
    known : collection of str
        Further ids: of who has handed in, and may not be in the gradebook yet.

    Raises
    ------
    CourseError
        If a text may be several people's, or is only a part of a name.
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
    """Return those of whom the text may be a part, or a slip of the pen; sorted."""
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
