"""What has been graded already, so that nothing is graded twice.

Beside each folder of graded notebooks lies an entry that says what was graded there, and on which
terms. It is a cache: without it, or with a damaged one, a submission is graded again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nbjudge.course.course import Course
from nbjudge.course.folders import folder_of, write_whole
from nbjudge.intake.submission import TIMESTAMP, Submission, SubmissionFiles, read

__all__ = [
    "BLANK",
    "Entry",
    "Stamps",
    "content",
    "current",
    "enter",
    "find",
    "forget",
    "graded",
    "is_behind",
    "is_unchanged",
    "stamps",
]

#: Name, size, and times of the last change of a file.
Stamps = list[list[str | int]]


@dataclass(frozen=True)
class Entry:
    """What is known of a graded submission.

    Parameters
    ----------
    terms : str
        The key of the terms on which it was graded.
    content : str
        Of `content`.
    stamps, graded : list
        Of the files that came, and of those that were written.
    problems, notes, remarks : list of str
        The sentences of its row: what a person has to look at, what is good to know, what happened
        on the way.
    is_faulty : bool
        Whether a test of the course did not work.
    seconds : float
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


#: Of a submission of which nothing is known.
BLANK = Entry("", "", [], [], [], [], [], is_faulty=False, seconds=0.0)


def stamps(submission: Submission) -> Stamps:
    """Return what tells whether a file of a submission may have changed, without reading any."""
    places = {
        **{path.name: path for path in submission.notebooks.values()},
        **submission.files,
        TIMESTAMP: submission.folder / TIMESTAMP,
    }
    return _stamps(places, changed=True)


def content(submitted: SubmissionFiles) -> str:
    """Return the hash of a submission's bytes, and of what is said of those that cannot be read."""
    digest = hashlib.sha256(repr((submitted.handed_in, submitted.problems)).encode())
    for files in (submitted.notebooks, submitted.files):
        digest.update(len(files).to_bytes(8, "big"))
        for name, data in sorted(files.items()):
            for part in (name.encode("utf-8", "surrogatepass"), data):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def find(folder: Path) -> Entry | None:
    """Return the entry of a folder of graded notebooks, if they are still those it speaks of."""
    try:
        entry = Entry(**json.loads(_place(folder).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    if not all(map(_are_sentences, (entry.problems, entry.notes, entry.remarks))):
        return None
    return entry if entry.graded == graded(folder) else None


def current(folder: Path, submission: Submission, terms: str) -> Entry | None:
    """Return the entry of a submission that is graded, on the same terms, and not changed."""
    entry = find(folder)
    if entry is None or entry.terms != terms:
        return None
    now = stamps(submission)
    try:
        if not is_unchanged(submission, entry, now):
            return None
        if entry.stamps != now:
            entry = replace(entry, stamps=now)
            enter(folder, entry)
    except OSError:  # who grades it will say so
        return None
    return entry


def is_unchanged(submission: Submission, entry: Entry, now: Stamps) -> bool:
    """Say whether a submission is the one that was graded; it is read only where it may not be.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    return entry.stamps == now or entry.content == content(read(submission))


def graded(folder: Path) -> Stamps:
    """Return what tells whether a folder still holds the notebooks that were graded."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".ipynb"))
    except OSError:  # there is none, or nobody may look into it
        names = []
    return _stamps({name: folder / name for name in names}, changed=False)


def is_behind(course: Course, assignment: str) -> bool:
    """Guess whether there is something to grade, by the times of notebooks and entries alone.

    It is there for preparations: on which terms something was graded is not looked at.
    """
    notebooks = [path.name for path in (course.root / "source" / assignment).glob("*.ipynb")]
    with suppress(OSError), os.scandir(course.root / "submitted") as students:
        for student in students:
            entry = _place(folder_of(course, "autograded", student.name, assignment))
            made = 0.0
            with suppress(OSError):  # there is none
                made = entry.stat().st_mtime
            for notebook in notebooks:
                with suppress(OSError):  # there is none, or nobody may look
                    if Path(student.path, assignment, notebook).lstat().st_ctime > made:
                        return True
    return False


def enter(folder: Path, entry: Entry) -> None:
    """Write the entry of a folder of graded notebooks."""
    write_whole(_place(folder), json.dumps(asdict(entry)))


def forget(folder: Path) -> None:
    """Delete the entry of a folder, if it has one."""
    _place(folder).unlink(missing_ok=True)


def _are_sentences(told: object) -> bool:
    return isinstance(told, list) and all(isinstance(sentence, str) for sentence in told)


def _place(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.json")


def _stamps(places: Mapping[str, Path], *, changed: bool) -> Stamps:
    """Describe files; whoever copies a course keeps the time of writing, not that of changing."""
    found: Stamps = []
    for name, path in sorted(places.items()):
        with suppress(OSError):
            status = os.lstat(path)
            times = [status.st_ctime_ns] if changed else []
            found.append([name, status.st_size, status.st_mtime_ns, *times])
    return found
