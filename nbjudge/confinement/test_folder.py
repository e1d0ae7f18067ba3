"""The folder in which a test runs, with copies of the files beside the notebook.

In a student's Jupyter, answers and tests share one folder. Here the answer runs in a kernel, so the
test's folder and the kernel's are synchronised before and after each call. Only names and contents
of files cross. Tests whose text cannot involve files skip all this.
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

#: The beginning of the folders' names, within the folder for temporary files.
TEST_FOLDER_PREFIX = "nbjudge-tests-"
#: Subfolders: the original files, the course's importable modules, the copy in which the tests of
#: one process run, and their temporary files.
GIVEN, MODULES_FOLDER, WORK, TEMPORARY = "given", "modules", "work", "tmp"
#: Modules that tests use for files; below, names of functions and methods of any module.
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
#: Names that match the pattern but never have to do with a file.
NO_FILES = frozenset(
    [
        *("from_dict", "from_iter", "from_list", "from_numpy", "from_records", "load_state_dict"),
        *("to_datetime", "to_dict", "to_frame", "to_list", "to_numpy", "to_numeric", "to_records"),
        *("to_string", "to_timestamp"),
    ]
)
#: A string that looks like a file name: "out.txt", "data/a.csv".
NAME_OF_FILE = re.compile(r"[^\s:*?\"<>|{}%()=,;]*[\w-]\.[A-Za-z][A-Za-z0-9]{1,4}")


@lru_cache(maxsize=512)
def touches_files(source: str, own: frozenset[str] = frozenset()) -> bool:
    r"""Return whether a test may use files, by its text; True if in doubt.

    Parameters
    ----------
    source : str
    own : frozenset of str
        The course's files beside the notebook. A test that imports or names one of them uses files.

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
    except (SyntaxError, ValueError):  # it may contain magics; errors are reported elsewhere
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
    """Return the names under which the course's files can be imported."""
    found = set()
    for name in own:
        path = PurePosixPath(name)
        if path.suffix == ".py":
            found.add(path.parts[0].removesuffix(".py"))
    return found


@dataclass(frozen=True)
class Place:
    """Where a test finds its files, in a form that can be sent to the judge process.

    Parameters
    ----------
    folder : str
        The tests' folder; empty if the test uses no files.
    kernel : int
        The number of the kernel with whose folder it is synchronised.
    data : str
        The folder of the course's data sets, which the test may read.
    """

    folder: str = ""
    kernel: int = 0
    data: str = ""


class FilesBeside:
    """The files beside a notebook, for its tests; written to disk when the first test needs them.

    Parameters
    ----------
    files : mapping of str to bytes
        By relative path. A kernel starts with the same files.
    own : collection of str
        Those of them that are the course's own, and can be imported.
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
        """Return the place for a test, which names no folder if the test uses no files.

        Parameters
        ----------
        test : str
            The test's text.
        kernel : int
            The number of the notebook's current kernel; each new kernel has a new number.
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
        """Delete the files that were written."""
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None


def _write_new(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class KernelFiles(Protocol):
    """The part of `KernelChannel` that is used here."""

    def ask(self, do: str, **details: Any) -> Any:
        """Send a request to the kernel's service, and return the result."""

    def blame(self, what: str) -> Exception:
        """Note a fault of the test, and return it as an exception."""

    def nonsense(self) -> CourseError:
        """Mark the channel as broken by a malformed reply, and return the error."""


class TestFolder:
    """The folder of a notebook's tests, in the judge process.

    Parameters
    ----------
    folder : str
        That of a `Place`.
    """

    #: Not a class of tests, whatever its name says.
    __test__ = False

    def __init__(self, folder: str) -> None:
        self.root = Path(folder)
        #: The folder in which tests run. Its name is new, since an earlier judge process may have
        #: left its own.
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
        """Note the number of the current kernel; a new one does not have the files of tests yet."""
        if kernel != self._kernel:
            self._kernel, self._is_new = kernel, True
            self._folder.start_over()

    @property
    def modules(self) -> Path:
        """The folder from which the course's modules are imported; no student can write there."""
        return Path(self._modules)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Make this the working folder, and the course's modules importable, for the block."""
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
        """Repeat the changes in the kernel's folder here."""
        changes = line.ask("folder_changes", since_start=self._is_new)
        self._is_new = False
        if type(changes) is str:
            raise CourseError(f"what your code leaves in its folder cannot be used: {changes}")
        try:
            self._folder.apply(changes)
        except WireError:
            raise line.nonsense() from None

    def send(self, line: KernelFiles) -> None:
        """Have the changes here repeated in the kernel's folder."""
        try:
            changes = self._folder.changes()
        except TooMuch as error:
            raise line.blame(f"it leaves too much in its folder: {error}") from None
        if any(changes.values()):
            line.ask("folder_apply", changes=changes)

    def leave(self) -> None:
        """Unload the modules that were imported from here; the next notebook may have others."""
        for name in list(sys.modules):
            if name.partition(".")[0] in self._importable and self._is_from_here(sys.modules[name]):
                del sys.modules[name]
        importlib.invalidate_caches()

    def _is_from_here(self, module: ModuleType) -> bool:
        # A package without `__init__.py` has no `__file__`.
        places = [module.__file__] if getattr(module, "__file__", None) else list(module.__path__)
        return all(str(place).startswith(f"{self._modules}{os.sep}") for place in places)


_folder_of_test: TestFolder | None = None


def hold_folder(place: Place) -> TestFolder | None:
    """Return the folder for a test, the same for all tests of a notebook; None without files."""
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
    """Run a test in its folder, with forbidden operations refused.

    Parameters
    ----------
    line : KernelFiles
    folder : TestFolder, optional
        The folder, if the test uses files.
    names : tuple of str
        The file names of the test's code.
    source : str
        The test's text.

    Raises
    ------
    CourseError
        If a folder holds too much, or the kernel's changes are malformed.
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
