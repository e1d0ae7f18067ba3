"""`course doctor`: what holds is told apart from what does not, and from what was not tried."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from classroom import TINY
from rich.console import Console
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.proof import doctor, probe_runs
from nbjudge.proof.probe_cells import DATA_PROBE, PROBES, Probe, ProbeRun, nothing_left
from nbjudge.proof.protections import (
    Diagnosis,
    Protection,
    ProtectionState,
    protections_table,
)
from nbjudge.sandbox import bubblewrap, session
from nbjudge.sandbox.session import KernelLost, KernelStartError

needs_sandbox = pytest.mark.skipif(
    bool(bubblewrap.problem()),
    reason=f"no sandbox, so nothing of it is tested: {bubblewrap.problem()}",
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="the probes are for Linux")
PROBE = Probe("walls", "there are walls", "pass")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(shutil.copytree(TINY, tmp_path / "course"))


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "problem", lambda: "There is none today.")


@pytest.fixture
def no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_runs, "Session", lambda _: pytest.fail("a kernel was started"))


def kernel(
    monkeypatch: pytest.MonkeyPatch, said: str = "", lost: str = "", error: str = ""
) -> None:
    """Put a kernel in the place of a real one: it says, or raises, what is given here."""

    class Session:
        def __init__(self, limits: object, plug: object) -> None:
            """Start at once."""

        def run(self, cell: nbformat.NotebookNode) -> session.CellRun:
            if lost:
                raise KernelLost(lost)
            new = nbformat.v4.new_output
            cell.outputs = [new("stream", text=said)] if said else []
            if error:
                cell.outputs.append(new("error", ename=error, evalue="so it is", traceback=[]))
            return session.CellRun()

        def close(self) -> None:
            """Have nothing to close."""

    monkeypatch.setattr(probe_runs, "Session", Session)


def examined(*probes: Probe) -> list[Protection]:
    return list(probe_runs.examine({}, probes))


def printed(diagnosis: Diagnosis) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(protections_table(diagnosis))
    return capture.get()


@pytest.mark.sandbox
@needs_sandbox
def test_every_protection_holds_here(course: Course) -> None:
    with probe_runs.outside(course) as facts:
        rows = list(probe_runs.examine(facts))

    assert [row for row in rows if row.state is not ProtectionState.HOLDS] == []
    assert len(rows) == len(PROBES)


@pytest.mark.slow
@pytest.mark.thorough
@linux
def test_without_walls_each_probe_says_that_its_protection_does_not_hold(
    course: Course, no_sandbox: None
) -> None:
    with probe_runs.outside(course) as facts:
        rows = list(probe_runs.examine(facts))

    assert [row for row in rows if row.state is not ProtectionState.BROKEN] == []


@linux
def test_what_the_probes_look_for_is_gone_afterwards(course: Course) -> None:
    with probe_runs.outside(course) as facts:
        [secret] = facts["hidden"]["the folder for temporary files"]
        assert Path(secret).is_file()
        assert str(course.root / "nbgrader_config.py") in facts["hidden"]["the course's folder"]

    assert not Path(secret).parent.exists()


def test_what_leads_to_python_is_not_looked_for(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(course.root / "source" / "venv"))

    entries = probe_runs._visible_entries(course.root)

    assert str(course.root / "nbgrader_config.py") in entries
    assert str(course.root / "source") not in entries


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ("[]", ProtectionState.HOLDS, "there are walls"),
        ("noise\n[]", ProtectionState.HOLDS, "there are walls"),
        ('["it flies", "it swims"]', ProtectionState.BROKEN, "it flies; it swims"),
        ("", ProtectionState.UNTRIED, "the probe broke off: it said nothing"),
        ("no list", ProtectionState.UNTRIED, "the probe broke off: it said nothing"),
    ],
)
def test_a_probe_holds_only_if_it_says_so(
    monkeypatch: pytest.MonkeyPatch, said: str, state: ProtectionState, reason: str
) -> None:
    kernel(monkeypatch, said=said)

    assert examined(PROBE) == [Protection("protection", "walls", state, reason)]


def test_a_probe_that_breaks_off_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, said="[]", error="NameError")

    [row] = examined(PROBE)

    assert (row.state, row.reason) == (
        ProtectionState.UNTRIED,
        "the probe broke off: NameError: so it is",
    )


@pytest.mark.parametrize(
    ("lost", "state"),
    [
        ("it used more than 150 MB of memory", ProtectionState.HOLDS),
        ("the kernel died", ProtectionState.UNTRIED),
    ],
)
def test_being_ended_for_its_memory_is_what_a_limit_of_memory_is_for(
    monkeypatch: pytest.MonkeyPatch, lost: str, state: ProtectionState
) -> None:
    kernel(monkeypatch, lost=lost)
    [probe] = [probe for probe in PROBES if probe.name == "memory of all"]

    [row] = examined(probe)

    assert row.state is state
    assert examined(PROBE)[0].state is ProtectionState.UNTRIED


@pytest.mark.parametrize(
    ("running", "left", "state"),
    [
        (True, False, ProtectionState.HOLDS),
        (True, True, ProtectionState.BROKEN),
        (False, False, ProtectionState.UNTRIED),
    ],
)
def test_a_process_left_behind_must_have_been_seen_before(
    running: bool, left: bool, state: ProtectionState
) -> None:
    assert nothing_left(ProbeRun((), "", running, left))[0] is state


def test_one_kernel_that_does_not_start_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def failing(limits: object, plug: object) -> None:
        started.append(limits)
        raise KernelStartError("A kernel for grading did not start: so it is")

    monkeypatch.setattr(probe_runs, "Session", failing)

    rows = examined(PROBE, PROBE, PROBE)

    assert len(started) == 1
    assert {row.state for row in rows} == {ProtectionState.UNTRIED}
    assert rows[0].reason == "A kernel for grading did not start: so it is"


def test_without_a_sandbox_no_protection_holds_and_nothing_is_tried(
    course: Course, no_sandbox: None, no_kernels: None
) -> None:
    diagnosis = doctor.examine_machine(course)

    protections = [row for row in diagnosis.rows if row.group == "protection"]
    assert [row.name for row in protections] == [probe.name for probe in PROBES]
    assert {row.state for row in protections} == {ProtectionState.BROKEN}
    assert (diagnosis.problem, diagnosis.ok) == ("There is none today.", False)


def test_the_names_of_probes_differ() -> None:
    names = [probe.name for probe in (*PROBES, DATA_PROBE)]

    assert len(set(names)) == len(names)


# The rest of the machine


def found(course: Course | None) -> dict[str, tuple[ProtectionState, str]]:
    return {row.name: (row.state, row.reason) for row in doctor.machine(course)}


def test_a_gradebook_that_is_not_there_yet_is_not_made(course: Course) -> None:
    assert found(course)["gradebook"] == (
        ProtectionState.HOLDS,
        "none yet: the first `course release` makes it",
    )
    assert not (course.root / "gradebook.db").exists()


def test_a_damaged_gradebook_does_not_hold(course: Course) -> None:
    (course.root / "gradebook.db").write_bytes(b"no database" * 100)

    state, reason = found(course)["gradebook"]

    assert state is ProtectionState.BROKEN
    assert reason.startswith("not reachable: ")


def test_without_a_course_there_is_no_row_for_its_gradebook() -> None:
    assert list(found(None)) == ["Python", "nbgrader"]


# The command


HOLDING = Diagnosis("", (Protection("protection", "walls", ProtectionState.HOLDS, "thick ones"),))
OPEN = Diagnosis(
    "", (*HOLDING.rows, Protection("machine", "[roof]", ProtectionState.UNTRIED, "it [rains]"))
)


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(("diagnosis", "code"), [(HOLDING, 0), (OPEN, 1)])
def test_the_command_fails_unless_everything_holds(
    course: Course, monkeypatch: pytest.MonkeyPatch, diagnosis: Diagnosis, code: int
) -> None:
    monkeypatch.setattr(doctor, "examine_machine", lambda course: diagnosis)

    shown = call("--course", course.root, "doctor")
    as_json = call("--course", course.root, "doctor", "--json")

    assert (shown.exit_code, as_json.exit_code) == (code, code)
    assert "walls" in shown.stdout
    told = json.loads(as_json.stdout)
    assert told["ok"] is (code == 0)
    assert told["rows"][0] == {
        "group": "protection",
        "name": "walls",
        "state": "holds",
        "reason": "thick ones",
    }


def test_nothing_in_the_table_is_markup() -> None:
    shown = printed(OPEN)

    assert "[roof]" in shown
    assert "it [rains]" in shown


def test_without_a_sandbox_the_command_says_why_and_what_that_means(
    course: Course, no_sandbox: None, no_kernels: None
) -> None:
    shown = call("--course", course.root, "doctor")

    assert shown.exit_code == 1
    assert f"Without a sandbox: There is none today. {bubblewrap.UNPROTECTED}\n" in shown.stdout
    assert "does not hold" in shown.stdout


def test_it_works_outside_a_course_but_not_with_a_wrong_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Course | None] = []
    monkeypatch.setattr(doctor, "examine_machine", lambda course: seen.append(course) or HOLDING)
    monkeypatch.chdir(tmp_path)

    assert call("doctor").exit_code == 0
    assert seen == [None]
    assert call("--course", tmp_path, "doctor").exit_code == 1
    assert seen == [None]


# `make sandbox`


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that holds the only programs that `make sandbox` finds."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make here")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    (folder / "make").symlink_to(make)
    program(folder, "uname", "echo Linux")
    program(folder, "id", "echo 0")
    yield folder


def program(folder: Path, name: str, does: str) -> None:
    path = folder / name
    path.write_text(f"#!{shutil.which('sh')}\n{does}\n", encoding="utf-8", newline="\n")
    path.chmod(0o755)


def made(programs: Path) -> tuple[str, list[str]]:
    """Return what `make sandbox` printed, and how it called apt-get: its last words but one."""
    calls = programs.parent / "calls"
    done = subprocess.run(
        [programs / "make", "--no-print-directory", "sandbox"],
        cwd=Path(__file__).parents[3],
        env={"PATH": str(programs), "CALLS": str(calls)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr, calls.read_text().split() if calls.exists() else []


#: An apt-get that knows bubblewrap after an update.
APT = """
case "$*" in
  *update*) echo update >> $CALLS ;;
  *install*)
    echo install >> $CALLS
    case "$(while read line; do echo $line; done < $CALLS)" in
      *update*) printf '#!/bin/sh\\n' > ${0%/*}/bwrap; exec ${0%/*}/chmod +x ${0%/*}/bwrap ;;
      *) echo "E: Unable to locate package" >&2; exit 100 ;;
    esac ;;
esac
"""


def test_set_up_installs_bubblewrap_after_an_update_if_that_is_needed(programs: Path) -> None:
    (programs / "chmod").symlink_to(str(shutil.which("chmod")))
    program(programs, "apt-get", APT)

    assert made(programs) == ("", ["install", "update", "install"])


def test_set_up_leaves_an_installed_bubblewrap_alone(programs: Path) -> None:
    program(programs, "apt-get", "echo called >> $CALLS")
    program(programs, "bwrap", "")

    assert made(programs) == ("", [])


@pytest.mark.parametrize(
    ("name", "does"), [("apt-get", "exit 100"), ("sudo", "exit 1"), ("dnf", "exit 0")]
)
def test_set_up_goes_on_without_bubblewrap_and_says_how_to_get_it(
    programs: Path, name: str, does: str
) -> None:
    program(programs, "id", "echo 1000")
    program(programs, name, does)

    said, _ = made(programs)

    assert said.startswith("There is no bubblewrap, so nothing confines students' code.")
    assert "apt install bubblewrap" in said
    assert said.count("\n") == 1


def test_set_up_is_silent_where_there_is_no_bubblewrap_to_install(programs: Path) -> None:
    program(programs, "uname", "echo Darwin")

    assert made(programs) == ("", [])
