"""An index of graded submissions, so that nothing is graded twice.

One file in `autograded/` holds an entry for each submission: what was graded, and under which
conditions. It is a cache: a submission without a valid entry is graded again.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbjudge.course.course import Course
from nbjudge.intake.submission import TIMESTAMP, Submission, SubmissionFiles, read_submission

__all__ = [
    "BLANK",
    "INDEX_NAME",
    "GradedEntry",
    "GradedIndex",
    "Stamps",
    "content",
    "is_behind",
    "is_unchanged",
    "stamps",
    "stamps_of",
]

#: The file in `autograded/`; nbgrader ignores hidden files.
INDEX_NAME = ".graded.db"
TABLE = """\
CREATE TABLE IF NOT EXISTS graded (
    assignment TEXT, student TEXT, made REAL, entry TEXT, PRIMARY KEY (assignment, student)
) WITHOUT ROWID
"""
#: Seconds to wait for another program that reads or writes the file.
INDEX_PATIENCE = 30
#: errno by SQLite's error code, for errors of the machine; all others mean a damaged file.
MACHINE_ERRORS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_LOCKED: errno.EBUSY,
}

#: For each file its name, size, and times of change.
Stamps = list[list[str | int]]


@dataclass(frozen=True)
class GradedEntry:
    """The index entry of a graded submission.

    Parameters
    ----------
    terms : str
        The key of the conditions under which it was graded: see `GradingConditions.key`.
    content : str
        The hash of the submission: see `content`.
    stamps, graded : list
        Stamps of the submitted files, and of the graded notebooks.
    problems, notes, remarks : list of str
        The sentences of its row: what a person has to look at, what is good to know, and what
        happened during the grading.
    is_faulty : bool
        Whether a test of the course was at fault.
    seconds : float
        How long the grading took.
    """

    terms: str
    content: str
    stamps: Stamps
    graded: Stamps
    problems: list[str]
    notes: list[str]
    remarks: list[str]
    is_faulty: bool
    seconds: float


#: The entry of a submission that is not graded.
BLANK = GradedEntry("", "", [], [], [], [], [], is_faulty=False, seconds=0.0)


class GradedIndex:
    """The index entries of an assignment's submissions.

    Parameters
    ----------
    course : Course
    assignment : str
    """

    def __init__(self, course: Course, assignment: str) -> None:
        self._place = course.root / "autograded" / INDEX_NAME
        self._assignment = assignment
        self._touched: dict[str, GradedEntry] = {}

    @functools.cached_property
    def _entries(self) -> dict[str, str]:
        """The entries as JSON, by student, read from the file once."""
        return dict(self._select("student, entry"))

    def find(self, student: str, folder: Path) -> GradedEntry | None:
        """Return a student's entry, if the folder still holds the notebooks that it describes."""
        try:
            entry = GradedEntry(**json.loads(self._entries.get(student, "")))
        except (ValueError, TypeError):
            return None
        if not all(map(_are_sentences, (entry.problems, entry.notes, entry.remarks))):
            return None
        return entry if entry.graded == stamps_of(folder) else None

    def current(self, submission: Submission, folder: Path, terms: str) -> GradedEntry | None:
        """Return the entry of a submission if it is unchanged, and so are the conditions.

        If only the times of its files have changed, `enter_touched` updates its entry.
        """
        entry = self.find(submission.student, folder)
        if entry is None or entry.terms != terms:
            return None
        now = stamps(submission)
        try:
            if not is_unchanged(submission, entry, now):
                return None
        except OSError:  # grading it will report the problem
            return None
        if entry.stamps != now:
            entry = replace(entry, stamps=now)
            self._touched[submission.student] = entry
        return entry

    def enter_touched(self) -> None:
        """Write the new times of files that were only touched, so that no later run reads them."""
        with suppress(OSError):  # then a later run reads them again
            self.enter(self._touched)

    def enter(self, entries: Mapping[str, GradedEntry]) -> None:
        """Write the entries of students, all or none.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        made = time.time()
        self._send(
            "INSERT OR REPLACE INTO graded VALUES (?, ?, ?, ?)",
            [
                (self._assignment, student, made, json.dumps(asdict(entry)))
                for student, entry in entries.items()
            ],
        )

    def forget(self, students: Iterable[str]) -> None:
        """Delete the entries of students, if there are any.

        Raises
        ------
        OSError
            If they cannot be deleted.
        """
        rows = [(self._assignment, student) for student in students]
        self._send("DELETE FROM graded WHERE assignment = ? AND student = ?", rows)

    def times(self) -> dict[str, float]:
        """Return when each entry was written, as a timestamp in seconds, by student."""
        return dict(self._select("student, made"))

    def _select(self, columns: str) -> list[tuple[str, Any]]:
        # Opened for writing, since SQLite may first have to roll back a killed run's transaction.
        address = f"file:{quote(str(self._place))}?mode=rw"
        query = f"SELECT {columns} FROM graded WHERE assignment = ?"
        try:
            with closing(sqlite3.connect(address, INDEX_PATIENCE, uri=True)) as index:
                return index.execute(query, [self._assignment]).fetchall()
        except sqlite3.Error:  # the file does not exist, or is damaged
            return []

    def _send(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        try:
            self._try(statement, rows)
        except sqlite3.DatabaseError as error:
            code = MACHINE_ERRORS.get(error.sqlite_errorcode & 0xFF)  # without the extended code
            if code is not None:
                raise OSError(code, os.strerror(code), str(self._place)) from error
            self._place.unlink()
            self._try(statement, rows)

    def _try(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        self._place.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(self._place, INDEX_PATIENCE)) as index:
            # Entries lost in a power failure are only graded again, so do not wait for the disk.
            index.execute("PRAGMA synchronous = OFF")
            with index:
                index.execute(TABLE)
                index.executemany(statement, rows)


def stamps(submission: Submission) -> Stamps:
    """Return stamps that show, without reading any file, if a submission may have changed."""
    places: dict[str, Path | str] = {
        **{path.name: path for path in submission.notebooks.values()},
        **submission.files,
        TIMESTAMP: f"{submission.folder}/{TIMESTAMP}",
    }
    return _stamps(places, changed=True)


def content(submitted: SubmissionFiles) -> str:
    """Return the hash of a submission's files and time, and of problems with unreadable files."""
    digest = hashlib.sha256(repr((submitted.handed_in, submitted.problems)).encode())
    for files in (submitted.notebooks, submitted.files):
        digest.update(len(files).to_bytes(8, "big"))
        for name, data in sorted(files.items()):
            for part in (name.encode("utf-8", "surrogatepass"), data):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def is_unchanged(submission: Submission, entry: GradedEntry, now: Stamps) -> bool:
    """Return whether a submission is as it was graded; its files are read only if stamps differ.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    return entry.stamps == now or entry.content == content(read_submission(submission))


def stamps_of(folder: Path) -> Stamps:
    """Return stamps that show whether a folder still holds the graded notebooks."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".ipynb"))
    except OSError:  # the folder does not exist, or may not be read
        names = []
    return _stamps({name: f"{folder}/{name}" for name in names}, changed=False)


def is_behind(course: Course, assignment: str) -> bool:
    """Guess whether there is something to grade, by comparing times of notebooks and entries.

    It is a quick check that ignores the conditions under which something was graded.
    """
    notebooks = [path.name for path in (course.root / "source" / assignment).glob("*.ipynb")]
    made = GradedIndex(course, assignment).times()
    with suppress(OSError), os.scandir(course.root / "submitted") as students:
        for student in students:
            for notebook in notebooks:
                with suppress(OSError):  # it does not exist, or may not be read
                    changed = os.lstat(f"{student.path}/{assignment}/{notebook}").st_ctime
                    if changed > made.get(student.name, 0.0):
                        return True
    return False


def _are_sentences(told: object) -> bool:
    return isinstance(told, list) and all(isinstance(sentence, str) for sentence in told)


def _stamps(places: Mapping[str, Path | str], *, changed: bool) -> Stamps:
    """Return stamps of files; `changed` adds the ctime, which a copy of a course does not keep."""
    found: Stamps = []
    for name, path in sorted(places.items()):
        with suppress(OSError):
            status = os.lstat(path)
            times = [status.st_ctime_ns] if changed else []
            found.append([name, status.st_size, status.st_mtime_ns, *times])
    return found
