"""Prepare a kernel's surroundings: its folders, environment, importable modules and data sets."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from nbjudge.basics.temporary_folders import short_folder
from nbjudge.course.plug import Plug, kernel_files, package_folder
from nbjudge.kernel.notebook_imports import OWN_MODULES

__all__ = ["Workspace", "copy_data", "environment", "font_lists", "stage_library"]

#: The grader's environment variables that a kernel inherits.
INHERITED = ("LANG", "LC_ALL", "SYSTEMROOT", "TZ")


class Workspace:
    """A new folder for one kernel.

    A folder is never used twice, since code in the first kernel may have changed anything in it.

    Parameters
    ----------
    files : mapping of str to bytes
        The files beside the notebook, by their relative path.
    within : Path, optional
        The folder in which to make it; by default that for temporary files.
    """

    def __init__(self, files: Mapping[str, bytes], within: Path | None = None) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="kernel-", dir=within or short_folder())).resolve()
        self.root.chmod(0o711)
        self.home, self.cwd = self.root / "home", self.root / "work"
        (self.home / "matplotlib").mkdir(parents=True)
        self.cwd.mkdir()
        for name, content in files.items():
            (self.cwd / name).parent.mkdir(parents=True, exist_ok=True)
            (self.cwd / name).write_bytes(content)

    def copy_fonts(self) -> None:
        """Copy matplotlib's font lists, so that a cold kernel need not spend seconds on them."""
        for path in font_lists():
            shutil.copyfile(path, self.home / "matplotlib" / path.name)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.root, ignore_errors=True)


def environment(
    plug: Plug, home: str, *, data: str = "", offline: bool = False, own: Collection[str] = ()
) -> dict[str, str]:
    """Return a kernel's environment variables; of the grader's, only those a notebook needs.

    Parameters
    ----------
    plug : Plug
    home : str
        The path of its home, as the kernel sees it.
    data : str
        The path of the data sets, as the kernel sees it.
    offline : bool
        Whether it has no network.
    own : collection of str
        The files beside the notebook that are the course's own.
    """
    modules = sorted(name for name in own if name.endswith(".py"))
    inherited = (*INHERITED, *plug.variables, *plug.offline)
    return {
        **{name: os.environ[name] for name in inherited if name in os.environ},
        **({plug.data_variable: data} if plug.data_variable and data else {}),
        **(dict.fromkeys(plug.offline, "1") if offline else {}),
        **({OWN_MODULES: json.dumps(modules)} if modules else {}),
        "HOME": home,
        "IPYTHONDIR": f"{home}/ipython",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "NBGRADER_EXECUTION": "autograde",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "TMPDIR": home,
        # Many kernels run at once, and each would start a thread for every core.
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }


def font_lists() -> Iterator[Path]:
    """Yield the cache files in which matplotlib lists this machine's fonts."""
    import matplotlib  # slow to import, and needed only where kernels are started

    yield from Path(matplotlib.get_cachedir()).glob("fontlist-*.json")


def copy_data(plug: Plug, folder: Path) -> None:
    """Copy the data sets: a kernel has no network, and may not read the grader's own files."""
    if (datasets := plug.module("data")) is None:
        return
    for found in datasets.fetch_all():
        if found.path is not None:
            copy = folder / found.path.name
            shutil.copyfile(found.path, copy)
            copy.chmod(0o644)


def stage_library(plug: Plug, folder: Path, seen_as: str | None = None) -> None:
    """Fill a folder with the course's modules that a kernel may import, and a script to start one.

    It gets the students' modules of each package, and the kernel's own. Installed packages are
    imported from where they are, but without the `.pth` files that lead to the course's sources.

    Parameters
    ----------
    plug : Plug
    folder : Path
    seen_as : str, optional
        The path of the folder as the kernel sees it, if that differs.
    """
    for package in plug.all_packages:
        for within, module in kernel_files(package):
            (folder / within).mkdir(exist_ok=True)
            shutil.copyfile(module, folder / within / module.name)
    originals = {str(package_folder(package).parent) for package in plug.all_packages}
    # If the course's packages are installed in site-packages, that folder is needed for others.
    originals -= {sysconfig.get_path("purelib")}
    found = [entry for entry in sys.path if entry and entry not in originals]
    course = {"packages": plug.all_packages, "probes": plug.probes}
    imports = {"now": plug.preload, "later": plug.preload_later, "data": plug.data}
    start = (
        "import sys\n"
        f"sys.path[:] = {[seen_as or str(folder), *found]!r}\n"
        "what, *arguments = sys.argv[1:]\n"
        f"course = {course!r}\n"
        'if what == "parent":\n'
        "    from nbjudge.fork_server.server import main\n"
        f"    main(int(arguments[0]), course, {imports!r})\n"
        "else:\n"
        "    from nbjudge.shell.app import main\n"
        "    main(arguments, **course)\n"
    )
    (folder / "start.py").write_text(start, encoding="utf-8")
