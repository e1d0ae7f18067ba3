"""Kernels by fork: as good as Jupyter's own, closed in, and gone without a trace."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from processes import PATIENCE

from nbjudge.course.plug import Plug
from nbjudge.fork_server.usage import Budget
from nbjudge.judge.notebooks import grade_notebook
from nbjudge.sandbox import bubblewrap, warm_kernels
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import KernelDied, KernelLost, KernelStartError, Session
from nbjudge.sandbox.warm_kernels import (
    ForkServer,
    ParentLost,
    WarmKernel,
    running_fork_server,
)
from nbjudge.stand_ins.channel import KernelChannel

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.skipif(bool(bubblewrap.problem()), reason=f"no sandbox: {bubblewrap.problem()}"),
]

SMALL = Limits(
    cell_seconds=PATIENCE,
    call_seconds=PATIENCE,
    memory_megabytes=300,
    disk_megabytes=20,
    processes=50,
    open_files=200,
)
#: Room for the processes of `HOG`, which have some megabytes each.
MANY = replace(SMALL, memory_megabytes=900)
#: What this course tells of itself, where its modules or data have to be in a kernel.
THE_COURSES = Plug(
    packages=("course_utils",),
    data="course_utils.data",
    data_variable="COURSE_DATA_DIR",
    offline=("COURSE_OFFLINE",),
)
HOG = "import os, time\nfor _ in range(35):\n    if os.fork() == 0:\n        time.sleep(600)\n"


@pytest.fixture(scope="module", autouse=True)
def own_folder() -> Iterator[None]:
    """Give this module a folder for temporary files where nobody else makes any."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(tempfile, "tempdir", folder)
        patch.setattr(warm_kernels, "_parents", {})
        yield
        for parent in warm_kernels._parents.values():
            parent.close()


def code(source: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]
    return cell


def notebook(*sources: str) -> NotebookNode:
    cells = [code(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call, no-any-return]


def shown(cell: NotebookNode) -> str:
    """Return all text of a cell's outputs; of an error, its name too."""
    return " ".join(
        out.get("text") or f"{out.get('ename', '')} {out.get('evalue', '')}" for out in cell.outputs
    ).strip()


def said(session: Session, source: str) -> str:
    """Return what a cell prints."""
    cell = code(source)
    session.run(cell)
    return shown(cell)


def printed(source: str, limits: Limits = SMALL, **settings: Any) -> str:
    """Return what a cell prints in a kernel of its own."""
    with closing(Session(limits, **settings)) as session:
        return said(session, source)


def eventually(fact: Callable[[], object]) -> bool:
    """Say whether something becomes true in good time."""
    end = time.monotonic() + PATIENCE
    while not fact() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(fact())


def descendants(of: int) -> set[tuple[int, str]]:
    """Return the processes that come from one, each as its number and the time of its start."""
    children: dict[int, list[int]] = {}
    started = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(entry.name))
            started[int(entry.name)] = fields[19]
    found, waiting = set(), [of]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            found.add((child, started[child]))
            waiting.append(child)
    return found


