"""Running a notebook as Jupyter does, in a kernel of its own, with nothing to protect from it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

__all__ = ["run_in_jupyter"]

#: How often a kernel is started: it listens at ports, and another may have taken one.
STARTS = 2


def run_in_jupyter(
    notebook: NotebookNode,
    folder: Path,
    *,
    cell_seconds: int,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> None:
    """Run all cells of a notebook, whatever fails in them; their outputs become those of the cells.

    Parameters
    ----------
    notebook : NotebookNode
    folder : Path
        Where it runs.
    cell_seconds : int
        How long each cell may take.
    environment : mapping of str to str, optional
        What is added to the kernel's environment variables.
    **settings
        Of `NotebookClient`.

    Raises
    ------
    CellTimeoutError
        If a cell takes longer.
    RuntimeError
        If the kernel ends, which is a `DeadKernelError`, or does not start.
    """
    for start in range(1, STARTS + 1):
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=cell_seconds,
            allow_errors=True,
            resources={"metadata": {"path": str(folder)}},
            **settings,
        )
        try:
            # Its own way would leave a loop open in every thread that calls this.
            asyncio.run(client.async_execute(env={**os.environ, **(environment or {})}))
        except DeadKernelError:
            raise
        except RuntimeError:
            if start == STARTS:
                raise
        else:
            return
