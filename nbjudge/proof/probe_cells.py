"""Probes of the protections: cells that try what a hostile submission would, and their evaluation.

A cell lists everything that it could do and should not have been able to. A cell that stops early
proves nothing, and is reported as such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from nbjudge.proof.protections import ProtectionState, StateAndReason

__all__ = [
    "DATA_PROBE",
    "PROBES",
    "PROBE_CLOSING",
    "PROBE_OPENING",
    "Probe",
    "ProbeRun",
    "nothing_left",
]


class ProbeRun(NamedTuple):
    """The result of running a probe.

    Attributes
    ----------
    found : tuple of str or None
        What its cells could do and should not have been able to; None if one stopped early.
    ended : str
        Why a cell stopped early: its error, or how its kernel was lost.
    running, left : bool
        Whether a process with the probe's mark was seen from outside, while the kernel was alive
        and after its end.
    """

    found: tuple[str, ...] | None
    ended: str
    running: bool
    left: bool


def nothing_found(ran: ProbeRun) -> StateAndReason:
    """Evaluate a probe that must not succeed at anything."""
    if ran.found is None:
        return ProtectionState.UNTRIED, f"the probe broke off: {ran.ended}"
    return (
        (ProtectionState.BROKEN, "; ".join(ran.found)) if ran.found else (ProtectionState.HOLDS, "")
    )


def nothing_found_or_ended(ran: ProbeRun) -> StateAndReason:
    """Evaluate a probe that may also be stopped for using too much memory."""
    return (ProtectionState.HOLDS, "") if "of memory" in ran.ended else nothing_found(ran)


def nothing_found_or_computed(ran: ProbeRun) -> StateAndReason:
    """Evaluate a probe that may also be stopped for computing too long."""
    return (ProtectionState.HOLDS, "") if "computed longer" in ran.ended else nothing_found(ran)


def nothing_left(ran: ProbeRun) -> StateAndReason:
    """Evaluate a probe that leaves a process behind."""
    if not ran.running:
        return ProtectionState.UNTRIED, "the process that was to be left behind was not seen"
    return (
        (ProtectionState.BROKEN, "a process outlived its kernel")
        if ran.left
        else (ProtectionState.HOLDS, "")
    )


@dataclass(frozen=True)
class Probe:
    """A protection, and a cell that tries it.

    Parameters
    ----------
    name : str
    holds : str
        The text to show if it holds.
    source : str
        The cell. It appends to `found` what it could do, for example with
        ``with breach("what"):``. `facts` has what `outside` yields, and the limits.
    afterwards : str
        A cell for another kernel, once the first has ended.
    reads : callable
        Evaluates a `ProbeRun`: returns the state, and the reason unless it holds.
    """

    name: str
    holds: str
    source: str
    afterwards: str = ""
    reads: Callable[[ProbeRun], StateAndReason] = nothing_found


PROBE_OPENING = """
import contextlib, ctypes, fcntl, glob, json, mmap, os, signal, socket, subprocess, sys, threading
import time
facts, found = json.loads({facts!r}), []
folders = sorted({{"/tmp", "/dev/shm", os.environ["TMPDIR"], os.environ["HOME"]}})

@contextlib.contextmanager
def breach(what):
    try:
        yield
    except (OSError, MemoryError, RuntimeError):
        pass
    else:
        found.append(what)

def call(x86_64, aarch64, *arguments):
    number = {{"x86_64": x86_64, "aarch64": aarch64}}[os.uname().machine]
    result = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result
"""
PROBE_CLOSING = "\nprint(json.dumps(found))"

PROBES = (
    Probe(
        "own processes",
        "it sees and signals no process but its own",
        """
for kind, theirs in facts["namespaces"].items():
    with breach(f"it shares the {kind} namespace of the grader"):
        if os.readlink(f"/proc/self/ns/{kind}") != theirs:
            raise OSError
if os.getppid() != 1:
    found.append("its parent is a process of the grader's")
seen = {int(name) for name in os.listdir("/proc") if name.isdigit()}
if others := seen - {1, os.getpid()}:
    found.append(f"it sees {len(others)} processes of others")
""",
    ),
    Probe(
        "no network",
        "no TCP, no UDP, no way out, not even to this machine",
        """
with breach("it connects to a TCP port of this machine"):
    socket.create_connection(("127.0.0.1", facts["tcp"]), 1).close()
def datagrams():
    return socket.socket(type=socket.SOCK_DGRAM)

with breach("it sends to a UDP port of this machine"), datagrams() as line:
    line.connect(("127.0.0.1", facts["udp"]))
    for _ in range(2):  # the second would tell that nobody got the first
        line.send(b"here")
        time.sleep(0.05)
