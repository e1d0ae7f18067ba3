"""The versions of the installed packages that notebooks import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec

from nbjudge.course.cells import NotebookVersion

__all__ = ["NOT_INSTALLED", "installed_packages"]

#: The version of a module of no installed package: the course's own module, or a missing one.
NOT_INSTALLED = "-"
#: Package names that differ from those of their modules. Looking a package up is slow.
CALLED = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def installed_packages(
    versions: Iterable[NotebookVersion], *, known: Collection[str] = ()
) -> Mapping[str, str]:
    """Return the versions of the packages that the cells of notebooks import, by module.

    Parameters
    ----------
    versions : iterable of NotebookVersion
    known : collection of str
        Modules to leave out, such as those of the standard library.

    Returns
    -------
    mapping of str to str
        With `NOT_INSTALLED` for modules of no installed package.
    """
    imported = {name.partition(".")[0] for version in versions for name in version.modules}
    names = imported - set(known)
    return {name: _version_of_module(name) for name in sorted(names)}


def _version_of_module(module: str) -> str:
    with suppress(ValueError):  # raised for an imported module whose `__spec__` is None
        if find_spec(module) is None:  # faster than finding the package of a module
            return NOT_INSTALLED
    try:
        return metadata.version(CALLED.get(module, module))
    except metadata.PackageNotFoundError:
        owners = metadata.packages_distributions().get(module, [])
    return ", ".join(sorted({f"{owner} {metadata.version(owner)}" for owner in owners})) or (
        NOT_INSTALLED
    )
