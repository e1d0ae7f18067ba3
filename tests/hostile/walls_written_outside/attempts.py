import os
import site
import sys
from pathlib import Path


def writes(*places):
    done = []
    for place in places:
        try:
            Path(place, MARKER).write_text("here")
            done.append(place)
        except OSError:
            pass
    return done


def try_course():
    return writes(COURSE, f"{COURSE}/source", f"{COURSE}/submitted", HOME)


def try_what_kernels_read():
    return writes("/course", "/course/nbjudge", "/data", "/cache", "/rooms", "/line")


def try_python():
    return writes(sys.prefix, sys.base_prefix, *(path for path in sys.path if path), *site.PREFIXES)


def try_system():
    return writes("/", "/usr", "/usr/bin", "/usr/lib", "/etc", "/root", "/var/tmp", "/run", "/sys")


def try_folders_that_hide_others():
    return writes("/usr/local/share", "/usr/src", "/dev", "/dev/pts", "/proc", "/home/..")


def try_to_make_room():
    os.chmod("/course", 0o777)
    return writes("/course")
