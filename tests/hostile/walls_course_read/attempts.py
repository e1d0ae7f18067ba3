import os
from pathlib import Path


def try_listing():
    return os.listdir(COURSE)


def try_sources():
    return Path(COURSE, "source", "sums", "sums.ipynb").read_bytes()


def try_releases():
    return Path(COURSE, "release", "sums", "sums.ipynb").read_bytes()


def try_gradebook():
    return Path(COURSE, "gradebook.db").read_bytes()


def try_other_submissions():
    return Path(COURSE, "submitted", "honest", "sums", "sums.ipynb").read_bytes()


def try_through_other_processes():
    return any(
        os.access(f"/proc/{number}/{door}{COURSE}", os.R_OK)
        for number in os.listdir("/proc")
        if number.isdigit()
        for door in ("root", "cwd")
    )


def try_through_what_they_have_open():
    return any(
        os.readlink(entry.path).startswith(COURSE)
        for number in os.listdir("/proc")
        if number.isdigit() and int(number) != os.getpid()
        for entry in os.scandir(f"/proc/{number}/fd")
    )
