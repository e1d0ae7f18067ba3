"""Runs notebooks as nbgrader does in a process beside this one, which judges them meanwhile.

It has to be a process. The judge is forked, and a fork that happens while another thread imports a
module or parses a cell inherits a lock that nobody will ever release.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from nbjudge.course.cells import NotebookVersion
from nbjudge.exceptions import CourseError
from nbjudge.intake.sanitise import sanitise_notebook
from nbjudge.judge.judge import Verdict
from nbjudge.trial.stock import stock_verdicts

if sys.platform == "linux":
    from nbjudge.fork_server import namespaces
if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["StockRun", "Verdicts", "run_beside"]

#: By notebook and grade id.
Verdicts = Mapping[str, Mapping[str, Verdict]]


@dataclass(frozen=True)
class StockRun:
    """Notebooks that are run as they are.

    Parameters
    ----------
    who : str
        Whose they are, as the beginning of a sentence has it.
    notebooks : mapping of str to bytes
    versions : mapping of str to NotebookVersion
        Of each notebook.
    files : mapping of str to bytes
        The files beside the notebooks.
    environment : mapping of str to str
        Environment variables for the notebooks.
    cell_seconds : int
        Time limit for each cell.
    """

    who: str
    notebooks: Mapping[str, bytes]
    versions: Mapping[str, NotebookVersion]
    files: Mapping[str, bytes]
    environment: Mapping[str, str]
    cell_seconds: int

    def verdicts(self) -> Verdicts:
        """Run the notebooks here, and return what their tests give.

        Returns
        -------
        mapping
            By notebook and grade id.

        Raises
        ------
        CourseError
            If a kernel ends, or cannot be interrupted.
        """
        try:
            return {
                name: stock_verdicts(
                    sanitise_notebook(content, self.versions[name]).notebook,
                    files=self.files,
                    skipped=self.versions[name].display,
                    cell_seconds=self.cell_seconds,
                    environment=self.environment,
                )
                for name, content in self.notebooks.items()
            }
        except CourseError as error:
            raise CourseError(f"{self.who} could not be run. {error}") from error


@contextmanager
def run_beside(runs: Sequence[StockRun]) -> Iterator[Callable[[], list[Verdicts]]]:
    """Start all runs in another process, side by side.

    At the end of the block the process is ended, whether it is done or not.

    Yields
    ------
    callable
        Waits for the verdicts, and returns those of each run. It raises what a run raised, and
        CourseError if the process ended.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, runs), name="stock", daemon=True)
    process.start()
    theirs.close()

    def verdicts() -> list[Verdicts]:
        try:
            found = ours.recv()
        except EOFError:
            raise CourseError("The process that runs notebooks as nbgrader does ended.") from None
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    try:
        yield verdicts
    finally:
        ours.close()
        process.terminate()
        process.join()
        process.close()


def _serve(line: Connection, runs: Sequence[StockRun]) -> None:
    """Do all runs, and send their verdicts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt reaches the parent, which ends this
    if sys.platform == "linux":
        namespaces.die_with_parent()
    with ThreadPoolExecutor(len(runs)) as threads:
        running = [threads.submit(run.verdicts) for run in runs]
        try:
            line.send([each.result() for each in running])
        except Exception as error:
            line.send(error)
