"""What a kernel finds around it: the modules that it may import, its home, and its data files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import course_utils
from course_utils import data as datasets
from course_utils.autograde.temporary import short_folder

__all__ = ["Workplace", "environment", "font_lists", "stage_library"]

#: What a kernel inherits of the grader's environment, if it is set.
INHERITED = ("COURSE_OFFLINE", "COURSE_QUICK", "LANG", "LC_ALL", "SYSTEMROOT", "TZ")


class Workplace:
    """A new folder for one kernel.

    No kernel gets the folder of another: what ran there may have changed anything in it.

    Parameters
    ----------
    files : mapping of str to bytes
        The submission's data files, by their path beside the notebook.
    within : Path, optional
        The folder to make it in; by default that for temporary files.
    """

    def __init__(self, files: Mapping[str, bytes], within: Path | None = None) -> None:
        # The name is short because a Unix socket's path has at most 107 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="kernel-", dir=within or short_folder())).resolve()
        self.root.chmod(0o711)
        self.home, self.desk, self.line = (self.root / name for name in ("home", "desk", "line"))
        (self.home / "matplotlib").mkdir(parents=True)
        self.desk.mkdir()
        self.line.mkdir()
        self.line.chmod(0o777)  # in a sandbox the kernel is another user
        for name, content in files.items():
            (self.desk / name).parent.mkdir(parents=True, exist_ok=True)
            (self.desk / name).write_bytes(content)

    def copy_fonts(self) -> None:
        """Spare a kernel that starts cold the seconds in which matplotlib lists the fonts."""
        for path in font_lists():
            shutil.copyfile(path, self.home / "matplotlib" / path.name)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.root, ignore_errors=True)


def environment(home: str, *, data: str = "") -> dict[str, str]:
    """Return the environment of a kernel: nothing of the grader's but what a notebook needs.

    Parameters
    ----------
    home : str
        Where the kernel sees its home.
    data : str
        Where it sees the data sets, by default where the grader does.
    """
    if not data and (chosen := os.environ.get("COURSE_DATA_DIR")):
        data = str(Path(chosen).resolve())
    return {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        **({"COURSE_DATA_DIR": data} if data else {}),
        "COURSE_CACHE_DIR": str(datasets.cache_dir()),
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


def stage_library(folder: Path, seen_as: str | None = None) -> None:
    """Fill a folder with what may be imported in a kernel, and a script to start one.

    It holds the students' modules and the kernel's own. Python's own packages are found where they
    are, but without the `.pth` files that would lead to the course's sources.

    Parameters
    ----------
    folder : Path
    seen_as : str, optional
        Where the kernel sees the folder, if elsewhere.
    """
    original = Path(course_utils.__file__).parent
    for part in (Path(), Path("kernel")):
        (folder / "course_utils" / part).mkdir()
        for module in sorted((original / part).glob("*.py")):
            shutil.copyfile(module, folder / "course_utils" / part / module.name)
    found = [entry for entry in sys.path if entry and entry != str(original.parent)]
    start = (
        "import sys\n"
        f"sys.path[:] = {[seen_as or str(folder), *found]!r}\n"
        "what, *arguments = sys.argv[1:]\n"
        'if what == "parent":\n'
        "    from course_utils.kernel.parent import main\n"
        "    main(int(arguments[0]), ahead='ahead' in arguments)\n"
        "else:\n"
        "    from course_utils.kernel.app import main\n"
        "    main(arguments)\n"
    )
    (folder / "start.py").write_text(start, encoding="utf-8")
