"""Unpack ZIP archives of submissions, within bounds and without trusting the names inside.

`CarefulExtractor` is a plugin for `nbgrader zip_collect`. nbgrader's own extractor stops the whole
class at one damaged archive, and unpacks nested archives of any depth and size.
"""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from nbgrader.plugins import ExtractorPlugin
from traitlets import Integer

from nbjudge.exceptions import CourseError
from nbjudge.intake.submission import printable

__all__ = ["CarefulExtractor", "UnpackingBounds", "is_visible", "unpack"]

MEGABYTE = 2**20
#: Errors raised by archives that are damaged, encrypted, or of a kind that Python cannot read.
UNPACKING_ERRORS = (
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    UnicodeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)

#: The signature of each entry in an archive's directory.
ENTRY = b"PK\1\2"
#: How many entries there may be per file allowed: folders and nested archives have entries, too.
ENTRIES_A_FILE = 10


@dataclass(frozen=True)
class UnpackingBounds:
    """How much may be unpacked.

    Parameters
    ----------
    file_bytes : int
        Bound for one file.
    inner_bytes, inner_files : int
        Bounds for all files together of one archive that a student handed in.
    total_bytes, total_files : int
        Bounds for everything together.
    """

    file_bytes: int = 50 * MEGABYTE
    inner_bytes: int = 300 * MEGABYTE
    inner_files: int = 1000
    total_bytes: int = 20_000 * MEGABYTE
    total_files: int = 100_000


class _TooMuch(Exception):
    """A student's archive holds more than it may."""


@dataclass
class _Room:
    """How much of a student's archive may still be unpacked."""

    files: int
    bytes: int


def unpack(
    source: Path, target: Path, bounds: UnpackingBounds, tell: Callable[[str], None]
) -> None:
    """Copy the files of a folder, and unpack its archives and the archives inside those.

    An archive becomes a folder of the same name. The path, content and time of each file are kept;
    links, hidden files and paths that lead out of the folder are left out.

    Parameters
    ----------
    source : Path
        The folder with the downloaded files.
    target : Path
        An empty folder.
    bounds : UnpackingBounds
    tell : callable
        Called with a sentence about everything that was left out.

    Raises
    ------
    CourseError
        If everything together exceeds the total bounds.
    """
    _Unpacking(bounds, tell).folder(source, target)


class _Unpacking:
    def __init__(self, bounds: UnpackingBounds, tell: Callable[[str], None]) -> None:
        self._bounds = bounds
        self._tell = tell
        self._bytes = self._files = 0

    def folder(self, source: Path, target: Path) -> None:
        for parent, folders, names in os.walk(source):
            folders[:] = sorted(filter(is_visible, folders))
            for name in sorted(filter(is_visible, names)):
                path = Path(parent, name)
                place = target / path.relative_to(source)
                told = f"'{printable(name)}'"
                try:
                    if not stat.S_ISREG(path.lstat().st_mode):
                        self._tell(f"{told} is no ordinary file, and was left out.")
                    elif path.suffix.lower() == ".zip":
                        # An archive at the top is a platform's; one further down is a student's.
                        room = None if path.parent == source else self._inner()
                        self._archive(path, place.with_suffix(""), room)
                    else:
                        with path.open("rb") as file:
                            self._write(file, place, path.stat().st_mtime, told, None)
                except OSError as error:
                    _stop_if_full(error)
                    self._tell(f"{told} was left out: {error.strerror}.")

    def _archive(self, path: Path, target: Path, room: _Room | None) -> None:
        """Unpack one archive; if it is damaged, only its own files are lost."""
        told = f"'{printable(path.name)}'"
        try:
            with path.open("rb") as file, _open_archive(file, room) as archive:
                for info in archive.infolist():
                    if not info.is_dir():
                        self._member(archive, info, target, told, room)
        except _TooMuch:
            self._tell(
                f"{told} holds more than {self._bounds.inner_files} files or "
                f"{self._bounds.inner_bytes // MEGABYTE} MB: the rest was left out."
            )
        except UNPACKING_ERRORS as error:
            _stop_if_full(error)
            self._tell(f"{told} is damaged, or no ZIP archive. Ask for it again.")

    def _member(
        self,
        archive: zipfile.ZipFile,
        info: zipfile.ZipInfo,
        target: Path,
        within: str,
        room: _Room | None,
    ) -> None:
        name = _member_name(info)
        told = f"'{printable(name)}' in {within}"
        path = name.replace("\\", "/")
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if path.startswith("/") or ".." in parts or ":" in "".join(parts[:1]):
            self._tell(f"{told} leads out of its folder, and was left out.")
            return
        if not parts or not all(map(is_visible, parts)):
            return
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            self._tell(f"{told} is no ordinary file, and was left out.")
            return
        place = target.joinpath(*parts)
        try:
            with archive.open(info) as file:
                taken = self._write(file, place, _time(info), told, room)
        except UNPACKING_ERRORS as error:
            _stop_if_full(error)
            self._tell(f"{told} cannot be read. Ask for it again.")
            return
        if taken and place.suffix.lower() == ".zip":
            if room is not None:
                self._tell(f"{told} is one archive too deep inside others, and was left shut.")
            else:
                self._archive(place, place.with_suffix(""), self._inner())

    def _inner(self) -> _Room:
        return _Room(self._bounds.inner_files, self._bounds.inner_bytes)

    def _write(
        self, file: IO[bytes], place: Path, moment: float, told: str, room: _Room | None
    ) -> bool:
        """Write a file, and return whether it was kept."""
        if os.path.lexists(place):
            self._tell(f"{told} is there twice; the first was taken.")
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        most = self._bounds.file_bytes
        allowed = most if room is None else min(most, room.bytes)
        size = 0
        with place.open("xb") as copy:
            while size <= allowed and (chunk := file.read(MEGABYTE)):
                size += len(chunk)
                copy.write(chunk)
        os.utime(place, (moment, moment))
        if size > allowed:
            place.unlink()
        self._count(size)
        if room is not None:
            room.files -= 1
            room.bytes -= size
            if room.files < 0 or (size > allowed and allowed < most):
                place.unlink(missing_ok=True)
                raise _TooMuch
        if size > allowed:
            self._tell(f"{told} is larger than {most // MEGABYTE} MB, and was left out.")
        return size <= allowed

    def _count(self, size: int) -> None:
        bounds = self._bounds
        self._bytes += size
        self._files += 1
        if self._bytes > bounds.total_bytes or self._files > bounds.total_files:
            message = (
                f"There are more than {bounds.total_files} files or "
                f"{bounds.total_bytes // MEGABYTE} MB to unpack. Collect fewer students at a time, "
                "or raise CarefulExtractor.total_megabytes or total_files."
            )
            raise CourseError(message)


