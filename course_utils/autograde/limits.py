"""How much a submission may ask for: of time, of data, of patience."""

from __future__ import annotations

from dataclasses import dataclass, field

from course_utils.kernel.wire import Bounds

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What one notebook of a submission may use before it is stopped.

    Parameters
    ----------
    cell_seconds : int
        For one cell of the student's. It is interrupted then, and ended if that does not help.
    call_seconds : float
        For one request of a test: a call of the student's function, say.
    exercise_seconds : float
        For all requests of one exercise's tests together.
    requests : int
        Of one exercise's tests.
    exercise_bytes : int
        Of all requests of one exercise's tests, and the replies to them.
    judge_seconds, judge_megabytes : int
        For the tests of one exercise themselves, in the process that judges: what they compute
        with the values that come from the kernel, and the memory which that takes.
    items : int
        That a test takes from one object that it iterates over.
    notebook_seconds : int
        For the whole notebook, in all its kernels: cells that run again, and tests, included.
    cpu_seconds : int
        Of computing time, for each process.
    memory_megabytes : int
        Beyond what the warm parent shares with all kernels.
    disk_megabytes : int
        For each of the folders that can be written, which are in memory.
    processes : int
        And threads.
    open_files : int
        For each process.
    output_bytes : int
        Of what the notebook writes and shows: the rest is left out. A cell that writes ten times
        as much is stopped, and so is a test whose calls write as much.
    output_lines, traceback_lines : int
        Of each stream and each traceback that a graded notebook keeps.
    new_kernels : int
        How often a notebook gets a fresh kernel because its own was lost.
    start_seconds : int
        For the kernel to come up.
    require_sandbox : bool
        Whether to refuse where nothing confines a kernel.
    fits_machine : bool
        Whether `memory_megabytes` may be less where all workers of a machine would not fit into it.
    bounds : Bounds
        Of one value that leaves the kernel.
    """

    cell_seconds: int = 120
    call_seconds: float = 30.0
    exercise_seconds: float = 120.0
    notebook_seconds: int = 1800
    cpu_seconds: int = 1800
    memory_megabytes: int = 4096
    disk_megabytes: int = 256
    processes: int = 200
    open_files: int = 1024
    requests: int = 5000
    items: int = 10_000
    exercise_bytes: int = 256 * 2**20
    judge_seconds: int = 120
    judge_megabytes: int = 1024
    output_bytes: int = 10 * 2**20
    output_lines: int = 1000
    traceback_lines: int = 100
    new_kernels: int = 20
    start_seconds: int = 60
    require_sandbox: bool = False
    fits_machine: bool = True
    bounds: Bounds = field(default_factory=Bounds)
