import os
import time


def is_of_a_group(group):
    """Say whether the kernel's processes share what one of them would have, whatever they are."""
    lines = [line.split(":", 2) for line in group.splitlines()]
    return any(
        "course-kernel" in path for _, kinds, path in lines if not kinds or "cpu" in kinds.split(",")
    )


def try_another_share_of_the_processors():
    says, tells = os.pipe()
    if os.fork() == 0:
        os.setsid()
        end, weighs_less = time.monotonic() + 2, False
        while not weighs_less and time.monotonic() < end:
            with open("/proc/self/cgroup") as group, open("/proc/self/autogroup") as session:
                weighs_less = is_of_a_group(group.read()) or session.read().endswith("nice 19\n")
            time.sleep(0.02)
        os.write(tells, b"less" if weighs_less else b"full")
        os._exit(0)
    return os.read(says, 4) == b"full"
