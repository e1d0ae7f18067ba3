"""Control groups, in folders that are made to look like Linux's own, of both versions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nbjudge.fork_server.meter import GroupMeter
from nbjudge.fork_server.usage import Budget, Usage
from nbjudge.sandbox import cgroups

BUDGET = Budget(300, 20, 60, 600, 50, 200)
#: What the system puts into a new group; a file keeps what is behind what is
#: written to it, so nothing is longer than that.
NEW_2 = {
    "cgroup.procs": "",
    "cgroup.controllers": "cpu memory pids",
    "cgroup.subtree_control": "",
    "memory.max": "max",
    "memory.swap.max": "m",
    "memory.oom.group": "0",
    "memory.current": "0",
    "memory.peak": "0",
    "memory.stat": "anon 0\ninactive_file 0\nactive_file 0",
    "memory.events": "low 0\noom 0\noom_kill 0",
    "pids.max": "ma",
    "pids.current": "0",
    "cpu.stat": "usage_usec 0",
}
NEW_1 = {
    "memory": {
        "cgroup.procs": "",
        "memory.limit_in_bytes": "9223372",
        "memory.usage_in_bytes": "0",
        "memory.max_usage_in_bytes": "0",
        "memory.stat": "inactive_file 0\nactive_file 0",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0",
    },
    "pids": {"cgroup.procs": "", "pids.max": "max", "pids.current": "0"},
    "cpuacct": {"cgroup.procs": "", "cpuacct.usage": "0"},
}


class Machine:
    """A machine's groups, and the processes in them."""

    def __init__(self, root: Path) -> None:
        self.root, self.proc = root / "cgroup", root / "proc"
        self.own = self.proc / str(os.getpid())
        self.own.mkdir(parents=True)
        (self.own / "stat").write_text(f"{os.getpid()} (a course) S 1 1 1")
        (self.proc / "self").symlink_to(self.own)

    def mount(self, kind: str, options: str = "rw", name: str = "") -> Path:
        """Mount a hierarchy, in addition to what is mounted."""
        place = self.root / name
        place.mkdir(parents=True)
        with (self.own / "mountinfo").open("a") as mounts:
            mounts.write(f"30 23 0:26 / {place} rw,relatime shared:4 - {kind} none {options}\n")
        return place

    def put(self, group: str) -> None:
        """Put this process into a group, in addition to those that it is in."""
        with (self.own / "cgroup").open("a") as groups:
            groups.write(f"{group}\n")


