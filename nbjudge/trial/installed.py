"""Which versions of installed packages a notebook's tests and answers stand on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec

from nbjudge.course.cells import NotebookVersion

__all__ = ["NOT_INSTALLED", "installed_packages"]

#: Stands for the version of what is no installed package: the course's own module, or nothing.
NOT_INSTALLED = "-"
#: What a package is called where it is not by the name of its module; to look it up takes long.
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
    """Return the versions of the packages that the cells of notebooks import, by their modules.

    Parameters
    ----------
    versions : iterable of NotebookVersion
    known : collection of str
        Modules that are left out: Python's own, say, or those whose code is known anyway.

    Returns
    -------
    mapping of str to str
        `NOT_INSTALLED` stands for what is no installed package.
    """
    imported = {name.partition(".")[0] for version in versions for name in version.modules}
    names = imported - set(known)
    return {name: _version_of_module(name) for name in sorted(names)}


def _version_of_module(module: str) -> str:
    with suppress(ValueError):  # as of a module that says of itself that it is from nowhere
        if find_spec(module) is None:  # which is sooner known than whose it is
            return NOT_INSTALLED
    try:
        return metadata.version(CALLED.get(module, module))
    except metadata.PackageNotFoundError:
        owners = metadata.packages_distributions().get(module, [])
    return ", ".join(sorted({f"{owner} {metadata.version(owner)}" for owner in owners})) or (
        NOT_INSTALLED
    )