with breach("it has a route to the internet"), datagrams() as line:
    line.connect(("192.0.2.1", 9))
""",
    ),
    Probe(
        "no sockets of others",
        "abstract and named sockets of other programs are out of reach",
        """
for kind, address in facts["sockets"].items():
    with breach(f"it connects to a socket {kind}"), socket.socket(socket.AF_UNIX) as line:
        line.connect(address)
""",
    ),
    Probe(
        "your files",
        "the course, the gradebook, your home and temporary files are not there",
        """
for where, paths in facts["hidden"].items():
    if seen := [path for path in paths if os.path.lexists(path)]:
        found.append(f"it sees {seen[0]} in {where}")
""",
    ),
    Probe(
        "read-only system",
        "system, Python, course and data cannot be changed",
        """
for folder in facts["system"]:
    path = os.path.join(folder, facts["mark"])
    with breach(f"it can write to {folder}"):
        open(path, "x").close()
        os.unlink(path)
""",
    ),
    Probe(
        "fresh folders",
        "home and temporary folders are empty at first, and gone afterwards",
        """
for folder in folders:
    with contextlib.suppress(OSError), open(os.path.join(folder, facts["mark"]), "x"):
        pass
""",
        """
for folder in folders:
    with breach(f"the next kernel finds what one left in {folder}"):
        os.unlink(os.path.join(folder, facts["mark"]))
""",
    ),
    Probe(
        "no privileges",
        "an ordinary user without capabilities, for good; dangerous system calls are refused",
        """
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
    if int(status[name], 16):
        found.append(f"it has capabilities ({name})")
if status["NoNewPrivs"] != "1":
    found.append("a setuid program would give it privileges")
with breach("it is root, or can become it"):
    os.setuid(0)
with breach("it can make a user namespace"):
    child = os.fork()
    if child == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(0x10000000) == 0 else 1)
    if os.waitpid(child, 0)[1]:
        raise OSError
""",
    ),
    Probe(
        "memory",
        "a process cannot take more than its limit",
        """
with breach("a process takes twice the memory allowed"):
    bytearray(2 * facts["memory"] << 20)
""",
        reads=nothing_found_or_ended,
    ),
    Probe(
        "memory of all",
        "processes are counted together",
        """
with breach("three processes together take more memory than allowed"):
    children = []
    for _ in range(3):
        children.append(os.fork())
        if children[-1] == 0:
            block = b"1" * (facts["memory"] // 2 << 20)
            time.sleep(1)
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)
""",
        reads=nothing_found_or_ended,
    ),
    Probe(
        "memory in files",
        "files without a name are counted, or refused",
        """
