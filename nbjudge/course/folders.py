"""What all steps of grading share: nbgrader's folders, safe writing of files, log and lock."""

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
#: Prefix of working folders; it names the machine, as several may share the course's folder.
UNFINISHED_PREFIX = f".unfinished-{platform.node()}-"
#: The lock file; the operating system unlocks it when the process ends, however that happens.
GRADING_LOCK = ".autograde.lock"
#: Errors of opening the lock file in a read-only folder, where nothing can be graded anyway; and of
#: locking it on a file system without locks. Both are ignored.
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def folder_of(course: Course, step: str, student: str, assignment: str) -> Path:
    """Return nbgrader's folder for a student's work at a step of grading."""
    return course.root / step / student / assignment


def read_notebook(path: Path) -> NotebookNode | None:
    """Return the notebook in a file; None if there is no such file."""
    if not path.is_file():
        return None
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def write_whole(path: Path, text: str) -> None:
    """Write or replace a file atomically, so that nobody ever reads a part of it."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def save_file(path: Path, content: bytes) -> None:
    """Write or replace a file atomically, with an error message for people.

    Raises
    ------
    CourseError
        If the file cannot be written.
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
    """A log file whose write errors, such as a full disk, are ignored."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the file, even if its last lines cannot be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def log_to_file(course: Course) -> Iterator[None]:
    """Send the log messages of nbgrader and its libraries to the course's log file in the block.

    A nested block changes nothing, so that each line is written once.
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
    """Send this process's and its children's output to the course's log file in the block."""
    with redirect_output(course.root / LOG_NAME):
        yield


@contextmanager
def working_folder(course: Course, step: str) -> Iterator[Path]:
    """Yield a temporary hidden folder in one of nbgrader's folders, for unfinished work."""
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
    """Hold the course's grading lock in the block, so that no two runs write the same marks.

    On Windows, which has no such locks, only the gradebook's own lock protects marks.

    Raises
    ------
    CourseError
        If another run holds the lock.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        # Not inherited, so that a worker that outlives the run does not keep the lock.
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
