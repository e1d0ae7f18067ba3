import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


SPACE = ctypes.create_string_buffer(4096)


def refused(*numbers):
    """Return the calls, of one number on every machine, that are not refused for who asks."""
    found = []
    for number in numbers:
        ctypes.set_errno(0)
        libc.syscall(number, 1, SPACE, 0, 0, 0)
        if ctypes.get_errno() not in (1, 13, 38):
            found.append(number)
    return found


def try_rings():
    return refused(425)


def try_new_mounts():
    return refused(428, 429, 430, 432, 433, 442)


def try_programs_for_the_system():
    number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
    return called(libc.syscall(number, 0, SPACE, 48))


def try_counters():
    number = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
    return called(libc.syscall(number, SPACE, 0, -1, -1, 0))


def try_faults():
    number = {"x86_64": 323, "aarch64": 282}[os.uname().machine]
    return called(libc.syscall(number, 1))


def try_modules():
    number = {"x86_64": 175, "aarch64": 105}[os.uname().machine]
    return called(libc.syscall(number, SPACE, 16, b""))


def try_handles():
    number = {"x86_64": 304, "aarch64": 265}[os.uname().machine]
    return called(libc.syscall(number, -100, SPACE, 0))