def alive(processes: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return those that still run."""
    return {process for process in processes if _start(process[0]) == process[1]}


def _start(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


# --- what it is like ----------------------------------------------------------------------------


def test_an_interrupt_stops_a_cell_and_not_the_kernel() -> None:
    with closing(Session(SMALL)) as session:
        said(session, "x = 7")
        sleeps = code("import time\nprint('begun')\ntime.sleep(600)")

        assert session.run(sleeps, seconds=1).stopped == "it ran longer than 1 s"
        assert shown(sleeps).split() == ["begun", "KeyboardInterrupt"]
        assert said(session, "print(x)") == "7"


def test_an_interrupt_in_the_middle_of_a_flood_leaves_the_kernel_as_it_was() -> None:
    prints = code("while True:\n    print('x' * 1000, flush=True)")
    patient = replace(SMALL, output_bytes=2**34)
    with closing(Session(patient)) as session:
        for _ in range(5):
            assert session.run(prints, seconds=0.2).stopped
            assert said(session, "print('still here')") == "still here"


def test_a_kernel_that_ends_itself_is_not_alive() -> None:
    with closing(Session(SMALL)) as session:
        with pytest.raises(KernelDied, match="the kernel died"):
            session.run(code("import os\nprint('last words', flush=True)\nos._exit(3)"))
        assert not session.is_alive()
        assert session._kernel is not None
        assert session._kernel.ended == "ended with status 3"


def test_a_question_to_the_person_is_refused() -> None:
    assert "StdinNotImplementedError" in printed("input('your name?')")


def test_pictures_tables_and_pages_are_shown() -> None:
    shows = (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "import pandas\npandas.DataFrame({'a': [1]})",
        "from IPython.display import HTML\nHTML('<b>bold</b>')",
    )
    cells = list(map(code, shows))
    with closing(Session(SMALL)) as session:
        for cell in cells:
            session.run(cell)

    picture, table, page = (cell.outputs[0].data for cell in cells)
    assert picture["image/png"].startswith("iVBOR")
    assert "<table" in table["text/html"]
    assert page["text/html"] == "<b>bold</b>"


def test_what_programs_and_forked_processes_write_stands_where_it_was_written() -> None:
    writes = (
        "import os, subprocess, sys\nprint('a')\nos.write(1, b'b\\n')\nprint('c')\n"
        "subprocess.run(['echo', 'd'])\nprint('e')\n"
        "if os.fork() == 0:\n    print('f')\n    os._exit(0)\nos.wait()\n"
        "sys.__stdout__.write('g\\n')\nsys.__stdout__.flush()\nprint('h')"
    )

    assert printed(writes).split() == list("abcdefgh")


def test_more_than_a_pipe_holds_can_be_written_at_once() -> None:
    with closing(Session(SMALL)) as session:
        cell = code("import os\n_ = os.write(1, b'x' * 10**6)\n_ = os.write(2, b'y' * 10**6)")
        session.run(cell)

    assert sorted(len(output.text) for output in cell.outputs) == [10**6, 10**6]


def test_what_a_lost_cell_printed_is_kept() -> None:
    cell = code("import os, time\nprint('last words')\ntime.sleep(0.5)\nos._exit(3)")
    with closing(Session(SMALL)) as session, pytest.raises(KernelDied):
        session.run(cell)

    assert shown(cell) == "last words"


# --- what a kernel can do -----------------------------------------------------------------------

DRAWS = (
    "import random, numpy, torch\n"
    "print(random.random(), numpy.random.rand(), torch.rand(1).item(), {})"
)


def test_no_two_kernels_draw_the_same_numbers() -> None:
    draws = DRAWS.format("numpy.random.default_rng().random()")

    first, other = (printed(draws).split() for _ in "12")

    assert len(first) == 4
    assert not set(first) & set(other)


@pytest.mark.parametrize("preload", [(), ("torch",)], ids=["imported late", "imported ahead"])
def test_two_kernels_with_one_seed_draw_the_same_numbers(preload: tuple[str, ...]) -> None:
    plug = Plug(preload=preload)

    def drawn() -> str:
        with closing(Session(SMALL, plug=plug)) as session:
            KernelChannel(session.request, SMALL).ask("start", seed=7)
            return said(session, DRAWS.format("1"))

    assert drawn() == drawn()


def test_kernels_after_the_first_find_the_drawings_decoded() -> None:
    decoded = "from course_utils import data\nprint(data._drawings.cache_info().currsize)"
    printed("0", plug=THE_COURSES)

    assert printed(decoded, plug=THE_COURSES) == "2"


def test_a_data_loader_may_have_workers() -> None:
    loads = (
        "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\n"
        "numbers = TensorDataset(torch.arange(100))\n"
        "print(sum(int(x.sum()) for x, in DataLoader(numbers, batch_size=10, num_workers=2)))"
    )

    assert printed(loads) == "4950"


def test_pytorch_computes_gradients_on_one_thread() -> None:
    computes = (
        "import torch\nx = torch.ones(300, 300, requires_grad=True)\n(x @ x).sum().backward()\n"
        "print(torch.get_num_threads(), x.grad[0, 0].item())"
    )

    assert printed(computes) == "1 600.0"


def test_data_sets_can_be_read_and_not_written() -> None:
    reads = (
        "import os, warnings\nfrom course_utils import data\nwarnings.simplefilter('ignore')\n"
        "print(len(data.load_preterm().labels), data.load_slice().image.shape)\n"
        "open(os.environ['COURSE_DATA_DIR'] + '/new', 'w')"
    )

    told = printed(reads, plug=THE_COURSES)

    assert "101 (100, 142)" in told
    assert "Read-only file system" in told


def test_a_kernel_is_offline() -> None:
    asks = "import socket\nsocket.create_connection(('127.0.0.1', 1), timeout=1)"

    assert "OSError" in printed(asks)
    tells = "import os; print(os.environ['COURSE_OFFLINE'])"
    assert printed(tells, plug=THE_COURSES) == "1"


def test_the_files_beside_a_notebook_can_be_read_and_changed() -> None:
    changes = (
        "text = open('data/p.csv').read()\nopen('data/p.csv', 'w').write('x')\n"
        "print(text, open('data/p.csv').read())"
    )

    assert printed(changes, files={"data/p.csv": b"3,4"}) == "3,4 x"


def test_a_kernel_starts_with_little_memory_of_its_own() -> None:
    adds_up = (
        "lines = open('/proc/self/smaps_rollup').read().splitlines()\n"
        "print(sum(int(line.split()[1]) for line in lines if line.startswith('Private_')))"
    )

    assert int(printed(adds_up)) < 45 * 1024


# --- what it may use ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("x = bytearray(600 * 2**20)", "MemoryError"),
        ("import numpy\nx = numpy.ones(10**9)", "MemoryError"),
        ("open('/tmp/x', 'wb').truncate(30 * 2**20)", "File too large"),
        (
            "for folder in ('/tmp', '/dev/shm', '.'):\n"
            "    open(f'{folder}/x', 'wb').write(bytes(9 * 2**20))",
            "No space left",
        ),
        ("for n in range(30_000):\n    open(f'/tmp/{n}', 'w').close()", "No space left"),
        ("files = [open('/dev/null') for _ in range(300)]", "Too many open files"),
        ("import mmap\nmmap.mmap(-1, 4096)", "Operation not permitted"),
        (
            "import mmap\nflags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000\n"
            "mmap.mmap(-1, 2**36, flags=flags, prot=mmap.PROT_READ)",
            "Cannot allocate memory",
        ),
        ("import os\nends = [os.openpty() for _ in range(40)]", "No space left"),
    ],
)
def test_a_cell_that_wants_too_much_fails_and_its_kernel_lives(cell: str, why: str) -> None:
    with closing(Session(replace(SMALL, processes=30))) as session:
        assert why in said(session, cell)
        assert said(session, "print('still here')") == "still here"


def test_a_cell_that_wants_too_many_processes_fails_and_its_kernel_lives() -> None:
    with closing(Session(replace(MANY, processes=30))) as session:
        assert "Resource temporarily unavailable" in said(session, HOG)
        assert said(session, "print('still here')") == "still here"


@pytest.fixture(params=["in a group", "counted"])
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have limits kept by control groups, where they can be had, or by counting, as elsewhere."""
    if request.param == "counted":
        monkeypatch.setitem(vars(running_fork_server(Plug())), "groups", None)
    elif running_fork_server(Plug()).groups is None:
        pytest.skip("no control group can be had here")
    means: str = request.param
    return means


@pytest.mark.usefixtures("means")
@pytest.mark.parametrize(
    ("cell", "limits", "why"),
    [
        (
            "import os, time\nx = bytearray(160 * 2**20)\nos.fork()\n"
            "y = b'1' * (40 * 2**20)\nx[::4096] = bytes(len(x[::4096]))\ntime.sleep(600)",
            SMALL,
            "it used more than 300 MB of memory",
        ),
        (
            "import os, time\nfor n in range(3):\n    os.fork()\n"
            "x = bytearray(80 * 2**20)\ntime.sleep(600)",
            SMALL,
            "it used more than 300 MB of memory",
        ),
        (
            "import time\ntime.sleep(600)",
            replace(SMALL, notebook_seconds=1),
            "it ran longer than 1 s",
        ),
        (
            "while True:\n    pass",
            replace(SMALL, cpu_seconds=1),
            "it computed longer than 1 s",
        ),
    ],
)
def test_what_uses_too_much_is_ended_with_a_reason(cell: str, limits: Limits, why: str) -> None:
    with closing(Session(limits)) as session:
        with pytest.raises(KernelLost, match=why):
            session.run(code(cell))
        assert not session.is_alive()


#: Computes for as long as it says; together with what else runs there, on one processor.
COMPUTES = """
import os, time
os.sched_setaffinity(0, {%d})
end = time.process_time() + %s
while time.process_time() < end:
    pass
"""


def test_what_a_kernel_waits_for_a_processor_is_not_counted() -> None:
    """Others keep the processor busy that it wants, so that it gets a tenth of it."""
    processor = min(os.sched_getaffinity(0))
    busy = [sys.executable, "-c", COMPUTES % (processor, 600)]
    with closing(Session(replace(SMALL, cell_seconds=1, notebook_seconds=3))) as session:
        others = [subprocess.Popen(busy, start_new_session=True) for _ in range(9)]
        try:
            ran = [session.run(code(COMPUTES % (processor, 0.4))) for _ in range(2)]
        finally:
            for other in others:
                other.kill()
                other.wait()
        assert [each.stopped for each in ran] == ["", ""]
        assert session.waiting_seconds > 1
    assert session.used is not None
    assert session.used.waiting_seconds > 1
    assert session.used.wall_seconds > 3


@pytest.mark.usefixtures("means")
def test_what_a_kernel_used_is_known_when_it_has_ended() -> None:
    session = Session(SMALL)
    takes = "import os, time\nx = b'1' * (90 * 2**20)\nopen('/tmp/x', 'wb').write(b'1' * 2**20)"
    session.run(code(takes + "\nfor _ in range(9):\n    os.fork() or time.sleep(600)"))
    session.run(code("import time\nwhile time.process_time() < 1.1:\n    pass"))
    assert session.used is None

    session.close()

    used = session.used
    assert used is not None
    assert 90 < used.memory_megabytes < 300
    assert 1 <= used.cpu_seconds < 20
    assert used.wall_seconds > 0.5
    assert 10 < used.processes <= 50
    assert 1 <= used.disk_megabytes < 20


@pytest.mark.usefixtures("means")
@pytest.mark.parametrize("heeded", ["SIG_DFL", "SIG_IGN"])
def test_the_dead_have_computed_too(heeded: str) -> None:
    limits = replace(SMALL, cpu_seconds=2)
    computes = (
        f"import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.{heeded})\n"
        "while True:\n    child = os.fork()\n    if child == 0:\n"
        "        while time.process_time() < 0.5:\n            pass\n        os._exit(0)\n"
        "    try:\n        os.waitpid(child, 0)\n    except ChildProcessError:\n        pass"
    )
    with closing(Session(limits)) as session, pytest.raises(KernelLost, match="longer than 2 s"):
        session.run(code(computes))


WEIGHT = """
import os, time
says, tells = os.pipe()
if os.fork() == 0:
    os.setsid()
    end = time.monotonic() + 100
    while "nice 19" not in open("/proc/self/autogroup").read() and time.monotonic() < end:
        time.sleep(0.02)
    os.write(tells, open("/proc/self/autogroup").read().split()[-1].encode())
    os._exit(0)
print(os.read(says, 10).decode(), open("/proc/self/autogroup").read().split()[-1])
"""


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="sessions weigh nothing here")
def test_another_session_weighs_next_to_nothing_where_sessions_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(vars(running_fork_server(Plug())), "groups", None)

    assert printed(WEIGHT) == "19 0"


