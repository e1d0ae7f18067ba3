"""What came in, sanitised: the one door through which a student's files enter the grading.

Everything under `submitted/` is hostile until proved otherwise: links are never followed, sizes and
counts are bounded, names are data, and of a notebook only the text of its cells is believed. What
the course owns (ids, points, tests, which cell is which) is restored from the gradebook.
"""

from __future__ import annotations

import fnmatch
import json
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import nbformat
from nbgrader.utils import parse_utc

from course_utils.autograde.course import Course
from course_utils.autograde.gradebook import CourseCell, layout
from course_utils.autograde.restore import Restored, restored
from course_utils.exceptions import SubmissionError

__all__ = ["Submission", "find_submissions", "handed_in_at", "shown", "stage"]

MAX_NOTEBOOK_BYTES = 50 * 2**20
MAX_DATA_BYTES = 100 * 2**20
MAX_FILES = 1000
TIMESTAMP = "timestamp.txt"

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
KERNELSPEC = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment.

    Parameters
    ----------
    student, assignment : str
        The names of the two folders, exactly as they are.
    folder : Path
        Where it lies; it may be missing, or be no folder.
    cells : mapping of str to tuple of CourseCell
        The course's own cells, by notebook.
    notebooks : mapping of str to Path
        The notebooks that can be graded, by the name that the assignment gives them.
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
    cells: Mapping[str, tuple[CourseCell, ...]] = field(repr=False)
    notebooks: Mapping[str, Path] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    handed_in: bool = True


