"""Imported once on a machine, by the process from which its workers are forked."""

import json
import os

# Workers grade beside each other: each would start a thread for every processor.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from nbjudge.basics.settings import with_tuples  # noqa: E402
from nbjudge.course.plug import Plug  # noqa: E402
from nbjudge.grading.workers import preload  # noqa: E402
from nbjudge.sandbox import warm_kernels  # noqa: E402

if told := os.environ.pop(preload.PRELOADED_MARK, ""):
    plug = Plug(**with_tuples(json.loads(told)))
    warm_kernels.lend(plug)  # it imports what notebooks need while this process imports the rest

    from nbjudge.judge.knowledge import knowledge

    knowledge(plug)
    if data := plug.module("data"):
        data.read_ahead()

from nbjudge.judge import notebooks  # noqa: E402

__all__ = ["notebooks"]
