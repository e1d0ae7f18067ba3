"""The refusal of system calls: each is refused by the filter, and by nothing else."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from nbjudge.fork_server import syscalls

MACHINE = os.uname().machine if sys.platform != "win32" else ""
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or MACHINE not in syscalls.FORBIDDEN,
    reason=f"no filter on {sys.platform} and {MACHINE}",
)
#: What no system call answers by itself.
MARK = 3999
#: Not to be called where nothing refuses it: it would take the privileges of who runs the tests.
NUMBERS = {**syscalls.FORBIDDEN.get(MACHINE, {}), **syscalls.NEW_FORBIDDEN}
#: Arguments that no call accepts: where nothing refuses it, a call says so and does nothing.
NONSENSE = (-1, -1, -1, -1, -1, -1)
HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}
MMAP = {"x86_64": 9, "aarch64": 222}.get(MACHINE, 0)
FCNTL = {"x86_64": 72, "aarch64": 25}.get(MACHINE, 0)
SOCKET = {"x86_64": 41, "aarch64": 198}.get(MACHINE, 0)
SOCKETPAIR = {"x86_64": 53, "aarch64": 199}.get(MACHINE, 0)
SETSOCKOPT = {"x86_64": 54, "aarch64": 208}.get(MACHINE, 0)
CLONE = {"x86_64": 56, "aarch64": 220}.get(MACHINE, 0)
#: The forms of calls that are refused (with the file -1 where a file is asked for), and their
#: neighbours, which are not.
REFUSED = {
    "shared memory without a file": (MMAP, 0, 4096, 3, 0x21, -1, 0),
    "the same, reserved": (MMAP, 0, 4096, 3, 0x4021, -1, 0),
    "huge pages": (MMAP, 0, 4096, 3, 0x40022, -1, 0),
    "a larger pipe": (FCNTL, -1, 1031, 2**20),
    "netlink": (SOCKET, socket.AF_NETLINK if sys.platform == "linux" else 16, 3, 0),
    "a virtual machine's host": (SOCKET, 40, 1, 0),
    "the kernel's cryptography": (SOCKET, 38, 5, 0),
    "a pair of another family": (SOCKETPAIR, 30, 1, 0, 0),
    "a larger buffer": (SETSOCKOPT, -1, 1, 7, 0, 0),
    "a namespace of users": (CLONE, 0x10000000 | 0x80000000, 0, 0, 0, 0),
}
ALLOWED = {
    "memory of its own": (MMAP, 0, 4096, 3, 0x22, -1, 0),
    "a file in memory": (MMAP, 0, 4096, 3, 0x01, -1, 0),
    "flags of a file": (FCNTL, -1, 3, 0),
    "a local socket": (SOCKET, 1, 1, 0),
    "a socket of the internet": (SOCKET, 2, 1, 0),
    "a pair of local sockets": (SOCKETPAIR, 1, 1, 0, 0),
    "another setting": (SETSOCKOPT, -1, 1, 2, 0, 0),
}


def answers(requests: Iterable[tuple[int, ...]], *, error: int | None) -> list[int]:
    """Return the error that each call ends with, in a process with the filter or without (None).

    The process is no longer privileged, as a kernel's are not, and knows no address that is wrong.
    """
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(38, 1, 0, 0, 0)
            if os.getuid() == 0:
                os.setresuid(65534, 65534, 65534)
            if error is not None:
                syscalls.forbid(error)
            found = []
            for number, *given in requests:
                ctypes.set_errno(0)
                libc.syscall(number, *(ctypes.c_long(value) for value in given))
                found.append(ctypes.get_errno())
            os.write(writes, " ".join(map(str, found)).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as told:
        text = told.read()
    os.waitpid(child, 0)
    return [int(word) for word in text.split()]


def test_each_forbidden_call_is_refused_by_the_filter() -> None:
    requests = [(number, *NONSENSE) for number in NUMBERS.values()]

    refused = dict(zip(NUMBERS, answers(requests, error=MARK), strict=True))

    assert refused == dict.fromkeys(NUMBERS, MARK)


def test_without_the_filter_no_call_is_refused_so() -> None:
    requests = [(number, *NONSENSE) for number in NUMBERS.values()]

    free = dict(zip(NUMBERS, answers(requests, error=None), strict=True))

    assert MARK not in free.values()
    # Of these the system does not ask who is asking: nothing but the filter refuses them.
    for name in ("shmget", "semget", "msgget", "io_setup", "inotify_init1", "memfd_create"):
        assert free[name] != errno.EPERM, name


def test_a_kernel_is_told_that_it_is_not_permitted() -> None:
    requests = [(number, *NONSENSE) for number in NUMBERS.values()]

    assert set(answers(requests, error=0)) == {errno.EPERM}


@pytest.mark.parametrize("error", [MARK, 0])
def test_calls_are_refused_for_their_arguments(error: int) -> None:
    told = dict(zip(REFUSED, answers(REFUSED.values(), error=error), strict=True))
    usual = {"huge pages": errno.ENOMEM} | dict.fromkeys(
        (
            "netlink",
            "a virtual machine's host",
            "the kernel's cryptography",
            "a pair of another family",
        ),
        errno.EOPNOTSUPP,
    )

    assert told == {name: error or usual.get(name, errno.EPERM) for name in REFUSED}


def test_the_other_forms_of_these_calls_are_allowed() -> None:
    with_it, without = (answers(ALLOWED.values(), error=error) for error in (MARK, None))

    assert with_it == without
    assert MARK not in with_it


@pytest.mark.parametrize("machine", syscalls.FORBIDDEN)
def test_the_numbers_are_those_of_the_systems_own_tables(machine: str) -> None:
    found = [path for path in map(Path, HEADERS[machine]) if path.exists()]
    if not found:
        pytest.skip("the system's headers are not installed")
    text = found[0].read_text()
    define: Callable[[str], int | None] = lambda name: (  # noqa: E731
        int(match[1]) if (match := re.search(rf"#define __NR_{name}\s+(\d+)", text)) else None
    )
    known = {
        **syscalls.FORBIDDEN[machine],
        **{
            name: number
            for name, number in syscalls.NEW_FORBIDDEN.items()
            if define(name) is not None
        },
    }

    assert {name: define(name) for name in known} == known
