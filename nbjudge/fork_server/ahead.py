"""Modules that a course's notebooks import: a fork server imports them once, for all its kernels.

Only such as are known to be the same whenever they are imported, and to start nothing.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress

__all__ = ["import_ahead", "worth_importing"]

#: Libraries that many notebooks use, and that take long to import. Not pytest: by its being there
#: others know that they are tested, and some then do otherwise.
LIBRARIES = frozenset(
    {
        *("PIL", "bs4", "cycler", "dateutil", "hypothesis", "imageio", "jsonschema", "lxml"),
        *("matplotlib", "mpl_toolkits", "networkx", "numexpr", "numpy", "pandas", "pandera"),
        *("patsy", "pytz", "requests", "scipy", "seaborn", "skimage", "sklearn"),
        *("sortedcontainers", "statsmodels", "sympy", "tabulate", "tqdm", "xarray", "yaml"),
    }
)
#: Modules of Python's own that show something, need a screen, or bind what a notebook may not have.
ODD = frozenset(
    {
        *("__future__", "__main__", "antigravity", "idlelib", "readline", "site", "test"),
        *("this", "tkinter", "turtle", "turtledemo"),
    }
)
#: Seconds that importing may take, and how many modules are tried.
IMPORT_SECONDS, MOST_MODULES = 60, 100


def worth_importing(names: Iterable[str], texts: Iterable[str] = ()) -> tuple[str, ...]:
    """Return which of the modules that notebooks import a fork server may import ahead.

    Parameters
    ----------
    names : iterable of str
        With dots; what is no module among them does no harm.
    texts : iterable of str
        All that the course says. A module is left out whose file is spoken of, since a notebook
        may write one of that name; and all are if it is asked which modules there are.

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
    """Import modules, unless a process that tries it first ends, hangs or gets threads by that.

    Parameters
    ----------
    names : iterable of str
        Those that are not there are left out.
    threads : callable
        Counts this process's threads.

    Returns
    -------
    bool
        Whether there is anything new.
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
        # Whatever a library raises here, it will raise in the notebook that needs it.
        with suppress(Exception):
            importlib.import_module(name)
