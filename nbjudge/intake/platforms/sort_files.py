"""Decide by names alone which of a platform's files are notebooks to collect, and whose."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from nbjudge.intake.platforms.file_names import Found, PlatformFormat
from nbjudge.intake.platforms.who_is_who import Owner
from nbjudge.intake.submission import name_list, printable
from nbjudge.intake.unpack import is_visible

__all__ = ["Sorted", "Taken", "sort_out"]

#: The number that Canvas inserts into the name of a file that was handed in again: before the first
#: dot after which all suffixes begin with a letter, or, in earlier versions, before the last dot.
TIMES_DOWNLOADED = r"-(?P<times>[1-9][0-9]*)"


@dataclass(frozen=True)
class Taken:
    """A notebook to collect: its student, its name, and the time of handing in."""

    student: str
    file: str
    time: datetime | None = None


@dataclass(frozen=True)
class Sorted:
    """The files to collect, by path, with sentences about the others.

    Parameters
    ----------
    taken : mapping of path to Taken
    left_out : tuple of str
        Sentences about what should have been collected and is not.
    remarks : tuple of str
        Sentences for information.
    """

    taken: Mapping[PurePosixPath, Taken]
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def sort_out(
    files: Mapping[PurePosixPath, float],
    expected: Collection[str],
    platform: PlatformFormat,
    owner: Callable[[Found], Owner],
    *,
    assignment: str = "",
) -> Sorted:
    """Decide which files are which notebooks of which student.

    If there are several files for one notebook, the latest is taken. The platform's order or the
    times in the student's archive must tell which one that is.

    Parameters
    ----------
    files : mapping of path to float
        The unpacked files, with their modification times.
    expected : collection of str
        The file names of the assignment's notebooks, such as "sums.ipynb".
    platform : PlatformFormat
    owner : callable
        Returns the owner of a file.
    assignment : str
        The name of the assignment, which a student's archive may have.
    """
    sorting = _Sorting(expected, platform, owner, assignment)
    for path, changed in sorted(files.items()):
        if all(map(is_visible, path.parts)):
            sorting.look_at(path, changed)
    return sorting.finish()


class _Sorting:
    def __init__(
        self,
        expected: Collection[str],
        platform: PlatformFormat,
        owner: Callable[[Found], Owner],
        assignment: str,
    ) -> None:
        self._expected = expected
        self._platform = platform
        self._ask = owner
        stems = {PurePosixPath(name).name.removesuffix(".ipynb") for name in expected}
        self._known = stems | ({assignment} if assignment else set())
        self._owners: dict[tuple[str, str], Owner] = {}
        self._late: list[str] = []
        self._strangers: list[str] = []
        #: Files that are no notebooks, by student.
        self._others: dict[str, list[str]] = {}
        #: Notebooks, by student.
        self._offers: dict[str, list[_Offer]] = {}

    def look_at(self, path: PurePosixPath, changed: float) -> None:
        part = self._platform.part(path)
        found = self._platform.read(part, self._known)
        if found is None:
            self._strangers.append(part)
            return
        who = self._owner(found)
        if who.problem:
            return
        file = path.name if len(path.parts) > path.parts.index(part) + 1 else found.file
        if found.late and who.id not in self._late:
            self._late.append(who.id)
        if file.lower().endswith(".ipynb"):
            self._offers.setdefault(who.id, []).append(_Offer(path, file, found.order, changed))
        else:
            self._others.setdefault(who.id, []).append(file)

    def _owner(self, found: Found) -> Owner:
        person = (found.number, found.name)
        if person not in self._owners:
            self._owners[person] = self._ask(found)
        return self._owners[person]

    def finish(self) -> Sorted:
        owners = self._owners.values()
        left_out = [who.problem for who in owners if who.problem]
        remarks: list[str] = []
        times = {who.id: who.time for who in owners}
        taken = {}
        for student, offers in self._offers.items():
            by_name, unclear = _by_name(offers, self._expected)
            for file, names in unclear.items():
                left_out.append(
                    f"{printable(student)}: '{printable(file)}' may be {' or '.join(names)}, "
                    "handed in again, so it was left out. Ask which it is."
                )
            for name, several in by_name.items():
                *before, (rank, path) = sorted(several)
                if any(other == rank for other, _ in before):
                    left_out.append(
                        f"{printable(student)}: which is the later '{printable(name)}' cannot be "
                        f"told, so none was taken of {name_list(str(path) for _, path in several)}."
                    )
                    continue
                if before:
                    remarks.append(
                        f"{printable(student)}: of {len(several)} files for '{printable(name)}' "
                        f"the latest was taken, '{printable(path.name)}'."
                    )
                taken[path] = Taken(student, name, times[student])
        for student, files in self._others.items():
            if student not in self._offers:
                left_out.append(
                    f"{printable(student)}: there is no notebook, but {name_list(files)}. "
                    "Ask for it."
                )
        name = self._platform.name
        if self._strangers:
            left_out.append(
                f"Left out, as {name} gives no such names, or they can be read in two ways: "
                f"{name_list(dict.fromkeys(self._strangers))}."
            )
        if self._late:
            remarks.append(f"{name} calls late, and does not say when: {name_list(self._late)}.")
        collected = {found.student for found in taken.values()}
        doubtful = {who.id: who.doubtful_time for who in owners if who.id in collected}
        if unread := {student: text for student, text in doubtful.items() if text}:
            remarks.append(
                f"When these handed in cannot be read in one way, so no time is kept of "
                f"{name_list(unread)}: {name_list(dict.fromkeys(unread.values()))}. "
                f"Have {name} export in English, or write timestamp.txt."
            )
        return Sorted(taken, tuple(left_out), tuple(remarks))


@dataclass(frozen=True)
class _Offer:
    """A notebook that a student handed in, with its place in the platform's order, and its time."""

    path: PurePosixPath
    file: str
    order: int
    changed: float


#: The rank of a file among several for one notebook, of which the last wins, and its path.
_Ranked = tuple[tuple[float, ...], PurePosixPath]


def _by_name(
    offers: Collection[_Offer], expected: Collection[str]
) -> tuple[dict[str, list[_Ranked]], dict[str, list[str]]]:
    """Return a student's files by notebook, and the ambiguous files with their possible names."""
    readings = [(offer, _readings(offer.file, expected)) for offer in offers]
    certain = {name for _, found in readings if len(found) == 1 for name in found}
    by_name: dict[str, list[_Ranked]] = {}
    unclear: dict[str, list[str]] = {}
    for offer, found in readings:
        # If "hw.ipynb" is there, "hw-1.ipynb" is no second copy of it, but the notebook "hw-1".
        if len(found) > 1 and offer.file in found and found.keys() - {offer.file} <= certain:
            found = {offer.file: 0}
        if len(found) > 1:
            unclear[offer.file] = [f"'{name}'" for name in found]
            continue
        for name, times in found.items():
            rank = (offer.order, times, offer.changed)
            by_name.setdefault(name, []).append((rank, offer.path))
    return by_name, unclear


def _readings(file: str, expected: Collection[str]) -> dict[str, int]:
    """Return the notebooks that a file may be, each with Canvas's number of the repetition."""
    found = {file: 0} if file in expected else {}
    for name in expected:
        for dot in (match.start() for match in re.finditer(r"\.", name)):
            again = re.escape(name[:dot]) + TIMES_DOWNLOADED + re.escape(name[dot:])
            if match := re.fullmatch(again, file):
                found[name] = int(match["times"])
    return found or {file: 0}
