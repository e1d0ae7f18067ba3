"""Import hooks of a notebook: for modules in its folder, and for seeding PyTorch on import.

As in Jupyter, a notebook can import the course's files beside it and files that it writes itself.
It cannot import files that were handed in with it.
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

#: The environment variable with the names of the course's own modules, as JSON.
OWN_MODULES = "NBJUDGE_MODULES"


class WrittenModules(MetaPathFinder):
    """Finds modules in the working folder, before installed ones.

    It reads the folder at each import and writes no bytecode: a file may be written, imported,
    rewritten and reloaded within the same tick of the file system's clock.

    Parameters
    ----------
    folder : Path
        The notebook's folder. A file that is there now is no module, unless it is the course's or
        is written again.
    packages : collection of str
        Packages that no file can shadow: those of the notebook's checks and the judge's probes.
    own : collection of str
        The course's files in the folder.
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
        """Put this finder before the one for installed modules."""
        sys.dont_write_bytecode = True
        sys.meta_path.insert(sys.meta_path.index(PathFinder), self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module in the folder; None if the notebook may not import it."""
        if name.partition(".")[0] in self._packages:
            return None
        for place in self._places(path):
            finder = FileFinder(str(place), (SourceFileLoader, SOURCE_SUFFIXES))
            spec = finder.find_spec(name)
            if spec is None:
                continue
            if spec.loader is None:
                # A folder without `__init__.py` is a package unless one is installed by this name.
                return spec if path or not PathFinder.find_spec(name) else None
            if spec.origin is not None and not self._is_handed_in(Path(spec.origin)):
                return spec
        return None

    def _places(self, path: Sequence[str] | None) -> list[Path]:
        """Return where to look: the working folder, or a package's folders that lie in it."""
        if path is None:
            try:
                return [Path.cwd()]
            except OSError:  # the folder was deleted
                return []
        return [found for found in map(Path, path) if found.is_relative_to(self._folder)]

    def _is_handed_in(self, path: Path) -> bool:
        return path in self._handed_in and self._handed_in[path] == _state_of_file(path)


def _state_of_file(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


class SeededImports(MetaPathFinder):
    """Seeds PyTorch when a notebook imports it, since its generator starts with a random seed.

    NumPy and Python's `random` are imported before the notebook starts, and seeded then.

    Parameters
    ----------
    seed : int
        The seed for PyTorch's generators.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def install(self) -> None:
        """Put this finder before all others, unless PyTorch is imported already."""
        if "torch" not in sys.modules:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return PyTorch's spec, with a loader that seeds it; None for any other module."""
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _SeedingLoader(spec.loader, self._seed)
        return spec


class _SeedingLoader(Loader):
    def __init__(self, loader: Loader, seed: int) -> None:
        self._loader, self._seed = loader, seed

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        seeds.seed_torch(self._seed)

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)
