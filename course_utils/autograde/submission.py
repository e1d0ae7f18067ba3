"""What came in: the one door through which a student's files enter the grading.

Everything under `submitted/` is hostile until proved otherwise: links are never followed, sizes and
counts are bounded, and names are data. Here files are found and read as bytes; `sanitise` says what
is believed of them.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from course_utils.autograde.course import Course
from course_utils.exceptions import SubmissionError

__all__ = [
    "SECRET",
    "Papers",
    "Submission",
    "find_submissions",
    "handed_in_at",
    "named",
    "read",
    "shown",
]

MAX_NOTEBOOK_BYTES = 50 * 2**20
MAX_DATA_BYTES = 100 * 2**20
MAX_FILES = 1000
TIMESTAMP = "timestamp.txt"
#: What nbgrader's exchange puts beside a submission, and wants back with the feedback.
SECRET = "submission_secret.txt"
MAX_SECRET_BYTES = 4096

#: Files that cannot be imported: a module beside a notebook would shadow the course's own.
DATA_SUFFIXES = frozenset(
    [
        ".bmp",
        ".csv",
        ".gif",
        ".jpeg",
        ".jpg",
        ".json",
        ".md",
        ".npy",
        ".npz",
        ".pdf",
        ".png",
        ".svg",
        ".tsv",
        ".txt",
    ]
)


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment.

    Parameters
    ----------
    student, assignment : str
        The names of the two folders, exactly as they are.
    folder : Path
        Where it lies; it may be missing, or be no folder.
    notebooks : mapping of str to Path
        The notebooks that are there, by the name that the assignment gives them.
    files : tuple of Path
        The data files beside them that are taken along, relative to `folder`.
    problems : tuple of str
        What a person has to look at: sentences.
    notes : tuple of str
        What is good to know, and needs nobody: sentences.
    handed_in : bool
        Whether there is anything at all.
    """

    student: str
    assignment: str
    folder: Path
    notebooks: Mapping[str, Path] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    handed_in: bool = True


@dataclass(frozen=True)
class Papers:
    """The bytes of a submission.

    Parameters
    ----------
    notebooks : mapping of str to bytes
        By the name that the assignment gives them.
    files : mapping of str to bytes
        The data files beside them, by relative path.
    handed_in : datetime, optional
        In UTC.
    problems, notes : tuple of str
        Sentences on files that cannot be read, and on what is good to know.
    secret : bytes
        By which nbgrader's exchange knows whose feedback it is; empty if there is none.
    """

    notebooks: Mapping[str, bytes]
    files: Mapping[str, bytes] = field(default_factory=dict)
    handed_in: datetime | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    secret: bytes = b""


def shown(name: str) -> str:
    r"""Return a name that is safe to print: without control characters, and not too long.

    >>> shown("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return safe if len(safe) <= 80 else f"{safe[:79]}…"


def find_submissions(
    course: Course, assignment: str, notebooks: Collection[str]
) -> list[Submission]:
    """Return what each student with a folder in `submitted/` handed in, sorted by student.

    Names and sizes are looked at; no file is read.

    Parameters
    ----------
    course : Course
    assignment : str
    notebooks : collection of str
        The names of the assignment's notebooks.
    """
    released = course.root / "release" / assignment
    ours = {path.relative_to(released) for path in released.rglob("*")}
    root = course.root / "submitted"
    found = []
    for entry in _entries(root) if root.is_dir() else []:
        if not entry.name.startswith("."):
            try:
                found.append(_submission(course, assignment, notebooks, ours, entry))
            except OSError as error:
                problem = f"The folder cannot be read: {error.strerror}."
                folder = Path(entry.path, assignment)
                found.append(Submission(entry.name, assignment, folder, problems=(problem,)))
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _submission(
    course: Course,
    assignment: str,
    expected: Collection[str],
    ours: Collection[Path],
    student: os.DirEntry[str],
) -> Submission:
    folder = Path(student.path, assignment)

    def refused(problem: str | None) -> Submission:
        problems = () if problem is None else (problem,)
        handed_in = problem is not None
        return Submission(student.name, assignment, folder, problems=problems, handed_in=handed_in)

    if problem := _unfit(student.name):
        return refused(problem)
    if problem := _not_a_folder(student):
        return refused(problem)
    here = {entry.name: entry for entry in _entries(Path(student.path))}
    if assignment not in here:
        strangers = [
            name for name in here if name not in course.assignments and not name.startswith(".")
        ]
        return refused(_not_found(f"{assignment}/", strangers) if strangers else None)
    if problem := _not_a_folder(here[assignment]):
        return refused(problem)

    files = list(islice(_files(folder), MAX_FILES))
    if not [file for file in files if file.name != TIMESTAMP]:
        return refused(None)
    problems: list[str] = []
    notes: list[str] = []
    if len(files) == MAX_FILES:
        problems.append(f"There are more than {MAX_FILES} files; the first were looked at.")
    papers = [file for file in files if file.suffix.lower() == ".ipynb"]
    wanted = {Path(f"{name}.ipynb"): name for name in expected}
    strangers = [file.as_posix() for file in papers if file not in wanted]
    notebooks = {name: folder / file for file, name in wanted.items() if file in papers}
    missing = [file.name for file, name in wanted.items() if name not in notebooks]
    for name in missing:
        if strangers:
            problems.append(_not_found(name, strangers))
        else:
            notes.append(f"'{name}' is missing{': its exercises get 0' if notebooks else ''}.")
    if strangers and not missing:
        notes.append(f"Not part of the assignment, and ignored: {named(strangers)}.")
    data, left_out = _sorted_out(folder, files, ours)
    if left_out:
        notes.append(f"Left out, as only data files are taken along: {named(left_out)}.")
    return Submission(
        student=student.name,
        assignment=assignment,
        folder=folder,
        notebooks=notebooks,
        files=tuple(data),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _not_found(expected: str, strangers: Collection[str]) -> str:
    return (
        f"'{expected}' is missing; there is {named(strangers)}. "
        "If one of these is meant, rename it and grade again."
    )


def named(names: Iterable[str]) -> str:
    """Return names for a sentence: in quotes, safe to print, and the first five of many.

    >>> named("abcdefg")
    "'a', 'b', 'c', 'd', 'e' and 2 more"
    """
    names = [f"'{shown(name)}'" for name in names]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _unfit(student: str) -> str | None:
    """Say why nbgrader, which finds folders by patterns, cannot grade under this name."""
    try:
        student.encode()
    except UnicodeEncodeError:
        reason = "is not valid text"
    else:
        if "\n" in student:
            reason = "holds a line break"
        # Without a bracket a name matches itself; to compile thousands of patterns takes seconds.
        elif "[" in student and not fnmatch.fnmatchcase(student, student):
            reason = "holds square brackets, which nbgrader reads as a pattern"
        else:
            return None
    return f"The student's id {reason}. Rename the folder, and grade again."


def _not_a_folder(entry: os.DirEntry[str]) -> str | None:
    if entry.is_symlink():
        return f"'{shown(entry.name)}' is a symbolic link, which is never followed."
    if not entry.is_dir(follow_symlinks=False):
        return f"'{shown(entry.name)}' is a file, and a folder was expected."
    return None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the ordinary files below a folder, hidden ones apart, relative to it."""
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if _is_visible(name))
        for name in sorted(filter(_is_visible, names)):
            path = Path(parent, name)
            # What is no ordinary file (a link, a pipe) counts as a notebook's name alone.
            if path.suffix.lower() == ".ipynb" or stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(folder)