def shown(name: str) -> str:
    r"""Return a name that is safe to print: without control characters, and not too long.

    >>> shown("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return safe if len(safe) <= 80 else f"{safe[:79]}…"


def find_submissions(course: Course, assignment: str) -> list[Submission]:
    """Return what each student with a folder in `submitted/` handed in, sorted by student.

    Raises
    ------
    CourseError
        If the course has no such assignment, or the gradebook does not know it yet.
    """
    cells = layout(course, assignment)
    root = course.root / "submitted"
    found = []
    for entry in _entries(root) if root.is_dir() else []:
        if not entry.name.startswith("."):
            try:
                found.append(_submission(course, assignment, cells, entry))
            except OSError as error:
                problem = f"The folder cannot be read: {error.strerror}."
                folder = Path(entry.path, assignment)
                found.append(Submission(entry.name, assignment, folder, cells, problems=(problem,)))
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _submission(
    course: Course,
    assignment: str,
    cells: Mapping[str, tuple[CourseCell, ...]],
    student: os.DirEntry[str],
) -> Submission:
    folder = Path(student.path, assignment)

    def refused(problem: str | None) -> Submission:
        problems = () if problem is None else (problem,)
        handed_in = problem is not None
        return Submission(
            student.name, assignment, folder, cells, problems=problems, handed_in=handed_in
        )

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
    strangers = [file.as_posix() for file in papers if file.as_posix() not in _expected(cells)]
    notebooks, missing = {}, []
    for name, owned in cells.items():
        path = folder / f"{name}.ipynb"
        if Path(path.name) not in papers:
            missing.append(path.name)
            continue
        try:
            found, notes_on_file = _restored(path, owned)
        except SubmissionError as error:
            problems.append(str(error))
        else:
            notebooks[name] = path
            problems.extend(found.problems)
            notes.extend((*notes_on_file, *found.notes))
    for name in missing:
        if strangers:
            problems.append(_not_found(name, strangers))
        else:
            notes.append(f"'{name}' is missing{': its exercises get 0' if notebooks else ''}.")
    if strangers and not missing:
        notes.append(f"Not part of the assignment, and ignored: {_names(strangers)}.")
    data, left_out = _sorted_out(course, assignment, folder, files)
    if left_out:
        notes.append(f"Left out, as only data files are taken along: {_names(left_out)}.")
    if Path(TIMESTAMP) in files and handed_in_at(folder) is None:
        notes.append(f"'{TIMESTAMP}' holds no date: the time of handing in is unknown.")
    return Submission(
        student=student.name,
        assignment=assignment,
        folder=folder,
        cells=cells,
        notebooks=notebooks,
        files=tuple(data),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _expected(cells: Mapping[str, object]) -> list[str]:
    return [f"{name}.ipynb" for name in cells]


def _not_found(expected: str, strangers: Collection[str]) -> str:
    return (
        f"'{expected}' is missing; there is {_names(strangers)}. "
        "If one of these is meant, rename it and grade again."
    )


def _names(names: Iterable[str]) -> str:
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
        elif not fnmatch.fnmatchcase(student, student):
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
    course: Course, assignment: str, folder: Path, files: Iterable[Path]
) -> tuple[list[Path], list[str]]:
    """Part the files beside the notebooks: those to take along, and those a student may miss."""
    taken, left_out, size = [], [], 0
    for file in files:
        if file.suffix.lower() == ".ipynb" or file == Path(TIMESTAMP):
            continue
        size += (folder / file).lstat().st_size
        if file.suffix.lower() in DATA_SUFFIXES and size <= MAX_DATA_BYTES:
            taken.append(file)
        elif not (course.root / "release" / assignment / file).exists():
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
    try:
        with _open(folder / TIMESTAMP) as file:
            text = file.read(100).decode().strip()
        return datetime.fromisoformat(str(parse_utc(text))) if text else None
    # The date parser raises whatever it likes: OverflowError, TypeError, its own ParserError.
    except Exception:
        return None


def _restored(path: Path, owned: Collection[CourseCell]) -> tuple[Restored, tuple[str, ...]]:
    """Return a submitted notebook as the course can grade it, with notes on its file.

    Raises
    ------
    SubmissionError
        If it is no notebook that can be graded; the message is the problem.
    """
    name = path.name
    with _open(path) as file:
        content = file.read(MAX_NOTEBOOK_BYTES + 1)
    if len(content) > MAX_NOTEBOOK_BYTES:
        message = (
            f"'{name}' is larger than {MAX_NOTEBOOK_BYTES // 2**20} MB. "
            "Ask for it without its outputs."
        )
        raise SubmissionError(message)
    cells, notes = _cells(name, content)
    return restored(name, cells, owned), tuple(notes)


def _cells(name: str, content: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the cells of a notebook of any format that can be upgraded, with notes."""
    if not content.strip():
        raise SubmissionError(f"'{name}' is empty. Ask for the file again.")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SubmissionError(f"'{name}' is not text. Ask for the file again.") from None
    except json.JSONDecodeError as error:
        message = (
            f"'{name}' is damaged: not JSON from line {error.lineno} on. Ask for the file again."
        )
        raise SubmissionError(message) from None
    except (ValueError, RecursionError):
        raise SubmissionError(f"'{name}' is not JSON that can be read.") from None
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if not isinstance(version, int):
        raise SubmissionError(f"'{name}' is JSON, but no notebook. Ask for the file again.")
    if version > nbformat.current_nbformat:
        message = (
            f"'{name}' is of notebook format {version}, newer than this course's "
            f"({nbformat.current_nbformat}). Ask for it saved in format 4."
        )
        raise SubmissionError(message)
    notes = []
    if version < nbformat.current_nbformat:
        try:
            old = nbformat.reader.reads(json.dumps(notebook))  # type: ignore[no-untyped-call]
            notebook = nbformat.convert(old, nbformat.current_nbformat)  # type: ignore[no-untyped-call]
        # The upgrade trusts its input, so a malformed one fails anyhow.
        except Exception:
            message = (
                f"'{name}' is of the old notebook format {version} and cannot be upgraded. "
                "Ask for it opened and saved in a current Jupyter."
            )
            raise SubmissionError(message) from None
        notes.append(f"'{name}' is of the old notebook format {version}; it was upgraded.")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise SubmissionError(f"'{name}' has no list of cells. Ask for the file again.")
    return cells, notes


def stage(submission: Submission, into: Path) -> None:
    """Write a clean copy of a submission that nbgrader can grade.

    It holds the notebooks of `submission.notebooks` in notebook format 4.5, the data files, and the
    time stamp if it is valid.

    Parameters
    ----------
    submission : Submission
        As `find_submissions` returned it.
    into : Path
        The folder to write to; it is created.

    Raises
    ------
    SubmissionError
        If the files changed since, and cannot be read now.
    """
    into.mkdir(parents=True)
    for name, path in submission.notebooks.items():
        cells = _restored(path, submission.cells[name])[0].cells
        notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
            cells=list(cells), metadata={"kernelspec": KERNELSPEC}, nbformat_minor=5
        )
        nbformat.write(notebook, into / f"{name}.ipynb")  # type: ignore[no-untyped-call]
    for file in submission.files:
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        with _open(submission.folder / file) as original:
            (into / file).write_bytes(original.read(MAX_DATA_BYTES))
    if time := handed_in_at(submission.folder):
        (into / TIMESTAMP).write_text(f"{time} UTC\n", encoding="utf-8")
