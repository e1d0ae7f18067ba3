"""What a notebook imports: modules that lie beside it, and PyTorch, which begins with a seed.

As in Jupyter it finds what the course has beside it, and what it writes itself; but what was handed
in beside it is no module.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import (
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import ModuleType

from nbjudge import seeds

__all__ = ["OWN_MODULES", "SeededImports", "WrittenModules"]

#: The environment variable that names the course's own, as JSON.
OWN_MODULES = "NBJUDGE_MODULES"


class WrittenModules(MetaPathFinder):
    """Finds modules in the working folder, before those that are installed.

    It looks each time anew, and nothing keeps compiled code: a file may be written, imported,
    written again and reloaded within the same tick of the file system's clock.

    Parameters
    ----------
    folder : Path
        Where the notebook is. What lies there now is no module, unless it is the course's, or is
        written again.
    packages : collection of str
        What no file can replace: where the notebook's checks and the judge's probes come from.
    own : collection of str
        Files in the folder that are the course's.
    """

    def __init__(
        self, folder: Path, packages: Collection[str] = (), own: Collection[str] = ()
    ) -> None:
        courses = {folder / name for name in own}
        self._handed_in = {
            path: _state_of_file(path)
            for path in folder.rglob("*")
            if path.is_file() and path not in courses
        }
        self._folder = folder
        self._packages = frozenset(packages)

    def install(self) -> None:
        """Look here before Python looks for what is installed."""
        sys.dont_write_bytecode = True
        sys.meta_path.insert(sys.meta_path.index(PathFinder), self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is, or None if the notebook has not written it."""
        if name.partition(".")[0] in self._packages:
            return None
        for place in self._places(path):
            finder = FileFinder(str(place), (SourceFileLoader, SOURCE_SUFFIXES))
            spec = finder.find_spec(name)
            if spec is None:
                continue
            if spec.loader is None:
                # A folder without `__init__.py` is a package if there is no other of this name.
                return spec if path or not PathFinder.find_spec(name) else None
            if spec.origin is not None and not self._is_handed_in(Path(spec.origin)):
                return spec
        return None

    def _places(self, path: Sequence[str] | None) -> list[Path]:
        """Return the working folder, or those folders of a package that are below it."""
        if path is None:
            try:
                return [Path.cwd()]
            except OSError:  # it was deleted
                return []
        return [found for found in map(Path, path) if found.is_relative_to(self._folder)]

    def _is_handed_in(self, path: Path) -> bool:
        return path in self._handed_in and self._handed_in[path] == _state_of_file(path)


def _state_of_file(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


class SeededImports(MetaPathFinder):
    """Seeds PyTorch as soon as a notebook has imported it, since it begins with a number of luck.

    NumPy and Python's own generators are there before a notebook is.

    Parameters
    ----------
    seed : int
        What it begins with.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def install(self) -> None:
        """Look before anything else does, unless PyTorch is there already."""
        if "torch" not in sys.modules:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where PyTorch is, with a loader that seeds it; of anything else nothing."""
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Seeding(spec.loader, self._seed)
        return spec


class _Seeding(Loader):
    def __init__(self, loader: Loader, seed: int) -> None:
        self._loader, self._seed = loader, seed

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        seeds.seed_torch(self._seed)

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)
