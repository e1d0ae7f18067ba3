import os
from pathlib import Path


def try_a_known_file():
    return Path(SECRET).read_bytes()


def try_home():
    return [
        name for name in (".bashrc", ".profile", ".ssh", ".config") if Path(HOME, name).exists()
    ]


def try_passwords():
    return Path("/etc/shadow").read_bytes()


def try_other_folders():
    return [
        name
        for name in ("boot", "mnt", "opt", "run", "srv", "sys", "var")
        if Path("/", name).exists()
    ]


def try_other_rooms():
    return os.listdir("/rooms")


def try_temporary_files():
    return any(name.startswith("pytest") for name in os.listdir("/tmp"))


def try_memory_of_the_system():
    return any(os.access(place, os.R_OK) for place in ("/dev/mem", "/dev/kmem", "/proc/kcore"))