def test_all_processes_of_a_kernel_are_in_its_group_and_the_group_goes_with_them() -> None:
    home = running_fork_server(Plug()).groups
    if home is None:
        pytest.skip("no control group can be had here")
    groups = (
        "import os\nsays, tells = os.pipe()\ngroup = open('/proc/self/cgroup').read()\n"
        "if os.fork() == 0:\n    os.setsid()\n"
        "    os.write(tells, open('/proc/self/cgroup').read().encode())\n    os._exit(0)\n"
        "print(group + os.read(says, 10_000).decode())"
    )

    told = printed(groups)

    names = [line.rpartition("/")[2] for line in told.splitlines() if "course-kernel" in line]
    assert len(set(names)) == 1
    assert len(names) % 2 == 0  # each hierarchy of both processes
    assert not any((folder / name).exists() for folder in home.folders.values() for name in names)


def test_a_kernel_whose_group_cannot_be_made_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        counts_computing = True

        def new_group(self, budget: Budget) -> Any:
            raise OSError(28, "No space left on device")

    monkeypatch.setitem(vars(running_fork_server(Plug())), "groups", Full())
    session = Session(SMALL)

    assert said(session, "x = bytearray(90 * 2**20)\nprint('ran')") == "ran"
    session.close()

    assert session.used is not None
    assert session.used.memory_megabytes > 90


