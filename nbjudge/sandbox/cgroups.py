"""Control groups, in which Linux counts and limits what all processes of a notebook's kernel use.

Each notebook's kernel gets a group of its own if this process may make one: beneath its own group,
if that is delegated or this is root; or in a scope that systemd delegates to the warm parent.
Without a group, the first process of the kernel's namespace counts (`nbjudge.fork_server.meter`).
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nbjudge.fork_server.usage import Budget

__all__ = ["ControlGroup", "Home", "find_home", "scope_command"]

PROC = Path("/proc")
#: The beginning of the groups' names; the id of the process that made the group follows.
GROUP_PREFIX = "course-kernel-"
#: The subgroup for processes that must leave a group before it can have subgroups.
LEAF = "course-grader"
#: The controllers that version 2 must have, and those that are used if it has them.
NEEDED_CONTROLLERS, WELCOME = ("memory", "pids"), ("cpu",)
#: The files of a group that the first process of a kernel uses, by their purpose; the first one
#: that exists counts.
FILES_2: dict[str, tuple[str, ...]] = {
    "processes": ("cgroup.procs",),
    "memory": ("memory.current",),
    "peak": ("memory.peak",),
    "kinds": ("memory.stat",),
    "events": ("memory.events",),
    "tasks": ("pids.peak", "pids.current"),
    "computing": ("cpu.stat",),
}
FILES_1: dict[str, dict[str, tuple[str, ...]]] = {
    "memory": {
        "processes": ("cgroup.procs",),
        "memory": ("memory.usage_in_bytes",),
        "peak": ("memory.max_usage_in_bytes",),
        "kinds": ("memory.stat",),
        "events": ("memory.oom_control",),
    },
    "pids": {"processes-2": ("cgroup.procs",), "tasks": ("pids.peak", "pids.current")},
    "cpu": {"processes-3": ("cgroup.procs",)},
    "cpuacct": {"processes-4": ("cgroup.procs",), "computing": ("cpuacct.usage",)},
}
#: Seconds to wait until a group is empty and can be removed; `sweep` removes the rest later.
REMOVAL_PATIENCE = 0.5
SCOPE_OPTIONS = ("--scope", "--quiet", "--collect", "--property=Delegate=yes")

_group_numbers = itertools.count()


class _Mount(NamedTuple):
    place: Path
    root: str
    kind: str
    options: frozenset[str]


@dataclass(frozen=True)
class Home:
    """A control group in which this process may make subgroups.

    Parameters
    ----------
    folders : mapping of str to Path
        Its folder in each hierarchy: one for version 2, under the name "", and for version 1 one
        for each controller.
    """

    folders: Mapping[str, Path]

    @property
    def counts_computing(self) -> bool:
        """Whether the system divides processor time between groups, rather than processes."""
        folders = self.folders
        return "cpu" in (
            _words_in_file(folders[""] / "cgroup.controllers") if "" in folders else folders
        )

    def new_group(self, budget: Budget) -> ControlGroup:
        """Make a group with the limits of a budget.

        Raises
        ------
        OSError
            If it cannot be made.
        """
        name = f"{GROUP_PREFIX}{os.getpid()}-{next(_group_numbers)}"
        group = ControlGroup({part: folder / name for part, folder in self.folders.items()})
        try:
            group._make(budget)
        except OSError:
            group.remove()
            raise
        return group

    def sweep(self) -> None:
        """Remove the empty groups of graders that were killed."""
        for folder in self.folders.values():
            for left in folder.glob(f"{GROUP_PREFIX}*"):
                number = left.name.removeprefix(GROUP_PREFIX).partition("-")[0]
                if number.isdecimal() and not (PROC / number).exists():
                    with suppress(OSError):
                        left.rmdir()


@dataclass(frozen=True)
class ControlGroup:
    """The group of one kernel: a folder in each hierarchy."""

    folders: Mapping[str, Path]

    def _make(self, budget: Budget) -> None:
        most = str(budget.memory_megabytes * 2**20)
        for folder in self.folders.values():
            folder.mkdir()
        if (whole := self.folders.get("")) is not None:
            _write_control(whole / "memory.max", most)
            _write_control(whole / "pids.max", str(budget.processes))
            # Older systems lack these files, as do systems without swap.
            for name, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
                with suppress(OSError):
                    _write_control(whole / name, value)
            return
        _write_control(self.folders["memory"] / "memory.limit_in_bytes", most)
        _write_control(self.folders["pids"] / "pids.max", str(budget.processes))
        with suppress(OSError):
            _write_control(self.folders["memory"] / "memory.memsw.limit_in_bytes", most)

    def open(self) -> dict[str, int]:
        """Open the files of the group that a kernel's first process needs, by their purpose."""
        opened: dict[str, int] = {}
        for part, folder in self.folders.items():
            for name, choices in (FILES_1[part] if part else FILES_2).items():
                mode = os.O_WRONLY if name.startswith("processes") else os.O_RDONLY
                for choice in choices:
                    if (folder / choice).exists():
                        opened[name] = os.open(folder / choice, mode | os.O_CLOEXEC)
                        break
        return opened

    def remove(self) -> None:
        """Remove the group, waiting a moment for its last processes to end."""
        end = time.monotonic() + REMOVAL_PATIENCE
        for folder in self.folders.values():
            while not _is_removed(folder) and time.monotonic() < end:
                time.sleep(0.005)


