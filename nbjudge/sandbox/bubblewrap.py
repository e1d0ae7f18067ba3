"""The bubblewrap sandbox of a warm parent, which shows it a read-only system and Python alone."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

__all__ = ["UNPROTECTED", "command", "prefixes", "problem"]

#: The warning where there is no sandbox.
UNPROTECTED = (
    "Student code can read and change your files, use your network, exhaust your memory, and go on "
    "after its grading. `course doctor` tells more; --require-sandbox refuses instead."
)

#: Files of /etc that programs need and that reveal nothing.
HARMLESS_FILES = ("alternatives", "fonts", "ld.so.cache", "localtime")


@functools.cache
def problem() -> str:
    """Return why there is no sandbox on this machine, as a sentence; empty if there is one.

    Each process tries bubblewrap once, since it may be installed but not permitted to work.
    """
    if sys.platform != "linux":
        return f"A sandbox needs Linux, and this is {sys.platform}."
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (on Debian and Ubuntu: apt install bubblewrap)."
    trial = [
        "bwrap",
        *_namespace_options(),
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--",
        "/bin/true",
    ]
    tried = subprocess.run(trial, capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode:
        return f"bubblewrap cannot make namespaces here: {tried.stderr.strip()[-200:]}"
    return ""


def command(
    arguments: list[str],
    *,
    library: Path,
    packages: Iterable[str],
    rooms: Path,
    shown: Mapping[str, Path],
    environment: Mapping[str, str],
) -> list[str]:
    """Return the command that runs Python in the sandbox.

    Parameters
    ----------
    arguments : list of str
        Python's arguments.
    library : Path
        The folder that appears as `/course`: the modules of the course that a kernel may import.
    packages : iterable of str
        Installed packages that are hidden, so that only `library` supplies their modules.
    rooms : Path
        The folder that appears as `/rooms`. It and `/student` are the only writable folders.
    shown : mapping of str to Path
        Files and folders that appear read-only, by their path in the sandbox.
    environment : mapping of str to str
        All environment variables in the sandbox.
    """
    walls = [
        *("bwrap", "--die-with-parent", "--new-session", "--clearenv"),
        *_namespace_options(),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--dir", "/tmp", "--tmpfs", "/student"),
        *_system(packages),
    ]
    for place, original in {"/course": library, **shown}.items():
        walls += ["--ro-bind", str(original), place]
    walls += ["--bind", str(rooms), "/rooms"]
    for name, value in environment.items():
        walls += ["--setenv", name, value]
    return [*walls, "--remount-ro", "/", "--", sys.executable, "-I", "-S", *arguments]


def _namespace_options() -> list[str]:
    all_of_them = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    # Root needs no user namespace, and inside one it could not change its children's user.
    return all_of_them if os.getuid() == 0 else [*all_of_them, "--unshare-user"]


def _system(packages: Iterable[str]) -> Iterator[str]:
    """Yield bwrap's options that show the system and Python."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "lib", "lib32", "lib64", "sbin"):
        place = Path("/", name)
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    yield from ("--dir", "/etc")
    for name in HARMLESS_FILES:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    # Administrators keep local files here, such as nbgrader's exchange: they are hidden.
    for place in (Path("/usr/local/share"), Path("/usr/src")):
        if place.is_dir():
            yield from _empty_folder(place)
    for prefix in prefixes():
        if not prefix.is_relative_to("/usr"):
            # Parent folders that bwrap makes by itself can be entered only by their owner.
            for parent in reversed(prefix.parents[:-1]):
                yield from ("--dir", str(parent))
            yield from ("--ro-bind", str(prefix), str(prefix))
    for package in packages:
        installed = Path(sysconfig.get_path("purelib"), package)
        if installed.is_dir():
            yield from _empty_folder(installed)


def _empty_folder(place: Path) -> tuple[str, ...]:
    return ("--tmpfs", str(place), "--remount-ro", str(place))


def prefixes() -> list[Path]:
    """Return the folders that contain Python and its packages."""
    return list(dict.fromkeys(map(Path, (sys.base_prefix, sys.prefix))))