def _open_archive(file: BinaryIO, room: _Room | None) -> zipfile.ZipFile:
    # Check before Python creates an object for each entry: 50 MB can hold a million entries.
    if room is not None and file.read().count(ENTRY) > ENTRIES_A_FILE * room.files:
        raise _TooMuch
    return zipfile.ZipFile(file)


def _stop_if_full(error: Exception) -> None:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        message = "There is no space left to unpack. Make room, then collect again."
        raise CourseError(message) from error


def is_visible(name: str) -> bool:
    """Return whether a file or folder is one that a person made, by its name.

    >>> [is_visible(name) for name in ("sums.ipynb", ".ipynb_checkpoints", "__MACOSX", "")]
    [True, False, False, False]
    """
    return bool(name) and not name.startswith(".") and name != "__MACOSX"


def _member_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; many programs write UTF-8 without setting the flag for it."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _time(info: zipfile.ZipInfo) -> float:
    """Return a member's modification time in seconds since 1970; 0 if it is invalid."""
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


class CarefulExtractor(ExtractorPlugin):  # type: ignore[misc]  # nbgrader has no types
    """Unpacks ZIP archives for `nbgrader zip_collect`, as far as it is safe."""

    file_megabytes = Integer(50, min=1, help="The size of one file; larger ones are left out.").tag(
        config=True
    )
    student_megabytes = Integer(
        300, min=1, help="How much an archive that a student handed in may hold."
    ).tag(config=True)
    student_files = Integer(
        1000, min=1, help="How many files an archive that a student handed in may hold."
    ).tag(config=True)
    total_megabytes = Integer(
        20_000, min=1, help="How much may be unpacked in all; collecting stops there."
    ).tag(config=True)
    total_files = Integer(
        100_000, min=1, help="How many files may be unpacked in all; collecting stops there."
    ).tag(config=True)

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        #: Sentences about what was left out.
        self.remarks: list[str] = []

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack everything in one folder to another: see `unpack`."""
        bounds = UnpackingBounds(
            file_bytes=self.file_megabytes * MEGABYTE,
            inner_bytes=self.student_megabytes * MEGABYTE,
            inner_files=self.student_files,
            total_bytes=self.total_megabytes * MEGABYTE,
            total_files=self.total_files,
        )
        try:
            unpack(Path(archive_path), Path(extracted_path), bounds, self._tell)
        except CourseError as error:
            shutil.rmtree(extracted_path, ignore_errors=True)
            self.log.error("%s", error)
            raise SystemExit(1) from error

    def _tell(self, remark: str) -> None:
        self.remarks.append(remark)
        self.log.warning("%s", remark)
