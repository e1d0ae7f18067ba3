"""Kernels from their start to their end; those here are cold, with no walls around them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from processes import PATIENCE

from nbjudge.sandbox import bubblewrap
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import KernelLost, KernelStartError, Session
from nbjudge.stand_ins.channel import KernelChannel

LIMITS = Limits(cell_seconds=PATIENCE, call_seconds=PATIENCE, output_bytes=2**20)


def code(source: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]
    return cell


def said(session: Session, source: str) -> str:
    cell = code(source)
    session.run(cell)
    return " ".join(out.get("text") or out.get("ename", "") for out in cell.outputs).strip()


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "problem", lambda: "There are no walls here.")


@pytest.fixture(scope="module")
def cold() -> Iterator[Session]:
    """A kernel that nothing confines, for what does it no harm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bubblewrap, "problem", lambda: "There are no walls here.")
        session = Session(LIMITS, {"data/points.csv": b"1,2\n"})
    yield session
    session.close()


def test_a_sandbox_that_is_required_and_missing_is_refused(no_sandbox: None) -> None:
    with pytest.raises(
        KernelStartError, match=r"no sandbox to grade in: There are no walls here\."
    ):
        Session(replace(LIMITS, require_sandbox=True))


@pytest.mark.slow
def test_a_cold_kernel_runs_cells_beside_its_files(cold: Session) -> None:
    assert said(cold, "print(open('data/points.csv').read())") == "1,2"
    assert cold.is_alive()


@pytest.mark.slow
def test_a_cold_kernel_shows_figures(cold: Session) -> None:
    cell = code("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")

    cold.run(cell)

    assert "image/png" in cell.outputs[0].data


@pytest.mark.slow
def test_a_cold_kernel_answers_requests(cold: Session) -> None:
    cold.run(code("def double(x):\n    print('x' * 100_000)\n    return 2 * x"))

    double = KernelChannel(cold.request, LIMITS).ask("begin", names=["double"], seed=1)["double"]

    assert [double(n) for n in range(5)] == [0, 2, 4, 6, 8]


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_interrupted_and_a_cold_kernel_lives(
    cold: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = code("while True:\n    pass")

    with monkeypatch.context() as patch:
        patch.setattr(cold, "_limits", replace(LIMITS, cell_seconds=1))
        assert cold.run(cell).stopped == "it ran longer than 1 s"
    assert said(cold, "print('still here')") == "still here"


@pytest.mark.slow
@pytest.mark.usefixtures("no_sandbox")
@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("while True:\n    print('x' * 10_000)", "it wrote more than 10 MB"),
        ("import os\nos._exit(3)", "the kernel died"),
    ],
)
def test_a_fatal_cell_loses_a_cold_kernel(source: str, why: str) -> None:
    with closing(Session(LIMITS)) as session, pytest.raises(KernelLost, match=why):
        session.run(code(source))


@pytest.mark.slow
@pytest.mark.usefixtures("no_sandbox")
def test_a_request_that_hangs_loses_a_cold_kernel_and_closing_ends_it() -> None:
    session = Session(LIMITS)
    started = "import os, subprocess\nprint(os.getpid(), subprocess.Popen(['sleep', '600']).pid)"
    processes = said(session, started).split()
    session.run(code("def hang():\n    while True:\n        pass"))
    line = KernelChannel(session.request, LIMITS)
    hang = line.ask("begin", names=["hang"], seed=1)["hang"]
    line.limits = replace(LIMITS, call_seconds=0.5)

    with pytest.raises(KernelLost, match="no result came within"):
        hang()
    session.close()

    assert len(processes) == 2
    assert not [pid for pid in processes if runs(int(pid))]
    assert session._place is not None
    assert not session._place.root.exists()


def runs(pid: int) -> bool:
    """Say whether a process of this test's still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