def test_the_terminals_of_one_kernel_are_not_seen_by_another() -> None:
    with closing(Session(SMALL)) as first, closing(Session(SMALL)) as second:
        opened = said(first, "import os\nends = os.openpty()\nprint(os.ttyname(ends[1]))")

        assert opened == "/dev/pts/0"
        assert said(second, "import os\nprint(os.listdir('/dev/pts'))") == "['ptmx']"


def test_the_processes_of_one_kernel_take_none_from_another() -> None:
    threads = (
        "import threading, time\n"
        "threads = [threading.Thread(target=time.sleep, args=(0.1,)) for _ in range(20)]\n"
        "for thread in threads:\n    thread.start()\nprint('all of them')"
    )
    with closing(Session(MANY)) as greedy, closing(Session(SMALL)) as honest:
        said(greedy, HOG)

        assert said(honest, threads) == "all of them"
        with closing(Session(SMALL)) as late:
            assert late.is_alive()


# --- how it ends --------------------------------------------------------------------------------


def test_a_closed_kernel_has_left_no_process() -> None:
    running_fork_server(Plug())
    before = descendants(os.getpid())
    session = Session(MANY)
    said(session, HOG)
    said(session, "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)")
    left = descendants(os.getpid()) - before

    session.close()

    assert len(left) > 35
    assert len(alive(left)) <= 1  # the first of them, which says that all others are gone
    assert eventually(lambda: not alive(left))


