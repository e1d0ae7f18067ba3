"""Select the files beside a notebook that its kernel gets, and say why others are left out.

A student's files are selected by name and size alone. The course's own files replace them, so that
an answer reads the data that the course gave out, and imports the course's modules.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import all_suffixes
from itertools import islice
from pathlib import Path

from nbjudge.exceptions import CourseError

__all__ = [
    "MAX_FILE_BYTES",
    "DataFiles",
    "course_files",
    "data_files",
    "files_below",
    "require_harmless",
]

#: Bounds: bytes of one file, bytes of all files that are taken, and their number.
MAX_FILE_BYTES = 50 * 2**20
MAX_DATA_BYTES = 100 * 2**20
MAX_FILES = 1000
#: How many files are considered at all: even listing a million names takes long.
MAX_SEEN = 20_000
#: Suffixes of files that Python can import, here or on another machine.
IMPORTED = frozenset(
    [*all_suffixes(), ".py", ".pyc", ".pyd", ".pth", ".pyw", ".so", ".zip", ".egg"]
)


@dataclass(frozen=True)
class DataFiles:
    """The files that a kernel gets, and those that are left out.

    Parameters
    ----------
    taken : mapping of str to Path
        By path relative to the notebook, with forward slashes.
    left_out : mapping of str to tuple of str
        Names of files by the reason, such as "only data files are taken along".
    surplus : str
        A sentence if there are more than `MAX_FILES`; otherwise empty.
    """

    taken: Mapping[str, Path]
    left_out: Mapping[str, tuple[str, ...]]
    surplus: str = ""


def course_files(folder: Path, apart: Collection[str] = ()) -> dict[str, Path]:
    """Return the course's own files beside the notebooks of an assignment, by name.

    Parameters
    ----------
    folder : Path
        The assignment's folder, as students get it.
    apart : collection of str
        Names to skip, since every release has them.
    """
    if not folder.is_dir():
        return {}
    return {
        file.as_posix(): folder / file
        for file in files_below(folder)
        if file.suffix.lower() != ".ipynb"
        and file.parts[0] not in apart
        and not _unfit_name(file)
        and stat.S_ISREG((folder / file).lstat().st_mode)
    }


def require_harmless(suffixes: Collection[str]) -> None:
    """Check that no file taken from a student can be a module.

    Raises
    ------
    CourseError
        If a suffix in the course's settings is a module's, or no suffix at all.
    """
    for suffix in suffixes:
        if not suffix.startswith(".") or suffix.lower() in IMPORTED:
            problem = "a module" if suffix.startswith(".") else "no suffix, which begins with a dot"
            message = (
                f"c.Plug.data_suffixes in nbgrader_config.py names '{suffix}', and that is "
                f"{problem}: a student's could take the place of the course's. Take it out there."
            )
            raise CourseError(message)


def data_files(
    folder: Path,
    files: Iterable[Path],
    own: Mapping[str, Path],
    *,
    apart: Collection[str],
    released: Collection[str],
    suffixes: Collection[str],
) -> DataFiles:
    """Return the files that a kernel gets beside a notebook of this folder.

    Only files that are taken count toward the bounds.

    Parameters
    ----------
    folder : Path
        The folder of a submission.
    files : iterable of Path
        As `files_below` yields them.
    own : mapping of str to Path
        The course's own files, which are always taken.
    apart : collection of str
        Names that are neither taken nor reported.
    released : collection of str
        Names that the course gave out; they are not reported when they are left out.
    suffixes : collection of str
        The suffixes that are taken.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    taken: dict[str, Path] = {}
    left_out: dict[str, list[str]] = {}
    size = surplus = 0
    for file in files:
        name = file.as_posix()
        if file.suffix.lower() == ".ipynb" or name in apart or name in own:
            continue
        status = (folder / file).lstat()
        reason = _link_problem(status) or _why_not_taken(file, suffixes) or _too_large(status)
        if reason is None and (courses := _in_the_way(file, own)):
            reason = f"'{courses}' is the course's"
        if reason is None and len(taken) == MAX_FILES:
            surplus += 1
            continue
        if reason is None and size + status.st_size > MAX_DATA_BYTES:
            reason = f"all data files together may have {MAX_DATA_BYTES // 2**20} MB"
        if reason is None:
            taken[name] = folder / file
            size += status.st_size
        elif name not in released:
            left_out.setdefault(reason, []).append(name)
    told = f"There are more than {MAX_FILES} files; the first were taken along." if surplus else ""
    return DataFiles({**taken, **own}, {why: tuple(names) for why, names in left_out.items()}, told)


def _why_not_taken(file: Path, suffixes: Collection[str]) -> str | None:
    """Return why a student's file of this name is not taken; None if it may be."""
    if file.suffix.lower() not in suffixes:
        return "only data files are taken along"
    return _unfit_name(file)


def _unfit_name(file: Path) -> str | None:
    return "a name with a backslash is a path elsewhere" if "\\" in file.as_posix() else None


def _in_the_way(file: Path, own: Mapping[str, Path]) -> str:
    """Return the course's file or folder whose place a student's file would take; empty if none."""
    for parent in file.parents[:-1]:
        if parent.as_posix() in own:
            return parent.as_posix()
    within = f"{file.as_posix()}/"
    return file.as_posix() if any(name.startswith(within) for name in own) else ""


def _link_problem(status: os.stat_result) -> str | None:
    return "links are never followed" if stat.S_ISLNK(status.st_mode) else None


def _too_large(status: os.stat_result) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "only ordinary files are taken along"
    if status.st_size > MAX_FILE_BYTES:
        return f"one data file may have {MAX_FILE_BYTES // 2**20} MB"
    return None


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the paths of all visible files and links below a folder, relative to it.

    At most `MAX_SEEN`; those in the folder itself come before those further down.
    """
    yield from islice(_visible_files(folder), MAX_SEEN)


def _visible_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(filter(_is_visible, folders))
        links = [name for name in folders if Path(parent, name).is_symlink()]
        below = parent[len(str(folder)) :].lstrip(os.sep)
        for name in sorted([*filter(_is_visible, names), *links]):
            yield Path(below, name) if below else Path(name)


def _raise(error: OSError) -> None:
    raise error


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__"
