"""The line to a kernel: whatever comes along it is a result or one of the course's errors."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import DELIM
from jupyter_client.session import Session as Signer
from nbformat import NotebookNode
from processes import PATIENCE

from nbjudge.kernel import leftovers
from nbjudge.kernel.leftovers import Leftovers, Loop
from nbjudge.kernel.notebook_imports import WrittenModules
from nbjudge.kernel.wire import REPLY
from nbjudge.sandbox import bubblewrap, session
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.outputs import Intake
from nbjudge.sandbox.session import KernelLost, KernelStartError, Session
from nbjudge.stand_ins.channel import KernelChannel

KEY = b"known to both"
LIMITS = Limits(cell_seconds=PATIENCE, call_seconds=PATIENCE, output_bytes=2**20)

Scenario = Callable[["Peer"], None]


class Peer:
    """A kernel that says what a test wants, as soon as it is asked."""

    def __init__(self, shell: zmq.Socket[bytes], output: zmq.Socket[bytes], asked: Any) -> None:
        self.shell = shell
        self.output = output
        self.asked = asked
        self.signer = Signer(key=KEY)

    def reply(
        self, content: bytes = b"", kind: str = REPLY, to: Any = None, key: bytes = KEY
    ) -> None:
        """Send a message that is as Jupyter wants it."""
        self.signer.key = key
        parent = self.asked if to is None else to
        self.signer.send(self.shell, kind, {}, parent, buffers=[content])

    def raw(self, *parts: bytes) -> None:
        """Send anything."""
        self.shell.send_multipart(parts)

    def signed(self, *texts: bytes) -> None:
        """Send texts that are no message of Jupyter's, under a good signature."""
        self.raw(DELIM, self.signer.sign(list(texts)), *texts)


@pytest.fixture
def ask() -> Iterator[Callable[..., bytes]]:
    """Return a function that sends a request to a `Peer`, and returns the reply."""
    context = zmq.Context()
    ends: list[zmq.Socket[bytes]] = []

    def pair(name: str) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes]]:
        ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        for end in (ours, theirs):
            end.set_hwm(0)
            ends.append(end)
        ours.bind(f"inproc://{name}")
        theirs.connect(f"inproc://{name}")
        return ours, theirs

    def ask(scenario: Scenario, *, ended: str | None = None, seconds: float = 5) -> bytes:
        (shell, their_shell), (output, their_output) = pair("shell"), pair("output")

        class Client(Signer):
            def send(self, *arguments: Any, **keywords: Any) -> Any:
                sent = super().send(*arguments, **keywords)
                scenario(Peer(their_shell, their_output, sent))
                return sent

        session = Session.__new__(Session)
        session._limits = LIMITS
        session._client = SimpleNamespace(  # type: ignore[assignment]
            kc=SimpleNamespace(
                session=Client(key=KEY),
                shell_channel=SimpleNamespace(socket=shell),
                iopub_channel=SimpleNamespace(socket=output),
            )
        )
        provisioner = SimpleNamespace(ended=ended)
        session._manager = SimpleNamespace(provisioner=provisioner)  # type: ignore[assignment]
        session.is_alive = lambda: ended is None  # type: ignore[method-assign]
        return bytes(session.request(b"a question", seconds))

    yield ask
    for end in ends:
        end.close(linger=0)
    context.term()


@pytest.mark.parametrize("content", [b"an answer", b"", b"\xff" * 100])
def test_what_a_reply_holds_comes_back_as_it_is(ask: Any, content: bytes) -> None:
    assert ask(lambda peer: peer.reply(content)) == content


def test_replies_to_other_requests_are_passed_over(ask: Any) -> None:
    def confuse(peer: Peer) -> None:
        earlier = peer.signer.msg("judge_request")
        peer.reply(b"to an earlier one", to=earlier)
        peer.reply(b"of another kind", kind="execute_reply")
        peer.reply(b"the one")

    assert ask(confuse) == b"the one"


@pytest.mark.parametrize(
    "hostile",
    [
        lambda peer: peer.raw(b"junk"),
        lambda peer: peer.raw(b""),
        lambda peer: peer.raw(DELIM),
        lambda peer: peer.raw(DELIM, b"signature", b"{}", b"{}", b"{}", b"{}"),
        lambda peer: peer.reply(b"forged", key=b"guessed"),
        lambda peer: peer.signed(b"[]", b"7", b"null", b'"text"'),
        lambda peer: peer.signed(b"{}", b"{}", b"{}", b"{}"),
        lambda peer: peer.signed(b"\xff", b"{}", b"{}", b"{}"),
        lambda peer: peer.signed(b"[" * 100_000, b"{}", b"{}", b"{}"),
        lambda peer: peer.signed(b"{}", b"{}", b"{}", b" " * session.MAX_TEXT_BYTES),
        lambda peer: peer.reply(b"no parent", to={}),
        lambda peer: peer.signer.send(peer.shell, REPLY, {}, peer.asked),
    ],
)
def test_what_is_no_message_loses_the_kernel(ask: Any, hostile: Scenario) -> None:
    with pytest.raises(KernelLost, match="sent what nobody can read"):
        ask(hostile)


