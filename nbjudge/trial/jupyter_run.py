"""Run a trusted notebook as Jupyter does, in a new kernel without any protection."""

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

#: Attempts to start a kernel: it may fail if another program takes one of its ports.
STARTS = 2


def run_in_jupyter(
    notebook: NotebookNode,
    folder: Path,
    *,
    cell_seconds: int,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> None:
    """Run all cells of a notebook, even after errors, and store their outputs in it.

    Parameters
    ----------
    notebook : NotebookNode
    folder : Path
        The working folder.
    cell_seconds : int
        The time limit of each cell.
    environment : mapping of str to str, optional
        Additional environment variables of the kernel.
    **settings
        Further arguments of `NotebookClient`.

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
            # `client.execute()` would leave an open event loop in each thread that calls it.
            asyncio.run(client.async_execute(env={**os.environ, **(environment or {})}))
        except DeadKernelError:
            raise
        except RuntimeError:
            if start == STARTS:
                raise
        else:
            return
