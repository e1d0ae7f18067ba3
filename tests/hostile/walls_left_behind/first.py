import os
import signal
import subprocess
import time

IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
for _ in range(3):
    if os.fork() == 0:  # a daemon, by the book
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        os.chdir("/")
        os.closerange(0, 200)
        time.sleep(600)
        os._exit(0)
if os.fork() == 0:  # one that is stopped
    os.setsid()
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
subprocess.Popen(["nohup", "sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
subprocess.Popen("setsid sleep 600 & (trap '' HUP TERM; sleep 600) &", shell=True)
