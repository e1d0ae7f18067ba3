"""What the fork server of the worker processes imports, once on a machine: see `preload`."""

import json
import os

# Many workers run at once, and each would start a thread for every processor.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from nbjudge.basics.settings import with_tuples  # noqa: E402
from nbjudge.course.plug import Plug  # noqa: E402
from nbjudge.grading.workers import preload  # noqa: E402
from nbjudge.sandbox import warm_kernels  # noqa: E402

if told := os.environ.pop(preload.PRELOADED_MARK, ""):
    plug = Plug(**with_tuples(json.loads(told)))
    warm_kernels.lend(plug)  # the warm parent imports while this process imports the rest

    from nbjudge.judge.knowledge import knowledge

    knowledge(plug)
    if data := plug.module("data"):
        data.read_ahead()

from nbjudge.judge import notebooks  # noqa: E402

__all__ = ["notebooks"]
