"""A seccomp filter that forbids system calls which notebooks do not need.

These calls are the usual first steps out of a sandbox: they create namespaces, mount, trace other
processes, load code into the system, use memory or other resources that no limit counts, or are
known for their bugs.
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

#: The calls' numbers by machine, from the tables of the Linux kernel.
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
#: Socket families that stay within the sandbox. Others, such as vsock, can reach a VM's host.
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
CLONE_NEWUSER = 0x10000000
MAP_SHARED_ANONYMOUS, MAP_HUGETLB = 0x21, 0x40000
F_SETPIPE_SZ = 1031


class Argument(NamedTuple):
    """A rule that refuses a call because of one of its arguments.

    Parameters
    ----------
    numbers : dict of str to int
        The call's number, by machine.
    place : int
        Index of the argument, from 0.
    mask : int
        The bits of the argument that are compared.
    values : tuple of int
        The values with which the call is refused; if `allows`, the only ones with which it is
        allowed.
    allows : bool
    error : int
        The errno for the caller.
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
    # `clone3` is always refused with ENOSYS. The C library then uses `clone`, whose flags a filter
    # can read.
    "clone into a user namespace": Argument(
        {"x86_64": 56, "aarch64": 220}, 0, CLONE_NEWUSER, (CLONE_NEWUSER,)
    ),
    # This memory is not counted once no process maps it. Sharing memory by a file in a temporary
    # folder, as Python's and PyTorch's own modules do, still works.
    "mmap of shared memory without a file": Argument(
        {"x86_64": 9, "aarch64": 222}, 3, MAP_SHARED_ANONYMOUS, (MAP_SHARED_ANONYMOUS,)
    ),
    "mmap of huge pages": Argument(
        {"x86_64": 9, "aarch64": 222}, 3, MAP_HUGETLB, (MAP_HUGETLB,), error=errno.ENOMEM
    ),
    "fcntl for a larger pipe": Argument(
        {"x86_64": 72, "aarch64": 25}, 1, LOW_WORD, (F_SETPIPE_SZ,)
    ),
    # After this error, programs that list network devices by netlink, as ZeroMQ does, go on.
    "socket": Argument(
        {"x86_64": 41, "aarch64": 198}, 0, LOW_WORD, FAMILIES, True, errno.EOPNOTSUPP
    ),
    "socketpair": Argument(
        {"x86_64": 53, "aarch64": 199}, 0, LOW_WORD, (socket.AF_UNIX,), True, errno.EOPNOTSUPP
    ),
    # SO_SNDBUF and SO_SNDBUFFORCE; other socket options are allowed.
    "setsockopt for a larger buffer": Argument(
        {"x86_64": 54, "aarch64": 208}, 2, LOW_WORD, (socket.SO_SNDBUF, 32)
    ),
}

# BPF instructions of the filter: load a word of the call, mask it, compare, return.
LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
ALLOW, KILL_PROCESS, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid(error: int = 0) -> bool:
    """Forbid this process and its children the calls above, permanently.

    The process must have given up new privileges before.

    Parameters
    ----------
    error : int
        An errno to use for every refusal, so that a test can tell the filter from the system.

    Returns
    -------
    bool
        False on a machine for which the calls' numbers are not listed here.

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
    """Yield the filter's instructions. A comparison says how many to skip if true, and if false."""
    refuse = _refusal_rule(error or errno.EPERM)
    yield _instruction(LOAD, ARCHITECTURE_AT)
    yield _instruction(EQUAL, ARCHITECTURE[machine], 1, 0)
    yield _instruction(RETURN, KILL_PROCESS)
    yield _instruction(LOAD, NUMBER_AT)
    if machine == "x86_64":  # x32 has the same calls under other numbers
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
    """Yield the instructions that check one argument, and then reload the call's number."""
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
