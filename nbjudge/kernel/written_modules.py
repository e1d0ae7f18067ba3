"""Modules that a notebook writes itself while it runs can be imported, as in Jupyter.

What lies beside the notebook from the beginning was handed in, and is no module.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    SOURCE_SUFFIXES,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import ModuleType

__all__ = ["WrittenModules"]


class WrittenModules(MetaPathFinder):
    """Finds modules in the working folder, before those that are installed.

    It looks each time anew, and nothing keeps compiled code: a file may be written, imported,
    written again and reloaded within the same tick of the file system's clock.

    Parameters
    ----------
    folder : Path
        Where the notebook is. What lies there now is no module, unless it is written again.
    packages : collection of str
        What no file can replace: where the notebook's checks and the judge's probes come from.
    """

    def __init__(self, folder: Path, packages: Collection[str] = ()) -> None:
        self._handed_in = {path: _state(path) for path in folder.rglob("*") if path.is_file()}
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
        return path in self._handed_in and self._handed_in[path] == _state(path)


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
