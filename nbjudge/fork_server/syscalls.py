"""Which system calls a confined process may not make: a filter for Linux's seccomp.

No notebook needs them, and whoever wants out of a sandbox begins with one of them: they make
namespaces, mount, trace other processes, load code into the system, take memory or means of the
machine's that no limit counts, or are known for their bugs.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["ARGUMENT_RULES", "FORBIDDEN", "NEW_FORBIDDEN", "forbid"]

#: The numbers of the calls by machine; from the kernel's own tables.
FORBIDDEN = {
    "x86_64": {
        "shmget": 29,
        "semget": 64,
        "msgget": 68,
        "ptrace": 101,
        "pivot_root": 155,
        "chroot": 161,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "init_module": 175,
        "delete_module": 176,
        "io_setup": 206,
        "mq_open": 240,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "inotify_init": 253,
        "unshare": 272,
        "vmsplice": 278,
        "inotify_init1": 294,
        "perf_event_open": 298,
        "fanotify_init": 300,
        "open_by_handle_at": 304,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "finit_module": 313,
        "memfd_create": 319,
        "bpf": 321,
        "userfaultfd": 323,
    },
    "aarch64": {
        "io_setup": 0,
        "inotify_init1": 26,
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "chroot": 51,
        "vmsplice": 75,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "ptrace": 117,
        "mq_open": 180,
        "msgget": 186,
        "semget": 190,
        "shmget": 194,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "perf_event_open": 241,
        "fanotify_init": 262,
        "open_by_handle_at": 265,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "finit_module": 273,
        "memfd_create": 279,
        "bpf": 280,
        "userfaultfd": 282,
    },
}
#: Calls of this age have one number everywhere.
NEW_FORBIDDEN = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "mount_setattr": 442,
    "memfd_secret": 447,
}
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE3 = 435
X32 = 0x40000000
#: Families of sockets that stay within the sandbox; a virtual machine's others reach its host.
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
CLONE_NEWUSER = 0x10000000
MAP_SHARED_ANONYMOUS, MAP_HUGETLB = 0x21, 0x40000
F_SETPIPE_SZ = 1031


class Argument(NamedTuple):
    """A call that is refused for one of its arguments.

    Parameters
    ----------
    numbers : dict of str to int
        Of the call, by machine.
    place : int
        Of the argument, from 0.
    mask, values : int, tuple of int
        What is looked at of it, and with which of these values the call is refused; or with which
        alone it is allowed.
    allows : bool
    error : int
        What the caller is told.
    """

    numbers: dict[str, int]
    place: int
    mask: int
    values: tuple[int, ...]
    allows: bool = False
    error: int = errno.EPERM


LOW_WORD = 0xFFFFFFFF
#: Calls that notebooks need, but not in every form.
ARGUMENT_RULES = {
    # The C library falls back to `clone`, whose flags can be looked at, for `clone3` is refused.
    "clone into a user namespace": Argument(
        {"x86_64": 56, "aarch64": 220}, 0, CLONE_NEWUSER, (CLONE_NEWUSER,)
    ),
    # Nobody counts this memory once it is no longer in any process. Who shares memory by a file in
    # a temporary folder, as Python's and PyTorch's own modules do, can go on.
    "mmap of shared memory without a file": Argument(
        {"x86_64": 9, "aarch64": 222}, 3, MAP_SHARED_ANONYMOUS, (MAP_SHARED_ANONYMOUS,)
    ),
    "mmap of huge pages": Argument(
        {"x86_64": 9, "aarch64": 222}, 3, MAP_HUGETLB, (MAP_HUGETLB,), error=errno.ENOMEM
    ),
    "fcntl for a larger pipe": Argument(
        {"x86_64": 72, "aarch64": 25}, 1, LOW_WORD, (F_SETPIPE_SZ,)
    ),
    # Who asks for the network's devices by netlink, as ZeroMQ does, does without after this error.
    "socket": Argument(
        {"x86_64": 41, "aarch64": 198}, 0, LOW_WORD, FAMILIES, True, errno.EOPNOTSUPP
    ),
    "socketpair": Argument(
        {"x86_64": 53, "aarch64": 199}, 0, LOW_WORD, (socket.AF_UNIX,), True, errno.EOPNOTSUPP
    ),
    # A larger buffer for what is sent; other settings of sockets are fine.
    "setsockopt for a larger buffer": Argument(
        {"x86_64": 54, "aarch64": 208}, 2, LOW_WORD, (socket.SO_SNDBUF, 32)
    ),
}

# Instructions of the filter: load a word of the call, take some bits, compare, return.
LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
ALLOW, KILL_PROCESS, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid(error: int = 0) -> bool:
    """Forbid this process and its children the calls above, for good; say whether it was possible.

    It is not on machines whose numbers are not known here. The process must have given up gaining
    privileges before.

    Parameters
    ----------
    error : int
        What callers are told instead of the usual, by which a test knows this filter's word from
        the system's.

    Raises
    ------
    OSError
        If the system refuses the filter.
    """
    machine = os.uname().machine
    if machine not in FORBIDDEN:
        return False
    code = b"".join(_instructions(machine, error))
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"forbidding system calls: {os.strerror(number)}")
    return True


def _instructions(machine: str, error: int) -> Iterator[bytes]:
    """Yield the filter: a comparison that does not hold skips as many instructions as it says."""
    refuse = _refusal_rule(error or errno.EPERM)
    yield _instruction(LOAD, ARCHITECTURE_AT)
    yield _instruction(EQUAL, ARCHITECTURE[machine], 1, 0)
    yield _instruction(RETURN, KILL_PROCESS)
    yield _instruction(LOAD, NUMBER_AT)
    if machine == "x86_64":  # the same calls under other numbers
        yield _instruction(AT_LEAST, X32, 0, 1)
        yield refuse
    for number in (*FORBIDDEN[machine].values(), *NEW_FORBIDDEN.values()):
        yield _instruction(EQUAL, number, 0, 1)
        yield refuse
    yield _instruction(EQUAL, CLONE3, 0, 1)
    yield _refusal_rule(errno.ENOSYS)
    for rule in ARGUMENT_RULES.values():
        looks = b"".join(_look(rule, _refusal_rule(error or rule.error)))
        yield _instruction(EQUAL, rule.numbers[machine], 0, len(looks) // 8)
        yield looks
    yield _instruction(RETURN, ALLOW)


def _look(rule: Argument, refuse: bytes) -> Iterator[bytes]:
    """Yield what looks at one argument, and then at the call's number again."""
    found = _instruction(RETURN, ALLOW) if rule.allows else refuse
    yield _instruction(LOAD, ARGUMENTS_AT + 8 * rule.place)
    yield _instruction(AND, rule.mask)
    for value in rule.values:
        yield _instruction(EQUAL, value, 0, 1)
        yield found
    if rule.allows:
        yield refuse
    yield _instruction(LOAD, NUMBER_AT)


def _refusal_rule(error: int) -> bytes:
    return _instruction(RETURN, ERROR | error)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