def test_a_kernel_that_cannot_be_ended_now_holds_nobody_up_and_ends_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warm_kernels, "END_SECONDS", 0.5)
    running_fork_server(Plug())
    before = descendants(os.getpid())
    session = Session(SMALL)
    mine = descendants(os.getpid()) - before
    watcher = min(mine, key=lambda process: (int(process[1]), process[0]))[0]
    os.kill(watcher, signal.SIGSTOP)  # who would have to end the kernel

    session.close()

    assert alive(mine)
    os.kill(watcher, signal.SIGCONT)
    assert eventually(lambda: not alive(mine))


def test_a_kernel_whose_leash_is_let_go_is_ended() -> None:
    running_fork_server(Plug())
    before = descendants(os.getpid())
    session = Session(SMALL)
    mine = descendants(os.getpid()) - before
    assert mine
    assert isinstance(session._kernel, WarmKernel)
    assert session._kernel._leash is not None

    session._kernel._leash.close()

    assert eventually(lambda: not alive(mine))
    session._kernel._leash = None
    session.close()


GRADER = """
from nbjudge.sandbox.session import Session
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.warm_kernels import running_fork_server
from nbjudge.course.plug import Plug
import nbformat, time

session = Session(Limits())
leaves = "import subprocess\\nsubprocess.Popen(['sleep', '600'], start_new_session=True)"
session.run(nbformat.v4.new_code_cell(leaves))
print(running_fork_server(Plug()).folder, flush=True)
time.sleep(600)
"""


