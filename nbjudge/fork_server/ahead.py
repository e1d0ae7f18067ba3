"""Import a course's modules once in the fork server, for all kernels that it forks.

Only modules qualify that behave the same whenever they are imported, and that start no threads or
processes.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

__all__ = ["import_ahead", "worth_importing"]

#: Libraries that many notebooks use and that are slow to import. pytest is left out, since some
#: libraries behave differently if it is imported.
LIBRARIES = frozenset(
    {
        *("PIL", "bs4", "cycler", "dateutil", "hypothesis", "imageio", "jsonschema", "lxml"),
        *("matplotlib", "mpl_toolkits", "networkx", "numexpr", "numpy", "pandas", "pandera"),
        *("patsy", "pytz", "requests", "scipy", "seaborn", "skimage", "sklearn"),
        *("sortedcontainers", "statsmodels", "sympy", "tabulate", "tqdm", "xarray", "yaml"),
    }
)
#: Modules of the standard library that print something, need a screen, or have side effects.
ODD = frozenset(
    {
        *("__future__", "__main__", "antigravity", "idlelib", "readline", "site", "test"),
        *("this", "tkinter", "turtle", "turtledemo"),
    }
)
#: Seconds that importing may take, and how many modules are tried.
IMPORT_SECONDS, MOST_MODULES = 60, 100


def worth_importing(names: Iterable[str], texts: Iterable[str] = ()) -> tuple[str, ...]:
    """Return those of the modules that notebooks import which a fork server may import ahead.

    Parameters
    ----------
    names : iterable of str
        Full names of modules; other names do no harm.
    texts : iterable of str
        The texts of the course's cells. A module is left out if they mention a file of its name,
        which a notebook may write; all are left out if they mention `sys.modules` or `meta_path`.

    Examples
    --------
    >>> worth_importing(["pandas", "queue", "this", "unittest.mock"], ["%%writefile queue.py"])
    ('pandas', 'unittest.mock')
    >>> worth_importing(["pandas"], ["assert 'pandas' not in sys.modules"])
    ()
    """
    said = "\n".join(texts)
    if "sys.modules" in said or "meta_path" in said:
        return ()
    known = LIBRARIES | (sys.stdlib_module_names - ODD)
    tops = {name: name.partition(".")[0] for name in names}
    return tuple(
        sorted(name for name, top in tops.items() if top in known and f"{top}.py" not in said)
    )[:MOST_MODULES]


def import_ahead(names: Iterable[str], threads: Callable[[], int]) -> bool:
    """Import modules, unless a trial in a child process crashes, hangs or starts threads.

    Parameters
    ----------
    names : iterable of str
        Modules that cannot be imported are ignored.
    threads : callable
        Counts this process's threads.

    Returns
    -------
    bool
        Whether anything was imported.
    """
    new = [name for name in names if name not in sys.modules]
    if not new or not _can_import(new, threads):
        return False
    _import(new)
    return True


def _can_import(names: Iterable[str], threads: Callable[[], int]) -> bool:
    reads, writes = os.pipe()
    if os.fork() == 0:
        try:
            os.close(reads)
            signal.alarm(IMPORT_SECONDS)
            _import(names)
            if threads() == 1:
                os.write(writes, b"1")
        finally:
            os._exit(0)
    os.close(writes)
    try:
        return os.read(reads, 1) == b"1"
    finally:
        os.close(reads)


def _import(names: Iterable[str]) -> None:
    for name in names:
        # A library that fails here will fail again in the notebook that needs it.
        with suppress(Exception):
            importlib.import_module(name)
