"""Run the probes, each in a real kernel, while what they try to reach exists outside."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat

from nbjudge.course.course import Course
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.proof.probe_cells import (
    PROBE_CLOSING,
    PROBE_OPENING,
    PROBES,
    Probe,
    ProbeRun,
    nothing_left,
)
from nbjudge.proof.protections import Protection, ProtectionState
from nbjudge.sandbox import bubblewrap, workspace
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import KernelLost, KernelStartError, Session

__all__ = ["examine", "outside"]

#: Small limits, which probes reach quickly and without loading the machine.
LIMITS = Limits(
    cell_seconds=30,
    memory_megabytes=150,
    disk_megabytes=8,
    processes=60,
    open_files=180,
    cpu_seconds=6,
)
#: Folders in which a kernel must not be able to write, if they exist.
SYSTEM = (
    *("/", "/bin", "/dev", "/etc", "/home", "/lib", "/opt", "/root", "/usr", "/usr/lib"),
    *("/usr/local/share", "/usr/src", "/var", "/course", "/data", "/cache", "/rooms", "/line"),
)
#: Variables that IPython and the shells set by themselves.
ORDINARY_VARIABLES = ("CLICOLOR", "FORCE_COLOR", "GIT_PAGER", "PAGER", "PWD", "SHLVL", "TERM", "_")
#: The most seconds until a process that was started or killed is seen to run or to be gone.
PROBE_PATIENCE = 1.0


def examine(
    facts: Mapping[str, Any], probes: Sequence[Probe] = PROBES, plug: Plug | None = None
) -> Iterator[Protection]:
    """Run probes in kernels, and yield a row for each.

    Parameters
    ----------
    facts : mapping
        As `outside` yields it.
    probes : sequence of Probe
    plug : Plug, optional
        The course's settings for its kernels.
    """
    failed = ""
    for probe in probes:
        try:
            # Stop at the first kernel that does not start, as each failure may take minutes.
            state, reason = (
                (ProtectionState.UNTRIED, failed)
                if failed
                else probe.reads(_ran(probe, facts, plug or Plug()))
            )
        except KernelStartError as error:
            state, reason = ProtectionState.UNTRIED, str(error)
            failed = "no kernel starts, see above"
        yield Protection("protection", probe.name, state, reason or probe.holds)


def _ran(probe: Probe, facts: Mapping[str, Any], plug: Plug) -> ProbeRun:
    mark = f"course-doctor-{uuid4().hex}"
    told = {
        **facts,
        "mark": mark,
        "memory": LIMITS.memory_megabytes,
        "disk": LIMITS.disk_megabytes,
        "cpu": LIMITS.cpu_seconds,
        "processes": LIMITS.processes,
        "open_files": LIMITS.open_files,
    }
    found: list[str] = []
    ended = ""
    running = False
    for source in filter(None, (probe.source, probe.afterwards)):
        session = Session(LIMITS, plug=plug)
        try:
            now, ended = _try(
                session, PROBE_OPENING.format(facts=json.dumps(told)) + source + PROBE_CLOSING
            )
            found += now
            if probe.reads is nothing_left:
                running = _settles(mark, there=True)
        finally:
            session.close()
        if ended:
            break
    left = running and not _settles(mark, there=False)
    return ProbeRun(None if ended else tuple(found), ended, running, left)


def _try(session: Session, source: str) -> tuple[list[str], str]:
    """Return what a cell found, and why it stopped early; empty if it did not."""
    cell = nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]
    try:
        ended = session.run(cell).stopped
    except KernelLost as loss:
        return [], str(loss)
    for output in cell.outputs:
        if output.output_type == "error":
            return [], f"{output.ename}: {output.evalue}"
    said = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    try:
        return json.loads(said.splitlines()[-1]), ended
    except (IndexError, ValueError):
        return [], ended or "it said nothing"


def _settles(mark: str, *, there: bool) -> bool:
    """Wait until a process with a mark exists, or does not; return whether that happens in time."""
    end = time.monotonic() + PROBE_PATIENCE
    while _is_running(mark) is not there:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _is_running(mark: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                return True
        except OSError:  # it has just ended
            continue
    return False


@contextmanager
def outside(course: Course | None) -> Iterator[dict[str, Any]]:
    """Create what the probes try to reach during the block, and yield facts about it.

    Parameters
    ----------
    course : Course or None
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doctor-")))
        # Readable by everybody, so that only its absence in the kernel protects it.
        folder.chmod(0o755)
        secret = folder / "secret"
        secret.touch()
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        sockets = {
            "without a file": f"\0course-doctor-{uuid4().hex}",
            "in a temporary folder": str(folder / "line"),
        }
        for address in sockets.values():
            line = stack.enter_context(socket.socket(socket.AF_UNIX))
            line.bind(address)
            line.listen()
        (folder / "line").chmod(0o777)
        plug = course.plug if course else Plug()
        origins: dict[str, str] = {}
        with suppress(CourseError):  # the doctor reports it in another row
            origins = plug.data_origins()
        theirs = set(workspace.environment(plug, ""))
        yield {
            "walls": not bubblewrap.problem(),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "sockets": sockets,
            "namespaces": _own_namespaces(),
            "hidden": {
                "the course's folder": _visible_entries(course.root) if course else [],
                "your home": _visible_entries(Path.home()),
                "the folder for temporary files": [str(secret)],
            },
            "system": [*SYSTEM, *dict.fromkeys((sys.prefix, sys.base_prefix))],
            "datasets": plug.data,
            "data": [name for name, origin in origins.items() if origin != "stand-in"],
            "variables": sorted(set(os.environ) - theirs - set(ORDINARY_VARIABLES)),
        }


def _own_namespaces() -> dict[str, str]:
    found = {}
    for kind in ("pid", "net", "ipc", "uts", "mnt"):
        path = Path("/proc/self/ns", kind)
        if path.is_symlink():
            found[kind] = str(path.readlink())
    return found


def _visible_entries(folder: Path) -> list[str]:
    """Return the entries of a folder, except those on the path to Python, which kernels need."""
    if folder == Path(folder.anchor) or not folder.is_dir():
        return []
    needed = [Path(prefix) for prefix in (sys.prefix, sys.base_prefix)]
    return [
        str(entry)
        for entry in sorted(folder.iterdir())
        if not any(python.is_relative_to(entry) for python in needed)
    ]