def _raise(error: OSError) -> None:
    raise error


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__"


def _sorted_out(
    folder: Path, files: Iterable[Path], ours: Collection[Path]
) -> tuple[list[Path], list[str]]:
    """Part the files beside the notebooks: those to take along, and those a student may miss.

    Nobody misses what is `ours`, the course's.
    """
    taken, left_out, size = [], [], 0
    for file in files:
        if file.suffix.lower() == ".ipynb" or file == Path(TIMESTAMP):
            continue
        size += (folder / file).lstat().st_size
        # A name with a backslash is a path elsewhere.
        is_data = file.suffix.lower() in DATA_SUFFIXES and "\\" not in file.as_posix()
        if is_data and size <= MAX_DATA_BYTES:
            taken.append(file)
        elif file not in ours:
            left_out.append(file.as_posix())
    return taken, left_out


def _open(path: Path) -> BinaryIO:
    """Open an ordinary file; the final check is on what was opened, not on a name.

    Raises
    ------
    SubmissionError
        If it is a link, a pipe, a folder, or cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            raise SubmissionError(f"'{path.name}' is a symbolic link, which is never followed.")
        file = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
    except OSError as error:
        raise SubmissionError(f"'{path.name}' cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise SubmissionError(f"'{path.name}' is not an ordinary file.")
    return file


def handed_in_at(folder: Path) -> datetime | None:
    """Return the time (UTC) in a folder's `timestamp.txt`, if nbgrader can read it."""
    from nbgrader.utils import parse_utc  # seconds of imports, which finding folders can do without

    try:
        with _open(folder / TIMESTAMP) as file:
            text = file.read(100).decode().strip()
        return datetime.fromisoformat(str(parse_utc(text))) if text else None
    # The date parser raises whatever it likes: OverflowError, TypeError, its own ParserError.
    except Exception:
        return None


def read(submission: Submission) -> Papers:
    """Return the bytes of what a student handed in."""
    notebooks, problems = {}, []
    for name, path in submission.notebooks.items():
        try:
            notebooks[name] = _notebook(path)
        except SubmissionError as error:
            problems.append(str(error))
    files = {}
    for file in submission.files:
        try:
            with _open(submission.folder / file) as original:
                files[file.as_posix()] = original.read(MAX_DATA_BYTES)
        except SubmissionError as error:
            problems.append(str(error))
    handed_in = handed_in_at(submission.folder)
    notes = []
    if handed_in is None and os.path.lexists(submission.folder / TIMESTAMP):
        notes.append(f"'{TIMESTAMP}' holds no date: the time of handing in is unknown.")
    secret = _secret(submission.folder / SECRET)
    return Papers(notebooks, files, handed_in, tuple(problems), tuple(notes), secret)


def _secret(path: Path) -> bytes:
    try:
        with _open(path) as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except SubmissionError:
        return b""
    return content if len(content) <= MAX_SECRET_BYTES else b""


def _notebook(path: Path) -> bytes:
    with _open(path) as file:
        content = file.read(MAX_NOTEBOOK_BYTES + 1)
    if len(content) > MAX_NOTEBOOK_BYTES:
        message = (
            f"'{path.name}' is larger than {MAX_NOTEBOOK_BYTES // 2**20} MB. "
            "Ask for it without its outputs."
        )
        raise SubmissionError(message)
    return content
