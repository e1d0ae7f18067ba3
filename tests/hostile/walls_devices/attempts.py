import os
import stat
from pathlib import Path


def try_memory_node():
    os.mknod("/tmp/memory", stat.S_IFCHR | 0o666, os.makedev(1, 1))
    return os.open("/tmp/memory", os.O_RDONLY)


def try_null_node():
    os.mknod("/tmp/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    return True


def try_disks():
    lines = Path("/proc/partitions").read_text().split("\n")[2:]
    for major, minor, _, name in (line.split() for line in lines if line):
        try:
            os.mknod(f"/tmp/{name}", stat.S_IFBLK | 0o666, os.makedev(int(major), int(minor)))
            return os.open(f"/tmp/{name}", os.O_RDONLY)
        except OSError:
            pass
    return False


def try_what_is_there():
    known = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
    return [
        path.name
        for path in Path("/dev").iterdir()
        if path.name not in known and not path.is_symlink() and not path.is_dir()
    ]


def try_a_terminal():
    return os.open("/dev/tty", os.O_RDWR)
