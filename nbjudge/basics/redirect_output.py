"""Send the output of this process and of those that it starts to a file, not the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["redirect_output"]


@contextmanager
def redirect_output(path: str | Path) -> Iterator[None]:
    """Append this process's standard output and error to a file while the block runs.

    Processes started in the block inherit the redirection.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        with Path(path).open("ab") as file:
            for number in kept:
                os.dup2(file.fileno(), number)
        yield
    finally:
        for number, original in kept.items():
            os.dup2(original, number)
            os.close(original)