def test_a_grader_that_is_killed_leaves_no_process() -> None:
    grader = subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, text=True)
    assert grader.stdout is not None
    folder = grader.stdout.readline().strip()
    left = descendants(grader.pid)

    grader.kill()
    grader.communicate()

    assert len(left) > 3
    assert eventually(lambda: not alive(left))
    shutil.rmtree(folder)


def entries(folder: str | Path) -> int:
    return len(list(Path(folder).iterdir()))


def footprint() -> dict[str, int]:
    """Return what 200 kernels should not add to: files, processes, open files."""
    rooms = running_fork_server(Plug()).rooms
    return {
        "temporary files": entries(tempfile.gettempdir()),
        "rooms": entries(rooms),
        "processes": len(descendants(os.getpid())),
        "own open files": entries("/proc/self/fd"),
        "the parent's open files": entries(f"/proc/{forking_process()}/fd"),
    }


def forking_process() -> int:
    """Return the process that forks kernels: the first of Python's in the sandbox."""
    inside = {
        int(start): pid
        for pid, start in descendants(running_fork_server(Plug())._process.pid)
        if Path(f"/proc/{pid}/comm").read_text().strip() != "bwrap"
    }
    return inside[min(inside)]


def resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_two_hundred_kernels_leave_nothing_behind() -> None:
    for _ in range(20):  # what is made once, and kept
        Session(SMALL).close()
    gc.collect()
    before, shared_memory = footprint(), entries("/dev/shm")
    parent, own = map(resident_megabytes, (forking_process(), os.getpid()))

    for _ in range(200):
        Session(SMALL).close()
    gc.collect()

    # Whatever else runs on this machine comes and goes there, but not by the hundred.
    assert entries("/dev/shm") < shared_memory + 100
    assert eventually(lambda: footprint() == before), (before, footprint())
    assert resident_megabytes(forking_process()) < parent + 2
    assert resident_megabytes(os.getpid()) < own + 20


# --- the parent ---------------------------------------------------------------------------------


def test_the_parent_can_fork_safely() -> None:
    """A thread, or an event loop's descriptors, would be copied in half."""
    running_fork_server(Plug())
    pid = forking_process()

    opened = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}

    assert entries(f"/proc/{pid}/task") == 1
    assert not [name for name in opened if name.startswith("anon_inode")]


def test_there_is_one_parent_for_each_course_and_folder_of_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(warm_kernels, "_parents", {})
    monkeypatch.setattr(warm_kernels, "ForkServer", Living)

    first, again = running_fork_server(THE_COURSES), running_fork_server(replace(THE_COURSES))
    other = running_fork_server(Plug())
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))

    assert first is again
    assert running_fork_server(THE_COURSES) is not first
    assert running_fork_server(Plug()) is other is not first


class Living:
    """Stands for a parent."""

    def __init__(self, plug: Plug) -> None:
        pass

    def is_alive(self) -> bool:
        return True


def test_a_parent_that_was_killed_is_replaced() -> None:
    lost = Session(SMALL)
    old = running_fork_server(Plug())

    os.kill(old._process.pid, signal.SIGKILL)
    old._process.wait()

    assert eventually(lambda: not lost.is_alive())
    assert printed("print(1)") == "1"
    assert running_fork_server(Plug()) is not old
    assert not old.folder.exists()
    lost.close()


LENDER = """
import os, signal, subprocess, sys, time
import nbformat
from contextlib import closing
from nbjudge.sandbox.session import Session
from nbjudge.course.plug import Plug
from nbjudge.sandbox import warm_kernels
from nbjudge.sandbox.limits import Limits

def grade():
    cell = nbformat.v4.new_code_cell("print(6 * 7)")
    with closing(Session(Limits())) as session:
        session.run(cell)
    return f"{cell.outputs[0].text.strip()} {warm_kernels.running_fork_server(Plug()).folder}"

def forked(work):
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, work().encode())
        os._exit(0)
    os.close(write)  # so that nobody waits for who has failed
    os.wait()
    return os.read(read, 1000).decode()

warm_kernels.lend(Plug())
(lent,) = warm_kernels._lent.values()
"""


