import array
import os
import socket
import stat

ALLOWED = (os.environ["HOME"], "/tmp/", "/dev/null", "/course/", "/usr/")


def descriptors():
    for name in os.listdir("/proc/self/fd"):
        try:
            yield int(name), os.fstat(int(name)), os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            pass


def try_files():
    return [
        place
        for _, found, place in descriptors()
        if stat.S_ISREG(found.st_mode) and not place.startswith(ALLOWED)
    ]


def try_folders():
    # The one that lists the open files themselves has the name of a process.
    return [
        place
        for _, found, place in descriptors()
        if stat.S_ISDIR(found.st_mode) and not place.startswith("/proc/")
    ]


def try_leashes():
    found = []
    for number, status, _ in descriptors():
        if stat.S_ISSOCK(status.st_mode):
            line = socket.socket(fileno=os.dup(number))
            if line.family == socket.AF_UNIX and line.type == socket.SOCK_SEQPACKET:
                found.append(number)
            line.close()
    return found


def try_to_fork_a_kernel():
    for number, status, _ in descriptors():
        if stat.S_ISSOCK(status.st_mode):
            line = socket.socket(fileno=os.dup(number))
            if line.type == socket.SOCK_SEQPACKET:
                given = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [number]))]
                line.sendmsg([b"{}"], given)
                return True
    return False
