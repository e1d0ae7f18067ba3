"""Find and read the files in `submitted/`: the only way by which a student's files enter grading.

Everything in there is hostile: links are never followed, sizes and counts are bounded, and names
are treated as data. This module only reads bytes; `sanitise` decides what of them is used.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError, SubmissionError
from nbjudge.intake.data_files import (
    MAX_FILE_BYTES,
    DataFiles,
    course_files,
    data_files,
    files_below,
    require_harmless,
)
from nbjudge.intake.timestamps import read_timestamp

__all__ = [
    "SECRET_NAME",
    "CourseFiles",
    "Submission",
    "SubmissionFiles",
    "find_submissions",
    "handed_in_at",
    "name_list",
    "name_with_id",
    "printable",
    "read_data",
    "read_submission",
    "select",
    "told_of_data",
]

#: Errors that are this machine's fault, not the submission's.
TOO_MANY_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)

MAX_NOTEBOOK_BYTES = 50 * 2**20
TIMESTAMP = "timestamp.txt"
MAX_TIMESTAMP_BYTES = 200
#: The file that nbgrader's exchange puts beside a submission, and needs again for the feedback.
SECRET_NAME = "submission_secret.txt"
MAX_SECRET_BYTES = 4096


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment.

    Parameters
    ----------
    student, assignment : str
        The names of the two folders, unchanged.
    folder : Path
        Its folder, which may be missing, or be no folder.
    notebooks : mapping of str to Path
        The notebooks that were found, by their name in the assignment.
    files : mapping of str to Path
        The files that a kernel gets, by path relative to the notebook: the student's and the
        course's own.
    own : frozenset of str
        The names of those that are the course's own.
    problems : tuple of str
        Sentences about what a person has to check.
    notes : tuple of str
        Sentences for information only.
    handed_in : bool
        Whether anything was handed in.
    """

    student: str
    assignment: str
    folder: Path
    notebooks: Mapping[str, Path] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    handed_in: bool = True


@dataclass(frozen=True)
class SubmissionFiles:
    """The bytes of a submission.

    Parameters
    ----------
    notebooks : mapping of str to bytes
        Notebooks by their name in the assignment.
    files : mapping of str to bytes
        The files beside them, by relative path.
    own : frozenset of str
        The names of those that are the course's own.
    handed_in : datetime, optional
        In UTC.
    problems : tuple of str
        Sentences about what cannot be read.
    secret : bytes
        The content of `SECRET_NAME`, by which nbgrader's exchange finds the owner of the feedback;
        empty if there is none.
    """

    notebooks: Mapping[str, bytes]
    files: Mapping[str, bytes] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    handed_in: datetime | None = None
    problems: tuple[str, ...] = ()
    secret: bytes = b""

    @property
    def size(self) -> int:
        """The number of bytes of all notebooks and files."""
        return sum(map(len, (*self.notebooks.values(), *self.files.values())))


