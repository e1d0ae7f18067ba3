"""What a kernel finds around it: the modules that it may import, its home, and its data files."""

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

#: What a kernel inherits of the grader's environment, if it is set.
INHERITED = ("LANG", "LC_ALL", "SYSTEMROOT", "TZ")


class Workspace:
    """A new folder for one kernel.

    No kernel gets the folder of another: what ran there may have changed anything in it.

    Parameters
    ----------
    files : mapping of str to bytes
        The files beside the notebook, by their path there.
    within : Path, optional
        The folder to make it in; by default that for temporary files.
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
        """Spare a kernel that starts cold the seconds in which matplotlib lists the fonts."""
        for path in font_lists():
            shutil.copyfile(path, self.home / "matplotlib" / path.name)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.root, ignore_errors=True)


def environment(
    plug: Plug, home: str, *, data: str = "", offline: bool = False, own: Collection[str] = ()
) -> dict[str, str]:
    """Return the environment of a kernel: nothing of the grader's but what a notebook needs.

    Parameters
    ----------
    plug : Plug
    home : str
        Where the kernel sees its home.
    data : str
        Where it sees the data sets.
    offline : bool
        Whether it has no network.
    own : collection of str
        Those files beside the notebook that are the course's.
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
        # Kernels run beside each other: each would start a thread for every core.
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }


def font_lists() -> Iterator[Path]:
    """Yield matplotlib's lists of this machine's fonts."""
    import matplotlib  # which only who starts kernels needs

    yield from Path(matplotlib.get_cachedir()).glob("fontlist-*.json")


def copy_data(plug: Plug, folder: Path) -> None:
    """Copy the data sets: a kernel can fetch none, and is no user who could read the grader's."""
    if (datasets := plug.module("data")) is None:
        return
    for found in datasets.fetch_all():
        if found.path is not None:
            copy = folder / found.path.name
            shutil.copyfile(found.path, copy)
            copy.chmod(0o644)


def stage_library(plug: Plug, folder: Path, seen_as: str | None = None) -> None:
    """Fill a folder with what may be imported in a kernel, and a script to start one.

    It holds the students' modules of each package and the kernel's own. Python's own packages are
    found where they are, but without the `.pth` files that would lead to the course's sources.

    Parameters
    ----------
    plug : Plug
    folder : Path
    seen_as : str, optional
        Where the kernel sees the folder, if elsewhere.
    """
    for package in plug.all_packages:
        for within, module in kernel_files(package):
            (folder / within).mkdir(exist_ok=True)
            shutil.copyfile(module, folder / within / module.name)
    originals = {str(package_folder(package).parent) for package in plug.all_packages}
    # Where they are installed as others are, that place is needed for the others.
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
