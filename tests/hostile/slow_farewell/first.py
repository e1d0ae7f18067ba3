import atexit
import signal
import time

atexit.register(time.sleep, 1000)
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
get_ipython().kernel.do_shutdown = lambda restart: time.sleep(1000)
