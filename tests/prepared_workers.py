"""Workers of this machine that run a text of Python before their first job.

They import this module, so it imports no more than it needs.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from nbjudge.grading.workers import local_pool

SERVE = local_pool._serve


def prepare_workers(patch: pytest.MonkeyPatch, text: str) -> None:
    """Let workers that are started from now on run a text first."""
    patch.setattr(local_pool, "_serve", partial(serve_after, text))


def serve_after(text: str, *arguments: Any) -> None:
    exec(text, {})
    SERVE(*arguments)
