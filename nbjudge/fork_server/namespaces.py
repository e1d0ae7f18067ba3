"""Linux namespaces, mounts, limits and privileges, as far as the standard library lacks them.

Each function is a few system calls, with a readable error.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path

__all__ = [
    "bind",
    "die_with_parent",
    "give_up_privileges",
    "limit",
    "make_private",
    "mount_proc",
    "mount_terminals",
    "mount_tmpfs",
    "seal",
    "unshare",
]

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
LAST_CAPABILITY = 63
RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE = 11, 12
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)


def _check_result(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(*, with_users: bool) -> None:
    """Enter new namespaces; only the children of this process enter the new PID namespace.

    Parameters
    ----------
    with_users : bool
        Whether to make a user namespace first. Without root, the others are impossible without it.
    """
    user, group = os.getuid(), os.getgid()
    if with_users:
        _check_result(_libc.unshare(NEWUSER), "a user namespace")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _check_result(_libc.unshare(NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS), "namespaces")


def make_private() -> None:
    """Keep this namespace's mounts from propagating to others."""
    _mount("none", "/", "", MS_REC | MS_PRIVATE)


def mount_tmpfs(place: str, megabytes: int, *, mode: str = "755") -> None:
    """Mount an empty file system in memory, of at most so many megabytes."""
    options = f"size={megabytes}m,nr_inodes=20000,mode={mode}"
    _mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, options)


def mount_proc() -> None:
    """Mount /proc for this namespace; an empty folder if that is not allowed."""
    try:
        _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError:
        mount_tmpfs("/proc", 1)


def mount_terminals(place: str, most: int) -> None:
    """Mount at most `most` pseudo-terminals for this namespace; none if that is not allowed."""
    options = f"newinstance,ptmxmode=0666,mode=600,max={most}"
    try:
        _mount("devpts", place, "devpts", MS_NOSUID | MS_NOEXEC, options)
    except OSError:
        mount_tmpfs(place, 1)
        seal(place)


def bind(source: str, place: str) -> None:
    """Bind-mount a file or a folder, with all mounts in it, at another place."""
    _mount(source, place, "", MS_BIND | MS_REC)


def seal(place: str) -> None:
    """Make a mount read-only."""
    _mount("none", place, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _mount(source: str, place: str, kind: str, flags: int, options: str = "") -> None:
    arguments = (source.encode(), place.encode(), kind.encode() or None)
    _check_result(_libc.mount(*arguments, flags, options.encode() or None), f"mounting {place}")


def die_with_parent() -> None:
    """Have Linux kill this process when its parent ends."""
    _check_result(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "dying with the parent")


def give_up_privileges(user: int | None) -> None:
    """Become an ordinary user without capabilities; this cannot be undone.

    Parameters
    ----------
    user : int, optional
        The user and group id to switch to; None keeps the current ones.
    """
    for capability in range(LAST_CAPABILITY + 1):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _check_result(_libc.capset(header, (ctypes.c_uint32 * 6)()), "giving up capabilities")
    _check_result(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "giving up new privileges")


def limit(
    *,
    cpu_seconds: int,
    data_bytes: int,
    address_bytes: int,
    processes: int,
    open_files: int,
    file_bytes: int,
) -> None:
    """Limit what this process and each of its children may use."""
    # The soft limit sends SIGXCPU, which shows the cause; the hard limit kills.
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 5)
    for kind, most in (
        (resource.RLIMIT_DATA, data_bytes),
        (resource.RLIMIT_AS, address_bytes),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
        # These two use memory of the system: pending signals and timers, and message queues.
        (RLIMIT_SIGPENDING, 1000),
        (RLIMIT_MSGQUEUE, 0),
    ):
        _lower(kind, most, most)


def _lower(kind: int, soft: int, hard: int) -> None:
    """Set a limit, or keep a lower one: only root could raise it."""
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))
