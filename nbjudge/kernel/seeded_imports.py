"""A library that draws at random begins alike in every kernel, also if it is imported late."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from nbjudge import seeds

__all__ = ["SeededImports"]


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
