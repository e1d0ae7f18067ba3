"""Synchronise two folders: that of a notebook in its kernel, and that of its tests in the judge.

Each side has a `WorkingFolder` for its own folder. Changes cross as plain data: names and contents
of ordinary files, and names of folders. Links are neither sent nor followed, so that nothing the
other side sends can leave the folder. Nothing in it is secret, and no file that has crossed is ever
run or imported.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nbjudge.kernel.wire import TooMuch, WireError

__all__ = ["NO_CHANGES", "WorkingFolder"]

#: The message that nothing has changed.
NO_CHANGES: Mapping[str, Any] = MappingProxyType({"gone": [], "folders": [], "files": {}})

#: Files and folders in it, and bytes of all files that change at once.
MAX_ENTRIES = 5000
MAX_ALL_BYTES = 50 * 2**20
#: Parts of a path, and bytes of a name.
MAX_DEPTH = 20
MAX_FILE_NAME = 255
#: Folders that Python and Jupyter create on their own.
LEFT_BEHIND = frozenset(["__pycache__", ".ipynb_checkpoints"])
#: Nanoseconds after a change in which a file may change again without new timestamps or size.
NANOSECONDS = 10**9


@dataclass(frozen=True)
class _Entry:
    """The status of a file or folder, and the digest of a file that has changed just now."""

    status: tuple[int, ...]
    digest: bytes = b""


class WorkingFolder:
    """A folder, and the state of it that the other side knows.

    Parameters
    ----------
    folder : Path
        At this moment the other side's folder holds the same files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at_start = {name: _Entry(status) for name, status in self._look()}
        self._known = dict(self._at_start)

    def start_over(self) -> None:
        """Assume a new other side, whose folder is as both were at the start."""
        self._known = dict(self._at_start)

    def changes(self) -> dict[str, Any]:
        """Return the changes since the last call, and consider them known to the other side.

        Returns
        -------
        dict
            `gone` : names of what was deleted; `folders` : names of new folders; `files` :
            contents of new and changed files, by name.

        Raises
        ------
        TooMuch
            If the folder holds too many files, or the changed ones too many bytes.
        """
        files: dict[str, bytes] = {}
        folders: list[str] = []
        now: dict[str, _Entry] = {}
        size = 0
        for name, status in self._look():
            known = self._known.get(name)
            if known is not None and known.status == status and not known.digest:
                now[name] = known
                continue
            if stat.S_ISDIR(status[0]):
                now[name] = _Entry(status)
                if known is None or not stat.S_ISDIR(known.status[0]):
                    folders.append(name)
                continue
            if (content := self._read(name)) is None:  # it was deleted meanwhile
                continue
            now[name] = _entry_of(status, content)
            if known is None or known.digest != _digest_of_file(content):
                files[name] = content
                size += len(content)
                if size > MAX_ALL_BYTES:
                    raise TooMuch(f"its files have more than {MAX_ALL_BYTES // 2**20} MB")
        gone = [name for name, known in self._known.items() if _is_gone(known, now.get(name))]
        self._known = now
        return {"gone": gone, "folders": folders, "files": files}

    def apply(self, changes: Any) -> None:
        """Repeat changes of the other side, which is not trusted.

        Raises
        ------
        WireError
            If they are malformed, too large, or lead out of the folder.
        """
        gone, folders, files = _check_changes(changes)
        for name in sorted(gone, reverse=True):  # the content of a folder before the folder
            self._remove(name)
        for name in sorted(folders):
            self._make_folder(Path(name))
        for name, content in files.items():
            self._write(name, content)
        touched = {*folders, *files}
        for name in gone:
            if name not in touched:
                self._known.pop(name, None)
        for name in touched:
            status = _status((self._folder / name).lstat())
            is_file = name in files
            self._known[name] = _entry_of(status, files[name]) if is_file else _Entry(status)

    # ---- Reading ---------------------------------------------------------------------------------

    def _look(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the name and status of each file and folder; sorted by name within a folder."""
        waiting, count = [""], 0
        while waiting:
            within = waiting.pop()
            try:
                entries = os.scandir(self._folder / within)
            except OSError:  # it was deleted meanwhile, or may not be read
                continue
            found = []
            with entries:
                for entry in entries:
                    count += 1
                    if count > MAX_ENTRIES:
                        raise TooMuch(f"its folder holds more than {MAX_ENTRIES} files")
                    found.append(entry)
            for entry in sorted(found, key=lambda entry: entry.name):
                name = f"{within}/{entry.name}" if within else entry.name
                if _is_no_file_name(name):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(name)
                elif not stat.S_ISREG(status.st_mode):
                    continue
                yield name, _status(status)

    def _read(self, name: str) -> bytes | None:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            with os.fdopen(os.open(self._folder / name, flags), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    return None
                if status.st_size > MAX_ALL_BYTES:
                    raise TooMuch(f"one of its files has more than {MAX_ALL_BYTES // 2**20} MB")
                return file.read(MAX_ALL_BYTES + 1)
        except OSError:
            return None

    # ---- Writing ---------------------------------------------------------------------------------

    def _remove(self, name: str) -> None:
        if not self._is_within(Path(name).parent):
            return
        path = self._folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def _make_folder(self, name: Path) -> None:
        """Make a folder and its parents, replacing files and links that are in the way."""
        for step in (*reversed(name.parents[:-1]), name):
            path = self._folder / step
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                path.unlink()
            path.mkdir(exist_ok=True)

    def _write(self, name: str, content: bytes) -> None:
        self._make_folder(Path(name).parent)
        path = self._folder / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            self._remove(name)
        # Written in place, so that code which has the file open sees the change.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
            file.write(content)

    def _is_within(self, name: Path) -> bool:
        """Return whether every part of a path is a folder, and none a link."""
        steps = [self._folder / step for step in (*name.parents, name)]
        return all(step.is_dir() and not step.is_symlink() for step in steps if step.name)


def _status(status: os.stat_result) -> tuple[int, ...]:
    if stat.S_ISDIR(status.st_mode):  # its size and times change with its content
        return (status.st_mode, status.st_ino)
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (status.st_mode, status.st_ino, status.st_size, *times)


def _entry_of(status: tuple[int, ...], content: bytes) -> _Entry:
    is_young = time.time_ns() - max(status[3:]) < NANOSECONDS
    return _Entry(status, _digest_of_file(content) if is_young else b"")


def _digest_of_file(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def _is_gone(known: _Entry, now: _Entry | None) -> bool:
    return now is None or stat.S_ISDIR(known.status[0]) != stat.S_ISDIR(now.status[0])


def _is_no_file_name(name: str) -> bool:
    """Return whether a name may not cross: it leads elsewhere, is unprintable, or is left out."""
    parts = name.split("/")
    if len(parts) > MAX_DEPTH or not name.isprintable() or "\\" in name or ":" in name[1:2]:
        return True
    if any(part in LEFT_BEHIND for part in parts):
        return True
    return any(part in ("", ".", "..") or len(part.encode()) > MAX_FILE_NAME for part in parts)


def _check_changes(changes: Any) -> tuple[list[str], list[str], Mapping[str, bytes]]:
    if type(changes) is not dict or changes.keys() != NO_CHANGES.keys():
        raise WireError("that is no change of a folder")
    gone, folders, files = (changes[part] for part in ("gone", "folders", "files"))
    if not (type(gone) is type(folders) is list and type(files) is dict):
        raise WireError("that is no change of a folder")
    names = [*gone, *folders, *files]
    if len(names) > 2 * MAX_ENTRIES or sum(map(_size_of_content, files.values())) > MAX_ALL_BYTES:
        raise WireError("that is too much for a folder")
    if any(type(name) is not str or _is_no_file_name(name) for name in names):
        raise WireError("that leads out of the folder")
    return gone, folders, files


def _size_of_content(content: Any) -> int:
    if type(content) is not bytes:
        raise WireError("that is no content of a file")
    return len(content)
