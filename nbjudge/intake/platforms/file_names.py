"""Read the names that learning platforms give to files, which say who handed one in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = [
    "PLATFORM_CANVAS",
    "PLATFORM_MOODLE",
    "Found",
    "PlatformFormat",
    "canvas_name",
    "moodle_name",
]

MOODLE = re.compile(
    r"(?P<name>[^_]*)_(?P<id>[0-9]+)_assignsubmission_file(?:_(?P<file>.*))?", re.DOTALL
)
CANVAS = re.compile(r"_(?:(?P<late>LATE)_)?(?P<id>[0-9]+)_(?P<order>[0-9]+)_")


@dataclass(frozen=True)
class Found:
    """The information in a platform's name for a file or folder.

    Parameters
    ----------
    number : str
        The person's user number on the platform; in Moodle, their number in this assignment.
    name : str
        The person's name, as the platform writes it in file names.
    file : str
        The student's own name for the file; empty if it is a folder.
    order : int
        Later files have higher numbers, if the platform numbers them.
    late : bool
        Whether the platform marks it as late.
    """

    number: str
    name: str
    file: str = ""
    order: int = 0
    late: bool = False


def moodle_name(text: str, _: Collection[str] = ()) -> Found | None:
    """Read a name from Moodle's "Download all submissions"; return None if it is no such name.

    >>> moodle_name("Ada Lovelace_1234567_assignsubmission_file_sums.ipynb")
    Found(number='1234567', name='Ada Lovelace', file='sums.ipynb', order=0, late=False)
    """
    match = MOODLE.fullmatch(text)
    return match and Found(match["id"], match["name"], match["file"] or "")


def canvas_name(text: str, known: Collection[str] = ()) -> Found | None:
    """Read a name from Canvas's "Download Submissions"; return None if it is none, or ambiguous.

    Parameters
    ----------
    text : str
    known : collection of str
        Names that the course uses, without suffixes; numbers in them are not Canvas's.

    >>> canvas_name("lovelaceada_LATE_12345_678_sums-1.ipynb")
    Found(number='12345', name='lovelaceada', file='sums-1.ipynb', order=678, late=True)
    >>> canvas_name("lovelaceada_12345_678_unit_1_2.ipynb", ["unit_1_2"]).file
    'unit_1_2.ipynb'

    Students choose both names in it, and could put somebody else's number there:

    >>> canvas_name("eve_1_2_99999_680_sums.ipynb")
    """
    masked = _without_numbers(text, known)
    # Every place with two numbers that could be Canvas's; such places may overlap.
    starts = [match.start() for match in re.finditer(rf"(?={CANVAS.pattern})", masked)]
    # A place with LATE is found twice: with LATE and without.
    places = [start for start in starts if not text[:start].endswith("_LATE")]
    match = CANVAS.match(text, places[0]) if len(places) == 1 else None
    # In anonymous grading Canvas writes a code instead of a name and a number.
    if match is None or not match.start() or text.startswith("anon_"):
        return None
    return Found(
        number=match["id"],
        name=text[: match.start()],
        file=text[match.end() :],
        order=int(match["order"]),
        late=bool(match["late"]),
    )


def _without_numbers(text: str, known: Collection[str]) -> str:
    """Return the text with the digits of known names replaced by letters."""
    for name in sorted(known, key=len, reverse=True):
        whole = rf"(?<=_){re.escape(name)}(?![^\W_])"
        text = re.sub(whole, lambda found: re.sub(r"[0-9]", "x", found[0]), text)
    return text


@dataclass(frozen=True)
class PlatformFormat:
    """How a learning platform names files.

    Parameters
    ----------
    name : str
        The name of the platform.
    looks_like : pattern
        It matches in every name that the platform makes, even if that cannot be read.
    read : callable
        Reads such a name, given the names that the course uses.
    """

    name: str
    looks_like: re.Pattern[str]
    read: Callable[[str, Collection[str]], Found | None]

    def part(self, path: PurePosixPath) -> str:
        """Return the part of a path that the platform named: the first one below the archive.

        The parts below that were named by the student, perhaps like another student's.
        """
        is_loose = len(path.parts) == 1 or self.looks_like.search(path.parts[0])
        return path.parts[0 if is_loose else 1]


PLATFORM_MOODLE = PlatformFormat("Moodle", re.compile(r"_\d+_assignsubmission_"), moodle_name)
PLATFORM_CANVAS = PlatformFormat("Canvas", re.compile(r"_\d+_\d+_|^anon_"), canvas_name)
