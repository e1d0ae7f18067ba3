import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


import shutil
import subprocess

KINDS = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)


def in_a_child(task):
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if task() else 1)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def try_each():
    return any(in_a_child(lambda kind=kind: libc.unshare(kind) == 0) for kind in KINDS)


def try_with_users():
    return any(in_a_child(lambda kind=kind: libc.unshare(0x10000000 | kind) == 0) for kind in KINDS)


def try_clone():
    number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    child = libc.syscall(number, 0x10000000 | 17, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return called(child)


def try_the_newer_clone():
    arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
    child = libc.syscall(435, arguments, 88)
    if child == 0:
        os._exit(0)
    return called(child)


def try_to_enter():
    for name in ("mnt", "pid", "net", "user"):
        with open(f"/proc/1/ns/{name}") as space:
            if libc.setns(space.fileno(), 0) == 0:
                return True
    return False


def try_programs():
    commands = (["unshare", "-Ur", "true"], ["bwrap", "--bind", "/", "/", "true"])
    return any(
        subprocess.run(command, capture_output=True).returncode == 0
        for command in commands
        if shutil.which(command[0])
    )
