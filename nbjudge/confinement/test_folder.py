"""The folder that a test runs in: copies of what lies beside the notebook.

In a student's Jupyter, answers and tests share one folder. Here the answer is in a kernel, so that
the two folders are kept alike around each of its calls: by names and contents, never by anything
that runs. Only tests whose text can have to do with files pay for that.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Protocol

from nbjudge.basics.temporary_folders import remove_stale_folders, short_folder
from nbjudge.confinement.audit import watch_test
from nbjudge.exceptions import CourseError
from nbjudge.kernel.wire import TooMuch, WireError
from nbjudge.kernel.working_folder import WorkingFolder

__all__ = ["FilesBeside", "Place", "TestFolder", "confine", "hold_folder", "touches_files"]

#: How the names of the folders begin, in that for temporary files.
TEST_FOLDER_PREFIX = "nbjudge-tests-"
#: Parts of the folder: what lay there at first, what the course can import, and the copy in which
#: the tests of one process run, with a place for temporary files beside it.
GIVEN, MODULES_FOLDER, WORK, TEMPORARY = "given", "modules", "work", "tmp"
#: Modules by which tests meet files, and functions and methods of whatever module.
FILE_MODULES = frozenset(
    [
        *("csv", "fileinput", "glob", "h5py", "io", "joblib", "netCDF4", "openpyxl", "os"),
        *("pathlib", "pickle", "shelve", "shutil", "sqlite3", "subprocess", "tarfile"),
        *("tempfile", "wave", "xarray", "zipfile"),
    ]
)
FILE_NAMES = re.compile(
    r"(?:open|read|readlines?|write|writelines|load|save|savez|dump|imread|imsave|imwrite)(?:_\w+)?"
    r"|(?:to|from)_\w+|(?:from|to)file|(?:load|save|genfrom|from)(?:txt|mat|arff)|savefig|savez_compressed"
    r"|exists|is_?(?:file|dir)|listdir|scandir|i?glob|getcwd|chdir|cwd|stat|getsize|touch|unlink|remove"
    r"|rmtree|mkdir|makedirs|rename|Path|File|ZipFile|ExcelFile|ExcelWriter|HDFStore|connect"
    r"|create_engine"
)
#: Of those that the pattern finds, what never meets a file: names of many other things.
NO_FILES = frozenset(
    [
        *("from_dict", "from_iter", "from_list", "from_numpy", "from_records", "load_state_dict"),
        *("to_datetime", "to_dict", "to_frame", "to_list", "to_numpy", "to_numeric", "to_records"),
        *("to_string", "to_timestamp"),
    ]
)
#: A text that looks like a file's name: "out.txt", "data/a.csv".
NAME_OF_FILE = re.compile(r"[^\s:*?\"<>|{}%()=,;]*[\w-]\.[A-Za-z][A-Za-z0-9]{1,4}")


@lru_cache(maxsize=512)
def touches_files(source: str, own: frozenset[str] = frozenset()) -> bool:
    r"""Say whether a test's text can have to do with files; rather once too often.

    Parameters
    ----------
    source : str
    own : frozenset of str
        The course's files beside the notebook: a test that imports one of them, or names one, does.

    Examples
    --------
    >>> touches_files("save('a')\nassert open('a').read() == 'hi'")
    True
    >>> touches_files("assert total([1, 2]) == 3")
    False
    >>> touches_files("from helper import double", frozenset({"helper.py"}))
    True
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # magics, say; what is wrong is told elsewhere
        return True
    modules = _modules(own)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = {name.name.partition(".")[0] for name in names}
            case ast.ImportFrom(module=str(module)):
                found = {module.partition(".")[0]}
            case _:
                found = set()
        if found & (FILE_MODULES | modules):
            return True
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                if name not in NO_FILES and FILE_NAMES.fullmatch(name):
                    return True
            case ast.Constant(value=str(text)):
                if text in own or (len(text) < 200 and NAME_OF_FILE.fullmatch(text)):
                    return True
    return False


def _modules(own: Collection[str]) -> set[str]:
    """Return the names by which the course's files can be imported."""
    found = set()
    for name in own:
        path = PurePosixPath(name)
        if path.suffix == ".py":
            found.add(path.parts[0].removesuffix(".py"))
    return found


@dataclass(frozen=True)
class Place:
    """Where a test finds its files, as data: a folder, and which kernel's folder it is to be like.

    Without a folder the test has nothing to do with files. The data sets of the course may lie
    anywhere, and can be read.
    """

    folder: str = ""
    kernel: int = 0
    data: str = ""


class FilesBeside:
    """What lies beside a notebook, for its tests: written to disk once a test has to do with it.

    Parameters
    ----------
    files : mapping of str to bytes
        By the name beside the notebook; a kernel begins with the same.
    own : collection of str
        Those of them that are the course's own: they alone can be imported.
    data : str
        The folder of the course's data sets, if there is one.
    """

    def __init__(
        self, files: Mapping[str, bytes], own: Collection[str] = (), data: str = ""
    ) -> None:
        self.files = files
        self._data = data
        self.own = frozenset(own).intersection(files)
        self._root: Path | None = None

    def place_for(self, test: str, kernel: int = 1) -> Place:
        """Return the folder for a test of this text, if it needs one.

        Parameters
        ----------
        test : str
        kernel : int
            The number of the notebook's kernel, which is another for each.
        """
        if not touches_files(test, self.own):
            return Place()
        if self._root is None:
            within = short_folder()
            remove_stale_folders(within, TEST_FOLDER_PREFIX)
            self._root = Path(
                tempfile.mkdtemp(prefix=f"{TEST_FOLDER_PREFIX}{os.getpid()}-", dir=within)
            ).resolve()
            (self._root / MODULES_FOLDER).mkdir()
            (self._root / GIVEN).mkdir()
            for name, content in self.files.items():
                _write_new(self._root / GIVEN / name, content)
                if name in self.own:
                    _write_new(self._root / MODULES_FOLDER / name, content)
        return Place(str(self._root), kernel, self._data)

    def remove(self) -> None:
        """Delete what was written."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None


def _write_new(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class KernelFiles(Protocol):
    """What the folder needs of the judge's line to a kernel."""

    def ask(self, do: str, **details: Any) -> Any:
        """Let the kernel's service do something, and return what it found."""

    def blame(self, what: str) -> Exception:
        """Note what is wrong with the test, and return it as an exception."""

    def nonsense(self) -> CourseError:
        """Break the line because of a reply that no honest kernel gives."""


