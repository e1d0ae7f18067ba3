import signal
import time

signal.signal(signal.SIGINT, signal.SIG_IGN)


def total(numbers):
    return sum(numbers)


while True:
    time.sleep(1)
