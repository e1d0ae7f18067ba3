"""What the steps of grading a class share: nbgrader's folders, the log, and the lock."""

from __future__ import annotations

import errno
import logging
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

from nbjudge.basics.redirect_output import redirect_output
from nbjudge.basics.temporary_folders import remove_stale_folders
from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError

__all__ = [
    "GRADING_LOCK",
    "LOG_NAME",
    "clear_away",
    "folder_of",
    "grading_lock",
    "log_output",
    "log_to_file",
    "read_notebook",
    "save_file",
    "working_folder",
    "write_whole",
]

#: nbgrader's own commands write here too.
LOG_NAME = ".nbgrader.log"
#: Prefix of the working folders' names; other machines may share the folder they are in.
UNFINISHED_PREFIX = f".unfinished-{platform.node()}-"
#: The file that is locked; the system unlocks it when the process ends, however that happens.
GRADING_LOCK = ".autograde.lock"
#: What opening it says in a folder that cannot be written, where nothing is graded anyway; and
#: locking it, on a disk that knows no locks.
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def folder_of(course: Course, step: str, student: str, assignment: str) -> Path:
    """Return where nbgrader keeps a student's work at a step of the grading."""
    return course.root / step / student / assignment


def read_notebook(path: Path) -> NotebookNode | None:
    """Return the notebook that a step of the grading has left; None if it has left none."""
    if not path.is_file():
        return None
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def write_whole(path: Path, text: str) -> None:
    """Write a file in the place of any other, so that nobody ever reads a part of it."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def save_file(path: Path, content: bytes) -> None:
    """Write a file for a person, all or nothing.

    Raises
    ------
    CourseError
        If that is not possible.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        message = (
            f"{path} cannot be written ({error.strerror}). Close what has it open, make room, or "
            "give another path, then run the same command again."
        )
        raise CourseError(message) from error


class _QuietFile(logging.FileHandler):
    """A log that nothing can be written to (the disk is full) stops nobody, and prints nothing."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the file, also if what is left cannot be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def log_to_file(course: Course) -> Iterator[None]:
    """Send what nbgrader and its libraries say to the course's log file, not to the terminal.

    Within such a block another one changes nothing: each line is written once.
    """
    root = logging.getLogger()
    path = (course.root / LOG_NAME).resolve()
    ours = [each for each in root.handlers if isinstance(each, _QuietFile)]
    if str(path) in {each.baseFilename for each in ours}:
        yield
        return
    handler = _QuietFile(path, encoding="utf-8", errors="replace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


@contextmanager
def log_output(course: Course) -> Iterator[None]:
    """Send what other processes print to the log."""
    with redirect_output(course.root / LOG_NAME):
        yield


@contextmanager
def working_folder(course: Course, step: str) -> Iterator[Path]:
    """Yield a hidden folder in one of nbgrader's, for work that is not finished yet."""
    parent = course.root / step
    parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix=f"{UNFINISHED_PREFIX}{os.getpid()}-", dir=parent) as folder:
        yield Path(folder)


def clear_away(course: Course, step: str) -> None:
    """Delete the working folders of runs that were killed."""
    if (parent := course.root / step).is_dir():
        remove_stale_folders(parent, UNFINISHED_PREFIX)


@contextmanager
def grading_lock(course: Course) -> Iterator[None]:
    """Be the only one who grades a course in the block: two would write the same marks and folders.

    Windows has no such locks: there it is the gradebook's own that keeps marks whole.

    Raises
    ------
    CourseError
        If another run is at work.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        # Not inherited: a worker that outlives a run locks nobody out.
        file = os.open(course.root / GRADING_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        yield
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                f"Another run of `course autograde` is at work in {course.root}. "
                "Wait for it or end it, then run the same command again."
            )
            raise CourseError(message) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield
    finally:
        os.close(file)
