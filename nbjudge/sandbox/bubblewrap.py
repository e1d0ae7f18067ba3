"""The walls around a warm parent: a read-only system and Python, and nothing else of the host."""

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

#: What it means that there is no sandbox.
UNPROTECTED = (
    "Student code can read and change your files, use your network, exhaust your memory, and go on "
    "after its grading. `course doctor` tells more; --require-sandbox refuses instead."
)

#: Of /etc, what programs need and nobody minds.
HARMLESS_FILES = ("alternatives", "fonts", "ld.so.cache", "localtime")


@functools.cache
def problem() -> str:
    """Return why there is no sandbox on this machine, as a sentence; empty if there is one.

    It is tried, once for each process: a program that is installed may still not be allowed to.
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
        What Python is to run.
    library : Path
        The folder that appears as `/course`: what a kernel may import of the course.
    packages : iterable of str
        Those of which it may import nothing else, where they are installed.
    rooms : Path
        The folder that appears as `/rooms`. Beside it only `/student` can be written.
    shown : mapping of str to Path
        Files and folders to read, by where they appear.
    environment : mapping of str to str
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
    # Root needs no user namespace, and could not give its children another user in one.
    return all_of_them if os.getuid() == 0 else [*all_of_them, "--unshare-user"]


def _system(packages: Iterable[str]) -> Iterator[str]:
    """Yield bwrap's options for the system and for Python."""
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
    # What a system's administrators keep there is nobody's business; nbgrader's exchange is there.
    for place in (Path("/usr/local/share"), Path("/usr/src")):
        if place.is_dir():
            yield from _empty_folder(place)
    for prefix in prefixes():
        if not prefix.is_relative_to("/usr"):
            # What bwrap makes by itself only its owner may enter.
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
    """Return the folders that Python and its packages are in."""
    return list(dict.fromkeys(map(Path, (sys.base_prefix, sys.prefix))))
