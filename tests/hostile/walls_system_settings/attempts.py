import os
import socket
import time
from pathlib import Path

SETTINGS = {
    "/proc/sys/kernel/core_pattern": "|/tmp/mine",
    "/proc/sys/vm/drop_caches": "1",
    "/proc/sys/vm/overcommit_memory": "1",
    "/proc/sys/kernel/hostname": "mine",
    "/proc/sysrq-trigger": "h",
    "/proc/sys/fs/binfmt_misc/register": ":mine:M::mine::/tmp/mine:",
    "/proc/irq/default_smp_affinity": "1",
}


def try_settings():
    done = []
    for place, value in SETTINGS.items():
        try:
            Path(place).write_text(value)
            done.append(place)
        except OSError:
            pass
    return done


def try_clock():
    time.clock_settime(time.CLOCK_REALTIME, time.time())
    return True


def try_name():
    socket.sethostname("mine")
    return True


def try_to_be_first():
    os.nice(-1)
    return True


def try_real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return True


def try_to_be_spared():
    Path("/proc/self/oom_score_adj").write_text("-1000")
    return True


def try_system_log():
    import ctypes

    return ctypes.CDLL(None).klogctl(3, ctypes.create_string_buffer(100), 100) > 0
