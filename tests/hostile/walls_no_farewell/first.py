import atexit
import os
import signal
import threading
import time


class Clinging:
    def __del__(self):
        time.sleep(600)


def stay(*_):
    while True:
        time.sleep(600)


clinging = Clinging()
atexit.register(stay)
threading.Thread(target=stay).start()
os.register_at_fork(before=lambda: None)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
    signal.signal(number, stay)
lock = threading.Lock()
lock.acquire()
atexit.register(lock.acquire)
