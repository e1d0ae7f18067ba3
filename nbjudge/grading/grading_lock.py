"""One run at a time grades a course: two would write the same marks and folders."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError

__all__ = ["LOCK_NAME", "grading_lock"]

#: The file that is locked; the system lets go of it with the process, however that ends.
LOCK_NAME = ".autograde.lock"
#: What opening it says in a folder that cannot be written, where nothing is graded anyway; and
#: locking it, on a disk that knows no locks.
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
UNKNOWN = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def grading_lock(course: Course) -> Iterator[None]:
    """Be the only one who grades a course in the block.

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
        # Not handed on: a worker that outlives a run locks nobody out.
        file = os.open(course.root / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
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
            if error.errno not in UNKNOWN:
                raise
        yield
    finally:
        os.close(file)
