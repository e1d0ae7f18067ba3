import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


def try_tmpfs():
    return called(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))


def try_proc():
    return called(libc.mount(b"proc", b"/proc", b"proc", 0, None))


def try_to_make_writable():
    remount_bind = 32 | 4096
    places = (b"/", b"/usr", b"/course", b"/rooms", b"/line")
    return any(libc.mount(b"none", place, None, remount_bind, None) == 0 for place in places)


def try_bind():
    return called(libc.mount(b"/tmp", b"/course", None, 4096, None))


def try_to_uncover():
    return any(libc.umount2(place, 2) == 0 for place in (b"/rooms", b"/tmp", b"/proc", b"/line"))


def try_another_root():
    return called(libc.chroot(b"/tmp"))


def try_to_pivot():
    return called(libc.pivot_root(b"/tmp", b"/tmp"))
