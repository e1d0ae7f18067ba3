"""Explain errors of the machine or a database in sentences: a full disk, a limit, a lock."""

from __future__ import annotations

import errno
import os
import re

__all__ = ["explain", "explain_database"]

NUMBER = re.compile(r"\[Errno (\d{1,4})\]")
AGAIN = "then run the same command again."
SENTENCES = {
    errno.ENOSPC: f"There is no space left{{at}}. Make room, {AGAIN}",
    errno.EDQUOT: f"The quota of disk space is used up{{at}}. Make room, {AGAIN}",
    errno.EFBIG: (
        f"A file would be larger than may be{{at}}. Raise the limit (`ulimit -f`), {AGAIN}"
    ),
    errno.EROFS: f"Nothing can be written{{at}}: it is read-only. Make it writable, {AGAIN}",
    errno.EACCES: f"Permission is denied{{at}}. Get the right to read and to write, {AGAIN}",
    errno.EPERM: f"The system does not permit what is needed{{at}}. Get the right to it, {AGAIN}",
    errno.EMFILE: (
        f"Too many files are open for one process{{at}}. Raise the limit (`ulimit -n 1024`), "
        f"{AGAIN}"
    ),
    errno.ENFILE: f"Too many files are open on this machine{{at}}. End other programs, {AGAIN}",
    errno.ENOMEM: (
        f"There is not enough memory{{at}}. End other programs, raise a limit on memory "
        f"(`ulimit -v`) or take fewer --workers, {AGAIN}"
    ),
    errno.EAGAIN: (
        f"No further process or thread could be started{{at}}. End other programs or raise the "
        f"limit (`ulimit -u`), {AGAIN}"
    ),
    errno.EIO: f"The disk failed{{at}}. Check it, {AGAIN}",
    errno.ENAMETOOLONG: f"A path is too long{{at}}. Move the course to a shorter one, {AGAIN}",
}
UNKNOWN_ERROR = f"The system said '{{said}}'{{at}}. Solve that, {AGAIN}"
#: Sentences for Python errors that carry no errno, by a part of their message.
UNNUMBERED = {
    "AF_UNIX path too long": (
        "The path of the folder for temporary files is too long for sockets. "
        f"Set TMPDIR to a shorter one, {AGAIN}"
    ),
    "No usable temporary directory": (
        f"There is no folder for temporary files that can be written. Set TMPDIR to one, {AGAIN}"
    ),
    "can't start new thread": SENTENCES[errno.EAGAIN].format(at=""),
    "failed to map segment": SENTENCES[errno.ENOMEM].format(at=""),
    "annot allocate memory": SENTENCES[errno.ENOMEM].format(at=""),
}
#: Sentences for database errors, by a part of their message.
DATABASE_SENTENCES = {
    "locked": (
        "{what} is locked by another program, the formgrader perhaps. "
        f"Wait for it or end it, {AGAIN}"
    ),
    "full": f"There is no space left for {{lowered}}. Make room, {AGAIN}",
    "readonly": (
        f"{{what}} cannot be written: it, or its folder, is read-only. Make it writable, {AGAIN}"
    ),
    "disk I/O error": (
        "{what} cannot be read or written: the disk failed, or a file may not be as large. "
        f"Check the disk and the limit (`ulimit -f`), {AGAIN}"
    ),
}
DATABASE_OTHERWISE = (
    "{what} cannot be used ({said}). Check that its database can be reached and changed, "
    f"{AGAIN}"
)


def explain(error: BaseException) -> str | None:
    """Return sentences that say what is wrong with the machine and what to do about it.

    Parameters
    ----------
    error : BaseException
        The chain of exceptions that it was raised from is searched, too; the first one that the
        machine caused is explained.

    Returns
    -------
    str or None
        None if the machine is not to blame.

    Examples
    --------
    >>> explain(OSError(errno.ENOSPC, "No space left on device", "gradebook.db"))
    "There is no space left (at 'gradebook.db'). Make room, then run the same command again."
    >>> explain(ValueError("of something else"))
    """
    cause: BaseException | None = error
    while cause is not None:
        if told := _explain_known(cause):
            return told
        cause = cause.__cause__
    return None


def _explain_known(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return SENTENCES[errno.ENOMEM].format(at="")
    if not isinstance(error, OSError) or error.errno is None or "No usable" in str(error):
        is_fit = isinstance(error, (OSError, RuntimeError, ImportError))
        if not is_fit:
            return None
        # `shutil.copytree` and some libraries give the errno only inside their message.
        if number := NUMBER.search(str(error)):
            return _explain_known(OSError(int(number[1]), os.strerror(int(number[1]))))
        return next((told for part, told in UNNUMBERED.items() if part in str(error)), None)
    at = "" if error.filename is None else f" (at {_file_of(error.filename)})"
    return SENTENCES.get(error.errno, UNKNOWN_ERROR).format(at=at, said=error.strerror)


def _file_of(file: object) -> str:
    path = os.fsdecode(file) if isinstance(file, (str, bytes, os.PathLike)) else str(file)
    return repr(path)


def explain_database(said: str, what: str = "The gradebook") -> str:
    """Return sentences that say what is wrong with a database and what to do about it.

    Parameters
    ----------
    said : str
        The database's own message, of which only the first line is used.
    what : str
        What to call the database at the beginning of a sentence.

    Examples
    --------
    >>> explain_database("database or disk is full")
    'There is no space left for the gradebook. Make room, then run the same command again.'
    """
    said = said.strip().partition("\n")[0]
    found = next(
        (told for part, told in DATABASE_SENTENCES.items() if part in said), DATABASE_OTHERWISE
    )
    return found.format(what=what, lowered=what[:1].lower() + what[1:], said=said)