def test_too_many_parts_lose_the_kernel(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_PARTS", 100)

    with pytest.raises(KernelLost, match="too much"):
        ask(lambda peer: peer.raw(*[b"x"] * 200))


def test_parts_that_are_too_large_together_lose_the_kernel(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_MESSAGE_BYTES", 1000)

    with pytest.raises(KernelLost, match="too much"):
        ask(lambda peer: peer.raw(*[b"x" * 100] * 20))


def test_a_flood_of_outputs_ends_the_wait(ask: Any) -> None:
    def flood(peer: Peer) -> None:
        for _ in range(20):
            peer.output.send(bytes(2**17))

    with pytest.raises(KernelLost, match="it wrote more than 1 MB"):
        ask(flood)


def test_outputs_within_the_limit_are_read_and_forgotten(ask: Any) -> None:
    def chat(peer: Peer) -> None:
        for _ in range(50):
            peer.output.send_multipart([b"any", b"thing"])
        peer.reply(b"done")

    assert ask(chat) == b"done"


def test_silence_ends_after_the_time_that_was_given(ask: Any) -> None:
    with pytest.raises(KernelLost, match="no result came within"):
        ask(lambda peer: None, seconds=0.05)


def test_replies_to_others_do_not_prolong_the_wait(ask: Any) -> None:
    def stall(peer: Peer) -> None:
        for _ in range(2000):
            peer.reply(to=peer.signer.msg("judge_request"))

    with pytest.raises(KernelLost, match="no result came within"):
        ask(stall, seconds=0.05)


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        ("it used more than 300 MB of memory", "it used more than 300 MB of memory"),
        ("ended with status 1", "the kernel died"),
    ],
)
def test_a_kernel_that_ended_says_why_if_it_is_known(ask: Any, ended: str, why: str) -> None:
    with pytest.raises(KernelLost, match=f"^{why}$"):
        ask(lambda peer: None, ended=ended)


# --- the channels, as nbclient reads them -------------------------------------------------------


def on_channel(kind: type[Any], use: Callable[[Any, zmq.asyncio.Socket], Any]) -> Any:
    """Run a coroutine with a channel and the other end of its socket."""

    async def scenario() -> Any:
        context = zmq.asyncio.Context()
        ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        for end in (ours, theirs):
            end.set_hwm(0)
        ours.bind("inproc://channel")
        theirs.connect("inproc://channel")
        try:
            return await use(kind(ours, Signer(key=KEY)), theirs)
        finally:
            context.destroy(linger=0)

    return asyncio.run(scenario())


async def put(socket: zmq.asyncio.Socket, text: str = "", key: bytes = KEY) -> None:
    signer = Signer(key=key)
    message = signer.msg("stream", {"name": "stdout", "text": text})
    await socket.send_multipart(signer.serialize(message))


def test_a_channel_returns_messages_and_says_when_there_is_none() -> None:
    async def use(channel: Any, kernel: zmq.asyncio.Socket) -> None:
        await put(kernel, "hello")
        assert (await channel.get_msg(1))["content"]["text"] == "hello"
        with pytest.raises(Empty):
            await channel.get_msg(0.01)

    on_channel(session._Channel, use)


def test_a_channel_refuses_forged_and_oversized_messages() -> None:
    async def use(channel: Any, kernel: zmq.asyncio.Socket) -> None:
        await put(kernel, "forged", key=b"guessed")
        await put(kernel, "x" * session.MAX_TEXT_BYTES)
        for why in ("Invalid Signature", "too large"):
            with pytest.raises(ValueError, match=why):
                await channel.get_msg(1)

    on_channel(session._Channel, use)


def test_a_full_channel_lets_others_have_their_turn() -> None:
    async def use(channel: Any, kernel: zmq.asyncio.Socket) -> int:
        for _ in range(100):
            await put(kernel)
        turns = 0

        async def wait() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        waiting = asyncio.ensure_future(wait())
        for _ in range(100):
            await channel.get_msg(1)
        waiting.cancel()
        return turns

    assert on_channel(session._Channel, use) >= 100


def test_outputs_are_bounded_together_and_the_kernel_is_interrupted() -> None:
    floods = []

    async def use(channel: Any, kernel: zmq.asyncio.Socket) -> None:
        channel.limit = 8_000
        channel.intake = Intake(8_000)
        channel.on_flood = lambda: floods.append(1)
        for _ in range(4):
            await put(kernel, "x" * 3000)
        for _ in range(2):
            await channel.get_msg(1)
        assert not floods
        with pytest.raises(session._Flood):
            await channel.get_msg(1)

    on_channel(session._OutputChannel, use)

    assert floods == [1]


def test_a_kernel_that_never_answers_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async def wait() -> None:
        client = session._KernelClient(transport="ipc", ip=str(tmp_path / "k"))
        for name in ("shell", "iopub", "stdin", "hb", "control"):
            setattr(client, f"{name}_port", 1)
        client.start_channels(hb=False)
        try:
            await client.wait_for_ready(timeout=1)
        finally:
            client.stop_channels()

    with pytest.raises(RuntimeError, match="it ended before it answered"):
        asyncio.run(wait())


