import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
libc.ptrace.restype = ctypes.c_long


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True


def try_attach():
    return called(libc.ptrace(16, 1, None, None))


def try_seize():
    return called(libc.ptrace(0x4206, 1, None, None))


def try_memory():
    return open("/proc/1/mem", "r+b")


def try_read():
    space = ctypes.create_string_buffer(16)
    here = (ctypes.c_size_t * 2)(ctypes.addressof(space), 16)
    return called(libc.process_vm_readv(1, here, 1, here, 1, 0))


def try_write():
    space = ctypes.create_string_buffer(16)
    here = (ctypes.c_size_t * 2)(ctypes.addressof(space), 16)
    return called(libc.process_vm_writev(1, here, 1, here, 1, 0))


def try_its_files():
    return os.listdir("/proc/1/fd") or os.listdir("/proc/1/root")