def fill(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine without groups; a folder that is made in one has what a group has."""
    made = Machine(tmp_path)
    make, remove = Path.mkdir, Path.rmdir

    def mkdir(self: Path, *arguments: object, **named: object) -> None:
        make(self, *arguments, **named)  # type: ignore[arg-type]
        if (self.parent / "cgroup.procs").exists() and not (self / "cgroup.procs").exists():
            files = NEW_1.get(self.relative_to(made.root).parts[0], NEW_2)
            for name, text in files.items():
                (self / name).write_text(text)

    def rmdir(self: Path) -> None:
        if (self / "cgroup.procs").read_text():
            raise OSError(16, "Device or resource busy")
        for file in self.iterdir():
            file.unlink()
        remove(self)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(Path, "rmdir", rmdir)
    monkeypatch.setattr(cgroups, "PROC", made.proc)
    return made


@pytest.fixture
def delegated(machine: Machine) -> Path:
    """Return this process's group of version 2, which gives its controllers to those beneath it."""
    place = machine.mount("cgroup2")
    machine.put("0::/user.slice/mine.scope")
    given = {**NEW_2, "cgroup.subtree_control": "cpu memory pids"}
    return fill(place / "user.slice" / "mine.scope", given)


def test_a_group_of_version_2_bounds_memory_swap_and_processes(delegated: Path) -> None:
    home = cgroups.find_home()

    assert home is not None
    assert home.counts_computing
    group = home.new_group(BUDGET).folders[""]
    assert group.parent == delegated
    limits = {
        "memory.max": str(300 * 2**20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "50",
    }
    assert {name: (group / name).read_text() for name in limits} == limits


def test_a_group_is_gone_when_its_kernel_is(delegated: Path) -> None:
    home = cgroups.find_home()
    assert home is not None
    group = home.new_group(BUDGET)

    group.remove()

    assert [path.name for path in delegated.iterdir() if path.is_dir()] == []


def test_a_group_that_cannot_be_bounded_is_not_left_behind(
    delegated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = cgroups.find_home()
    assert home is not None
    monkeypatch.delitem(NEW_2, "pids.max")

    with pytest.raises(OSError, match="No such file"):
        home.new_group(BUDGET)

    assert [path.name for path in delegated.iterdir() if path.is_dir()] == []


def test_groups_of_killed_graders_are_swept_and_others_stay(delegated: Path) -> None:
    left, used, others = (
        fill(delegated / name, NEW_2)
        for name in ("course-kernel-999999999-0", f"course-kernel-{os.getpid()}-7", "session")
    )

    assert cgroups.find_home() is not None

    assert (left.exists(), used.exists(), others.exists()) == (False, True, True)


def test_this_process_moves_aside_for_groups_beneath_its_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = machine.mount("cgroup2")
    machine.put("0::/mine.scope")
    own = fill(place / "mine.scope", {**NEW_2, "cgroup.procs": f"{os.getpid()}\n"})
    written = Writing(monkeypatch, busy=own)

    home = cgroups.find_home()

    assert home is not None
    assert home.folders == {"": own}
    assert (own / "course-grader" / "cgroup.procs", str(os.getpid())) in written.orders


def test_nobody_elses_process_is_moved(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    place = machine.mount("cgroup2")
    machine.put("0::/mine.scope")
    own = fill(place / "mine.scope", {**NEW_2, "cgroup.procs": f"{os.getpid()}\n424242\n"})
    written = Writing(monkeypatch, busy=own)

    assert cgroups.find_home() is None

    assert not any(path.name == "cgroup.procs" for path, _ in written.orders)


@pytest.mark.parametrize("has_systemd", [True, False])
def test_a_session_is_moved_aside_only_where_it_is_not_systemds(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, has_systemd: bool
) -> None:
    place = machine.mount("cgroup2")
    machine.put("0::/mine.scope")
    shell = fill(machine.proc / "77", {"stat": "77 (a shell) S 0 1 1"})
    fill(machine.own, {"stat": f"{os.getpid()} (a course) S {shell.name} 1 1"})
    own = fill(place / "mine.scope", {**NEW_2, "cgroup.procs": f"77\n{os.getpid()}\n"})
    Writing(monkeypatch, busy=own)
    monkeypatch.setattr(cgroups, "_has_systemd", lambda: has_systemd)

    assert (cgroups.find_home() is None) is has_systemd


class Writing:
    """What is written, as the system takes it: no controllers for a group with processes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, busy: Path) -> None:
        self.orders: list[tuple[Path, str]] = []
        self._busy, self._write = busy, cgroups._write_control
        monkeypatch.setattr(cgroups, "_write_control", self)

    def __call__(self, path: Path, value: str) -> None:
        self.orders.append((path, value))
        members = self._busy / "cgroup.procs"
        if path == self._busy / "cgroup.subtree_control":
            if members.read_text().strip():
                raise OSError(16, "Device or resource busy")
            value = value.replace("+", "")
        elif path.name == "cgroup.procs":
            members.write_text(members.read_text().replace(f"{value}\n", ""))
        self._write(path, value)


def test_a_group_of_version_1_is_a_folder_in_each_hierarchy(machine: Machine) -> None:
    for name in NEW_1:
        place = machine.mount("cgroup", f"rw,{name}", name)
        machine.put(f"4:{name}:/job")
        fill(place / "job", NEW_1[name])

    home = cgroups.find_home()

    assert home is not None
    assert home.folders.keys() == {"memory", "pids", "cpuacct"}
    assert not home.counts_computing
    group = home.new_group(BUDGET)
    limit = group.folders["memory"] / "memory.limit_in_bytes"
    assert limit.read_text() == str(300 * 2**20)
    files = group.open()
    assert {"processes", "processes-2", "processes-4", "memory", "tasks"} <= files.keys()
    for file in files.values():
        os.close(file)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda machine: None,
        lambda machine: machine.put("0::/"),
        lambda machine: (machine.mount("cgroup2"), machine.put("0::/elsewhere")),
        lambda machine: (machine.mount("cgroup", "rw,memory", "memory"), machine.put("4:memory:/")),
    ],
)
def test_where_no_group_can_be_had_there_is_none(
    machine: Machine, prepare: Callable[[Machine], object]
) -> None:
    prepare(machine)

    assert cgroups.find_home() is None


def meter(folder: Path, files: dict[str, str]) -> GroupMeter:
    fill(folder, {**NEW_2, **files})
    opened = cgroups.ControlGroup({"": folder}).open()
    return GroupMeter(str(folder), opened)


def test_what_a_group_used_is_read_without_what_the_system_takes_back(tmp_path: Path) -> None:
    files = {
        "memory.current": str(200 * 2**20),
        "memory.peak": str(290 * 2**20),
        "memory.stat": f"anon 1\ninactive_file {30 * 2**20}\nactive_file {20 * 2**20}",
        "cpu.stat": "usage_usec 2500000\nuser_usec 1",
        "pids.current": "12\n",
    }
    counted = meter(tmp_path, files)

    now, at_most = counted.look(), counted.last_look()

    assert (now.memory_megabytes, now.cpu_seconds, now.processes) == (150, 2.5, 12)
    assert at_most.memory_megabytes == 240
    assert not counted.is_out_of_memory()


def test_what_was_most_stays_what_was_used(tmp_path: Path) -> None:
    counted = meter(tmp_path, {"memory.current": str(200 * 2**20), "pids.current": "12"})
    counted.look()
    fill(tmp_path, {"memory.current": "0", "pids.current": "1"})

    used = counted.look()

    assert (used.memory_megabytes, used.processes) == (200, 12)


def test_a_process_that_the_system_ended_for_its_memory_is_noticed(tmp_path: Path) -> None:
    counted = meter(tmp_path, {"memory.events": "low 0\noom 3\noom_kill 1\noom_group_kill 1"})

    assert counted.is_out_of_memory()


@pytest.mark.parametrize(
    ("used", "sentence"),
    [
        (Usage(memory_megabytes=300, cpu_seconds=60, wall_seconds=600), ""),
        (Usage(memory_megabytes=412), "it used more than 300 MB of memory (412 MB)"),
        (Usage(memory_megabytes=300.2), "it used more than 300 MB of memory"),
        (Usage(cpu_seconds=61.2), "it computed longer than 60 s (61 s)"),
        (Usage(wall_seconds=600.1), "it ran longer than 600 s"),
        (Usage(wall_seconds=1100, waiting_seconds=500), ""),
        (Usage(wall_seconds=1100, waiting_seconds=499), "it ran longer than 600 s"),
        (Usage(wall_seconds=6600, waiting_seconds=6599), ""),
        (Usage(wall_seconds=6601, waiting_seconds=6600), "it ran longer than 600 s"),
    ],
)
def test_a_budget_that_is_overdrawn_says_which_and_by_how_much(used: Usage, sentence: str) -> None:
    assert BUDGET.overdrawn(used) == sentence


@pytest.mark.parametrize(
    ("is_booted", "returned", "starts"),
    [(True, 0, True), (True, 1, False), (False, 0, False)],
)
def test_systemd_is_asked_for_a_scope_where_it_runs_and_gives_one(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    is_booted: bool,
    returned: int,
    starts: bool,
) -> None:
    monkeypatch.setattr(cgroups.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(cgroups, "_has_systemd", lambda: is_booted)
    tried = subprocess.CompletedProcess([], returned)
    monkeypatch.setattr(cgroups.subprocess, "run", lambda *_, **__: tried)
    cgroups._scope_command.cache_clear()

    command = cgroups.scope_command()
    cgroups._scope_command.cache_clear()

    assert bool(command) is starts
    if starts:
        assert command[0] == "/usr/bin/systemd-run"
        assert "--property=Delegate=yes" in command
        assert ("--user" in command) is (os.getuid() != 0)
