import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


def try_user():
    os.setuid(0)
    return os.getuid() == 0


def try_all_users():
    os.setresuid(0, 0, 0)
    return True


def try_group():
    os.setgid(0)
    return os.getgid() == 0


def try_groups():
    os.setgroups([0])
    return True


def try_capabilities():
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    return called(libc.capset(header, (ctypes.c_uint32 * 6)(*[2**32 - 1] * 6)))


def try_ambient():
    return any(libc.prctl(47, 2, number, 0, 0) == 0 for number in range(41))


def try_to_keep_them():
    return called(libc.prctl(28, 0x2F, 0, 0, 0))


def try_new_privileges():
    libc.prctl(38, 0, 0, 0, 0)
    return libc.prctl(39, 0, 0, 0, 0) == 0


def try_what_it_has():
    with open("/proc/self/status") as status:
        return any(int(line.split()[1], 16) for line in status if line.startswith("Cap"))


def try_who_it_is():
    return 0 in (*os.getresuid(), *os.getresgid(), *os.getgroups())