class TestFolder:
    """The folder of a notebook's tests, in the process that runs them.

    Parameters
    ----------
    folder : str
        Of a `Place`.
    """

    #: Not a class of tests, whatever its name says.
    __test__ = False

    def __init__(self, folder: str) -> None:
        self.root = Path(folder)
        #: Where tests run; who had the place before may have left a folder there.
        self.work = Path(tempfile.mkdtemp(prefix=WORK, dir=self.root))
        shutil.copytree(self.root / GIVEN, self.work, dirs_exist_ok=True)
        self._folder = WorkingFolder(self.work)
        self._modules = str(self.root / MODULES_FOLDER)
        self._importable = {path.stem for path in self.modules.iterdir()}
        self._temporary = self.work.with_name(f"{self.work.name}-{TEMPORARY}")
        self._temporary.mkdir()
        self._kernel = 0
        self._is_new = True
        #: Folders of data sets, which a test may read.
        self.readable: tuple[str, ...] = ()

    def meet(self, kernel: int) -> None:
        """Hear which kernel of the notebook there is now: a new one has lost what tests wrote."""
        if kernel != self._kernel:
            self._kernel, self._is_new = kernel, True
            self._folder.start_over()

    @property
    def modules(self) -> Path:
        """Where the course's modules are imported from: no student writes there."""
        return Path(self._modules)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Let a test run there, and find the course's modules."""
        before, temporary, bytecode = Path.cwd(), tempfile.tempdir, sys.dont_write_bytecode
        sys.path.insert(0, self._modules)
        sys.dont_write_bytecode = True
        tempfile.tempdir = str(self._temporary)
        os.chdir(self.work)
        try:
            yield
        finally:
            os.chdir(before)
            tempfile.tempdir, sys.dont_write_bytecode = temporary, bytecode
            if self._modules in sys.path:
                sys.path.remove(self._modules)

    def fetch(self, line: KernelFiles) -> None:
        """Do here what has happened in the kernel's folder."""
        changes = line.ask("folder_changes", since_start=self._is_new)
        self._is_new = False
        if type(changes) is str:
            raise CourseError(f"what your code leaves in its folder cannot be used: {changes}")
        try:
            self._folder.apply(changes)
        except WireError:
            raise line.nonsense() from None

    def send(self, line: KernelFiles) -> None:
        """Have done in the kernel's folder what has happened here."""
        try:
            changes = self._folder.changes()
        except TooMuch as error:
            raise line.blame(f"it leaves too much in its folder: {error}") from None
        if any(changes.values()):
            line.ask("folder_apply", changes=changes)

    def leave(self) -> None:
        """Forget what was imported from here: the next notebook may have other modules."""
        for name in list(sys.modules):
            if name.partition(".")[0] in self._importable and self._is_from_here(sys.modules[name]):
                del sys.modules[name]
        importlib.invalidate_caches()

    def _is_from_here(self, module: ModuleType) -> bool:
        # A folder without `__init__.py` has no file.
        places = [module.__file__] if getattr(module, "__file__", None) else list(module.__path__)
        return all(str(place).startswith(f"{self._modules}{os.sep}") for place in places)


_folder_of_test: TestFolder | None = None


def hold_folder(place: Place) -> TestFolder | None:
    """Return the folder for a test: for all tests of one notebook the same."""
    global _folder_of_test
    if not place.folder:
        return None
    if _folder_of_test is None or _folder_of_test.root != Path(place.folder):
        if _folder_of_test is not None:
            _folder_of_test.leave()
        _folder_of_test = TestFolder(place.folder)
    _folder_of_test.meet(place.kernel)
    _folder_of_test.readable = (place.data,) if place.data else ()
    return _folder_of_test


@contextmanager
def confine(
    line: KernelFiles, folder: TestFolder | None, names: tuple[str, ...], source: str
) -> Iterator[None]:
    """Let a test run where it belongs, and do nothing that it may not.

    Parameters
    ----------
    line : KernelFiles
    folder : TestFolder, optional
        Where it runs, if it has to do with files.
    names : tuple of str
        What tracebacks call it.
    source : str
        Its text.

    Raises
    ------
    CourseError
        If there is more in the folder than anybody could mean, or what came makes no sense.
    """
    if folder is None:
        with watch_test(line, names, source):
            yield
        return
    folder.fetch(line)
    try:
        with (
            folder.enter(),
            watch_test(
                line,
                names,
                source,
                root=folder.root,
                modules=folder.modules,
                readable=folder.readable,
            ),
        ):
            yield
    finally:
        folder.send(line)
