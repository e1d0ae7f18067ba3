"""The limits of a submission: time, memory, data, requests."""

from __future__ import annotations

from dataclasses import dataclass

from nbjudge.basics.settings import make_setting
from nbjudge.kernel.wire import ValueBounds

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What one notebook of a submission may use before it is stopped.

    Each field is a setting of `Judge`, except those for which nbgrader has a setting already:
    `cell_seconds` is `Execute.timeout`, and the numbers of output lines are set by `LimitOutput`.
    """

    cell_seconds: int = make_setting(
        120,
        "Seconds for one cell of the student's. It is interrupted then, and ended if that does not "
        "help. `Execute.timeout` sets it.",
        elsewhere=True,
    )
    call_seconds: float = make_setting(
        30.0, "Seconds that a test waits for one call of a student's function."
    )
    exercise_seconds: float = make_setting(
        120.0, "Seconds that all calls of one exercise's tests may take together."
    )
    notebook_seconds: int = make_setting(
        1800, "Seconds for a whole notebook, in all its kernels, its tests included."
    )
    cpu_seconds: int = make_setting(
        1800,
        "Seconds of computing time of all of a submission's processes together, those that have "
        "ended included, in the sandbox.",
    )
    memory_megabytes: int = make_setting(
        4096,
        "Memory of a submission's processes together, with what is in its folders, beyond what "
        "it shares with other kernels, in the sandbox.",
    )
    disk_megabytes: int = make_setting(
        256,
        "Size of all folders together that a submission can write to, which are in memory, in the "
        "sandbox.",
    )
    processes: int = make_setting(200, "Processes and threads of a submission, in the sandbox.")
    open_files: int = make_setting(
        1024, "Files that each process of a submission may have open, in the sandbox."
    )
    requests: int = make_setting(
        5000, "How often one exercise's tests may call what lives in the student's kernel."
    )
    items: int = make_setting(
        10_000,
        "How many values a test takes from an object of the student's that it iterates over.",
    )
    exercise_bytes: int = make_setting(
        256 * 2**20, "Bytes that one exercise's tests and the student's kernel send each other."
    )
    judge_seconds: int = make_setting(
        120, "Seconds of computing of one exercise's tests themselves, calls not counted."
    )
    judge_megabytes: int = make_setting(
        1024, "Memory that one exercise's tests may take for what the student's code gives them."
    )
    output_bytes: int = make_setting(
        10 * 2**20,
        "Bytes that a graded notebook keeps of what it wrote and showed, in 5000 outputs at most; "
        "the rest is left out, and marks stay. One cell that writes ten times as much is stopped.",
    )
    output_lines: int = make_setting(
        1000,
        "Lines of each stream that a graded notebook keeps. `LimitOutput.max_lines` sets it.",
        elsewhere=True,
    )
    traceback_lines: int = make_setting(
        100,
        "Lines of each traceback that it keeps. `LimitOutput.max_traceback` sets it.",
        elsewhere=True,
    )
    new_kernels: int = make_setting(
        20, "How often a notebook gets a fresh kernel because its own died or hung."
    )
    start_seconds: int = make_setting(60, "Seconds for a kernel to come up.", elsewhere=True)
    require_sandbox: bool = make_setting(
        False, "Whether to refuse to grade where there is no sandbox."
    )
    fits_machine: bool = make_setting(
        True,
        "Whether `memory_megabytes` may be less where all workers of a machine would not fit into "
        "it: unless it is set.",
        elsewhere=True,
    )
    value_bytes: int = make_setting(
        ValueBounds().bytes, "Bytes of one value that a test fetches from the student's kernel."
    )

    @property
    def bounds(self) -> ValueBounds:
        """The bounds of one value that leaves the kernel."""
        return ValueBounds(bytes=self.value_bytes)
