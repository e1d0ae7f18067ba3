import ctypes
import fcntl
import mmap
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
MACHINE = os.uname().machine
SPACE = ctypes.create_string_buffer(4096)


def made(x86_64, aarch64, *arguments):
    """Make a system call by its number, which succeeds where nothing refuses it."""
    result = libc.syscall({"x86_64": x86_64, "aarch64": aarch64}[MACHINE], *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


def try_semaphores():
    return made(64, 190, 0, 1, 0o1600)


def try_messages():
    return made(68, 186, 0, 0o1600)


def try_watches():
    return made(294, 26, 0)


def try_asynchronous_reading():
    return made(206, 0, 1, ctypes.byref(ctypes.c_ulong()))


def try_devices_of_the_network():
    return made(41, 198, socket.AF_NETLINK, socket.SOCK_RAW, 0)


def try_larger_pipes():
    reads, writes = os.pipe()
    try:
        return fcntl.fcntl(writes, 1031, 2**20)
    finally:
        os.close(reads)
        os.close(writes)


def try_larger_buffers():
    with socket.socket(socket.AF_UNIX) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
    return True


def try_shared_memory_without_a_file():
    return mmap.mmap(-1, 4096)


def try_shared_memory_of_a_device():
    with open("/dev/zero", "r+b") as zeroes:
        return mmap.mmap(zeroes.fileno(), 4096)