# --- what runs beside a cell --------------------------------------------------------------------


def settled(code: Callable[[Loop], object]) -> tuple[bool, bool]:
    """Wait for what code leaves; return whether it goes on, and whether anything runs."""
    loop = Loop(lambda: None)

    async def scenario() -> tuple[bool, bool]:
        leftovers = Leftovers(loop, alone=False)
        thing = code(loop)
        goes_on, runs = await leftovers.settle(), leftovers.any()
        if isinstance(thing, subprocess.Popen):
            thing.wait()
        return goes_on, runs

    try:
        return loop.run_until_complete(scenario())
    finally:
        loop.close()


def test_a_cell_that_leaves_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "SETTLE_SECONDS", PATIENCE)

    def ends(loop: Loop) -> None:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        loop.call_later(0.1, int).cancel()

    assert settled(ends) == (False, False)


@pytest.mark.parametrize(
    "leaves",
    [
        lambda loop: threading.Timer(0.1, int).start(),
        lambda loop: loop.call_later(0.1, int),
        lambda loop: loop.create_task(asyncio.sleep(0.1)),
        pytest.param(
            lambda loop: subprocess.Popen(["sleep", "0.1"]),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells"),
        ),
    ],
)
def test_what_a_cell_leaves_is_waited_for_until_it_ends(
    leaves: Callable[[Loop], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "SETTLE_SECONDS", PATIENCE)

    assert settled(leaves) == (False, False)


def test_what_does_not_end_is_waited_for_a_while_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "SETTLE_SECONDS", 0.1)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)

    async def scenario() -> tuple[list[bool], bool]:
        left = Leftovers(loop, alone=False)
        thread.start()
        return [await left.settle() for _ in "12"], left.any()

    loop = Loop(lambda: None)
    try:
        assert loop.run_until_complete(scenario()) == ([True, False], True)
    finally:
        done.set()
        loop.close()


def test_a_loop_tells_who_stops_it_and_can_run_on() -> None:
    stops: list[str] = []
    asked = contextvars.ContextVar("asked", default="nobody")
    loop = Loop(lambda: stops.append(asked.get()))
    asked.set("a cell")
    loop.call_later(0.01, loop.stop)
    asked.set("another cell")

    loop.run_forever()

    assert stops == ["a cell"]
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


# --- modules that a notebook writes -------------------------------------------------------------


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrittenModules:
    (tmp_path / "helpers.py").write_text("x = 'handed in'")
    (tmp_path / "numpy.py").write_text("x = 'handed in'")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "table.py").write_text("x = 'handed in'")
    monkeypatch.chdir(tmp_path)
    return WrittenModules(tmp_path, ["nbjudge"])


@pytest.mark.parametrize("name", ["helpers", "numpy", "missing", "json", "a.b"])
def test_what_was_handed_in_is_no_module(written: WrittenModules, name: str) -> None:
    assert written.find_spec(name, None) is None


def test_what_the_notebook_writes_is_a_module_at_once(
    written: WrittenModules, tmp_path: Path
) -> None:
    for name in ("cost", "test", "helpers"):
        (tmp_path / f"{name}.py").write_text("x = 1")

        spec = written.find_spec(name, None)

        assert spec is not None
        assert spec.origin == str(tmp_path / f"{name}.py")


def test_what_the_course_has_beside_the_notebook_is_a_module(
    written: WrittenModules, tmp_path: Path
) -> None:
    courses = WrittenModules(tmp_path, ["nbjudge"], ["helpers.py", "data/table.py"])

    spec, data = (courses.find_spec(name, None) for name in ("helpers", "data"))

    assert spec is not None
    assert spec.origin == str(tmp_path / "helpers.py")
    assert data is not None
    assert courses.find_spec("data.table", data.submodule_search_locations) is not None
    assert courses.find_spec("numpy", None) is None


def test_a_package_that_the_notebook_writes_is_one(written: WrittenModules, tmp_path: Path) -> None:
    (tmp_path / "means" / "deep").mkdir(parents=True)
    (tmp_path / "means" / "__init__.py").touch()
    package = written.find_spec("means", None)
    assert package is not None
    (tmp_path / "means" / "plain.py").touch()  # when the folder has been looked at

    assert written.find_spec("means.plain", package.submodule_search_locations) is not None
    assert written.find_spec("means.deep", package.submodule_search_locations) is not None


def test_a_folder_of_data_stands_for_no_package(written: WrittenModules, tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()

    assert written.find_spec("email", None) is None
    data = written.find_spec("data", None)
    assert data is not None
    assert data.origin is None
    assert written.find_spec("data.table", data.submodule_search_locations) is None


def test_no_file_stands_for_the_courses_own_modules(
    written: WrittenModules, tmp_path: Path
) -> None:
    (tmp_path / "nbjudge").mkdir()
    for name in ("__init__", "probes"):
        (tmp_path / "nbjudge" / f"{name}.py").touch()

    assert written.find_spec("nbjudge", None) is None
    assert written.find_spec("nbjudge.probes", [str(tmp_path / "nbjudge")]) is None


# --- without walls ------------------------------------------------------------------------------


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
