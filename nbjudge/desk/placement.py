"""Copy the hand-in that counts to `submitted/<student>/<assignment>/`, for every other command.

nbgrader's `timestamp.txt` is written beside it. Files that were there before and are not in the
vault are moved to `desk/displaced/`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nbjudge.course.course import Course
from nbjudge.course.folders import folder_of, working_folder
from nbjudge.desk.store import HandIn
from nbjudge.desk.vault import Vault, sha256_of
from nbjudge.exceptions import CourseError
from nbjudge.intake.data_files import files_below
from nbjudge.intake.student_ids import is_fit
from nbjudge.intake.submission import SECRET_NAME, TIMESTAMP

__all__ = ["place_hand_in", "require_fit_student"]


def require_fit_student(student: str) -> str:
    """Return a student's id if it can be the name of a folder.

    Raises
    ------
    CourseError
        If it cannot.
    """
    if not is_fit(student) or student != student.strip():
        raise CourseError(f"{student!r} cannot be a student's id here: it is a folder's name, too.")
    return student


def place_hand_in(course: Course, vault: Vault, hand_in: HandIn) -> Path:
    """Put a hand-in's files into its folder, in one step, unless they are there already.

    Parameters
    ----------
    course : Course
    vault : Vault
    hand_in : HandIn
        The one that counts for its student and assignment.

    Raises
    ------
    OSError
        If the folder cannot be written now.
    """
    student = require_fit_student(hand_in.student)
    folder = folder_of(course, "submitted", student, hand_in.assignment)
    stamp = f"{hand_in.received} UTC\n"
    if _lies_there(folder, hand_in, stamp):
        return folder
    with working_folder(course, "submitted") as work:
        new = work / "new"
        new.mkdir()
        for file in hand_in.files:
            vault.copy(file.sha256, new / file.place)
        (new / TIMESTAMP).write_text(stamp, encoding="utf-8")
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            _set_aside(course, vault, folder, hand_in, work / "before")
        new.replace(folder)
    return folder


def _lies_there(folder: Path, hand_in: HandIn, stamp: str) -> bool:
    with suppress(OSError, UnicodeError):
        if folder.is_symlink() or (folder / TIMESTAMP).read_text(encoding="utf-8") != stamp:
            return False
        wanted = {file.place: file.sha256 for file in hand_in.files}
        found = {path.as_posix() for path in files_below(folder)} - {TIMESTAMP}
        return found == wanted.keys() and all(
            sha256_of(folder / name) == sha256 for name, sha256 in wanted.items()
        )
    return False


def _set_aside(course: Course, vault: Vault, folder: Path, hand_in: HandIn, before: Path) -> None:
    """Move the old folder away; keep it unless the vault has all of its files."""
    if all(_is_kept(vault, folder / name) for name in files_below(folder)):
        folder.replace(before)
        return
    aside = course.root / "desk" / "displaced" / hand_in.student / hand_in.assignment
    aside.mkdir(parents=True, exist_ok=True)
    folder.replace(aside / f"before-{hand_in.id}")


def _is_kept(vault: Vault, path: Path) -> bool:
    if path.name in (TIMESTAMP, SECRET_NAME):
        return True
    return not path.is_symlink() and path.is_file() and vault.has(sha256_of(path))
