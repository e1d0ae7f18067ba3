"""Imported once on a machine, by the process from which its workers are forked."""

import os

# Workers grade beside each other: each would start a thread for every processor.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from course_utils.autograde import forge, quick, warm  # noqa: E402

if quick:  # which comes first
    if os.environ.pop(forge.MARK, ""):
        warm.lend()  # it imports what notebooks need while this process imports the rest
    import distributed.nanny
    import distributed.worker

    from course_utils.autograde import grading
    from course_utils.reference import examine

__all__ = ["distributed", "examine", "grading"]
