"""The settings by which a course plugs into the judge: `Plug` in its `nbgrader_config.py`.

All of them are optional.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets.config import Config, Configurable

from nbjudge.basics.settings import make_setting, read_settings, traits_of

__all__ = [
    "JUDGE",
    "Plug",
    "PlugSettings",
    "kernel_files",
    "module_files",
    "package_folder",
    "private_folders",
    "read_plug",
]

#: The judge's own package, which every course has.
JUDGE = "nbjudge"
#: Its folders that are imported where a student's code runs: they must hold nothing secret.
IN_KERNELS = ("plain", "kernel", "shell", "fork_server")


@dataclass(frozen=True)
class Plug:
    """A course's settings for the judge: names of modules, and plain texts."""

    packages: tuple[str, ...] = make_setting(
        (),
        "Packages of the course. The modules directly in them go to students with a release and "
        "can be imported in a kernel; what lies in their folders stays with the course.",
    )
    knowledge: str = make_setting(
        "",
        "Module that knows the course's answers: `symbols`, `mistakes`, `styles`, `answers_of` and "
        "`named_mistake`, as nbjudge/judge/knowledge.py describes them.",
    )
    examinations: str = make_setting(
        "",
        "Module whose functions hold the hidden tests, each named after what the answer defines: "
        "`course new` writes a call of one.",
    )
    probes: str = make_setting(
        "",
        "Module whose functions a test can have called where an answer lives, beside those of "
        "nbjudge.probes.",
    )
    data: str = make_setting(
        "",
        "Module that finds the course's data sets: `fetch_all()` returns them, each with the path "
        "of its file; `read_ahead()` loads what takes long before kernels are forked.",
    )
    data_variable: str = make_setting(
        "", "Environment variable by which that module finds the folder of the data sets."
    )
    variables: tuple[str, ...] = make_setting(
        (),
        "Environment variables that notebooks heed and that may change a mark: kernels get them as "
        "they are where the class is graded.",
    )
    offline: tuple[str, ...] = make_setting(
        (), "Environment variables that are 1 in a kernel without a network."
    )
    preload: tuple[str, ...] = make_setting(
        (), "Modules that notebooks import: they are imported once, before kernels are forked."
    )
    preload_later: tuple[str, ...] = make_setting(
        (), "Modules that are imported while the first kernel is already at work."
    )
    distribution: str = make_setting(
        "", "Distribution of which the students' packages are known, with their versions."
    )
    requirements: tuple[str, ...] = make_setting(
        (), "Those of its dependencies that a release lists in requirements.txt."
    )
    house_rules: bool = make_setting(
        False,
        "Whether a release is refused where an exercise is not as this judge's own documentation "
        "builds one; else such findings are advice.",
    )
    data_suffixes: tuple[str, ...] = make_setting(
        (
            *(".bmp", ".csv", ".gif", ".jpeg", ".jpg", ".json", ".md", ".npy", ".npz", ".pdf"),
            *(".png", ".svg", ".tsv", ".txt"),
        ),
        "Suffixes of the files that a kernel finds of what a student hands in beside the notebook. "
        "None may be a module's. What the course itself has there is found whatever its suffix.",
    )
    readme: str = make_setting(
        "",
        "File in the course's folder that becomes the README.md of a release. {title}, {notebooks} "
        "and {hand_in} in it are filled in.",
    )

    def module(self, name: str) -> Any:
        """Import the module named by a setting; None if the setting is empty."""
        chosen: str = getattr(self, name)
        return importlib.import_module(chosen) if chosen else None

    @property
    def all_packages(self) -> tuple[str, ...]:
        """The judge's own package and the course's."""
        return (JUDGE, *self.packages)

    @property
    def everywhere(self) -> tuple[str, ...]:
        """The names in every release of the course, beside the assignment's own files."""
        listed = ("requirements.txt",) if self.requirements else ()
        return (*self.all_packages, "README.md", *listed)

    def environment(self) -> dict[str, str]:
        """Return this process's environment variables that are listed in `variables`."""
        return {name: os.environ[name] for name in self.variables if name in os.environ}

    def data_origins(self) -> dict[str, str]:
        """Return where each data set comes from, without downloading any."""
        if (datasets := self.module("data")) is None:
            return {}
        before = {name: os.environ.get(name) for name in self.offline}
        os.environ.update(dict.fromkeys(self.offline, "1"))
        try:
            return {found.name: found.origin for found in datasets.fetch_all()}
        finally:
            for name, value in before.items():
                del os.environ[name]
                if value is not None:
                    os.environ[name] = value


class PlugSettings(Configurable):
    """What the course tells the judge about itself. Without any of it the judge still judges."""

    locals().update(traits_of(Plug))


PlugSettings.__name__ = Plug.__name__  # traitlets finds the section by the class's name


def read_plug(config: Config) -> Plug:
    """Return the settings of the section `Plug` in a configuration.

    Raises
    ------
    traitlets.TraitError
        If a setting has the wrong type.
    """
    return Plug(**read_settings(Plug, PlugSettings(config=config)))


def package_folder(package: str) -> Path:
    """Return the folder of an installed package."""
    file = importlib.import_module(package).__file__
    assert file is not None
    return Path(file).parent


def module_files(package: str) -> list[Path]:
    """Return the public modules of a package, which are those directly in its folder."""
    return sorted(package_folder(package).glob("*.py"))


def kernel_files(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the modules of a package that kernels can import: target folder, and file."""
    for path in module_files(package):
        yield package, path
    if package == JUDGE:
        for room in IN_KERNELS:
            for path in sorted((package_folder(package) / room).glob("*.py")):
                yield f"{package}/{room}", path


def private_folders(package: str) -> list[str]:
    """Return the names of a package's subfolders, which students never get."""
    names = (path.name for path in package_folder(package).iterdir() if path.is_dir())
    return sorted(name for name in names if name.isidentifier() and name != "__pycache__")