def lender(script: str) -> list[str]:
    """Return the lines that a process prints which lends its warm parent."""
    done = subprocess.run(
        [sys.executable, "-c", LENDER + script],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_graders_that_are_forked_share_one_parent() -> None:
    first, second, lent = lender("print(forked(grade))\nprint(forked(grade))\nprint(lent.folder)")

    assert first == second == f"42 {lent}"


def test_nothing_is_lent_by_who_only_imports_what_workers_share() -> None:
    code = (
        "from nbjudge.grading.workers import preloaded\n"
        "from nbjudge.sandbox import warm_kernels; print(len(warm_kernels._lent))\n"
        "import os; from nbjudge.grading.workers import preload\n"
        "print(preload.PRELOADED_MARK in os.environ)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["0", "False"]


#: Kills what forks kernels as the system does that has no memory left, and waits for another.
KILLS = """
def below(pid):
    children = open(f"/proc/{pid}/task/{pid}/children").read().split()
    return [pid, *(found for child in children for found in below(child))]

def of_the_sandbox():
    return [int(pid) for pid in below(str(lent._process.pid))[1:]]

def runs(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

def kill(pid):
    os.kill(pid, signal.SIGKILL)
    while os.path.exists(f"/proc/{pid}"):
        time.sleep(0.01)
"""


def test_a_lent_parent_that_was_killed_is_replaced_by_one_for_all_graders() -> None:
    before, after, again, lent, parents = lender(
        f"{KILLS}\nprint(forked(grade))\nkill(of_the_sandbox()[-1])\n"
        "print(forked(grade))\nprint(forked(grade))\nprint(lent.folder)\n"
        "print(len(set(of_the_sandbox())))"
    )

    assert before == after == again == f"42 {lent}"
    assert (
        int(parents) == 3
    )  # bubblewrap, its half inside, and Python: nothing is left of the first


def test_a_lent_parent_that_is_not_replaced_any_more_leaves_each_grader_its_own() -> None:
    before, after = lender(
        f"{KILLS}\nprint(forked(grade))\ninside = of_the_sandbox()\n"
        "lent._process.kill()\nlent._process.wait()\n"
        "while any(map(runs, inside)):\n    time.sleep(0.01)\n"
        "print(forked(grade))"
    )

    assert before.startswith("42 ")
    assert after.startswith("42 ")
    assert after != before


def kill_the_sandbox(times: int) -> Callable[[], None]:
    """Return what kills the warm parent of this process, so many times."""
    left = [None] * times

    def kill() -> None:
        if left:
            left.pop()
            parent = running_fork_server(Plug())
            parent._process.kill()
            parent._process.wait()

    return kill


@pytest.mark.parametrize("at", ["cell", "test"])
def test_a_notebook_whose_sandbox_is_killed_loses_nothing(
    at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = kill_the_sandbox(1)
    run, request = Session.run, Session.request

    def killed(self: Session, cell: NotebookNode, **how: Any) -> str:
        if at == "cell" and "print" in cell.source:
            kill()
        return run(self, cell, **how)

    def killed_in_test(self: Session, content: bytes, seconds: float) -> Any:
        if at == "test" and b"answer" in content:
            kill()
        return request(self, content, seconds)

    monkeypatch.setattr(Session, "run", killed)
    monkeypatch.setattr(Session, "request", killed_in_test)
    graded = grade_notebook(with_a_test("answer = 6 * 7\nprint(answer)"), limits=SMALL)

    assert shown(graded.notebook.cells[0]) == "42"
    assert [verdict.mark for verdict in graded.verdicts.values()] == [1]
    assert graded.remarks == ()


def test_a_notebook_whose_sandbox_is_killed_twice_is_not_graded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kill, run = kill_the_sandbox(2), Session.run
    monkeypatch.setattr(Session, "run", lambda *given, **how: kill() or run(*given, **how))

    with pytest.raises(KernelStartError, match="too little memory"):
        grade_notebook(with_a_test("answer = 6 * 7"), limits=SMALL)


def with_a_test(answer: str) -> NotebookNode:
    """Return a notebook of one answer, and of a test that gives it a point."""
    made = notebook(answer, "assert answer == 42")
    flags = {"schema_version": 3, "solution": False, "grade": True, "locked": True, "task": False}
    made.cells[1].metadata["nbgrader"] = {**flags, "grade_id": "test_ex_1", "points": 1}
    return made


def test_ctrl_c_is_not_the_parents_to_hear() -> None:
    """A kernel that it ended would look like one that a submission has lost."""
    (told,) = lender(
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\nsession = Session(Limits())\n"
        "os.killpg(os.getpgrp(), signal.SIGINT)\n"
        "cell = nbformat.v4.new_code_cell('print(1)')\nsession.run(cell)\nsession.close()\n"
        "print(cell.outputs[0].text.strip())"
    )

    assert told == "1"


def test_a_parent_that_does_not_come_up_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = ["/bin/sh", "-c", "echo 'no room for walls' >&2; exit 3"]
    monkeypatch.setattr(bubblewrap, "command", lambda *_, **__: fails)

    with pytest.raises(ParentLost, match="did not start: no room for walls"):
        ForkServer(Plug())


def test_a_parent_with_threads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = "import socket, sys; socket.socket(fileno=int(sys.argv[1])).send(b'{\"threads\": 2}')"
    monkeypatch.setattr(
        bubblewrap, "command", lambda arguments, **_: [sys.executable, "-c", claims, arguments[-1]]
    )

    with pytest.raises(ParentLost, match="has 2 threads"):
        ForkServer(Plug())


def failing_fork(times: int) -> Callable[[ForkServer, dict[str, Any]], Any]:
    """Return a fork that finds no room, so many times."""
    left = [None] * times
    fork = ForkServer.fork

    def failing(self: ForkServer, request: dict[str, Any], *group: Any) -> Any:
        fails = left and left.pop() is None
        return fork(self, {**request, "room": "nowhere"} if fails else request, *group)

    return failing


def test_a_fork_that_fails_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForkServer, "fork", failing_fork(1))

    graded = grade_notebook(notebook("print('graded')"), limits=SMALL)

    assert shown(graded.notebook.cells[0]) == "graded"


def test_a_fork_that_fails_twice_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForkServer, "fork", failing_fork(2))

    with pytest.raises(KernelStartError, match=r"did not start: failed: .*No such file"):
        grade_notebook(notebook("print('graded')"), limits=SMALL)


def test_what_a_course_imports_is_there_for_the_kernels_that_follow() -> None:
    asks = code("import sys\nprint('colorsys' in sys.modules)")
    with closing(Session(SMALL, ahead=["colorsys", "there_is_no_such_module"])) as first:
        first.run(code("pass"))
    with closing(Session(SMALL)) as second:
        second.run(asks)

    assert asks.outputs[0].text == "True\n"


def test_a_traceback_that_nobody_reads_has_no_lines() -> None:
    brief, usual = code("1 / 0"), code("1 / 0")
    with closing(Session(SMALL)) as session:
        session.run(brief, is_brief=True)
        session.run(usual)

    (error,) = brief.outputs
    assert (error.ename, error.evalue, error.traceback) == (
        "ZeroDivisionError",
        "division by zero",
        [],
    )
    assert len(usual.outputs[0].traceback) > 1


def test_notebooks_find_ipythons_shell_by_its_name() -> None:
    cell = code("print(type(get_ipython()))")
    with closing(Session(SMALL)) as session:
        session.run(cell)

    assert cell.outputs[0].text == "<class 'ipykernel.zmqshell.ZMQInteractiveShell'>\n"
