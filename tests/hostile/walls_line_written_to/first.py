import contextlib
import os

for number in range(3, 200):
    for _ in range(100):
        with contextlib.suppress(OSError):
            os.set_blocking(number, False)
            os.write(number, os.urandom(1000))
