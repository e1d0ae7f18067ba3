import contextlib
import ctypes
import os
import socket
import subprocess
from pathlib import Path

libc = ctypes.CDLL(None)
NOTE = "left-for-the-next"
for folder in (
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/dev",
    "/home",
    "/course",
    "/line",
    "/rooms",
    "/usr/local/share",
    "/usr/src",
    "/cache",
    "/data",
    "/root",
    os.environ["HOME"],
    os.environ["MPLCONFIGDIR"],
    os.environ["IPYTHONDIR"],
    os.getcwd(),
):
    with contextlib.suppress(OSError):
        Path(folder, NOTE).write_text(NOTE)
libc.shmget(4711, 4096, 0o1666)
libc.semget(4711, 1, 0o1666)
libc.msgget(4711, 0o1666)
with contextlib.suppress(OSError):
    libc.syscall(248, b"user", NOTE.encode(), b"note", 4, -4)
listener = socket.socket(socket.AF_UNIX)
listener.bind("\0" + NOTE)
listener.listen()

HOME_FILES = {
    ".local/lib/python3.11/site-packages/usercustomize.py": "import builtins; builtins.left = 1",
    ".local/lib/python3.11/site-packages/left.pth": "import builtins; builtins.left = 1",
    ".local/share/jupyter/kernels/course-grading/kernel.json": "{}",
    ".ipython/profile_default/startup/left.py": "import builtins; builtins.left = 1",
    "ipython/profile_default/startup/left.py": "import builtins; builtins.left = 1",
    ".jupyter/jupyter_config.py": "raise SystemExit",
    ".config/matplotlib/matplotlibrc": "backend: left",
    "matplotlib/matplotlibrc": "backend: left",
    ".bashrc": "exit 1",
    ".profile": "exit 1",
}
for name, text in HOME_FILES.items():
    for home in (os.environ["HOME"], os.getcwd(), "/root", "/tmp"):
        with contextlib.suppress(OSError):
            Path(home, name).parent.mkdir(parents=True, exist_ok=True)
            Path(home, name).write_text(text)
os.environ["PYTHONSTARTUP"] = "/tmp/left.py"
subprocess.Popen(["sleep", "600"], start_new_session=True)
