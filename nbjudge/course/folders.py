"""What the steps of grading a class share: nbgrader's folders, and the log."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from nbjudge.basics.redirect_output import muffled
from nbjudge.basics.stale_folders import sweep
from nbjudge.course.course import Course

__all__ = ["LOG_NAME", "clear_away", "folder_of", "logged", "silenced", "workshop", "write_whole"]

#: nbgrader's own commands write here too.
LOG_NAME = ".nbgrader.log"
#: How the names of workshops begin; the folder may be shared with other machines.
UNFINISHED = f".unfinished-{platform.node()}-"


def folder_of(course: Course, step: str, student: str, assignment: str) -> Path:
    """Return where nbgrader keeps a student's work at a step of the grading."""
    return course.root / step / student / assignment


def write_whole(path: Path, text: str) -> None:
    """Write a file in the place of any other, so that nobody ever reads a part of it."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


class _QuietFile(logging.FileHandler):
    """A log that nothing can be written to (the disk is full) stops nobody, and prints nothing."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the file, also if what is left cannot be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def logged(course: Course) -> Iterator[None]:
    """Send what nbgrader and its libraries say to the course's log file, not to the terminal."""
    root = logging.getLogger()
    handler = _QuietFile(course.root / LOG_NAME, encoding="utf-8", errors="replace")
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
def silenced(course: Course) -> Iterator[None]:
    """Send what other processes print to the log."""
    with muffled(course.root / LOG_NAME):
        yield


@contextmanager
def workshop(course: Course, step: str) -> Iterator[Path]:
    """Yield a hidden folder in one of nbgrader's, for work that is not finished yet."""
    parent = course.root / step
    parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix=f"{UNFINISHED}{os.getpid()}-", dir=parent) as folder:
        yield Path(folder)


def clear_away(course: Course, step: str) -> None:
    """Delete the workshops of runs that were killed."""
    if (parent := course.root / step).is_dir():
        sweep(parent, UNFINISHED)