with breach("files without a name take more memory than allowed"):
    files = []
    for _ in range(2 * facts["memory"] // facts["disk"]):
        files.append(os.memfd_create("left"))
        os.write(files[-1], bytes(facts["disk"] << 20))
    time.sleep(0.8)
""",
        reads=nothing_found_or_ended,
    ),
    Probe(
        "memory shared",
        "memory is shared by files, which are counted, and by nothing else",
        """
with breach("it shares memory without a file"):
    mmap.mmap(-1, 4096).close()
with breach("it shares memory by a device"), open("/dev/zero", "r+b") as zeroes:
    mmap.mmap(zeroes.fileno(), 4096).close()
with breach("it shares memory by segments"):
    segment = call(29, 194, 0, 4096, 0o1600)
    call(31, 195, segment, 0, 0)
""",
    ),
    Probe(
        "memory in sockets",
        "what waits in sockets is counted",
        """
def fill():
    lines = []
    with contextlib.suppress(OSError):
        for _ in range(50):
            lines += socket.socketpair()
            for line in lines[-2:]:
                line.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        line.send(bytes(1 << 16))
    return lines

with breach("what waits in sockets takes more memory than allowed"):
    children = []
    try:
        for _ in range(12):
            ready, tells = os.pipe()
            children.append(os.fork())
            if children[-1] == 0:
                kept = fill()
                os.write(tells, b"1")
                time.sleep(30)
                os._exit(0)
            os.close(tells)
            if not os.read(ready, 1):
                raise MemoryError
            os.close(ready)
        time.sleep(1)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
""",
        reads=nothing_found_or_ended,
    ),
    Probe(
        "memory for addresses",
        "the tables that memory is found by stay small",
        """
with breach("it has tables for far more memory than allowed"):
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
    mmap.mmap(-1, 1 << 36, flags=flags, prot=mmap.PROT_READ).close()
""",
        reads=nothing_found_or_ended,
    ),
    Probe(
        "memory of the system",
        "semaphores, messages, watches and larger pipes are refused",
        """
with breach("it makes semaphores"):
    call(66, 191, call(64, 190, 0, 1, 0o1600), 0, 0)
with breach("it makes a queue of messages"):
    call(71, 187, call(68, 186, 0, 0o1600), 0, 0)
with breach("it watches files"):
    os.close(call(294, 26, 0))
with breach("it asks for the network's devices"):
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
with breach("it makes larger pipes"):
    reads, writes = os.pipe()
    fcntl.fcntl(writes, 1031, 1 << 18)
with breach("it makes larger buffers"), socket.socket(socket.AF_UNIX) as line:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
""",
    ),
    Probe(
        "computing time",
        "processes are counted together, those that have ended, too",
        """
with breach("its processes together compute longer than allowed"):
    children = facts["cpu"] + 1
    for _ in range(children):
        child = os.fork()
        if child == 0:
            while time.process_time() < 1:
                pass
            os._exit(0)
        os.waitpid(child, 0)
    time.sleep(1)
""",
        reads=nothing_found_or_computed,
    ),
    Probe(
        "share of the processors",
        "sessions of its own get it no more of them",
        """
def is_one_for_all():
    groups = [line.split(":", 2) for line in open("/proc/self/cgroup").read().splitlines()]
    return any("course-kernel" in path for _, kinds, path in groups if "cpu" in kinds or not kinds)

says, tells = os.pipe()
if os.fork() == 0:
    os.setsid()
    weighs = "as much"
    end = time.monotonic() + (5 if facts["walls"] else 0)
    while weighs == "as much":
        with contextlib.suppress(OSError):
            if is_one_for_all() or "nice 19" in open("/proc/self/autogroup").read():
                weighs = "less"
        if not os.path.exists("/proc/self/autogroup"):  # the system does not count sessions
            weighs = "less" if facts["walls"] else weighs
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    os.write(tells, weighs.encode())
    os._exit(0)
if os.read(says, 10) != b"less":
    found.append("a session of its own weighs as much as another kernel")
""",
    ),
    Probe(
        "terminals",
        "it has a few of its own, and sees nobody else's",
        """
if others := set(os.listdir("/dev/pts")) - {"ptmx"}:
    found.append(f"it sees {len(others)} terminals of others")
with breach("it takes more terminals than anybody needs"):
    ends = [os.openpty() for _ in range(20)]
""",
    ),
    Probe(
        "processes",
        "processes and threads are limited",
        """
stop = threading.Event()
with breach("it starts more threads than allowed"):
    for _ in range(facts["processes"] + 1):
        threading.Thread(target=stop.wait, daemon=True).start()
stop.set()
""",
    ),
    Probe(
        "open files",
        "open files are limited",
        """
with breach("it opens more files than allowed"), contextlib.ExitStack() as stack:
    for _ in range(facts["open_files"] + 1):
        stack.enter_context(open(os.devnull))
""",
    ),
    Probe(
        "file size",
        "the size of a file is limited",
        """
path = os.path.join(os.environ["HOME"], facts["mark"])
with open(path, "xb") as file, breach("it makes a larger file than allowed"):
    file.truncate((facts["disk"] << 20) + 1)
os.unlink(path)
""",
    ),
    Probe(
        "disk",
        "all folders that can be written have a limit together",
        """
each = facts["disk"] // len(folders) + 1
paths = [
    os.path.join(folder, f"{facts['mark']}-{part}") for folder in folders for part in range(each)
]
try:
    with breach("its folders together hold more than allowed"):
        for path in paths:
            with open(path, "xb") as file:
                file.write(bytes(1 << 20))
finally:
    for path in filter(os.path.exists, paths):
        os.unlink(path)
""",
    ),
    Probe(
        "environment",
        "none of your variables is there",
        """
names = set(os.environ)
for path in glob.glob("/proc/*/environ"):
    with contextlib.suppress(OSError), open(path, errors="replace") as file:
        names |= {part.partition("=")[0] for part in file.read().split("\\0")}
if leaked := names & set(facts["variables"]):
    found.append(f"it reads your variables: {', '.join(sorted(leaked)[:3])}")
""",
    ),
    Probe(
        "nothing left behind",
        "a process that left its session died with its kernel",
        """
sleep = "import time; time.sleep(5)"
subprocess.Popen([sys.executable, "-I", "-S", "-c", sleep, facts["mark"]], start_new_session=True)
""",
        reads=nothing_left,
    ),
)

#: Not a protection, but something that a protected kernel may lack.
DATA_PROBE = Probe(
    "data in a kernel",
    "a kernel finds the data sets that you have",
    """
import importlib
data = importlib.import_module(facts["datasets"])
try:
    missing = {given.name for given in data.fetch_all() if given.path is None}
except Exception as error:
    found.append(f"{type(error).__name__}: {error}")
else:
    found += [f"it finds no file for {name}" for name in facts["data"] if name in missing]
""",
)