def find_home(process: int | None = None) -> Home | None:
    """Return where subgroups of a process's group can be made, by default this one's; or None.

    In version 2, a group with subgroups cannot contain processes. This grader's processes are moved
    into a subgroup of their own if need be, but never anybody else's.
    """
    number = os.getpid() if process is None else process
    try:
        own = _own_groups(number)
        mounts = list(_mounts())
    except (OSError, ValueError):
        return None
    for home in (_version_2(own, mounts, number), _version_1(own, mounts)):
        if home is not None and _is_usable(home):
            home.sweep()
            return home
    return None


def _version_2(own: Mapping[str, str], mounts: Iterable[_Mount], process: int) -> Home | None:
    for mount in mounts:
        if mount.kind != "cgroup2" or (folder := _inside(mount, own.get("", ""))) is None:
            continue
        if folder.name == LEAF:
            folder = folder.parent
        if not set(NEEDED_CONTROLLERS) <= _words_in_file(folder / "cgroup.controllers"):
            continue
        if not _delegates(folder) and not (_moves(folder, process) and _delegates(folder)):
            continue
        return Home({"": folder})
    return None


def _version_1(own: Mapping[str, str], mounts: Iterable[_Mount]) -> Home | None:
    folders: dict[str, Path] = {}
    for mount in mounts:
        for controller in mount.options & FILES_1.keys() if mount.kind == "cgroup" else ():
            folder = _inside(mount, own.get(controller, ""))
            # Controllers that are mounted together share a folder, in which one group is made.
            if folder is not None and folder not in folders.values():
                folders[controller] = folder
    return Home(folders) if set(NEEDED_CONTROLLERS) <= folders.keys() else None


def _is_usable(home: Home) -> bool:
    """Return whether a group can be made, by making one: there is no other way to know."""
    try:
        home.new_group(Budget(100, 1, 1, 1, 10, 10)).remove()
    except OSError:
        return False
    return True


def _is_removed(folder: Path) -> bool:
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _delegates(folder: Path) -> bool:
    """Enable a group's controllers for its subgroups; return whether all needed ones are."""
    has = _words_in_file(folder / "cgroup.controllers")
    wanted = [name for name in (*NEEDED_CONTROLLERS, *WELCOME) if name in has]
    control = folder / "cgroup.subtree_control"
    with suppress(OSError):
        if not set(wanted) <= _words_in_file(control):
            _write_control(control, " ".join(f"+{name}" for name in wanted))
    return set(NEEDED_CONTROLLERS) <= _words_in_file(control)


def _moves(folder: Path, process: int) -> bool:
    """Move a group's processes to a subgroup if all are this grader's; return whether it did."""
    try:
        members = set(map(int, _words_in_file(folder / "cgroup.procs")))
        if not members <= _process_family(process) | _process_family(os.getpid()):
            return False
        leaf = folder / LEAF
        leaf.mkdir(exist_ok=True)
        for member in members:
            with suppress(ProcessLookupError):
                _write_control(leaf / "cgroup.procs", str(member))
    except (OSError, ValueError):
        return False
    return True


def _process_family(process: int) -> set[int]:
    """Return a process and its descendants, and without systemd its ancestors, too.

    Where systemd runs, the ancestors belong to a login session, whose group systemd manages.
    """
    parents = {}
    for path in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, above = {process}, process
    while not _has_systemd() and (above := parents.get(above, 0)) > 0:
        found.add(above)
    new = {process}
    while new := {child for child, parent in parents.items() if parent in new} - found:
        found |= new
    return found


def scope_command() -> list[str]:
    """Return the command prefix with which systemd delegates a group to the warm parent.

    It is empty if groups can be made without systemd, or not even with it.
    """
    return list(_scope_command()) if find_home() is None else []


@functools.cache
def _scope_command() -> tuple[str, ...]:
    program = shutil.which("systemd-run")
    if program is None or not _has_systemd():
        return ()
    command = (program, *(() if os.getuid() == 0 else ("--user",)), *SCOPE_OPTIONS, "--")
    try:
        tried = subprocess.run(
            [*command, "/bin/true"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return () if tried.returncode else command


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _own_groups(process: int) -> dict[str, str]:
    """Return a process's group in each hierarchy, by controller; under "" that of version 2."""
    found = {}
    for line in (PROC / str(process) / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _mounts() -> Iterator[_Mount]:
    for line in (PROC / "self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            root, place = before.split(" ")[3:5]
            yield _Mount(Path(place), root, kind, frozenset(options.split(",")))


def _inside(mount: _Mount, group: str) -> Path | None:
    """Return the folder of a group in a mount; None if the mount does not show it."""
    if not group.startswith(mount.root.rstrip("/") + "/") and group != mount.root:
        return None
    return mount.place / group.removeprefix(mount.root).lstrip("/")


def _words_in_file(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


def _write_control(path: Path, value: str) -> None:
    # Unlike `Path.write_text`: never creates a file, and passes the value in a single write.
    with path.open("r+b", buffering=0) as file:
        file.write(value.encode())
