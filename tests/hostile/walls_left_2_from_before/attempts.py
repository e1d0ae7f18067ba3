import builtins
import ctypes
import os
import socket
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)
NOTE = "left-for-the-next"


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


def try_files():
    tops = (
        os.environ["HOME"],
        os.getcwd(),
        "/tmp",
        "/var/tmp",
        "/dev",
        "/home",
        "/course",
        "/line",
        "/rooms",
        "/cache",
        "/data",
        "/root",
    )
    return [
        os.path.join(folder, name)
        for top in (*tops, "/usr/local/share", "/usr/src")
        for folder, folders, names in os.walk(top)
        for name in names
        if name in (NOTE, "left.py", "left.pth")
    ]


def try_memory():
    return called(libc.shmget(4711, 4096, 0))


def try_semaphores():
    return called(libc.semget(4711, 1, 0))


def try_queues():
    return called(libc.msgget(4711, 0))


def try_keys():
    return NOTE in Path("/proc/keys").read_text()


def try_sockets():
    with socket.socket(socket.AF_UNIX) as line:
        line.connect("\0" + NOTE)
    return True


def try_start_up():
    return hasattr(builtins, "left") or "PYTHONSTARTUP" in os.environ


def try_processes():
    return any(
        b"sleep" in Path(f"/proc/{number}/cmdline").read_bytes()
        for number in os.listdir("/proc")
        if number.isdigit()
    )
