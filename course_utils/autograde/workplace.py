"""The folder that one kernel works in: what it may import, its home, and its data files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import matplotlib

import course_utils
from course_utils import data

__all__ = ["Workplace"]

#: What a kernel inherits of the grader's environment, if it is set.
ENVIRONMENT = ("COURSE_OFFLINE", "COURSE_QUICK", "LANG", "LC_ALL", "SYSTEMROOT", "TZ")


class Workplace:
    """A new folder for one kernel, and how to start it there.

    No kernel gets the folder of another: what ran there may have changed anything in it.

    Parameters
    ----------
    files : mapping of str to Path
        The submission's data files, by their path beside the notebook.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        # The name is short because a Unix socket's path has at most 107 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="kernel-")).resolve()
        self.library, self.home, self.desk = (
            self.root / name for name in ("library", "home", "desk")
        )
        for folder in (self.library, self.home, self.desk):
            folder.mkdir()
        self._copy_course()
        self._copy_fonts()
        for name, original in files.items():
            (self.desk / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, self.desk / name, follow_symlinks=False)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a kernel: nothing of the grader's but what a notebook needs."""
        kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        folders = {
            "HOME": self.home,
            "IPYTHONDIR": self.home / "ipython",
            "MPLCONFIGDIR": self.home / "matplotlib",
            "TMPDIR": self.home,
            "COURSE_CACHE_DIR": data.cache_dir(),
        }
        if chosen := os.environ.get("COURSE_DATA_DIR"):
            folders["COURSE_DATA_DIR"] = Path(chosen).resolve()
        return {
            **kept,
            **{name: str(folder) for name, folder in folders.items()},
            "NBGRADER_EXECUTION": "autograde",
            "PATH": os.defpath,
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            # Kernels run beside each other: each would start a thread for every core.
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        }

    @property
    def command(self) -> list[str]:
        """The command of a kernel, but for its connection file.

        Isolated from the user's own packages, and without `.pth` files: these would lead to the
        course's sources.
        """
        return [sys.executable, "-I", "-S", str(self.library / "start.py")]

    def _copy_course(self) -> None:
        """Copy what may be imported in a kernel: the students' modules and the kernel's own."""
        original = Path(course_utils.__file__).parent
        package = self.library / "course_utils"
        for part in (Path(), Path("kernel")):
            (package / part).mkdir()
            for module in sorted((original / part).glob("*.py")):
                shutil.copyfile(module, package / part / module.name)
        course = str(original.parent)
        folders = [entry for entry in sys.path if entry and entry != course]
        start = (
            "import sys\n"
            f"sys.path[:] = {[str(self.library), *folders]!r}\n"
            "from course_utils.kernel.app import main\n"
            "main(sys.argv[1:])\n"
        )
        (self.library / "start.py").write_text(start, encoding="utf-8")

    def _copy_fonts(self) -> None:
        """Spare each kernel the seconds that matplotlib takes to list this machine's fonts."""
        folder = self.home / "matplotlib"
        folder.mkdir()
        for listed in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
            shutil.copyfile(listed, folder / listed.name)
