import os

SIZE = 50 * 2**20


def try_write():
    with open("/tmp/large", "wb") as file:
        return file.write(bytes(SIZE)) == SIZE and os.path.getsize("/tmp/large") == SIZE


def try_stretch():
    with open("/tmp/long", "wb") as file:
        file.truncate(SIZE)
    return True


def try_reserve():
    with open("/tmp/reserved", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, SIZE)
    return True


def try_by_a_child():
    import subprocess

    subprocess.run(
        ["dd", "if=/dev/zero", "of=/dev/shm/large", "bs=1M", "count=50"], capture_output=True
    )
    return os.path.getsize("/dev/shm/large") >= SIZE