def printable(name: str) -> str:
    r"""Return a name that is safe to print: without control characters, and not too long.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return safe if len(safe) <= 80 else f"{safe[:79]}…"


def find_submissions(
    course: Course,
    assignment: str,
    notebooks: Collection[str],
    students: Collection[str] | None = None,
) -> list[Submission]:
    """Return what each student with a folder in `submitted/` handed in, sorted by student.

    It looks at names and sizes only, and reads no file.

    Parameters
    ----------
    course : Course
    assignment : str
    notebooks : collection of str
        The names of the assignment's notebooks.
    students : collection of str, optional
        Restrict the search to these students; by default everybody.
    """
    beside = CourseFiles.of(course, assignment)
    root = course.root / "submitted"
    found = []
    for entry in _sorted_entries(root) if root.is_dir() else []:
        if not entry.name.startswith(".") and (students is None or entry.name in students):
            try:
                found.append(_submission(course, assignment, notebooks, beside, entry))
            except OSError as error:
                problem = f"The folder cannot be read: {error.strerror}."
                folder = Path(entry.path, assignment)
                found.append(Submission(entry.name, assignment, folder, problems=(problem,)))
    return found


def select(submissions: list[Submission], students: Collection[str] | None) -> list[Submission]:
    """Return the submissions of some students, or of all.

    Raises
    ------
    CourseError
        If a student has no folder.
    """
    if students is None:
        return submissions
    absent = sorted(set(students) - {submission.student for submission in submissions})
    if absent:
        message = (
            f"No folder in submitted/ for {', '.join(map(printable, absent))}. "
            "An id is the folder's name, letter for letter."
        )
        raise CourseError(message)
    return [submission for submission in submissions if submission.student in students]


def _sorted_entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _submission(
    course: Course,
    assignment: str,
    expected: Collection[str],
    beside: CourseFiles,
    student: os.DirEntry[str],
) -> Submission:
    folder = Path(student.path, assignment)
    found = Submission(student.name, assignment, folder)
    if problem := _why_unfit_name(student.name) or _not_a_folder(student):
        return replace(found, problems=(problem,))
    here = {entry.name: entry for entry in _sorted_entries(Path(student.path))}
    if assignment not in here:
        others = [name for name in here if name not in course.assignments and name[0] != "."]
        if others:
            return replace(found, problems=(_not_found(f"{assignment}/", others),))
        return replace(found, handed_in=False)
    if problem := _not_a_folder(here[assignment]):
        return replace(found, problems=(problem,))
    files = list(files_below(folder))
    if all(file.name == TIMESTAMP for file in files):
        return replace(found, handed_in=False)
    return _with_files(found, files, expected, beside)


def _expected_notebooks(folder: Path, expected: Collection[str]) -> dict[str, Path]:
    """Return the expected notebooks that exist, by name."""
    names = {
        entry.name for entry in _sorted_entries(folder) if not entry.is_dir(follow_symlinks=False)
    }
    wanted = {name: folder / f"{name}.ipynb" for name in expected}
    return {name: path for name, path in wanted.items() if path.name in names}


def _with_files(
    found: Submission, files: Collection[Path], expected: Collection[str], beside: CourseFiles
) -> Submission:
    """Return a submission with the notebooks and data files of its folder."""
    data = beside.data(found.folder, files)
    notebooks = _expected_notebooks(found.folder, expected)
    missing = [f"{name}.ipynb" for name in expected if name not in notebooks]
    known = {Path(path.name) for path in notebooks.values()}
    strangers = [
        file.as_posix() for file in files if file not in known and file.suffix.lower() == ".ipynb"
    ]
    problems = [data.surplus] if data.surplus else []
    notes: list[str] = []
    if missing and strangers:
        problems += [_not_found(name, strangers) for name in missing]
    elif strangers:
        notes.append(f"Not part of the assignment, and ignored: {name_list(strangers)}.")
    else:
        what_follows = ": its exercises get 0" if notebooks else ""
        notes += [f"'{name}' is missing{what_follows}." for name in missing]
    return replace(
        found,
        notebooks=notebooks,
        files=data.taken,
        own=frozenset(beside.own),
        problems=tuple(problems),
        notes=(*notes, *told_of_data(data)),
    )


def _not_found(expected: str, strangers: Collection[str]) -> str:
    return (
        f"'{expected}' is missing; there is {name_list(strangers)}. "
        "If one of these is meant, rename it and grade again."
    )


def name_with_id(name: str, student: str) -> str:
    """Return a student's name and id on one line, safe to print.

    >>> name_with_id("Ada Lovelace", "ada"), name_with_id("", "ada")
    ('Ada Lovelace (ada)', 'ada')
    """
    return f"{printable(name)} ({printable(student)})" if name else printable(student)


def name_list(names: Iterable[str]) -> str:
    """Return names for a sentence: quoted, safe to print, and only the first five of many.

    >>> name_list("abcdefg")
    "'a', 'b', 'c', 'd', 'e' and 2 more"
    """
    names = [f"'{printable(name)}'" for name in names]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _why_unfit_name(student: str) -> str | None:
    """Return why nbgrader cannot grade a folder of this name; None if it can."""
    try:
        student.encode()
    except UnicodeEncodeError:
        reason = "is not valid text"
    else:
        if "\n" in student:
            reason = "holds a line break"
        # Only a bracket can keep a name from matching itself; checking for one is far faster than
        # compiling thousands of patterns.
        elif "[" in student and not fnmatch.fnmatchcase(student, student):
            reason = "holds square brackets, which nbgrader reads as a pattern"
        else:
            return None
    return f"The student's id {reason}. Rename the folder, and grade again."


def _not_a_folder(entry: os.DirEntry[str]) -> str | None:
    if entry.is_symlink():
        return f"'{printable(entry.name)}' is a symbolic link, which is never followed."
    if not entry.is_dir(follow_symlinks=False):
        return f"'{printable(entry.name)}' is a file, and a folder was expected."
    return None


@dataclass(frozen=True)
class CourseFiles:
    """The course's own files beside the notebooks of an assignment.

    Parameters
    ----------
    own : mapping of str to Path
        The files, by path relative to the notebook; every kernel gets them.
    released : frozenset of str
        The names of everything that students got.
    suffixes : tuple of str
        The suffixes of the student's files that are taken.
    """

    own: Mapping[str, Path]
    released: frozenset[str]
    suffixes: tuple[str, ...]

    @classmethod
    def of(cls, course: Course, assignment: str) -> CourseFiles:
        """Return the files of an assignment as it was released, whatever its source is now.

        Raises
        ------
        CourseError
            If the course's settings would let a student's modules in.
        """
        plug = course.plug
        require_harmless(plug.data_suffixes)
        released = course.root / "release" / assignment
        # If the release was not kept, the source has the same files.
        folder = released if released.is_dir() else course.root / "source" / assignment
        return cls(
            course_files(folder, plug.everywhere),
            frozenset(path.relative_to(released).as_posix() for path in released.rglob("*")),
            plug.data_suffixes,
        )

    def data(self, folder: Path, files: Iterable[Path] | None = None) -> DataFiles:
        """Return the data files for the notebooks of a submission; all commands use this method.

        Raises
        ------
        OSError
            If the folder cannot be read.
        """
        files = files_below(folder) if files is None else files
        return data_files(
            folder,
            files,
            self.own,
            apart=(TIMESTAMP, SECRET_NAME),
            released=self.released,
            suffixes=self.suffixes,
        )


def told_of_data(data: DataFiles) -> list[str]:
    """Return a sentence for each reason why files were left out."""
    return [f"Left out, as {why}: {name_list(names)}." for why, names in data.left_out.items()]


def _open_file(path: Path) -> BinaryIO:
    """Open an ordinary file; the last check is made on the open file, so no race can defeat it.

    Raises
    ------
    SubmissionError
        If it is a link, a pipe or a folder, or cannot be read.
    OSError
        If this machine is the cause, not the file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            raise SubmissionError(f"'{path.name}' is a symbolic link, which is never followed.")
        file = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
    except OSError as error:
        if error.errno in TOO_MANY_ERRORS:
            raise
        raise SubmissionError(f"'{path.name}' cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise SubmissionError(f"'{path.name}' is not an ordinary file.")
    return file


def handed_in_at(folder: Path) -> tuple[datetime | None, str | None]:
    """Return when a submission was handed in, in UTC, or a sentence on why that cannot be read.

    Both are None if there is no `timestamp.txt`.
    """
    path = folder / TIMESTAMP
    if not os.path.lexists(path):
        return None, None
    try:
        with _open_file(path) as file:
            content = file.read(MAX_TIMESTAMP_BYTES + 1)
    except SubmissionError as error:
        return None, f"{error} The time of handing in is unknown."
    text = content.decode("utf-8-sig", errors="replace").strip()
    moment = read_timestamp(text) if len(content) <= MAX_TIMESTAMP_BYTES else None
    if moment is None:
        found = f"'{printable(text)}'" if text else "it is empty"
        problem = (
            f"'{TIMESTAMP}' holds no date that can be read in one way: {found}. "
            "Write it as 2026-03-02 17:30:00 UTC and grade again."
        )
        return None, problem
    return moment, None


def read_submission(submission: Submission) -> SubmissionFiles:
    """Return the bytes of a student's files.

    Raises
    ------
    OSError
        If permission to read a notebook is missing, or this machine cannot read files now.
    """
    notebooks, problems = {}, []
    for name, path in submission.notebooks.items():
        try:
            notebooks[name] = _read_notebook_bytes(path)
        except SubmissionError as error:
            if isinstance(error.__cause__, PermissionError):
                raise error.__cause__ from None
            problems.append(str(error))
    files, unread = read_data(submission.files)
    handed_in, doubt = handed_in_at(submission.folder)
    problems += [*unread, *([doubt] if doubt else [])]
    secret = _secret(submission.folder / SECRET_NAME)
    return SubmissionFiles(notebooks, files, submission.own, handed_in, tuple(problems), secret)


def read_data(files: Mapping[str, Path]) -> tuple[dict[str, bytes], list[str]]:
    """Return the bytes of data files, and a sentence about each that cannot be read."""
    contents, problems = {}, []
    for name, path in files.items():
        try:
            contents[name] = _read_within(path, MAX_FILE_BYTES, "Leave it out.")
        except SubmissionError as error:
            problems.append(str(error))
    return contents, problems


def _secret(path: Path) -> bytes:
    try:
        with _open_file(path) as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except SubmissionError:
        return b""
    return content if len(content) <= MAX_SECRET_BYTES else b""


def _read_notebook_bytes(path: Path) -> bytes:
    return _read_within(path, MAX_NOTEBOOK_BYTES, "Ask for it without its outputs.")


def _read_within(path: Path, bound: int, remedy: str) -> bytes:
    """Return the content of a file, whose size may have changed since it was found."""
    with _open_file(path) as file:
        content = file.read(bound + 1)
    if len(content) > bound:
        raise SubmissionError(f"'{path.name}' is larger than {bound // 2**20} MB. {remedy}")
    return content
