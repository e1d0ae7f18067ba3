"""Which system calls a confined process may not make: a filter for Linux's seccomp.

No notebook needs them, and whoever wants out of a sandbox begins with one of them: they make
namespaces, mount, trace other processes, load code into the system, take memory that no limit
counts, or are known for their bugs.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator

__all__ = ["forbid"]

#: The numbers of the calls, and of `clone`, by machine; from the kernel's own tables.
FORBIDDEN = {
    "x86_64": {
        "shmget": 29,
        "ptrace": 101,
        "pivot_root": 155,
        "chroot": 161,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "init_module": 175,
        "delete_module": 176,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "unshare": 272,
        "perf_event_open": 298,
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
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "chroot": 51,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "ptrace": 117,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "shmget": 194,
        "swapon": 224,
        "perf_event_open": 241,
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
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
CLONE_NEWUSER = 0x10000000
SOCKET = {"x86_64": 41, "aarch64": 198}
#: Families that the network namespace confines; a virtual machine's others reach its host.
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
X32 = 0x40000000

# Instructions of the filter: load a word of the call, compare, return.
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid() -> bool:
    """Forbid this process and its children the calls above, for good; say whether it was possible.

    It is not on machines whose numbers are not known here. The process must have given up gaining
    privileges before.

    Raises
    ------
    OSError
        If the system refuses the filter.
    """
    machine = os.uname().machine
    if machine not in FORBIDDEN:
        return False
    code = b"".join(_instructions(machine))
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"forbidding system calls: {os.strerror(number)}")
    return True


def _instructions(machine: str) -> Iterator[bytes]:
    """Yield the filter: each comparison skips the next instruction if it does not hold."""
    refuse = _instruction(RETURN, ERROR | errno.EPERM)
    yield _instruction(LOAD, ARCHITECTURE_AT)
    yield _instruction(EQUAL, ARCHITECTURE[machine], 1, 0)
    yield _instruction(RETURN, KILL)
    yield _instruction(LOAD, NUMBER_AT)
    if machine == "x86_64":  # the same calls under other numbers
        yield _instruction(AT_LEAST, X32, 0, 1)
        yield refuse
    for number in (*FORBIDDEN[machine].values(), *NEW_FORBIDDEN.values()):
        yield _instruction(EQUAL, number, 0, 1)
        yield refuse
    # The C library falls back to `clone`, whose flags can be looked at.
    yield _instruction(EQUAL, CLONE3, 0, 1)
    yield _instruction(RETURN, ERROR | errno.ENOSYS)
    allow = _instruction(RETURN, ALLOW)
    yield _instruction(EQUAL, CLONE[machine], 0, 4)
    yield _instruction(LOAD, FIRST_ARGUMENT_AT)
    yield _instruction(ANY_BIT, CLONE_NEWUSER, 0, 1)
    yield refuse
    yield allow
    yield _instruction(EQUAL, SOCKET[machine], 0, 2 + 2 * len(FAMILIES))
    yield _instruction(LOAD, FIRST_ARGUMENT_AT)
    for family in FAMILIES:
        yield _instruction(EQUAL, family, 0, 1)
        yield allow
    yield _instruction(RETURN, ERROR | errno.EAFNOSUPPORT)
    yield allow


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
