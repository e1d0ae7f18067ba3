"""Keep a test in the judge process from running anything that a student may have written.

Python announces such operations to an audit hook (see `sys.addaudithook`). While a test runs, the
hook refuses those that could run a student's text or file, and those that use files outside the
test's folder. A refusal is a fault of the test, even if the test catches the exception, so that it
gives no mark.
"""

from __future__ import annotations

import ast
import functools
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

__all__ = ["pause_watching", "watch_test"]


class FaultListener(Protocol):
    """The part of `KernelChannel` that is used here."""

    def blame(self, what: str) -> Exception:
        """Note a fault of the test, and return it as an exception."""


#: Audit events that are always refused, each with a phrase for the message.
NEVER: Mapping[str, str] = {
    "pickle.find_class": "it unpickles objects, which could run what a student wrote",
    "marshal.loads": "it reads code with `marshal`",
    "sqlite3.load_extension": "it loads an extension of SQLite",
    **dict.fromkeys(
        (
            *("subprocess.Popen", "os.system", "os.exec", "os.spawn", "os.posix_spawn"),
            *("os.startfile", "pty.spawn"),
        ),
        "it starts a program",
    ),
    **dict.fromkeys(("os.fork", "os.forkpty"), "it starts a process"),
    **dict.fromkeys(("os.kill", "os.killpg", "signal.pthread_kill"), "it ends a process"),
}
#: Libraries that run code which they have generated themselves, but never a text that they are
#: given.
CODE_GENERATORS = frozenset(
    [
        *("attr", "collections", "dataclasses", "decorator", "enum", "hypothesis", "matplotlib"),
        *("numpy", "pandas", "pydantic", "scipy", "torch"),
    ]
)
#: Audit events that change files. For each path among the arguments: its index, the index of the
#: folder descriptor that it is relative to (-1 without one), and whether links are followed.
CHANGES: Mapping[str, tuple[tuple[int, int, bool], ...]] = {
    "os.chmod": ((0, 2, True),),
    "os.chown": ((0, 3, True),),
    "os.link": ((0, 2, True), (1, 3, False)),
    "os.mkdir": ((0, 2, False),),
    "os.remove": ((0, 1, False),),
    "os.rename": ((0, 2, False), (1, 3, False)),
    "os.rmdir": ((0, 1, False),),
    "os.symlink": ((1, 2, False),),
    "os.truncate": ((0, -1, True),),
    "os.utime": ((0, 3, True),),
    "shutil.move": ((0, -1, False), (1, -1, False)),
    "shutil.rmtree": ((0, 1, False),),
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: The file that marks the folder of a course, which holds solutions and the gradebook.
MARKS_A_COURSE = "nbgrader_config.py"
#: Devices that can be written but store nothing.
NOWHERE = frozenset([os.devnull, "/dev/tty"])
#: The package that runs the tests.
JUDGE = "nbjudge"
IMPORT_SYSTEM = "<frozen importlib._bootstrap>"
#: SQLite's code for `ATTACH`, with which a query opens another file.
ATTACH = 24


class _Watch:
    """The rules for one test; parameters are those of `watch_test`."""

    def __init__(
        self,
        referee: FaultListener,
        names: tuple[str, ...],
        source: str,
        root: Path | None,
        modules: Path | None,
        readable: tuple[str, ...],
    ) -> None:
        self._referee = referee
        self._names = names
        self._source = source
        self._root = None if root is None else os.path.realpath(root)
        self._modules = None if modules is None else os.path.realpath(modules)
        folders = (sys.prefix, sys.base_prefix, *filter(None, readable))
        self._readable = tuple(map(os.path.realpath, folders))
        self._hears: dict[str, Callable[..., None]] = {
            "ctypes.dlopen": self._hear_library,
            "exec": self._hear_code,
            "import": self._hear_import,
            **({"open": self._hear_open} if root is not None else {}),
            "sqlite3.connect": self._hear_database,
        }

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise an exception if an audit event is not allowed."""
        if event in NEVER:
            self._refuse_own(NEVER[event])
        elif event in self._hears:
            self._hears[event](*arguments)
        elif event in CHANGES and self._root is not None:
            for path, within, follows in CHANGES[event]:
                folder = arguments[within] if 0 <= within < len(arguments) else -1
                place = _path_of_event(arguments[path], -1 if folder is None else folder)
                if not self._is_own(place, follows=follows):
                    self._refuse_own("it changes files outside its own folder")

    def _hear_code(self, code: Any) -> None:
        caller = _caller()
        if caller is None:
            return
        name = str(caller.f_globals.get("__name__", ""))
        if caller.f_code.co_filename in self._names:
            if not self._is_written_there(code):
                self._refuse("it runs code that is not written in it")
        elif not _is_of_imports(caller) and name.partition(".")[0] not in (JUDGE, *CODE_GENERATORS):
            self._refuse_own(f"it runs a string as code through `{name}`")

    def _is_written_there(self, code: Any) -> bool:
        """Return whether code was compiled from a string constant in the test."""
        for text in _texts_in_test(self._source):
            for mode in ("eval", "exec", "single"):
                with suppress(SyntaxError, ValueError):
                    if compile(text.lstrip(" \t"), "<string>", mode) == code:
                        return True
        return False

    def _hear_import(self, module: Any, file: Any, *_: Any) -> None:
        if file is not None and self._is_foreign(file):
            self._refuse("it imports a file that a student may have written")
        caller = _caller()
        if caller is not None and caller.f_code.co_filename in self._names:
            first = str(module).partition(".")[0]
            if first not in _imported_packages(self._source):
                self._refuse("it imports a module whose name is not written in it")

    def _hear_open(self, path: Any, _: Any, flags: int) -> None:
        if isinstance(path, int) or path in NOWHERE:
            return
        place = _path_of_event(path)
        if self._is_foreign(place) and (caller := _caller()) and _is_of_imports(caller):
            self._refuse("it imports a file that a student may have written")
        if self._is_own(place):
            return
        if flags & WRITES:
            self._refuse_own("it writes a file outside its own folder")
        elif self._is_courses(place):
            self._refuse_own("it reads a file in the course's own folder")

    def _hear_database(self, path: Any) -> None:
        if not _connects:
            self._refuse_own("it opens a database without `sqlite3.connect`")
        name = os.fsdecode(path) if isinstance(path, bytes | os.PathLike) else str(path)
        if name.startswith("file:"):
            self._refuse_own("it opens a database by a URI instead of a file name")
        if name not in ("", ":memory:") and not self._is_own(name):
            self._refuse_own("it opens a database outside its own folder")

    def _hear_library(self, name: Any) -> None:
        if name is None:
            return
        text = os.fsdecode(name)
        if self._is_foreign(text) or (os.sep in text and not Path(text).is_absolute()):
            self._refuse("it loads a library that a student may have written")
        caller = _caller(apart=("ctypes",))
        if caller is not None and caller.f_code.co_filename in self._names:
            self._refuse("it loads a library with `ctypes`")

    def _is_own(self, place: str, *, follows: bool = True) -> bool:
        if self._root is None:
            return False
        if not follows:
            path = Path(place)
            return Path(os.path.realpath(path.parent), path.name).is_relative_to(self._root)
        return Path(os.path.realpath(place)).is_relative_to(self._root)

    def _is_foreign(self, place: str) -> bool:
        """Return whether a student may have written a file: one in the folder, but no module."""
        if not self._is_own(place):
            return False
        return self._modules is None or not _is_below(place, self._modules)

    def _is_courses(self, place: str) -> bool:
        if any(_is_below(place, folder) for folder in self._readable):
            return False
        return _is_in_course(Path(os.path.realpath(place)).parent)

    def _refuse_own(self, what: str) -> None:
        """Refuse an operation, unless an installed module does it while it is being imported."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename not in self._names:
            if frame.f_code.co_filename == IMPORT_SYSTEM:
                return
            frame = frame.f_back
        self._refuse(what)

    def _refuse(self, what: str) -> None:
        raise self._referee.blame(what)


def _caller(apart: tuple[str, ...] = ()) -> FrameType | None:
    """Return the frame that caused the audit event, outside this module and those of `apart`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (
        frame.f_code.co_filename == __file__ or frame.f_globals.get("__name__") in apart
    ):
        frame = frame.f_back
    return frame


def _is_of_imports(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith("<frozen importlib._bootstrap")


def _path_of_event(path: Any, folder: int = -1) -> str:
    if isinstance(path, int):
        return f"/proc/self/fd/{path}"
    text = os.fsdecode(path)
    # If `text` is an absolute path, joining ignores the folder.
    return text if folder < 0 else str(Path(f"/proc/self/fd/{folder}") / text)


def _is_below(place: str, folder: str) -> bool:
    return Path(os.path.realpath(place)).is_relative_to(folder)


@functools.lru_cache(maxsize=100)
def _texts_in_test(source: str) -> tuple[str, ...]:
    """Return the string constants of a test."""
    tree = ast.parse(source)
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return tuple(value for value in constants if isinstance(value, str))


@functools.lru_cache(maxsize=100)
def _imported_packages(source: str) -> frozenset[str]:
    """Return the top-level packages that a test imports or names in a string."""
    found = set(_texts_in_test(source))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return frozenset(name.partition(".")[0] for name in found)


@functools.lru_cache(maxsize=1000)
def _is_in_course(folder: Path) -> bool:
    return any((place / MARKS_A_COURSE).is_file() for place in (folder, *folder.parents))


_connect_anywhere: Callable[..., sqlite3.Connection] = sqlite3.connect
_connects = False


def _connect(*arguments: Any, **settings: Any) -> sqlite3.Connection:
    """Open a database whose queries cannot open another file."""
    global _connects
    _connects = True
    try:
        connection = _connect_anywhere(*arguments, **settings)
    finally:
        _connects = False
    connection.set_authorizer(_stay_within)
    return connection


def _stay_within(action: int, *_: Any) -> int:
    return sqlite3.SQLITE_DENY if action == ATTACH else sqlite3.SQLITE_OK


#: All audit events that are checked; most others are ignored at once.
HEARD = frozenset(
    [
        *(*NEVER, *CHANGES),
        *("ctypes.dlopen", "exec", "import", "open", "sqlite3.connect"),
    ]
)
_watch: _Watch | None = None
_is_hook_installed = False


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    global _watch
    if _watch is None or event not in HEARD:
        return
    watch, _watch = _watch, None  # the check's own operations are not checked
    try:
        watch.hear(event, arguments)
    finally:
        _watch = watch


@contextmanager
def watch_test(
    referee: FaultListener,
    names: tuple[str, ...],
    source: str,
    *,
    root: Path | None = None,
    modules: Path | None = None,
    readable: tuple[str, ...] = (),
) -> Iterator[None]:
    """Refuse forbidden operations of a test while the block runs.

    Parameters
    ----------
    referee : FaultListener
    names : tuple of str
        The file names of the test's code.
    source : str
        The test's text, whose string constants may be run as code.
    root : Path, optional
        The only folder in which the test may change files; None if it uses no files.
    modules : Path, optional
        The subfolder from which modules may be imported, because no student can write there.
    readable : tuple of str
        Folders that the test may read although they lie in a course.
    """
    global _watch, _is_hook_installed
    if not _is_hook_installed:  # once only, as an audit hook cannot be removed
        sys.addaudithook(_hook)
        _is_hook_installed = True
    before, _watch = _watch, _Watch(referee, names, source, root, modules, readable)
    connects = sqlite3.connect
    vars(sqlite3)["connect"] = _connect
    try:
        yield
    finally:
        vars(sqlite3)["connect"] = connects
        _watch = before


@contextmanager
def pause_watching() -> Iterator[None]:
    """Allow everything while the block runs, which is the judge's own code."""
    global _watch
    before, _watch = _watch, None
    try:
        yield
    finally:
        _watch = before
