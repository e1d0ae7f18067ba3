import contextlib
import os
import signal
from pathlib import Path

# Where it is alone: elsewhere this would be the machine's own.
assert b"start.py" in Path("/proc/1/cmdline").read_bytes()


def try_signals():
    # Who may signal it is not yet who ends it: that would cost this kernel.
    for number in set(signal.Signals) - {signal.SIGINT, signal.SIGCHLD}:
        with contextlib.suppress(OSError):
            os.kill(1, number)
    return not Path("/proc/1").exists()


def try_limits():
    import resource

    return resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0))


def try_priority():
    os.setpriority(os.PRIO_PROCESS, 1, -10)
    return True


def try_to_be_spared():
    with open("/proc/1/oom_score_adj", "w") as file:
        file.write("1000")
    return True
